"""What a program sends, for its owners: each kind of message with a team's real numbers, and a test to oneself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.clock import now
from nudges import samples
from nudges.samples import Sample
from program.models import Program
from teams.models import Team
from web import access, chat_looks, framed
from web.chat_looks import Look
from web.render import page

MOST_TEAMS = 500


@dataclass
class Context:
    """The samples of one team."""

    template: ClassVar[str] = "pages/nudge-samples.html"
    here: ClassVar[str] = "programs"
    program: Program
    teams: Sequence[Team]
    team: Team | None
    samples: Sequence[Sample]
    looks: Mapping[str, Sequence[Look]]
    """by sample: the same in Slack and Teams"""
    messages: Sequence[str]


@framed.host
@require_safe
def overview(request: HttpRequest, key: str) -> HttpResponse:
    """Every kind; ?team= chooses whose numbers, otherwise those of the first team by name."""
    program = access.owned_program(request, key)
    teams = _teams(program)
    team = _chosen(teams, request.GET.get("team", ""))
    shown = samples.of_team(program, team, access.person(request), now()) if team else []
    said = [str(message) for message in messages.get_messages(request)]
    looks = {sample.key: chat_looks.of_card(sample.words.card) for sample in shown}
    return page(request, Context(program, teams[:MOST_TEAMS], team, shown, looks, said))


@framed.document
@require_safe
def html(request: HttpRequest, key: str, team: str, kind: str) -> HttpResponse:
    """One sample's HTML part as a document of its own."""
    return HttpResponse(_one(request, key, team, kind)[2].words.html)


@require_POST
def test(request: HttpRequest, key: str, team: str, kind: str) -> HttpResponse:
    """Send one to where the asker's own digests go."""
    program, about, sample = _one(request, key, team, kind)
    person = access.person(request)
    row = samples.send(sample, program, about, person, now())
    messages.info(request, f"A test of “{sample.title}” goes to {row.shown_address} with the next round.")
    return redirect(f"{reverse('nudge-samples', args=[program.key])}?team={about.key}#{sample.key}")


def _one(request: HttpRequest, key: str, team: str, kind: str) -> tuple[Program, Team, Sample]:
    program = access.owned_program(request, key)
    about = next((one for one in _teams(program) if one.key == team), None)
    found = samples.of_team(program, about, access.person(request), now(), only=kind) if about else []
    sample = next((one for one in found if one.key == kind), None)
    if about is None or sample is None:
        raise Http404
    return program, about, sample


def _teams(program: Program) -> list[Team]:
    """The teams with a goal of the program."""
    return list(Team.objects.filter(goals__program=program, goals__ended_on=None).distinct().order_by("name", "pk"))


def _chosen(teams: Sequence[Team], key: str) -> Team | None:
    if not key:
        return teams[0] if teams else None
    found = next((team for team in teams if team.key == key), None)
    if found is None:
        raise Http404
    return found

"""The lists of programs and of teams, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.clock import now, today
from program.drafts import may_start
from program.models import Program, ScoreVersion
from teams.models import Team
from web import access, lines
from web.lines import ProgramLine, TeamLine
from web.render import page

LONGEST_FILTER = 80


@dataclass
class ProgramsContext:
    """The list of programs."""

    template: ClassVar[str] = "pages/programs.html"
    here: ClassVar[str] = "programs"
    lines: Sequence[ProgramLine]
    sentence: str
    on: date
    q: str
    may_start: bool


@dataclass
class TeamsContext:
    """The list of teams."""

    template: ClassVar[str] = "pages/teams.html"
    here: ClassVar[str] = "teams"
    lines: Sequence[TeamLine]
    sentence: str
    on: date
    q: str
    scores: Sequence[ScoreVersion]


@require_safe
def programs(request: HttpRequest) -> HttpResponse:
    """All programs this person may see, or those with ?q= in their name."""
    q = _filter(request)
    user = access.person(request)
    found = Program.objects.visible_to(user).select_related("sponsor")
    if q:
        found = found.filter(Q(name__icontains=q) | Q(key__icontains=q))
    held = list(found)
    days = {program.pk: today(program.review_zone) for program in held}
    shown = lines.of_programs(held, days)
    on = max(days.values(), default=today("UTC"))
    return page(request, ProgramsContext(shown, lines.said_of_programs(shown), on, q, may_start(user)))


@require_safe
def teams(request: HttpRequest) -> HttpResponse:
    """All teams this person may see, or those with ?q= in their name or their group's."""
    q = _filter(request)
    found = Team.objects.visible_to(access.person(request)).leaves().select_related("parent")
    if q:
        found = found.filter(Q(name__icontains=q) | Q(key__icontains=q) | Q(parent__name__icontains=q))
    moment, held = now(), list(found)
    days = {team.pk: today(team.time_zone, moment) for team in held}
    shown = lines.of_teams(held, access.goals(request), days)
    on = max(days.values(), default=moment.date())
    return page(request, TeamsContext(shown, lines.said_of_teams(shown), on, q, _scores(request)))


def _scores(request: HttpRequest) -> Sequence[ScoreVersion]:
    """The newest version of each composite score this person may see."""
    return list({one.key: one for one in access.scores(request)}.values())


def _filter(request: HttpRequest) -> str:
    """What the names shall contain; a null byte would be an error of the database."""
    return request.GET.get("q", "").replace("\0", "").strip()[:LONGEST_FILTER]

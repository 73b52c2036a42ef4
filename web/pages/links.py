"""Share links and badges of a program or a team: which there are, making one that is shown once, ending one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar
from urllib.parse import quote

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts import share_links
from accounts.clock import now
from accounts.models import ShareLink
from program import wording
from program.models import Program
from teams.models import Team
from web import access, sharing
from web.render import page
from web.sharing import Thing

SPANS = {"7": "a week", "30": "30 days", "90": "90 days", "365": "a year"}
LONGEST = 200


@dataclass(frozen=True)
class Line:
    """One link and how it stands."""

    link: ShareLink
    live: bool
    state: str


@dataclass
class Context:
    """The links of a program or of a team. `address` is one that is shown this once, `markdown` a badge's."""

    template: ClassVar[str] = "pages/links.html"
    here: ClassVar[str] = ""
    program: Program | None
    team: Team | None
    sentence: str
    lines: Sequence[Line]
    shown: Sequence[Thing]
    badges: Sequence[Thing]
    spans: Mapping[str, str]
    messages: Sequence[str]
    address: str = ""
    markdown: Sequence[tuple[str, str]] = ()
    problem: str = ""
    typed: Mapping[str, str] = field(default_factory=lambda: {"scope": "", "label": "", "days": ""})


@require_http_methods(["GET", "HEAD", "POST"])
def of_program(request: HttpRequest, key: str) -> HttpResponse:
    """The links to a program's page, for its owners."""
    program = access.owned_program(request, key)
    return _answer(request, program, None)


@require_http_methods(["GET", "HEAD", "POST"])
def of_team(request: HttpRequest, key: str) -> HttpResponse:
    """The links to a team's scorecard and its badges, for who speaks for the team and owners of its programs."""
    team = access.team(request, key)
    if not sharing.may_share(access.person(request), team):
        raise Http404
    return _answer(request, None, team)


def _answer(request: HttpRequest, program: Program | None, team: Team | None) -> HttpResponse:
    moment = now()
    if request.method != "POST":
        return page(request, _context(request, program, team, moment))
    context = _context(request, program, team, moment)
    typed = {name: request.POST.get(name, "").strip() for name in ("scope", "label", "days")}
    context.problem = _fault(typed, {one.scope for one in (*context.shown, *context.badges)})
    if context.problem:
        context.typed = {name: value.replace("\0", "")[:LONGEST] for name, value in typed.items()}
        return page(request, context, status=400)
    by = access.person(request)
    _, secret = share_links.make(typed["label"], typed["scope"], by=by, now=moment, days=int(typed["days"]))
    context = _context(request, program, team, moment)
    if typed["scope"].startswith("badge:"):
        context.markdown = _markdown(request, secret, typed["label"], team)
    else:
        context.address = request.build_absolute_uri(reverse("share-enter", args=[secret]))
    return page(request, context)


def _fault(typed: Mapping[str, str], may: set[str]) -> str:
    """What is wrong with a form, or nothing."""
    if typed["scope"] not in may:
        return "Something of this page was expected: choose what the link shows."
    if not typed["label"] or len(typed["label"]) > LONGEST or "\0" in typed["label"]:
        return f"A label of 1 to {LONGEST} characters was expected: say whom the link is for."
    if typed["days"] not in SPANS:
        return f"An end was expected: after {', '.join(SPANS.values())}."
    return ""


def _markdown(request: HttpRequest, secret: str, label: str, team: Team | None) -> list[tuple[str, str]]:
    """What to paste: a picture of our own that leads to the scorecard, and the same by Shields."""
    picture = request.build_absolute_uri(reverse("badge-svg", args=[secret]))
    endpoint = request.build_absolute_uri(reverse("badge-json", args=[secret]))
    there = request.build_absolute_uri(reverse("team", args=[team.key]) if team else "/")
    alt = label.translate(str.maketrans("[]", "()"))
    by_shields = f"https://img.shields.io/endpoint?url={quote(endpoint, safe='')}"
    return [
        ("Markdown", f"[![{alt}]({picture})]({there})"),
        ("The same drawn by Shields, which has to reach this service", f"[![{alt}]({by_shields})]({there})"),
    ]


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End a link: it shows nothing any more, also to who has it open."""
    link = get_object_or_404(ShareLink.objects.select_related("created_by"), pk=pk)
    by = access.person(request)
    if not sharing.may_revoke(by, link):
        raise Http404
    done = share_links.revoke(link, by=by, now=now())
    messages.info(request, f"{link.label} shows nothing any more." if done else f"{link.label} was ended before.")
    return redirect(_back(request, link))


def _back(request: HttpRequest, link: ShareLink) -> str:
    """Where the link stands in a list, if this person sees that list; else home."""
    kind, _, key = link.scope.removeprefix("badge:").partition(":")
    user = access.person(request)
    if kind == "program":
        mine = Program.objects.run_by(user).filter(key=key).exists()
        return reverse("program-links", args=[key]) if mine else reverse("home")
    team = Team.objects.leaves().filter(key=key.rpartition("/")[2]).first()
    return reverse("team-links", args=[team.key]) if team and sharing.may_share(user, team) else reverse("home")


def _context(request: HttpRequest, program: Program | None, team: Team | None, moment: datetime) -> Context:
    shown = sharing.of_program(program) if program else sharing.of_team(team) if team else []
    held = sharing.links_of_team(team) if team else sharing.links_of(shown)
    lines = [_line(link, moment) for link in held]
    return Context(
        program=program,
        team=team,
        sentence=_sentence(lines),
        lines=sorted(lines, key=lambda line: not line.live),
        shown=shown,
        badges=sharing.badges_of(team) if team else [],
        spans=SPANS,
        messages=[str(message) for message in messages.get_messages(request)],
    )


def _line(link: ShareLink, moment: datetime) -> Line:
    live = share_links.is_live(link, moment)
    if live:
        return Line(link, True, "shows it")
    return Line(link, False, "ended" if link.revoked_at else "expired" if link.expires_at else "ended")


def _sentence(lines: Sequence[Line]) -> str:
    live = sum(line.live for line in lines)
    if not live:
        return "Nothing of it is shown to who does not sign in."
    return f"{wording.count(live, 'link')} {'shows' if live == 1 else 'show'} something of it to who does not sign in."

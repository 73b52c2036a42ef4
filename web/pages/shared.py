"""What a share link shows: one scorecard or one program, read only, without names of persons, and nothing else.

The address with the secret gives a short-lived cookie and leads on, so that the secret leaves the address bar. The
cookie names the link; whether the link still shows anything is asked at each request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_safe
from markupsafe import Markup

from accounts import share_links
from accounts.clock import now, today
from accounts.models import ShareLink
from program.models import Program
from teams.goal_facts import goals_on
from teams.goal_why import of_goals
from teams.goal_words import needs
from teams.models import Goal, Team
from web import access, dashboard, freshness, goal_charts, overview
from web.crumbs import CrumbView, Reader
from web.dashboard import Picture
from web.figures import figure_answer
from web.goals import GoalView, goal_views, start_here

LASTS = timedelta(hours=12)
SALT = "share link"


@dataclass
class TeamContext:
    """A scorecard today, for who does not sign in."""

    template: ClassVar[str] = "pages/shared-team.html"
    team: Team
    on: date
    sentence: str
    start: tuple[GoalView, CrumbView, str] | None
    goals: Sequence[GoalView]
    until: datetime | None


@dataclass
class ProgramContext:
    """A program today, for who does not sign in. `heat` is the picture's table without its links."""

    template: ClassVar[str] = "pages/shared-program.html"
    program: Program
    on: date
    today: date
    standing: str
    picture: Picture
    heat: Markup
    charts: str
    until: datetime | None


@dataclass
class OverContext:
    """A link that shows nothing any more."""

    template: ClassVar[str] = "pages/shared-over.html"


@login_not_required
@require_safe
def enter(request: HttpRequest, secret: str) -> HttpResponse:
    """Swap the secret for a cookie, and lead on to the page."""
    link = share_links.recognize(secret, now()) if secret.isascii() and len(secret) < 100 else None
    if link is None or link.scope.startswith("badge:"):
        return _over(request)
    here = reverse("shared", args=[link.pk])
    answer = redirect(here)
    answer.set_signed_cookie(
        _cookie(link.pk), str(link.pk), salt=SALT, max_age=int(LASTS.total_seconds()), path=here, httponly=True,
        samesite="Lax", secure=bool(settings.SESSION_COOKIE_SECURE),
    )  # fmt: skip
    return _private(answer)


@login_not_required
@require_safe
def shared(request: HttpRequest, pk: int) -> HttpResponse:
    """The page that the link shows."""
    link = _held(request, pk)
    if link is None:
        return _over(request)
    kind, _, key = link.scope.partition(":")
    context: Any
    if kind == "team":
        context = _team(get_object_or_404(Team.objects.leaves(), key=key), link)
    else:
        context = _program(get_object_or_404(Program, key=key), link, request.GET.get("sort", "")[:81])
    return _shown(request, context)


@login_not_required
@require_safe
def chart(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """A figure of the page: of a goal of the team, by its id, or of a metric of the program, by its key."""
    link = _held(request, pk)
    if link is None or "\0" in name:
        raise Http404
    kind, _, key = link.scope.partition(":")
    if kind == "team":
        return _private(figure_answer(request, _goal_figure(request, key, name)))
    found = get_object_or_404(Program, key=key)
    on = _day_of(found, now())
    return _private(figure_answer(request, dashboard.total_figure(found, name, on)))


def _goal_figure(request: HttpRequest, key: str, name: str) -> Any:
    team = get_object_or_404(Team.objects.leaves(), key=key)
    if not (name.isascii() and name.isdecimal() and len(name) < 19):
        raise Http404
    goal = get_object_or_404(_goals().on_scorecards(), team=team, pk=int(name))
    on = today(team.time_zone)
    return goal_charts.figure(goal.pk, on, access.day(request, on, "from"), access.day(request, on, "until"))


def _goals() -> Any:
    """What a program shows to one group only is on no shared scorecard."""
    return Goal.objects.shared_widely()


def _team(team: Team, link: ShareLink) -> TeamContext:
    on = today(team.time_zone)
    goals = goals_on(team, on, on, _goals())
    views = goal_views(team, on, goals, {}, {}, Reader(), of_goals(team, goals), {})
    there, here = reverse("team", args=[team.key]), reverse("shared", args=[link.pk])
    views = [replace(view, chart=view.chart.replace(there, here, 1)) for view in views]
    return TeamContext(team, on, needs(goals, whom="the team"), start_here(views), views, link.expires_at)


def _program(found: Program, link: ShareLink, sort: str) -> ProgramContext:
    moment = now()
    present = today(found.review_zone, moment)
    on = _day_of(found, moment)
    picture = dashboard.kept(found, on, present, sort, freshness.rests_on(found, on, moment))
    return ProgramContext(
        program=found,
        on=on,
        today=present,
        standing=overview.standing(found),
        picture=picture,
        heat=dashboard.unlinked(picture.heat),
        charts=reverse("shared", args=[link.pk]) + "charts/",
        until=link.expires_at,
    )


def _day_of(found: Program, moment: datetime) -> date:
    """Today; a program that is over is shown at its end."""
    present = today(found.review_zone, moment)
    return min(present, found.ended_on or present)


def _held(request: HttpRequest, pk: int) -> ShareLink | None:
    """The link whose cookie the visitor holds, if it shows anything still."""
    said = request.get_signed_cookie(_cookie(pk), default=None, salt=SALT, max_age=LASTS)
    if said != str(pk):
        return None
    link = share_links.still(pk, now())
    return None if link is None or link.scope.startswith("badge:") else link


def _cookie(pk: int) -> str:
    return f"shared-{pk}"


def _over(request: HttpRequest) -> HttpResponse:
    return _shown(request, OverContext(), status=404)


def _shown(request: HttpRequest, context: Any, status: int = 200) -> HttpResponse:
    """A page without the visitor: whoever is signed in sees no more here than others."""
    names = {name: getattr(context, name) for name in context.__dataclass_fields__}
    return _private(render(request, context.template, names, status=status, using="jinja2"))


def _private(answer: HttpResponse) -> HttpResponse:
    """Kept by no cache, found by no search, told to no other site."""
    add_never_cache_headers(answer)
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex"
    return answer

"""A team's scorecard: worst first, each goal with its path, its trail and how to go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.clock import now, today
from accounts.models import User
from nudges.models import Nudge
from program import wording
from program.models import MetricVersion, Playbook
from program.rules.status import SHORT
from program.rules.trail import Crumb
from teams.boards import series_of
from teams.models import Membership, Standing, Team
from teams.scorecards import GoalCard, build
from teams.standings import compute
from teams.terms import in_force
from web import access, charts
from web.figures import figure_answer
from web.render import page

CRUMBS = 5
TOLD = 6


@dataclass(frozen=True)
class GoalView:
    """One goal as its part of the page says it."""

    card: GoalCard
    sentence: str
    crumbs: Sequence[Crumb]
    more: int
    playbook: Playbook | None
    chart: str
    chart_told: str
    open: bool


@dataclass
class Context:
    """The scorecard page."""

    template: ClassVar[str] = "pages/team.html"
    here: ClassVar[str] = "teams"
    team: Team
    on: date
    today: date
    lead: User | None
    sentence: str
    start_here: str
    goals: Sequence[GoalView]
    programs: int
    as_judged: bool
    told: Sequence[Nudge]


@require_safe
def team(request: HttpRequest, key: str) -> HttpResponse:
    """The scorecard on a day: today, or the one in ?on=."""
    found = access.team(request, key)
    present = today(found.time_zone)
    on = access.day(request, present)
    card = build(found, on, access.goals(request))
    views = [_view(goal, on, found.key) for goal in card.goals]
    context = Context(
        team=found,
        on=on,
        today=present,
        lead=User.objects.filter(memberships__team=found, memberships__role=Membership.Role.LEAD).first(),
        sentence=_sentence(card.goals),
        start_here=_start_here(card.goals),
        goals=views,
        programs=len({goal.goal.program_id for goal in card.goals}),
        as_judged=on != present and Standing.objects.filter(goal__team=found, day=on).exists(),
        told=_told(request, found),
    )
    return page(request, context)


@require_safe
def chart(request: HttpRequest, key: str, goal: int) -> HttpResponseBase:
    """The figure of one goal as JSON; unchanged, it is not sent again."""
    found = access.team(request, key)
    on = access.day(request, today(found.time_zone))
    mine = access.goals(request).on_scorecards().filter(team=found, pk=goal)
    get_object_or_404(mine)
    (on_day,) = in_force([goal], lambda _zone: on)
    judged, _ = compute([on_day])
    version = MetricVersion.objects.get(pk=on_day.metric_version)
    opened = version.metric.versions.filter(number__gt=1).values_list("opened_at", flat=True)
    figure = charts.goal_figure(
        version, on_day.terms, judged[0].judgment, series_of(on_day), [moment.date() for moment in opened]
    )
    return figure_answer(request, figure)


def _view(card: GoalCard, on: date, team_key: str) -> GoalView:
    j = card.judgment
    return GoalView(
        card=card,
        sentence=_goal_sentence(card),
        crumbs=card.trail[:CRUMBS],
        more=max(0, len(card.trail) - CRUMBS),
        playbook=getattr(card.goal.metric, "playbook", None),
        chart=f"/teams/{team_key}/charts/{card.goal.pk}.json?on={on.isoformat()}",
        chart_told=_chart_told(card),
        open=j.status in SHORT or card.held or j.slipped,
    )


def _chart_told(card: GoalCard) -> str:
    """What the chart shows, for who does not see it: from where to where, by when."""
    j, unit, aggregation = card.judgment, card.version.unit, card.version.aggregation
    if j.value is None:
        return f"{card.goal.metric.name} over time; there is no value yet."
    said = f"{wording.value(j.value, unit, aggregation)} as of {wording.day(j.as_of)}"
    if j.baseline is not None:
        said = f"{wording.value(j.baseline, unit, aggregation)} at the baseline, {said}"
    if j.target is not None:
        said += f"; the path leads to {wording.value(j.target, unit, aggregation)} on {wording.day(card.terms.due)}"
    return f"{said[0].upper()}{said[1:]}."


def _goal_sentence(card: GoalCard) -> str:
    """The first line of a goal: where it stands, in words."""
    j, unit, aggregation = card.judgment, card.version.unit, card.version.aggregation
    if j.reason:
        return f"{j.reason[0].upper()}{j.reason[1:]}."
    if j.value is None or j.target is None:
        return ""
    by = f"{wording.value(j.target, unit, aggregation)} by {wording.day(card.terms.due)}"
    if j.status == "met":
        return f"At its target of {wording.value(j.target, unit, aggregation)}."
    if j.status == "upcoming":
        return f"Begins on {wording.day(card.terms.start)}; target {by}."
    if j.status == "exempt":
        return f"Exempt today; target {by}."
    short = wording.gap(j.gap, unit, aggregation)
    if j.status == "on track":
        return f"On its path; {short} to go to {by}."
    level = "target" if j.status == "overdue" else "path"
    back = wording.count(len(card.trail), "item")
    verb = "brings" if len(card.trail) == 1 else "bring"
    trail = f"; {back} {verb} it back" if card.trail and card.trail[-1].closes == 1 else ""
    slipped = "It was on its path at the last measurement. " if j.slipped else ""
    return f"{slipped}{short[0].upper()}{short[1:]} from its {level}{trail}."


def _sentence(cards: Sequence[GoalCard]) -> str:
    short = [card for card in cards if card.status in SHORT]
    if not cards:
        return ""
    if not short:
        unknown = sum(1 for card in cards if card.status in ("no data", "stale"))
        tail = f" {wording.count(unknown, 'goal')} cannot be judged: see why below." if unknown else ""
        return f"Nothing needs you today.{tail}"
    return f"{len(short)} of {wording.count(len(cards), 'goal')} {'needs' if len(short) == 1 else 'need'} you."


def _start_here(cards: Sequence[GoalCard]) -> str:
    """The one item to begin with, and what it closes."""
    for card in cards:
        if card.status in SHORT and card.trail:
            first = card.trail[0]
            closes = f", closes {wording.share(first.closes)} of the gap" if first.closes is not None else ""
            return f"{wording.item(first.item)} ({card.goal.metric.name}{closes})"
    return ""


def _told(request: HttpRequest, found: Team) -> Sequence[Nudge]:
    """What was said of this team's goals lately, to those who may read it: the receivers, their mates and owners."""
    user = access.person(request)
    said = Nudge.objects.said().filter(goal__team=found, day__lte=now().date()).select_related("person", "goal__metric")
    if not found.memberships.filter(user=user).exists():
        said = said.visible_to(user)
    return list(said.order_by("-day", "goal__metric__key")[:TOLD])

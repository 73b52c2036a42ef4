"""One goal as a scorecard says it: its sentences, its anchor, its trail with links, and where its number came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote

from django.urls import reverse

from program import wording
from program.models import Playbook
from program.rules.status import SHORT
from program.rules.trail import Crumb
from teams.goal_facts import Arrival, GoalFacts
from teams.models import Standing, Team

CRUMBS, CRUMBS_AT_MOST = 5, 200
BEFORE_THE_START = timedelta(days=120)
AFTER_THE_DUE_DAY = timedelta(days=14)


@dataclass(frozen=True)
class CrumbView:
    """One item of a trail: `own` and `before` are what it and those before it close of the gap."""

    crumb: Crumb
    number: int
    link: str
    before: float


@dataclass(frozen=True)
class GoalView:
    """One goal as its part of the page says it."""

    goal: GoalFacts
    anchor: str
    first_of_metric: bool
    sentence: str
    late: str
    crumbs: Sequence[CrumbView]
    rest: Sequence[CrumbView]
    unshown: int
    playbook: Playbook | None
    check: str
    chart: str
    chart_told: str
    came: Arrival | None
    said_then: Standing | None
    open: bool


def anchor(metric: str, program: str) -> str:
    """Where a goal stands on its team's scorecard: programs may share a metric, so that it takes both keys."""
    return f"goal-{metric}-{program}"


def goal_views(
    team: Team,
    on: date,
    goals: Sequence[GoalFacts],
    came: Mapping[tuple[int, date], Arrival],
    said: Mapping[int, Standing],
) -> list[GoalView]:
    """The goals of a scorecard, in its order; their charts share one time axis."""
    first_of = {goal.metric: goal.pk for goal in reversed(goals)}
    first, last = _span(goals, on)
    # Made once: looking an address up for every goal costs more than judging it.
    charts = reverse("team", args=[team.key]) + "charts/"
    days = f"?on={on.isoformat()}&from={first.isoformat()}&until={last.isoformat()}"
    return [
        _view(goal, first_of[goal.metric] == goal.pk, f"{charts}{goal.pk}.json{days}", came, said) for goal in goals
    ]


def start_here(views: Sequence[GoalView]) -> tuple[GoalView, CrumbView] | None:
    """The goal and its item to begin with: the first of the worst goal that has any."""
    return next(((v, v.crumbs[0]) for v in views if v.goal.status in SHORT and v.crumbs), None)


def _span(goals: Sequence[GoalFacts], on: date) -> tuple[date, date]:
    """The days that all charts of the page show, so that they can be compared."""
    first = min((goal.start for goal in goals), default=on)
    last = max((goal.due for goal in goals), default=on)
    return first - BEFORE_THE_START, max(last, on) + AFTER_THE_DUE_DAY


def _view(
    goal: GoalFacts,
    first_of_metric: bool,
    chart: str,
    came: Mapping[tuple[int, date], Arrival],
    said: Mapping[int, Standing],
) -> GoalView:
    playbook = goal.playbook
    crumbs = _crumbs(goal.trail[:CRUMBS_AT_MOST], playbook)
    return GoalView(
        goal=goal,
        anchor=anchor(goal.metric_key, goal.program_key),
        first_of_metric=first_of_metric,
        sentence=sentence(goal),
        late=_late(goal),
        crumbs=crumbs[:CRUMBS],
        rest=crumbs[CRUMBS:],
        unshown=len(goal.trail) - len(crumbs),
        playbook=playbook,
        check=playbook.verify_for(crumbs[0].crumb.item if crumbs else "{item}") if playbook and playbook.verify else "",
        chart=chart if goal.as_of else "",
        chart_told=_chart_told(goal),
        came=came.get((goal.version, goal.as_of)) if goal.as_of else None,
        said_then=_said_then(goal, said.get(goal.pk)),
        open=goal.status in SHORT or goal.held or goal.slipped,
    )


def _crumbs(trail: Sequence[Crumb], playbook: Playbook | None) -> list[CrumbView]:
    found, before = [], 0.0
    for number, crumb in enumerate(trail, start=1):
        found.append(CrumbView(crumb, number, _link(playbook, crumb.item), before))
        before = crumb.closes or 0.0
    return found


def _link(playbook: Playbook | None, item: str) -> str:
    """Where the item is to be seen. Items come from feeds and addresses from a file: only http(s) becomes a link."""
    address = playbook.item_link if playbook else ""
    if not item or not address.startswith(("https://", "http://")):
        return ""
    return address.replace("{item}", quote(item))


def _said_then(goal: GoalFacts, kept: Standing | None) -> Standing | None:
    """What was said on a past day, where today's observations say something else."""
    if kept is None:
        return None
    unit, aggregation = goal.unit, goal.aggregation
    now = (str(goal.status), wording.value(goal.value, unit, aggregation))
    return kept if (kept.status, wording.value(kept.value, unit, aggregation)) != now else None


def _late(goal: GoalFacts) -> str:
    """The forecast beside the due day, in words."""
    reaches, due = goal.forecast, goal.due
    if reaches is None:
        return "at the pace of the last 90 days"
    days = (reaches - due).days
    if days <= 0:
        return "in time"
    if days < 14:
        return f"{wording.count(days, 'day')} late"
    if days < 120:
        return f"{wording.count(round(days / 7), 'week')} late"
    if days < 730:
        return f"{wording.count(round(days / 30.44), 'month')} late"
    return f"{wording.count(round(days / 365.25), 'year')} late"


def _chart_told(goal: GoalFacts) -> str:
    """What the chart shows, for who does not see it: from where to where, by when."""
    unit, aggregation = goal.unit, goal.aggregation
    if goal.value is None:
        return f"{goal.metric_name} over time; there is no value on this day."
    said = f"{wording.value(goal.value, unit, aggregation)} as of {wording.day(goal.as_of)}"
    if goal.baseline is not None:
        said = f"{wording.value(goal.baseline, unit, aggregation)} at the baseline, {said}"
    if goal.target is not None:
        said += f"; the path leads to {wording.value(goal.target, unit, aggregation)} on {wording.day(goal.due)}"
    return f"{said[0].upper()}{said[1:]}."


def sentence(goal: GoalFacts) -> str:
    """The first line of a goal: where it stands, in words."""
    unit, aggregation = goal.unit, goal.aggregation
    if goal.reason:
        rests = " Nobody is nudged for this." if goal.status == "stale" else ""
        return f"{goal.reason[0].upper()}{goal.reason[1:]}.{rests}"
    if goal.value is None or goal.target is None:
        return ""
    by = f"{wording.value(goal.target, unit, aggregation)} by {wording.day(goal.due)}"
    if goal.status == "met":
        return f"At its target of {wording.value(goal.target, unit, aggregation)}."
    if goal.status == "upcoming":
        return f"Begins on {wording.day(goal.start)}; target {by}."
    if goal.status == "exempt":
        return f"Exempt today; target {by}."
    short = wording.gap(goal.gap, unit, aggregation)
    if goal.status == "on track":
        return f"On its path; {short} to go to {by}."
    level = "target" if goal.status == "overdue" else "path"
    back = wording.count(len(goal.trail), "item")
    verb = "brings" if len(goal.trail) == 1 else "bring"
    trail = f"; {back} {verb} it back" if goal.trail and goal.trail[-1].closes == 1 else ""
    if level == "target" and trail:
        trail = f"; {back} {verb} it there"
    slipped = "It was on its path at the last measurement. " if goal.slipped else ""
    return f"{slipped}{short[0].upper()}{short[1:]} from its {level}{trail}."

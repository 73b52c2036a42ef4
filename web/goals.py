"""One goal as a scorecard says it: its sentences, its anchor, its trail with links, and where its number came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import quote

from django.urls import reverse

from program import wording
from program.models import Playbook
from program.rules.forecast import WINDOW_DAYS
from program.rules.status import SHORT
from teams.goal_facts import Arrival, GoalFacts
from teams.goal_why import Why
from teams.goal_words import anchor, effort, gains, sentence
from teams.models import Standing, Team
from teams.open_matters import Matter
from web.crumbs import CrumbView, Reader, TakenView, crumb_views

CRUMBS, CRUMBS_AT_MOST = 5, 200
BEFORE_THE_START = timedelta(days=120)
AFTER_THE_DUE_DAY = timedelta(days=14)


@dataclass(frozen=True)
class Beside:
    """What stands beside a goal: why it is the team's, its own page, and what is open about it."""

    why: Why
    page: str
    open: Sequence[Matter]


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
    takes: str
    elsewhere: Sequence[TakenView]
    done: Sequence[TakenView]
    playbook: Playbook | None
    check: str
    chart: str
    chart_told: str
    came: Arrival | None
    said_then: Standing | None
    open: bool
    beside: Beside


def goal_views(
    team: Team,
    on: date,
    goals: Sequence[GoalFacts],
    came: Mapping[tuple[int, date], Arrival],
    said: Mapping[int, Standing],
    reader: Reader,
    whys: Mapping[int, Why],
    matters: Mapping[int, Sequence[Matter]],
) -> list[GoalView]:
    """The goals of a scorecard, in its order; their charts share one time axis."""
    first_of = {goal.metric: goal.pk for goal in reversed(goals)}
    first, last = _span(goals, on)
    # Made once: looking an address up for every goal costs more than judging it.
    here = reverse("team", args=[team.key])
    days = f"?on={on.isoformat()}&from={first.isoformat()}&until={last.isoformat()}"
    return [
        _view(
            team, goal, first_of[goal.metric] == goal.pk, f"{here}charts/{goal.pk}.json{days}", came, said, reader,
            Beside(
                whys[goal.pk], f"{here}goals/{quote(goal.program_key)}/{quote(goal.metric_key)}/",
                matters.get(goal.pk, ()),
            ),
        )
        for goal in goals
    ]  # fmt: skip


def start_here(views: Sequence[GoalView]) -> tuple[GoalView, CrumbView, str] | None:
    """The goal and its item to begin with, and what it gains: the first of the worst goal that nobody else is on."""
    short = [(view, one) for view in views if view.goal.status in SHORT for one in view.crumbs]
    free = (pair for pair in short if pair[1].taken is None or pair[1].taken.mine or pair[1].taken.left)
    view, one = next(free, short[0] if short else (None, None))
    return None if view is None or one is None else (view, one, gains(view.goal, one.crumb, one.before))


def _span(goals: Sequence[GoalFacts], on: date) -> tuple[date, date]:
    """The days that all charts of the page show, so that they can be compared."""
    first = min((goal.start for goal in goals), default=on)
    last = max((goal.due for goal in goals), default=on)
    return first - BEFORE_THE_START, max(last, on) + AFTER_THE_DUE_DAY


def _view(
    team: Team,
    goal: GoalFacts,
    first_of_metric: bool,
    chart: str,
    came: Mapping[tuple[int, date], Arrival],
    said: Mapping[int, Standing],
    reader: Reader,
    beside: Beside,
) -> GoalView:
    playbook = goal.playbook
    taken = reader.open_on(team, goal.metric)
    crumbs = crumb_views(team, goal, goal.trail[:CRUMBS_AT_MOST], taken, now=reader.user is not None)
    shown = {one.digest for one in crumbs}
    check = "" if playbook is None or any(one.check for one in crumbs) else playbook.verify
    return GoalView(
        goal=goal,
        anchor=anchor(goal.metric_key, goal.program_key),
        first_of_metric=first_of_metric,
        sentence=sentence(goal),
        late=_late(goal),
        crumbs=crumbs[:CRUMBS],
        rest=crumbs[CRUMBS:],
        unshown=len(goal.trail) - len(crumbs),
        takes=effort(playbook, len(goal.trail)) if goal.trail else "",
        elsewhere=[one for digest, one in taken.items() if digest not in shown],
        done=reader.done_on(team, goal.metric),
        playbook=playbook,
        check=check,
        chart=chart if goal.as_of else "",
        chart_told=chart_told(goal),
        came=came.get((goal.version, goal.as_of)) if goal.as_of else None,
        said_then=_said_then(goal, said.get(goal.pk)),
        open=goal.status in SHORT or goal.held or goal.slipped,
        beside=beside,
    )


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
        return f"at its own pace of the last {WINDOW_DAYS} days"
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


def chart_told(goal: GoalFacts) -> str:
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

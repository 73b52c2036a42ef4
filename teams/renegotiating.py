"""Other terms for one team: what an owner agrees with it, or sets; its baseline taken anew; what that would mean.

What one team agreed is a goal line of its own at the end of the program's rules (the later line wins), so that the
program's file and its pages say the same. What was in force before stays on the goal's history, and what was judged
stays as it was judged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from accounts.audit import record
from accounts.clock import today
from accounts.models import User
from program import wording
from program.models import GoalRule, MetricVersion, Program
from program.rules.forecast import FEWEST_POINTS, WINDOW_DAYS, slope
from program.rules.numbers import equal, reached
from program.rules.series import points, with_value
from program.rules.status import Judgment, Terms

from .goals import asked_by, change_terms, take_turn
from .models import Goal, GoalTerms
from .standings import compute, judge_goals
from .terms import in_force
from .typed import Unfit

LARGEST = 1e15


@dataclass(frozen=True, slots=True)
class Meaning:
    """What other terms would mean today: the judgment by them, and the pace they ask beside the pace there was.

    Paces are per day and None where there is none: no path yet, or too few measurements in 90 days.
    """

    terms: Terms
    version: MetricVersion
    judgment: Judgment
    pace: float | None
    pace_now: float | None
    milestones_left_out: int


def after_the_end(program: Program, due: date) -> str:
    """That a due day lies after the program's end, which is allowed and said wherever it is asked; else empty."""
    if due <= program.end:
        return ""
    return (
        f"The program ends on {wording.day(program.end)}, before {wording.day(due)}: "
        "whether it goes on is decided then."
    )


def newest_terms(goal: Goal) -> GoalTerms:
    """The goal's newest terms; a goal always has some."""
    found = goal.terms.select_related("metric_version", "set_by").order_by("-effective_from").first()
    if found is None:
        raise Unfit("This goal has no terms yet: the program's file gives it some.")
    return found


def asked_anew(
    terms: GoalTerms, day: date, *, target: float | None, due: date | None, start: date | None = None,
    rebaseline: bool = False, version: MetricVersion,
) -> dict[str, Any]:  # fmt: skip
    """What these terms would ask with another target, due day or start. Raises Unfit with what was expected.

    Milestones that no longer lie between start and due, or lie beyond the target, are left out.
    """
    asked = asked_by(terms)
    if rebaseline:
        asked["start"] = start or day
    elif start is not None:
        asked["start"] = start
    if due is not None:
        asked["due"] = due
    if target is not None:
        if not math.isfinite(target) or abs(target) > LARGEST:
            raise Unfit(f"The target is a number of at most {LARGEST:,.0f}.")
        asked |= {"target": target, "improve_by": None}
    _check(terms, asked, day, rebaseline=rebaseline)
    up, level = version.direction == MetricVersion.Direction.UP, asked["target"]
    asked["milestones"] = [
        [when, value]
        for when, value in asked["milestones"]
        if asked["start"].isoformat() < when < asked["due"].isoformat() and (level is None or reached(level, value, up))
    ]
    return asked


def _check(terms: GoalTerms, asked: Mapping[str, Any], day: date, *, rebaseline: bool) -> None:
    if asked["due"] <= asked["start"]:
        raise Unfit(f"The due day is after the start ({asked['start']}), not {asked['due']}.")
    if asked["due"] <= day and (asked["due"] != terms.due or rebaseline):
        raise Unfit(f"The due day is after today ({day}), not {asked['due']}.")
    same_target = (asked["target"] is None) == (terms.target is None) and (
        asked["target"] is None or terms.target is None or equal(asked["target"], terms.target)
    )
    if not rebaseline and same_target and (asked["start"], asked["due"]) == (terms.start, terms.due):
        raise Unfit("Another target or another due day than now was expected.")


def meaning(
    goal: Goal, now: datetime, *, target: float | None, due: date | None, rebaseline: bool = False
) -> Meaning:  # fmt: skip
    """What other terms would mean if they were in force today; nothing is stored. Raises Unfit."""
    day = today(goal.team.time_zone, now)
    held = newest_terms(goal)
    version = _version(goal, held, rebaseline=rebaseline)
    asked = asked_anew(held, day, target=target, due=due, rebaseline=rebaseline, version=version)
    (on_day,) = in_force([goal.pk], lambda _zone: day)
    terms = replace(
        on_day.terms,
        **(asked | {"milestones": tuple((date.fromisoformat(when), value) for when, value in asked["milestones"])}),
        direction=version.direction,
        aggregation=version.aggregation,
        exemptions=(),
    )
    if rebaseline:
        terms = replace(terms, baseline=None, baseline_as_of=None, outdated=False)
    (judged,), histories = compute([replace(on_day, terms=terms, metric_version=version.pk)])
    series = points(terms.aggregation, [h.readings for h in histories.get((version.pk, goal.team_id), ())], day)
    judgment = judged.judgment
    pace = None
    if judgment.target is not None and judgment.baseline is not None:
        pace = (judgment.target - judgment.baseline) / (terms.due - terms.start).days
    left_out = len(held.milestones) - len(terms.milestones)
    return Meaning(terms, version, judgment, pace, _pace(with_value(series)), left_out)


def _pace(series: list[tuple[date, float]]) -> float | None:
    """The slope of the last 90 days, as the forecast takes it."""
    recent = [point for point in series if (series[-1][0] - point[0]).days <= WINDOW_DAYS]
    return slope(recent) if len(recent) >= FEWEST_POINTS else None


def _version(goal: Goal, terms: GoalTerms, *, rebaseline: bool) -> MetricVersion:
    """By which version of its metric a goal would be judged: its own until it is re-baselined."""
    return MetricVersion.objects.get(metric=goal.metric_id, current=True) if rebaseline else terms.metric_version


def agree(
    goal: Goal, *, target: float | None, due: date | None, start: date | None = None, rebaseline: bool = False,
    by: User, reason: str, now: datetime, chosen: str = "set by its owner",
) -> GoalTerms:  # fmt: skip
    """Give one team other terms from its today on. Raises Unfit with what was expected.

    A re-baseline starts today, unless another `start` is given, on the metric's present version; the next daily
    judgment takes the baseline. `chosen` says in words how the terms came about.
    """
    with transaction.atomic():
        take_turn()  # two lines get two places
        goal = locked(goal)
        program = goal.program
        may_change(goal, program)
        day = today(goal.team.time_zone, now)
        held = newest_terms(goal)
        version = _version(goal, held, rebaseline=rebaseline)
        asked = asked_anew(
            held, day, target=target, due=due, start=start, rebaseline=rebaseline, version=version
        )  # fmt: skip
        rule = _own_line(program, goal, asked, f"its own terms since {wording.day(day)}, {chosen}")

        def note(kind: str, key: str, before: Any, after: Any) -> None:
            record(
                kind, key, at=now, actor=by, via="page", reason=reason, before=_plain(before),
                after=_plain(after) | ({"baseline": "taken anew"} if rebaseline else {}),
            )  # fmt: skip

        change_terms(program, {goal.pk: rule}, now, note, by=by, reason=reason, baseline_anew=rebaseline)
        judge_again(goal, now)
    return newest_terms(goal)


def locked(goal: Goal) -> Goal:
    """The goal with its row locked: what is asked and answered about one goal takes turns."""
    rows = Goal.objects.select_for_update(of=("self",)).select_related("program", "team", "metric", "rule")
    return rows.get(pk=goal.pk)


def may_change(goal: Goal, program: Program) -> None:
    """A goal that has ended, or whose program has, keeps its terms. Raises Unfit."""
    if goal.ended_on is not None or program.state not in (*Program.ON_SCORECARDS, Program.State.DRAFT):
        raise Unfit("This goal has ended: its terms stay as they are.")


def judge_again(goal: Goal, now: datetime) -> None:
    """Judge a goal at once after a change; the daily judgment still comes for what only it does."""
    judge_goals(Goal.objects.on_scorecards().filter(pk=goal.pk), now)


def _own_line(program: Program, goal: Goal, asked: Mapping[str, Any], chosen: str) -> GoalRule:
    """The goal line of this team alone: the one it has, else a new one after all others."""
    team, rule = goal.team, goal.rule
    if rule is None or rule.teams != [team.key]:
        last = program.goal_rules.aggregate(last=Max("position"))["last"]
        position = 0 if last is None else last + 1
        rule = GoalRule(
            program=program, position=position, metric_id=goal.metric_id, teams=[team.key], why=rule.why if rule else ""
        )
    for name, value in asked.items():
        setattr(rule, name, value)
    rule.chosen = chosen[:300]
    rule.save()
    return rule


def _plain(values: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, date) else value for name, value in (values or {}).items()
    }  # fmt: skip

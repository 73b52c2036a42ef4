"""A team's scorecard: each of its goals on a day, worst first, with the trail back to the path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.core.exceptions import EmptyResultSet

from program.models import MetricVersion, Program
from program.rules.series import Point, points
from program.rules.status import WORST_FIRST, Judgment, Status, Terms
from program.rules.trail import Crumb

from .models import Goal, GoalQuerySet, Team
from .series import SourceHistory
from .standings import compute, crumb_facts
from .statements import among, as_json, fetch
from .terms import in_force


@dataclass(frozen=True, slots=True)
class GoalCard:
    """One goal on a scorecard, with what its page, API answer and mail say of it.

    `series` holds the points behind it, as far back as the judgment had to read; it is empty for a kept standing.
    """

    goal: Goal
    version: MetricVersion
    judgment: Judgment
    terms: Terms
    trail: Sequence[Crumb]
    items_short: int
    held: bool = False
    reason: str = ""
    series: Sequence[Point] = ()

    @property
    def status(self) -> Status:
        """The word for where the goal stands."""
        return self.judgment.status

    def facts(self) -> dict[str, Any]:
        """The scorecard contract's entry for this goal."""
        j = self.judgment
        return {
            "program": self.goal.program.key,
            "metric": self.goal.metric.key,
            "status": str(j.status),
            "held": self.held,
            "slipped": j.slipped,
            "value": j.value,
            "as_of": _iso(j.as_of),
            "baseline": j.baseline,
            "target": j.target,
            "expected": j.expected,
            "gap": j.gap,
            "start": _iso(self.terms.start),
            "due": _iso(self.terms.due),
            "forecast": _iso(j.forecast),
            "trail": [crumb_facts(crumb) for crumb in self.trail],
        }


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A team's goals on a day, worst first."""

    team: Team
    on: date
    goals: Sequence[GoalCard]

    def facts(self) -> dict[str, Any]:
        """The scorecard contract."""
        return {"team": self.team.key, "on": self.on.isoformat(), "goals": [card.facts() for card in self.goals]}


def build(team: Team, on: date, goals: GoalQuerySet | None = None) -> Scorecard:
    """The team's scorecard on a day, judged from the observations held now and the terms in force on that day.

    `goals` limits it to these (those a person may see). Eight queries at most, however many goals.
    """
    mine = (Goal.objects if goals is None else goals).on_scorecards().filter(team=team)
    by_id = {
        goal.pk: goal
        for goal in mine.select_related(
            "program", "metric", "metric__playbook", "metric__playbook__expert", "team", "rule"
        )
    }
    on_days = in_force(list(by_id), lambda _zone: on)
    judged, histories = compute(on_days)
    versions = MetricVersion.objects.in_bulk({g.metric_version for g in on_days})
    cards = [
        GoalCard(
            goal=by_id[j.on_day.goal],
            version=versions[j.on_day.metric_version],
            judgment=j.judgment,
            terms=j.on_day.terms,
            trail=j.trail.crumbs,
            items_short=j.trail.items_short,
            held=bool(j.held),
            reason=j.reason,
            series=_points(j.on_day.terms, histories.get(j.on_day.pair, ()), on),
        )
        for j in judged
        if j.on_day.goal in by_id
    ]
    cards.sort(key=lambda card: (WORST_FIRST[card.status], card.goal.program.key, card.goal.metric.key))
    return Scorecard(team, on, cards)


KEPT = """
SELECT p.key, m.key, g.judge_due_at, s.status, s.held, s.slipped, s.value, s.as_of, s.baseline, s.target, s.expected,
  s.gap, s.start, s.due, s.forecast, s.trail
FROM teams_goal g JOIN program_program p ON p.id = g.program_id JOIN program_metric m ON m.id = g.metric_id
  LEFT JOIN teams_standing s ON s.goal_id = g.id AND s.day = %s
WHERE g.team_id = %s AND g.ended_on IS NULL AND {live}
"""


def facts(team: Team, on: date, today: date, goals: GoalQuerySet | None = None) -> dict[str, Any]:
    """The scorecard contract for a day. `today` is the team's; `goals` as in `build`.

    Today's standings are kept as they are judged, so that one query is enough when none is due; any other day, and a
    day on which something is still to be judged, is judged anew.
    """
    if on == today:
        rows = _kept(team, on, goals)
        if all(due is None and status is not None for _, _, due, status, *_ in rows):
            return _facts_of_kept(team, on, rows)
    return build(team, on, goals).facts()


def as_judged(team: Team, on: date, goals: GoalQuerySet | None = None) -> dict[str, Any]:
    """The scorecard contract with what was said on that day, from the kept standings. One query."""
    rows = _kept(team, on, goals)
    return _facts_of_kept(team, on, [row for row in rows if row[3] is not None])


def _kept(team: Team, on: date, goals: GoalQuerySet | None) -> list[tuple[Any, ...]]:
    live, states = among("p.state", Program.ON_SCORECARDS)
    statement, parameters = KEPT.format(live=live), [on.isoformat(), team.pk, *states]
    if goals is not None:
        try:
            seen, more = goals.filter(team=team).order_by().values("pk").query.sql_with_params()
        except EmptyResultSet:
            return []
        statement, parameters = f"{statement} AND g.id IN ({seen})", [*parameters, *more]
    return fetch(statement, parameters)


def _facts_of_kept(team: Team, on: date, rows: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    order = sorted(rows, key=lambda row: (WORST_FIRST[row[3]], row[0], row[1]))
    return {"team": team.key, "on": on.isoformat(), "goals": [_kept_entry(row) for row in order]}


def _kept_entry(row: tuple[Any, ...]) -> dict[str, Any]:
    (program, metric, _, status, held, slipped, value, as_of, baseline, target, expected, gap,
     start, due, forecast, trail) = row  # fmt: skip
    return {
        "program": program,
        "metric": metric,
        "status": status,
        "held": bool(held),
        "slipped": bool(slipped),
        "value": value,
        "as_of": _iso(as_of),
        "baseline": baseline,
        "target": target,
        "expected": expected,
        "gap": gap,
        "start": _iso(start),
        "due": _iso(due),
        "forecast": _iso(forecast),
        "trail": as_json(trail),
    }


def _points(terms: Terms, histories: Sequence[SourceHistory], until: date) -> list[Point]:
    return points(terms.aggregation, [history.readings for history in histories], until)


def _iso(day: date | str | None) -> str | None:
    return day.isoformat() if isinstance(day, date) else day

"""The terms of goals in force on a day, as the rules want them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from program.models import MetricVersion, Program
from program.rules.status import Terms

from .statements import among, as_day, as_json, fetch

DayOf = Callable[[str], date]
"""From a team's time zone to the day on which its goals are judged."""

ONE_DAY = timedelta(days=1)
STATEMENT = """
SELECT t.id, t.goal_id, t.effective_from, g.team_id, team.time_zone, p.state, g.metric_id, m.fresh_for,
  t.metric_version_id, v.number, v.current, v.direction, v.aggregation, t.start, t.due, t.target, t.improve_by,
  t.tolerance, t.milestones, t.baseline, t.baseline_as_of
FROM teams_goalterms t JOIN teams_goal g ON g.id = t.goal_id JOIN teams_team team ON team.id = g.team_id
  JOIN program_program p ON p.id = g.program_id JOIN program_metric m ON m.id = g.metric_id
  JOIN program_metricversion v ON v.id = t.metric_version_id
WHERE {among} ORDER BY t.goal_id, t.effective_from
"""
EXEMPT = """
SELECT goal_id, from_day, until_day, ended_on FROM teams_exemption
WHERE {among} AND approved_at IS NOT NULL AND (revoked_at IS NULL OR ended_on > from_day)
"""


@dataclass(frozen=True, slots=True)
class GoalOnDay:
    """One goal with what it asks on one day. `recordable`: its baseline may be recorded by a daily judgment."""

    goal: int
    team: int
    metric: int
    metric_version: int
    terms_row: int
    day: date
    terms: Terms
    recordable: bool

    @property
    def pair(self) -> tuple[int, int]:
        """What the team's series is known by."""
        return self.metric_version, self.team


def in_force(goals: Sequence[int], day_of: DayOf, *, exempt: bool = True) -> list[GoalOnDay]:
    """Each of these goals (ids) with its terms in force on its team's day. Two queries, three with metric versions.

    Without `exempt` exemptions are left out: how would it stand if it were not exempt?
    """
    if not goals:
        return []
    condition, parameters = among("t.goal_id", goals)
    newest: dict[int, tuple[Any, ...]] = {}
    for row in fetch(STATEMENT.format(among=condition), parameters):
        if row[1] not in newest or _on_or_before(row[2], day_of(row[4])):
            newest[row[1]] = row
    exemptions = _exemptions(goals) if exempt else {}
    replaced = _replaced({row[6] for row in newest.values() if not row[10]})
    return [_on_day(row, day_of(row[4]), exemptions.get(row[1], ()), replaced) for row in newest.values()]


def _on_or_before(held: str | date, day: date) -> bool:
    effective = as_day(held)
    return effective is not None and effective <= day


def _exemptions(goals: Sequence[int]) -> dict[int, list[tuple[date, date]]]:
    condition, parameters = among("goal_id", goals)
    found: dict[int, list[tuple[date, date]]] = defaultdict(list)
    for goal, first, last, ended in fetch(EXEMPT.format(among=condition), parameters):
        from_day, until_day, ended_on = as_day(first), as_day(last), as_day(ended)
        if from_day and until_day:
            found[goal].append((from_day, min(until_day, ended_on - ONE_DAY) if ended_on else until_day))
    return found


def _replaced(metrics: set[int]) -> dict[int, list[tuple[int, datetime]]]:
    """For metrics with several versions: each version's number and when it was opened."""
    versions: dict[int, list[tuple[int, datetime]]] = defaultdict(list)
    if metrics:
        rows = MetricVersion.objects.filter(metric__in=metrics)
        for metric, number, opened_at in rows.values_list("metric_id", "number", "opened_at"):
            versions[metric].append((number, opened_at))
    return versions


def _on_day(
    row: Sequence[Any],
    day: date,
    exemptions: Sequence[tuple[date, date]],
    replaced: dict[int, list[tuple[int, datetime]]],
) -> GoalOnDay:
    (pk, goal, _, team, _, state, metric, fresh_for, version, number, current, direction, aggregation,
     start_held, due_held, target, improve_by, tolerance, milestones, baseline, baseline_as_of) = row  # fmt: skip
    start, due = cast(date, as_day(start_held)), cast(date, as_day(due_held))
    newer = [] if current else replaced.get(metric, [])
    terms = Terms(
        direction=direction,
        aggregation=aggregation,
        fresh_for=fresh_for,
        start=start,
        due=due,
        target=target,
        improve_by=improve_by,
        tolerance=tolerance,
        milestones=tuple((date.fromisoformat(when), value) for when, value in as_json(milestones)),
        baseline=baseline,
        baseline_as_of=as_day(baseline_as_of),
        outdated=any(other > number and opened_at.date() <= day for other, opened_at in newer),
        exemptions=exemptions,
    )
    recordable = baseline is None and state == Program.State.ACTIVE and day >= start
    return GoalOnDay(goal, team, metric, version, pk, day, terms, recordable)

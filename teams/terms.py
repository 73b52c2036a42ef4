"""The terms of goals in force on a day, as the rules want them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import QuerySet

from program.models import MetricVersion, Program
from program.rules.status import Terms

from .models import Exemption, Goal, GoalTerms

DayOf = Callable[[str], date]
"""From a team's time zone to the day on which its goals are judged."""

COLUMNS = (
    "pk", "goal_id", "effective_from", "goal__team_id", "goal__team__time_zone", "goal__program__state",
    "goal__metric_id", "goal__metric__fresh_for", "metric_version_id", "metric_version__number",
    "metric_version__current", "metric_version__direction", "metric_version__aggregation",
    "start", "due", "target", "improve_by", "tolerance", "milestones", "baseline", "baseline_as_of",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GoalOnDay:
    """One goal with what it asks on one day. `recordable`: its baseline may be recorded by a daily judgment."""

    goal: int
    team: int
    metric_version: int
    terms_row: int
    day: date
    terms: Terms
    recordable: bool

    @property
    def pair(self) -> tuple[int, int]:
        """What the team's series is known by."""
        return self.metric_version, self.team


def in_force(goals: QuerySet[Goal], day_of: DayOf) -> list[GoalOnDay]:
    """Each of these goals with its terms in force on its team's day. Two queries, three where a metric has versions."""
    newest: dict[int, tuple[Any, ...]] = {}
    for row in GoalTerms.objects.filter(goal__in=goals).order_by("goal", "effective_from").values_list(*COLUMNS):
        if row[1] not in newest or row[2] <= day_of(row[4]):
            newest[row[1]] = row
    exemptions = _exemptions(goals)
    replaced = _replaced({row[6] for row in newest.values() if not row[10]})
    return [_on_day(row, day_of(row[4]), exemptions.get(row[1], ()), replaced) for row in newest.values()]


def _exemptions(goals: QuerySet[Goal]) -> dict[int, list[tuple[date, date]]]:
    found: dict[int, list[tuple[date, date]]] = defaultdict(list)
    approved = Exemption.objects.filter(goal__in=goals, approved_at__isnull=False, revoked_at=None)
    for goal, first, last in approved.values_list("goal_id", "from_day", "until_day"):
        found[goal].append((first, last))
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
     start, due, target, improve_by, tolerance, milestones, baseline, baseline_as_of) = row  # fmt: skip
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
        milestones=tuple((date.fromisoformat(when), value) for when, value in milestones),
        baseline=baseline,
        baseline_as_of=baseline_as_of,
        outdated=any(other > number and opened_at.date() <= day for other, opened_at in newer),
        exemptions=exemptions,
    )
    recordable = baseline is None and state == Program.State.ACTIVE and day >= start
    return GoalOnDay(goal, team, version, pk, day, terms, recordable)

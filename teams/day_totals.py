"""What a program's teams measured on a day, added up by metric: the values of boards.totals, without their paths."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from program.models import Metric, MetricVersion, Program

from .models import Goal
from .statements import among, as_day, fetch

# As boards.totals has it: of each team with a goal that is judged by the version on that day, and of what nobody owns,
# the newest snapshot of each live source.
STATEMENT = """
WITH pairs AS (
  SELECT DISTINCT g.team_id, t.metric_version_id
  FROM teams_goal g JOIN teams_goalterms t ON t.goal_id = g.id AND {of_terms}
  WHERE g.program_id = %s AND g.ended_on IS NULL AND t.effective_from = COALESCE(
    (SELECT MAX(u.effective_from) FROM teams_goalterms u WHERE u.goal_id = g.id AND u.effective_from <= %s),
    (SELECT MIN(u.effective_from) FROM teams_goalterms u WHERE u.goal_id = g.id))
), chosen AS (
  SELECT src.id, src.metric_version_id, src.team_id FROM teams_source src
    JOIN pairs p ON p.team_id = src.team_id AND p.metric_version_id = src.metric_version_id
  WHERE src.retired_on IS NULL OR src.retired_on > %s
  UNION ALL
  SELECT src.id, src.metric_version_id, src.team_id FROM teams_source src
  WHERE src.team_id IS NULL AND {of_sources} AND (src.retired_on IS NULL OR src.retired_on > %s)
)
SELECT c.metric_version_id, c.team_id, SUM(s.numerator), SUM(s.denominator), SUM(s.count), MAX(s.maximum), MIN(s.as_of)
FROM chosen c JOIN teams_snapshot s ON s.source_id = c.id AND s.as_of = (
  SELECT MAX(n.as_of) FROM teams_snapshot n WHERE n.source_id = c.id AND n.as_of <= %s)
GROUP BY c.metric_version_id, c.team_id
"""


@dataclass(frozen=True, slots=True)
class DayTotal:
    """All teams together on one metric; `as_of` is the oldest that any team's value rests on."""

    version: MetricVersion
    value: float | None
    as_of: date | None

    @property
    def metric(self) -> Metric:
        """The metric it is a version of."""
        return self.version.metric


def measured_on(program: Program, day: date) -> list[DayTotal]:
    """Each metric that the program has live goals on, by its newest version, in order of their keys. Two queries."""
    goals = Goal.objects.filter(program=program, ended_on=None)
    current = MetricVersion.objects.filter(metric__goals__in=goals, current=True)
    versions = list(current.select_related("metric").distinct().order_by("metric__key"))
    if not versions:
        return []
    ids = [version.pk for version in versions]
    (of_terms, first), (of_sources, second) = among("t.metric_version_id", ids), among("src.metric_version_id", ids)
    when = day.isoformat()
    found: dict[int, list[tuple[float, float, int, float | None, date | None]]] = {pk: [] for pk in ids}
    for pk, _team, numerator, denominator, count, top, as_of in fetch(
        STATEMENT.format(of_terms=of_terms, of_sources=of_sources),
        [*first, program.pk, when, when, *second, when, when],
    ):
        found[pk].append((float(numerator or 0.0), float(denominator or 0.0), int(count or 0), top, as_day(as_of)))
    return [_together(version, found[version.pk]) for version in versions]


def _together(version: MetricVersion, rows: list[tuple[float, float, int, float | None, date | None]]) -> DayTotal:
    kind = version.aggregation
    present = [
        row for row in rows if {"ratio": row[1] != 0.0, "mean": row[2] > 0, "max": row[3] is not None}.get(kind, True)
    ]
    if not present:
        return DayTotal(version, None, None)
    as_of = min((row[4] for row in present if row[4] is not None), default=None)
    if kind == "latest":
        return DayTotal(version, None, as_of)
    if kind == "max":
        return DayTotal(version, max(row[3] for row in present if row[3] is not None), as_of)
    total = math.fsum(row[0] for row in present)
    weight = {"ratio": math.fsum(row[1] for row in present), "mean": float(sum(row[2] for row in present))}.get(
        kind, 1.0
    )
    return DayTotal(version, total / weight if weight else None, as_of)

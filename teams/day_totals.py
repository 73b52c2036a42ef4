"""What a program's teams amount to together on a day, added up by the database: values, and paths that were judged."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Count, Q

from program.models import Metric, MetricVersion, Program

from .models import Goal
from .statements import among, as_day, fetch


@dataclass(frozen=True, slots=True)
class Total:
    """All teams of a program together on one metric on a day, and where they should be; None where there is none.

    `as_of` is the oldest that any team's value rests on; `target` is none where the teams' targets differ.
    """

    version: MetricVersion
    value: float | None
    as_of: date | None
    expected: float | None = None
    target: float | None = None
    due: date | None = None
    weight: float = 0.0
    """what its teams' values weigh together (rules/series.py `weight_of`); 0 where they are not added up"""

    @property
    def metric(self) -> Metric:
        """The metric it is a version of."""
        return self.version.metric


# As boards.totals_anew has it: of each team with a live goal that is judged by the version on that day, and of what
# nobody owns, the newest snapshot of each live source; and of the standings of that day the paths of those that count.
STATEMENT = """
WITH placed AS (
  SELECT t.goal_id, g.program_id, g.team_id, COALESCE(
    MAX(CASE WHEN t.effective_from <= %s THEN t.effective_from END), MIN(t.effective_from)) AS since
  FROM teams_goalterms t JOIN teams_goal g ON g.id = t.goal_id
  WHERE {of_programs} AND {live} GROUP BY t.goal_id, g.program_id, g.team_id
), wanted AS (
  SELECT p.program_id, p.team_id, t.metric_version_id, t.due, {path}
  FROM placed p JOIN teams_goalterms t ON t.goal_id = p.goal_id AND t.effective_from = p.since {standing}
  WHERE {of_terms}
), summed AS (
  SELECT src.metric_version_id, src.team_id, SUM(s.numerator) AS numerator, SUM(s.denominator) AS denominator,
    SUM(s.count) AS n, MAX(s.maximum) AS maximum, MIN(s.as_of) AS as_of
  FROM teams_source src {newest}
  WHERE {of_sources} AND (src.retired_on IS NULL OR src.retired_on > %s)
  GROUP BY src.metric_version_id, src.team_id
), measured AS (
  SELECT m.*, CASE v.aggregation WHEN 'ratio' THEN m.denominator WHEN 'mean' THEN m.n ELSE 1 END AS weight
  FROM summed m JOIN program_metricversion v ON v.id = m.metric_version_id
  WHERE CASE v.aggregation WHEN 'ratio' THEN m.denominator <> 0 WHEN 'mean' THEN m.n > 0
    WHEN 'max' THEN m.maximum IS NOT NULL WHEN 'latest' THEN m.n = 1 ELSE 1 = 1 END
)
SELECT w.program_id, w.metric_version_id, SUM(m.numerator), SUM(m.weight), MAX(m.maximum), MIN(m.as_of),
  COUNT(m.weight), COUNT(CASE WHEN m.weight IS NOT NULL THEN w.expected END), SUM(w.expected * m.weight),
  MIN(CASE WHEN w.expected IS NOT NULL THEN w.target END), MAX(CASE WHEN w.expected IS NOT NULL THEN w.target END),
  MAX(w.due)
FROM wanted w LEFT JOIN measured m ON m.metric_version_id = w.metric_version_id AND m.team_id = w.team_id
GROUP BY w.program_id, w.metric_version_id
UNION ALL
SELECT NULL, m.metric_version_id, m.numerator, m.weight, m.maximum, m.as_of, 1, 0, NULL, NULL, NULL, NULL
FROM measured m WHERE m.team_id IS NULL
"""
LIVE = "g.ended_on IS NULL"
LIVE_THEN = "g.created_at <= %s AND (g.ended_on IS NULL OR g.ended_on > %s)"
PATH = "s.expected, s.target"
STANDING = "LEFT JOIN teams_standing s ON s.goal_id = p.goal_id AND s.day = %s"
NO_PATH = "CAST(NULL AS double precision) AS expected, CAST(NULL AS double precision) AS target"
# The newest snapshot up to a day is one step in the index, whatever the planner believes of the table.
LATERAL = """CROSS JOIN LATERAL (
    SELECT s.numerator, s.denominator, s.count, s.maximum, s.as_of FROM teams_snapshot s
    WHERE s.source_id = src.id AND s.as_of <= %s ORDER BY s.as_of DESC LIMIT 1) s"""
JOINED = """JOIN teams_snapshot s ON s.source_id = src.id AND s.as_of = (
    SELECT MAX(n.as_of) FROM teams_snapshot n WHERE n.source_id = src.id AND n.as_of <= %s)"""


def together(aggregation: str, weights: Sequence[float]) -> float:
    """What values weigh that are added up: a sum is divided by nothing, and so weighs 1 in all."""
    return math.fsum(weights) if aggregation in ("ratio", "mean") else 1.0 if weights and aggregation == "sum" else 0.0


class _Sum(NamedTuple):
    """Those who have a value, together; `on_path` of the teams have a path, and `path` is those paths, weighted."""

    numerator: float | None
    weight: float | None
    maximum: float | None
    as_of: date | str | None
    many: int
    on_path: int
    path: float | None
    lowest: float | None
    highest: float | None
    due: date | str | None


NOTHING = _Sum(None, None, None, None, 0, 0, None, None, None, None)


def measured_on(
    program: Program, day: date, known_at: datetime | None = None, metrics: Collection[int] | None = None
) -> list[Total]:
    """The value of each metric that the program has live goals on, by its newest version, in order of their keys,
    without paths: by the observations held now, whatever was said on that day; those of some `metrics` (ids). Two
    queries.

    Of the teams that take part now, which is what compares with today; or, as it was `known_at` a moment of that day,
    of those that did then: who joined or left since changes nothing about it.
    """
    live = Q(ended_on=None)
    if known_at is not None:
        live = Q(created_at__lte=known_at) & (live | Q(ended_on__gt=day))
    goals = Goal.objects.filter(live, _on(metrics), program=program).order_by()
    versions = _newest(goals.values("metric"))
    sums = _sums([program.pk], versions, day, paths=False, known_at=known_at)
    return [_together(version, program.pk, sums) for version in versions]


def _on(metrics: Collection[int] | None) -> Q:
    """Goals on some metrics (ids), or on all."""
    return Q() if metrics is None else Q(metric__in=metrics)


def at_start(program: Program, day: date, metrics: Collection[int] | None = None) -> list[Total]:
    """What was measured when the program began, as seen on a day; nothing before that. Two queries."""
    return measured_on(program, program.start, metrics=metrics) if program.start < day else []


def judged_on(
    programs: Collection[Program], day: date, metrics: Collection[int] | None = None
) -> dict[int, list[Total]]:
    """As measured_on, with the paths of the standings of that day, by program (id). Three queries.

    Of the programs whose standings of that day are what would be said now: nothing is due to be judged again.
    """
    again = Q(judged_on=None) | ~Q(judged_on=day) | Q(judge_due_at__isnull=False)
    goals = Goal.objects.filter(_on(metrics), program__in=programs, ended_on=None).order_by()
    placed = list(goals.values_list("program_id", "metric_id").annotate(due=Count("pk", filter=again)))
    behind = {program for program, _, due in placed if due}
    found: dict[int, list[Total]] = {one.pk: [] for one in programs if one.pk not in behind}
    of_metric: dict[int, list[int]] = {}
    for program, metric, _ in placed:
        if program in found:
            of_metric.setdefault(metric, []).append(program)
    versions = _newest(list(of_metric)) if of_metric else []
    sums = _sums(list(found), versions, day, paths=True)
    for version in versions:
        for program in of_metric[version.metric_id]:
            found[program].append(_together(version, program, sums))
    return found


def _newest(metrics: Any) -> list[MetricVersion]:
    """The newest version of each of these metrics (ids, or a query of them), in order of their keys. One query."""
    current = MetricVersion.objects.filter(metric__in=metrics, current=True)
    return list(current.select_related("metric").order_by("metric__key"))


Sums = Mapping[tuple[int | None, int], _Sum]
"""By program (id; None for what is nobody's) and metric version (id)."""


def _sums(
    programs: list[int], newest: Sequence[MetricVersion], day: date, *, paths: bool, known_at: datetime | None = None
) -> Sums:
    """One query, none without versions."""
    if not newest:
        return {}
    versions, when = [version.pk for version in newest], day.isoformat()
    (of_programs, first), (of_terms, second) = among("g.program_id", programs), among("t.metric_version_id", versions)
    of_sources, third = among("src.metric_version_id", versions)
    statement = STATEMENT.format(
        of_programs=of_programs,
        of_terms=of_terms,
        of_sources=of_sources,
        live=LIVE if known_at is None else LIVE_THEN,
        path=PATH if paths else NO_PATH,
        standing=STANDING if paths else "",
        newest=LATERAL if connection.vendor == "postgresql" else JOINED,
    )
    then = [] if known_at is None else [connection.ops.adapt_datetimefield_value(known_at), when]
    parameters: list[Any] = [when, *first, *then, *([when] if paths else []), *second, when, *third, when]
    return {(program, version): _Sum(*sums) for program, version, *sums in fetch(statement, parameters)}


def _together(version: MetricVersion, program: int, sums: Sums) -> Total:
    """The teams and what is nobody's, which counts and has no path: it is expected to be where it is."""
    teams, nobodys = sums.get((program, version.pk), NOTHING), sums.get((None, version.pk), NOTHING)
    both: Sequence[_Sum] = [one for one in (teams, nobodys) if one.many]
    kind = version.aggregation
    value = expected = None
    weight = together(kind, [one.weight or 0.0 for one in both])
    if both and kind == "max":
        value = max(one.maximum for one in both if one.maximum is not None)
    elif both and kind != "latest":
        value = math.fsum(one.numerator or 0.0 for one in both) / weight if weight else None
        if weight and teams.on_path and teams.on_path == teams.many:
            expected = ((teams.path or 0.0) + (nobodys.numerator or 0.0)) / weight
    return Total(
        version=version,
        value=value,
        as_of=min((day for one in both if (day := as_day(one.as_of)) is not None), default=None),
        expected=expected,
        target=teams.lowest if teams.lowest == teams.highest else None,
        due=as_day(teams.due),
        weight=weight,
    )

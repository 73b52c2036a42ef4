"""A program's board: every team on every metric on a day, the totals, and the trend against the glide path."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db import connection

from program.models import Metric, MetricVersion, Program
from program.rules.forecast import forecast
from program.rules.glidepath import baseline_of, expected_on, target_by_share
from program.rules.series import SourceReadings, Value, points, value_on, values_on, weight_of, with_value
from program.rules.status import WORST_FIRST, Status

from .day_totals import Total, judged_on, together
from .models import Goal, GoalQuerySet, Team
from .series import NEWEST, NOBODY, Histories, Pair, SourceHistory, load, load_unowned
from .standings import on as judge_on
from .statements import as_day, fetch
from .terms import GoalOnDay, in_force

DAYS_TO_COMPARE = 28


class Cell(NamedTuple):
    """One team on one metric."""

    status: str
    value: float | None
    expected: float | None
    target: float | None
    gap: float | None
    as_of: date | None
    forecast: date | None
    slipped: bool
    held: bool
    reason: str
    goal: int
    baseline: float | None
    due: date


@dataclass(frozen=True, slots=True)
class Row:
    """One team's line of the heat map: cells by metric key. `group` is the team's parent, or None."""

    team: Team
    group: Team | None
    cells: Mapping[str, Cell]

    @property
    def worst(self) -> int:
        """The position of its worst status, 0 the worst there is."""
        return min((WORST_FIRST[cell.status] for cell in self.cells.values()), default=len(Status))


@dataclass(frozen=True, slots=True)
class Board:
    """A program on a day. `counts` has every status; exempt, stale and no data are never folded into met."""

    program: Program
    on: date
    metrics: Sequence[Metric]
    versions: Mapping[str, MetricVersion]
    rows: Sequence[Row]
    counts: Mapping[str, int]
    teams_at_target: int
    slipped: int

    @property
    def names(self) -> dict[str, str]:
        """Metric names by key."""
        return {metric.key: metric.name for metric in self.metrics}


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """The program's total on a day, and where its teams together should have been; None where there is none."""

    day: date
    value: float | None
    expected: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """The program's total on one metric over time. A roll-up adds numerators and denominators of the teams' newest
    snapshots; the expected total is the teams' paths weighted by their denominators (ratio), items (mean) or added."""

    metric: Metric
    version: MetricVersion
    points: Sequence[TrendPoint]
    target: float | None
    due: date | None

    def forecast(self) -> date | None:
        """When the total reaches the target at the pace of its last 90 days; None when it does not, or is there."""
        if self.target is None:
            return None
        known = [(point.day, point.value) for point in self.points if point.value is not None]
        return forecast(known, self.target, self.version.direction == "up")


@dataclass(slots=True)
class Mover:
    """A team whose value moved on a metric within the last 28 days; positive is better."""

    team: Team
    metric: Metric
    version: MetricVersion
    before: float
    after: float
    better: float = field(default=0.0)


def board(program: Program, on: date, today: date) -> Board:
    """Every team of a program on a day. Today's kept standings are read; another day is judged anew.

    A constant number of queries, whatever the number of teams.
    """
    placed, cells = kept_cells(program, on if on == today else None)
    missing = [goal for goal, _, _ in placed if goal not in cells]
    if missing:
        cells |= _judged_cells(Goal.objects.filter(pk__in=missing), on)
    teams = Team.objects.in_bulk({team for _, team, _ in placed})
    groups = Team.objects.in_bulk({team.parent_id for team in teams.values() if team.parent_id is not None})
    in_use = Metric.objects.in_bulk({metric for _, _, metric in placed})
    metrics = {metric.key: metric for metric in in_use.values()}
    keys = {pk: metric.key for pk, metric in in_use.items()}
    by_team: dict[int, dict[str, Cell]] = {}
    for goal, team, metric in placed:
        if goal in cells:
            by_team.setdefault(team, {})[keys[metric]] = cells[goal]
    board_rows = [Row(teams[pk], groups.get(teams[pk].parent_id or 0), held) for pk, held in by_team.items()]
    board_rows.sort(key=lambda row: (row.group.key if row.group else "", row.team.key))
    found = Counter(cell.status for row in board_rows for cell in row.cells.values())
    return Board(
        program=program,
        on=on,
        metrics=[metrics[key] for key in sorted(metrics)],
        versions=current_versions(metrics.values()),
        rows=board_rows,
        counts={str(status): found[str(status)] for status in Status},
        teams_at_target=sum(1 for row in board_rows if all(c.status == Status.MET for c in row.cells.values())),
        slipped=sum(1 for row in board_rows for cell in row.cells.values() if cell.slipped),
    )


def current_versions(metrics: Iterable[Metric]) -> dict[str, MetricVersion]:
    """The newest version of each metric, by metric key."""
    found = MetricVersion.objects.filter(metric__in=list(metrics), current=True)
    return {version.metric.key: version for version in found.select_related("metric")}


CELLS = """
SELECT g.team_id, g.metric_id, s.status, s.value, s.expected, s.target, s.gap, s.as_of, s.forecast, s.slipped, s.held,
  s.reason, g.id, s.baseline, s.due
FROM teams_goal g LEFT JOIN teams_standing s ON s.goal_id = g.id AND s.day = %s AND g.judge_due_at IS NULL
WHERE g.program_id = %s AND g.ended_on IS NULL {where}
"""


def kept_cells(
    program: Program, day: date | None, where: str = "", parameters: Sequence[Any] = ()
) -> tuple[list[tuple[int, int, int]], dict[int, Cell]]:
    """A program's goals (id, team, metric), and by goal what was kept of a day and holds still; one query.

    `where` limits them: words that go on after a condition, on the goal `g` and its standing `s`.
    """
    rows = fetch(CELLS.format(where=where), [day.isoformat() if day else None, program.pk, *parameters])
    placed = [(row[12], row[0], row[1]) for row in rows]
    kept = [row[2:] for row in rows if row[2] is not None]
    if connection.vendor != "postgresql":
        kept = [
            (*one[:5], as_day(one[5]), as_day(one[6]), bool(one[7]), bool(one[8]), *one[9:12], as_day(one[12]))
            for one in kept
        ]
    return placed, {one[10]: Cell(*one) for one in kept}


def _judged_cells(goals: GoalQuerySet, on: date) -> dict[int, Cell]:
    cells = {}
    for found in judge_on(goals, on):
        j = found.judgment
        cells[found.on_day.goal] = Cell(
            str(j.status),
            j.value,
            j.expected,
            j.target,
            j.gap,
            j.as_of,
            j.forecast,
            j.slipped,
            bool(found.held),
            found.reason,
            found.on_day.goal,
            j.baseline,
            found.on_day.terms.due,
        )
    return cells


def trend(program: Program, metric: Metric, until: date, among: Collection[int] | None = None) -> Trend:
    """The program's total on a metric, on each day on which one of its teams has a snapshot. Five queries.

    Of some teams only: theirs together, without what is nobody's.
    """
    version = MetricVersion.objects.get(metric=metric, current=True)
    goals = Goal.objects.filter(program=program, metric=metric, ended_on=None)
    goals = goals if among is None else goals.filter(team__in=among)
    on_days = [g for g in in_force(_ids(goals), lambda _zone: until, exempt=False) if g.metric_version == version.pk]
    wanted = {g.pair: until for g in on_days}
    histories = load(wanted, whole=wanted)
    teams = {g.pair: g for g in on_days}
    readings = {pair: [h.readings for h in histories.get(pair, ())] for pair in teams}
    paths = {pair: _path(g, readings[pair]) for pair, g in teams.items()}
    if among is None:
        readings |= {pair: [h.readings for h in found] for pair, found in load_unowned([version.pk]).items()}
    days = sorted({r.as_of for sources in readings.values() for s in sources for r in s.readings if r.as_of <= until})
    targets = {path.target for path in paths.values() if path}
    return Trend(
        metric=metric,
        version=version,
        points=_added_up(days, version.aggregation, readings, paths),
        target=targets.pop() if len(targets) == 1 else None,
        due=max((g.terms.due for g in on_days), default=None),
    )


def totals(program: Program, on: date, metrics: Collection[int] | None = None) -> list[Total]:
    """The program's total on each of its metrics, or of some of them (ids), on a day, as the trend has it. A constant
    number of queries."""
    return totals_of([program], on, metrics)[program.pk]


def totals_of(
    programs: Collection[Program], on: date, metrics: Collection[int] | None = None
) -> dict[int, list[Total]]:
    """The totals of several programs on a day, by program (id), in as many queries as those of one.

    Where the standings of that day are what would be said now their paths are added up, else every path is worked out.
    """
    found = judged_on(programs, on, metrics)
    rest = [program for program in programs if program.pk not in found]
    return found | totals_anew(rest, on, metrics) if rest else found


def totals_anew(
    programs: Collection[Program], on: date, metrics: Collection[int] | None = None
) -> dict[int, list[Total]]:
    """The totals of several programs on a day from the observations and terms held now, by program (id)."""
    goals = Goal.objects.filter(program__in=programs, ended_on=None)
    goals = goals if metrics is None else goals.filter(metric__in=metrics)
    rows = list(goals.order_by().values_list("pk", "program_id", "metric_id"))
    placed = {pk: of for pk, of, _ in rows}
    used = MetricVersion.objects.filter(metric__in={metric for *_, metric in rows}, current=True)
    versions = {version.pk: version for version in used.select_related("metric")}
    current = {version.metric_id: pk for pk, version in versions.items()}
    by_version: dict[tuple[int, int], list[GoalOnDay]] = {(of, current[m]): [] for _, of, m in rows if m in current}
    for g in in_force(list(placed), lambda _zone: on, exempt=False):
        if (placed[g.goal], g.metric_version) in by_version:
            by_version[placed[g.goal], g.metric_version].append(g)
    every = [g for of_one in by_version.values() for g in of_one]
    unrecorded = {g.pair for g in every if g.terms.baseline is None}
    histories = load({g.pair: on for g in every}, whole=unrecorded, some=NEWEST)
    nobodys = load_unowned(versions)
    found: dict[int, list[Total]] = {program.pk: [] for program in programs}
    for (of, pk), on_days in by_version.items():
        found[of].append(_metric_total(versions[pk], on_days, histories, nobodys.get((pk, NOBODY), ()), on))
    return {of: sorted(totals, key=lambda total: total.metric.key) for of, totals in found.items()}


def _metric_total(
    version: MetricVersion,
    on_days: Sequence[GoalOnDay],
    histories: Histories,
    nobodys: Sequence[SourceHistory],
    on: date,
) -> Total:
    readings = {g.pair: [h.readings for h in histories.get(g.pair, ())] for g in on_days}
    paths = {g.pair: _path(g, readings[g.pair]) for g in on_days}
    readings[version.pk, NOBODY] = [h.readings for h in nobodys]
    (point,) = _added_up([on], version.aggregation, readings, paths)
    values = [value_on(version.aggregation, sources, on) for sources in readings.values()]
    weights = [weight_of(version.aggregation, value) for value in values if value.value is not None]
    targets = {path.target for path in paths.values() if path}
    return Total(
        version=version,
        value=point.value,
        expected=point.expected,
        as_of=min((v.as_of for v in values if v.as_of is not None and v.value is not None), default=None),
        target=targets.pop() if len(targets) == 1 else None,
        due=max((g.terms.due for g in on_days), default=None),
        weight=together(version.aggregation, weights),
    )


@dataclass(frozen=True, slots=True)
class _Path:
    """One team's glide path, as needed to add it up."""

    goal: GoalOnDay
    baseline: float
    target: float

    def on(self, days: Sequence[date]) -> list[float | None]:
        """On each of these days, oldest first; None before its start."""
        terms = self.goal.terms
        road = expected_on(
            days,
            start=terms.start,
            baseline=self.baseline,
            due=terms.due,
            target=self.target,
            up=terms.up,
            milestones=terms.milestones,
        )
        return [should if day >= terms.start else None for day, should in zip(days, road, strict=True)]


def _path(goal: GoalOnDay, sources: Sequence[SourceReadings]) -> _Path | None:
    """A team's path on the goal's day; None where it has none yet."""
    terms = goal.terms
    if goal.day < terms.start:
        return None
    found = (terms.baseline_as_of or terms.start, terms.baseline) if terms.baseline is not None else None
    if found is None:
        found = baseline_of(with_value(points(terms.aggregation, sources, goal.day)), terms.start)
    if found is None or found[1] is None or found[0] > goal.day:
        return None
    target = terms.target
    if target is None and terms.improve_by is not None:
        target = target_by_share(found[1], terms.improve_by, terms.aggregation, terms.direction)
    return None if target is None else _Path(goal, found[1], target)


class _Line(NamedTuple):
    """What one team, or nobody, adds to a total on a day."""

    value: Value
    should: float | None
    is_nobodys: bool


def _added_up(
    days: Sequence[date],
    aggregation: str,
    readings: Mapping[Pair, Sequence[SourceReadings]],
    paths: Mapping[Pair, _Path | None],
) -> list[TrendPoint]:
    """The total on each of these days, oldest first."""
    each = []
    for pair, sources in readings.items():
        path, values = paths.get(pair), values_on(aggregation, sources, days)
        road = path.on(days) if path else [None] * len(days)
        each.append([_Line(value, should, pair[1] == NOBODY) for value, should in zip(values, road, strict=True)])
    return [_total(day, aggregation, lines) for day, lines in zip(days, zip(*each, strict=True), strict=bool(each))]


def _total(day: date, aggregation: str, lines: Sequence[_Line]) -> TrendPoint:
    """The total on a day. What nobody owns counts in it, and has no path: it is expected to be where it is."""
    present = [line for line in lines if line.value.value is not None]
    if not present or aggregation == "latest":
        return TrendPoint(day, None, None)
    if aggregation == "max":
        return TrendPoint(day, max(line.value.value or 0.0 for line in present), None)
    weights = [weight_of(aggregation, line.value) for line in present]
    total = math.fsum(line.value.numerator for line in present)
    weight = together(aggregation, weights)
    roads = [
        line.should * many if line.should is not None else line.value.numerator
        for line, many in zip(present, weights, strict=True)
        if line.should is not None or line.is_nobodys
    ]
    led = len(roads) == len(present) and not all(line.is_nobodys for line in present)
    should = math.fsum(roads) / weight if led and weight else None
    return TrendPoint(day, total / weight if weight else None, should)


def movers(program: Program, on: date, most: int = 6) -> list[Mover]:
    """Who moved most within 28 days up to a day, the largest moves first, as shares of the way to the target.

    From the standings kept on both days; goals without a value on both are left out, and so are those that did not
    move or whose metric was versioned between. Three queries.
    """
    earlier = on - timedelta(days=DAYS_TO_COMPARE)
    rows = fetch(MOVED, [earlier.isoformat(), on.isoformat(), program.pk])
    far = sorted(rows, key=lambda row: (-abs(row[4] - row[3]) / (abs(row[6] - row[5]) or 1.0), row[0], row[1]))[:most]
    teams = Team.objects.in_bulk({row[0] for row in far})
    versions = MetricVersion.objects.select_related("metric").in_bulk({row[2] for row in far})
    found = []
    for team, _, version_id, before, after, _, _ in far:
        version = versions[version_id]
        better = after - before if version.direction == MetricVersion.Direction.UP else before - after
        found.append(Mover(teams[team], version.metric, version, before, after, better))
    return found


MOVED = """
SELECT g.team_id, g.metric_id, v.id, earlier.value, now.value, now.baseline, now.target
FROM teams_goal g
  JOIN teams_standing earlier ON earlier.goal_id = g.id AND earlier.day = %s
  JOIN teams_standing now ON now.goal_id = g.id AND now.day = %s
  JOIN program_metricversion v ON v.metric_id = g.metric_id AND v.current
WHERE g.program_id = %s AND g.ended_on IS NULL AND earlier.value <> now.value
  AND now.baseline IS NOT NULL AND now.target IS NOT NULL AND now.status <> 'stale'
"""


def _ids(goals: GoalQuerySet) -> list[int]:
    return list(goals.order_by().values_list("pk", flat=True))


def series_of(goal: GoalOnDay) -> list[tuple[date, float | None]]:
    """A goal's whole series up to its day, for a chart. Two queries."""
    histories = load({goal.pair: goal.day}, whole=[goal.pair])
    readings = [h.readings for h in histories.get(goal.pair, ())]
    return [(point.day, point.value) for point in points(goal.terms.aggregation, readings, goal.day)]

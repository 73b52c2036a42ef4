"""New against closed: what came and went on a program's goals in the last half year, and what remains of them."""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from django.db import connection

from program.models import MetricVersion
from program.rules import hot_spots
from program.rules.finishing import WINDOW_DAYS, Move
from program.rules.glidepath import baseline_of, target_by_share
from program.rules.series import SourceReadings, points, with_value
from program.rules.turnover import Between, Change, Short, added, between, remaining, together

from .effect_series import EffectSeries
from .retention import were_let_go
from .statements import among, as_day, fetch
from .terms import GoalOnDay

STATEMENT = """
SELECT src.id, src.name, src.retired_on, s.as_of, s.count, {items}
FROM teams_source src JOIN teams_snapshot s ON s.source_id = src.id
WHERE src.metric_version_id = %s AND {teams} AND s.as_of <= %s AND s.as_of >= COALESCE(
  (SELECT MAX(f.as_of) FROM teams_snapshot f WHERE f.source_id = src.id AND f.as_of <= %s), %s)
ORDER BY src.id, s.as_of
"""
WHOLE_TEAM = ""


class Period(NamedTuple):
    """What came and went between two of the common days; `first` is the earlier one."""

    first: date
    last: date
    change: Change

    @property
    def weeks(self) -> float:
        """How long it is."""
        return (self.last - self.first).days / 7


@dataclass(frozen=True)
class Turnover:
    """The last half year of a program's goals on one metric."""

    periods: Sequence[Period]
    """oldest first; none where the metric's items do not add up"""
    by_item: bool
    """whether items are told apart, or only what whole teams are short of"""
    moves: Sequence[Move]
    """of what remains, over the teams that were measured on both days"""
    remaining: float | None
    """what is to be closed until every team that has a value is at its target; None where none has"""
    as_of: date | None

    @property
    def total(self) -> Change:
        """All periods together."""
        return added(period.change for period in self.periods)

    @property
    def weeks(self) -> float:
        """How long all periods are."""
        return math.fsum(period.weeks for period in self.periods)


def turnover(series: EffectSeries) -> Turnover:
    """What came and went on the goals of an effect's question, and what remains. One query, none without items."""
    version, days = series.asked.version, series.days
    if not days:
        return Turnover([], False, [], None, None)
    first = bisect_left(days, days[-1] - timedelta(days=WINDOW_DAYS))
    window = days[first:]
    moves, left = _moves(series, first)
    periods, by_item = _periods(version, [g.team for g in series.asked.goals], window)
    return Turnover(periods, by_item, moves, left, days[-1])


def _target(goal: GoalOnDay, sources: Sequence[SourceReadings]) -> float | None:
    """A goal's target; None where it is a share of the way from a baseline that is not measured."""
    terms = goal.terms
    if terms.target is not None or terms.improve_by is None:
        return terms.target
    baseline = terms.baseline
    if baseline is not None and terms.baseline_as_of is not None and terms.baseline_as_of > goal.day:
        return None
    if baseline is None:
        found = baseline_of(with_value(points(terms.aggregation, sources, goal.day)), terms.start)
        baseline = found[1] if found else None
    if baseline is None:
        return None
    return target_by_share(baseline, terms.improve_by, terms.aggregation, terms.direction)


def _moves(series: EffectSeries, first: int) -> tuple[list[Move], float | None]:
    """How what remains moved between the common days from one on, and what remains on the last."""
    kind = series.asked.version.aggregation, series.asked.version.direction
    teams = []
    for goal in series.asked.goals:
        team = series.teams.get(goal.team)
        target = _target(goal, series.sources[goal.team]) if team is not None else None
        if target is not None and team is not None:
            teams.append([remaining(*kind, target, value) for value in team.held[first:]])
    days = series.days[first:]
    moves = []
    for number in range(1, len(days)):
        both = [(one[number - 1], one[number]) for one in teams]
        change = math.fsum(after - before for before, after in both if before is not None and after is not None)
        moves.append(Move(float((days[number] - days[number - 1]).days), change))
    known = [one[-1] for one in teams if one[-1] is not None]
    return moves, math.fsum(known) if known else None


def _periods(version: MetricVersion, teams: Sequence[int], window: Sequence[date]) -> tuple[list[Period], bool]:
    """What came and went between the days of the window, and whether items are told apart."""
    if hot_spots.why_not(version.aggregation, version.direction) or len(window) < 2 or not teams:
        return [], False
    # Snapshots of one source and day are taken together: an item may have moved from team to team.
    same_day: dict[tuple[str, date], list[Between]] = defaultdict(list)
    by_item = False
    for name, as_of, before, after in _pairs(version, teams, window):
        same_day[name, as_of].append(between(before, after))
        by_item = by_item or not after.keys() <= {WHOLE_TEAM}
    changes: list[list[Change]] = [[] for _ in window]
    for (_, as_of), found in same_day.items():
        changes[bisect_left(window, as_of)].append(together(found))
    periods = [Period(window[n - 1], window[n], added(changes[n])) for n in range(1, len(window))]
    return periods, by_item


def _pairs(
    version: MetricVersion, teams: Sequence[int], window: Sequence[date]
) -> Iterable[tuple[str, date, Short, Short]]:
    """Each snapshot after the window's first day that differs from the one of its source before: source, day, items
    short then and now. A source's first snapshot has none before, and nothing in it is new: it was not looked at; so it
    is with one after a snapshot whose items were let go."""
    kind = version.aggregation, version.direction
    condition, parameters = among("src.team_id", list(teams))
    items = "s.items::text" if connection.vendor == "postgresql" else "s.items"
    first, last = window[0].isoformat(), window[-1].isoformat()
    days = {day.isoformat(): day for day in window}
    source, text, before = None, "", {}  # type: ignore[var-annotated]
    for pk, name, retired_on, held_on, count, held in fetch(
        STATEMENT.format(items=items, teams=condition), [version.pk, *parameters, last, first, first]
    ):
        if pk == source and held == text:
            continue
        as_of, retired = days.get(held_on) or as_day(held_on), as_day(retired_on)
        if as_of is None or (retired is not None and as_of >= retired):
            continue
        after = _short(kind, held)
        if were_let_go(count, after):
            source = None
            continue
        if pk == source and as_of > window[0]:
            yield name, as_of, before, after
        source, text, before = pk, held, after


def _short(kind: tuple[str, str], held: str) -> dict[str, float]:
    """What each item of a snapshot is short of; see hot_spots.contribution, which does it one by one."""
    packed = json.loads(held)
    if kind == ("ratio", "up"):
        return {name: pair[1] - pair[0] if pair[1] > pair[0] else 0.0 for name, pair in packed.items()}
    if kind[0] == "ratio":
        return {name: pair[0] if pair[0] > 0 else 0.0 for name, pair in packed.items()}
    return {name: number if number > 0 else 0.0 for name, number in packed.items()}

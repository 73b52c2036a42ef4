"""Scorecards computed a second time, from the observations' file and the words of the domain alone, slowly and exactly.

Nothing of the product is imported here: each goal and day is worked out from scratch in exact fractions, so that a
mistake in the product's rules is not repeated.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

ORDER = ["overdue", "behind", "at risk", "stale", "no data", "on track", "upcoming", "met", "exempt"]
BEST = {("ratio", "up"): 1, ("sum", "down"): 0, ("ratio", "down"): 0, ("mean", "down"): 0}


class Row(NamedTuple):
    """One line of the file."""

    metric: str
    team: str
    source: str
    item: str
    as_of: date
    numerator: Fraction
    denominator: Fraction | None


@dataclass(frozen=True)
class OracleGoal:
    """A goal's terms; exactly one of target and improve_by is given."""

    program: str
    metric: str
    team: str
    direction: str
    aggregation: str
    fresh_for: int
    start: date
    due: date
    target: float | None = None
    improve_by: float | None = None
    tolerance: float = 0.0
    milestones: tuple[tuple[date, float], ...] = ()
    exempt: tuple[tuple[date, date], ...] = ()


def read_csv(path: Path) -> list[Row]:
    """The rows of a .csv or .csv.gz."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [
        Row(
            line["metric"],
            line["team"],
            line.get("source") or "",
            line["item"],
            date.fromisoformat(line["as_of"]),
            Fraction(line["numerator"]),
            Fraction(line["denominator"]) if line["denominator"] else None,
        )
        for line in csv.DictReader(io.StringIO(raw.decode("utf-8-sig")))
    ]


class Held:
    """The rows of one metric and team: snapshots by source and day. Values of days are remembered, being slow to add."""

    def __init__(self) -> None:
        self.snapshots: dict[str, dict[date, list[Row]]] = defaultdict(lambda: defaultdict(list))
        self.values: dict[date, Fraction | None] = {}


Rows = dict[tuple[str, str], Held]


def index(rows: Iterable[Row]) -> Rows:
    """Rows by metric and team; those without a team are nobody's."""
    found: Rows = defaultdict(Held)
    for row in rows:
        if row.team:
            found[row.metric, row.team].snapshots[row.source][row.as_of].append(row)
    return found


def same(a: Fraction | float, b: Fraction | float) -> bool:
    """Numbers within 1e-9 × max(1, |a|, |b|) count as equal."""
    return abs(a - b) <= Fraction(1, 10**9) * max(1, abs(a), abs(b))


def at_least_as_good(value: Fraction, level: Fraction, up: bool) -> bool:
    return same(value, level) or (value > level if up else value < level)


def taken_on(held: Held, day: date) -> list[Row]:
    """For each source its newest snapshot on or before the day, all together."""
    kept = []
    for by_day in held.snapshots.values():
        until = [as_of for as_of in by_day if as_of <= day]
        if until:
            kept += by_day[max(until)]
    return kept


def value_of(aggregation: str, rows: list[Row]) -> Fraction | None:
    top = sum((row.numerator for row in rows), Fraction(0))
    if aggregation == "sum":
        return top
    if aggregation == "ratio":
        bottom = sum((row.denominator or Fraction(0) for row in rows), Fraction(0))
        return top / bottom if bottom else None
    if aggregation == "mean":
        return top / len(rows) if rows else None
    if aggregation == "max":
        return max((row.numerator for row in rows), default=None)
    return rows[0].numerator if len(rows) == 1 else None


def series(goal: OracleGoal, held: Held, day: date) -> list[tuple[date, Fraction]]:
    """Points with a value up to a day."""
    found = []
    for when in sorted({as_of for by_day in held.snapshots.values() for as_of in by_day if as_of <= day}):
        if when not in held.values:
            held.values[when] = value_of(goal.aggregation, taken_on(held, when))
        value = held.values[when]
        if value is not None:
            found.append((when, value))
    return found


class Path_(NamedTuple):
    """What a goal asks on one day."""

    baseline: Fraction | None
    target: Fraction | None
    expected: Fraction | None


def path_on(goal: OracleGoal, held: Held, day: date) -> Path_:
    up = goal.direction == "up"
    target = None if goal.target is None else Fraction(goal.target)
    if day < goal.start:
        return Path_(None, target, None)
    known = series(goal, held, day)
    early, late = [v for d, v in known if d <= goal.start], [v for d, v in known if d > goal.start]
    baseline = early[-1] if early else late[0] if late else None
    if baseline is None:
        return Path_(None, target, None)
    if target is None:
        best = Fraction(BEST[goal.aggregation, goal.direction])
        done = at_least_as_good(baseline, best, up)
        target = baseline if done else baseline + Fraction(goal.improve_by or 0) * (best - baseline)
    if at_least_as_good(baseline, target, up):
        return Path_(baseline, target, target)
    stops = [(goal.start, baseline), *((d, Fraction(v)) for d, v in sorted(goal.milestones)), (goal.due, target)]
    if day >= goal.due:
        return Path_(baseline, target, target)
    for (d0, v0), (d1, v1) in pairwise(stops):
        if d0 <= day <= d1:
            return Path_(baseline, target, v0 + (v1 - v0) * Fraction((day - d0).days, (d1 - d0).days))
    raise AssertionError("a day between start and due lies on some piece")


def forecast(known: list[tuple[date, Fraction]], target: Fraction | None, up: bool) -> date | None:
    if target is None or not known:
        return None
    newest, value = known[-1]
    window = [(d, v) for d, v in known if (newest - d).days <= 90]
    if at_least_as_good(value, target, up) or len(window) < 3:
        return None
    slope = median((v1 - v0) / (d1 - d0).days for (d0, v0), (d1, v1) in combinations(window, 2))
    if slope == 0 or (slope > 0) != up:
        return None
    days = (target - value) / slope
    whole = round(days) if same(days, round(days)) else -(-days.numerator // days.denominator)
    try:
        return newest + timedelta(days=int(whole))
    except OverflowError:
        return None


def status_on(goal: OracleGoal, held: Held, day: date) -> str:
    up = goal.direction == "up"
    if any(first <= day <= last for first, last in goal.exempt):
        return "exempt"
    taken = taken_on(held, day)
    value = value_of(goal.aggregation, taken) if taken else None
    if value is None:
        return "no data"
    if (day - min(row.as_of for row in taken)).days > goal.fresh_for:
        return "stale"
    if day < goal.start:
        return "upcoming"
    path = path_on(goal, held, day)
    if path.baseline is None or path.target is None or path.expected is None:
        return "no data"
    if at_least_as_good(value, path.target, up):
        return "met"
    if day > goal.due:
        return "overdue"
    allowed = Fraction(goal.tolerance) * abs(path.target - path.baseline)
    if at_least_as_good(value, path.expected - allowed if up else path.expected + allowed, up):
        return "on track"
    reaches = forecast(series(goal, held, day), path.target, up)
    return "at risk" if reaches is not None and reaches <= goal.due else "behind"


def slipped(goal: OracleGoal, held: Held, day: date) -> bool:
    if status_on(goal, held, day) not in ("at risk", "behind", "overdue"):
        return False
    known = series(goal, held, day)
    if len(known) < 2:
        return False
    before = known[-2][0]
    was = status_on(goal, held, before)
    return was == "met" or (was == "on track" and before > goal.start)


def trail(
    goal: OracleGoal, held: Held, day: date, level: Fraction | None, target: Fraction | None
) -> list[dict[str, Any]]:
    up = goal.direction == "up"
    if level is None or target is None or day < goal.start:
        return []
    taken = taken_on(held, day)
    top = sum((row.numerator for row in taken), Fraction(0))
    bottom = sum((row.denominator or Fraction(0) for row in taken), Fraction(0))
    kind = goal.aggregation, goal.direction
    gap = {
        ("sum", "down"): top - level,
        ("ratio", "up"): level * bottom - top,
        ("ratio", "down"): top - level * bottom,
        ("mean", "up"): level * len(taken) - top,
        ("mean", "down"): top - level * len(taken),
    }.get(kind)

    def far(row: Row) -> Fraction:
        if kind in (("sum", "down"), ("ratio", "down")):
            return row.numerator
        if kind == ("ratio", "up"):
            return (row.denominator or Fraction(0)) - row.numerator
        return target - row.numerator if up else row.numerator - target

    wrong = sorted((row for row in taken if far(row) > 0), key=lambda row: (-far(row), row.item))
    if gap is None:
        value = value_of(goal.aggregation, taken)
        reached = value is None or at_least_as_good(value, level, up)
        return [] if reached else [crumb(held, row, None, None, far) for row in wrong[:10]]
    if gap <= 0 or same(gap, 0):
        return []
    found, closed = [], Fraction(0)
    for row in wrong:
        closed += far(row)
        found.append(crumb(held, row, far(row), min(Fraction(1), closed / gap), far))
        if closed >= gap or same(closed, gap):
            break
    return found


def crumb(held: Held, row: Row, contribution: Fraction | None, closes: Fraction | None, far: Any) -> dict[str, Any]:
    by_day = held.snapshots[row.source]
    earlier = [as_of for as_of in by_day if as_of < row.as_of]
    trend = None
    if earlier:
        then = [other for other in by_day[max(earlier)] if other.item == row.item]
        if not then:
            trend = "new"
        else:
            before = max(Fraction(0), far(then[0]))
            trend = "same" if same(far(row), before) else "grew" if far(row) > before else "shrank"
    return {
        "item": row.item,
        "contribution": None if contribution is None else float(contribution),
        "closes": None if closes is None else float(closes),
        "trend": trend,
    }


def goal_on(goal: OracleGoal, held: Held, day: date) -> dict[str, Any]:
    """The scorecard contract's entry for one goal."""
    up = goal.direction == "up"
    taken = taken_on(held, day)
    value = value_of(goal.aggregation, taken) if taken else None
    status = status_on(goal, held, day)
    path = path_on(goal, held, day)
    level = path.expected if status in ("at risk", "behind") else path.target
    gap = None
    if value is not None and level is not None:
        gap = 0.0 if at_least_as_good(value, level, up) else float(abs(level - value))
    reaches = forecast(series(goal, held, day), path.target, up)
    crumbs = [] if status in ("no data", "upcoming") else trail(goal, held, day, level, path.target)
    return {
        "program": goal.program,
        "metric": goal.metric,
        "status": status,
        "held": False,
        "slipped": slipped(goal, held, day),
        "value": None if value is None else float(value),
        "as_of": min(row.as_of for row in taken).isoformat() if taken else None,
        "baseline": None if path.baseline is None else float(path.baseline),
        "target": None if path.target is None else float(path.target),
        "expected": None if path.expected is None else float(path.expected),
        "gap": gap,
        "start": goal.start.isoformat(),
        "due": goal.due.isoformat(),
        "forecast": reaches.isoformat() if reaches else None,
        "trail": crumbs,
    }


def scorecard(rows: Rows, goals: Iterable[OracleGoal], team: str, on: date) -> dict[str, Any]:
    """The scorecard contract of one team on a day."""
    found = [goal_on(goal, rows.get((goal.metric, team), Held()), on) for goal in goals if goal.team == team]
    found.sort(key=lambda entry: (ORDER.index(entry["status"]), entry["program"], entry["metric"]))
    return {"team": team, "on": on.isoformat(), "goals": found}

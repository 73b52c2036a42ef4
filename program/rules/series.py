"""A team's series on one metric: what each source said on which day, and the team's value on any day."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


class Reading(NamedTuple):
    """The totals of one snapshot."""

    as_of: date
    n: int
    numerator: float
    denominator: float
    maximum: float | None


@dataclass(frozen=True, slots=True)
class SourceReadings:
    """One source's snapshots, oldest first; from `retired_on` on it counts no more."""

    name: str
    readings: Sequence[Reading]
    retired_on: date | None = None


class Point(NamedTuple):
    """The team's value on a day on which some source had a snapshot; None where it has no value."""

    day: date
    value: float | None


class Value(NamedTuple):
    """The team's value on a day: the number, its age (oldest as_of used) and the totals behind it."""

    value: float | None
    as_of: date | None
    n: int
    numerator: float
    denominator: float


NOTHING = Value(None, None, 0, 0.0, 0.0)


def aggregate(aggregation: str, readings: Sequence[Reading]) -> float | None:
    """The value of a set of snapshots taken together; None where it has none.

    sum = Σ numerator; ratio = Σ numerator / Σ denominator; mean = mean of item values; max = the largest;
    latest = the single value. Raises ValueError on another aggregation.
    """
    if len(readings) == 1 and aggregation in ("sum", "ratio"):  # most of all calls: the totals are exact already
        (only,) = readings
        if aggregation == "sum":
            return only.numerator
        return only.numerator / only.denominator if only.denominator else None
    match aggregation:
        case "sum":
            return math.fsum(r.numerator for r in readings)
        case "ratio":
            denominator = math.fsum(r.denominator for r in readings)
            return math.fsum(r.numerator for r in readings) / denominator if denominator else None
        case "mean":
            count = sum(r.n for r in readings)
            return math.fsum(r.numerator for r in readings) / count if count else None
        case "max":
            return max((r.maximum for r in readings if r.maximum is not None), default=None)
        case "latest":
            return math.fsum(r.numerator for r in readings) if sum(r.n for r in readings) == 1 else None
    raise ValueError(f"aggregation is sum, ratio, mean, max or latest, not {aggregation!r}")


def newest(sources: Sequence[SourceReadings], day: date) -> list[Reading]:
    """For each source that is live on the day and has one, its newest snapshot on or before the day."""
    found = []
    for source in sources:
        if source.retired_on is None or day < source.retired_on:
            at = _place(source.readings, day)
            if at:
                found.append(source.readings[at - 1])
    return found


def weight_of(aggregation: str, value: Value) -> float:
    """What a value weighs where several are added up: things (ratio), items (mean), 1 (sum); 0 where they are not."""
    match aggregation:
        case "ratio":
            return value.denominator
        case "mean":
            return float(value.n)
    return 1.0 if aggregation == "sum" else 0.0


def value_on(aggregation: str, sources: Sequence[SourceReadings], day: date) -> Value:
    """The team's value on a day, from the newest snapshot of each live source, all together."""
    readings = newest(sources, day)
    if len(readings) == 1:
        (only,) = readings
        return Value(aggregate(aggregation, readings), only.as_of, only.n, only.numerator, only.denominator)
    if not readings:
        return NOTHING
    return Value(
        aggregate(aggregation, readings),
        min(r.as_of for r in readings),
        sum(r.n for r in readings),
        math.fsum(r.numerator for r in readings),
        math.fsum(r.denominator for r in readings),
    )


def values_on(aggregation: str, sources: Sequence[SourceReadings], days: Sequence[date]) -> list[Value]:
    """The team's value on each of several days, given oldest first: `value_on` of each, for less work."""
    if len(sources) == 1 and sources[0].retired_on is None:
        return _values_of_one(aggregation, sources[0].readings, days)
    changes = {reading.as_of for source in sources for reading in source.readings}
    changes.update(source.retired_on for source in sources if source.retired_on is not None)
    coming = sorted(changes, reverse=True)
    found, held = [], NOTHING
    for day in days:
        if coming and coming[-1] <= day:
            while coming and coming[-1] <= day:
                coming.pop()
            held = value_on(aggregation, sources, day)
        found.append(held)
    return found


def _values_of_one(aggregation: str, readings: Sequence[Reading], days: Sequence[date]) -> list[Value]:
    """Most series: a live source alone, of which each snapshot is a value."""
    found, held, at = [], NOTHING, 0
    for day in days:
        before = at
        while at < len(readings) and readings[at][0] <= day:
            at += 1
        if at > before:
            only = readings[at - 1]
            held = Value(aggregate(aggregation, (only,)), only.as_of, only.n, only.numerator, only.denominator)
        found.append(held)
    return found


def points(aggregation: str, sources: Sequence[SourceReadings], until: date) -> list[Point]:
    """The series up to a day, oldest first: a point on each day on which a live source has a snapshot."""
    if len(sources) == 1:  # most series: every snapshot is a point of its own
        (source,) = sources
        readings = source.readings[: _place(source.readings, until)]
        if source.retired_on is not None:
            readings = [r for r in readings if r.as_of < source.retired_on]
        if aggregation == "sum":
            return [Point(r.as_of, r.numerator) for r in readings]
        if aggregation == "ratio":
            return [Point(r.as_of, r.numerator / r.denominator if r.denominator else None) for r in readings]
        return [Point(r.as_of, aggregate(aggregation, (r,))) for r in readings]
    days = {
        r.as_of
        for source in sources
        for r in source.readings
        if r.as_of <= until and (source.retired_on is None or r.as_of < source.retired_on)
    }
    return [Point(day, aggregate(aggregation, newest(sources, day))) for day in sorted(days)]


def with_value(series: Sequence[Point]) -> list[tuple[date, float]]:
    """The points that have a value."""
    return [point for point in series if point[1] is not None]  # type: ignore[misc]


def _place(readings: Sequence[Reading], day: date) -> int:
    """How many readings lie on or before a day; mostly all of them."""
    if not readings or readings[-1][0] <= day:
        return len(readings)
    return bisect_right(readings, day, key=_as_of)


def _as_of(reading: Reading) -> date:
    return reading.as_of

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
            at = bisect_right(source.readings, day, key=_as_of)
            if at:
                found.append(source.readings[at - 1])
    return found


def value_on(aggregation: str, sources: Sequence[SourceReadings], day: date) -> Value:
    """The team's value on a day, from the newest snapshot of each live source, all together."""
    readings = newest(sources, day)
    if not readings:
        return NOTHING
    return Value(
        aggregate(aggregation, readings),
        min(r.as_of for r in readings),
        sum(r.n for r in readings),
        math.fsum(r.numerator for r in readings),
        math.fsum(r.denominator for r in readings),
    )


def points(aggregation: str, sources: Sequence[SourceReadings], until: date) -> list[Point]:
    """The series up to a day, oldest first: a point on each day on which a live source has a snapshot."""
    if len(sources) == 1:  # most series: every snapshot is a point of its own
        (source,) = sources
        end = source.retired_on
        return [
            Point(r.as_of, aggregate(aggregation, (r,)))
            for r in source.readings
            if r.as_of <= until and (end is None or r.as_of < end)
        ]
    days = {
        r.as_of
        for source in sources
        for r in source.readings
        if r.as_of <= until and (source.retired_on is None or r.as_of < source.retired_on)
    }
    return [Point(day, aggregate(aggregation, newest(sources, day))) for day in sorted(days)]


def with_value(series: Sequence[Point]) -> list[tuple[date, float]]:
    """The points that have a value."""
    return [(day, value) for day, value in series if value is not None]


def _as_of(reading: Reading) -> date:
    return reading.as_of

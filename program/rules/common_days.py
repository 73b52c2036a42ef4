"""The days on which a program's teams are compared: close enough to use what was measured, far enough apart that each
team was measured anew between two of them.

Feeds differ in cadence: one team is measured every week, another every month. Days a week apart would count each of the
monthly team's values four times, and a value that is counted four times looks four times as sure as it is.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from .series import NOTHING, SourceReadings, Value, value_on

LEAST_APART = 7
"""Days: what is measured daily moves by the week, not by the day."""
KEEP_PACE = 0.9
"""So many of the teams are measured anew between two days; those that are measured more rarely have gaps."""
EARLY = 0.75
"""Months are 28 to 31 days long: a day may come so much of the usual distance after the one before."""


def snapshot_days(sources: Sequence[SourceReadings]) -> list[date]:
    """The days on which a source that counts had a snapshot, oldest first."""
    if len(sources) == 1 and sources[0].retired_on is None:
        return [reading.as_of for reading in sources[0].readings]
    found = {
        reading.as_of
        for source in sources
        for reading in source.readings
        if source.retired_on is None or reading.as_of < source.retired_on
    }
    return sorted(found)


def common_days(measured: Sequence[Sequence[date]]) -> list[date]:
    """The days to compare on, oldest first: the newest day of all, and back from it by the teams' usual distance.

    `measured` are the days on which each team was measured, oldest first.
    """
    every = sorted({day for days in measured for day in days})
    if not every:
        return []
    gaps: dict[tuple[date, ...], float] = {}
    usual = sorted(_usual(days, gaps) for days in measured if len(days) > 1)
    distance = usual[math.ceil(KEEP_PACE * len(usual)) - 1] if usual else 0
    apart = timedelta(days=max(math.ceil(EARLY * distance), LEAST_APART))
    found = [every[-1]]
    while (at := bisect_right(every, found[-1] - apart)) > 0:
        found.append(every[at - 1])
    return found[::-1]


def _usual(days: Sequence[date], known: dict[tuple[date, ...], float]) -> float:
    """The usual distance of a team's measurements; most teams are measured on the same days."""
    key = tuple(days)
    if key not in known:
        known[key] = median((after - day).days for day, after in pairwise(days))
    return known[key]


class OnDays(NamedTuple):
    """A team on the common days: what it was at as far as is known, and its values where it was measured anew."""

    held: Sequence[Value]
    """each with its totals, however old"""
    values: Sequence[float | None]
    weight: float
    """how much of the whole it is: its denominator for a ratio, its items for a mean, else 1"""


def on_days(aggregation: str, sources: Sequence[SourceReadings], days: Sequence[date], fresh_for: int) -> OnDays:
    """A team on the common days. A value counts once, on the first of the days on or after it; on the last day the
    newest one stands as long as it is fresh."""
    measured = snapshot_days(sources)
    plain = len(sources) == 1 and sources[0].retired_on is None
    held: list[Value] = []
    values: list[float | None] = []
    before, found = 0, NOTHING
    for number, day in enumerate(days):
        at = bisect_right(measured, day)
        if at != before or not plain:  # the value of one source stands still until its next snapshot
            found = value_on(aggregation, sources, day) if at else NOTHING
        held.append(found)
        counts = at > before or number == len(days) - 1
        fresh = found.as_of is not None and (day - found.as_of).days <= fresh_for
        values.append(found.value if counts and fresh else None)
        before = at
    return OnDays(held, values, _weight(aggregation, held[-1]) if held else 1.0)


def _weight(aggregation: str, newest: Value) -> float:
    found = {"ratio": newest.denominator, "mean": float(newest.n)}.get(aggregation, 1.0)
    return found if found > 0 else 1.0


def first_on_or_after(days: Sequence[date], start: date) -> int | None:
    """The number of the first of the days on or after a start; None where it has not come."""
    at = bisect_left(days, start)
    return at if at < len(days) else None

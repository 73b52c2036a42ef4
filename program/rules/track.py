"""A team's series as plain arrays of day numbers: the same values as in series.py, for thousands of teams at a time.

Days are ordinals (`date.toordinal`). What is judged one team at a time reads series.py; a preview and a replay, which
ask many days of every team while a number is dragged, read this. A test holds the two to each other.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from .forecast import FEWEST_POINTS, WINDOW_DAYS, slope_of
from .series import SourceReadings, points, value_on


@dataclass(frozen=True, slots=True)
class Track:
    """`days` and `values` are the series' points with a value; `steps` are the days from which on the team's value is
    `held`, made of snapshots the oldest of which is of the day in `as_of`; `size` says how large the team is now.

    Most teams have one source whose snapshots all have a value: then a point is a step and both are the same lists.
    """

    days: Sequence[int]
    values: Sequence[float]
    steps: Sequence[int]
    held: Sequence[float | None]
    as_of: Sequence[int]
    size: float
    _slopes: dict[int, float | None] = field(default_factory=dict, compare=False, repr=False)
    """worked out once, however often it is asked"""

    def on(self, day: int) -> tuple[float | None, int | None]:
        """The team's value on a day, and the day it is of; (None, None) where nothing has been measured."""
        at = bisect_right(self.steps, day)
        if not at or self.as_of[at - 1] == NEVER:
            return None, None
        return self.held[at - 1], self.as_of[at - 1]

    def until(self, day: int) -> int:
        """How many points lie on or before a day."""
        return bisect_right(self.days, day)

    def slope(self, day: int) -> float | None:
        """The Theil–Sen slope of the 90 days before the newest point on or before a day; None with fewer than three."""
        until = self.until(day)
        if until not in self._slopes:
            first, edge = until, self.days[until - 1] - WINDOW_DAYS if until else 0
            while first and self.days[first - 1] >= edge:
                first -= 1
            enough = until - first >= FEWEST_POINTS
            self._slopes[until] = slope_of(self.days[first:until], self.values[first:until]) if enough else None
        return self._slopes[until]

    def baseline(self, start: int, day: int) -> int | None:
        """The place of the baseline's point as it is known on a day: the newest on or before the start, else the first
        after it; None without one."""
        at = bisect_right(self.days, min(start, day))
        if at:
            return at - 1
        return 0 if self.days and self.days[0] <= day else None


NEVER = 0
"""Stands for the as_of of nothing: every source of the team is retired."""
EMPTY = Track((), (), (), (), (), 0.0)


def of_one(days: Sequence[int], values: Sequence[float], size: float) -> Track:
    """The track of a team with one source, each of whose snapshots has a value; oldest first."""
    return Track(days, values, days, values, days, size)


def size_of(aggregation: str, count: int, numerator: float, denominator: float) -> float:
    """How large what a team measures is: the sum, what the ratio is of, how many items the mean is of; else 1."""
    match aggregation:
        case "sum":
            return abs(numerator)
        case "ratio":
            return denominator
        case "mean":
            return float(count)
    return 1.0


def track(aggregation: str, sources: Sequence[SourceReadings]) -> Track:
    """The track of a team, whatever its sources; for a few teams, since each day is taken together anew."""
    changes = {reading.as_of for source in sources for reading in source.readings}
    changes |= {source.retired_on for source in sources if source.retired_on is not None}
    if not changes:
        return EMPTY
    steps = sorted(changes)
    held = [value_on(aggregation, sources, day) for day in steps]
    found = [(day, value) for day, value in points(aggregation, sources, date.max) if value is not None]
    last = held[-1]
    return Track(
        [day.toordinal() for day, _ in found],
        [value for _, value in found],
        [day.toordinal() for day in steps],
        [value.value for value in held],
        [NEVER if value.as_of is None else value.as_of.toordinal() for value in held],
        size_of(aggregation, last.n, last.numerator, last.denominator),
    )

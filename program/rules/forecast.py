"""The forecast: on which day a series reaches its target, at the pace of its last 90 days (Theil–Sen)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

from .numbers import reached, whole_days

WINDOW_DAYS = 90
FEWEST_POINTS = 3


def slope(series: Sequence[tuple[date, float]]) -> float:
    """The Theil–Sen slope per day: the median of all pairwise slopes (mean of the middle two of an even number).

    Source: H. Theil 1950, P. K. Sen 1968. The days are distinct; at least two points.
    """
    return slope_of([day.toordinal() for day, _ in series], [value for _, value in series])


def slope_of(days: Sequence[int], values: Sequence[float]) -> float:
    """The same of days as numbers and their values."""
    first = days[0]
    slopes = sorted([(values[j] - values[i]) / apart for i, j, apart in _pairs(tuple([day - first for day in days]))])
    middle = len(slopes) // 2
    return slopes[middle] if len(slopes) % 2 else (slopes[middle - 1] + slopes[middle]) / 2


@lru_cache(maxsize=256)
def _pairs(days: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """All pairs of days and how far apart they are: most series are measured on the same days."""
    return [(i, j, days[j] - days[i]) for i in range(len(days)) for j in range(i + 1, len(days))]


def forecast(series: Sequence[tuple[date, float]], target: float, up: bool) -> date | None:
    """The first whole day on which the target is reached, from the newest value along the slope.

    The series is sorted by day and has values only. None with fewer than three points within 90 days of the newest,
    if the target is reached already, if the slope is 0 or leads away, or past the year 9999.
    """
    if not series:
        return None
    newest, value = series[-1]
    if reached(value, target, up):
        return None
    recent = [point for point in series if (newest - point[0]).days <= WINDOW_DAYS]
    if len(recent) < FEWEST_POINTS:
        return None
    return reaches(newest, value, slope(recent), target, up)


def reaches(newest: date, value: float, per_day: float, target: float, up: bool) -> date | None:
    """When a value that is not at the target gets there along a slope; None where the slope is 0 or leads away."""
    if per_day == 0 or (per_day > 0) != up:
        return None
    days = (target - value) / per_day
    if days > (date.max - newest).days:
        return None
    return newest + timedelta(days=whole_days(days))

"""The glide path: where a goal's value should be on each day, from its baseline to its target."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date

from .numbers import reached

IDEAL = {("ratio", "up"): 1.0, ("sum", "down"): 0.0, ("ratio", "down"): 0.0, ("mean", "down"): 0.0}


def ideal(aggregation: str, direction: str) -> float:
    """The best value there can be. Raises ValueError where there is none, since `improve_by` then has no meaning."""
    try:
        return IDEAL[aggregation, direction]
    except KeyError:
        raise ValueError(
            f"improve_by needs a best possible value, and {aggregation} {direction} has none: give a target"
        ) from None


def target_by_share(baseline: float, share: float, aggregation: str, direction: str) -> float:
    """The target of `improve_by`: that share (0 to 1) of the way from the baseline to the ideal."""
    best = ideal(aggregation, direction)
    if reached(baseline, best, direction == "up"):
        return baseline
    return baseline + share * (best - baseline)


def baseline_of(series: Sequence[tuple[date, float]], start: date) -> tuple[date, float] | None:
    """The baseline's (as_of, value): the newest point with a value on or before the start, else the first after."""
    before = None
    for point in series:
        if point[0] > start:
            return before or point
        before = point
    return before


def expected(
    day: date,
    *,
    start: date,
    baseline: float,
    due: date,
    target: float,
    up: bool,
    milestones: Sequence[tuple[date, float]] = (),
) -> float:
    """Where the value should be on a day: linear from start to due through the milestones, flat outside.

    A baseline that has already reached the target makes it the target on every day.
    """
    if reached(baseline, target, up) or day >= due:
        return target
    if day <= start:
        return baseline
    corners = [(start, baseline), *sorted(milestones), (due, target)]
    after = bisect_left(corners, day, key=lambda corner: corner[0])
    (day0, value0), (day1, value1) = corners[after - 1], corners[after]
    return value0 + (value1 - value0) * ((day - day0).days / (day1 - day0).days)


def expected_on(
    days: Sequence[date],
    *,
    start: date,
    baseline: float,
    due: date,
    target: float,
    up: bool,
    milestones: Sequence[tuple[date, float]] = (),
) -> list[float]:
    """Where the value should be on each of several days, given oldest first: `expected` of each, for less work."""
    if reached(baseline, target, up):
        return [target] * len(days)
    corners = [(start, baseline), *sorted(milestones), (due, target)]
    found, after = [], 1
    for day in days:
        if day >= due or day <= start:
            found.append(target if day >= due else baseline)
            continue
        while corners[after][0] < day:
            after += 1
        (day0, value0), (day1, value1) = corners[after - 1], corners[after]
        found.append(value0 + (value1 - value0) * ((day - day0).days / (day1 - day0).days))
    return found

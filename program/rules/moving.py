"""Whether a series moves fast enough for somebody to be visibly at it: the pace of its newest two measurements.

The forecast looks at 90 days, and is slow to see that somebody began last week; this looks at the last step alone.
"""

from __future__ import annotations

from .numbers import reached, whole_days

LATELY_DAYS = 28


def moving(
    days: tuple[int, int], values: tuple[float, float], target: float, *, up: bool, due: int, today: int
) -> int | None:
    """The day on which the target is reached at the pace of two measurements (days as ordinals, older first).

    None unless the newer one is of the last four weeks, is better than the older one, is not at the target yet, and
    the day is no later than the due day.
    """
    (before, newest), (earlier, value) = days, values
    step = value - earlier if up else earlier - value
    if today - newest > LATELY_DAYS or newest <= before or step <= 0 or reached(value, target, up):
        return None
    missing = target - value if up else value - target
    lasts = missing * (newest - before) / step
    if lasts > due - newest + 1:
        return None
    reaches = newest + whole_days(lasts)
    return reaches if reaches <= due else None

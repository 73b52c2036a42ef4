"""When two measured numbers count as equal, and which of two is better."""

from __future__ import annotations

import math

EQUAL_WITHIN = 1e-9


def equal(a: float, b: float) -> bool:
    """Whether two numbers count as equal: within 1e-9 × max(1, |a|, |b|)."""
    return abs(a - b) <= EQUAL_WITHIN * max(1.0, abs(a), abs(b))


def reached(value: float, level: float, up: bool) -> bool:
    """Whether a value is at the level or on its better side (≥ for up, ≤ for down), equality as above."""
    return (value >= level if up else value <= level) or equal(value, level)


def shortfall(value: float, level: float, up: bool) -> float:
    """How far a value is on the wrong side of a level, in the metric's unit; 0 when it has reached it."""
    if reached(value, level, up):
        return 0.0
    return level - value if up else value - level


def whole_days(days: float) -> int:
    """Days rounded up to whole ones; a number that counts as equal to a whole one is that one."""
    nearest = round(days)
    return nearest if equal(days, nearest) else math.ceil(days)

"""Student's t: just what the effect of nudges needs, on the standard library.

Checked in tests against printed tables and exact values (tests/program/rules/test_statistics.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

TINY = 1e-300
CLOSE = 1e-15
STEPS = 500


class Interval(NamedTuple):
    """An estimate with its interval, in the unit of what was measured; `df` are the degrees of freedom it rests on."""

    estimate: float
    low: float
    high: float
    df: float


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function I_x(a, b), by Lentz's continued fraction."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    # The fraction converges fast on this side; the other one is its mirror.
    if x < (a + 1.0) / (a + b + 2.0):
        return front * _fraction(a, b, x) / a
    return 1.0 - front * _fraction(b, a, 1.0 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > TINY else TINY)
    found = d
    for m in range(1, STEPS):
        for numerator in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 + numerator * d
            d = 1.0 / (d if abs(d) > TINY else TINY)
            c = 1.0 + numerator / c
            c = c if abs(c) > TINY else TINY
            found *= c * d
        if abs(c * d - 1.0) < CLOSE:
            break
    return found


def t_cdf(t: float, df: float) -> float:
    """The share of Student's t with `df` (> 0) degrees of freedom below t."""
    squared = t * t
    if squared < df:  # near the middle df / (df + t²) is 1 to the last digit, and what t adds to a half is not
        half = 0.5 * incomplete_beta(0.5, df / 2.0, squared / (df + squared))
        return 0.5 + half if t > 0 else 0.5 - half
    tail = 0.5 * incomplete_beta(df / 2.0, 0.5, df / (df + squared))
    return 1.0 - tail if t > 0 else tail


@lru_cache(maxsize=4096)
def t_quantile(share: float, df: float) -> float:
    """The value below which this share (0 to 1, exclusive) of Student's t with `df` degrees of freedom lies."""
    if not 0.0 < share < 1.0 or df <= 0.0:
        raise ValueError(f"a share between 0 and 1 and df > 0 were expected, not {share!r} and {df!r}")
    if share < 0.5:
        return -t_quantile(1.0 - share, df)
    low, high = 0.0, 1.0
    while t_cdf(high, df) < share:
        high *= 2.0
    for _ in range(200):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        if t_cdf(middle, df) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean of at least one value."""
    return math.fsum(values) / len(values)


def variance(values: Sequence[float]) -> float:
    """The sample variance (n − 1) of at least two values."""
    middle = mean(values)
    return math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1)


def interval(estimate: float, error: float, df: float, level: float = 0.95) -> Interval:
    """The interval of an estimate with a standard error and its degrees of freedom."""
    half = t_quantile(0.5 + level / 2.0, df) * error if error > 0.0 else 0.0
    return Interval(estimate, estimate - half, estimate + half, df)

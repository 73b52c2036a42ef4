"""Sudden moves: a step of a series so far beyond its usual ones that the measurement is to be doubted first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from statistics import median

FEWEST = 5
"""Earlier steps without which nothing is called usual."""
LEAST_SHARE = 0.4
"""A move of a count by less than this share of its level is never sudden, nor is one by fewer than LEAST_COUNT."""
LEAST_COUNT = 10.0
LEAST_POINTS = 0.2
"""A move of a share (0 to 1) by less than this is never sudden. On four years of real monthly data of 40 teams these
limits find 23 of 6,494 moves (docs/decisions/0006): small teams move far with one file."""


@dataclass(frozen=True, slots=True)
class Move:
    """The newest step of a series: from where to where, on which day, and how many times the usual step it is."""

    day: date
    before: float
    after: float
    times: float


def sudden_move(points: Sequence[tuple[date, float]], times: float, *, counted: bool) -> Move | None:
    """The newest step, if it is more than `times` the median of the earlier steps (their sizes) and no small one.

    `points` are the series' points with a value, oldest first; `counted` says that values are numbers of things, not
    shares. The median is not moved by an earlier outlier, nor by a few of them. None as well where `times` is 0.
    """
    if times <= 0 or len(points) < FEWEST + 2:
        return None
    values = [value for _, value in points]
    steps = [abs(after - before) for before, after in pairwise(values)]
    usual, newest = median(steps[:-1]), steps[-1]
    least = max(LEAST_COUNT, LEAST_SHARE * abs(values[-2])) if counted else LEAST_POINTS
    if newest <= times * usual or newest < least:
        return None
    day = points[-1][0]
    return Move(day, values[-2], values[-1], newest / usual if usual else float("inf"))

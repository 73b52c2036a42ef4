"""Do nudges work? The gap closed by nudged goals against that of goals held out by lot, with its interval and power.

Each pair (team, goal) is one unit, drawn by lot within its stratum; its outcome is the share of its gap that was closed
some days after it might have been nudged, 1 all of it, negative where it grew, cut at −1. The estimate is the mean
over strata, weighted by their size, of the difference of means; its error is Neyman's, its degrees of freedom
Satterthwaite's. Strata with fewer than two units on either side are taken together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .statistics import Interval, interval, mean, t_quantile, variance

LEAST_A_SIDE = 8
"""Units on either side below which nothing is said: an interval of so few would not hold its level."""
POWER = 0.8


class Unit(NamedTuple):
    """One pair of the experiment: its stratum, whether it was nudged (or held out), and the share of its gap closed."""

    stratum: str
    nudged: bool
    closed: float


class Sides(NamedTuple):
    """One stratum's outcomes."""

    nudged: Sequence[float]
    held: Sequence[float]

    @property
    def size(self) -> int:
        """Units in it."""
        return len(self.nudged) + len(self.held)


class Effect(NamedTuple):
    """What came of it: shares of the gap closed by nudged and held out units, and their difference with its interval.

    `interval` is None while there is not enough; `enough` units a side would show a difference of `worth` with a
    power of 80 %.
    """

    nudged: int
    held: int
    closed_nudged: float | None
    closed_held: float | None
    interval: Interval | None


def share_closed(gap_then: float, gap_later: float) -> float:
    """The share of a gap (> 0) that was closed, from −1 (grew by as much or more) to 1 (all of it)."""
    if gap_then <= 0.0:
        raise ValueError(f"a gap above 0 was expected, not {gap_then!r}")
    return max(-1.0, min(1.0, (gap_then - gap_later) / gap_then))


def effect(units: Iterable[Unit]) -> Effect:
    """The effect of nudging on the share of the gap closed."""
    sides = strata(units)
    nudged = [one for side in sides for one in side.nudged]
    held = [one for side in sides for one in side.held]
    found = None
    if len(nudged) >= LEAST_A_SIDE and len(held) >= LEAST_A_SIDE:
        found = _difference(sides)
    return Effect(len(nudged), len(held), mean(nudged) if nudged else None, mean(held) if held else None, found)


def strata(units: Iterable[Unit]) -> list[Sides]:
    """Outcomes by stratum; strata too small for a variance on both sides are taken together (and with the largest)."""
    by_name: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for unit in units:
        by_name[unit.stratum][0 if unit.nudged else 1].append(unit.closed)
    whole: list[Sides] = []
    rest: tuple[list[float], list[float]] = ([], [])
    for name in sorted(by_name):
        nudged, held = by_name[name]
        if len(nudged) > 1 and len(held) > 1:
            whole.append(Sides(nudged, held))
        else:
            rest[0].extend(nudged)
            rest[1].extend(held)
    if rest[0] or rest[1]:
        if (len(rest[0]) < 2 or len(rest[1]) < 2) and whole:
            whole.sort(key=lambda side: side.size)
            largest = whole.pop()
            rest = ([*largest.nudged, *rest[0]], [*largest.held, *rest[1]])
        whole.append(Sides(*rest))
    return whole


def _difference(sides: Sequence[Sides]) -> Interval | None:
    """The size-weighted difference of means over strata; None where one of them has no variance to speak of."""
    total = sum(side.size for side in sides)
    if any(len(side.nudged) < 2 or len(side.held) < 2 for side in sides):
        return None
    estimate, parts = 0.0, []
    for side in sides:
        weight = side.size / total
        estimate += weight * (mean(side.nudged) - mean(side.held))
        for values in side:
            parts.append((weight * weight * variance(values) / len(values), len(values) - 1))
    error = math.fsum(part for part, _ in parts)
    if error <= 0.0:
        return None
    df = error * error / math.fsum(part * part / free for part, free in parts)
    return interval(estimate, math.sqrt(error), df)


def units_needed(spread: float, worth: float, share_held: float) -> int:
    """Units in all (nudged and held out) that show a difference of `worth` with a power of 80 % at the 5 % level.

    `spread` is the standard deviation of the share closed, `share_held` the share held out.
    """
    if spread <= 0.0 or worth <= 0.0 or not 0.0 < share_held < 1.0:
        raise ValueError("a spread and a difference above 0 and a share between 0 and 1 were expected")
    z = t_quantile(0.975, 1e6) + t_quantile(POWER, 1e6)
    return math.ceil((z * spread / worth) ** 2 / (share_held * (1.0 - share_held)))

"""Hot spots: how much of what a metric is short of lies in a few items, and whether fixing those would do.

What an item is short of is its contribution as in a trail: `sum` down, its numerator; `ratio` up, denominator less
numerator; `ratio` down, its numerator. Together they are the metric's shortfall to its best possible value. Of other
metrics there is no such total, and `why_not` says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

TOP = 20
A_FEW_HOLD = 0.5
"""The share of all in the top 20 from which on a few items are the answer, and no program."""
MOST_OF_IT = 0.8
NOT = {
    ("sum", "up"): "more is better without end, so that nothing is short of a best value",
    "mean": "it is a mean: what an item is short of depends on the target of a goal",
    "max": "it is the largest of its items: only the worst one counts, and it is the first of each trail",
    "latest": "it is one figure a team, without items",
}

Held = TypeVar("Held")


def why_not(aggregation: str, direction: str) -> str:
    """Why a metric has no hot spots, in words; empty where it has."""
    return NOT.get((aggregation, direction), "") or NOT.get(aggregation, "")


def contribution(aggregation: str, direction: str, numerator: float, denominator: float) -> float:
    """What an item is short of; 0 for one that is as it should be."""
    short = denominator - numerator if (aggregation, direction) == ("ratio", "up") else numerator
    return max(0.0, short)


def largest(held: Iterable[Held], size: Callable[[Held], float], name: Callable[[Held], tuple[str, ...]]) -> list[Held]:
    """Those that hold something, the largest first, then by name."""
    return sorted((one for one in held if size(one) > 0), key=lambda one: (-size(one), name(one)))


@dataclass(frozen=True, slots=True)
class Concentration:
    """How much the largest hold of all: `few` is the fewest, 20 at most, that hold 80 % of it, or else the top 20."""

    total: float
    number: int
    """those that hold something"""
    top: float
    """the share of the top 20"""
    few: int
    few_hold: float
    """the share of those few"""

    @property
    def enough(self) -> bool:
        """Whether the top 20 hold half of all or more."""
        return self.number > 0 and self.top >= A_FEW_HOLD


def concentration(sizes: Sequence[float]) -> Concentration:
    """How concentrated these sizes are, the largest first and all above 0."""
    total = math.fsum(sizes)
    if not total:
        return Concentration(0.0, 0, 0.0, 0, 0.0)
    closed, few, few_hold = 0.0, 0, 0.0
    for number, size in enumerate(sizes[:TOP], 1):
        closed += size
        if not few and closed >= MOST_OF_IT * total:
            few, few_hold = number, closed / total
    if not few:
        few, few_hold = min(TOP, len(sizes)), closed / total
    return Concentration(total, len(sizes), closed / total, few, min(1.0, few_hold))


def fixed(aggregation: str, direction: str, numerator: float, denominator: float, gained: float) -> float | None:
    """The metric's total once so much of its shortfall is gone; None without a total."""
    if aggregation == "sum":
        return numerator - gained
    if not denominator:
        return None
    return (numerator + gained if direction == "up" else numerator - gained) / denominator

"""What came and what went between two measurements, item by item, and what remains until a goal is reached.

An item is open while it is short of something (its contribution, as in a trail). New is one that is open and was not,
closed one that was open and is not, or is gone; what grew and what shrank counts in units. One that only changed hands
within a program, or its place in one file of measurements, is neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .numbers import shortfall
from .series import Value

Short = Mapping[str, float]
"""Items by name with what each is short of; those that are as they should be are not in it, or at 0."""


class Change(NamedTuple):
    """How many items and units came and went."""

    new: int
    closed: int
    units_new: float
    units_closed: float

    def __add__(self, other: object) -> Change:
        if not isinstance(other, Change):
            return NotImplemented
        return Change(
            self.new + other.new,
            self.closed + other.closed,
            self.units_new + other.units_new,
            self.units_closed + other.units_closed,
        )


NO_CHANGE = Change(0, 0, 0.0, 0.0)


def changed(pairs: Iterable[tuple[Short, Short]]) -> Change:
    """What came and went between the snapshots of several teams, before and after, taken of the same source and day:
    an item that left one team and came to another has moved and is not new."""
    before: dict[str, float] = {}
    after: dict[str, float] = {}
    for earlier, later in pairs:
        for held, found in ((before, earlier), (after, later)):
            for name, short in found.items():
                if short > 0:
                    held[name] = held.get(name, 0.0) + short
    new, closed = after.keys() - before.keys(), before.keys() - after.keys()
    moved = [after[name] - before[name] for name in after.keys() & before.keys()]
    return Change(
        len(new),
        len(closed),
        math.fsum([*(after[name] for name in new), *(move for move in moved if move > 0)]),
        math.fsum([*(before[name] for name in closed), *(-move for move in moved if move < 0)]),
    )


def remaining(aggregation: str, direction: str, target: float, value: Value) -> float | None:
    """What is to be closed until a team is at its target: in items' units where items add up, else in the metric's
    unit; 0 at the target or past it, None without a value."""
    if value.value is None:
        return None
    match aggregation, direction:
        case "ratio", "up":
            left = target * value.denominator - value.numerator
        case "ratio", "down":
            left = value.numerator - target * value.denominator
        case _:
            left = shortfall(value.value, target, direction == "up")
            left *= value.n if aggregation == "mean" else 1
    return max(0.0, left)

"""What came and what went between two measurements, item by item, and what remains until a goal is reached.

An item is open while it is short of something (its contribution, as in a trail). New is one that is open and was not,
closed one that was open and is not, or is gone; what grew and what shrank counts in units. One that only changed hands
within a program, or its place in one file of measurements, is neither.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from .numbers import shortfall
from .series import Value

Short = Mapping[str, float]
"""Every item of a snapshot by name with what it is short of; 0 for one that is as it should be."""


class Change(NamedTuple):
    """How many items and units came and went."""

    new: int = 0
    closed: int = 0
    units_new: float = 0.0
    units_closed: float = 0.0


class Between(NamedTuple):
    """What changed from one snapshot of a team to the next; what came into it or left it may have moved, and stands
    apart by name."""

    change: Change
    came: Short
    gone: Short


def between(before: Short, after: Short) -> Between:
    """What came and went from one snapshot to the next."""
    new = closed = 0
    more = less = 0.0
    came: dict[str, float] = {}
    for name, short in after.items():
        was = before.get(name)
        if was is None:
            if short > 0:
                came[name] = short
        elif short > was:
            more += short - was
            new += was <= 0
        elif short < was:
            less += was - short
            closed += short <= 0
    gone = {name: before[name] for name in before.keys() - after.keys() if before[name] > 0}
    return Between(Change(new, closed, more, less), came, gone)


def together(found: Sequence[Between]) -> Change:
    """All of several teams' snapshots of one source and day: what left one team and came to another has only moved."""
    came: dict[str, list[float]] = {}
    gone: dict[str, list[float]] = {}
    for one in found:
        for name, short in one.came.items():
            came.setdefault(name, []).append(short)
        for name, short in one.gone.items():
            gone.setdefault(name, []).append(short)
    new, closed = sum(one.change.new for one in found), sum(one.change.closed for one in found)
    more, less = [one.change.units_new for one in found], [one.change.units_closed for one in found]
    for name in came.keys() | gone.keys():
        ours, theirs = came.get(name, []), gone.get(name, [])
        moved = min(len(ours), len(theirs))
        new += len(ours) - moved
        closed += len(theirs) - moved
        difference = math.fsum(ours) - math.fsum(theirs) if moved else 0.0
        more.append(max(0.0, difference) if moved else math.fsum(ours))
        less.append(max(0.0, -difference) if moved else math.fsum(theirs))
    return Change(new, closed, math.fsum(more), math.fsum(less))


def changed(pairs: Iterable[tuple[Short, Short]]) -> Change:
    """What came and went between several teams' snapshots of one source, each with the one before it."""
    return together([between(before, after) for before, after in pairs])


def added(changes: Iterable[Change]) -> Change:
    """Several changes as one."""
    held = list(changes)
    return Change(
        sum(one.new for one in held),
        sum(one.closed for one in held),
        math.fsum(one.units_new for one in held),
        math.fsum(one.units_closed for one in held),
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

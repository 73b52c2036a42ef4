"""The trail: the few items to fix next, and what each closes of the gap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from .numbers import equal, reached
from .status import Judgment, Status, Terms

WITHOUT_GAP_AT_MOST = 10


class Item(NamedTuple):
    """One observation: an item of one source, with its numerator and, for a ratio, its denominator."""

    name: str
    numerator: float
    denominator: float = 0.0
    source: str = ""


class Before(Protocol):
    """The items of a source's previous snapshot by name: a dict will do."""

    def get(self, name: str, /) -> Item | None: ...


class Crumb(NamedTuple):
    """One step of a trail. `closes` is the share of the gap closed by it and those before, 0 to 1."""

    item: str
    contribution: float | None
    closes: float | None
    trend: str | None
    source: str = ""


class Trail(NamedTuple):
    """The crumbs, and how many items stand on the wrong side in all."""

    crumbs: list[Crumb]
    items_short: int


NO_TRAIL = Trail([], 0)


def gap_in_items(terms: Terms, judgment: Judgment) -> float | None:
    """The gap G in items' units, measured to the judgment's level; None where items do not add up to it."""
    level, totals = judgment.level, judgment.totals
    if level is None or totals.value is None:
        return None
    match terms.aggregation, terms.direction:
        case "sum", "down":
            return totals.value - level
        case "ratio", "up":
            return level * totals.denominator - totals.numerator
        case "ratio", "down":
            return totals.numerator - level * totals.denominator
        case "mean", "up":
            return level * totals.n - totals.numerator
        case "mean", "down":
            return totals.numerator - level * totals.n
    return None


def needs_items(terms: Terms, judgment: Judgment) -> bool:
    """Whether the goal has a trail on this day at all: what is not needed need not be read."""
    if judgment.status in (Status.NO_DATA, Status.UPCOMING) or judgment.day < terms.start:
        return False
    if judgment.value is None or judgment.level is None:
        return False
    gap = gap_in_items(terms, judgment)
    if gap is None:
        return not reached(judgment.value, judgment.level, terms.up)
    return gap > 0 and not equal(gap, 0)


def trail(terms: Terms, judgment: Judgment, items: Iterable[Item], previous: Mapping[str, Before]) -> Trail:
    """The trail of a judged goal, largest contribution first, then by item name in code points.

    `items` are the observations of the newest snapshots of all live sources; `previous` holds, by source and item,
    those of the snapshot before (a source without an earlier snapshot is not in it).
    """
    if not needs_items(terms, judgment) or judgment.target is None:
        return NO_TRAIL
    gap = gap_in_items(terms, judgment)
    target = judgment.target
    short = []
    for item in items:
        far = contribution(terms, target, item)
        if far > 0:
            short.append((far, item))
    short.sort(key=lambda pair: (-pair[0], pair[1].name, pair[1].source))
    if gap is None:
        crumbs = [
            Crumb(item.name, None, None, _trend(terms, target, far, item, previous), item.source)
            for far, item in short[:WITHOUT_GAP_AT_MOST]
        ]
    else:
        crumbs = _shortest_prefix(terms, target, gap, short, previous)
    return Trail(crumbs, len(short))


def _shortest_prefix(
    terms: Terms,
    target: float,
    gap: float,
    short: Sequence[tuple[float, Item]],
    previous: Mapping[str, Before],
) -> list[Crumb]:
    crumbs = []
    closed = 0.0
    for far, item in short:
        closed += far
        trend = _trend(terms, target, far, item, previous)
        crumbs.append(Crumb(item.name, far, min(1.0, closed / gap), trend, item.source))
        if closed >= gap or equal(closed, gap):
            break
    return crumbs


def contribution(terms: Terms, target: float, item: Item) -> float:
    """What an item adds to the gap: for sum and ratio its own shortfall, else how far it is past the target.

    An item without one, 0 or less, is closed.
    """
    match terms.aggregation, terms.direction:
        case ("sum", "down") | ("ratio", "down"):
            return item.numerator
        case "ratio", "up":
            return item.denominator - item.numerator
        case _, "up":
            return target - item.numerator
    return item.numerator - target


def _trend(terms: Terms, target: float, far: float, item: Item, previous: Mapping[str, Before]) -> str | None:
    """How the contribution compares with the previous snapshot's: new, grew, shrank, same; None without one."""
    if item.source not in previous:
        return None
    before = previous[item.source].get(item.name)
    if before is None:
        return "new"
    earlier = max(0.0, contribution(terms, target, before))
    if equal(far, earlier):
        return "same"
    return "grew" if far > earlier else "shrank"

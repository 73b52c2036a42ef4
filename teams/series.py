"""What a judgment reads from the database: the snapshots of each goal's sources, and the items behind a trail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import F, Q

from program.rules.series import Reading, SourceReadings
from program.rules.trail import Item

from .models import Snapshot, Source

Pair = tuple[int, int]
"""(metric version id, team id): what a team's series is known by."""


@dataclass(frozen=True, slots=True)
class SourceHistory:
    """One source's snapshots as the rules want them, with their row ids (same order)."""

    readings: SourceReadings
    ids: Sequence[int]


Histories = Mapping[Pair, Sequence[SourceHistory]]


def load(wanted: Mapping[Pair, date], whole: Iterable[Pair] = ()) -> Histories:
    """The snapshots of these series that a judgment of each one's day may need, oldest first. Two queries.

    A judgment of a day on or after the newest snapshot reads the 90 days before that snapshot and one snapshot more a
    source (`Source.carry`), however long the history is. For earlier days, and for the series in `whole` (whose
    baseline is not recorded yet), the history is read from its beginning.
    """
    sources: dict[int, tuple[Pair, str, date | None]] = {}
    bounded, unbounded = [], []
    from_the_beginning = set(whole)
    rows = Source.objects.filter(
        metric_version__in={version for version, _ in wanted}, team__in={team for _, team in wanted}
    ).values_list("pk", "metric_version", "team", "name", "retired_on", "newest")
    for pk, version, team, name, retired_on, newest in rows:
        pair = (version, team)
        if pair not in wanted or newest is None:
            continue
        sources[pk] = (pair, name, retired_on)
        whole_history = pair in from_the_beginning or newest > wanted[pair]
        (unbounded if whole_history else bounded).append(pk)
    needed = Q(source__in=bounded, as_of__gte=F("source__carry"))
    if unbounded:
        needed |= Q(source__in=unbounded)
    return _histories(sources, needed) if sources else {}


def _histories(sources: Mapping[int, tuple[Pair, str, date | None]], needed: Q) -> Histories:
    readings: dict[int, list[Reading]] = defaultdict(list)
    ids: dict[int, list[int]] = defaultdict(list)
    snapshots = (
        Snapshot.objects.filter(needed)
        .order_by("source", "as_of")
        .values_list("source_id", "pk", "as_of", "count", "numerator", "denominator", "maximum")
    )
    for source, pk, *totals in snapshots:
        readings[source].append(Reading(*totals))
        ids[source].append(pk)
    histories: dict[Pair, list[SourceHistory]] = defaultdict(list)
    for source in sorted(readings, key=lambda pk: sources[pk][1]):
        pair, name, retired_on = sources[source]
        histories[pair].append(SourceHistory(SourceReadings(name, readings[source], retired_on), ids[source]))
    return histories


@dataclass(frozen=True, slots=True)
class SnapshotIds:
    """The snapshots a trail is made of, by source: the newest and, where there is one, the one before."""

    newest: Mapping[str, int]
    previous: Mapping[str, int]


def snapshot_ids(histories: Sequence[SourceHistory], day: date) -> SnapshotIds:
    """Which snapshots hold the items of a team's value on a day."""
    newest, previous = {}, {}
    for history in histories:
        source = history.readings
        if source.retired_on is not None and day >= source.retired_on:
            continue
        at = sum(1 for reading in source.readings if reading.as_of <= day)
        if at:
            newest[source.name] = history.ids[at - 1]
        if at > 1:
            previous[source.name] = history.ids[at - 2]
    return SnapshotIds(newest, previous)


def load_items(snapshots: Iterable[int]) -> dict[int, dict[str, tuple[float, float]]]:
    """The observations of these snapshots: by snapshot id and item, (numerator, denominator). One query."""
    rows = Snapshot.objects.filter(pk__in=list(snapshots)).values_list("pk", "items")
    return {pk: {name: unpack(held) for name, held in items.items()} for pk, items in rows}


def unpack(held: float | list[float]) -> tuple[float, float]:
    """(numerator, denominator) of an observation as a snapshot holds it; the denominator is 0 where there is none."""
    return (held[0], held[1]) if isinstance(held, list) else (held, 0.0)


def pack(numerator: float, denominator: float | None) -> float | list[float]:
    """How a snapshot holds an observation: whole numbers without a point, a ratio as a pair."""
    if denominator is None:
        return _short(numerator)
    return [_short(numerator), _short(denominator)]


def _short(number: float) -> float:
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def trail_items(
    ids: SnapshotIds, held: Mapping[int, Mapping[str, tuple[float, float]]]
) -> tuple[list[Item], dict[str, dict[str, Item]]]:
    """The newest items of all live sources, and those of the snapshots before, as the trail wants them."""
    items = [Item(name, *numbers, source) for source, pk in ids.newest.items() for name, numbers in held[pk].items()]
    previous = {
        source: {name: Item(name, *numbers, source) for name, numbers in held[pk].items()}
        for source, pk in ids.previous.items()
    }
    return items, previous

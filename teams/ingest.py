"""Ingest: one payload becomes snapshots, whole or not at all, with its run on record."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import DateField, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Coalesce

from accounts.clock import latest_today
from accounts.models import AccessToken
from program.feeds.batch import MOST_FAULTS, Batch, Fault, Row
from program.feeds.registry import Kind
from program.models import Feed, MetricVersion
from program.rules.forecast import WINDOW_DAYS

from .models import LONG_AGO, Goal, Payload, Run, Snapshot, Source, Team
from .series import pack
from .standings import judge_goals
from .upsert import upsert

JUDGED_AT_ONCE = 200
"""Goals that a batch may touch and still be judged in its own transaction; more leave a due row each."""

SnapshotKey = tuple[int, int | None, str, date]
"""(metric version id, team id or None, source, as_of)."""


class Refused(Exception):
    """A payload that was not taken: nothing of it is stored. `faults` says line by line what was expected."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(f"line {fault.line}: {fault.what}" for fault in self.faults[:3]))


class KeyReused(Exception):
    """An idempotency key that came before with another payload."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a payload came from and what it may feed. `metrics` None means any metric."""

    kind: str
    came_from: str
    format: Kind
    feed: Feed | None = None
    token: AccessToken | None = None
    metrics: frozenset[str] | None = None
    idempotency_key: str = ""


@dataclass(slots=True)
class Counts:
    """What a run changed, in observations; `snapshots` are those it named."""

    observations: int = 0
    snapshots: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    unplaced: int = 0


@dataclass(frozen=True, slots=True)
class Received:
    """A run as it was taken: how many standings it moved at once, and how many goals are still to be judged."""

    run: Run
    judged: int = 0
    due: int = 0
    repeated: bool = False


@dataclass(slots=True)
class NamedSnapshot:
    """One snapshot that a batch names, before it is compared with what is held."""

    aggregation: str
    items: dict[str, float | list[float]] = field(default_factory=dict)
    numerators: list[float] = field(default_factory=list)
    denominators: list[float] = field(default_factory=list)


def ingest(data: bytes, origin: Origin, now: datetime) -> Received:
    """Take a payload. Raises Refused with every fault (up to 100), or KeyReused; then nothing is stored."""
    digest = hashlib.sha256(data).hexdigest()
    if origin.idempotency_key:
        earlier = _earlier(origin, digest)
        if earlier:
            return earlier
    batch = origin.format.read(data)
    if not batch.faults and not batch.rows:
        batch.fault(0, "at least one observation was expected")
    named = _place(batch, origin, now)
    if batch.faults:
        raise Refused(sorted(batch.faults)[:MOST_FAULTS])
    try:
        with transaction.atomic():
            return _keep(data, digest, named, origin, now)
    except IntegrityError:
        # The same idempotency key arrived in two requests at once: the other one was first.
        earlier = _earlier(origin, digest) if origin.idempotency_key else None
        if earlier is None:
            raise
        return earlier


def _earlier(origin: Origin, digest: str) -> Received | None:
    run = Run.objects.filter(token=origin.token, idempotency_key=origin.idempotency_key).first()
    if run is None:
        return None
    if run.payload_id != digest:
        raise KeyReused(origin.idempotency_key)
    return Received(run, repeated=True)


def _place(batch: Batch, origin: Origin, now: datetime) -> dict[SnapshotKey, NamedSnapshot]:
    """Put each row into its snapshot; rows that fit nowhere become faults of the batch."""
    versions = _versions({row.metric for row in batch.rows}, origin)
    teams = {key: (pk, leaf) for key, pk, leaf in _teams({row.team for row in batch.rows})}
    future = latest_today(now)
    named: dict[SnapshotKey, NamedSnapshot] = {}
    for row in batch.rows:
        version = versions.get(row.metric)
        wrong = _wrong(row, version, teams, future)
        if wrong or version is None:
            batch.fault(row.line, wrong)
            continue
        key = (version.pk, teams[row.team][0] if row.team else None, row.source, row.as_of)
        snapshot = named.get(key)
        if snapshot is None:
            snapshot = named[key] = NamedSnapshot(version.aggregation)
        clash = _clash(snapshot, row)
        if clash:
            batch.fault(row.line, clash)
            continue
        snapshot.items[row.item] = pack(row.numerator, row.denominator)
        snapshot.numerators.append(row.numerator)
        if row.denominator is not None:
            snapshot.denominators.append(row.denominator)
    _check_totals(batch, named)
    return named


def _versions(keys: set[str], origin: Origin) -> dict[str, MetricVersion]:
    allowed = keys if origin.metrics is None else keys & origin.metrics
    found = MetricVersion.objects.filter(metric__key__in=allowed, current=True).select_related("metric")
    return {version.metric.key: version for version in found}


def _teams(keys: set[str]) -> Iterable[tuple[str, int, bool]]:
    return Team.objects.filter(key__in=keys - {""}).values_list("key", "pk", "leaf")


def _wrong(row: Row, version: MetricVersion | None, teams: Mapping[str, tuple[int, bool]], future: date) -> str:
    """What is wrong with a row by itself; empty if nothing."""
    if version is None:
        return f"metric {row.metric[:60]!a} is not known here; apply its program first, or check the token's scope"
    if row.team and row.team not in teams:
        return f"team {row.team[:60]!a} is not known; apply its Group first, or leave it empty"
    if row.team and not teams[row.team][1]:
        return f"{row.team!a} is a group; observations are of its teams"
    if row.as_of > future:
        return f"as_of {row.as_of} is in the future"
    if version.aggregation == MetricVersion.Aggregation.RATIO:
        if row.denominator is None or row.denominator < 0:
            return f"{row.metric} is a ratio: a denominator of 0 or more was expected"
    elif row.denominator is not None:
        return f"{row.metric} is a {version.aggregation}, no ratio: an empty denominator was expected"
    return ""


def _clash(snapshot: NamedSnapshot, row: Row) -> str:
    """What is wrong with a row beside the others of its snapshot; empty if nothing."""
    where = f"{row.metric}, {row.team or 'no team'}{', ' + row.source if row.source else ''} as of {row.as_of}"
    if row.item in snapshot.items:
        return f"item {row.item[:60]!a} stands once in the snapshot of {where}; this is its second line"
    if snapshot.items and snapshot.aggregation == MetricVersion.Aggregation.LATEST:
        return f"{row.metric} is a latest: one line was expected in the snapshot of {where}"
    if snapshot.items and ("" in snapshot.items) != (row.item == ""):
        return f"a snapshot has named items or one figure without an item, not both: {where}"
    return ""


def _check_totals(batch: Batch, named: Mapping[SnapshotKey, NamedSnapshot]) -> None:
    """Numbers that are finite one by one may still add up to infinity."""
    for snapshot in named.values():
        try:
            finite = math.isfinite(math.fsum(snapshot.numerators)) and math.isfinite(math.fsum(snapshot.denominators))
        except OverflowError:
            finite = False
        if not finite:
            batch.fault(0, "the numbers of a snapshot add up to a finite total")


def _keep(
    data: bytes, digest: str, named: Mapping[SnapshotKey, NamedSnapshot], origin: Origin, now: datetime
) -> Received:
    """Store a placed batch: payload, run, snapshots, and what is to be judged. Runs in one transaction."""
    Payload.objects.bulk_create(
        [Payload(digest=digest, size=len(data), data=zlib.compress(data, 1))], ignore_conflicts=True
    )
    run = Run.objects.create(
        kind=origin.kind,
        came_from=origin.came_from[:300],
        format=origin.format.name,
        feed=origin.feed,
        token=origin.token,
        payload_id=digest,
        received_at=now,
        idempotency_key=origin.idempotency_key,
    )
    sources = _sources(named)
    counts, written = _write(run, named, sources)
    _bound({sources[key[:3]] for key in written})
    Run.objects.filter(pk=run.pk).update(**asdict(counts))
    for name, number in asdict(counts).items():
        setattr(run, name, number)
    judged, due = _judge_touched({key[:2] for key in written}, now)
    return Received(run, judged, due)


def _sources(named: Mapping[SnapshotKey, NamedSnapshot]) -> dict[tuple[int, int | None, str], int]:
    """The row of each source that a batch names, made where it is new, and locked: two batches take turns."""
    wanted = {key[:3] for key in named}
    matching = Q(metric_version__in={version for version, _, _ in wanted}, name__in={name for _, _, name in wanted}) & (
        Q(team__in={team for _, team, _ in wanted if team is not None}) | Q(team=None)
    )

    def held() -> dict[tuple[int, int | None, str], int]:
        rows = Source.objects.select_for_update().filter(matching).order_by("pk")
        found = {
            (version, team, name): pk
            for pk, version, team, name in rows.values_list("pk", "metric_version", "team", "name")
        }
        return {key: pk for key, pk in found.items() if key in wanted}

    found = held()
    missing = sorted(wanted - found.keys(), key=lambda key: (key[0], key[1] or 0, key[2]))
    if missing:
        Source.objects.bulk_create(
            [Source(metric_version_id=version, team_id=team, name=name) for version, team, name in missing],
            ignore_conflicts=True,
        )
        found = held()
    return found


def _write(
    run: Run, named: Mapping[SnapshotKey, NamedSnapshot], sources: Mapping[tuple[int, int | None, str], int]
) -> tuple[Counts, list[SnapshotKey]]:
    """Write the snapshots that are new or say something else than what is held. Returns the counts and those keys."""
    days = {key[3] for key in named}
    rows = Snapshot.objects.filter(source__in=set(sources.values()), as_of__in=days)
    held = {(source, as_of): items for source, as_of, items in rows.values_list("source_id", "as_of", "items")}
    counts = Counts(snapshots=len(named))
    written, new_rows = [], []
    for key, snapshot in named.items():
        source = sources[key[:3]]
        before = held.get((source, key[3]))
        _count(counts, snapshot.items, before or {}, placed=key[1] is not None)
        if before == snapshot.items:
            continue
        written.append(key)
        new_rows.append((source, key[3], run.pk, *_totals(snapshot)))
    upsert(
        Snapshot,
        ("source", "as_of", "run", "count", "numerator", "denominator", "maximum", "items"),
        new_rows,
        unique=("source", "as_of"),
    )
    return counts, written


def _count(counts: Counts, items: Mapping[str, Any], before: Mapping[str, Any], *, placed: bool) -> None:
    same = sum(1 for name, held in items.items() if name in before and before[name] == held)
    known = sum(1 for name in items if name in before)
    counts.observations += len(items)
    counts.new += len(items) - known
    counts.changed += known - same
    counts.unchanged += same
    counts.gone += len(before) - known
    if not placed:
        counts.unplaced += len(items)


def _totals(snapshot: NamedSnapshot) -> tuple[int, float, float, float | None, str]:
    """(count, Σ numerator, Σ denominator, largest, items as text). Exactly rounded sums, whatever the order of rows."""
    return (
        len(snapshot.items),
        math.fsum(snapshot.numerators),
        math.fsum(snapshot.denominators),
        max(snapshot.numerators, default=None),
        json.dumps(snapshot.items, separators=(",", ":"), sort_keys=True, ensure_ascii=False),
    )


def _bound(touched: set[int]) -> None:
    """Keep, for each touched source, which snapshot is the newest and from where on a judgment must read."""
    of_source = Snapshot.objects.filter(source=OuterRef("pk")).order_by("-as_of").values("as_of")
    edge = Cast(OuterRef("newest") - timedelta(days=WINDOW_DAYS), DateField())
    sources = Source.objects.filter(pk__in=touched)
    sources.update(newest=Subquery(of_source[:1]))
    sources.update(carry=Coalesce(Subquery(of_source.filter(as_of__lt=edge)[:1]), Value(LONG_AGO)))


def _judge_touched(pairs: set[tuple[int, int | None]], now: datetime) -> tuple[int, int]:
    """Judge the live goals on these series, or leave them due when they are many. Returns (judged, left due)."""
    if not pairs:
        return 0, 0
    metrics = dict(MetricVersion.objects.filter(pk__in={version for version, _ in pairs}).values_list("pk", "metric"))
    wanted = {(metrics[version], team) for version, team in pairs if team is not None}
    rows = (
        Goal.objects.on_scorecards()
        .filter(metric__in=set(metrics.values()), team__in={team for _, team in wanted})
        .values_list("pk", "metric", "team")
    )
    touched = Goal.objects.filter(pk__in=[pk for pk, metric, team in rows if (metric, team) in wanted])
    touched_count = touched.update(judge_due_at=now)
    if touched_count > JUDGED_AT_ONCE:
        return 0, touched_count
    return judge_goals(touched, now), 0

"""Ingest: one payload becomes snapshots, whole or not at all, with its run on record."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from time import perf_counter
from typing import Any

from django.db import IntegrityError, transaction

from accounts.clock import today
from accounts.models import AccessToken, User
from program.feeds.batch import MOST_FAULTS, Batch, Fault
from program.feeds.registry import KINDS, Kind
from program.feeds.report import Asked
from program.models import Feed, MetricVersion

from . import trust
from .keeping import judge_touched, keep
from .models import Payload, Run
from .placing import Placed, Placer, Scope, named_pairs
from .trials import Trial, try_out


class Refused(Exception):
    """A payload that was not taken: nothing of it is stored. `faults` says line by line what was expected."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(f"line {fault.line}: {fault.what}" for fault in self.faults[:3]))


class KeyReused(Exception):
    """An idempotency key that came before with another payload."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a payload came from, how it is to be read, and what it may feed. `metrics` None means any metric."""

    kind: str
    came_from: str
    format: Kind
    feed: Feed | None = None
    token: AccessToken | None = None
    metrics: frozenset[str] | None = None
    idempotency_key: str = ""
    asked: Asked = field(default_factory=Asked)
    scope: Scope = field(default_factory=Scope)
    by: User | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A run as it was taken: how many standings it moved at once, and how many goals are still to be judged."""

    run: Run
    judged: int = 0
    due: int = 0
    repeated: bool = False


def of_feed(
    feed: Feed, kind: Kind, *, came_from: str, run_kind: str = Run.Kind.API, as_of: date | None = None,
    source: str | None = None, token: AccessToken | None = None, by: User | None = None, idempotency_key: str = "",
) -> Origin:  # fmt: skip
    """The origin of a payload that a feed brings: read by the feed's settings, for the feed's metrics only."""
    return Origin(
        kind=run_kind,
        came_from=came_from,
        format=kind,
        feed=feed,
        token=token,
        metrics=frozenset(feed.metrics.values_list("key", flat=True)),
        idempotency_key=idempotency_key,
        asked=Asked(dict(feed.measures), as_of, feed.source if source is None else source, dict(feed.settings)),
        scope=Scope(feed.scope or Feed.OWNERS),
        by=by,
    )


def ingest(data: bytes, origin: Origin, now: datetime) -> Received:
    """Take a payload. Raises Refused with every fault (up to 100), or KeyReused; then nothing of it is stored.

    A feed's refusal is on record as a run with its faults, and the feed is then failing.
    """
    started = perf_counter()
    digest = hashlib.sha256(data).hexdigest()
    if origin.idempotency_key:
        before = earlier(origin, digest)
        if before:
            return before
    batch, placed = read(data, origin, now)
    if batch.faults:
        if origin.feed is not None:
            _put_refusal_on_record(origin, digest, batch, now, started)
        raise Refused(batch.faults)
    try:
        with transaction.atomic():
            return _keep(data, digest, batch, placed, origin, now, started)
    except IntegrityError:
        # The same idempotency key arrived in two requests at once: the other one was first.
        before = earlier(origin, digest) if origin.idempotency_key else None
        if before is None:
            raise
        return before


def attempt(data: bytes, origin: Origin, now: datetime) -> Trial:
    """Take a payload for trial: what it would store, beside what is held. Nothing is kept; faults are in the trial."""
    batch, placed = read(data, origin, now)
    with transaction.atomic():
        found = try_out(batch, placed, Run(kind=origin.kind, format=origin.format.name, received_at=now), now)
        transaction.set_rollback(True)
    return found


def read(
    data: bytes, origin: Origin, now: datetime, versions: Mapping[str, MetricVersion] | None = None
) -> tuple[Batch, Placed]:
    """Read a payload and place its rows; the batch's faults are complete, sorted by line.

    `versions` are those of metrics to be used instead of the current ones, to read an old payload again.
    """
    zone = origin.feed.program.review_zone if origin.feed else "UTC"
    batch = origin.format.read(data, origin.asked, today(zone, now))
    if origin.format.report is not None and not origin.asked.measures:
        batch.fault(0, f"a feed that says which measure of {origin.format.title} becomes which metric was expected")
    placer = Placer(batch, origin.metrics, now, versions)
    placed = placer.place()
    if not batch.faults and origin.format.report is not None:
        placer.cover(origin.scope)
    if not batch.faults and not placed.named:
        batch.fault(0, "at least one observation was expected")
    batch.faults = sorted(batch.faults)[:MOST_FAULTS]
    return batch, placed


def origin_of(run: Run) -> Origin:
    """How a run's payload was read, to read it again."""
    asked = run.asked
    day = asked.get("as_of")
    return Origin(
        kind=run.kind,
        came_from=run.came_from,
        format=KINDS[run.format],
        feed=run.feed,
        token=run.token,
        metrics=frozenset(asked["metrics"]) if asked.get("metrics") is not None else None,
        asked=Asked(
            asked.get("measures", {}),
            date.fromisoformat(day) if day else None,
            asked.get("source", ""),
            asked.get("settings", {}),
        ),
        scope=Scope(asked.get("scope", Feed.OWNERS)),
        by=run.by,
    )


def earlier(origin: Origin, digest: str) -> Received | None:
    """What an idempotency key brought before, if anything. Raises KeyReused if that was another payload."""
    run = Run.objects.filter(token=origin.token, idempotency_key=origin.idempotency_key).first()
    if run is None:
        return None
    if run.digest != digest:
        raise KeyReused(origin.idempotency_key)
    return Received(run, repeated=True)


def keep_payload(data: bytes, digest: str) -> str:
    """Keep the bytes as they came, compressed, once under their digest, which is returned."""
    Payload.objects.bulk_create(
        [Payload(digest=digest, size=len(data), data=zlib.compress(data, 1))], ignore_conflicts=True
    )
    return digest


def new_run(origin: Origin, digest: str, now: datetime, **more: Any) -> Run:
    """A run, not saved yet, that says how its payload is read."""
    asked: dict[str, Any] = {}
    if origin.format.report is not None or origin.asked.source:
        asked = {
            "measures": dict(origin.asked.measures),
            "as_of": origin.asked.as_of.isoformat() if origin.asked.as_of else None,
            "source": origin.asked.source,
            "settings": dict(origin.asked.settings),
            "scope": origin.scope.teams,
        }
    if origin.metrics is not None and origin.feed is not None:
        asked["metrics"] = sorted(origin.metrics)
    return Run(
        kind=origin.kind,
        came_from=origin.came_from[:300],
        format=origin.format.name,
        asked=asked,
        feed=origin.feed,
        token=origin.token,
        by=origin.by,
        digest=digest,
        received_at=now,
        idempotency_key=origin.idempotency_key,
        **more,
    )


def _keep(
    data: bytes, digest: str, batch: Batch, placed: Placed, origin: Origin, now: datetime, started: float
) -> Received:
    """Store a placed batch: payload, run, snapshots, and what is to be judged. Runs in one transaction."""
    run = new_run(origin, digest, now, payload_id=keep_payload(data, digest))
    run.save()
    return take(run, batch, placed, now, started)


def take(run: Run, batch: Batch, placed: Placed, now: datetime, started: float) -> Received:
    """Store what a run's payload says, and judge what it touched. Runs in one transaction; the run is saved."""
    counts, written = keep(run, placed.named)
    for name, number in asdict(counts).items():
        setattr(run, name, number)
    if batch.as_of is not None:
        # A report's day is kept, so that reading it again another day finds the same.
        run.asked = run.asked | {"as_of": batch.as_of.isoformat(), "source": batch.source}
    run.scope = {
        "versions": {key: version.number for key, version in sorted(placed.versions.items())},
        "empty": sum(1 for snapshot in placed.named.values() if not snapshot.names),
    }
    if run.feed is not None:
        trust.feed_succeeded(run.feed, now)
    judged, due = judge_touched(named_pairs(written), now)
    settle(run, batch, Run.State.STORED, started)
    return Received(run, judged, due)


def settle(run: Run, batch: Batch, state: str, started: float) -> None:
    """Put on a run how it ended, with its log."""
    run.state = state
    run.faults = [list(fault) for fault in batch.faults]
    run.notes = batch.notes
    run.duration_ms = round((perf_counter() - started) * 1000)
    run.save()


def _put_refusal_on_record(origin: Origin, digest: str, batch: Batch, now: datetime, started: float) -> None:
    with transaction.atomic():
        run = new_run(replace(origin, idempotency_key=""), digest, now)
        settle(run, batch, Run.State.REFUSED, started)
        if origin.feed is not None:
            trust.feed_failed(origin.feed, first_fault(batch), now)


def first_fault(batch: Batch) -> str:
    """The first fault of a batch in words."""
    line, what = batch.faults[0]
    return f"line {line}: {what}" if line else what

"""Receiving: a long payload is kept as it came, and a worker takes it; its run tells how that went on."""

from __future__ import annotations

import hashlib
import zlib
from datetime import datetime, timedelta
from time import perf_counter

from django.db import transaction
from django.db.models import Q

from program.feeds.batch import Batch, Fault

from . import trust
from .ingest import Origin, earlier, first_fault, keep_payload, new_run, origin_of, read, settle, take
from .models import Run

LEASE = timedelta(minutes=16)
"""Longer than a worker may take (settings.CELERY_TASK_TIME_LIMIT)."""
MOST_TRIES = 3


def receive(data: bytes, origin: Origin, now: datetime) -> Run:
    """Keep a long payload, to be taken by a worker. Raises KeyReused."""
    digest = hashlib.sha256(data).hexdigest()
    if origin.idempotency_key:
        before = earlier(origin, digest)
        if before:
            return before.run
    with transaction.atomic():
        run = new_run(origin, digest, now, state=Run.State.RECEIVED, payload_id=keep_payload(data, digest))
        run.save()
    return run


def take_next(now: datetime) -> Run | None:
    """Take the oldest payload that waits; None if there is none. One whose worker was killed waits again."""
    waiting = Run.objects.filter(Q(taken_until=None) | Q(taken_until__lt=now), state=Run.State.RECEIVED)
    for run in waiting.order_by("received_at", "pk").select_related("payload", "feed__program", "token"):
        mine = Run.objects.filter(pk=run.pk, state=Run.State.RECEIVED, taken_until=run.taken_until)
        if mine.update(taken_until=now + LEASE, tries=run.tries + 1):
            run.tries += 1
            _take(run, now)
            return run
    return None


def _take(run: Run, now: datetime) -> None:
    started = perf_counter()
    if run.payload is None or run.tries > MOST_TRIES:
        # Twice a worker died over it: a third time would take the others' turn as well.
        batch = Batch(faults=[Fault(0, f"a payload that can be read was expected; {MOST_TRIES} workers gave up on it")])
        _refuse(run, batch, now, started)
        return
    batch, placed = read(zlib.decompress(run.payload.data), origin_of(run), now)
    if batch.faults:
        _refuse(run, batch, now, started)
        return
    with transaction.atomic():
        take(run, batch, placed, now, started)


def _refuse(run: Run, batch: Batch, now: datetime, started: float) -> None:
    with transaction.atomic():
        settle(run, batch, Run.State.REFUSED, started)
        if run.feed is not None:
            trust.feed_failed(run.feed, first_fault(batch), now)

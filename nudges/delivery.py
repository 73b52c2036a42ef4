"""Takes messages through the outbox's states, so that none goes out twice and none is lost without a word.

    pending ─claim, lease─► claimed ─after RCPT, before DATA─► handing ─250─► sent
     held | suppressed | expired | failed                        └─ no answer, killed ─► in doubt

Each arrow is one conditional UPDATE that names the lease, committed before the next step: a sender that died, or
that only believes it is alone, can change nothing that is not its own any more. Do not call this in a transaction.
"""

from __future__ import annotations

import logging
import math
import random
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, QuerySet

from accounts import audit
from accounts.models import User

from . import arrows, guards, kinds, routes
from .channels.registry import AT_LEAST_ONCE, ChannelError, Session, channel
from .models import Delivery

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
BATCH = 50
PLACES_SECONDS = 120.0
"""So long one batch waits for places that people chose: each may take half a minute to answer, and mail and the lease
of the whole batch wait meanwhile. What was not reached is the next batch's."""
BACK_OFF = (1, 5, 15, 60, 240)
PAUSE = timedelta(minutes=1)
LONGEST_ASKED = timedelta(days=1)
SUSPENDED = "the address is suspended"
"""How the reason begins of what a suspended address kept from going out."""
State = Delivery.State


@dataclass
class Batch:
    """What one batch did: how many rows were claimed, how many ended where, and whether to go on."""

    claimed: int = 0
    ended: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    stopped: str = ""

    @property
    def more(self) -> bool:
        """Whether it is worth trying another batch now."""
        return bool(self.claimed) and not self.stopped


@dataclass
class _Sealed:
    row: Delivery
    sealed: bytes


def deliver_batch(now: datetime, size: int = BATCH) -> Batch:
    """Send up to `size` due messages over one connection for each channel."""
    sweep(now)
    guards.hold(now)
    token, rows = claim(now, size)
    batch = Batch(claimed=len(rows))
    try:
        by_channel = _prepare(rows, token, now, batch)
        # Mail first: its one server is quick, and no place of somebody's own makes others wait.
        until = math.inf
        for name, sealed in sorted(by_channel.items(), key=lambda pair: pair[0] != routes.EMAIL):
            if name != routes.EMAIL and until == math.inf:
                until = time.monotonic() + PLACES_SECONDS
            _send_all(name, sealed, token, now, batch, until)
    finally:
        # Claimed is not handed over: what was not reached, for whatever reason, can safely wait its turn.
        if rows:
            _mine(token).filter(state=State.CLAIMED).update(state=State.PENDING, lease="", lease_until=None)
    return batch


def sweep(now: datetime) -> None:
    """Settle what dead senders left behind, and what came too late."""
    over = Delivery.objects.filter(lease_until__lte=now)
    over.filter(state=State.CLAIMED).update(state=State.PENDING, lease="", lease_until=None)
    handing = over.filter(state=State.HANDING)
    handing.filter(channel__in=AT_LEAST_ONCE).update(state=State.PENDING, lease="", lease_until=None)
    # The lease stays on the row: if its sender is only slow, its answer is still better than our doubt.
    handing.exclude(channel__in=AT_LEAST_ONCE).update(
        state=State.IN_DOUBT, reason="its sender stopped while handing it over: it may have arrived"
    )
    late = list(Delivery.objects.filter(state=State.PENDING, not_after__lte=now).select_related("person__route")[:1000])
    late = [row for row in late if not (row.attempts and _instead(row, row.reason, now, refused=False))]
    if late:
        _end(late, State.EXPIRED, now, lambda row: f"not sent in time; {row.reason}" if row.reason else "")


def claim(now: datetime, size: int) -> tuple[str, list[Delivery]]:
    """Take the oldest due rows under a new lease. The UPDATE decides who gets a row; the SELECT only proposes."""
    token = secrets.token_hex(16)
    due = Delivery.objects.filter(state=State.PENDING, next_at__lte=now, not_after__gt=now)
    with transaction.atomic():
        proposal = due.order_by("next_at", "pk")
        if connection.features.has_select_for_update_skip_locked:
            proposal = proposal.select_for_update(skip_locked=True)
        ids = list(proposal.values_list("pk", flat=True)[:size])
        if not ids:
            return token, []
        due.filter(pk__in=ids).update(state=State.CLAIMED, lease=token, lease_until=now + LEASE)
    return token, list(_mine(token).select_related("person__route", "program").order_by("next_at", "pk"))


def _mine(token: str) -> QuerySet[Delivery]:
    return Delivery.objects.filter(lease=token)


def _prepare(rows: Sequence[Delivery], token: str, now: datetime, batch: Batch) -> dict[str, list[_Sealed]]:
    """Check every row again, write its words and seal it: all that can fail without a mail server."""
    ready: dict[str, list[_Sealed]] = defaultdict(list)
    rendered: list[Delivery] = []
    for kind_rows in _by_kind(rows).values():
        try:
            kind = kinds.get(kind_rows[0].kind)
            kind.prefetch(kind_rows, now)
        except Exception as fault:
            log.exception("cannot prepare messages of kind %s", kind_rows[0].kind)
            for row in kind_rows:
                _back_off(row, token, now, batch, f"could not be prepared: {fault!r}")
            continue
        for row in kind_rows:
            try:
                if kind.follows_route:
                    _place(row, token)
                if not _wanted(kind, row, token, now, batch):
                    continue
                if kind.render is not None:
                    _take_words(row, kind.render(row, now))
                    rendered.append(row)
                ready[row.channel].append(_Sealed(row, channel(row.channel).seal(row, now)))
            except Exception as fault:
                # One bad row must not hold up the others, nor vanish: it waits, says why, and expires in sight.
                log.exception("cannot prepare message %s", row.pk)
                _back_off(row, token, now, batch, f"could not be prepared: {fault!r}")
    if rendered:
        _mine(token).bulk_update(rendered, ["subject", "text", "html", "card", "headers", "attachments"])
    return ready


def _place(row: Delivery, token: str) -> None:
    """The place its person chose by now. What went by mail once in the stead of another place stays there."""
    if row.person is None or (row.channel == routes.EMAIL and row.attempts):
        return
    there = routes.place(row.person)
    if there != (row.channel, row.address):
        row.channel, row.address = there
        _mine(token).filter(pk=row.pk, state=State.CLAIMED).update(channel=row.channel, address=row.address)


def _wanted(kind: kinds.Kind, row: Delivery, token: str, now: datetime, batch: Batch) -> bool:
    verdict: str | kinds.Later | None = None
    if row.person is not None and not row.private:
        # Of another address than theirs of today nothing is known: it may work where theirs is refused.
        verdict = _refuses(row.person, to_theirs=(row.channel, row.address) == (routes.EMAIL, row.person.email))
    if verdict is None:
        verdict = kind.still_wanted(row, now)
    if verdict is None:
        return True
    if isinstance(verdict, kinds.Later):
        _mine(token).filter(pk=row.pk, state=State.CLAIMED).update(
            state=State.PENDING,
            lease="",
            lease_until=None,
            next_at=verdict.until,
            not_after=max(row.not_after, verdict.until + (row.not_after - row.created_at)),
            reason=verdict.reason[:300],
        )
        batch.ended["later"] += 1
        return False
    why = verdict
    _end([row], State.SUPPRESSED, now, lambda _row: why, batch)
    return False


def _refuses(person: User, *, to_theirs: bool) -> str | None:
    if not person.is_active:
        return "the person is not active any more"
    if to_theirs and person.address_suspended_reason:
        return f"{SUSPENDED}: {person.address_suspended_reason}"
    return None


def _take_words(row: Delivery, words: kinds.Words) -> None:
    row.subject = " ".join(words.subject.split())[:300]
    row.text, row.html = words.text, words.html
    row.headers = {**row.headers, **words.headers}
    row.attachments = words.attachments or row.attachments
    row.card = words.card or row.card


def _send_all(name: str, waiting: list[_Sealed], token: str, now: datetime, batch: Batch, until: float) -> None:
    """Hand over one channel's messages on one connection; when the way breaks, the rest waits a minute. What time does
    not reach stays claimed, and goes back with the batch."""
    left = list(waiting)
    try:
        with channel(name).open() as session:
            while left and time.monotonic() < until:
                _send(session, left[0], token, now, batch)
                left.pop(0)
    except ChannelError as fault:
        batch.stopped = fault.reason
        if left:
            _mine(token).filter(pk__in=[one.row.pk for one in left], state__in=(State.CLAIMED, State.HANDING)).update(
                state=State.PENDING, lease="", lease_until=None, next_at=now + PAUSE, reason=fault.reason[:300]
            )


def _send(session: Session, one: _Sealed, token: str, now: datetime, batch: Batch) -> None:
    """Hand over one message; raises ChannelError when the connection is of no more use."""
    row = one.row

    def handing() -> bool:
        return arrows.to_handing(row.pk, token, now, now + LEASE)

    try:
        session.send(one.sealed, row.address, handing)
    except ChannelError as fault:
        if fault.in_doubt:
            _in_doubt(row, token, fault.reason, batch)
        if fault.unreachable:
            raise
        if fault.permanent:
            _refused(row, fault, now, batch)
        elif not fault.in_doubt:
            _back_off(row, token, now, batch, fault.reason, fault.retry_after)
    except Exception as fault:
        # A stop in mid-sentence (a time limit, a fault of our own): claimed goes back, handing is in doubt.
        log.exception("message %s was interrupted", row.pk)
        if row.channel in AT_LEAST_ONCE:
            _back_off(row, token, now, batch, f"interrupted: {fault!r}")
        else:
            _in_doubt(row, token, f"interrupted: {fault!r}", batch)
        raise ChannelError(f"interrupted: {fault!r}", unreachable=True) from fault
    else:
        _sent(row, token, now, batch)


def _refused(row: Delivery, fault: ChannelError, now: datetime, batch: Batch) -> None:
    """Refused for good: a digest goes by mail in the stead of another place, all else fails."""
    if row.channel != routes.EMAIL and _instead(row, fault.reason, now, refused=fault.address):
        batch.ended["by mail instead"] += 1
        return
    if fault.address and row.channel == routes.EMAIL:
        _suspend(row, fault.reason, now)
    elif fault.address:
        with transaction.atomic():
            routes.suspend(row, fault.reason, now)
    _end([row], State.FAILED, now, lambda _row: fault.reason, batch)


def _instead(row: Delivery, why: str, now: datetime, *, refused: bool) -> bool:
    """Send a digest by mail that its person's own place did not take, once; the place is suspended if it was refused.
    Who gave that place up meanwhile gets it where they want it by now.

    One transaction: whoever dies in it leaves the message where it was, and the place as it was.
    """
    if row.channel in routes.AS_MAIL or row.person is None or not kinds.get(row.kind).follows_route:
        return False
    waits = Delivery.objects.filter(pk=row.pk, lease=row.lease, state__in=(State.PENDING, State.CLAIMED, State.HANDING))
    gave_up = routes.of_address(row.address) is None
    reason = f"by mail, since {row.shown_address} did not take it: {why}"
    to, address = routes.place(User.objects.get(pk=row.person.pk)) if gave_up else (routes.EMAIL, row.person.email)
    with transaction.atomic():
        done = waits.update(
            state=State.PENDING,
            channel=to,
            address=address,
            attempts=F("attempts") + 1,
            lease="",
            lease_until=None,
            next_at=now,
            not_after=now + (row.not_after - row.created_at),
            reason=reason[:300] if to == routes.EMAIL else "",
        )
        if done and refused:
            routes.suspend(row, why, now)
    return bool(done)


def _sent(row: Delivery, token: str, now: datetime, batch: Batch) -> None:
    """Put the server's 250 on record; a database that restarts just now gets a few seconds to come back."""
    for wait in (0.5, 1, 2, 4, 8, None):
        try:
            done = arrows.to_sent(row.pk, token, now, erase=row.private)
        except (OperationalError, InterfaceError):
            if wait is None or connection.in_atomic_block:
                raise
            connection.close()
            time.sleep(wait)
        else:
            batch.ended[State.SENT if done else "not ours any more"] += 1
            return


def _in_doubt(row: Delivery, token: str, reason: str, batch: Batch) -> None:
    done = (
        _mine(token)
        .filter(pk=row.pk, state=State.HANDING)
        .update(state=State.IN_DOUBT, reason=reason[:300], attempts=F("attempts") + 1)
    )
    batch.ended[State.IN_DOUBT] += done


def _back_off(
    row: Delivery, token: str, now: datetime, batch: Batch, reason: str, retry_after: int | None = None
) -> None:
    """Refused for now: wait 1, 5, 15, 60 minutes, then 4 hours at a time, give or take a fifth; or as long as the
    receiver asks for, a day at most."""
    minutes = BACK_OFF[min(row.attempts, len(BACK_OFF) - 1)]
    wait = timedelta(minutes=minutes * random.uniform(0.8, 1.2))  # noqa: S311
    if retry_after is not None:
        wait = min(timedelta(seconds=max(1, min(retry_after, 10**6))), LONGEST_ASKED)
    _mine(token).filter(pk=row.pk, state__in=(State.CLAIMED, State.HANDING)).update(
        state=State.PENDING,
        lease="",
        lease_until=None,
        attempts=F("attempts") + 1,
        next_at=now + wait,
        reason=reason[:300],
    )
    batch.ended["refused for now"] += 1


def _end(
    rows: Sequence[Delivery],
    state: str,
    now: datetime,
    why: Callable[[Delivery], str],
    batch: Batch | None = None,
) -> None:
    """Bring rows to an end in which they never arrive, and tell their kind in the same transaction."""
    for row in rows:
        changes: dict[str, Any] = {"state": state, "reason": why(row)[:300], "lease": "", "lease_until": None}
        if row.private:
            changes |= {"text": "", "html": "", "card": {}, "attachments": []}
        ours = Delivery.objects.filter(
            pk=row.pk, lease=row.lease, state__in=(State.PENDING, State.CLAIMED, State.HANDING)
        )
        try:
            with transaction.atomic():
                done = ours.update(**changes)
                row.state, row.reason = state, str(changes["reason"])
                if done:
                    kinds.get(row.kind).never_arrived([row], now)
        except Exception:
            log.exception("cannot tell what message %s was about that it never arrived", row.pk)
            done = ours.update(**changes)
        if batch is not None:
            batch.ended[state] += done


def _suspend(row: Delivery, reason: str, now: datetime) -> None:
    if row.person is None or row.person.email != row.address:
        return
    with transaction.atomic():
        changed = User.objects.filter(pk=row.person.pk, address_suspended_reason="").update(
            address_suspended_reason=reason[:300]
        )
        if changed:
            audit.record("person", row.address, at=now, via="mail server", after="address suspended", reason=reason)


def _by_kind(rows: Sequence[Delivery]) -> dict[str, list[Delivery]]:
    found: dict[str, list[Delivery]] = defaultdict(list)
    for row in rows:
        found[row.kind].append(row)
    return found

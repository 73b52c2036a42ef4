"""The outbox's desk: put a message in, let held ones go, settle what is in doubt. Sending is delivery.py's work."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import User
from program.models import Program

from . import kinds
from .models import Delivery

GIVE_UP_AFTER = timedelta(hours=48)
State = Delivery.State


@dataclass
class Letter:
    """A message to be sent once: the same kind, key, channel and address again changes nothing."""

    kind: str
    key: str
    address: str
    subject: str = ""
    text: str = ""
    html: str = ""
    person: User | None = None
    program: Program | None = None
    channel: str = "email"
    headers: dict[str, str] = field(default_factory=dict)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    card: dict[str, Any] = field(default_factory=dict)
    private: bool = False
    not_before: datetime | None = None
    not_after: datetime | None = None


def put(letter: Letter, now: datetime) -> Delivery:
    """Put one letter in; call it in the transaction of what the letter tells. Returns the row, new or not."""
    return put_all([letter], now)[0]


def put_all(letters: Sequence[Letter], now: datetime) -> list[Delivery]:
    """Put letters in, in constant queries; returns their rows in the same order, those held already included."""
    rows = [_row(letter, now) for letter in letters]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)
    held: dict[str, Delivery] = {}
    ids = [row.message_id for row in rows]
    for start in range(0, len(ids), 500):
        for row in Delivery.objects.filter(message_id__in=ids[start : start + 500]):
            held[row.message_id] = row
    return [held[message_id] for message_id in ids]


def message_id(kind: str, key: str, channel: str, address: str) -> str:
    """The stable Message-ID of a letter: whoever sends it, and however often, it is the same mail."""
    digest = hashlib.sha256("\n".join((kind, key, channel, address.lower())).encode()).hexdigest()
    return f"<{digest[:40]}@{sender_domain()}>"


def sender_domain() -> str:
    """The domain mail comes from."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return domain.encode("idna").decode("ascii") or "localhost"


def release(rows: Iterable[Delivery], now: datetime, actor: User | None = None) -> int:
    """Let held messages go; each is checked again before it is sent. Returns how many were held."""
    with transaction.atomic():
        released = Delivery.objects.filter(pk__in=[row.pk for row in rows], state=State.HELD).update(
            state=State.PENDING, reason="", next_at=now, not_after=now + GIVE_UP_AFTER, released_at=now
        )
        audit.record("outbox", "release", at=now, actor=actor, after={"messages": released})
    return released


def drop(row: Delivery, now: datetime, actor: User | None = None) -> bool:
    """Give up a message that is waiting or held; False if it stands elsewhere by now."""
    reason = f"dropped by {actor}" if actor else "dropped by hand"
    with transaction.atomic():
        changed = Delivery.objects.filter(pk=row.pk, state__in=(State.PENDING, State.HELD)).update(
            state=State.SUPPRESSED, reason=reason[:300]
        )
        if changed:
            audit.record("outbox", row.message_id, at=now, actor=actor, before=str(row.state), after="dropped")
            row.state, row.reason = State.SUPPRESSED, reason
            kinds.get(row.kind).never_arrived([row], now)
    return bool(changed)


def send_again(row: Delivery, now: datetime, actor: User | None = None) -> bool:
    """Send a message that is in doubt once more, under its old Message-ID: a person's decision, never the outbox's."""
    with transaction.atomic():
        changed = (
            Delivery.objects.filter(pk=row.pk, state=State.IN_DOUBT)
            .exclude(text="")
            .update(
                state=State.PENDING,
                reason="sent again by hand",
                lease="",
                lease_until=None,
                next_at=now,
                not_after=now + GIVE_UP_AFTER,
                released_at=now,
            )
        )
        if changed:
            audit.record("outbox", row.message_id, at=now, actor=actor, before="in doubt", after="pending")
    return bool(changed)


def arrived(row: Delivery, now: datetime, actor: User | None = None) -> bool:
    """Settle a message in doubt as arrived: somebody has seen it."""
    with transaction.atomic():
        changed = Delivery.objects.filter(pk=row.pk, state=State.IN_DOUBT).update(
            state=State.SENT, reason="seen by its receiver", lease="", lease_until=None, sent_at=now
        )
        if changed:
            audit.record("outbox", row.message_id, at=now, actor=actor, before="in doubt", after="sent")
    return bool(changed)


def _row(letter: Letter, now: datetime) -> Delivery:
    not_before = letter.not_before or now
    return Delivery(
        kind=letter.kind,
        key=letter.key,
        channel=letter.channel,
        address=letter.address,
        person=letter.person,
        program=letter.program,
        # A line break in a subject would be a header of its own.
        subject=" ".join(letter.subject.split())[:300],
        text=letter.text,
        html=letter.html,
        headers=letter.headers,
        attachments=letter.attachments,
        card=letter.card,
        private=letter.private,
        message_id=message_id(letter.kind, letter.key, letter.channel, letter.address),
        next_at=not_before,
        not_after=letter.not_after or not_before + GIVE_UP_AFTER,
        created_at=now,
    )

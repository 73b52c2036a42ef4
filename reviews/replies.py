"""Replies to invites: accepted, perhaps, declined; by the link in the mail, or by the mail that a calendar sends back.

A mailed reply (iTIP, METHOD:REPLY) is matched by the entry's UID, the attendee's address and the SEQUENCE. It is only
as good as its From, which has to be the attendee's: whoever can forge that can reply for them, and nothing else.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import getaddresses
from typing import Any

import icalendar
from django.db import transaction
from django.db.models import F, QuerySet

from accounts import audit
from accounts.models import User
from nudges.outbox import sender_domain
from program import wording
from program.models import Program

from .models import Attendance, Invitation, Review

Reply = Attendance.Reply
LARGEST = 262_144
"""Bytes of a mail that is read at all; a reply is some 3,000."""
MOST_PARTS = 50
VERBS = {Reply.ACCEPTED: "accepted", Reply.TENTATIVE: "may come to", Reply.DECLINED: "declined"}
PARTSTATS = {"ACCEPTED": Reply.ACCEPTED, "TENTATIVE": Reply.TENTATIVE, "DECLINED": Reply.DECLINED}


class NotTaken(Exception):
    """A reply that does not count; the text says why, in a sentence."""


@dataclass(frozen=True)
class Mailed:
    """What a mail says: whose reply to which entry, written when."""

    uid: str
    address: str
    reply: Reply
    sequence: int
    stamp: datetime | None


def say(
    review: Review, person: User, reply: Reply, sequence: int, now: datetime, *, via: str, stamp: datetime | None = None
) -> bool:
    """Keep a reply to one invite; True if it changed anything. Raises NotTaken where it does not count.

    `stamp` is when a mailed one was written: one that was written before another does not count any more.
    """
    with transaction.atomic():
        # Its own row only: the review's, by which it is ordered, is held by whoever invites at this moment.
        invited = Invitation.objects.select_for_update(of=("self",))
        told = invited.filter(review=review, person=person, withdrawn_at=None).first()
        if told is None or not person.is_active:
            raise NotTaken(f"{person.email} is not invited to this review.")
        # The sender wrote these: an answer to what was never sent is none.
        newest = Review.objects.values_list("sequence", flat=True).get(pk=review.pk)
        if sequence < told.sequence:
            raise NotTaken(f"It answers an older invite (SEQUENCE {sequence}; the newest is {told.sequence}).")
        if sequence > newest:
            raise NotTaken(f"It answers an invite that was never sent (SEQUENCE {sequence}; the newest is {newest}).")
        written = min(stamp, now) if stamp else now
        if stamp and told.answered_stamp and written <= told.answered_stamp:
            raise NotTaken("A reply that was written later is kept already.")
        held = Attendance.objects.filter(review=review, person=person).first()
        counts = held is not None and held.reply_sequence is not None and held.reply_sequence >= told.sequence
        before = held.reply if held and counts else Reply.NONE
        Invitation.objects.filter(pk=told.pk).update(answered_stamp=written)
        Attendance.objects.update_or_create(
            review=review, person=person, defaults={"reply": reply, "reply_sequence": sequence, "replied_at": now}
        )
        if before == reply:
            return False
        audit.record(
            "invite", f"{review.key} {person.email}", at=now, actor=person, via=via, before=before, after=str(reply)
        )
    return True


def declined_by_sponsors(programs: QuerySet[Program], now: datetime) -> QuerySet[Attendance]:
    """Of these programs, the reviews to come for which their sponsor declined the newest invite. One query."""
    rows = Attendance.objects.filter(
        reply=Reply.DECLINED, review__program__in=programs, review__state=Review.State.SCHEDULED,
        review__starts_at__gt=now, person=F("review__program__sponsor"),
        # The two stand in one call, so that they are asked of the same invitation.
        review__invitations__person=F("person"), review__invitations__sequence__lte=F("reply_sequence"),
    )  # fmt: skip
    return rows.select_related("person", "review__program").order_by("review__starts_at", "pk")


def take(message: bytes, now: datetime) -> str:
    """Take the reply that a mail carries; returns what was done, in a sentence. Raises NotTaken."""
    said = read(message)
    name, _, domain = said.uid.rpartition("@")
    review = None
    if domain == sender_domain() and len(name) <= 100:
        review = Review.objects.select_related("program").filter(uid=name).first()
    if review is None:
        raise NotTaken("No review has this UID.")
    if review.state != Review.State.SCHEDULED or review.ends_at <= now:
        raise NotTaken(f"The review {review.key} is over, or does not take place.")
    person = User.objects.filter(email=said.address).first()
    if person is None:
        raise NotTaken("Nobody with this address is invited to this review.")
    changed = say(review, person, said.reply, said.sequence, now, via="mail", stamp=said.stamp)
    day = wording.weekday(review.local_start.date())
    return f"{person.email} {VERBS[said.reply]} the review {review.key} on {day}{'' if changed else ' (as before)'}."


def read(message: bytes) -> Mailed:
    """The reply in a mail. Raises NotTaken, whatever the bytes are."""
    if len(message) > LARGEST:
        raise NotTaken(f"The mail is larger than {LARGEST:,} bytes.")
    try:
        parsed = email.message_from_bytes(message, policy=email.policy.compat32)
        senders = [address.lower() for _, address in getaddresses([str(one) for one in parsed.get_all("From", [])])]
        calendars = list(_calendars(parsed))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise NotTaken("It is no mail that can be read.") from None
    if len(senders) != 1 or not senders[0]:
        raise NotTaken("It has not one sender (From).")
    if not calendars:
        raise NotTaken("It carries no calendar part (text/calendar).")
    said = _reply(calendars[0])
    if said.address != senders[0]:
        raise NotTaken("It was sent by somebody else than the attendee it speaks for (From is not ATTENDEE).")
    return said


def _calendars(parsed: Message) -> Iterator[bytes]:
    """The calendar parts, of the first so many parts."""
    for number, part in enumerate(parsed.walk()):
        if number >= MOST_PARTS:
            return
        if part.get_content_type() in ("text/calendar", "application/ics") and not part.is_multipart():
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                yield payload


def _reply(payload: bytes) -> Mailed:
    try:
        calendar = icalendar.Calendar.from_ical(payload.decode("utf-8", "replace"))
        method, events = str(calendar.get("METHOD", "")).upper(), list(calendar.walk("VEVENT"))
    except Exception:  # icalendar raises what it likes on what a stranger sent
        raise NotTaken("Its calendar part cannot be read.") from None
    if method != "REPLY":
        raise NotTaken("It is no reply (METHOD:REPLY).")
    if len(events) != 1 or "RECURRENCE-ID" in events[0]:
        raise NotTaken("It is not about one meeting (one VEVENT).")
    event = events[0]
    attendees = event.get("ATTENDEE", [])
    attendees = attendees if isinstance(attendees, list) else [attendees]
    if len(attendees) != 1:
        raise NotTaken("It speaks for more than one attendee, or for none.")
    partstat = str(getattr(attendees[0], "params", {}).get("PARTSTAT", "")).upper()
    reply = PARTSTATS.get(partstat)
    if reply is None:
        raise NotTaken("It neither accepts nor declines (PARTSTAT is ACCEPTED, TENTATIVE or DECLINED).")
    return Mailed(
        uid=_text(event, "UID"), address=_address(str(attendees[0])), reply=reply, sequence=_sequence(event),
        stamp=_stamp(event),
    )  # fmt: skip


def _text(event: Any, name: str) -> str:
    found = event.get(name)
    text = "" if isinstance(found, list) or found is None else str(found).strip()
    if not text or len(text) > 300 or "\0" in text:
        raise NotTaken(f"It has not one {name}.")
    return text


def _address(text: str) -> str:
    scheme, _, address = text.partition(":")
    if scheme.lower() != "mailto" or "@" not in address or len(address) > 254 or "\0" in address:
        raise NotTaken("Its attendee is no e-mail address (mailto:).")
    return address.strip().lower()


def _sequence(event: Any) -> int:
    """RFC 5545, 3.8.7.4: absent, it is 0."""
    text = str(event.get("SEQUENCE", "0")).strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise NotTaken("Its SEQUENCE is no number.")
    return int(text)


def _stamp(event: Any) -> datetime | None:
    try:
        found = getattr(event.get("DTSTAMP"), "dt", None)  # of one that cannot be read, the library says so only now
        if not isinstance(found, datetime):
            return None
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (OverflowError, ValueError):
        return None

"""Calendar invites: a review as an iCalendar file, and the mails that carry it to sponsor and owners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from zoneinfo import ZoneInfo

import icalendar
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from icalendar.prop import vCalAddress, vText

from accounts.models import User
from nudges.outbox import Letter, put_all, sender_domain
from program.models import ProgramOwner

from . import reply_links, words
from .models import Attendance, Invitation, Review

KIND = "invite"
REQUEST, CANCEL, PUBLISH = "REQUEST", "CANCEL", "PUBLISH"
PRODUCT = "-//technical quality programs//reviews//EN"
AHEAD = timedelta(weeks=4)
"""So long before a review people are invited: early enough for a full calendar, late enough for a date that holds."""
Reply = Attendance.Reply
PARTSTAT: Mapping[str, str] = {Reply.ACCEPTED: "ACCEPTED", Reply.TENTATIVE: "TENTATIVE", Reply.DECLINED: "DECLINED"}


def send_due(now: datetime) -> int:
    """Invite to the reviews of the next four weeks; where sponsor or owners changed, invite who came and cancel for
    who left. Each once, however often and late this runs. Returns how many mails it wrote."""
    coming = Review.objects.to_come(now).filter(Q(invited_at__isnull=False) | Q(starts_at__lte=now + AHEAD))
    reviews = list(coming.select_related("program__sponsor"))
    wanted = attending(reviews)
    told: dict[int, set[int]] = {review.pk: set() for review in reviews}
    for row in Invitation.objects.filter(review__in=reviews, withdrawn_at=None):
        told[row.review_id].add(row.person_id)
    due = [one for one in reviews if one.invited_at is None or told[one.pk] != {who.pk for who in wanted[one.pk]}]
    return sum(_settle(review.pk, now) for review in due)


def invite(review: Review, now: datetime) -> int:
    """Invite everybody who sits in it, if nobody was yet. Call it in a transaction that holds the review's row."""
    if review.invited_at is not None:
        return 0
    review.invited_at = now
    review.save(update_fields=["invited_at"])
    return put(review, attendees(review), now)


def tell(review: Review, now: datetime) -> int:
    """Tell those who were invited how a review stands now: at another time, or canceled. Call it in the transaction of
    the change."""
    if review.invited_at is None:
        return 0
    people = [row.person for row in _standing(review) if row.person.is_active]
    return put(review, people, now, changed=True)


def put(review: Review, people: Sequence[User], now: datetime, *, changed: bool = False, out: bool = False) -> int:
    """Write the mails of a review as it stands now into the outbox: an invite, or its cancellation; `out` cancels it
    for these people only. `changed` says that they have been invited before.

    The key holds the sequence, so that each state is told once.
    """
    scheduled = review.state == Review.State.SCHEDULED
    method = REQUEST if scheduled and not out else CANCEL
    _note(review, people, now, out=out)
    everybody = people if out else attendees(review)
    file = render(review, everybody, now, method=method)
    calendar = {"content": file, "method": method, "filename": f"review-{review.period}.ics"}
    context = words.of_review(review) | {
        "method": method,
        "changed": changed,
        "out": out,
        "headline": headline_of(review),
    }
    letters = []
    for person in people:
        mine = {"because": words.because(review, person), "answer": reply_links.address(review, person)}
        subject, text, html = words.fill(KIND, context | mine)
        letters.append(
            Letter(
                KIND, f"{review.key}/{review.sequence}", person.email, subject, text, html,
                person=person, program=review.program, attachments=[calendar], headers=words.headers(review, everybody),
                not_after=review.ends_at if method == REQUEST else now + timedelta(hours=48),
            )
        )  # fmt: skip
    put_all(letters, now)
    return len(letters)


def attendees(review: Review) -> list[User]:
    """The sponsor, then the owners, the technical one first: each once, as long as they are here."""
    return attending([review])[review.pk]


def attending(reviews: Sequence[Review]) -> dict[int, list[User]]:
    """Who sits in each of some reviews. One query."""
    programs = {review.program_id for review in reviews}
    rows = ProgramOwner.objects.filter(program__in=programs).select_related("user").order_by("program", "-role", "pk")
    owners: dict[int, list[User]] = {}
    for row in rows:
        owners.setdefault(row.program_id, []).append(row.user)
    found = {}
    for review in reviews:
        people = [review.program.sponsor] if review.program.sponsor else []
        people += owners.get(review.program_id, [])
        found[review.pk] = list({person.pk: person for person in people if person.is_active}.values())
    return found


def replies(review: Review) -> dict[int, str]:
    """By person: the reply that counts, which is one to the newest invite that they got."""
    return replied([review])[review.pk]


def replied(reviews: Sequence[Review]) -> dict[int, dict[int, str]]:
    """The same of some reviews. Two queries."""
    told = {(row.review_id, row.person_id): row.sequence for row in Invitation.objects.filter(review__in=reviews)}
    found: dict[int, dict[int, str]] = {review.pk: {} for review in reviews}
    for row in Attendance.objects.filter(review__in=reviews).exclude(reply=Reply.NONE):
        newest = told.get((row.review_id, row.person_id))
        if newest is not None and row.reply_sequence is not None and row.reply_sequence >= newest:
            found[row.review_id][row.person_id] = row.reply
    return found


def _settle(pk: int, now: datetime) -> int:
    with transaction.atomic():
        # A reply holds its invitation and then refers to the review: it need not wait for this, nor this for it.
        locked = Review.objects.select_for_update(of=("self",), no_key=True).select_related("program__sponsor")
        review = locked.to_come(now).filter(pk=pk).first()
        if review is None:
            return 0
        if review.invited_at is None:
            return invite(review, now)
        told = {row.person_id: row.person for row in _standing(review)}
        wanted = {person.pk: person for person in attendees(review)}
        left = [person for key, person in told.items() if key not in wanted]
        came = [person for key, person in wanted.items() if key not in told]
        if not left and not came:
            return 0
        Review.objects.filter(pk=pk).update(sequence=F("sequence") + 1)
        review.refresh_from_db(fields=["sequence"])
        gone = [person for person in left if not person.is_active]
        _note(review, gone, now, out=True)
        done = put(review, [person for person in left if person.is_active], now, changed=True, out=True)
        return done + put(review, came, now)


def _standing(review: Review) -> list[Invitation]:
    return list(review.invitations.filter(withdrawn_at=None).select_related("person"))


def _note(review: Review, people: Sequence[User], now: datetime, *, out: bool) -> None:
    """Keep what these people are told."""
    told = {"review": review, "sequence": review.sequence, "at": now, "withdrawn_at": now if out else None}
    Invitation.objects.bulk_create(
        [Invitation(person=person, **told) for person in people],
        update_conflicts=True, unique_fields=["review", "person"], update_fields=["sequence", "at", "withdrawn_at"],
    )  # fmt: skip


def headline_of(review: Review) -> str:
    """What its brief says first; empty before it is frozen."""
    if review.pk is None or not hasattr(review, "brief"):
        return ""
    return str(review.brief.content["headline"])


def render(review: Review, people: Sequence[User], now: datetime, *, method: str = "") -> str:
    """The iCalendar file: METHOD:REQUEST while the review is scheduled, else METHOD:CANCEL; the UID stays the same.

    Canceled for some people only, it lists these, and says nothing of the meeting's own status (RFC 5546, 3.2.5).
    """
    scheduled = review.state == Review.State.SCHEDULED
    method = method or (REQUEST if scheduled else CANCEL)
    event = event_of(review, now)
    if scheduled == (method == REQUEST):
        event.add("status", "CONFIRMED" if scheduled else "CANCELLED")
    said = replies(review) if method == REQUEST else {}
    for person in people:
        event.add("attendee", _attendee(person, PARTSTAT.get(said.get(person.pk, ""), "NEEDS-ACTION")), encode=False)
    return calendar_of([event], (review.starts_at, review.starts_at), method)


def publish(review: Review, now: datetime) -> str:
    """The file of a test: published, so that nobody is asked to accept it, and under a UID that is no review's."""
    event = event_of(review, now, uid=f"test-{review.uid}@{sender_domain()}", summary="[test] Review: ")
    event.add("status", "TENTATIVE")
    event.add("transp", "TRANSPARENT")
    return calendar_of([event], (review.starts_at, review.starts_at), PUBLISH)


def uid_of(review: Review) -> str:
    """What its calendar entry is called, for good."""
    return f"{review.uid}@{sender_domain()}"


def event_of(review: Review, stamp: datetime, *, uid: str = "", summary: str = "Review: ") -> icalendar.Event:
    """A review as a calendar entry, without its status and the people in it."""
    zone = ZoneInfo(review.zone)
    event = icalendar.Event()
    event.add("uid", uid or uid_of(review))
    event.add("summary", f"{summary}{review.program.name}")
    event.add("sequence", review.sequence)
    event.add("dtstamp", stamp.astimezone(UTC))
    event.add("dtstart", review.starts_at.astimezone(zone))
    event.add("dtend", review.ends_at.astimezone(zone))
    said = [headline_of(review), words.purpose(review), f"The brief: {words.link(review)}"]
    event.add("description", "\n\n".join(one for one in said if one))
    event.add("url", words.link(review))
    event.add("organizer", _organizer(review))
    return event


def calendar_of(
    events: Sequence[icalendar.Event], span: tuple[datetime, datetime], method: str = "", *, name: str = ""
) -> str:
    """A file of entries, with their zones described for a year around a span of time; without a method it only says."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    if method:
        calendar.add("method", method)
    if name:
        calendar.add("name", name)
        calendar.add("x-wr-calname", name)
        calendar.add("refresh-interval", timedelta(hours=1), parameters={"VALUE": "DURATION"})
    for event in events:
        calendar.add_component(event)
    year = timedelta(days=370)
    calendar.add_missing_timezones((span[0] - year).date(), (span[1] + year).date())
    for described in calendar.timezones:
        described.pop("comment", None)
    return str(calendar.to_ical(), "utf-8")


def _organizer(review: Review) -> vCalAddress:
    # Answers go to the address that the invite comes from, as RFC 6047 has it; people write to the Reply-To.
    organizer = vCalAddress(f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}")
    organizer.params["cn"] = vText(review.program.name)
    return organizer


def _attendee(person: User, partstat: str) -> vCalAddress:
    attendee = vCalAddress(f"mailto:{person.email}")
    attendee.params["cn"] = vText(str(person))
    attendee.params["cutype"] = vText("INDIVIDUAL")
    attendee.params["role"] = vText("REQ-PARTICIPANT")
    attendee.params["partstat"] = vText(partstat)
    attendee.params["rsvp"] = vText("TRUE" if partstat == "NEEDS-ACTION" else "FALSE")
    return attendee

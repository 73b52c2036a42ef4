"""Calendar invites: a review as an iCalendar file, and the mails that carry it to sponsor and owners."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from zoneinfo import ZoneInfo

import icalendar
from django.conf import settings
from icalendar.prop import vCalAddress, vText

from accounts.models import User
from nudges.outbox import Letter, put_all, sender_domain
from program.models import ProgramOwner

from . import words
from .models import Brief, Review

KIND = "invite"
REQUEST, CANCEL, PUBLISH = "REQUEST", "CANCEL", "PUBLISH"
PRODUCT = "-//technical quality programs//reviews//EN"


def put(review: Review, now: datetime, *, changed: bool = False) -> int:
    """Write the mails of a review as it stands now into the outbox: an invite, or its cancellation.

    `changed` says that people have been invited before. The key holds the sequence, so that each state is told once.
    Call it in the transaction of the change.
    """
    people = attendees(review)
    method = REQUEST if review.state == Review.State.SCHEDULED else CANCEL
    calendar = {"content": render(review, people, now), "method": method, "filename": f"review-{review.period}.ics"}
    brief = Brief.objects.filter(review=review).first()
    context = words.of_review(review) | {
        "method": method,
        "changed": changed,
        "headline": brief.content["headline"] if brief else "",
    }
    letters = []
    for person in people:
        subject, text, html = words.fill(KIND, context | {"because": words.because(review, person)})
        letters.append(
            Letter(
                KIND, f"{review.key}/{review.sequence}", person.email, subject, text, html,
                person=person, program=review.program, attachments=[calendar], headers=words.headers(review, people),
                not_after=review.ends_at if method == REQUEST else now + timedelta(hours=48),
            )
        )  # fmt: skip
    put_all(letters, now)
    return len(letters)


def attendees(review: Review) -> list[User]:
    """The sponsor, then the owners, the technical one first: each once, as long as they are here."""
    people = [review.program.sponsor] if review.program.sponsor else []
    owners = ProgramOwner.objects.filter(program=review.program).select_related("user").order_by("-role", "pk")
    people += [owner.user for owner in owners]
    return list({person.pk: person for person in people if person.is_active}.values())


def render(review: Review, people: Sequence[User], now: datetime) -> str:
    """The iCalendar file: METHOD:REQUEST while the review is scheduled, else METHOD:CANCEL; the UID stays the same."""
    scheduled = review.state == Review.State.SCHEDULED
    event = _event(review, now)
    event.add("uid", f"{review.uid}@{sender_domain()}")
    event.add("summary", f"Review: {review.program.name}")
    event.add("status", "CONFIRMED" if scheduled else "CANCELLED")
    for person in people:
        event.add("attendee", _attendee(person), encode=False)
    return _calendar(review, event, REQUEST if scheduled else CANCEL)


def publish(review: Review, now: datetime) -> str:
    """The file of a test: published, so that nobody is asked to accept it, and under a UID that is no review's."""
    event = _event(review, now)
    event.add("uid", f"test-{review.uid}@{sender_domain()}")
    event.add("summary", f"[test] Review: {review.program.name}")
    event.add("status", "TENTATIVE")
    event.add("transp", "TRANSPARENT")
    return _calendar(review, event, PUBLISH)


def _event(review: Review, now: datetime) -> icalendar.Event:
    zone = ZoneInfo(review.zone)
    event = icalendar.Event()
    event.add("sequence", review.sequence)
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", review.starts_at.astimezone(zone))
    event.add("dtend", review.ends_at.astimezone(zone))
    event.add("description", f"{words.purpose(review)}\n\nThe brief: {words.link(review)}")
    event.add("url", words.link(review))
    event.add("organizer", _organizer(review))
    return event


def _calendar(review: Review, event: icalendar.Event, method: str) -> str:
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(event)
    year = timedelta(days=370)
    calendar.add_missing_timezones((review.starts_at - year).date(), (review.starts_at + year).date())
    for described in calendar.timezones:
        described.pop("comment", None)
    return str(calendar.to_ical(), "utf-8")


def _organizer(review: Review) -> vCalAddress:
    # Answers go to the address that the invite comes from, as RFC 6047 has it; people write to the Reply-To.
    organizer = vCalAddress(f"mailto:{parseaddr(settings.DEFAULT_FROM_EMAIL)[1]}")
    organizer.params["cn"] = vText(review.program.name)
    return organizer


def _attendee(person: User) -> vCalAddress:
    attendee = vCalAddress(f"mailto:{person.email}")
    attendee.params["cn"] = vText(str(person))
    attendee.params["cutype"] = vText("INDIVIDUAL")
    attendee.params["role"] = vText("REQ-PARTICIPANT")
    attendee.params["partstat"] = vText("NEEDS-ACTION")
    attendee.params["rsvp"] = vText("TRUE")
    return attendee

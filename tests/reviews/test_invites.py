"""Invites: what two independent calendar libraries read, and what a mail server receives."""

import email
import email.policy
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
import vobject

from nudges import delivery
from nudges.models import Delivery
from program.models import Program
from reviews import ahead, invites, moving, schedule
from reviews.models import Review
from tests.people import NOW, settle

FROZEN = datetime(2026, 4, 9, 6, 0, tzinfo=UTC)


@pytest.fixture
def world(db, settings):
    settings.SITE_URL = "https://quality.example.com"
    settings.DEFAULT_FROM_EMAIL = "Quality <quality@example.com>"
    made = settle()
    schedule.schedule(NOW)
    return made


def file_of(review: Review, now: datetime = FROZEN) -> str:
    return invites.render(review, invites.attendees(review), now)


def event_of(text: str) -> icalendar.Event:
    (event,) = icalendar.Calendar.from_ical(text).walk("VEVENT")
    return event


def test_icalendar_reads_it(world):
    review = Review.objects.get()
    text = file_of(review)
    calendar = icalendar.Calendar.from_ical(text)
    assert (calendar["METHOD"], calendar["VERSION"]) == ("REQUEST", "2.0")
    assert calendar["PRODID"]
    event = event_of(text)
    assert event.errors == []
    assert event["UID"] == f"{review.uid}@example.com"
    assert event["SEQUENCE"] == 0
    assert event["DTSTAMP"].dt == FROZEN
    assert event["DTSTART"].params["TZID"] == event["DTEND"].params["TZID"] == "Europe/Riga"
    assert event["DTSTART"].dt.isoformat() == "2026-04-14T10:00:00+03:00"
    assert event["DTEND"].dt - event["DTSTART"].dt == timedelta(minutes=30)
    assert event["SUMMARY"] == "Review: Every function typed"
    assert f"https://quality.example.com/reviews/{review.pk}/" in event["DESCRIPTION"]
    assert (event["STATUS"], event["ORGANIZER"]) == ("CONFIRMED", "mailto:quality@example.com")
    assert [(str(one), one.params["RSVP"], one.params["PARTSTAT"]) for one in event["ATTENDEE"]] == [
        (f"mailto:{name}@example.com", "TRUE", "NEEDS-ACTION") for name in ("sam", "tess", "pam")
    ]


def test_vobject_reads_the_same(world):
    review = Review.objects.get()
    calendar = vobject.readOne(file_of(review), validate=True)
    event = calendar.vevent
    assert calendar.method.value == "REQUEST"
    assert event.uid.value == f"{review.uid}@example.com"
    assert event.dtstart.value.astimezone(UTC) == review.starts_at
    assert event.dtend.value.astimezone(UTC) == review.ends_at
    assert event.dtstart.value.strftime("%H:%M") == "10:00"
    assert len(event.attendee_list) == 3
    assert event.organizer.value == "mailto:quality@example.com"


@pytest.mark.parametrize(
    "name",
    ["Every function typed", "Žodžiai, „kabutės“; \\ und :Zeichen\r\nATTENDEE:mailto:x@evil.example " + "ü" * 150],
)
def test_lines_end_in_crlf_and_are_folded_at_75_octets_and_a_name_adds_no_line(world, name):
    Program.objects.update(name=name[:200])
    review = Review.objects.get()
    text = file_of(review)
    lines = text.encode().split(b"\r\n")
    assert lines[-1] == b""
    assert all(len(line) <= 75 for line in lines)
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    for line in lines:
        line.decode()  # no character is cut in two
    assert len(event_of(text)["ATTENDEE"]) == 3
    assert vobject.readOne(text, validate=True).vevent.summary.value.startswith("Review: ")


@pytest.mark.parametrize(
    ("zone", "offset"),
    [("Europe/Riga", 3), ("America/New_York", -4), ("Asia/Kolkata", 5.5), ("Australia/Lord_Howe", 10.5)],
)
def test_the_zone_is_described_as_it_is_on_that_day(world, zone, offset):
    """A reader that knows no zone names takes the offset from the file."""
    Program.objects.update(review_zone=zone)
    schedule.schedule(NOW)
    calendar = icalendar.Calendar.from_ical(file_of(Review.objects.get()))
    (described,) = calendar.walk("VTIMEZONE")
    assert described["TZID"] == zone
    assert described.to_tz(lookup_tzid=False).utcoffset(datetime(2026, 4, 14, 10)) == timedelta(hours=offset)


def test_utc_needs_no_description_of_a_zone(world):
    Program.objects.update(review_zone="UTC")
    schedule.schedule(NOW)
    assert "DTSTART:20260414T100000Z" in file_of(Review.objects.get())


def test_a_change_keeps_the_uid_and_counts_on(world):
    before = event_of(file_of(Review.objects.get()))
    Program.objects.update(review_first=datetime(2026, 1, 20, 11, 0, tzinfo=UTC))
    schedule.schedule(NOW)
    after = event_of(file_of(Review.objects.get()))
    assert (after["UID"], after["SEQUENCE"]) == (before["UID"], before["SEQUENCE"] + 1)
    assert after["DTSTART"].dt - before["DTSTART"].dt == timedelta(hours=1)


def test_a_cancellation_says_so_in_method_and_status(world):
    review = Review.objects.get()
    uid = event_of(file_of(review))["UID"]
    moving.skip(review, "Everybody is away", by=world.tess, now=NOW)
    text = file_of(Review.objects.get())
    event = event_of(text)
    assert icalendar.Calendar.from_ical(text)["METHOD"] == "CANCEL"
    assert (event["STATUS"], event["UID"], event["SEQUENCE"]) == ("CANCELLED", uid, 1)
    assert vobject.readOne(text, validate=True).method.value == "CANCEL"


def test_a_person_who_sponsors_and_owns_is_invited_once_and_one_who_left_is_not(world):
    world.program.sponsor = world.tess
    world.program.save()
    world.pam.is_active = False
    world.pam.save()
    assert invites.attendees(Review.objects.get()) == [world.tess]


def test_the_mail_server_gets_the_calendar_as_a_part_with_its_method_and_as_a_file(world, mail_server):
    ahead.freeze_due(FROZEN)
    row = Delivery.objects.get(kind="invite", person=world.sam)
    delivery.deliver_batch(FROZEN)
    sent = next(one for one in mail_server.accepted if one.message_id == row.message_id).data
    message = email.message_from_bytes(sent, policy=email.policy.default)
    parts = {part.get_content_type(): part for part in message.walk()}
    assert parts["text/calendar"]["Content-Type"].params == {"charset": "utf-8", "method": "REQUEST"}
    assert "text/plain" in parts
    assert "text/html" in parts
    body = message.get_body(("calendar",)) or parts["text/calendar"]
    inline = body.get_content().replace("\r\n", "\n")
    file = parts["application/ics"]
    assert file.get_filename() == "review-2026-04-14.ics"
    attached = file.get_payload(decode=True).decode()
    assert attached.count("\r\n") == attached.count("\n")
    assert inline == attached.replace("\r\n", "\n")
    assert "METHOD:REQUEST" in attached
    assert message["Reply-To"] == "tess@example.com"

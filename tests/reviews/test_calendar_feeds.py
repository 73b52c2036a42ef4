"""The private calendar: whose it is, what stands in it, how long an address lives, and that it says nothing new by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import icalendar
import pytest
import time_machine
import vobject

from accounts.models import AuditRow, User
from program.models import Program
from reviews import ahead, calendar_feeds, invites, moving, schedule
from reviews.models import CalendarFeed, Review
from tests.people import NOW, settle


@pytest.fixture
def world(db, settings):
    settings.SITE_URL = "https://quality.example.com"
    settings.DEFAULT_FROM_EMAIL = "Quality <quality@example.com>"
    with time_machine.travel(NOW, tick=False):
        made = settle()
        schedule.schedule(NOW)
        yield made


def where(person: User) -> str:
    return calendar_feeds.make(person, NOW).removeprefix("https://quality.example.com")


def read(text: str) -> list[tuple[str, str, str]]:
    calendar = icalendar.Calendar.from_ical(text)
    return [(f"{one['DTSTART'].dt:%Y-%m-%d %H:%M}", str(one["STATUS"]), str(one["SUMMARY"])) for one in calendar.walk("VEVENT")]  # fmt: skip


def test_the_year_stands_in_it_with_what_was_canceled(world):
    Review.objects.create(
        program=world.program, period="2026-03-03", starts_at=datetime(2026, 3, 3, 8, tzinfo=UTC), minutes=30,
        zone="Europe/Riga", uid="held", state="held", created_at=NOW,
    )  # fmt: skip
    Review.objects.create(
        program=world.program, period="2025-12-01", starts_at=datetime(2025, 12, 1, 8, tzinfo=UTC), minutes=30,
        zone="Europe/Riga", uid="long ago", state="held", created_at=NOW,
    )  # fmt: skip
    moving.skip(Review.objects.get(period="2026-04-14"), "Nothing to say", by=world.tess, now=NOW)
    schedule.schedule(NOW)
    text = calendar_feeds.render(world.sam, NOW)
    assert read(text) == [
        ("2026-03-03 10:00", "CONFIRMED", "Review: Every function typed"),
        ("2026-04-14 10:00", "CANCELLED", "Review: Every function typed"),
        ("2026-05-26 10:00", "CONFIRMED", "Review: Every function typed"),
        ("2026-07-07 10:00", "TENTATIVE", "Planned: review of Every function typed"),
        ("2026-08-18 10:00", "TENTATIVE", "Planned: review of Every function typed"),
        ("2026-09-29 10:00", "TENTATIVE", "Planned: review of Every function typed"),
        ("2026-11-10 10:00", "TENTATIVE", "Planned: review of Every function typed"),
        ("2026-12-22 10:00", "TENTATIVE", "Planned: review of Every function typed"),
    ]
    assert "METHOD" not in text
    other = vobject.readOne(text, validate=True)
    assert [f"{one.dtstart.value:%Y-%m-%d %H:%M}" for one in other.vevent_list] == [day for day, *_ in read(text)]
    uids = [one.uid.value for one in other.vevent_list]
    assert len(set(uids)) == 8
    assert uids[2] == invites.uid_of(Review.objects.get(period="2026-05-26"))


def test_it_is_ones_own(world):
    assert read(calendar_feeds.render(world.charlie, NOW)) == []
    root = User.objects.create_superuser("root@example.com")
    assert read(calendar_feeds.render(root, NOW)) == []
    assert len(read(calendar_feeds.render(world.pam, NOW))) == 7


def test_only_the_digest_is_kept_and_a_new_address_ends_the_old_one(world, client):
    first, second = where(world.sam), where(world.sam)
    assert len(first.split("/")[2]) == 43 + len(".ics")
    assert client.get(first).status_code == 404
    answer = client.get(second)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    assert (answer["Referrer-Policy"], answer["X-Robots-Tag"], answer["Cache-Control"]) == ("no-referrer", "noindex", "private, max-age=900")  # fmt: skip
    assert second.split("/")[2].removesuffix(".ics") not in str(list(CalendarFeed.objects.values()))
    assert CalendarFeed.objects.get().last_used_at == NOW
    assert client.post(second).status_code == 405
    assert calendar_feeds.end(world.sam, NOW)
    assert not calendar_feeds.end(world.sam, NOW)
    assert client.get(second).status_code == 404
    rows = AuditRow.objects.filter(kind="calendar address").order_by("pk")
    assert [row.after for row in rows] == ["made", "replaced", "ended"]


def test_of_a_person_who_is_deactivated_there_is_none(world, client):
    address = where(world.sam)
    User.objects.filter(pk=world.sam.pk).update(is_active=False)
    assert client.get(address).status_code == 404


def test_it_answers_304_until_something_changes(world, client):
    address = where(world.sam)
    tag = client.get(address)["ETag"]
    with time_machine.travel(NOW + timedelta(hours=5), tick=False):
        again = client.get(address, headers={"If-None-Match": f'"x", W/{tag}'})
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    moving.move(Review.objects.get(), datetime(2026, 4, 16, 10), "", by=world.tess, now=NOW)
    moved = client.get(address, headers={"If-None-Match": tag})
    assert (moved.status_code, moved["ETag"] != tag) == (200, True)


def test_the_headline_comes_with_the_brief_and_without_another_sequence(world, client):
    address = where(world.sam)
    invites.send_due(NOW + timedelta(days=7))
    frozen = datetime(2026, 4, 9, 6, tzinfo=UTC)
    ahead.freeze_due(frozen)
    review = Review.objects.select_related("brief").get()
    with time_machine.travel(frozen, tick=False):
        (event, *_) = icalendar.Calendar.from_ical(client.get(address).content).walk("VEVENT")
    assert str(event["DESCRIPTION"]).startswith(review.brief.content["headline"])
    assert (event["SEQUENCE"], event["DTSTAMP"].dt) == (0, frozen)


def test_guessing_is_throttled_and_reading_is_not(world, client):
    address = where(world.sam)
    answers = [client.get(f"/calendar/guess-{n}.ics").status_code for n in range(121)]
    assert answers == [404] * 120 + [429]
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("secret", ["x", "x" * 3000, "%00", "%C5%BE", "..%2f"])
def test_other_addresses_are_nobodys(world, client, secret):
    assert client.get(f"/calendar/{secret}.ics").status_code == 404


def test_it_is_made_and_ended_on_ones_own_page(world, client):
    client.force_login(world.sam)
    assert "A private address from which your calendar program reads" in client.get("/me/").content.decode()
    made = client.post("/me/calendar", {"do": "make"}).content.decode()
    address = made.partition("<pre>https://quality.example.com")[2].partition("</pre>")[0]
    assert client.get(address).status_code == 200
    assert address not in client.get("/me/").content.decode()
    assert client.post("/me/calendar", {"do": "other"}).status_code == 400
    assert client.post("/me/calendar", {"do": "end"})["Location"] == "/me/#calendar"
    assert client.get(address).status_code == 404
    client.force_login(world.charlie)
    assert "Your reviews in your calendar" not in client.get("/me/").content.decode()


def test_queries_do_not_grow(world, client, django_assert_num_queries):
    def many(n: int) -> None:
        for k in range(n):
            Review.objects.create(
                program=world.program, period=f"p{k}{n}", starts_at=NOW - timedelta(days=k + 1), minutes=30, zone="UTC",
                uid=f"u{k}{n}", state="held", created_at=NOW,
            )  # fmt: skip

    for n in (1, 20):
        many(n)
        with django_assert_num_queries(5):
            calendar_feeds.render(world.sam, NOW)


def test_a_paused_program_plans_nothing(world):
    Program.objects.update(state="paused")
    assert [status for _, status, _ in read(calendar_feeds.render(world.sam, NOW))] == ["CONFIRMED"]

"""The minutes: sent once, to whoever sat in it, and to the others only what is asked of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import AuditRow, User
from nudges import delivery
from nudges.models import Delivery
from reviews import asks, minutes, room, schedule
from reviews.models import Ask, Attendance, Review
from teams.typed import Unfit
from tests.people import NOW, settle

pytestmark = pytest.mark.django_db
START = datetime(2026, 4, 14, 7, tzinfo=UTC)
END = START + timedelta(minutes=25)


@pytest.fixture
def world(settings):
    settings.SITE_URL = "https://quality.example.com"
    made = settle()
    schedule.schedule(NOW)
    return made


@pytest.fixture
def review(world):
    return Review.objects.select_related("program__sponsor").get()


@pytest.fixture
def met(world, review):
    """It was held: two were there and bob as a guest; one decision, two asks."""
    room.attend(review, {world.sam.pk: True, world.tess.pk: True}, START, by=world.tess)
    room.bring(review, "bob@example.com", START, by=world.tess)
    room.decide(review, "Coverage waits", START, by=world.sam)
    room.strike(room.decide(review, "A slip", START, by=world.sam), START, by=world.sam)
    asks.raise_ask(review, "Free bob for a week", START, of=world.gina, due=NOW.date() + timedelta(days=60))
    asks.raise_ask(review, "Tell everybody", START, of=world.tess)
    room.write_notes(review, "A secret of the room", 0, "", START, by=world.tess)
    return review


def sent(kind):
    return {row.address: row for row in Delivery.objects.filter(kind=kind)}


def test_who_gets_what(world, met):
    assert minutes.end(met, END, by=world.sam) == 5
    full, asked = sent("minutes"), sent("ask")
    assert set(full) == {"sam@example.com", "tess@example.com", "pam@example.com", "bob@example.com"}
    assert set(asked) == {"gina@example.com"}
    for row in full.values():
        assert "A secret of the room" in row.text
        assert "1. Coverage waits" in row.text
        assert "A slip" not in row.text + row.html
        assert "- Free bob for a week (Gina, by 15 May)" in row.text
        assert "Not there: pam@example.com" in row.text
    assert "https://quality.example.com/reviews/" not in full["bob@example.com"].text  # who may not see it has no way
    assert "You get this because you were there." in full["bob@example.com"].text
    assert "/asked/" in full["tess@example.com"].text
    assert "ASKED OF YOU\n- Tell everybody" in full["tess@example.com"].text
    assert "/asked/" not in full["sam@example.com"].text
    theirs = asked["gina@example.com"]
    assert theirs.text.splitlines()[0] == "sam@example.com asks you, by Fri 15 May: Free bob for a week"
    assert "A secret" not in theirs.text + theirs.html
    assert "Coverage" not in theirs.text + theirs.html


def test_they_are_sent_once(world, met):
    minutes.end(met, END, by=world.sam)
    with pytest.raises(Unfit, match=r"The minutes were sent already."):
        minutes.end(Review.objects.select_related("program__sponsor").get(), END, by=world.tess)
    assert Delivery.objects.count() == 5
    held = Review.objects.get()
    assert (held.state, held.minutes_sent_at, held.minutes_version) == ("held", END, 1)
    row = AuditRow.objects.get(kind="minutes")
    assert (row.before, row.after, row.actor) == ({"state": "scheduled"}, {"state": "held", "notes": 1}, world.sam)


def test_what_comes_later_is_later(world, met):
    minutes.end(met, END, by=world.sam)
    later = END + timedelta(hours=1)
    room.decide(met, "Bread", later, by=world.sam)
    asks.raise_ask(met, "Count to ten", later, of=world.alice)
    room.write_notes(met, "More", 1, "A secret of the room", later, by=world.tess)
    now = minutes.of(Review.objects.get())
    assert [(one.text, after) for one, after in now.decisions] == [
        ("Coverage waits", False), ("A slip", False), ("Bread", True),
    ]  # fmt: skip
    assert [after for _one, after in now.asks] == [False, False, True]
    assert now.notes_later
    assert set(sent("ask")) == {"gina@example.com", "alice@example.com"}  # who is asked later is told by itself


@pytest.mark.parametrize(
    ("facts", "said"),
    [({"starts_at": END + timedelta(minutes=1)}, "It begins on Tue 14 Apr at 10:26: minutes come after that."),
     ({"state": "skipped"}, "This review does not take place: it has no minutes."),
     ({"state": "canceled"}, "This review does not take place: it has no minutes.")],
)  # fmt: skip
def test_when_there_are_none(world, review, facts, said):
    Review.objects.update(**facts)
    with pytest.raises(Unfit, match=said):
        minutes.end(review, END, by=world.sam)
    assert not Delivery.objects.exists()


def test_who_has_left_gets_nothing(world, met):
    User.objects.filter(email__in=["pam@example.com", "gina@example.com"]).update(is_active=False)
    minutes.end(Review.objects.select_related("program__sponsor").get(), END, by=world.sam)
    assert "pam@example.com" not in sent("minutes")
    assert not sent("ask")


def test_an_empty_meeting_says_so(world, review):
    minutes.end(review, END, by=world.sam)
    text = sent("minutes")["sam@example.com"].text
    assert text.splitlines()[0] == "Nothing was decided, nothing is asked of anybody: Every function typed."
    assert "Nobody was noted." in text
    assert "No notes were taken." in text


def test_long_notes_go_on_elsewhere(world, review):
    room.write_notes(review, "x" * 30_000, 0, "", START, by=world.tess)
    minutes.end(review, END, by=world.sam)
    row = sent("minutes")["sam@example.com"]
    assert "They go on on the page above." in row.text
    assert len(row.html) < 60_000


def test_they_go_out(world, met, mail_server):
    minutes.end(met, END, by=world.sam)
    while delivery.deliver_batch(END).more:
        pass
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert Ask.objects.count() == 2
    assert Attendance.objects.filter(present=True).count() == 3

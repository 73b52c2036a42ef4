"""After a review: minutes that nobody sent, one that may not have taken place, and what an ended program still takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import AuditRow
from nudges.models import Delivery
from program.models import Program
from reviews import ahead, apart, asks, minutes, moving, room, schedule, tasks
from reviews.models import Brief, Review
from teams import lifecycle
from teams.typed import Unfit
from tests.people import NOW, settle
from web import room_waits

pytestmark = pytest.mark.django_db
START = datetime(2026, 4, 14, 7, tzinfo=UTC)
OVER = START + timedelta(minutes=45)
MORNING = datetime(2026, 4, 15, 6, tzinfo=UTC)
"""Nine o'clock in Riga, of the working day after."""


@pytest.fixture
def world(settings):
    settings.SITE_URL = "https://quality.example.com"
    made = settle()
    schedule.schedule(NOW)
    Review.objects.update(invited_at=NOW)
    return made


def only() -> Review:
    return Review.objects.select_related("program__sponsor").get(period="2026-04-14")


def told() -> list[tuple[str, str]]:
    return sorted(Delivery.objects.filter(kind__in=("minutes", "ask")).values_list("kind", "address"))


def test_what_was_asked_is_told_the_morning_after_though_nobody_ended_the_review(world):
    asks.raise_ask(only(), "Free bob for a week", START, of=world.gina, actor=world.tess)
    schedule.schedule(OVER)
    assert minutes.send_due(MORNING - timedelta(minutes=1)) == 0
    assert told() == []
    assert minutes.send_due(MORNING) == 1
    assert told() == [("ask", "gina@example.com"), *[("minutes", f"{n}@example.com") for n in ("pam", "sam", "tess")]]
    assert (only().state, only().minutes_sent_at) == ("held", MORNING)
    assert AuditRow.objects.get(kind="minutes").actor is None
    assert minutes.send_due(MORNING + timedelta(days=1)) == 0


@pytest.mark.parametrize("wrote", ["notes", "decision", "ask"])
def test_anything_written_down_makes_minutes_and_nothing_makes_none(world, wrote):
    assert minutes.send_due(MORNING) == 0
    if wrote == "notes":
        room.write_notes(only(), "We met.", 0, "", START, by=world.tess)
    elif wrote == "decision":
        room.decide(only(), "Coverage waits", START, by=world.sam)
    else:
        asks.raise_ask(only(), "Tell everybody", START, of=world.tess)
    assert minutes.send_due(MORNING) == 1


def test_of_two_that_end_it_at_once_one_does(world):
    room.decide(only(), "Coverage waits", START, by=world.sam)
    stale = only()
    minutes.end(only(), MORNING, by=world.tess)
    sent = told()
    assert minutes._end_alone(stale, MORNING) is False
    assert told() == sent


def test_minutes_of_long_ago_are_not_sent_late(world):
    room.write_notes(only(), "We met.", 0, "", START, by=world.tess)
    assert minutes.send_due(START + timedelta(days=15)) == 0


def test_one_of_which_nothing_is_written_waits_on_its_owners_who_may_say_that_it_was_not(world, client):
    assert room_waits.upon(world.tess, START + timedelta(minutes=5)) == []
    schedule.schedule(OVER)
    (wait,) = room_waits.upon(world.tess, OVER)
    assert wait.said == ("Did the review of Every function typed on Tue 14 Apr take place? Nothing is written down")
    assert room_waits.upon(world.alice, OVER) == []
    moving.missed(only(), "Sam was ill", by=world.tess, now=OVER)
    assert (only().state, only().why) == ("skipped", "Sam was ill")
    assert AuditRow.objects.get(kind="review").before == {"state": "held"}
    assert room_waits.upon(world.tess, OVER) == []
    with pytest.raises(Unfit, match="of which nothing is written down"):
        moving.missed(only(), "", by=world.tess, now=OVER)


@pytest.mark.parametrize("wrote", ["decision", "minutes"])
def test_one_of_which_something_is_written_took_place(world, wrote):
    if wrote == "decision":
        room.decide(only(), "Coverage waits", START, by=world.sam)
    else:
        minutes.end(only(), OVER, by=world.sam)
    assert not moving.is_in_doubt(only(), OVER)
    said = ["Every function typed: no minutes yet of the review of Tue 14 Apr"] if wrote == "decision" else []
    assert [wait.said for wait in room_waits.upon(world.tess, OVER)] == said


def test_the_page_says_that_it_did_not_take_place(world, client, time_machine):
    time_machine.move_to(OVER, tick=False)
    client.force_login(world.tess)
    assert "Did it take place?" in client.get(f"/reviews/{only().pk}/schedule").content.decode()
    answer = client.post(f"/reviews/{only().pk}/schedule/missed", {"why": ""}, follow=True)
    assert "On record: it did not take place." in answer.content.decode()
    assert only().state == "skipped"
    again = client.post(f"/reviews/{only().pk}/schedule/missed", {"why": ""})
    assert again.status_code == 400
    assert "of which nothing is written down, was expected" in again.content.decode()


def ended(world, now: datetime) -> None:
    lifecycle.cancel(Program.objects.get(), "no time", "much", now=now, by=world.tess)


def test_the_meeting_in_which_a_program_ends_is_written_to_its_end_and_no_other(world):
    earlier = Review.objects.create(
        program=world.program, period="2026-03-03", starts_at=START - timedelta(days=42), minutes=30, zone="Europe/Riga",
        uid="earlier", state="held", created_at=NOW,
    )  # fmt: skip
    ended(world, START)
    assert room.closed(only()) == ""
    closed = Review.objects.select_related("program").get(pk=earlier.pk)
    assert room.closed(closed) == "This program is over: its record stays as it is."
    with pytest.raises(Unfit, match="nothing is asked for it any more"):
        asks.raise_ask(only(), "Keep it", START, of=world.gina)


def test_no_review_of_a_program_that_is_over_is_moved(world, client, time_machine):
    ended(world, NOW)
    with pytest.raises(Unfit, match="This program is over"):
        moving.skip(only(), "why", by=world.tess, now=NOW)
    time_machine.move_to(NOW, tick=False)
    client.force_login(world.tess)
    assert client.get(f"/reviews/{only().pk}/draft/").status_code == 302
    assert "Skip it" not in client.get(f"/reviews/{only().pk}/schedule").content.decode()


def test_one_that_fails_stops_no_other():
    done: list[int] = []

    def work(n: int) -> int:
        if n == 2:
            raise ZeroDivisionError
        done.append(n)
        return n

    with pytest.raises(ExceptionGroup, match="1 failed") as told_of:
        apart.apart([1, 2, 3], work)
    assert done == [1, 3]
    assert [type(one) for one in told_of.value.exceptions] == [ZeroDivisionError]
    assert apart.apart([1, 3], work) == 4


def test_a_review_whose_brief_cannot_be_made_keeps_no_other_from_its_own(world):
    """A zone that no form of ours takes: nobody knows when its brief is due."""
    other = Review.objects.create(
        program=world.program, period="2026-04-15", starts_at=START + timedelta(hours=1), minutes=30, zone="Nowhere/No",
        uid="broken", created_at=NOW, fixed=True,
    )  # fmt: skip
    with pytest.raises(ExceptionGroup):
        ahead.freeze_due(datetime(2026, 4, 9, 6, tzinfo=UTC))
    assert [one.review.period for one in Brief.objects.all()] == ["2026-04-14"]
    assert not Brief.objects.filter(review=other).exists()


def test_the_beat_sends_what_nobody_sent(world, time_machine):
    """And a step that fails keeps none of the others from its work."""
    asks.raise_ask(only(), "Free bob for a week", START, of=world.gina, actor=world.tess)
    Review.objects.create(
        program=world.program, period="2026-04-20", starts_at=START + timedelta(days=6), minutes=30, zone="Nowhere/No",
        uid="broken", created_at=NOW, fixed=True,
    )  # fmt: skip
    time_machine.move_to(MORNING, tick=False)
    with pytest.raises(ExceptionGroup):
        tasks.schedule_due()
    assert ("ask", "gina@example.com") in told()

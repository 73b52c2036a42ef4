"""In the room: notes by their version, decisions and attendance on record, the agenda's boxes, and who may write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import AuditRow, User
from program.models import Program
from reviews import agenda, room, schedule
from reviews.agenda import Point
from reviews.models import Attendance, Decision, Review
from reviews.room import Clash, Saved
from teams.typed import Unfit
from tests.people import NOW, settle

pytestmark = pytest.mark.django_db
START = datetime(2026, 4, 14, 7, tzinfo=UTC)


@pytest.fixture
def world():
    made = settle()
    schedule.schedule(NOW)
    return made


@pytest.fixture
def review(world):
    return Review.objects.select_related("program__sponsor").get()


def test_notes_are_kept_by_their_version(world, review):
    assert room.write_notes(review, "one", 0, "", START, by=world.tess) == Saved(1)
    assert room.write_notes(review, "one\ntwo", 1, "one", START, by=world.tess) == Saved(2)
    review.refresh_from_db()
    assert (review.notes, review.notes_version) == ("one\ntwo", 2)
    rows = AuditRow.objects.filter(kind="notes").order_by("pk")
    assert [(row.before, row.after) for row in rows] == [
        ({"version": 0}, {"version": 1, "lines": 1}),
        ({"version": 1}, {"version": 2, "lines": 2}),
    ]


def test_of_two_who_write_the_later_one_is_shown_both_and_nothing_is_written(world, review):
    room.write_notes(review, "one", 0, "", START, by=world.tess)
    room.write_notes(review, "one\ntheirs", 1, "one", START, by=world.sam)
    clash = room.write_notes(review, "mine\none", 1, "one", START, by=world.tess)
    assert clash == Clash(2, "one\ntheirs", "mine\none", "mine\none\ntheirs", True, "sam@example.com")
    review.refresh_from_db()
    assert (review.notes, review.notes_version) == ("one\ntheirs", 2)
    assert room.write_notes(review, clash.both, clash.version, clash.theirs, START, by=world.tess) == Saved(3)


def test_the_same_text_again_is_no_change(world, review):
    room.write_notes(review, "one", 0, "", START, by=world.tess)
    assert room.write_notes(review, "one", 1, "one", START, by=world.tess) == Saved(1)
    assert room.write_notes(review, "one", 0, "", START, by=world.sam) == Saved(1)
    assert AuditRow.objects.filter(kind="notes").count() == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a\0b", "A text was expected, without null bytes."),
        ("a\ud800b", "A text was expected, without null bytes."),
        ("x" * 100_001, "Notes of at most 100,000 characters were expected, not 100,001."),
    ],
)
def test_what_notes_cannot_hold_is_said(text, said):
    with pytest.raises(Unfit, match=said):
        room.notes_of(text)


def test_notes_are_kept_as_typed():
    assert room.notes_of(" a \r\n\r\n\tb\n") == " a \n\n\tb\n"
    assert len(room.notes_of("x" * 100_000)) == 100_000


def test_a_decision_is_struck_once_and_stays(world, review):
    made = room.decide(review, " Go  on ", START, by=world.sam)
    assert made.text == "Go on"
    assert room.strike(made, START, by=world.tess)
    assert not room.strike(made, START, by=world.tess)
    assert Decision.objects.get().struck_at == START
    key = f"typing/2026-04-14/{made.pk}"
    rows = AuditRow.objects.filter(kind="decision").order_by("pk").values_list("key", "actor", "before", "after")
    assert list(rows) == [(key, world.sam.pk, None, "Go on"), (key, world.tess.pk, "Go on", "struck")]


@pytest.mark.parametrize("text", ["", " ", "x" * 501, "a\0", "\ud800"])
def test_a_decision_is_a_sentence(world, review, text):
    with pytest.raises(Unfit):
        room.decide(review, text, START, by=world.sam)


def test_attendance_changes_only_what_was_said(world, review):
    assert [one.person for one in room.expected(review)] == [world.sam, world.tess, world.pam]
    assert room.attend(review, {world.sam.pk: True, world.charlie.pk: True}, START, by=world.tess) == 1
    assert room.attend(review, {world.sam.pk: True}, START, by=world.tess) == 0
    room.bring(review, " BOB@example.com ", START, by=world.tess)
    assert [(one.person, one.present) for one in room.expected(review)] == [
        (world.sam, True), (world.tess, None), (world.pam, None), (world.bob, True),
    ]  # fmt: skip
    room.attend(review, {world.bob.pk: False}, START, by=world.tess)
    assert Attendance.objects.get(person=world.bob).present is False
    rows = AuditRow.objects.filter(kind="attendance").order_by("pk").values_list("key", "after")
    assert list(rows) == [
        ("typing/2026-04-14/sam@example.com", "there"),
        ("typing/2026-04-14/bob@example.com", "there"),
        ("typing/2026-04-14/bob@example.com", "not there"),
    ]
    for email in ("nobody@example.com", "", "a\0b"):
        with pytest.raises(Unfit):
            room.bring(review, email, START, by=world.tess)


def test_who_may_write(world, review):
    User.objects.filter(pk=world.pam.pk).update(reads_only=True)
    writes = {name for name in ("sam", "tess", "pam", "alice", "gina")
              if room.may_write(User.objects.get(email=f"{name}@example.com"), review)}  # fmt: skip
    assert writes == {"sam", "tess"}


def test_when_nothing_is_written_any_more(review):
    assert room.closed(review) == ""
    review.state = "skipped"
    assert room.closed(review) == "This review did not take place."
    review.state = "canceled"
    assert room.closed(review) == "This review was canceled."
    review.state, review.program.state = "held", Program.State.CANCELED
    assert room.closed(review) == ""  # the meeting in which it was canceled is written to its end
    review.minutes_sent_at = START
    assert room.closed(review) == "This program is over: its record stays as it is."


def test_notes_say_that_it_took_place(world, review):
    Review.objects.update(starts_at=NOW - timedelta(hours=1))
    review.refresh_from_db()
    room.write_notes(review, "we met", 0, "", NOW, by=world.tess)
    schedule.schedule(NOW)
    review.refresh_from_db()
    assert review.state == "held"


BRIEF = {"past_asks": [1, 2], "leaders": [1, 2, 3], "surprises": [], "decisions": [1]}


@pytest.mark.parametrize("minutes", [5, 6, 17, 30, 45, 60, 480])
@pytest.mark.parametrize("brief", [None, BRIEF])
def test_the_boxes_fill_the_time(minutes, brief):
    points = agenda.usual(minutes, brief)
    assert [point.about for point in points] == ["asks", "verdict", "leaders", "surprises", "decisions"]
    assert sum(point.minutes for point in points) == minutes
    assert min(point.minutes for point in points) >= 1


def test_the_more_there_is_to_say_the_more_time():
    assert [point.minutes for point in agenda.usual(30, BRIEF)] == [5, 6, 11, 2, 6]
    assert agenda.usual(4, BRIEF) == [Point("Decisions wanted", 4, "decisions")]


def test_points_follow_each_other(review):
    boxes = agenda.boxed([Point("A", 10), Point("B", 20)], review.local_start)
    assert [(f"{box.begins:%H:%M}", f"{box.ends:%H:%M}") for box in boxes] == [("10:00", "10:10"), ("10:10", "10:30")]
    assert [box.is_on(START + timedelta(minutes=10)) for box in boxes] == [False, True]


def test_the_agenda_is_changed_and_taken_back(world, review):
    points = [Point("A", 10, "asks"), Point("B", 20)]
    agenda.change(review, points, START, by=world.tess)
    agenda.change(review, points, START, by=world.tess)
    assert agenda.of(Review.objects.get(), BRIEF) == points
    agenda.change(review, [], START, by=world.tess)
    assert agenda.of(Review.objects.get(), BRIEF) == agenda.usual(30, BRIEF)
    assert AuditRow.objects.filter(kind="agenda").count() == 2
    with pytest.raises(Unfit, match=r"The points take 31 minutes, and the review has 30."):
        agenda.change(review, [Point("A", 31)], START, by=world.tess)
    with pytest.raises(Unfit, match=r"At most 12 points were expected, not 13."):
        agenda.change(review, [Point("A", 1)] * 13, START, by=world.tess)

"""Skipping, moving and bringing forward: by whom, between what, told to whom, and never doubled by the calendar."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.models import AuditRow, User
from nudges.models import Delivery
from program.models import Program
from program.rules.cadence import after
from program.rules.working_days import is_day_off, working_day_from
from reviews import ahead, days, invites, moving, schedule
from reviews.models import Brief, Effect, Review
from teams.models import Goal, Standing
from teams.typed import Unfit
from tests.people import NOW, settle

ZONES = ["UTC", "Europe/Riga", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago"]
FIRST = datetime(2026, 4, 14, 7, tzinfo=UTC)
"""Ten o'clock in Riga; Tuesday. The next one is on 26 May."""


@pytest.fixture
def world(db):
    made = settle()
    schedule.schedule(NOW)
    return made


def only() -> Review:
    return Review.objects.select_related("program__sponsor").get(period="2026-04-14")


def rows() -> list[tuple[str, str, str]]:
    return [(one.period, one.state, f"{one.local_start:%m-%d %H:%M}") for one in Review.objects.order_by("period")]


def test_a_moved_review_stays_where_it_was_put(world):
    review, uid = only(), only().uid
    moving.move(review, datetime(2026, 4, 16, 15, 30), "Sam is away", by=world.tess, now=NOW)
    assert schedule.schedule(NOW) == 0
    review = only()
    assert (review.period, review.uid, review.sequence, review.fixed) == ("2026-04-14", uid, 1, True)
    assert (f"{review.local_start:%Y-%m-%d %H:%M}", review.why) == ("2026-04-16 15:30", "Sam is away")
    kept = AuditRow.objects.get(kind="review")
    assert (kept.key, kept.actor, kept.reason) == ("typing/2026-04-14", world.tess, "Sam is away")
    assert kept.before == {"state": "scheduled", "starts_at": "2026-04-14T07:00:00+00:00"}
    assert kept.after == {"state": "scheduled", "starts_at": "2026-04-16T12:30:00+00:00"}


def test_the_one_after_it_comes_when_its_own_day_is_over_or_it_was_held(world):
    moving.move(only(), datetime(2026, 4, 20, 10), "", by=world.sam, now=NOW)
    schedule.schedule(FIRST + timedelta(hours=1))
    assert rows() == [("2026-04-14", "scheduled", "04-20 10:00"), ("2026-05-26", "scheduled", "05-26 10:00")]


def test_one_that_was_held_early_is_not_held_again_on_its_own_day(world):
    moving.move(only(), datetime(2026, 4, 2, 10), "", by=world.sam, now=NOW)
    invites.send_due(NOW)
    schedule.schedule(datetime(2026, 4, 3, tzinfo=UTC))
    assert rows() == [("2026-04-14", "held", "04-02 10:00"), ("2026-05-26", "scheduled", "05-26 10:00")]


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        (datetime(2026, 3, 16, 11), "A time to come was expected; Mon 16 Mar 2026, 11:00 is over"),
        (datetime(1990, 1, 1, 11), "A time to come was expected"),
        (datetime(2026, 4, 14, 10), "Another time was expected: it is on Tue 14 Apr 2026, 10:00 already."),
        (datetime(2026, 5, 26, 9), "A day before Tue 26 May was expected: that is when the next review is."),
        (datetime(2199, 1, 1, 9), "A day before Tue 26 May was expected"),
        (datetime(2026, 3, 29, 3, 30), "Sun 29 Mar 2026, 03:30 does not exist in Europe/Riga: the clocks go forward"),
    ],
)
def test_it_is_moved_to_a_time_that_is_to_come_and_before_the_next_one(world, to, expected):
    with pytest.raises(Unfit) as refused:
        moving.move(only(), to, "", by=world.tess, now=NOW)
    assert str(refused.value).startswith(expected)
    assert (only().sequence, AuditRow.objects.filter(kind="review").count()) == (0, 0)


def test_it_is_not_moved_to_before_the_last_one(world):
    Review.objects.create(
        program=world.program, period="2026-03-03", starts_at=NOW + timedelta(days=3), minutes=30, zone="Europe/Riga",
        uid="before", created_at=NOW,
    )  # fmt: skip
    with pytest.raises(Unfit, match="A day after Thu 19 Mar was expected: that is when the review before it is"):
        moving.move(only(), datetime(2026, 3, 19, 15), "", by=world.tess, now=NOW)


@pytest.mark.parametrize(("state", "at"), [("held", NOW), ("skipped", FIRST), ("canceled", FIRST), ("scheduled", NOW)])
def test_what_is_over_is_not_changed(world, state, at):
    Review.objects.update(state=state, starts_at=at)
    for change in (moving.move, lambda *a, **k: moving.skip(a[0], "x", **k)):
        with pytest.raises(Unfit, match="there is nothing to change any more"):
            change(only(), datetime(2026, 4, 16, 10), "x", by=world.tess, now=NOW)


@pytest.mark.parametrize(("why", "said"), [("", "Why it is skipped"), (" \n", "Why it is skipped"), ("x" * 301, "at most 300"), ("a\0b", "at most 300")])  # fmt: skip
def test_a_skip_has_a_reason(world, why, said):
    with pytest.raises(Unfit, match=said):
        moving.skip(only(), why, by=world.tess, now=NOW)
    assert only().state == "scheduled"


def test_of_two_who_change_it_at_once_one_does(world):
    mine, theirs = only(), only()
    moving.move(mine, datetime(2026, 4, 16, 10), "", by=world.tess, now=NOW)
    with pytest.raises(Unfit, match="Somebody else changed this review"):
        moving.skip(theirs, "Nothing to say", by=world.pam, now=NOW)
    assert only().state == "scheduled"


def test_everybody_who_was_invited_is_told_with_the_reason_and_once(world):
    invites.send_due(NOW + timedelta(days=2))
    moving.move(only(), datetime(2026, 4, 16, 10), "Sam is away", by=world.tess, now=NOW + timedelta(days=3))
    invites.send_due(NOW + timedelta(days=3))
    moving.skip(only(), "Nothing to say", by=world.tess, now=NOW + timedelta(days=4))
    told = Delivery.objects.filter(kind="invite", person=world.sam).order_by("pk")
    assert [(row.key, row.attachments[0]["method"], row.subject) for row in told] == [
        ("typing/2026-04-14/0", "REQUEST", "Review of Every function typed, Tue 14 Apr, 10:00"),
        ("typing/2026-04-14/1", "REQUEST", "Changed: review of Every function typed, Thu 16 Apr, 10:00"),
        ("typing/2026-04-14/2", "CANCEL", "Canceled: review of Every function typed, Thu 16 Apr, 10:00"),
    ]
    assert ["Why: Sam is away" in row.text for row in told] == [False, True, False]
    assert "Why: Nothing to say" in told[2].text
    assert Delivery.objects.filter(kind="invite").count() == 9


def test_the_brief_goes_by_the_new_time_and_one_that_is_frozen_stays(world):
    moving.move(only(), datetime(2026, 4, 21, 10), "", by=world.tess, now=NOW)
    assert days.freeze_at(only()).isoformat() == "2026-04-16T09:00:00+03:00"
    frozen = datetime(2026, 4, 16, 6, tzinfo=UTC)
    assert ahead.freeze_due(frozen - timedelta(minutes=1)) == 0
    assert ahead.freeze_due(frozen) == 1
    moving.move(only(), datetime(2026, 4, 28, 10), "", by=world.tess, now=frozen)
    assert ahead.freeze_due(datetime(2026, 4, 23, 7, tzinfo=UTC)) == 0
    assert Brief.objects.get().frozen_at == frozen


@pytest.mark.parametrize("first", [datetime(2026, 1, 22, 10, tzinfo=UTC), datetime(2026, 1, 19, 10, tzinfo=UTC)])
def test_a_changed_calendar_does_not_double_what_was_moved(world, first):
    """Moved from Tuesday to Thursday; then the calendar itself goes to Thursdays, or to Mondays."""
    moving.move(only(), datetime(2026, 4, 16, 10), "", by=world.tess, now=NOW)
    Program.objects.update(review_first=first)
    held = []
    now = NOW
    while now < datetime(2026, 9, 1, tzinfo=UTC):
        schedule.schedule(now)
        invites.send_due(now)
        now += timedelta(days=1)
    held = [f"{one.local_start:%m-%d}" for one in Review.objects.exclude(state="canceled").order_by("starts_at")]
    assert held == [["04-16", "05-28", "07-09", "08-20", "10-01"], ["04-16", "05-25", "07-06", "08-17", "09-28"]][first.day == 19]  # fmt: skip


def test_an_ended_program_cancels_what_was_moved_too(world):
    moving.move(only(), datetime(2026, 4, 16, 10), "", by=world.tess, now=NOW)
    Program.objects.update(state="completed")
    schedule.schedule(NOW)
    assert only().state == "canceled"


def flag(world, slipped: int) -> None:
    """So many of three goals fell off their path since four weeks ago."""
    then = NOW.date() - timedelta(weeks=4)
    for n, goal in enumerate(Goal.objects.order_by("pk")):
        for day, status in ((then, "on track"), (NOW.date(), "behind" if n < slipped else "on track")):
            Standing.objects.update_or_create(
                goal=goal,
                day=day,
                defaults={"status": status, "start": date(2026, 1, 1), "due": date(2026, 12, 31), "judged_at": NOW},
            )


def test_without_a_red_flag_it_is_not_brought_forward(world):
    flag(world, 1)
    assert moving.forward(only(), NOW) is None
    with pytest.raises(Unfit, match="no red flag is up now"):
        moving.bring_forward(only(), by=world.tess, now=NOW)


def test_on_a_red_flag_it_is_brought_forward_so_that_the_brief_fits(world):
    """Monday noon: the brief can go out on Tuesday at nine, and the review is three working days later, on Friday."""
    flag(world, 3)
    offer = moving.bring_forward(only(), by=world.pam, now=NOW)
    assert offer.why == (
        "3 of 3 goals fell off their path since 16 Feb 2026. "
        "3 of 3 goals are behind or overdue, more than half of all; on 16 Feb 2026 it was 0 of 3."
    )
    review = only()
    assert f"{review.local_start:%a %d %b %H:%M}" == "Fri 20 Mar 10:00"
    assert days.freeze_at(review).isoformat() == "2026-03-17T09:00:00+02:00"
    assert review.why.startswith("Brought forward: 3 of 3 goals fell off")
    assert moving.forward(review, NOW) is None
    schedule.schedule(NOW)
    assert rows() == [("2026-04-14", "scheduled", "03-20 10:00")]


def test_a_harmful_effect_is_a_red_flag(world):
    version = world.typed.versions.get()
    Effect.objects.create(
        program=world.program, metric_version=version, day=NOW.date(), at=NOW, verdict="harmful", effect=-1, low=-2, high=-0.5
    )  # fmt: skip
    assert moving.forward(only(), NOW).why == (
        "Functions with full annotations got worse through the program, by what is known on 16 Mar 2026."
    )


def test_who_may(world):
    root = User.objects.create_superuser("root@example.com")
    assert [moving.may(one, only()) for one in (world.sam, world.tess, world.pam, root)] == [True] * 4
    assert [moving.may(one, only()) for one in (world.alice, world.gina, world.charlie)] == [False] * 3
    world.tess.reads_only = True
    assert not moving.may(world.tess, only())


def test_holidays_of_the_sponsor_move_it_and_the_brief(world):
    """14 April is no holiday; of Latvia's 1 and 4 May, the review of Friday 1 May is on Tuesday 5 May."""
    Program.objects.update(review_first=datetime(2026, 5, 1, 10, tzinfo=UTC), review_every="1 month")
    User.objects.filter(pk=world.sam.pk).update(country="LV")
    schedule.schedule(NOW)
    review = Review.objects.select_related("program__sponsor").get(period="2026-05-01")
    assert f"{review.local_start:%a %d %b %H:%M}" == "Tue 05 May 10:00"
    assert days.freeze_at(review).isoformat() == "2026-04-28T09:00:00+03:00"
    User.objects.filter(pk=world.sam.pk).update(country="")
    schedule.schedule(NOW)
    review.refresh_from_db()
    assert (f"{review.local_start:%a %d %b}", review.sequence) == ("Fri 01 May", 1)


RULES = ["1 month", "FREQ=MONTHLY;BYDAY=2TU", "3 weeks"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("zone", ZONES)
def test_three_years_by_three_beats_at_once_across_clock_changes(zone, capsys):
    """Every review at its wall time on a working day, none double, none missing; some of them moved and skipped."""
    world = settle()
    User.objects.filter(pk=world.sam.pk).update(country="LV")
    programs = []
    for n, every in enumerate(RULES):
        copy = Program.objects.get(pk=world.program.pk)
        copy.pk, copy.key, copy._state.adding = None, f"copy-{n}", True
        copy.review_every, copy.review_zone = every, zone
        copy.review_first = datetime(2026, 1, 31, 2, 30, tzinfo=UTC)
        copy.end = date(2030, 1, 1)
        copy.save()
        programs.append(copy)
    Program.objects.filter(pk=world.program.pk).update(state="draft")

    def beat(now: datetime) -> None:
        try:
            schedule.schedule(now)
            invites.send_due(now)
        finally:
            connection.close()

    began, now, ticks = time.monotonic(), datetime(2026, 1, 1, tzinfo=UTC), 0
    with ThreadPoolExecutor(3) as pool:
        while now < datetime(2029, 1, 1, tzinfo=UTC):
            list(pool.map(beat, [now] * 3))
            now, ticks = now + timedelta(days=13), ticks + 1
    found = list(Review.objects.filter(period__lt="2029").order_by("program", "starts_at"))
    wrong = double = off = 0
    for review in found:
        local = review.starts_at.astimezone(ZoneInfo(zone))
        skipped = datetime.combine(local.date(), local.time(), ZoneInfo(zone)).astimezone(UTC) != review.starts_at
        wrong += f"{local:%H:%M}" != "02:30" or skipped
        wrong += local.date() != working_day_from(date.fromisoformat(review.period), "LV")
        off += is_day_off(local.date(), "LV")
    missing = 0
    for program in programs:
        mine = [one for one in found if one.program_id == program.pk]
        double += sum(early.local_start.date() >= late.local_start.date() for early, late in pairwise(mine))
        expected = [one.period for one in _asked(program)]
        missing += len(set(expected) - {one.period for one in mine})
        double += len(mine) - len({one.period for one in mine})
    letters = Delivery.objects.filter(kind="invite")
    twice = letters.count() - letters.values("key", "address", "program").distinct().count()
    with capsys.disabled():
        print(
            f"\n{connection.vendor} {zone}: {len(found)} reviews, {3 * ticks} beats, {letters.count()} invites: "
            f"wrong {wrong}, double {double}, missing {missing}, day off {off}, invited twice {twice} "
            f"({time.monotonic() - began:.1f} s)"
        )
    assert (wrong, double, missing, off, twice) == (0, 0, 0, 0, 0)
    assert len(found) >= 36 + 35 + 51


def _asked(program):
    fresh = Program.objects.select_related("sponsor").get(pk=program.pk)
    every = after(fresh.cadence, datetime(2026, 1, 1, tzinfo=UTC))
    return list(takewhile(lambda one: one.period < "2029" and one.at < datetime(2028, 12, 20, tzinfo=UTC), every))

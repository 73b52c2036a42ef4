"""The next review is there once, however often it is asked for, and follows the program's calendar."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from nudges.models import Delivery
from program.models import Program
from program.rules.working_days import working_day_from
from reviews import ahead, moving, schedule
from reviews.models import Review, new_uid
from teams.typed import Unfit
from tests.people import NOW, settle

NEXT = datetime(2026, 4, 14, 7, 0, tzinfo=UTC)
"""Ten o'clock in Riga, in summer time."""


@pytest.fixture
def world(db):
    return settle()


def rows() -> list[tuple[str, str, int]]:
    return list(Review.objects.order_by("period").values_list("period", "state", "sequence"))


def edit(program: Program, **fields) -> None:
    Program.objects.filter(pk=program.pk).update(**fields)


def test_the_next_one_is_made_once_and_none_in_the_past(world):
    assert schedule.schedule(NOW) == 1
    assert schedule.schedule(NOW) == 0
    review = Review.objects.get()
    assert (review.period, review.starts_at, review.minutes, review.zone) == ("2026-04-14", NEXT, 30, "Europe/Riga")
    assert (review.ends_at - review.starts_at, review.local_start.hour) == (timedelta(minutes=30), 10)
    assert review.key == "typing/2026-04-14"


def test_the_one_after_it_is_made_when_it_has_begun(world):
    schedule.schedule(NOW)
    assert schedule.schedule(NEXT - timedelta(seconds=1)) == 0
    assert schedule.schedule(NEXT) == 1
    assert [period for period, *_ in rows()] == ["2026-04-14", "2026-05-26"]


def test_what_downtime_swallowed_is_not_made_up_for(world):
    schedule.schedule(NOW)
    schedule.schedule(NOW + timedelta(weeks=20))
    assert rows() == [("2026-04-14", "skipped", 0), ("2026-08-18", "scheduled", 0)]


def test_a_review_that_people_were_invited_to_is_held_when_its_time_is_over(world):
    schedule.schedule(NOW)
    ahead.freeze_due(NEXT - timedelta(days=1))
    schedule.schedule(NEXT + timedelta(minutes=29))
    assert rows()[0] == ("2026-04-14", "scheduled", 0)
    schedule.schedule(NEXT + timedelta(minutes=30))
    assert rows()[0] == ("2026-04-14", "held", 0)


@pytest.mark.parametrize(
    "fields", [{"state": "paused"}, {"state": "draft"}, {"review_every": ""}, {"review_first": None}]
)
def test_no_reviews_without_an_active_program_and_its_calendar(world, fields):
    edit(world.program, **fields)
    assert schedule.schedule(NOW) == 0
    assert rows() == []


def test_another_time_of_the_same_day_moves_it(world):
    schedule.schedule(NOW)
    edit(world.program, review_first=datetime(2026, 1, 20, 15, 30, tzinfo=UTC), review_minutes=45)
    assert schedule.schedule(NOW) == 1
    assert schedule.schedule(NOW) == 0
    review = Review.objects.get()
    assert (review.starts_at, review.minutes, review.sequence) == (NEXT + timedelta(hours=5, minutes=30), 45, 1)


def test_another_calendar_cancels_it_and_the_old_one_brings_it_back(world):
    schedule.schedule(NOW)
    uid = Review.objects.get().uid
    edit(world.program, review_first=datetime(2026, 1, 22, 10, 0, tzinfo=UTC))
    schedule.schedule(NOW)
    assert rows() == [("2026-04-14", "canceled", 1), ("2026-04-16", "scheduled", 0)]
    edit(world.program, review_first=datetime(2026, 1, 20, 10, 0, tzinfo=UTC))
    schedule.schedule(NOW)
    assert rows() == [("2026-04-14", "scheduled", 2), ("2026-04-16", "canceled", 1)]
    assert Review.objects.get(period="2026-04-14").uid == uid


@pytest.mark.parametrize("state", ["completed", "canceled", "draft"])
def test_an_ended_program_has_no_reviews_to_come(world, state):
    schedule.schedule(NOW)
    edit(world.program, state=state)
    schedule.schedule(NOW)
    assert rows() == [("2026-04-14", "canceled", 1)]


def test_a_paused_program_keeps_the_review_it_has(world):
    schedule.schedule(NOW)
    edit(world.program, state="paused")
    assert schedule.schedule(NOW) == 0
    assert rows() == [("2026-04-14", "scheduled", 0)]


def test_a_skipped_review_stays_so_and_the_next_one_takes_its_place(world):
    schedule.schedule(NOW)
    moving.skip(Review.objects.get(), "Everybody is away", by=world.tess, now=NOW)
    with pytest.raises(Unfit, match="This review is skipped"):
        moving.skip(Review.objects.get(), "Everybody is away", by=world.tess, now=NOW)
    schedule.schedule(NOW)
    schedule.schedule(NOW)
    assert rows() == [("2026-04-14", "skipped", 1), ("2026-05-26", "scheduled", 0)]


def test_people_who_were_invited_hear_of_every_change_once(world):
    schedule.schedule(NOW)
    frozen = NEXT - timedelta(days=2)
    ahead.freeze_due(frozen)
    edit(world.program, review_first=datetime(2026, 1, 20, 11, 0, tzinfo=UTC))
    schedule.schedule(frozen)
    schedule.schedule(frozen)
    edit(world.program, state="completed")
    schedule.schedule(frozen)
    invites = Delivery.objects.filter(kind="invite", person=world.sam).order_by("pk")
    assert [(row.key, row.attachments[0]["method"], row.subject) for row in invites] == [
        ("typing/2026-04-14/0", "REQUEST", "Review of Every function typed, Tue 14 Apr, 10:00"),
        ("typing/2026-04-14/1", "REQUEST", "Changed: review of Every function typed, Tue 14 Apr, 11:00"),
        ("typing/2026-04-14/2", "CANCEL", "Canceled: review of Every function typed, Tue 14 Apr, 11:00"),
    ]


def test_nobody_is_told_of_changes_to_a_review_they_were_not_invited_to(world):
    schedule.schedule(NOW)
    edit(world.program, review_first=datetime(2026, 1, 20, 11, 0, tzinfo=UTC))
    schedule.schedule(NOW)
    assert Delivery.objects.count() == 0


def test_the_period_is_unique_in_the_schema(world):
    schedule.schedule(NOW)
    held = Review.objects.get()
    with pytest.raises(IntegrityError):
        Review.objects.create(
            program=held.program,
            period=held.period,
            starts_at=NEXT,
            minutes=30,
            zone="UTC",
            uid=new_uid(),
            created_at=NOW,
        )


def test_a_beat_that_looked_before_another_wrote_makes_nothing_twice(world):
    """Both saw no row; the unique key decides."""
    assert [schedule._keep(world.program, {}, NOW) for _ in range(3)] == [1, 0, 0]
    seen = [Review.objects.get() for _ in range(3)]
    assert [schedule.change(review, {"minutes": 45}, NOW) for review in seen] == [True, False, False]
    assert rows() == [("2026-04-14", "scheduled", 1)]


def test_a_paused_program_gets_no_new_review_in_place_of_a_skipped_one(world):
    schedule.schedule(NOW)
    moving.skip(Review.objects.get(), "Everybody is away", by=world.tess, now=NOW)
    edit(world.program, state="paused")
    assert schedule.schedule(NOW) == 0
    assert rows() == [("2026-04-14", "skipped", 1)]


@pytest.mark.django_db(transaction=True)
def test_three_beats_at_once_make_one_review_and_one_brief():
    world = settle()

    def beat(_: int) -> int:
        try:
            made = schedule.schedule(NOW)
            ahead.freeze_due(NEXT - timedelta(days=1))
            return made
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(beat, range(3)))
    review = Review.objects.get()
    assert review.brief.frozen_at == NEXT - timedelta(days=1)
    people = [world.sam, world.tess, world.pam]
    assert sorted(Delivery.objects.values_list("kind", "person")) == sorted(
        (kind, person.pk) for kind in ("brief", "invite") for person in people
    )


@pytest.mark.parametrize("zone", ["UTC", "Europe/Riga", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "America/Sao_Paulo"])  # fmt: skip
def test_three_years_have_every_review_at_its_wall_time_and_none_twice(world, zone):
    edit(world.program, review_zone=zone, review_every="1 month", review_first=datetime(2026, 1, 31, 2, 30, tzinfo=UTC))
    now = datetime(2026, 1, 1, tzinfo=UTC)
    while now < datetime(2029, 1, 1, tzinfo=UTC):
        schedule.schedule(now)
        now += timedelta(days=5)
    found = list(Review.objects.filter(period__lt="2029").order_by("starts_at"))
    assert len(found) == 36
    months = [review.period[:7] for review in found]
    assert all(month_after(early) == late for early, late in pairwise(months))
    for review in found:
        local = review.starts_at.astimezone(ZoneInfo(zone))
        held = working_day_from(date.fromisoformat(review.period))
        assert (local.date(), f"{local:%H:%M}") == (held, "02:30")


def month_after(month: str) -> str:
    year, number = map(int, month.split("-"))
    return f"{year + number // 12}-{number % 12 + 1:02d}"


def test_only_sponsor_owners_and_administrators_see_what_is_coming(world):
    schedule.schedule(NOW)
    root = User.objects.create_superuser("root@example.com")
    for person in (world.sam, world.tess, world.pam, root):
        assert [review.period for review in Review.objects.visible_to(person).to_come(NOW)] == ["2026-04-14"]
    for person in (world.alice, world.gina, world.charlie):
        assert not Review.objects.visible_to(person).exists()
    assert not Review.objects.visible_to(world.sam).to_come(NEXT).exists()


def test_a_quiet_tick_costs_three_queries_however_many_programs(world):
    for n in range(5):
        copy = Program.objects.get(pk=world.program.pk)
        copy.pk, copy.key, copy._state.adding = None, f"copy-{n}", True
        copy.save()
    assert schedule.schedule(NOW) == 6
    with CaptureQueriesContext(connection) as queries:
        assert schedule.schedule(NOW) == 0
    assert len(queries) == 3

"""The known causes of failure: each is seen where it is, and none where all is well."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from program.models import Program, ProgramOwner
from reviews import health
from reviews.models import Attendance, Cost, Pulse, Review, Sponsorship, new_uid
from tests.people import NOW, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return settle()


def held(world, day: datetime, state: str = "held") -> Review:
    return Review.objects.create(
        program=world.program, period=day.date().isoformat(), starts_at=day, minutes=30, zone="Europe/Riga", uid=new_uid(),
        state=state, created_at=day,
    )  # fmt: skip


def two(world, state: str = "held") -> list[Review]:
    return [held(world, datetime(2026, month, 3, 8, tzinfo=UTC), state) for month in (2, 3)]


def kinds(world) -> list[str]:
    return [cause.kind for cause in health.of_program(Program.objects.get(), NOW)]


def test_nothing_shows_where_all_is_well(world):
    for review in two(world):
        Pulse.objects.create(review=review, person=world.alice, asked_at=NOW, helps="yes", answered_at=NOW)
    assert kinds(world) == []


@pytest.mark.parametrize("state", ["skipped", "scheduled"])
def test_a_sponsor_without_time(world, state):
    two(world, state)
    assert [cause.said for cause in health.of_program(world.program, NOW)] == [
        "sam@example.com was in none of the last 2 reviews: find a time, or a sponsor who has it."
    ]


def test_a_review_that_was_held_without_the_sponsor_is_none_with_them(world):
    reviews = two(world)
    for review in reviews:
        Pulse.objects.create(review=review, person=world.alice, asked_at=NOW, helps="no", answered_at=NOW)
        Attendance.objects.create(review=review, person=world.sam, present=False)
    assert kinds(world) == ["no sponsor time"]
    Attendance.objects.filter(review=reviews[0]).update(present=True)
    assert kinds(world) == []


def test_no_review_at_all_and_no_sponsor(world):
    Program.objects.update(review_every="")
    assert kinds(world) == ["no sponsor time"]
    world.sam.is_active = False
    world.sam.save()
    assert kinds(world) == ["no sponsor"]


def test_an_owner_who_left_or_is_away_is_missing(world):
    world.pam.is_active = False
    world.pam.save()
    assert [cause.said for cause in health.of_program(world.program, NOW)] == [
        "A program manager is missing (none named, or none here now): name one."
    ]
    ProgramOwner.objects.filter(user=world.tess).delete()
    assert kinds(world) == ["owner missing", "owner missing"]


def test_goals_without_any_help_are_all_process(world):
    world.typed.playbook.delete()
    assert kinds(world) == ["all process"]


def test_help_and_nobody_who_asks_is_all_technique(world):
    Program.objects.update(review_every="")
    ProgramOwner.objects.filter(role="manager").delete()
    assert kinds(world) == ["no sponsor time", "owner missing", "all technique"]


def test_teams_that_nobody_asked_or_that_did_not_answer(world):
    reviews = two(world)
    assert kinds(world) == ["teams not asked"]
    Pulse.objects.create(review=reviews[0], person=world.alice, asked_at=NOW)
    assert [cause.said for cause in health.of_program(world.program, NOW)] == [
        "No lead answered before the last 2 reviews whether it helps: ask some in person."
    ]


def test_more_than_four_hours_of_hand_work_a_week(world):
    Cost.objects.create(program=world.program, kind="hand work", hours=16, day=NOW.date(), at=NOW)
    assert kinds(world) == []
    row = Cost.objects.create(
        program=world.program, kind="hand work", hours=1, day=NOW.date() - timedelta(days=27), at=NOW
    )
    assert [cause.said for cause in health.of_program(world.program, NOW)] == [
        "Measuring takes 4.2 h of hand work a week: automate it before it wears out."
    ]
    row.day = NOW.date() - timedelta(days=28)
    row.save()
    assert kinds(world) == []
    world.findings.hand_hours = 5
    world.findings.save()
    assert kinds(world) == ["hand work"]


def test_a_draft_and_an_ended_program_have_none(world):
    Program.objects.update(state="canceled", review_every="")
    assert kinds(world) == []


def test_once_anybody_is_said_to_be_there_who_is_not_was_not(world):
    for review in two(world):
        Pulse.objects.create(review=review, person=world.alice, asked_at=NOW, helps="no", answered_at=NOW)
        Attendance.objects.create(review=review, person=world.tess, present=True)
    assert kinds(world) == ["no sponsor time"]
    Attendance.objects.create(review=Review.objects.latest("starts_at"), person=world.sam, present=True)
    assert kinds(world) == []


def test_a_new_sponsor_has_no_part_in_what_was_before(world):
    two(world, "skipped")
    Sponsorship.objects.create(program=world.program, sponsor=world.sam, since=datetime(2026, 3, 10, tzinfo=UTC))
    assert kinds(world) == []


def test_a_review_that_takes_place_now_is_not_one_that_was_missed(world):
    held(world, datetime(2026, 2, 3, 8, tzinfo=UTC), "skipped")
    held(world, NOW - timedelta(minutes=5), "scheduled")
    assert kinds(world) == []

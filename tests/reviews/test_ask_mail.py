"""Reminders of asks: three working days before and two after, in the person's hours, once, and never needlessly."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import User
from nudges import delivery
from nudges.kinds import Later
from nudges.models import Delivery
from program.models import Program
from reviews import ask_mail, asks, schedule
from reviews.models import Ask, Review
from tests.people import NOW, settle

pytestmark = pytest.mark.django_db
DUE = date(2026, 4, 30)
"""A Thursday: three working days before it is Monday the 27th, two after it Monday, 4 May."""


def at(day: date, hour: int = 7) -> datetime:
    """An hour of UTC; Riga, the program's zone, is three hours ahead in summer."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


BEFORE, AFTER = at(date(2026, 4, 27)), at(date(2026, 5, 4))


@pytest.fixture
def world(settings):
    settings.SITE_URL = "https://quality.example.com"
    made = settle()
    schedule.schedule(NOW)
    return made


@pytest.fixture
def ask(world):
    return asks.raise_ask(Review.objects.get(), "Free bob for a week", NOW, of=world.gina, due=DUE, actor=world.sam)


def keys():
    return sorted(Delivery.objects.filter(kind="ask").values_list("key", flat=True))


def test_each_is_said_once(ask):
    for day in range((date(2026, 6, 20) - NOW.date()).days):
        for hour in (4, 7, 12, 20):
            ask_mail.remind_due(at(NOW.date() + timedelta(days=day), hour))
    name = f"typing/2026-04-14/{ask.pk}"
    assert keys() == [f"{name}/after/2026-04-30", f"{name}/before/2026-04-30"]
    assert [row.created_at for row in Delivery.objects.order_by("pk")] == [BEFORE, AFTER]
    before, after = Delivery.objects.order_by("pk")
    assert before.subject == "Due on Thu 30 Apr: Free bob for a week (Every function typed)"
    assert before.text.splitlines()[0] == "Due on Thu 30 Apr, and asked of you: Free bob for a week"
    assert after.subject == "Was due on Thu 30 Apr: Free bob for a week (Every function typed)"
    assert "This is the last mail about it." in after.text


def test_not_outside_their_hours(world, ask):
    assert ask_mail.remind_due(BEFORE - timedelta(hours=2)) == 0  # 8 in Riga
    User.objects.filter(pk=world.gina.pk).update(time_zone="America/New_York")
    assert ask_mail.remind_due(BEFORE) == 0  # 3 in New York
    assert ask_mail.remind_due(BEFORE + timedelta(hours=6)) == 1


def test_holidays_are_no_working_days(world, ask):
    User.objects.filter(pk=world.gina.pk).update(country="LV")  # 1 May, a Friday, and the 4th
    assert ask_mail.remind_due(AFTER) == 0
    assert ask_mail.remind_due(at(date(2026, 5, 5))) == 0
    assert ask_mail.remind_due(at(date(2026, 5, 6))) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda world, ask: asks.close(ask, "kept", NOW),
        lambda world, ask: User.objects.filter(pk=world.gina.pk).update(is_active=False),
        lambda world, ask: User.objects.filter(pk=world.gina.pk).update(absent_from=DUE - timedelta(days=9)),
        lambda world, ask: Program.objects.update(state="canceled"),
        lambda world, ask: Program.objects.update(state="draft"),
        lambda world, ask: asks.edit(ask, NOW, text=ask.text, of=None, actor=world.sam),
        lambda world, ask: Ask.objects.update(due=None),
    ],
)
def test_not_needlessly(world, ask, change):
    change(world, ask)
    for moment in (BEFORE, AFTER):
        assert ask_mail.remind_due(moment) == 0


def test_whoever_is_back_is_reminded_then(world, ask):
    User.objects.filter(pk=world.gina.pk).update(absent_from=date(2026, 4, 20), absent_until=date(2026, 4, 28))
    assert ask_mail.remind_due(BEFORE) == 0
    assert ask_mail.remind_due(at(date(2026, 4, 29))) == 1


def test_what_was_only_just_asked_is_not_reminded_of(world):
    asks.raise_ask(Review.objects.get(), "Soon", at(date(2026, 4, 28)), of=world.gina, due=DUE)
    assert ask_mail.remind_due(at(date(2026, 4, 29))) == 0
    assert ask_mail.remind_due(AFTER) == 1


def test_a_moved_ask_is_reminded_of_by_its_new_day(world, ask):
    ask_mail.remind_due(BEFORE)
    asks.move(ask, date(2026, 5, 29), BEFORE, on=BEFORE.date(), reason="ill", actor=world.tess)
    assert ask_mail.remind_due(AFTER) == 0
    assert ask_mail.remind_due(at(date(2026, 5, 26))) == 1
    assert [key.rsplit("/", 1)[1] for key in keys()] == ["2026-04-30", "2026-05-29"]


def test_long_after_it_is_too_late(ask):
    assert ask_mail.remind_due(at(date(2026, 6, 29))) == 1
    Delivery.objects.all().delete()
    assert ask_mail.remind_due(at(date(2026, 6, 30))) == 0


def verdict(moment):
    row = Delivery.objects.select_related("person").get()
    ask_mail.prefetch([row], moment)
    return ask_mail.still_wanted(row, moment)


def test_what_is_asked_again_before_it_goes(world, ask):
    ask_mail.remind_due(BEFORE)
    assert verdict(BEFORE) is None
    assert verdict(BEFORE - timedelta(hours=5)) == Later(BEFORE - timedelta(hours=1), "outside working hours")
    assert verdict(AFTER) == "its day is over"
    User.objects.filter(pk=world.gina.pk).update(absent_from=BEFORE.date(), absent_until=BEFORE.date())
    assert verdict(BEFORE) == Later(BEFORE + timedelta(hours=23), "away")
    User.objects.filter(pk=world.gina.pk).update(absent_from=None, absent_until=None)
    asks.move(ask, date(2026, 5, 29), BEFORE, on=BEFORE.date(), reason="ill", actor=world.tess)
    assert verdict(BEFORE) == "it has another day now"
    asks.edit(ask, BEFORE, text=ask.text, of=world.alice, actor=world.tess)
    assert verdict(BEFORE) == "it is asked of somebody else now"
    asks.close(ask, "withdrawn", BEFORE)
    assert verdict(BEFORE) == "the ask is withdrawn"
    Ask.objects.all().delete()
    assert verdict(BEFORE) == "its ask is gone"


def test_one_that_was_kept_meanwhile_does_not_go(ask, mail_server):
    ask_mail.remind_due(BEFORE)
    asks.close(ask, "kept", BEFORE)
    while delivery.deliver_batch(BEFORE).more:
        pass
    assert Delivery.objects.get().state == "suppressed"


def test_constant_queries(world, ask, django_assert_num_queries):
    with django_assert_num_queries(1):
        ask_mail.remind_due(NOW)
    ask_mail.remind_due(BEFORE)
    with django_assert_num_queries(2):
        ask_mail.remind_due(BEFORE)
    review = Review.objects.get()
    for n in range(8):
        asks.raise_ask(review, f"Ask {n}", NOW, of=world.alice, due=DUE)
    assert ask_mail.remind_due(BEFORE) == 8
    with django_assert_num_queries(2):
        ask_mail.remind_due(BEFORE)

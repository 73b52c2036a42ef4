"""Asks: raised, ended once, on record, and seen by those concerned."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError

from accounts.models import AuditRow
from reviews import asks, schedule
from reviews.models import Ask, Review
from tests.people import NOW, settle


@pytest.fixture
def world(db):
    made = settle()
    schedule.schedule(NOW)
    return made


def test_an_ask_is_raised_and_ends_once(world):
    ask = asks.raise_ask(
        Review.objects.get(), "Free bob for a week", NOW, of=world.gina, due=date(2026, 4, 30), actor=world.sam
    )
    assert list(Ask.objects.open()) == [ask]
    later = NOW + timedelta(days=9)
    assert asks.close(ask, "kept", later, outcome="He had eight days.", actor=world.tess)
    assert not asks.close(ask, "missed", later)
    assert (ask.state, ask.outcome, ask.closed_at) == ("kept", "He had eight days.", later)
    assert list(Ask.objects.open()) == []
    rows = AuditRow.objects.filter(kind="ask").order_by("pk").values_list("key", "actor", "before", "after", "reason")
    key = f"typing/2026-04-14/{ask.pk}"
    assert list(rows) == [
        (key, world.sam.pk, None, "Free bob for a week", ""),
        (key, world.tess.pk, "open", "kept", "He had eight days."),
    ]


def test_open_again_is_no_end(world):
    ask = asks.raise_ask(Review.objects.get(), "Free bob for a week", NOW)
    with pytest.raises(ValueError, match="kept, missed or withdrawn"):
        asks.close(ask, "open", NOW)


def test_the_one_due_first_leads_and_one_without_a_day_comes_last(world):
    review = Review.objects.get()
    made = {due: asks.raise_ask(review, "x", NOW, due=due) for due in (None, date(2026, 5, 1), date(2026, 4, 1))}
    assert [ask.due for ask in Ask.objects.open()] == [date(2026, 4, 1), date(2026, 5, 1), None]
    assert len(made) == 3


def test_who_sees_an_ask(world):
    ask = asks.raise_ask(Review.objects.get(), "Free bob for a week", NOW, of=world.gina)
    for person in (world.sam, world.tess, world.pam, world.gina):
        assert list(Ask.objects.visible_to(person)) == [ask]
    for person in (world.alice, world.charlie):
        assert list(Ask.objects.visible_to(person)) == []


def test_the_schema_keeps_state_and_day_together(world):
    ask = asks.raise_ask(Review.objects.get(), "x", NOW)
    with pytest.raises(IntegrityError):
        Ask.objects.filter(pk=ask.pk).update(state="kept")

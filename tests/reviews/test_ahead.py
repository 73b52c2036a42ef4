"""Three working days ahead: one brief, one mail a person, all or nothing, and asked again before it goes."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from nudges import delivery, kinds, outbox
from nudges.models import Delivery
from program.models import Program
from reviews import ahead, moving, schedule, wanted
from reviews.models import Brief, Review
from reviews.tasks import schedule_due
from tests.people import NOW, settle

DUE = datetime(2026, 4, 9, 6, 0, tzinfo=UTC)
"""Nine o'clock in Riga on the Thursday before Tuesday 14 April."""


@pytest.fixture
def world(db):
    made = settle()
    schedule.schedule(NOW)
    return made


def test_the_moment_is_nine_o_clock_of_the_third_working_day_before(world):
    assert ahead.freeze_at(Review.objects.get()) == DUE


def test_nothing_happens_a_second_early_and_nothing_twice(world):
    assert ahead.freeze_due(DUE - timedelta(seconds=1)) == 0
    assert Brief.objects.count() == 0
    assert ahead.freeze_due(DUE) == 1
    before = list(Delivery.objects.order_by("pk").values())
    assert ahead.freeze_due(DUE + timedelta(hours=1)) == 0
    assert list(Delivery.objects.order_by("pk").values()) == before
    assert Review.objects.get().invited_at == Brief.objects.get().frozen_at == DUE


def test_sponsor_and_owners_get_an_invite_and_the_brief(world):
    ahead.freeze_due(DUE)
    rows = Delivery.objects.order_by("kind", "pk").values_list("kind", "key", "address", "next_at", "not_after")
    end = datetime(2026, 4, 14, 7, 30, tzinfo=UTC)
    people = ("sam", "tess", "pam")
    assert list(rows) == [("brief", "typing/2026-04-14", f"{who}@example.com", DUE, end) for who in people] + [
        ("invite", "typing/2026-04-14/0", f"{who}@example.com", DUE, end) for who in people
    ]
    first = Delivery.objects.filter(kind="brief").order_by("pk")
    assert [row.text.rstrip().splitlines()[-2:][0].split(".")[0] for row in first] == [
        "You get this because you sponsor Every function typed",
        "You get this because you run Every function typed",
        "You get this because you run Every function typed",
    ]


def test_a_late_start_is_made_up_for_until_the_review_begins(world):
    begins = Review.objects.get().starts_at
    assert ahead.freeze_due(begins) == 0
    assert ahead.freeze_due(begins - timedelta(minutes=5)) == 1


def test_all_or_nothing(world, monkeypatch):
    def broken(*_args, **_kwargs):
        raise RuntimeError("no paper")

    monkeypatch.setattr(ahead, "put", broken)
    with pytest.raises(ExceptionGroup) as told:
        ahead.freeze_due(DUE)
    assert [repr(one) for one in told.value.exceptions] == ["RuntimeError('no paper')"]
    assert (Brief.objects.count(), Delivery.objects.count(), Review.objects.get().invited_at) == (0, 0, None)


@pytest.mark.parametrize("state", ["skipped", "canceled", "held"])
def test_no_brief_of_a_review_that_does_not_come(world, state):
    Review.objects.update(state=state)
    assert ahead.freeze_due(DUE) == 0


def test_a_review_that_was_canceled_a_moment_ago_is_looked_at_again(world):
    review = Review.objects.get()
    moving.skip(review, "Everybody is away", by=world.tess, now=DUE)
    assert not ahead._prepare(review, DUE)
    assert Brief.objects.count() == 0


def test_the_task_reads_the_clock_and_does_both(world):
    Review.objects.all().delete()
    with time_machine.travel(DUE + timedelta(minutes=1), tick=False):
        schedule_due()
    assert Review.objects.get().brief.frozen_at == DUE + timedelta(minutes=1)


def test_the_beat_calls_the_task_by_its_name():
    from config.schedule import beat_schedule

    assert schedule_due.name in beat_schedule(60)


def test_the_kinds_are_known_and_no_storm_holds_them():
    assert {kinds.get(name) for name in ("invite", "brief", "minutes", "ask")} <= set(wanted.KINDS)
    assert not {"invite", "brief", "minutes", "ask"} & set(kinds.held_by_breaker())


def test_they_are_sent(world, mail_server):
    ahead.freeze_due(DUE)
    while delivery.deliver_batch(DUE).more:
        pass
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert len(mail_server.accepted) == 6


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda: Review.objects.update(state="skipped"), "the review is skipped"),
        (lambda: Brief.objects.all().delete() and Review.objects.all().delete(), "its review is gone"),
    ],
)
def test_what_changed_meanwhile_is_not_said(world, mail_server, change, reason):
    ahead.freeze_due(DUE)
    change()
    delivery.deliver_batch(DUE)
    assert set(Delivery.objects.values_list("state", "reason")) == {("suppressed", reason)}
    assert mail_server.accepted == []


def test_an_older_invite_gives_way_to_a_newer_one_and_the_brief_still_goes(world, mail_server):
    ahead.freeze_due(DUE)
    Program.objects.update(review_first=datetime(2026, 1, 20, 11, 0, tzinfo=UTC))
    schedule.schedule(DUE)
    while delivery.deliver_batch(DUE).more:
        pass
    rows = (
        Delivery.objects.filter(person=world.sam).order_by("kind", "pk").values_list("kind", "key", "state", "reason")
    )
    assert list(rows) == [
        ("brief", "typing/2026-04-14", "sent", ""),
        ("invite", "typing/2026-04-14/0", "suppressed", "a newer invite replaces it"),
        ("invite", "typing/2026-04-14/1", "sent", ""),
    ]


def test_a_cancellation_goes_out(world, mail_server):
    ahead.freeze_due(DUE)
    moving.skip(Review.objects.get(), "Everybody is away", by=world.tess, now=DUE)
    while delivery.deliver_batch(DUE).more:
        pass
    sent = Delivery.objects.filter(person=world.sam, state="sent").values_list("kind", "key")
    assert list(sent) == [("invite", "typing/2026-04-14/1")]


def test_a_late_mail_expires_with_the_review(world):
    ahead.freeze_due(DUE)
    delivery.sweep(Review.objects.get().ends_at)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"expired"}


def test_the_same_letters_put_again_change_nothing(world):
    ahead.freeze_due(DUE)
    before = list(Delivery.objects.order_by("pk").values())
    ahead.put(Brief.objects.get(), DUE + timedelta(hours=1))
    assert list(Delivery.objects.order_by("pk").values()) == before
    assert outbox.message_id("brief", "typing/2026-04-14", "email", "sam@example.com") in {
        row["message_id"] for row in before
    }

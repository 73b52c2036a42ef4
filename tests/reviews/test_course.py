"""A program's course as its daily look kept it is what would be read now, and is read anew after anything new."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import audit
from program.feeds.registry import KINDS
from program.models import Program
from reviews import brief, course, effects
from reviews.models import EffectLook, Review
from teams.ingest import Origin
from teams.models import Payload, Run
from teams.receiving import receive, take_next
from tests.people import HEADER
from tests.reviews.conftest import SPRING

pytestmark = pytest.mark.django_db
ON = SPRING.date()


def holds(program: Program, day: date = ON) -> bool:
    look = EffectLook.objects.of(program)
    return look is not None and look.holds(day)


def test_what_was_kept_is_what_would_be_read(spring):
    for program in Program.objects.order_by("key"):
        EffectLook.objects.all().delete()
        effects.keep(program, SPRING)
        with CaptureQueriesContext(connection) as queries:
            kept = course.on(program, ON)
        assert len(queries) == 2
        read = course.read(program, ON)
        assert kept == read
        assert list(kept.charts) == [total.metric.key for total in kept.now if total.value is not None][:2]
        assert all(len(chart) > 5 for chart in kept.charts.values())
        assert kept.start[0].value != kept.now[0].value


def test_it_holds_until_anything_arrives_or_changes_or_the_day_is_over(spring):
    program = Program.objects.get(key="typing")
    effects.keep(program, SPRING)
    assert holds(program)
    assert not holds(program, ON + timedelta(days=1))
    audit.record("x", "y", at=SPRING, via="test")
    assert not holds(program)
    effects.keep(program, SPRING)
    assert holds(program)
    # Of two that arrive at once the one with the larger number may be there first.
    run = {"kind": "file", "came_from": "x", "payload": Payload.objects.first(), "received_at": SPRING}
    early, last = Run.objects.create(**run), Run.objects.create(**run)
    at = early.pk
    early.delete()
    effects.keep(program, SPRING)
    assert holds(program)
    early.pk = at
    early.save(force_insert=True)
    assert Run.objects.latest("pk") == last
    assert not holds(program)


def test_a_brief_says_what_arrived_after_the_look(spring):
    """Nobody looks again between an arrival and the brief: what was kept is left alone."""
    program = Program.objects.get(key="typing")
    review = Review.objects.create(
        program=program, period="2023-04-04", starts_at=SPRING + timedelta(days=3), minutes=30, zone="UTC", uid="x",
        created_at=SPRING,
    )  # fmt: skip
    effects.keep(program, SPRING)
    before = brief.freeze(review, SPRING).content["metrics"][0]
    review.brief.delete()
    spring.take(ON + timedelta(days=40))
    later = SPRING + timedelta(days=40)
    review.starts_at = later + timedelta(days=3)
    review.save()
    EffectLook.objects.update(looked_on=later.date())
    after = brief.freeze(review, later).content["metrics"][0]
    assert after["numbers"]["value"] != before["numbers"]["value"]
    assert after["chart"][-1][0] > before["chart"][-1][0]
    assert after["chart"][-1][1] == after["numbers"]["value"]


def test_a_look_of_before_that_was_kept_is_looked_at_again(spring):
    program = Program.objects.get(key="typing")
    effects.keep(program, SPRING)
    EffectLook.objects.update(totals=None)
    assert course.on(program, ON) == course.read(program, ON)


def test_what_waited_in_the_queue_is_news_once_it_is_taken(spring):
    program = Program.objects.get(key="typing")
    rows = HEADER + f"typed-functions,lib,a.py,{ON},1,2\n"
    run = receive(rows.encode(), Origin("api", "x", KINDS["csv"]), SPRING)
    effects.keep(program, SPRING)
    before = course.on(program, ON)
    assert holds(program)
    assert take_next(SPRING + timedelta(seconds=1)) == run
    assert not holds(program)
    assert course.on(program, ON).now[0].value != before.now[0].value


def test_what_another_release_kept_is_read_anew(spring):
    program = Program.objects.get(key="typing")
    effects.keep(program, SPRING)
    EffectLook.objects.update(totals={"format": 0, "now": [{"gone": 1}]})
    assert course.on(program, ON) == course.read(program, ON)

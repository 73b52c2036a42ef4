"""The sponsor's home: each program in one line, the asks that are due first, priorities; and constant queries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.core.cache import caches

from program.feeds.registry import KINDS
from program.models import MetricVersion, Program
from reviews import priorities
from reviews.models import Ask, Brief, Effect, Review
from teams.apply.files import apply_text
from teams.boards import totals
from teams.ingest import Origin, ingest
from teams.standings import judge_due
from tests.people import HEADER, NOW, TYPING, settle
from tests.web.test_home import review
from tests.web.test_pages import ROWS, sign_in, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    caches["pages"].clear()
    with time_machine.travel(NOW, tick=False):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield made


def test_each_program_is_one_line(client, world):
    held = review(world, NOW - timedelta(days=7), frozen=False)
    for text, due in (("Later", date(2026, 4, 1)), ("Some day", None), ("Late", date(2026, 3, 10))):
        Ask.objects.create(program=world.program, review=held, text=text, of=world.gina, due=due, raised_at=NOW)
    review(world, datetime(2026, 4, 14, 7, tzinfo=UTC), frozen=False)
    said = words(sign_in(client, "sam").get("/"))
    assert (
        "The program you sponsor Every function typed : Functions with full annotations: 53 %, 7 points behind its path of 61 %."
        " 3 open asks, 1 late"
    ) in said
    assert "3 open asks, 1 late · review on Tue 14 Apr, no brief yet · note a change of priorities" in said
    assert "My programs" not in said, "the line above says it"
    assert said.index("Late : Late Gina") < said.index("Later Gina") < said.index("Some day Gina")
    Brief.objects.create(
        review=Review.objects.get(state="scheduled", starts_at__gt=NOW), frozen_at=NOW, content={"headline": "x"}
    )
    version = MetricVersion.objects.get(metric=world.typed)
    facts = {"program": world.program, "metric_version": version, "at": NOW}
    Effect.objects.create(day=date(2026, 3, 1), verdict="too early", **facts)
    Effect.objects.create(day=date(2026, 3, 15), verdict="working", effect=0.1, low=0.05, high=0.15, **facts)
    said = words(client.get("/"))
    assert "It works. 3 open asks, 1 late · review on Tue 14 Apr, the brief is ready" in said


def test_value_against_path_of_what_is_furthest_behind(client, world):
    rows = HEADER + "typed-functions,web,b.py,2026-03-10,5,20\n"
    before = words(sign_in(client, "sam").get("/"))
    ingest(rows.encode(), Origin("file", "y.csv", KINDS["csv"]), NOW)
    judge_due(NOW)
    after = words(client.get("/"))
    assert before != after, "what is kept is worked out anew with a new number"
    typed = totals(world.program, NOW.date())[1]
    assert f"{typed.value:.0%}".replace("%", " %") in after
    assert "behind its path of" in after


def test_the_owners_see_changed_priorities_until_they_are_over(client, world):
    made = priorities.note(world.program, "Security first", NOW, by=world.sam)
    for name in ("tess", "pam", "sam"):
        said = words(sign_in(client, name).get("/"))
        assert "Priorities changed in Every function typed : “Security first” sam@example.com, 16 Mar 2026" in said
    for address in ("/programs/typing/", "/programs/typing/desk/"):
        assert "Priorities changed: “Security first”" in words(sign_in(client, "tess").get(address))
    for name in ("alice", "charlie"):
        assert "Security first" not in words(sign_in(client, name).get("/"))
        assert "Security first" not in words(client.get("/programs/typing/"))
    priorities.end(made, NOW, by=world.sam)
    assert "Security first" not in words(sign_in(client, "tess").get("/"))


def test_queries_do_not_grow_with_programs(client, world, django_assert_max_num_queries):
    sign_in(client, "sam").get("/")
    caches["pages"].clear()
    with django_assert_max_num_queries(46) as few:
        client.get("/")
    for n in range(4):
        body = TYPING[: TYPING.index("metrics:")] + TYPING[TYPING.index("goals:") :]
        apply_text(
            body.replace("key: typing", f"key: more-{n}").replace("Every", f"More {n} every"), now=NOW, via="test"
        )
        held = Review.objects.create(
            program=Program.objects.get(key=f"more-{n}"), period="2026-04-14", starts_at=NOW + timedelta(days=20 + n),
            minutes=30, zone="UTC", uid=f"more-{n}", created_at=NOW,
        )  # fmt: skip
        Ask.objects.create(program=held.program, review=held, text="x", raised_at=NOW)
    judge_due(NOW)
    caches["pages"].clear()
    with django_assert_max_num_queries(len(few)):
        said = words(client.get("/"))
    assert said.count("behind its path") + said.count("on its path") >= 5

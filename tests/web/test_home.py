"""Home: what waits on whom, groups of a leader, reviews in their own zone, and no more queries with more programs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from nudges.models import Delivery
from program.feeds.registry import KINDS
from program.models import Program
from reviews.models import Ask, Brief, Review
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Team
from teams.standings import judge_due
from tests.people import NOW, TYPING, settle
from tests.web.test_pages import ROWS, sign_in, words
from web.groups import children_of, teams_below

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield made


def review(world, starts: datetime, *, frozen: bool) -> Review:
    made = Review.objects.create(
        program=world.program, period=starts.date().isoformat(), starts_at=starts, minutes=30, zone="Europe/Riga",
        uid=f"u-{starts.isoformat()}", created_at=NOW,
    )  # fmt: skip
    if frozen:
        Brief.objects.create(review=made, frozen_at=NOW - timedelta(days=1), content={"headline": "All is well."})
    return made


def test_a_brief_waits_until_its_review_and_days_are_the_rooms_own(client, world):
    review(world, datetime(2026, 3, 17, 22, 30, tzinfo=UTC), frozen=True)
    review(world, datetime(2026, 4, 28, 8, 0, tzinfo=UTC), frozen=False)
    said = words(sign_in(client, "sam").get("/"))
    assert "1 thing waits on you. Brief of Every function typed, for the review on Wed 18 Mar since 15 Mar 2026" in said
    assert "Wed 18 Mar 2026, 00:30 Every function typed the brief is ready" in said
    assert "Tue 28 Apr 2026, 11:00 Every function typed the brief comes three working days ahead" in said
    assert "Brief of" not in words(sign_in(client, "alice").get("/"))


def test_an_ask_waits_on_whom_it_was_asked_of(client, world):
    held = review(world, NOW - timedelta(days=7), frozen=False)
    Ask.objects.create(
        program=world.program, review=held, text="Make room in Api", of=world.gina, due=date(2026, 4, 1), raised_at=NOW
    )
    mine = words(sign_in(client, "gina").get("/"))
    assert "Asked of you: Make room in Api, by 1 Apr 2026" in mine
    assert "Open asks" not in mine
    assert "Make room in Api Every function typed · asked of Gina · by 1 Apr 2026" in words(
        sign_in(client, "tess").get("/")
    )
    assert "Make room" not in words(sign_in(client, "bob").get("/"))


def test_a_leader_of_groups_sees_their_teams(client, world):
    said = words(sign_in(client, "gina").get("/"))
    assert "Engineering 1 of 2 teams has a goal off its path." in said
    assert "▲ Behind Api 1 of 2 goals off the path" in said
    assert "You are in no team" not in said


def test_a_tree_that_bites_its_tail_ends(world):
    Team.objects.filter(key="engineering").update(parent=world.api)
    Team.objects.filter(key="api").update(leaf=False)
    nodes = Team.objects.select_related("parent")
    assert [team.key for team in teams_below(Team.objects.get(key="engineering"), children_of(nodes))] == ["web"]


def test_queries_do_not_grow_with_programs(client, world, django_assert_max_num_queries):
    def stuck(program, key: str) -> None:
        Delivery.objects.create(
            kind="notice", key=key, address="a@example.com", state="held", message_id=f"<{key}@x>", program=program,
            next_at=NOW, not_after=NOW, created_at=NOW,
        )  # fmt: skip

    stuck(world.program, "first")
    sign_in(client, "tess").get("/")
    with django_assert_max_num_queries(16) as few:
        assert "1 mail of Every function typed held since 16 Mar 2026" in words(client.get("/"))
    for n in range(4):
        body = TYPING[: TYPING.index("metrics:")] + TYPING[TYPING.index("goals:") :]
        apply_text(body.replace("key: typing", f"key: more-{n}"), now=NOW, via="test")
        stuck(Program.objects.get(key=f"more-{n}"), f"mail-{n}")
    judge_due(NOW)
    with django_assert_max_num_queries(len(few)):
        assert "more-3" in client.get("/").content.decode()

"""Home: what waits on whom, groups of a leader, reviews in their own zone, and no more queries with more programs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from nudges.models import Delivery
from program.feeds.registry import KINDS
from program.models import Program
from reviews.models import Ask, Brief, Review
from teams import exempting, proposing
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Hold, Team
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
    assert "Asked of you: Make room in Api, by 1 Apr since" in mine
    assert "Open asks" not in mine
    assert "Make room in Api Gina · by 1 Apr · Every function typed" in words(sign_in(client, "tess").get("/"))
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
    with django_assert_max_num_queries(31) as few:
        assert "1 mail of Every function typed held since 16 Mar 2026" in words(client.get("/"))
    for n in range(4):
        body = TYPING[: TYPING.index("metrics:")] + TYPING[TYPING.index("goals:") :]
        apply_text(body.replace("key: typing", f"key: more-{n}"), now=NOW, via="test")
        stuck(Program.objects.get(key=f"more-{n}"), f"mail-{n}")
    judge_due(NOW)
    with django_assert_max_num_queries(len(few)):
        assert "more-3" in client.get("/").content.decode()


def test_owners_answer_and_who_asked_reads_the_answer(client, world, django_assert_max_num_queries):
    goal, findings = world.goal(world.api, world.typed), world.goal(world.api, world.findings)
    made = proposing.propose(goal, target=0.6, due=None, reason="less", by=world.alice, now=NOW - timedelta(days=3))
    asked = exempting.ask(findings, reason="unfit", text="x", until=date(2026, 3, 29), from_day=None, by=world.bob,
                          now=NOW - timedelta(days=2))  # fmt: skip
    page = "/teams/api/goals/typing/typed-functions/"
    for name in ("tess", "pam"):
        answer = sign_in(client, name).get("/")
        said = words(answer)
        assert "2 things wait on you." in said
        assert "Alice proposes other terms: Api, Functions with full annotations since 13 Mar 2026" in said
        assert "Bob asks for an exemption: Api, Security findings since 14 Mar 2026" in said
        assert f'<a href="{page}">Alice proposes' in answer.content.decode()
    for name in ("alice", "bob", "charlie", "sam"):
        assert "proposes other terms" not in words(sign_in(client, name).get("/"))
    proposing.decline(made, text="the audit is in December", by=world.tess, now=NOW)
    exempting.approve(asked, until=None, text="", by=world.pam, now=NOW)
    assert "Nothing waits on you." in words(sign_in(client, "tess").get("/"))
    said = words(sign_in(client, "alice").get("/"))
    assert (
        "Your proposal was declined: Api, Functions with full annotations: “the audit is in December” since 16 Mar 2026"
    ) in said
    assert "The exemption ends on 29 Mar 2026: Api, Security findings since 15 Mar 2026" not in said, "it begins today"
    assert "The exemption ends on 29 Mar 2026: Api, Security findings since 16 Mar 2026" in said
    said = words(sign_in(client, "bob").get("/"))
    assert "Your exemption was approved until 29 Mar 2026: Api, Security findings since 16 Mar 2026" in said
    assert "The exemption ends" not in said, "that waits on the lead"
    later = NOW + timedelta(days=14, minutes=1)
    with time_machine.travel(later, tick=False):
        assert "Your proposal" not in words(sign_in(client, "alice").get("/"))
        assert "The exemption ends" not in words(client.get("/")), "it is over"


def test_an_exemption_that_ends_later_does_not_wait_yet(client, world):
    goal = world.goal(world.api, world.findings)
    asked = exempting.ask(goal, reason="unfit", text="x", until=date(2026, 3, 31), from_day=None, by=world.bob, now=NOW)
    exempting.approve(asked, until=None, text="", by=world.pam, now=NOW)
    assert "The exemption ends" not in words(sign_in(client, "alice").get("/"))
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        assert "The exemption ends on 31 Mar 2026" in words(sign_in(client, "alice").get("/"))
        exempting.end(asked, text="", by=world.alice, now=NOW + timedelta(days=1))
        assert "The exemption ends" not in words(client.get("/"))
    world.program.audience = "web"  # a lead sees nothing of a program that is shown to others
    world.program.save()
    ask_again = exempting.ask(
        goal, reason="unfit", text="x", until=date(2026, 3, 20), from_day=None, by=world.alice, now=NOW
    )
    exempting.approve(ask_again, until=None, text="", by=world.pam, now=NOW)
    said = words(sign_in(client, "alice").get("/"))
    assert ("The exemption ends" in said, "Your exemption" in said) == (False, False)


def test_a_number_that_moved_too_sharply_waits_on_the_owners(client, world):
    hold = Hold.objects.create(
        metric=world.typed, team=world.api, why="sudden", reason="the value moved from 12 % to 45 %", since=NOW
    )
    said = "Is it right? Functions with full annotations of Api: the value moved from 12 % to 45 %"
    assert said in words(sign_in(client, "tess").get("/"))
    assert said not in words(sign_in(client, "alice").get("/"))
    Hold.objects.filter(pk=hold.pk).update(until=NOW)
    assert said not in words(sign_in(client, "tess").get("/"))

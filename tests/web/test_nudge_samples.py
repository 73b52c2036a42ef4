"""What we send: every kind with a team's numbers for its owners; looking changes nothing; a test goes to the asker."""

from __future__ import annotations

import re

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from nudges import delivery, kinds, samples
from nudges.models import Delivery, Digest, Notice, Nudge, Turn
from tests.nudges.conftest import MONDAY
from tests.people import World

pytestmark = pytest.mark.django_db
HERE = "/programs/typing/nudges/samples/"
KINDS = [
    "behind", "still", "slipped", "at-risk", "overdue", "the-day-of-your-answer", "new-goal", "back-on-the-path", "exemption-ending",
    "heard-from-below", "handover", "trouble",
]  # fmt: skip


@pytest.fixture
def world(play) -> World:
    with time_machine.travel(MONDAY, tick=False):
        yield play.world


@pytest.fixture
def owner(client: Client, world: World) -> Client:
    client.force_login(world.tess)
    return client


def counts() -> list[int]:
    return [model.objects.count() for model in (Delivery, Digest, Notice, Nudge, Turn, User)]


def test_each_kind_is_there_with_the_teams_numbers_and_looking_changes_nothing(owner):
    before = counts()
    page = owner.get(HERE, {"team": "api"}).content.decode()
    assert re.findall(r'<section id="([a-z-]+)"', page) == KINDS
    assert (
        "<strong>Api: Functions with full annotations is 15 points behind; webhooks.py is the one to fix</strong>"
        in page
    )
    assert "Api is 15 points behind its path on Functions with full annotations." in page
    flat = " ".join(page.split())
    assert "for 7 weeks, by 15 points now; its lead, Alice, was told 3 times." in flat
    assert "You get this because you lead Engineering, and Api is part of it." in flat
    for kind in KINDS:
        html = owner.get(f"{HERE}api/{kind}/html")
        assert html.status_code == 200
        assert "sandbox" in html["Content-Security-Policy"]
        for acting in ("/unsubscribe/", "/answer/", "/vote/"):
            assert acting not in html.content.decode()
    assert counts() == before


def test_a_test_goes_to_the_asker_alone_once_a_minute_and_counts_in_no_budget(owner, world, mail_server):
    for _ in range(2):
        answer = owner.post(f"{HERE}api/overdue/test")
        assert answer["Location"] == f"{HERE}?team=api#overdue"
    row = Delivery.objects.get(kind="test")
    assert (row.address, row.person, row.program, row.state) == (
        "tess@example.com",
        world.tess,
        world.program,
        "pending",
    )
    assert row.subject.startswith("[test] Api: Functions with full annotations is overdue, ")
    assert row.text.startswith("This is a test.\n\nApi is ")
    assert "List-Unsubscribe" not in row.headers
    assert not Digest.objects.exists()
    assert kinds.get("test").breaker is False
    assert "A test of “Overdue” goes to tess@example.com with the next round." in owner.get(HERE).content.decode()
    delivery.deliver_batch(MONDAY)
    row.refresh_from_db()
    assert row.state == "sent"


@pytest.mark.parametrize(("name", "status"), [("alice", 404), ("sam", 404), ("charlie", 404)])
def test_it_is_for_owners(client, world, name, status):
    client.force_login(getattr(world, name))
    assert client.get(HERE).status_code == status
    assert client.get(f"{HERE}api/behind/html").status_code == status
    assert client.post(f"{HERE}api/behind/test").status_code == status
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("address", ["?team=nowhere", "?team=engineering", "api/nothing/html", "nowhere/behind/html"])
def test_what_is_not_there_is_not_found(owner, address):
    assert owner.get(f"{HERE}{address}").status_code == 404


def test_a_program_without_goals_says_so(owner, world):
    world.program.goals.all().delete()
    assert "There is nothing to show yet." in owner.get(HERE).content.decode()


def test_it_costs_the_same_queries_whatever_the_goals(owner, django_assert_max_num_queries):
    with django_assert_max_num_queries(32):
        owner.get(HERE)


def test_every_kind_of_notice_about_a_goal_has_a_sample():
    assert samples.NOTICES.keys() == set(samples.notices.OF_A_GOAL)

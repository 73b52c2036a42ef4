"""The lists of programs, teams and groups: their sentence, one line each, the filter, and constant queries."""

from __future__ import annotations

import re

import pytest
import time_machine
from django.test import Client

from program.feeds.registry import KINDS
from program.models import Program
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Standing
from teams.standings import judge_due
from tests.people import HEADER, NOW, ORG, TYPING, World, settle

pytestmark = pytest.mark.django_db
ROWS = (
    HEADER
    + "typed-functions,api,a.py,2026-02-01,20,60\ntyped-functions,api,a.py,2026-03-01,19,60\n"
    + "typed-functions,web,b.py,2026-03-01,19,20\nfindings,api,a.py,2026-01-01,30,\nfindings,api,a.py,2026-03-01,10,\n"
)


@pytest.fixture
def world() -> World:
    with time_machine.travel(NOW, tick=False):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield made


def said(client: Client, address: str) -> str:
    text = re.sub(r"<[^>]+>", " ", client.get(address).content.decode().partition("<main")[2])
    return re.sub(r"\s+", " ", text)


def test_programs_say_how_many_goals_are_off_the_path(client, world):
    client.force_login(world.charlie)
    words = said(client, "/programs/")
    assert "as of 16 Mar 2026 1 of 3 goals in 1 program is off the path." in words
    assert "Every function typed ▲ Behind 1 ✓ Met 2 Active until 31 Dec 2026 · sponsor sam@example.com" in words


def test_a_program_without_standings_says_so(client, world):
    apply_text(TYPING.replace("key: typing\n", "key: other\n").replace("Every function typed", "Another").replace(
        "metrics:", "x-metrics:").split("x-metrics:")[0], now=NOW, via="test")  # fmt: skip
    client.force_login(world.charlie)
    assert "1 of 3 goals in 1 program is off the path." in said(client, "/programs/")
    assert "Another not judged yet today" in said(client, "/programs/")


def test_teams_are_listed_worst_first(client, world):
    client.force_login(world.charlie)
    words = said(client, "/teams/")
    assert "1 of 2 teams has a goal off its path. Worst first." in words
    assert words.index("Api Engineering ▲ Behind 1 of 2 goals off the path") < words.index("web Engineering ✓ Met")
    assert "0 of 1 goal off the path" in words
    assert "1 of 2 teams has a goal off its path." in said(client, "/groups/engineering/")


def test_the_filter_stays_in_the_address_and_finds_groups_too(client, world):
    client.force_login(world.charlie)
    page = client.get("/teams/?q=AP").content.decode()
    assert 'value="AP"' in page
    assert 'href="/teams/api/"' in page
    assert 'href="/teams/web/"' not in page
    assert 'href="/teams/web/"' in client.get("/teams/?q=engin").content.decode()
    assert "No team and no group has “zzz” in its name." in said(client, "/teams/?q=zzz")
    assert "No program has “&lt;b&gt;” in its name." in said(client, "/programs/?q=<b>")
    assert client.get("/teams/?q=%00").status_code == 200


def test_a_team_that_was_not_judged_today_says_so(client, world):
    Standing.objects.filter(goal__team=world.web).delete()
    client.force_login(world.charlie)
    assert "Of 1 team no goal was judged today." in said(client, "/teams/")


@pytest.mark.parametrize("address", ["/programs/", "/teams/"])
def test_queries_are_constant(client, world, address, django_assert_num_queries, django_assert_max_num_queries):
    client.force_login(world.charlie)
    client.get(address)
    with django_assert_max_num_queries(6) as few:
        client.get(address)
    more = "".join(f"---\nkind: Group\nmetadata: {{name: t{n}}}\nspec: {{parent: engineering}}\n" for n in range(9))
    apply_text(ORG + more, now=NOW, via="test")
    Program.objects.bulk_create(
        Program(key=f"p{n}", name=f"P{n}", purpose="x", start="2026-01-01", end="2026-12-31") for n in range(9)
    )
    judge_due(NOW)
    with django_assert_num_queries(len(few)):
        client.get(address)


@pytest.mark.parametrize("address", ["/programs/", "/teams/", "/groups/engineering/"])
def test_strangers_sign_in_first(client, world, address):
    assert client.get(address).status_code == 302


def test_what_cannot_be_judged_is_not_called_fine(client, world):
    Standing.objects.filter(goal__team=world.web).update(status="no data")
    Standing.objects.filter(goal=world.goal(world.api, world.findings)).update(status="stale")
    client.force_login(world.charlie)
    words = said(client, "/teams/")
    assert "web Engineering ◌ No data none of 1 goal can be judged" in words
    assert "1 of 2 goals off the path, 1 counted apart" in words

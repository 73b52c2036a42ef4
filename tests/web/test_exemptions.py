"""The ledger of exemptions: its sentence, by leader, what would be behind today, answers, the CSV."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest
import time_machine

from program.feeds.registry import KINDS
from teams import exempting
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Exemption, Goal, Membership, Team
from teams.standings import judge_due
from tests.people import HEADER, NOW, TYPING, settle
from tests.web.test_pages import sign_in, words

pytestmark = pytest.mark.django_db
LEDGER = "/programs/typing/exemptions/"
ROWS = (
    HEADER
    + "typed-functions,api,a.py,2026-03-01,2,10\ntyped-functions,web,b.py,2026-03-01,19,20\n"
    + "findings,api,a,2026-01-01,30,\nfindings,api,a,2026-03-01,28,\n"
)


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield made


def rest(goal: Goal, world, *, until: date = date(2026, 5, 31), days_ago: int = 0, text: str = "v2 replaces it"):
    then = NOW - timedelta(days=days_ago)
    made = exempting.ask(goal, reason="goes-away", text=text, until=until, from_day=None, by=world.bob, now=then)
    exempting.approve(made, until=None, text="", by=world.tess, now=then)
    return made


def test_what_rests_under_whom_and_would_be_behind(client, world):
    rest(world.goal(world.api, world.typed), world, days_ago=12, until=date(2026, 3, 25))
    rest(world.goal(world.api, world.findings), world)
    rest(world.goal(world.web, world.typed), world, text="=cmd|'x'")
    for name in ("charlie", "tess"):
        said = words(sign_in(client, name).get(LEDGER))
        assert "3 goals are exempt under 1 leader; 2 of them would be behind today; 1 ends within two weeks." in said
        assert "Gina 3 exemptions, 2 would be behind today" in said
        assert (
            "Api Functions with full annotations The code goes away v2 replaces it Bob, tess@example.com 12 days "
            "25 Mar 2026 soon ▲ Behind 20 %"
        ) in said
        assert "0 days 31 May 2026 ✓ Met 95 %" in said
    rows = list(csv.DictReader(io.StringIO(client.get(f"{LEDGER}table.csv").content.decode())))
    assert [(row["leader"], row["team"], row["metric"], row["until"], row["age_in_days"], row["would_be"]) for row in rows] == [
        ("Gina", "api", "typed-functions", "2026-03-25", "12", "behind"),
        ("Gina", "api", "findings", "2026-05-31", "0", "behind"),
        ("Gina", "web", "typed-functions", "2026-05-31", "0", "met"),
    ]  # fmt: skip
    assert rows[2]["text"] == "'=cmd|'x'"
    assert "3 goals are exempt under 1 leader" in words(client.get("/exemptions/"))


def test_a_team_with_no_leader_above(client, world):
    Membership.objects.filter(user=world.gina).delete()
    rest(world.goal(world.api, world.typed), world)
    said = words(sign_in(client, "tess").get(LEDGER))
    assert "1 goal is exempt; it would be behind today." in said
    assert "Nobody leads a group above 1 exemption, 1 would be behind today" in said


def test_requests_wait_on_top_and_are_answered_there(client, world):
    goal = world.goal(world.api, world.typed)
    made = exempting.ask(goal, reason="not-ours", text="it is web's", until=date(2026, 5, 31), from_day=None,
                         by=world.bob, now=NOW)  # fmt: skip
    said = words(sign_in(client, "charlie").get(LEDGER))
    assert "No goal is exempt today. 1 request waits." in said
    assert "Bob asks for an exemption, 16 Mar 2026 to 31 May 2026: not ours to change" in said
    assert "Approve" not in said
    sign_in(client, "tess")
    address, form = f"/exemptions/{made.pk}/answer", {"ledger": "typing", "answer": "decline", "text": ""}
    answer = client.post(address, form)
    assert answer.status_code == 400
    assert "Exemptions" in words(answer)
    assert "Some words were expected: why not, for the team." in words(answer)
    answer = client.post(address, form | {"text": "it is yours: see CODEOWNERS"}, follow=True)
    assert answer.redirect_chain == [(LEDGER, 302)]
    said = words(answer)
    assert "Declined: the goal of Api counts as before." in said
    assert "1 exemption over or refused" in said
    assert "declined · it is yours: see CODEOWNERS" in said
    assert client.post(address, form | {"ledger": "*"}).status_code == 400
    assert client.post(address, form | {"ledger": "no-such\0"}).status_code == 404


def test_an_empty_ledger_says_how_it_is_filled(client, world):
    said = words(sign_in(client, "charlie").get("/exemptions/"))
    assert "No goal is exempt today." in said
    assert "A team asks for an exemption on the page of its goal" in said
    assert len(client.get("/exemptions/table.csv").content.decode().splitlines()) == 1


def test_what_is_over_is_folded(client, world):
    goal = world.goal(world.api, world.typed)
    rest(goal, world, days_ago=30, until=date(2026, 3, 1))
    ended = rest(goal, world)
    exempting.end(ended, text="", by=world.tess, now=NOW + timedelta(days=3))
    with time_machine.travel(NOW + timedelta(days=3), tick=False):
        said = words(sign_in(client, "tess").get(LEDGER))
        assert "No goal is exempt today." in said
        assert "2 exemptions over or refused" in said
        assert "16 Mar 2026 to 18 Mar 2026 · ended early" in said
        assert "14 Feb 2026 to 1 Mar 2026 · ended" in said


def test_programs_out_of_scope_are_left_out(client, world):
    rest(world.goal(world.api, world.typed), world)
    world.program.audience = "web"
    world.program.save()
    assert "No goal is exempt today." in words(sign_in(client, "charlie").get("/exemptions/"))
    assert "1 goal is exempt" in words(sign_in(client, "wanda").get("/exemptions/"))


def test_queries_do_not_grow_with_exemptions(client, world, django_assert_max_num_queries):
    teams = "".join(f"kind: Group\nmetadata: {{name: t{n}}}\nspec: {{parent: engineering}}\n---\n" for n in range(8))
    apply_text(teams, now=NOW, via="test")
    apply_text(TYPING, now=NOW, via="test")
    rest(world.goal(world.api, world.typed), world)
    rest(world.goal(Team.objects.get(key="t0"), world.typed), world)
    sign_in(client, "tess").get(LEDGER)
    with django_assert_max_num_queries(16) as few:
        assert "2 goals are exempt" in words(client.get(LEDGER))
    for n in range(1, 8):
        goal = world.goal(Team.objects.get(key=f"t{n}"), world.typed)
        rest(goal, world)
        Exemption.objects.create(goal=goal, from_day=date(2026, 1, 1), until_day=date(2026, 2, 1), reason="unfit",
                                 asked_at=NOW, asked_by=world.alice, approved_by=world.pam, approved_at=NOW)  # fmt: skip
    rest(world.goal(world.api, world.findings), world)
    with django_assert_max_num_queries(len(few)):
        assert "10 goals are exempt" in words(client.get(LEDGER))

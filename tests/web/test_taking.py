"""Crumbs one can act on: the playbook on each, taking and letting go on the page, the issue's link, home."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
import time_machine

from program.feeds.registry import KINDS
from program.models import Playbook
from teams import taking
from teams.ingest import Origin, ingest
from teams.models import Goal, TakenItem
from teams.standings import judge_due
from tests.people import HEADER, NOW, settle
from tests.web.test_pages import sign_in, words

pytestmark = pytest.mark.django_db
ROWS = (
    HEADER
    + "typed-functions,api,api/views.py,2026-02-01,10,60\n"
    + "typed-functions,api,api/views.py,2026-03-01,9,60\n"
    + "typed-functions,api,it's;rm -rf.py,2026-03-01,0,25\n"
    + "typed-functions,api,lib/small.py,2026-03-01,0,2\n"
)
TAKE = "/teams/api/take/typed-functions"


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        Playbook.objects.update(
            effort_hours=2.0, office_hours="Tue 14-15", tracker="github", tracker_link="https://github.com/acme/app"
        )
        yield made


def item(name: str) -> dict[str, str]:
    return {"item": taking.digest_of("", name)}


def test_every_crumb_has_its_playbook(client, world):
    answer = sign_in(client, "alice").get("/teams/api/")
    said = words(answer)
    # 9 of 87 typed; the path is at 10/60 + (0.9 − 10/60) × 74/364 = 31.6 %: 27.47 − 9 = 18.47 items short
    assert "Start here: api/views.py (closes 100 % of the gap on Functions with full annotations, about 2 h)" in said
    assert "Back on the path with 1 item, of 3 about 2 h api/views.py" in said
    assert "51 to do · grew 100 % of the gap check mypy api/views.py I’m on it make an issue" in said
    assert "How Run the checker on one file Annotate its functions Add the file to the strict list" in said
    assert "A golden example · Ask: tess@example.com, Tue 14-15 · About 2 h an item" in said
    assert "<code data-copy>mypy api/views.py</code>" in answer.content.decode()


def test_effort_of_a_whole_trail_and_commands_that_are_safe_to_paste(client, world):
    ingest((HEADER + "typed-functions,api,it's;rm -rf.py,2026-03-10,0,40\ntyped-functions,api,b.py,2026-03-10,0,39\n"
            ).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)  # fmt: skip
    world.goal(world.api, world.typed).terms.update(due=NOW.date())
    Goal.objects.update(judge_due_at=NOW)
    judge_due(NOW)
    shown = sign_in(client, "alice").get("/teams/api/")
    assert "Back on the path with 2 items about 4 h in all" in words(shown)
    assert "mypy &#39;it&#39;&#34;&#39;&#34;&#39;s;rm -rf.py&#39;" in shown.content.decode()


def test_the_link_to_an_issue_says_it_all_and_sends_nothing(client, world):
    shown = sign_in(client, "charlie").get("/teams/api/").content.decode()
    (link,) = re.findall(r'href="(https://github[^"]+)" rel="noreferrer">make an issue', shown)
    parts = urlsplit(link.replace("&amp;", "&"))
    assert (parts.netloc, parts.path) == ("github.com", "/acme/app/issues/new")
    fields = dict(parse_qsl(parts.query))
    assert fields["title"] == "Api: api/views.py, for Functions with full annotations"
    assert fields["labels"] == "technical-quality"
    assert fields["body"] == (
        "`api/views.py` has 51 to do. It closes 100 % of Api's gap on Functions with full annotations.\n\n"
        "Api is at 10 %, its path at 32 %; the target is 90 % by 31 Dec 2026. Scorecard:"
        " http://127.0.0.1:8000/teams/api/#goal-typed-functions-typing\n\n"
        "Check: `mypy api/views.py`\n\nIt takes about 2 h.\n\n"
        "How:\n1. Run the checker on one file\n2. Annotate its functions\n3. Add the file to the strict list\n\n"
        "A golden example: https://example.com/golden\n\nAsk: tess@example.com, Tue 14-15"
    )


def test_without_a_tracker_there_is_no_link_and_none_to_another_scheme(client, world):
    Playbook.objects.update(tracker_link="javascript:alert(1)")
    shown = sign_in(client, "alice").get("/teams/api/").content.decode()
    assert "make an issue" not in shown
    assert "javascript:" not in shown


def test_take_read_release(client, world):
    answer = sign_in(client, "bob").post(TAKE, item("api/views.py"))
    assert (answer.status_code, answer["Location"]) == (302, "/teams/api/#goal-typed-functions-typing")
    said = words(client.get("/teams/api/"))
    assert "You are on it: api/views.py. Your team sees it here." in said
    assert "(closes 100 % of the gap on Functions with full annotations, about 2 h) You are on it since 16 Mar" in said
    assert "I’m on it" not in said
    home = words(client.get("/"))
    assert "You are on 1 item api/views.py for Functions with full annotations Api, since 16 Mar 2026" in home
    row = TakenItem.objects.get()
    assert (row.by, row.at, row.source, row.item) == (world.bob, NOW, "", "api/views.py")
    # Others read who; the lead may release it, a stranger neither takes nor releases.
    said = words(sign_in(client, "alice").get("/teams/api/"))
    assert "check mypy api/views.py Bob is on it since 16 Mar let it go" in said
    client.post(TAKE, item("api/views.py"))
    assert "Bob is on api/views.py since 16 Mar 2026." in words(client.get("/teams/api/"))
    assert TakenItem.objects.count() == 1
    assert "Bob is on it since 16 Mar" in words(sign_in(client, "charlie").get("/teams/api/"))
    assert "let it go" not in words(client.get("/teams/api/"))
    for name in ("charlie", "wanda", "tess"):
        assert sign_in(client, name).post(TAKE, item("lib/small.py")).status_code == 404
        assert client.post(f"/teams/api/taken/{row.pk}/release").status_code == 404
    assert sign_in(client, "alice").post(f"/teams/web/taken/{row.pk}/release").status_code == 404
    answer = client.post(f"/teams/api/taken/{row.pk}/release")
    assert answer["Location"] == "/teams/api/#goal-typed-functions"
    said = words(client.get("/teams/api/"))
    assert "Let go: api/views.py." in said
    assert "I’m on it" in said
    client.post(f"/teams/api/taken/{row.pk}/release")
    assert "api/views.py was let go before." in words(client.get("/teams/api/"))


def test_a_viewer_and_who_does_not_act_here_has_no_buttons(client, world):
    world.bob.reads_only = True
    world.bob.save()
    for name in ("bob", "charlie", "tess"):
        assert "I’m on it" not in words(sign_in(client, name).get("/teams/api/"))
        assert client.post(TAKE, item("api/views.py")).status_code == 404
    assert client.get(TAKE).status_code == 405
    assert "I’m on it" in words(sign_in(client, "gina").get("/teams/api/"))
    assert "I’m on it" not in words(client.get("/teams/api/?on=2026-03-10"))


@pytest.mark.parametrize("wanted", ["", "x" * 100_000, "\0", taking.digest_of("", "lib/small.py")])
def test_only_what_is_on_the_trail_is_taken(client, world, wanted):
    answer = sign_in(client, "bob").post(TAKE, {"item": wanted}, follow=True)
    assert "That item is not on the trail any more: nothing was taken." in words(answer)
    assert TakenItem.objects.count() == 0
    assert client.post("/teams/api/take/none", {"item": wanted}).status_code == 404


def test_start_here_names_what_nobody_else_is_on(client, world):
    Playbook.objects.update(effort_hours=0.5)
    ingest(
        (HEADER + "typed-functions,api,a.py,2026-03-10,0,40\ntyped-functions,api,b.py,2026-03-10,0,39\n").encode(),
        Origin("file", "x.csv", KINDS["csv"]), NOW,
    )  # fmt: skip
    world.goal(world.api, world.typed).terms.update(due=NOW.date())
    Goal.objects.update(judge_due_at=NOW)
    judge_due(NOW)
    taking.take(world.api, world.typed, "", "a.py", by=world.bob, now=NOW)
    # a.py closes 40 / 71.1 = 56 % of the gap to the target, b.py the rest of it
    assert "Start here: b.py (closes 44 % of the gap on Functions with full annotations, about 30 min)" in words(
        sign_in(client, "alice").get("/teams/api/")
    )
    assert "Start here: a.py (closes 56 % of the gap" in words(sign_in(client, "bob").get("/teams/api/"))


def test_what_is_off_the_trail_and_what_is_done_are_told(client, world):
    taking.take(world.api, world.typed, "", "lib/small.py", by=world.bob, now=NOW)
    said = words(sign_in(client, "alice").get("/teams/api/"))
    assert "lib/small.py , not among these: Bob is on it since 16 Mar let it go" in said.replace(", not", " , not")
    rows = ROWS.replace("2026-03-01", "2026-03-15").replace("typed-functions,api,lib/small.py,2026-03-15,0,2\n", "")
    ingest(rows.encode(), Origin("file", "y.csv", KINDS["csv"]), NOW)
    assert "✓ lib/small.py is done since 16 Mar: thanks to Bob." in words(client.get("/teams/api/"))
    assert "✓ lib/small.py is done since 16 Mar: thank you." in words(sign_in(client, "bob").get("/teams/api/"))
    assert "lib/small.py" not in words(client.get("/"))


def test_who_left_is_told_so_and_taken_over_from(client, world):
    taking.take(world.api, world.typed, "", "api/views.py", by=world.wanda, now=NOW)
    said = words(sign_in(client, "bob").get("/teams/api/"))
    assert "Wanda took it on 16 Mar and is not in the team any more I’m on it" in said
    client.post(TAKE, item("api/views.py"))
    assert TakenItem.objects.get(released_at=None).by == world.bob


def test_queries_do_not_grow_with_what_is_taken(client, world, django_assert_max_num_queries):
    sign_in(client, "alice").get("/teams/api/")
    with django_assert_max_num_queries(15) as few:
        client.get("/teams/api/")
    for n in range(20):
        taking.take(world.api, world.typed, "", f"x{n}.py", by=world.bob, now=NOW)
    taking.take(world.api, world.typed, "", "api/views.py", by=world.gina, now=NOW)
    with django_assert_max_num_queries(len(few)):
        assert words(client.get("/teams/api/")).count("Bob is on it") == 20

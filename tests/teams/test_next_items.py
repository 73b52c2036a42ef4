"""What a team does next: the first line, the worst goal first, each format, and when a build fails."""

from __future__ import annotations

import json
import re

import pytest
import time_machine
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from program.feeds.registry import KINDS
from program.models import Playbook
from teams import taking
from teams.ingest import Origin, ingest
from teams.models import Goal, Hold
from teams.next_items import NoSuchGoal, build, marked, plain, write
from teams.standings import judge_due
from tests.people import HEADER, NOW, settle

ROWS = (
    HEADER
    + "typed-functions,api,api/views.py,2026-02-01,10,60\n"
    + "typed-functions,api,a.py,2026-03-01,0,40\ntyped-functions,api,it's|a.py,2026-03-01,0,39\n"
    + "findings,api,x,2026-01-01,10,\nfindings,api,x,2026-03-01,6,\n"
)


@pytest.fixture
def world(db):
    with time_machine.travel(NOW, tick=False):
        made = settle()
        made.goal(made.api, made.typed).terms.update(due=NOW.date())
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        Playbook.objects.update(effort_hours=2.0, office_hours="Tue 14-15")
        judge_due(NOW)
        yield made


def said(world, form: str = "text", **more) -> str:
    return write(build(world.api, NOW, Goal.objects.all(), **more), form)


def test_the_text_in_full(world):
    taking.take(world.api, world.typed, "", "a.py", by=world.bob, now=NOW)
    # The path is at the target on the due day: 0.9 × 79 = 71.1 items, of which a.py has 40 and the other 31.1
    assert (
        said(world)
        == """\
Api: 1 of 2 goals needs you. Start here: it's|a.py (closes 44 % of the gap on Functions with full annotations, about 2 h).

BEHIND  Functions with full annotations (Every function typed): 0 %, path 90 %, target 90 % by 16 Mar 2026
  90 points from its path; 2 items bring it back. It takes about 4 h in 2 items.
  1. a.py  40 to do, new, closes 56 % of the gap
     Bob is on it since 16 Mar
     check: mypy a.py
  2. it's|a.py  39 to do, new, closes 44 % of the gap
     check: mypy 'it'"'"'s|a.py'
  how:     1. Run the checker on one file
           2. Annotate its functions
           3. Add the file to the strict list
  example: https://example.com/golden
  ask:     tess@example.com, Tue 14-15
  page:    http://127.0.0.1:8000/teams/api/#goal-typed-functions-typing

on track: Security findings. On its path; 1 finding to go to 5 findings by 31 Dec 2026.
"""
    )


def test_markdown_is_a_summary_that_reads_as_it_is(world):
    told = said(world, "markdown", limit=1)
    assert told.startswith("**Api: 1 of 2 goals needs you. Start here: a.py (closes 56 % of the gap on Functions")
    assert "\n### ▲ Functions with full annotations: behind\n\n0 %, path 90 %, target 90 % by 16 Mar 2026." in told
    assert "\n\n| | item | to do | of the gap | check | who |\n|-|-|-|-|-|-|\n| 1 | `a.py` | 40, new | 56 % |" in told
    assert "\n\nand 1 more item on the scorecard\n" in told
    assert "\n\n1. Run the checker on one file\n2. Annotate its functions\n" in told
    assert told.endswith(
        "\n\n- ● on track: Security findings. On its path; 1 finding to go to 5 findings by 31 Dec 2026.\n"
    )
    # A pipe in a name does not end its cell.
    assert "| 2 | `it's\\|a.py` | 39, new | 44 % | `mypy 'it'\"'\"'s\\|a.py'` |" in said(world, "markdown")


def test_annotations_stand_beside_the_file(world):
    taking.take(world.api, world.typed, "", "a.py", by=world.bob, now=NOW)
    first, *lines = said(world, "github").splitlines()
    assert first.startswith("Api: 1 of 2 goals needs you.")
    title = "title=Api%3A Functions with full annotations (behind)"
    assert lines == [
        f"::warning {title},file=a.py::a.py: 40 to do, closes 56 %25 of the gap, Bob is on it. Check: mypy a.py",
        f"::warning {title}::it's|a.py: 39 to do, closes 44 %25 of the gap. Check: mypy 'it'\"'\"'s|a.py'",
    ]


def test_json_has_the_numbers(world):
    taking.take(world.api, world.typed, "", "a.py", by=world.bob, now=NOW)
    told = json.loads(said(world, "json"))
    assert (told["team"], told["on"], told["short"]) == ("api", "2026-03-16", {"overdue": 0, "behind": 1, "at_risk": 0})
    typed, findings = told["goals"]
    assert (typed["metric"], typed["status"], typed["value"], typed["more"]) == ("typed-functions", "behind", 0.0, 0)
    assert typed["trail"][0] == {
        "item": "a.py", "contribution": 40, "closes": pytest.approx(40 / 71.1), "trend": "new", "verify": "mypy a.py",
        "issue": "", "taken_by": "Bob", "taken_since": "2026-03-16",
    }  # fmt: skip
    assert typed["playbook"]["effort_hours"] == 2.0
    assert (findings["status"], findings["playbook"], findings["trail"]) == ("on track", None, [])


def test_a_metric_that_is_asked_for_is_told_in_full(world):
    told = said(world, metric="findings")
    assert told.splitlines()[0] == "Api: Nothing needs you today."
    assert "  1. x  6 to do, shrank, closes 100 % of the gap\n" in told
    with pytest.raises(NoSuchGoal, match="it has typing/findings, typing/typed-functions"):
        said(world, program="other")
    assert said(world, program="typing") == said(world)


def test_a_team_without_goals_says_so(world):
    Goal.objects.all().delete()
    assert said(world) == "Api has no goals yet.\n"


def test_the_command_and_its_exit_codes(world, capsys):
    call_command("next", "--team", "api")
    assert capsys.readouterr().out == said(world)
    call_command("next", "--team", "api", "--fail-on", "overdue", "--format", "json")
    with pytest.raises(CommandError, match=r"Api: Functions with full annotations \(behind\)") as failed:
        call_command("next", "--team", "api", "--fail-on", "behind")
    assert failed.value.returncode == 1
    assert capsys.readouterr().out.endswith(said(world))
    for wrong in (["--team", "nobody"], ["--team", "engineering"], ["--team", "api", "--metric", "none"]):
        with pytest.raises(CommandError) as refused:
            call_command("next", *wrong)
        assert refused.value.returncode == 2
    for limit in ("0", "51", "x", "９"):
        with pytest.raises(CommandError, match="a number from 1 to 50 was expected"):
            call_command("next", "--team", "api", "--limit", limit)


def test_a_number_in_doubt_fails_no_build(world, capsys):
    Hold.objects.create(metric=world.typed, team=world.api, why="disputed", reason="Alice doubts it", since=NOW)
    Goal.objects.update(judge_due_at=NOW)
    judge_due(NOW)
    call_command("next", "--team", "api", "--fail-on", "behind")
    assert "\n  Alice doubts it. It takes about 4 h in 2 items.\n" in capsys.readouterr().out


def test_it_costs_constant_queries(world, django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        said(world)


@given(st.text())
def test_a_name_never_steers_a_terminal_and_stays_in_its_line(text):
    assert plain(text).isprintable()
    assert len(plain(text)) == len(text)
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_`<>|#\[\]]", marked(text))

"""A program's states: each step from where it is allowed, with its reason, its trace, and its look ahead."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from accounts.models import AuditRow
from program import readiness
from program.feeds.registry import KINDS
from program.models import Program, ProgramOwner, Wave
from teams import guards, lifecycle, limits
from teams.apply.files import apply_text
from teams.apply.marked_yaml import Unreadable
from teams.ingest import Origin, ingest
from teams.models import Goal, WaitingTeam
from tests.people import HEADER, NOW, TYPING, settle

pytestmark = pytest.mark.django_db
DRAFT = TYPING.replace("  name: Every", "  state: draft\n  name: Every")


def last_row() -> AuditRow:
    return AuditRow.objects.filter(kind="program").order_by("-pk")[0]


def measured(text: str) -> None:
    ingest((HEADER + text).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)


def test_a_draft_goes_live_with_what_it_needs():
    world = settle(DRAFT)
    lifecycle.go_live(world.program, now=NOW, by=world.tess, via="page")
    assert world.program.state == "active"
    row = last_row()
    assert (row.before, row.after, row.actor, row.via) == ({"state": "draft"}, {"state": "active"}, world.tess, "page")
    assert Goal.objects.on_scorecards().count() == 3
    with pytest.raises(lifecycle.Refused, match="A program that is draft was expected; Every function typed is active"):
        lifecycle.go_live(world.program, now=NOW, by=world.tess)


@pytest.mark.parametrize(
    ("lack", "said"),
    [
        ({"sponsor": None}, "No sponsor yet"),
        ({"end": date(2026, 3, 16)}, "Its end has passed"),
        ("technical", "No technical owner yet"),
        ("manager", "No program manager yet"),
    ],
)
def test_what_going_live_needs(lack, said):
    world = settle(DRAFT)
    if isinstance(lack, dict):
        Program.objects.update(**lack)
    else:
        ProgramOwner.objects.filter(role=lack).delete()
    with pytest.raises(lifecycle.Refused, match=said):
        lifecycle.go_live(world.program, now=NOW, by=world.tess)
    assert Program.objects.get().state == "draft"


def test_an_owner_who_left_or_only_reads_does_not_count():
    world = settle(DRAFT)
    world.pam.reads_only = True
    world.pam.save()
    world.sam.is_active = False
    world.sam.save()
    with pytest.raises(lifecycle.Refused, match=r"sam@example.com has left.*No program manager yet"):
        lifecycle.go_live(world.program, now=NOW, by=world.tess)


def test_the_look_ahead_changes_nothing_and_says_what_going_live_would():
    waves = "waves:\n  - {key: pilot, teams: [web], start: 2026-04-01}\nnudges"
    world = settle(DRAFT.replace("teams: all", "teams: {wave: pilot}").replace("nudges", waves, 1))
    Wave.objects.update(start=NOW.date())
    measured("typed-functions,web,f.py,2026-03-10,10,10\nfindings,api,f.py,2025-12-31,9,\n")
    limits.set_limit(world.api, 0, now=NOW, by=None)
    before = AuditRow.objects.count(), Goal.objects.count(), WaitingTeam.objects.count()
    found = lifecycle.outlook(world.program, NOW)
    assert (AuditRow.objects.count(), Goal.objects.count(), WaitingTeam.objects.count()) == before
    assert (found.teams, found.goals, found.counts) == ([world.web.pk], 1, {"met": 1})
    assert (found.waiting, found.opened) == ({"limit": 1}, ["pilot"])
    assert Program.objects.get().state == "draft"
    assert Wave.objects.get().state == "planned"
    lifecycle.go_live(world.program, now=NOW, by=world.tess)
    assert list(Goal.objects.on_scorecards().values_list("team", flat=True)) == [world.web.pk]
    assert WaitingTeam.objects.get().team == world.api


def test_pausing_needs_a_reason_and_keeps_the_goals():
    world = settle()
    for nothing in ("", "  ", "a\0b", "x" * 5001):
        with pytest.raises(lifecycle.Refused, match="why it is paused"):
            lifecycle.pause(world.program, nothing, now=NOW, by=world.tess)
    lifecycle.pause(world.program, "the fire elsewhere", now=NOW, by=world.tess)
    assert (world.program.state, last_row().reason) == ("paused", "the fire elsewhere")
    assert Goal.objects.on_scorecards().count() == 3
    lifecycle.resume(world.program, "", now=NOW, by=world.tess)
    assert world.program.state == "active"
    with pytest.raises(lifecycle.Refused):
        lifecycle.resume(world.program, "", now=NOW, by=world.tess)


def test_completing_ends_its_goals_and_keeps_what_was_learned():
    world = settle()
    assert lifecycle.complete(world.program, "small steps work", guard=False, now=NOW, by=world.tess) is None
    assert (world.program.state, world.program.ended_on, world.program.ended_why) == (
        "completed", date(2026, 3, 16), "small steps work",
    )  # fmt: skip
    assert Goal.objects.on_scorecards().count() == 0
    assert Program.objects.count() == 1
    for step in (
        lambda: lifecycle.pause(world.program, "x", now=NOW, by=world.tess),
        lambda: lifecycle.cancel(world.program, "x", "y", now=NOW, by=world.tess),
        lambda: lifecycle.complete(world.program, "x", guard=False, now=NOW, by=world.tess),
    ):
        with pytest.raises(lifecycle.Refused, match="is completed"):
            step()


def test_canceling_says_why_and_what_was_learned():
    world = settle()
    WaitingTeam.objects.create(program=world.program, team=world.web, why="limit", since=NOW)
    with pytest.raises(lifecycle.Refused, match="what was learned"):
        lifecycle.cancel(world.program, "it did not move", "", now=NOW, by=world.tess)
    lifecycle.cancel(world.program, "it did not move", "ask the teams first", now=NOW, by=world.tess)
    assert (world.program.state, world.program.ended_why) == ("canceled", "it did not move\n\nask the teams first")
    assert last_row().reason == "it did not move"
    assert not WaitingTeam.objects.exists()


def test_a_guard_has_few_lines_one_for_each_metric_and_target():
    world = settle()
    measured(
        "typed-functions,api,f.py,2026-03-10,95,100\ntyped-functions,web,f.py,2026-03-10,9,10\n"
        "findings,api,f.py,2025-12-31,9,\nfindings,api,f.py,2026-03-10,4,\n"
    )
    reached = guards.gains(world.program, NOW)
    assert [(line.metric.key, line.target, line.tolerance, line.teams) for line in reached.lines] == [
        ("findings", 4.5, 0.05, ["api"]), ("typed-functions", 0.9, 0.0, ["api", "web"]),
    ]  # fmt: skip
    assert (reached.met, reached.goals) == (3, 3)
    guard = lifecycle.complete(world.program, "done", guard=True, now=NOW, by=world.tess)
    assert guard is not None
    assert list(guard.goal_rules.values_list("metric__key", "teams", "target")) == [
        ("findings", ["api"], 4.5), ("typed-functions", ["api", "web"], 0.9),
    ]  # fmt: skip
    again = guards.gains(guard, NOW + timedelta(days=1))
    assert (again.met, again.goals) == (3, 3)
    assert AuditRow.objects.filter(kind="program", key="typing-guard", actor=world.tess).exists()


def test_without_a_met_goal_there_is_nothing_to_guard():
    world = settle()
    with pytest.raises(lifecycle.Refused, match="nothing to guard"):
        lifecycle.complete(world.program, "done", guard=True, now=NOW, by=world.tess)
    assert Program.objects.get().state == "active"


def test_what_is_missing_is_said_by_section():
    world = settle(DRAFT)
    program = world.program
    known = readiness.read([program])[program.pk]
    said = {one.said.split(":")[0].split(",")[0] for one in readiness.missing(program, known, NOW.date())}
    assert said == {
        "Nothing says why now", "No lighter step is named", "Nothing says when to stop", "No guardrail",
        "Nothing says what it costs its owners a week.", "Security findings has no playbook",
        "A goal does not say why",
    }  # fmt: skip
    assert readiness.needed(program, known, NOW.date()) == []
    assert [one.said.split(":")[0] for one in readiness.hints(program, known)] == ["Nobody asked the teams"]
    world.typed.hand_hours = 3.5
    world.typed.save()
    world.findings.hand_hours = 1
    world.findings.save()
    world.typed.playbook.delete()
    known = readiness.read([program])[program.pk]
    assert [one.said.split(":")[0] for one in readiness.hints(program, known)] == [
        "All process and no technique", "Nobody asked the teams",
        "Measuring takes 4.5 hours of hand work a week",
    ]  # fmt: skip


def test_what_is_missing_of_many_costs_no_more(django_assert_num_queries):
    one = [settle(DRAFT).program]
    with django_assert_num_queries(5):
        readiness.read(one)
    body = DRAFT[: DRAFT.index("metrics:")] + DRAFT[DRAFT.index("goals:") :]
    for n in range(3):
        apply_text(body.replace("key: typing", f"key: more-{n}"), now=NOW, via="test")
    programs = list(Program.objects.all())
    with django_assert_num_queries(5):
        assert len(readiness.read(programs)) == 4


def test_a_file_changes_nothing_of_a_program_that_is_over():
    world = settle()
    lifecycle.complete(world.program, "done", guard=False, now=NOW, by=world.tess)
    assert apply_text(TYPING, now=NOW, via="test") == []
    apply_text("kind: Group\nmetadata: {name: mobile}\nspec: {parent: engineering}\n", now=NOW, via="test")
    assert apply_text(TYPING, now=NOW, via="test") == []
    with pytest.raises(
        Unreadable, match="typing is completed and stands as it was: this file would change its goal rule"
    ):
        apply_text(TYPING.replace("target: 0.9", "target: 0.8"), now=NOW, via="test")
    assert world.program.goal_rules.first().target == 0.9

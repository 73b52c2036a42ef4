"""Every field of a program that its pages can set can be said in its file, and a file does not undo a decision."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from program.models import GoalRule, Program
from teams.apply.files import apply_text
from teams.apply.marked_yaml import Unreadable
from teams.models import Membership
from tests.people import NOW, ORG, TYPING, settle

pytestmark = pytest.mark.django_db

FULL = """
program:
  key: ruling
  name: Rules hold
  purpose: Less to argue about
  why_now: Two incidents in March came from it
  guardrails: [typed-functions]
  probation_reviews: 3
  weekly_hours: 4.5
  audience: engineering
  guard_of: typing
  sponsor: {email: sam@example.com}
  owners: [{email: tess@example.com, role: technical}]
  start: 2026-01-01
  end: 2026-12-31
goals:
  - metric: typed-functions
    teams: {wave: first}
    start: 2026-02-01
    due: 2026-06-30
    target: 80%
    why: The library that all others use
    chosen: teams below 50 % on 1 February
waves:
  - {key: first, teams: [api], start: 2026-02-01, gate: 0.75, state: open,
     opened: {day: 2026-02-03, by: pam@example.com, why: The pilot asked for it}}
  - {key: second, teams: [web], start: 2026-02-02, state: planned}
"""

BARE = "program: {key: bare, name: Bare, state: draft, start: 2026-01-01, end: 2026-12-31}\n"


def faults(text: str) -> list[str]:
    with pytest.raises(Unreadable) as unreadable:
        apply_text(text, now=NOW, via="test")
    return [f"{fault.line}: {fault.what}" for fault in unreadable.value.faults]


def state_after(text: str, now: datetime = NOW) -> str:
    apply_text(text, now=now, via="test")
    return Program.objects.get(key="typing").state


def test_all_that_pages_can_set_is_read():
    settle()
    apply_text(FULL, now=NOW, via="test")
    program = Program.objects.get(key="ruling")
    assert (program.why_now, program.guardrails) == ("Two incidents in March came from it", ["typed-functions"])
    assert (program.probation_reviews, program.weekly_hours, program.audience) == (3, 4.5, "engineering")
    assert program.guard_of is not None
    assert program.guard_of.key == "typing"
    rule = program.goal_rules.get()
    assert (rule.why, rule.chosen) == ("The library that all others use", "teams below 50 % on 1 February")
    first, second = program.waves.all()
    assert (first.state, first.gate, first.opened_on) == ("open", 0.75, date(2026, 2, 3))
    assert (first.opened_by.email, first.opened_why) == ("pam@example.com", "The pilot asked for it")
    assert (second.state, second.gate, second.opened_on) == ("planned", 0.6, None)
    assert apply_text(FULL, now=NOW, via="test") == []


def test_a_draft_needs_no_sponsor_owners_or_purpose_and_going_live_needs_them():
    apply_text(BARE, now=NOW, via="test")
    program = Program.objects.get(key="bare")
    assert (program.state, program.sponsor, program.owners.count(), program.purpose) == ("draft", None, 0, "")
    assert faults(BARE.replace("state: draft, ", "")) == [
        "1: owners is missing: a list with at least one entry was expected",
        "1: purpose is missing: a text was expected",
        "1: sponsor is missing: a mapping of names was expected",
    ]


@pytest.mark.parametrize("decided", ["paused", "completed", "canceled"])
def test_a_file_does_not_undo_a_decision(decided):
    settle()
    Program.objects.update(state=decided, ended_why="learned much")
    assert state_after(TYPING.replace("  name: Every", "  state: active\n  name: Every")) == decided
    assert state_after(TYPING.replace("  name: Every", "  state: draft\n  name: Every")) == decided
    assert Program.objects.get().ended_why == "learned much"


@pytest.mark.parametrize("said", ["paused", "completed", "canceled"])
def test_a_file_neither_pauses_nor_ends_a_program_that_is_there(said):
    settle()
    assert state_after(TYPING.replace("  name: Every", f"  state: {said}\n  name: Every")) == "active"


def test_an_ended_program_comes_back_ended_in_an_empty_database():
    apply_text(ORG, now=NOW, via="test")
    text = TYPING.replace(
        "  name: Every", "  state: canceled\n  ended: {day: 2026-03-01, why: no effect}\n  name: Every"
    )
    assert state_after(text) == "canceled"
    program = Program.objects.get()
    assert (program.ended_on, program.ended_why) == (date(2026, 3, 1), "no effect")
    assert apply_text(text, now=NOW + timedelta(days=9), via="test") == []


def test_an_end_without_a_day_is_today():
    apply_text(ORG, now=NOW, via="test")
    assert state_after(TYPING.replace("  name: Every", "  state: completed\n  name: Every")) == "completed"
    assert Program.objects.get().ended_on == date(2026, 3, 16)


def test_a_file_that_is_silent_on_a_wave_s_state_leaves_it_as_it_is():
    settle()
    silent = FULL.replace(", state: planned", "")
    apply_text(FULL, now=NOW, via="test")
    assert apply_text(silent, now=NOW, via="test") == []
    apply_text(FULL.replace("state: planned", "state: open"), now=NOW, via="test")
    assert apply_text(silent, now=NOW, via="test") == []
    assert Program.objects.get(key="ruling").waves.get(key="second").state == "open"


def test_a_wave_that_a_file_plans_again_was_opened_by_nobody():
    settle()
    apply_text(FULL, now=NOW, via="test")
    planned = FULL.replace(
        "state: open,\n     opened: {day: 2026-02-03, by: pam@example.com, why: The pilot asked for it}}",
        "state: planned}",
    )
    assert planned != FULL
    apply_text(planned, now=NOW, via="test")
    wave = Program.objects.get(key="ruling").waves.get(key="first")
    assert (wave.state, wave.opened_on, wave.opened_by, wave.opened_why) == ("planned", None, None, "")


FAULTS = {
    "audience": ("audience: engineering", "audience: sales", "10: group sales is not known; apply its Group first"),
    "guardrail": ("[typed-functions]", "[typed]", "7: typed is no metric of this file or of another program"),
    "guard": ("guard_of: typing", "guard_of: ruling", "11: ruling is no other program; apply its file first"),
    "ended": ("  start: 2026-01-01", "  ended: {day: 2026-02-01}\n  start: 2026-01-01",
              "14: ended is of a program whose state is completed or canceled, not active"),
    "hours": ("weekly_hours: 4.5", "weekly_hours: -1", "9: weekly_hours is a number from 0 to 10000"),
    "gate": ("gate: 0.75", "gate: 2", "25: gate is a number from 0 to 1"),
    "state": ("state: open,", "state: begun,", "25: state is one of planned, open, done, not 'begun'"),
    "by": ("by: pam@example.com", "by: pam", "26: by is an e-mail address, not 'pam'"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_says_what_was_expected(name):
    settle()
    old, new, expected = FAULTS[name]
    assert old in FULL
    found = faults(FULL.replace(old, new, 1))
    assert any(fault.startswith(expected) for fault in found), found
    assert not GoalRule.objects.filter(program__key="ruling").exists()


def test_a_live_program_does_not_lose_its_sponsor_by_a_file_that_says_draft():
    settle()
    Program.objects.update(state="paused")
    text = TYPING.replace("  name: Every", "  state: draft\n  name: Every").replace(
        "  sponsor: {email: sam@example.com, mandate: can move two sprints per team per quarter}\n", ""
    )
    assert faults(text) == ["4: program typing is paused, no draft: a sponsor and owners were expected"]


def test_since_when_somebody_leads_is_kept():
    world = settle()
    later = NOW + timedelta(days=5)
    apply_text(ORG.replace('lead: "user:default/alice"', "lead: bob"), now=later, via="test")
    since = dict(Membership.objects.filter(team=world.api).values_list("user__email", "since"))
    assert since == {"bob@example.com": later, "alice@example.com": later}
    assert Membership.objects.get(team=world.web).since == NOW.astimezone(UTC)

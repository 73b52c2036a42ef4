"""Waves: planned ones have no goals, gates open them when the wave before shows that it works, or an owner says why."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from accounts.models import AuditRow
from program.feeds.registry import KINDS
from program.models import Program, Wave
from teams import waves
from teams.admission import admit_due
from teams.apply.changes import Changes
from teams.apply.files import apply_text
from teams.goals import make_goals
from teams.ingest import Origin, ingest
from teams.models import Exemption, Goal, Team, WaitingTeam
from teams.standings import judge_due
from tests.people import HEADER, NOW, TYPING, settle

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
TEAMS = ("a", "b", "c", "d", "e")


def rollout(first: date, second: date, gate: str = "") -> str:
    """The program with a goal for each of two waves: five teams, then web."""
    goals = TYPING.index("goals:")
    return (
        TYPING[:goals]
        + "goals:\n"
        + "".join(
            f"  - {{metric: typed-functions, teams: {{wave: {key}}}, start: 2026-01-01, due: 2026-12-31, target: 0.9}}\n"
            for key in ("pilot", "rest")
        )
        + f"waves:\n  - {{key: pilot, teams: [{', '.join(TEAMS)}], start: {first}}}\n"
        + f"  - {{key: rest, teams: [web], start: {second}{gate}}}\n"
        + TYPING[TYPING.index("nudges:") :]
    )


def grow() -> None:
    """Five more teams."""
    apply_text("---\n".join(f"kind: Group\nmetadata: {{name: {key}}}\n" for key in TEAMS), now=NOW, via="test")


def measure(now: datetime, typed: dict[str, int]) -> None:
    """So many of ten functions typed, by team; then the day's judgment."""
    rows = "".join(f"typed-functions,{team},f.py,{now.date()},{n},10\n" for team, n in typed.items())
    ingest((HEADER + rows).encode(), Origin("file", "x.csv", KINDS["csv"]), now)
    judge_due(now)


@pytest.fixture
def world():
    made = settle()
    grow()
    return made


def teams_with_goals() -> set[str]:
    return set(Goal.objects.filter(ended_on=None).values_list("team__key", flat=True))


def wave(key: str) -> Wave:
    return Wave.objects.get(key=key)


def test_teams_of_a_planned_wave_wait_and_have_no_goal(world):
    apply_text(rollout(TODAY, TODAY + timedelta(days=10)), now=NOW, via="test")
    assert teams_with_goals() == set(TEAMS)
    assert (wave("pilot").state, wave("pilot").opened_on, wave("rest").state) == ("open", TODAY, "planned")
    row = WaitingTeam.objects.get()
    assert (row.team, row.why, row.wave.key, row.since) == (world.web, "wave", "rest", NOW)
    assert apply_text(rollout(TODAY, TODAY + timedelta(days=10)), now=NOW + timedelta(days=1), via="test") == []
    assert WaitingTeam.objects.get().since == NOW


def test_the_first_wave_opens_on_its_start_and_not_before(world):
    apply_text(rollout(TODAY + timedelta(days=2), TODAY + timedelta(days=40)), now=NOW, via="test")
    assert teams_with_goals() == set()
    assert admit_due(NOW + timedelta(days=1)) == 0
    assert admit_due(NOW + timedelta(days=2)) == 1
    assert admit_due(NOW + timedelta(days=2)) == 0
    assert teams_with_goals() == set(TEAMS)
    assert set(WaitingTeam.objects.values_list("team__key", flat=True)) == {"web"}
    row = AuditRow.objects.filter(kind="wave").first()
    assert (row.key, row.after["state"], row.via, row.reason) == (
        "typing/pilot",
        "open",
        "its gate",
        "its start has come",
    )


def test_the_gate_counts_what_is_met_or_on_track_and_waits_four_weeks(world):
    apply_text(rollout(TODAY, TODAY + timedelta(days=10)), now=NOW, via="test")
    late = NOW + timedelta(days=28)
    measure(NOW, dict.fromkeys(TEAMS, 1))
    measure(late, {"a": 10, "b": 10, "c": 9, "d": 1, "e": 1})
    gate = waves.gates(list(world.program.waves.all()))[wave("rest").pk]
    assert (gate.fine, gate.goals, gate.is_passed, gate.first_day) == (3, 5, True, date(2026, 4, 13))
    assert admit_due(late - timedelta(days=1)) == 0
    assert wave("rest").state == "planned"
    assert admit_due(late) == 1
    assert "web" in teams_with_goals()
    opened = wave("rest")
    assert (opened.opened_on, opened.opened_by) == (late.date(), None)
    assert opened.opened_why == "3 of 5 goals of pilot on their path or met, 60% needed"


def test_a_gate_that_is_not_passed_stays_shut_whatever_the_day(world):
    apply_text(rollout(TODAY, TODAY + timedelta(days=10)), now=NOW, via="test")
    late = NOW + timedelta(days=60)
    measure(late, {"a": 10, "b": 10, "c": 1, "d": 1})  # two fine of five: one has no data, which is not green
    goal = Goal.objects.get(team__key="c")
    Exemption.objects.create(
        goal=goal, from_day=TODAY, until_day=date(2026, 12, 1), reason="x", asked_at=NOW, approved_at=NOW
    )
    Goal.objects.update(judged_on=None)
    judge_due(late)
    gate = waves.gates(list(world.program.waves.all()))[wave("rest").pk]
    assert (gate.fine, gate.goals, gate.is_passed) == (2, 5, False)
    assert admit_due(late) == 0


def test_a_paused_program_opens_nothing(world):
    apply_text(rollout(TODAY + timedelta(days=1), TODAY + timedelta(days=40)), now=NOW, via="test")
    Program.objects.update(state="paused")
    assert admit_due(NOW + timedelta(days=3)) == 0


def test_an_owner_opens_a_wave_regardless_and_says_why(world):
    apply_text(rollout(TODAY, TODAY + timedelta(days=100)), now=NOW, via="test")
    with pytest.raises(waves.Unfit, match="a reason was expected"):
        waves.open_regardless(wave("rest"), "  ", now=NOW, by=world.tess)
    assert waves.open_regardless(wave("rest"), "web asked for it", now=NOW, by=world.tess, via="page")
    assert not waves.open_regardless(wave("rest"), "again", now=NOW, by=world.tess)
    assert "web" in teams_with_goals()
    assert not WaitingTeam.objects.exists()
    row = AuditRow.objects.filter(kind="wave", key="typing/rest").first()
    assert (row.actor, row.reason, row.after["opened_on"]) == (world.tess, "web asked for it", "2026-03-16")
    terms = Goal.objects.get(team=world.web, ended_on=None).terms.last()
    assert terms.target == 0.9


def test_a_done_wave_keeps_its_goals_and_lets_the_next_one_pass(world):
    apply_text(rollout(TODAY, TODAY + timedelta(days=10)), now=NOW, via="test")
    assert waves.close(wave("pilot"), now=NOW, by=world.tess)
    assert not waves.close(wave("pilot"), now=NOW, by=world.tess)
    make_goals(world.program, NOW, Changes(NOW, "test").note)
    assert teams_with_goals() == set(TEAMS)
    late = NOW + timedelta(days=28)
    measure(late, dict.fromkeys(TEAMS, 10))
    assert admit_due(late) == 1


def test_teams_move_between_waves_with_their_goals(world):
    apply_text(rollout(TODAY, TODAY + timedelta(days=10)), now=NOW, via="test")
    changes = Changes(NOW, "page", world.tess, reason="b is busy")
    b, c = Team.objects.get(key="b"), Team.objects.get(key="c")
    assert waves.move(world.program, [b, c, world.web], wave("rest"), changes) == 2
    assert teams_with_goals() == {"a", "d", "e"}
    assert set(WaitingTeam.objects.values_list("team__key", flat=True)) == {"b", "c", "web"}
    row = AuditRow.objects.get(kind="wave teams", reason="b is busy")
    assert (row.before, row.after) == ({"wave": "pilot", "teams": ["b", "c"]}, {"wave": "rest", "teams": ["b", "c"]})
    assert waves.move(world.program, [b], wave("pilot"), changes) == 1
    assert teams_with_goals() == {"a", "b", "d", "e"}
    assert waves.move(world.program, [world.web], None, changes) == 1
    assert set(WaitingTeam.objects.values_list("team__key", flat=True)) == {"c"}


def test_a_wave_that_began_keeps_its_start_and_one_that_a_goal_names_stays(world):
    apply_text(rollout(TODAY, TODAY + timedelta(days=10)), now=NOW, via="test")
    changes = Changes(NOW, "page", world.tess)
    with pytest.raises(waves.Unfit, match="pilot has begun: its start stays 2026-03-16"):
        waves.put(world.program, "pilot", TODAY + timedelta(days=1), 0.6, changes)
    with pytest.raises(waves.Unfit, match="pilot has begun"):
        waves.remove(wave("pilot"), changes)
    with pytest.raises(waves.Unfit, match="a goal of this program names the wave rest"):
        waves.remove(wave("rest"), changes)
    third = waves.put(world.program, "third", TODAY + timedelta(days=30), 0.8, changes)
    assert (third.state, third.gate) == ("planned", 0.8)
    waves.remove(third, changes)
    assert not Wave.objects.filter(key="third").exists()


def test_a_goal_for_all_does_not_wait_for_a_wave(world):
    text = rollout(TODAY, TODAY + timedelta(days=10))
    line = "  - {metric: findings, teams: all, start: 2026-01-01, due: 2026-12-31, target: 5}\nwaves:"
    apply_text(text.replace("waves:", line, 1), now=NOW, via="test")
    assert set(Goal.objects.filter(team=world.web, ended_on=None).values_list("metric__key", flat=True)) == {"findings"}
    assert WaitingTeam.objects.get().team == world.web


def test_what_the_gates_see_costs_two_queries(world, django_assert_num_queries):
    apply_text(rollout(TODAY, TODAY + timedelta(days=10)), now=NOW, via="test")
    held = list(world.program.waves.all())
    with django_assert_num_queries(2):
        waves.gates(held)

"""A program that has lived for a while, exported and applied to an empty database, gives the same standings there."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from program.feeds.registry import KINDS
from program.models import Program
from teams import renegotiating, waves
from teams.apply.export import export, in_order
from teams.apply.files import apply_text
from teams.apply.org_export import export_org
from teams.ingest import Origin, ingest
from teams.models import Goal, Team, WaitingTeam
from teams.scorecards import build
from teams.standings import judge_due

HEALTHCHECKS = Path(__file__).parents[2] / "demo" / "data" / "healthchecks-60-months.csv.gz"
READ_THE_DOCS = Path(__file__).parents[1] / "data" / "readthedocs-24-months.csv.gz"
pytestmark = pytest.mark.django_db

CHARTER = """
program:
  key: {key}
  name: {key}
  state: {state}
  purpose: to be moved
  sponsor: {{email: sam@example.com}}
  owners: [{{email: tess@example.com, role: technical}}]
  start: {start}
  end: {due}
"""


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


class Observed:
    """A file's observations of some metrics, sent month by month as they came."""

    def __init__(self, path: Path, *metrics: str) -> None:
        self.header, *rows = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
        self.rows = [row for row in rows if row.split(",")[0] in metrics]
        self.teams = sorted({row.split(",")[1] for row in self.rows})

    def send(self, now: datetime, after: date | None = None) -> None:
        """Send what was measured until now, on days after another."""
        rows = [row for row in self.rows if (after is None or row.split(",")[3] > str(after))]
        rows = [row for row in rows if row.split(",")[3] <= str(now.date())]
        ingest((self.header + "".join(rows)).encode(), Origin("file", "x.csv", KINDS["csv"]), now)


def groups(teams: list[str], under: list[str]) -> str:
    rows = ["kind: Group\nmetadata: {name: most}\n"]
    rows += [
        f"kind: Group\nmetadata: {{name: {team}}}\n" + ("spec: {parent: most}\n" if team in under else "")
        for team in teams
    ]
    return "---\n".join(rows)


def scorecards(days: list[date]) -> dict[str, Any]:
    """What every team's scorecard says on each day."""
    teams = Team.objects.leaves().order_by("key")
    return {f"{team.key} on {day}": build(team, day).facts()["goals"] for team in teams for day in days}


def move() -> Iterator[str]:
    """The files that a whole installation needs."""
    yield export_org()
    yield "---\n".join(export(program) for program in in_order(list(Program.objects.all())))


def compare(here: dict[str, Any], there: dict[str, Any]) -> Counter[str]:
    """Both say the same; returns how often each status was met."""
    for where, goals in here.items():
        assert goals == there[where], where
    return Counter(goal["status"] for goals in here.values() for goal in goals)


def test_a_program_with_waves_own_lines_and_baselines_taken_anew():
    start, moved = date(2022, 9, 1), date(2023, 3, 15)
    days = [moved, date(2023, 6, 20), date(2023, 9, 10), date(2024, 2, 10), date(2024, 3, 2), date(2026, 10, 30)]
    observed = Observed(HEALTHCHECKS, "typed-functions", "complex-functions", "test-to-code")
    text = (
        CHARTER.format(key="typing", state="draft", start=start, due="2024-03-01")
        + """
metrics:
  - {key: typed-functions, name: Typed, direction: up, aggregation: ratio, fresh_for: 45d}
  - {key: complex-functions, name: Complex, direction: down, aggregation: sum, fresh_for: 45d}
  - {key: test-to-code, name: Tests, direction: up, aggregation: ratio, fresh_for: 45d}
goals:
  - {metric: typed-functions, teams: all, start: 2022-09-01, due: 2024-03-01, target: 90%, tolerance: 0.02}
  - {metric: complex-functions, teams: {under: most}, start: 2022-09-01, due: 2024-03-01, improve_by: 30%}
  - {metric: test-to-code, teams: {wave: pilot}, start: 2022-09-01, due: 2024-03-01, target: 1.2, milestones: {2023-06-01: 0.5}}
  - {metric: test-to-code, teams: {wave: second}, start: 2022-11-01, due: 2024-03-01, improve_by: 20%, tolerance: 0.1}
  - {metric: test-to-code, teams: {wave: third}, start: 2022-11-01, due: 2024-03-01, target: 1.5}
waves:
  - {key: pilot, teams: [core, lib], start: 2022-09-01}
  - {key: second, teams: [front, api], start: 2022-11-01, gate: 0.9}
  - {key: third, teams: [logs], start: 2023-06-01}
"""
    )
    with transaction.atomic():
        apply_text(groups(observed.teams, ["api", "front", "lib"]), now=noon(date(2022, 8, 15)), via="test")
        apply_text(text, now=noon(date(2022, 8, 15)), via="test")
        observed.send(noon(start))
        apply_text(text.replace("state: draft", "state: active"), now=noon(start), via="test")
        live = {"by": User.objects.get(email="tess@example.com"), "reason": "as agreed"}
        last = start
        for day in (date(2022, 10, 20), date(2022, 11, 10), date(2023, 1, 10), date(2023, 2, 2), moved):
            observed.send(noon(day), last)
            waves.open_due(noon(last))
            judge_due(noon(last))
            judge_due(noon(day))
            last = day
            goals = {str(goal): goal for goal in Goal.objects.select_related("team", "metric", "program")}
            if day == date(2022, 11, 10):
                second = Program.objects.get().waves.get(key="second")
                assert waves.open_regardless(second, "the pilot asked", now=noon(day), by=live["by"])
            if day == date(2023, 1, 10):
                lib = goals["typing/typed-functions/lib"]
                renegotiating.agree(lib, target=0.6, due=date(2024, 1, 31), now=noon(day), **live)
                front = goals["typing/complex-functions/front"]
                renegotiating.agree(front, target=None, due=date(2024, 5, 1), now=noon(day), **live)
            if day == date(2023, 2, 2):
                core = goals["typing/typed-functions/core"]
                renegotiating.agree(core, target=None, due=None, rebaseline=True, now=noon(day), **live)
        program = Program.objects.get()
        files = list(move())
        assert [rule.teams for rule in program.goal_rules.filter(position__gte=5)] == [["lib"], ["front"], ["core"]]
        assert Goal.objects.get(team__key="core", metric__key="typed-functions").terms.count() == 2
        waiting = list(WaitingTeam.objects.values_list("team__key", "why", "wave__key"))
        observed.send(noon(days[-1]), moved)
        here = scorecards(days)
        transaction.set_rollback(True)

    for file in files:
        apply_text(file, now=noon(moved), via="test")
    assert (
        list(WaitingTeam.objects.values_list("team__key", "why", "wave__key")) == waiting == [("logs", "wave", "third")]
    )
    observed.send(noon(days[-1]))
    seen = compare(here, scorecards(days))
    assert list(move()) == files
    for status in ("behind", "overdue", "at risk", "met", "no data", "stale"):
        assert seen[status], f"{status} was never met: {seen}"


def test_programs_that_share_a_metric_one_of_them_a_draft():
    start, moved = date(2025, 1, 1), date(2026, 1, 20)
    days = [moved, date(2026, 3, 3), date(2026, 6, 1), date(2026, 6, 2), date(2026, 8, 30)]
    observed = Observed(READ_THE_DOCS, "documented-api", "todo-comments")
    first, second, third = (observed.teams[n::3] for n in range(3))
    docs = (
        CHARTER.format(key="docs", state="active", start=start, due="2026-06-01")
        + f"""
metrics:
  - {{key: documented-api, name: Documented, direction: up, aggregation: ratio, fresh_for: 45d}}
  - {{key: todo-comments, name: To do, direction: down, aggregation: sum, fresh_for: 45d}}
goals:
  - {{metric: documented-api, teams: all, start: 2025-01-01, due: 2026-06-01, improve_by: 50%, tolerance: 0.1}}
  - {{metric: documented-api, teams: {{under: most}}, start: 2025-03-01, due: 2026-06-01, target: 0.8, milestones: {{2025-09-15: 0.5}}}}
  - {{metric: todo-comments, teams: [{", ".join(third)}], start: 2025-01-01, due: 2026-06-01, improve_by: 100%}}
"""
    )
    upkeep = (
        CHARTER.format(key="upkeep", state="draft", start=start, due="2026-06-01")
        + f"""
goals:
  - {{metric: todo-comments, teams: {{wave: pilot}}, start: 2025-06-01, due: 2026-06-01, target: 4}}
waves:
  - {{key: pilot, teams: [{", ".join(first)}], start: 2025-06-01, state: open}}
"""
    )
    with transaction.atomic():
        apply_text(groups(observed.teams, second), now=noon(start), via="test")
        apply_text(docs, now=noon(start), via="test")
        apply_text(upkeep, now=noon(start), via="test")
        last = None
        for day in (start, date(2025, 3, 2), date(2025, 7, 1), moved):
            observed.send(noon(day), last)
            judge_due(noon(day))
            last = day
        again = docs.replace("start: 2025-03-01", "start: 2025-07-01")
        apply_text(again, now=noon(moved), via="test")
        judge_due(noon(moved))
        files = list(move())
        observed.send(noon(days[-1]), moved)
        here = scorecards(days)
        apply_text(upkeep.replace("draft", "active"), now=noon(days[-1]), via="test")
        live = scorecards(days[-1:])
        transaction.set_rollback(True)

    for file in files:
        apply_text(file, now=noon(moved), via="test")
    observed.send(noon(days[-1]))
    seen = compare(here, scorecards(days))
    assert list(move()) == files
    apply_text(upkeep.replace("draft", "active"), now=noon(days[-1]), via="test")
    assert compare(live, scorecards(days[-1:])).total() > seen.total() / len(days)
    for status in ("behind", "overdue", "on track", "met"):
        assert seen[status], f"{status} was never met: {seen}"

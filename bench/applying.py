"""Applying a program of 50 goal rules for 1,000 teams, against the bare bulk inserts of the same rows."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from datetime import date
from typing import Any

from django.db import connection, transaction

from bench import world
from bench.report import Report
from bench.rows import insert
from program.models import GoalRule, Program
from teams.apply.files import apply_text
from teams.models import Goal, GoalTerms, Team

RULES, TEAMS, TIMES, MOST = 50, 1000, 5, 3.0
GROUP = "applied-group"
GOALS = ("program_id", "metric_id", "team_id", "rule_id", "created_at", "judge_due_at")
TERMS = (
    "goal_id", "effective_from", "metric_version_id", "start", "due", "target", "tolerance", "milestones", "set_at",
    "reason",
)  # fmt: skip


def measure(report: Report) -> None:
    """apply.50_rules_of_1000_teams"""
    text = _program()
    group = Team.objects.create(key=GROUP, name="Applied", leaf=False)  # other parts have teams of their own here
    Team.objects.bulk_create([Team(key=f"apply-{n:04}", name=f"Team {n}", parent=group) for n in range(TEAMS)])
    apply_text(text, now=world.NOW, via="bench")  # the metrics, rules and people are there from now on
    program = Program.objects.get(key="applied")
    assert program.goals.count() == RULES * TEAMS

    def ours() -> None:
        apply_text(text, now=world.NOW, via="bench")
        assert program.goals.count() == RULES * TEAMS

    apply_ms, floor_ms, again_ms = [], [], []
    for _ in range(TIMES):
        _empty(program)
        floor_ms.append(_ms(lambda: _floor(program)))
        _empty(program)
        apply_ms.append(_ms(ours))
        again_ms.append(_ms(ours))
    least = statistics.median(floor_ms)
    name = f"apply.50_rules_of_1000_teams.{connection.vendor}"
    report.at_most(name, statistics.median(apply_ms), "ms", least, MOST)
    report.note(f"{name}.again_changing_nothing", statistics.median(again_ms), "ms", least)


def _ms(work: Callable[[], Any]) -> float:
    gc.collect()
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def _program() -> str:
    metrics = "".join(
        f"  - {{key: applied-{n}, name: Metric {n}, direction: up, aggregation: ratio, fresh_for: 45d}}\n"
        for n in range(RULES)
    )
    goals = "".join(
        f"  - {{metric: applied-{n}, teams: {{under: {GROUP}}}, start: 2026-01-01, due: 2026-12-31, target: 0.9}}\n"
        for n in range(RULES)
    )
    return f"""
program:
  key: applied
  name: Applied
  purpose: speed
  sponsor: {{email: sam@example.com}}
  owners: [{{email: tess@example.com, role: technical}}]
  start: 2026-01-01
  end: 2026-12-31
metrics:
{metrics}goals:
{goals}"""


def _empty(program: Program) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM teams_goalterms WHERE goal_id IN (SELECT id FROM teams_goal WHERE program_id = %s)",
            [program.pk],
        )
        cursor.execute("DELETE FROM teams_goal WHERE program_id = %s", [program.pk])
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE teams_goal, teams_goalterms")


def _floor(program: Program) -> None:
    """The rows of every goal and its terms, inserted plainly, in one transaction."""
    rules = list(GoalRule.objects.filter(program=program).values_list("pk", "metric_id"))
    versions = dict(program.metrics.values_list("pk", "versions__pk"))
    teams = list(Team.objects.filter(parent__key=GROUP).order_by("pk").values_list("pk", flat=True))
    now, day = connection.ops.adapt_datetimefield_value(world.NOW), connection.ops.adapt_datefield_value
    with transaction.atomic(), connection.cursor() as cursor:
        goals = [(program.pk, metric, team, rule, now, now) for rule, metric in rules for team in teams]
        insert(cursor, Goal._meta.db_table, GOALS, goals)
        cursor.execute("SELECT id, metric_id FROM teams_goal WHERE program_id = %s", [program.pk])
        long_ago, start, due = day(date.min), day(date(2026, 1, 1)), day(date(2026, 12, 31))
        terms = [
            (goal, long_ago, versions[metric], start, due, 0.9, 0.0, "[]", now, "")
            for goal, metric in cursor.fetchall()
        ]
        insert(cursor, GoalTerms._meta.db_table, TERMS, terms)

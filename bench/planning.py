"""Planning a week's turn for 10,000 people × 30 goals, against reading the same rows and inserting what came of it.

Planning runs in a process of its own, so that its memory can be told: python -m bench.planning
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from bench.delivering import DIGESTS
from bench.report import Report
from bench.rows import insert

FEW, MANY = 1_000, 10_000
MOST, MOST_MEMORY, MOST_QUERIES = 8.0, 1.3, 1.05
READ = (
    "SELECT u.id, u.email, u.name, t.id, t.key, t.name FROM teams_membership l "
    "JOIN accounts_user u ON u.id = l.user_id JOIN teams_team t ON t.id = l.team_id WHERE l.role = 'lead'",
    "SELECT g.id, g.team_id, g.program_id, g.metric_id, g.created_at, m.key, m.name, t.key, t.name, s.* "
    "FROM teams_goal g JOIN program_metric m ON m.id = g.metric_id JOIN teams_team t ON t.id = g.team_id "
    "LEFT JOIN teams_standing s ON s.goal_id = g.id AND s.day = '2026-11-23'",
    "SELECT person_id, goal_id, day, due_day, streak, facts FROM nudges_nudge WHERE day = '2026-11-16'",
    "SELECT kind, key FROM nudges_notice",
    "SELECT src.team_id, s.as_of, s.numerator, s.denominator FROM teams_source src "
    "JOIN teams_snapshot s ON s.source_id = src.id",
)
PARTS = 40


def measure(report: Report) -> None:
    """nudges.plan.*, in the organization that delivering.py began."""
    from bench import nudging_world as world

    vendor = connection.vendor
    _forget()
    world.grow(DIGESTS, FEW)
    few = _in_own_process()
    _forget()
    world.grow(FEW, MANY)
    many = _in_own_process()
    assert many["digests"] == MANY, many
    least = _floor()
    name = f"nudges.plan.10000_people_30_goals.{vendor}"
    report.at_most(name, many["ms"], "ms", least, MOST)
    report.at_most(
        f"{name}.queries_a_part_flat", many["queries_a_part"], "queries", few["queries_a_part"], MOST_QUERIES
    )
    report.at_most(f"{name}.memory_flat", many["mb"], "MB", few["mb"], MOST_MEMORY)
    report.note(f"{name}.ms_a_person", many["ms"] / MANY, "ms", few["ms"] / FEW)


def _in_own_process() -> dict[str, float]:
    """Plan in a process of its own; what it says of itself."""
    connection.close()
    done = subprocess.run(
        [sys.executable, "-m", "bench.planning"], env=os.environ, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"planning broke off: {done.stderr[-3000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _forget() -> None:
    """Take back what planning wrote, so that the same week can be planned again."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE nudges_digest SET delivery_id = NULL WHERE plan <> 'before'")
        for table, which in _mine():
            cursor.execute(f"DELETE FROM {table} WHERE {which}")


def _mine() -> list[tuple[str, str]]:
    """The tables that planning writes, and what tells its rows from last week's; what refers to others comes first."""
    return [
        ("nudges_nudge", "day = '2026-11-23'"),
        ("nudges_turn", "due_day = '2026-11-23'"),
        ("nudges_digest", "day = '2026-11-23'"),
        ("nudges_delivery", "kind = 'digest'"),
    ]


def _floor() -> float:
    """Read the rows that planning needs, some at a time, and insert what it wrote, plainly; in milliseconds."""
    kept = {}
    for table, which in _mine():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} WHERE {which}")
            kept[table] = (
                [column.name if hasattr(column, "name") else column[0] for column in cursor.description],
                cursor.fetchall(),
            )
    _forget()
    began = time.perf_counter()
    for query in READ:
        with connection.cursor() as cursor:
            cursor.execute(query)
            while cursor.fetchmany(5000):
                pass
    for table, _which in reversed(_mine()):
        columns, rows = kept[table]
        size = len(rows) // PARTS + 1
        for start in range(0, len(rows), size):
            with transaction.atomic(), connection.cursor() as cursor:
                insert(cursor, table, columns, rows[start : start + size])
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Plan once; say how long it took, how many queries each part needed, and the most memory that was used."""
    import django

    django.setup()
    from bench import nudging_world as world
    from nudges import planning

    counted: list[int] = []
    whole = 0

    def count(execute: Callable[..., Any], *rest: Any) -> Any:
        nonlocal whole
        whole += 1
        return execute(*rest)

    guarded = planning._plan_part

    def counting(*rest: Any) -> None:
        before = whole
        guarded(*rest)
        counted.append(whole - before)

    planning._plan_part = counting  # type: ignore[assignment]
    began = time.perf_counter()
    with connection.execute_wrapper(count):
        done = planning.plan(world.NOW)
    ms = (time.perf_counter() - began) * 1000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {"ms": ms, "mb": peak, "queries_a_part": max(counted), "parts": len(counted), "queries": whole,
             "digests": done.digests, "said": done.said, "withheld": dict(done.withheld)}
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()

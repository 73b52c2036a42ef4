"""The made-up organization of the benchmarks: teams × metrics with weekly snapshots, items and goals."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta

from program.models import Metric, MetricVersion, Program
from program.rules.forecast import WINDOW_DAYS
from teams.models import LONG_AGO, Goal, GoalTerms, Payload, Run, Snapshot, Source, Team
from teams.upsert import upsert

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ITEMS = 8
WRITTEN = ("source", "as_of", "run", "count", "numerator", "denominator", "maximum", "items", "placed")


def make(
    teams: int, metrics: int = 20, weeks: int = 8, seed: int = 1, prefix: str = "", *, wandering: bool = False
) -> Program:
    """Make a program with teams × metrics goals, `weeks` weekly snapshots each of 8 items; judged never.

    `prefix` stands before every key, so that one database may hold several of a size. Items are at random each week;
    or `wandering`: each goes on from where it was, as real ones do.
    """
    chance = random.Random(seed)
    program = Program.objects.create(
        key=f"{prefix}bench{teams}", name="Bench", purpose="speed", start=date(2026, 1, 1), end=date(2027, 12, 31)
    )
    group = Team.objects.create(key=f"{prefix}g{teams}", name="Group", leaf=False)
    made = Team.objects.bulk_create(
        [Team(key=f"{prefix}t{teams}-{n:05}", name=f"Team {n}", parent=group) for n in range(teams)]
    )
    payload, _ = Payload.objects.get_or_create(digest="0" * 64, defaults={"size": 0, "data": b""})
    run = Run.objects.create(kind="file", came_from="bench", format="csv", payload=payload, received_at=NOW)
    for m in range(metrics):
        metric = Metric.objects.create(
            key=f"{prefix}m{teams}-{m:02}", name=f"Metric {m}", program=program, fresh_for=45
        )
        ratio = m % 2 == 0
        version = MetricVersion.objects.create(
            metric=metric,
            number=1,
            direction="up" if ratio else "down",
            aggregation="ratio" if ratio else "sum",
            unit="%" if ratio else "findings",
            opened_at=NOW,
        )
        _fill(program, metric, version, made, run, weeks, chance, ratio, wandering)
    return program


def _fill(program, metric, version, teams, run, weeks, chance, ratio, wandering) -> None:  # type: ignore[no-untyped-def]
    days = [TODAY - timedelta(weeks=w) for w in range(weeks)]
    edge = days[0] - timedelta(days=WINDOW_DAYS)
    carry = max((day for day in days if day < edge), default=LONG_AGO)
    sources = Source.objects.bulk_create(
        [Source(metric_version=version, team=team, newest=days[0], carry=carry) for team in teams], batch_size=5000
    )
    rows = []
    for source in sources:
        numbers = {f"src/pkg{i}/file{i}.py": chance.randint(0, 40) for i in range(ITEMS)}
        for day in days:
            numbers = {
                name: max(0, min(40, n + chance.choice((-2, -1, 0, 0, 0, 1)))) if wandering else chance.randint(0, 40)
                for name, n in numbers.items()
            }
            items = {name: [n, 40] for name, n in numbers.items()} if ratio else numbers
            total = sum(numbers.values())
            rows.append(
                (source.pk, day, run.pk, ITEMS, float(total), 40.0 * ITEMS if ratio else 0.0,
                 float(max(numbers.values())), json.dumps(items), False)
            )  # fmt: skip
    for start in range(0, len(rows), 20_000):
        upsert(Snapshot, WRITTEN, rows[start : start + 20_000], unique=("source", "as_of"))
    goals = Goal.objects.bulk_create(
        [Goal(program=program, metric=metric, team=team, created_at=NOW) for team in teams], batch_size=5000
    )
    GoalTerms.objects.bulk_create(
        [
            GoalTerms(
                goal=goal, metric_version=version, start=date(2026, 1, 1), due=date(2027, 6, 30), set_at=NOW,
                target=0.9 if ratio else 20.0, baseline=0.2 if ratio else 300.0, baseline_as_of=date(2026, 1, 1),
            )
            for goal in goals
        ],
        batch_size=5000,
    )  # fmt: skip


def lengthen(sources, years: int) -> None:  # type: ignore[no-untyped-def]
    """Give these sources daily snapshots for years before their oldest one."""
    run = Run.objects.earliest("pk")
    for source in sources:
        first = TODAY - timedelta(weeks=60)
        rows = [
            (source.pk, first - timedelta(days=d), run.pk, 1, 10.0, 40.0, 10.0, '{"a": [10, 40]}', False)
            for d in range(365 * years)
        ]
        upsert(Snapshot, WRITTEN, rows, unique=("source", "as_of"))
        source.carry = first
        source.save()

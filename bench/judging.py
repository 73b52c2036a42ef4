"""Judging: all goals of an organization, and what one push touched, against the least work that does the job."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from bench import world
from bench.report import Report, median_ms, pair_ms
from program.feeds.registry import KINDS
from program.models import Program
from program.rules.status import Status
from teams.ingest import Origin, ingest
from teams.models import Goal, Source, Standing
from teams.standings import STORED, judge_goals
from teams.upsert import upsert

NEWEST = """
SELECT g.id, s.numerator, s.denominator, s.items, t.target, t.baseline, t.start, t.due, v.direction, s.as_of
FROM teams_goal g
JOIN teams_goalterms t ON t.goal_id = g.id
JOIN program_metricversion v ON v.id = t.metric_version_id
JOIN teams_source src ON src.metric_version_id = v.id AND src.team_id = g.team_id
JOIN teams_snapshot s ON s.source_id = src.id AND s.as_of = src.newest
WHERE g.program_id = %s
"""


def floor(program: Program, goals: list[int] | None = None) -> None:
    """The least: one query, a loop that finds status and shortest trail with no forecast or slip, one upsert."""
    rows = []
    where = NEWEST
    parameters: list[Any] = [program.pk]
    if goals is not None:
        where, parameters = NEWEST + " AND g.id = ANY(%s)", [program.pk, goals]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(where, parameters)
        for goal, numerator, denominator, items, target, baseline, start, due, direction, as_of in cursor.fetchall():
            value = numerator / denominator if denominator else numerator
            path = baseline + (target - baseline) * ((world.TODAY - start).days / (due - start).days)
            up = direction == "up"
            status = Status.ON_TRACK if (value >= path if up else value <= path) else Status.BEHIND
            held = json.loads(items) if isinstance(items, str) else items
            gap = path * denominator - numerator if up else value - path
            trail = []
            if gap > 0:
                contributions = {name: n[1] - n[0] if up else n for name, n in held.items()}
                closed = 0.0
                for name, far in sorted(contributions.items(), key=lambda pair: (-pair[1], pair[0])):
                    closed += far
                    crumb = {"item": name, "contribution": far, "closes": min(1, closed / gap), "trend": None}
                    trail.append(crumb)
                    if closed >= gap:
                        break
            rows.append(
                (goal, world.TODAY, status, "", False, False, value, as_of, baseline, target, path, max(gap, 0), start,
                 due, None, json.dumps(trail), 0, world.NOW)
            )  # fmt: skip
        upsert(Standing, STORED, rows, unique=("goal", "day"))


def run(report: Report) -> None:
    """judge.*"""
    program = world.make(1000)
    analyze()
    everything = Goal.objects.filter(program=program)
    ours, least = pair_ms(lambda: judge_goals(everything, world.NOW, daily=True), lambda: floor(program), times=5)
    report.at_most("judge.all", ours, "ms", least, 2.5)
    per_team = {1000: ours / 1000}
    for teams in (300, 3000):
        other = world.make(teams)
        analyze()
        goals = Goal.objects.filter(program=other)
        per_team[teams] = median_ms(lambda goals=goals: judge_goals(goals, world.NOW, daily=True), times=3) / teams  # type: ignore[misc]
    report.at_most("judge.all.per_team_flat", per_team[3000], "ms/team", per_team[300], 1.5)
    _touched(report, program)


def _touched(report: Report, program: Program) -> None:
    """One push of 20 observations for one team and 20 metrics: arrival to standings, and the same with long history."""
    team = f"t1000-{500:05}"
    goals = list(Goal.objects.filter(program=program, team__key=team).values_list("pk", flat=True))
    some = Goal.objects.filter(pk__in=goals)
    ours, least = pair_ms(lambda: judge_goals(some, world.NOW), lambda: floor(program, goals), times=41, warm=5)
    report.at_most("judge.touched", ours, "ms", least, 2.0)
    before = ours
    world.lengthen(Source.objects.filter(team__key=team), years=10)
    analyze()
    after = median_ms(lambda: judge_goals(some, world.NOW), times=41, warm=5)
    report.at_most("judge.touched.flat_in_history", after, "ms", before, 1.5)
    body = [f"m1000-{m:02},{team},src/pkg0/file0.py,{{day}},{{n}},{40 if m % 2 == 0 else ''}" for m in range(20)]
    header = "metric,team,item,as_of,numerator,denominator\n"
    origin = Origin("file", "bench", KINDS["csv"])
    counter = iter(range(10_000))

    def push() -> None:
        n = next(counter) % 40
        text = header + "\n".join(body).format(day=world.TODAY - timedelta(days=0), n=n) + "\n"
        ingest(text.encode(), origin, world.NOW)

    whole = median_ms(push, times=21, warm=3)
    report.at_most("ingest.push_of_20_judged", whole, "ms", least, 8.0)


def analyze() -> None:
    """Tell PostgreSQL what it holds, as its own vacuum would in a minute."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

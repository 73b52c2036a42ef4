"""Taking observations in, by HTTP and by file, against parsing and one upsert into the plainest table."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import time_machine
from django.db import connection, transaction
from django.test import Client

from accounts.tokens import issue
from bench import world
from bench.judging import analyze
from bench.report import Report, pair_ms
from program.feeds.registry import KINDS
from program.models import Metric, MetricVersion, Program
from teams.ingest import Origin, ingest
from teams.models import Goal, Team
from teams.standings import judge_due, judge_goals

HEADER = ("metric", "team", "item", "as_of", "numerator", "denominator")
METRICS = 25
TEAMS = 500
LEAST = {"postgresql": 0.6, "sqlite": 0.3}
PLAIN = """
CREATE TABLE bench_plain (
    metric_id integer NOT NULL, team_id integer NOT NULL, as_of date NOT NULL, item text NOT NULL,
    numerator double precision NOT NULL, denominator double precision,
    UNIQUE (metric_id, team_id, as_of, item)
)
"""
ON_CONFLICT = """
ON CONFLICT (metric_id, team_id, as_of, item)
DO UPDATE SET numerator = excluded.numerator, denominator = excluded.denominator
"""
UPSERT = {
    "postgresql": "INSERT INTO bench_plain SELECT * FROM unnest(%s::integer[], %s::integer[], %s::date[], %s::text[], "
    f"%s::double precision[], %s::double precision[]) {ON_CONFLICT}",
    "sqlite": f"INSERT INTO bench_plain VALUES (?, ?, ?, ?, ?, ?) {ON_CONFLICT}",
}
MOST_MEMORY_MB = 400


@dataclass(frozen=True, slots=True)
class Places:
    """Metrics (every other one a ratio) and teams without goals: judging is measured by itself."""

    program: Program
    metrics: dict[str, int]
    teams: dict[str, int]


def make(prefix: str, metrics: int = METRICS, teams: int = TEAMS) -> Places:
    """A program to feed."""
    program = Program.objects.create(
        key=f"{prefix}fed", name="Fed", purpose="speed", start=date(2026, 1, 1), end=date(2027, 12, 31)
    )
    made = Team.objects.bulk_create([Team(key=f"{prefix}-{n:04}", name=f"Team {n}") for n in range(teams)])
    of_metrics = {}
    for m in range(metrics):
        metric = Metric.objects.create(key=f"{prefix}-m{m:02}", name=f"Metric {m}", program=program, fresh_for=45)
        ratio = m % 2 == 0
        MetricVersion.objects.create(
            metric=metric, number=1, direction="up" if ratio else "down", aggregation="ratio" if ratio else "sum",
            unit="%" if ratio else "findings", opened_at=world.NOW,
        )  # fmt: skip
        of_metrics[metric.key] = metric.pk
    return Places(program, of_metrics, {team.key: team.pk for team in made})


def observations(places: Places, day: date, metrics: int, teams: int, items: int) -> Iterator[tuple[Any, ...]]:
    """metrics × teams snapshots of a day, each with so many items; cells in the order of the header."""
    as_of = day.isoformat()
    for m, metric in enumerate(list(places.metrics)[:metrics]):
        below = 40 if m % 2 == 0 else None
        for t, team in enumerate(list(places.teams)[:teams]):
            for i in range(items):
                yield metric, team, f"src/pkg{i % 40}/file{i}.py", as_of, (m + t + i) % 41, below


def as_json(rows: Iterator[tuple[Any, ...]]) -> bytes:
    """A body of the API."""
    return json.dumps({"observations": [dict(zip(HEADER, row, strict=True)) for row in rows]}).encode()


def as_csv(rows: Iterator[tuple[Any, ...]]) -> bytes:
    """A file of observations."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows)
    return text.getvalue().encode()


def floor_of_json(body: bytes, places: Places) -> None:
    """json.loads and one upsert."""
    found = json.loads(body)["observations"]
    _upsert(
        [places.metrics[o["metric"]] for o in found],
        [places.teams[o["team"]] for o in found],
        [o["as_of"] for o in found],
        [o["item"] for o in found],
        [o["numerator"] for o in found],
        [o["denominator"] for o in found],
    )


def floor_of_csv(data: bytes, places: Places) -> None:
    """csv.reader and one upsert."""
    reader = csv.reader(io.StringIO(data.decode(), newline=""))
    next(reader)
    metric, team, item, as_of, above, below = zip(*reader, strict=True)
    _upsert(
        [places.metrics[key] for key in metric],
        [places.teams[key] for key in team],
        list(as_of),
        list(item),
        [float(n) for n in above],
        [float(n) if n else None for n in below],
    )


def _upsert(*columns: list[Any]) -> None:
    connection.ensure_connection()
    raw = connection.connection
    with transaction.atomic():
        if connection.vendor == "postgresql":
            raw.execute(UPSERT["postgresql"], columns)
        else:
            raw.executemany(UPSERT["sqlite"], zip(*columns, strict=True))


def run(report: Report) -> None:
    """ingest.* on PostgreSQL; bench/sqlite.py measures the same on SQLite."""
    measure(report)
    _rejudging(report)


def measure(report: Report) -> None:
    """ingest.DATABASE.*: through Django's own handler with all its middleware, in this process; and a whole file."""
    name = f"ingest.{connection.vendor}"
    least = LEAST[connection.vendor]
    places = make("fed")
    with connection.cursor() as cursor:
        cursor.execute(PLAIN)
    _, secret = issue("bench", [f"observations:program:{places.program.key}"])
    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {secret}"})
    days = (world.TODAY - timedelta(days=n) for n in range(1, 2000))

    def posted(body: bytes) -> None:
        answer = client.post("/api/v1/observations", body, content_type="application/json")
        assert answer.status_code == 201, answer.content[:300]

    def took(data: bytes) -> None:
        ingest(data, Origin("file", "bench.csv", KINDS["csv"]), world.NOW)

    with time_machine.travel(world.NOW, tick=True):
        # 125 snapshots of 8 items, and one snapshot of 1,000.
        for shape, (metrics, teams, items) in {"of_8_items": (5, 25, 8), "of_1000_items": (1, 1, 1000)}.items():
            bodies = (as_json(observations(places, day, metrics, teams, items)) for day in days)
            ours, floor = _new_each_time(posted, lambda body: floor_of_json(body, places), bodies, times=21)
            report.at_least(f"{name}.http_1000.{shape}", 1e6 / ours, "obs/s", 1e6 / floor, least)
        files = (as_csv(observations(places, day, METRICS, TEAMS, 8)) for day in days)
        ours, floor = _new_each_time(took, lambda data: floor_of_csv(data, places), files, times=5)
        report.at_least(f"{name}.file_100000", 1e8 / ours, "obs/s", 1e8 / floor, least)
    _million(report)


def _new_each_time(
    ours: Callable[[bytes], None], floor: Callable[[bytes], None], payloads: Iterator[bytes], times: int
) -> tuple[float, float]:
    """Medians of both on the same payloads, none of which either has seen."""
    made = [next(payloads) for _ in range(times + 1)]
    for_ours, for_floor = iter(made), iter(made)
    return pair_ms(lambda: ours(next(for_ours)), lambda: floor(next(for_floor)), times=times)


def _rejudging(report: Report) -> None:
    """A batch touches 1 % of 25,000 goals: judging these against judging all."""
    program = world.make(1250, prefix="x")
    everything = Goal.objects.filter(program=program)
    judge_goals(everything, world.NOW, daily=True)
    analyze()
    keys = list(Metric.objects.filter(program=program).order_by("key").values_list("key", flat=True))
    teams = list(Team.objects.filter(goals__program=program).distinct().order_by("key").values_list("key", flat=True))
    counter = iter(range(1000))
    touched: list[float] = []
    taken: list[float] = []
    everybody: list[float] = []
    for _ in range(5):
        n = next(counter)
        rows = [
            (metric, team, "src/pkg0/file0.py", world.TODAY.isoformat(), n, 40 if m % 2 == 0 else None)
            for m, metric in enumerate(keys)
            for team in teams[:: len(teams) // 12][:13]
        ][:250]
        began = time.perf_counter()
        received = ingest(as_csv(iter(rows)), Origin("file", "bench.csv", KINDS["csv"]), world.NOW)
        between = time.perf_counter()
        judged = judge_due(world.NOW) if received.due else received.judged
        ended = time.perf_counter()
        assert judged == 250, judged
        touched.append(ended - between)
        taken.append(ended - began)
        began = time.perf_counter()
        judge_goals(everything, world.NOW)
        everybody.append(time.perf_counter() - began)
    whole = sorted(everybody)[2] * 1000
    report.at_most("ingest.rejudge_1_percent", sorted(touched)[2] * 1000, "ms", whole, 0.03)
    report.note("ingest.rejudge_1_percent.with_the_batch", sorted(taken)[2] * 1000, "ms", whole)


def _million(report: Report) -> None:
    """One file of 1,000,000 observations through manage.py ingest in a process of its own."""
    name = f"ingest.{connection.vendor}.million"
    places = make("big", metrics=1, teams=2000)
    with tempfile.TemporaryDirectory(prefix="quality-bench-") as folder:
        file = Path(folder) / "million.csv"
        file.write_bytes(as_csv(observations(places, date(2026, 11, 1), 1, 2000, 500)))
        seconds, peak = peak_memory([sys.executable, "manage.py", "ingest", str(file)])
        began = time.perf_counter()
        floor_of_csv(file.read_bytes(), places)
        floor = time.perf_counter() - began
    report.at_most(f"{name}.memory", peak, "MB", MOST_MEMORY_MB, 1.0)
    report.note(f"{name}.seconds", seconds, "s", floor)


def peak_memory(command: list[str]) -> tuple[float, float]:
    """Seconds a process took and the most memory it held, in MB: what Linux says of it while it runs."""
    began = time.perf_counter()
    child = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL)
    peak = 0
    while child.poll() is None:
        try:
            status = Path(f"/proc/{child.pid}/status").read_text(encoding="ascii")
        except OSError:
            break
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                peak = int(line.split()[1])
        time.sleep(0.02)
    if child.wait() != 0:
        raise RuntimeError(f"{' '.join(command)} failed")
    return time.perf_counter() - began, peak / 1000

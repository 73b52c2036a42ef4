"""Storage: 2,000 teams × 50 metrics × 3 years of weekly snapshots, items kept for 90 days; loaded at a tenth."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Any

from django.db import connection

from bench import world
from bench.ingesting import make
from bench.report import Report
from program.models import MetricVersion
from teams.models import Payload, Run, Snapshot, Source

TEAMS = 200
METRICS = 50
WEEKS = 156
WEEKS_WITH_ITEMS = 13
ITEMS = 20
TIMES = 10
MB = 1_000_000
SIZES = """
SELECT c.relname, pg_relation_size(c.oid) FROM pg_class c
WHERE c.oid = %s::regclass OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = %s::regclass)
ORDER BY 2 DESC
"""


def run(report: Report) -> None:
    """storage.* on PostgreSQL; bench/sqlite.py measures the same on SQLite."""
    measure(report)


def measure(report: Report) -> None:
    """Fill the tables, and say what each takes: measured at a tenth, and as computed for the whole."""
    load()
    {"postgresql": _on_postgresql, "sqlite": _on_sqlite}[connection.vendor](report)


def load() -> None:
    """Rows as ingest would write them, put in directly."""
    make("kept", metrics=METRICS, teams=TEAMS)
    payload = Payload.objects.create(digest="1" * 64, size=0, data=b"")
    run = Run.objects.create(kind="file", came_from="bench", format="csv", payload=payload, received_at=world.NOW)
    versions = MetricVersion.objects.filter(metric__key__startswith="kept-").order_by("metric__key")
    teams = list(_teams())
    oldest = world.TODAY - timedelta(weeks=WEEKS_WITH_ITEMS)
    Source.objects.bulk_create(
        [Source(metric_version=v, team_id=team, newest=world.TODAY, carry=oldest) for v in versions for team in teams],
        batch_size=5000,
    )
    sources = list(
        Source.objects.order_by("pk").values_list("pk", "metric_version__aggregation", "team").iterator(10_000)
    )
    rows = _rows(sources, run.pk)
    columns = [str(Snapshot._meta.get_field(name).column) for name in world.WRITTEN]  # type: ignore[union-attr]
    _copy(Snapshot._meta.db_table, columns, rows)


def _teams() -> Iterable[int]:
    from teams.models import Team

    return Team.objects.filter(key__startswith="kept-").values_list("pk", flat=True)


def _rows(sources: Sequence[tuple[int, str, int | None]], run: int) -> Iterator[tuple[Any, ...]]:
    """Week by week, as they would have come."""
    days: list[date] = [world.TODAY - timedelta(weeks=w) for w in reversed(range(WEEKS))]
    for position, day in enumerate(days):
        for source, aggregation, _team in sources:
            ratio = aggregation == "ratio"
            numbers = [(source * 31 + position * 7 + i * 13) % 41 for i in range(ITEMS)]
            items: dict[str, Any] = {}
            if position >= WEEKS - WEEKS_WITH_ITEMS:
                items = {f"src/package{i % 5}/file{i}.py": [n, 40] if ratio else n for i, n in enumerate(numbers)}
            yield (
                source, day.isoformat(), run, ITEMS, float(sum(numbers)), 40.0 * ITEMS if ratio else 0.0,
                float(max(numbers)), json.dumps(items, separators=(",", ":")), False,
            )  # fmt: skip


def _copy(table: str, columns: list[str], rows: Iterator[tuple[Any, ...]]) -> None:
    names = ", ".join(f'"{column}"' for column in columns)
    connection.ensure_connection()
    raw = connection.connection
    if connection.vendor == "postgresql":
        with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        raw.execute(f"VACUUM ANALYZE {table}")
        return
    marks = ", ".join("?" for _ in columns)
    while part := list(islice(rows, 100_000)):
        raw.execute("BEGIN")
        raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", part)
        raw.execute("COMMIT")


def _on_postgresql(report: Report) -> None:
    print(f"-- measured: {TEAMS} teams × {METRICS} metrics × {WEEKS} weeks; against: the same × {TIMES}", flush=True)
    whole = 0
    with connection.cursor() as cursor:
        for model in (Snapshot, Source):
            table = model._meta.db_table
            cursor.execute("SELECT pg_total_relation_size(%s), count(*) FROM " + table, [table])
            total, rows = cursor.fetchone()
            whole += total
            _say(report, f"postgresql.{table}", total)
            cursor.execute(SIZES, [table, table])
            for part, size in cursor.fetchall():
                _say(report, f"postgresql.{table}.{'rows' if part == table else part}", size)
            report.note(f"storage.postgresql.{table}.per_row", total / rows, "bytes", total / rows)
    _say(report, "postgresql.all", whole)


def _on_sqlite(report: Report) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        size = cursor.fetchone()[0]
    _say(report, "sqlite.file", size)
    rows = Snapshot.objects.count()
    report.note("storage.sqlite.file.per_snapshot", size / rows, "bytes", size / rows)


def _say(report: Report, name: str, size: int) -> None:
    report.note(f"storage.{name}", size / MB, "MB", size * TIMES / MB)

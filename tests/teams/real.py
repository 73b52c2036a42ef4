"""Real measurements in the database: a program whose teams and metrics are those of a public project."""

from __future__ import annotations

import gzip
from datetime import datetime
from pathlib import Path

from program.feeds.registry import KINDS
from program.models import Program
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from tests.test_oracle import HEALTHCHECKS, METRICS, READ_THE_DOCS

__all__ = ["HEALTHCHECKS", "READ_THE_DOCS", "real"]


def real(path: Path, now: datetime, *, state: str = "active", metrics: tuple[str, ...] = ()) -> Program:
    """A program without goals on everything that was measured until a moment; every fourth team lives in Tokyo."""
    header, *rows = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    rows = [
        row for row in rows if row.split(",")[3] <= str(now.date()) and (not metrics or row.split(",")[0] in metrics)
    ]
    teams = sorted({row.split(",")[1] for row in rows})
    zone = ", annotations: {technical-quality/time-zone: Asia/Tokyo}"
    org = ["kind: Group\nmetadata: {name: some}\n", "kind: Group\nmetadata: {name: others}\n"]
    org += [
        f"kind: Group\nmetadata: {{name: {team}{'' if n % 4 else zone}}}\nspec: {{parent: {'some' if n % 3 else 'others'}}}\n"
        for n, team in enumerate(teams)
    ]
    apply_text("---\n".join(org), now=now, via="test")
    lines = [
        "program: {key: p, name: P, purpose: x, sponsor: {email: sam@example.com},",
        f"  owners: [{{email: tess@example.com, role: technical}}], start: 2021-01-01, end: 2028-01-01, state: {state}}}",
        "metrics:",
    ]
    lines += [
        f"  - {{key: {m}, name: {m}, direction: {d}, aggregation: {a}, fresh_for: 45d, unit: '{'%' if a == 'ratio' else 'findings'}'}}"
        for m, d, a, _ in METRICS
        if not metrics or m in metrics
    ]
    apply_text("\n".join(lines), now=now, via="test")
    ingest((header + "".join(rows)).encode(), Origin("file", "x.csv", KINDS["csv"]), now)
    return Program.objects.get()

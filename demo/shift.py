"""The demo's data with its dates shifted by whole weeks, so that a program that ran in 2023 is half-way today."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

DATA = Path(__file__).parent / "data" / "healthchecks-60-months.csv.gz"
PRESENT = date(2023, 9, 1)
"""The snapshot that becomes this week's: typing is then half-way, 0 to 67 % by team."""
METRICS = ("typed-functions", "documented-api")
HEADER = ("metric", "team", "item", "as_of", "numerator", "denominator")


def shift_for(today: date) -> timedelta:
    """Whole weeks that bring the present snapshot into the seven days that end today.

    It must not come to lie in the future (a snapshot from tomorrow is refused), so "this week" is the last seven days.
    """
    return timedelta(weeks=(today - PRESENT).days // 7)


def batches(shift: timedelta) -> Mapping[date, bytes]:
    """The observations of each snapshot day as a CSV, by shifted day, oldest first."""
    by_day: dict[date, list[Sequence[str]]] = defaultdict(list)
    with gzip.open(DATA, "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            if row["metric"] in METRICS:
                day = date.fromisoformat(row["as_of"]) + shift
                by_day[day].append([day.isoformat() if name == "as_of" else row[name] for name in HEADER])
    return {day: _csv(by_day[day]) for day in sorted(by_day)}


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    lines = [",".join(HEADER), *(",".join(row) for row in rows)]
    return ("\n".join(lines) + "\n").encode()

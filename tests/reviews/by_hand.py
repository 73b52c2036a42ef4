"""Totals of the real measurements straight from their file, by other code than the product's."""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from datetime import date

from demo.shift import DATA


def by_hand(day: date, start=date(2022, 9, 1), due=date(2024, 3, 1), target=0.9) -> tuple[float, float]:
    """Total and expected total of typed-functions on a day, straight from the file."""
    told: dict[str, dict[date, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["metric"] == "typed-functions":
                pair = told[row["team"]][date.fromisoformat(row["as_of"])]
                pair[0] += float(row["numerator"])
                pair[1] += float(row["denominator"])
    top = bottom = should = 0.0
    for series in told.values():
        now = series[max((as_of for as_of in series if as_of <= day), default=day)]
        first = [as_of for as_of in series if as_of <= start and series[as_of][1]]
        base = series[max(first)] if first else None
        if not now[1] or base is None:
            continue
        top, bottom = top + now[0], bottom + now[1]
        baseline = base[0] / base[1]
        should += now[1] * (baseline + (target - baseline) * (day - start) / (due - start))
    return top / bottom, should / bottom

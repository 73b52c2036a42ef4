"""Hot spots, counted by hand on real data, and at their borders."""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from program.feeds.registry import KINDS
from program.models import MetricVersion
from program.rules.hot_spots import concentration, contribution, fixed, why_not
from teams.hot_spots import find
from teams.ingest import Origin, ingest
from teams.models import Source
from tests.people import HEADER, NOW, settle
from tests.teams.real import READ_THE_DOCS, real

MADE = datetime(2026, 8, 10, 12, tzinfo=UTC)


def by_hand(path: Path, metric: str, *, up: bool) -> dict[tuple[str, str], float]:
    """What each (team, item) of the newest snapshot of each team is short of, from the file alone."""
    rows = [
        row
        for row in csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode()))
        if row["metric"] == metric
    ]
    newest: dict[str, str] = defaultdict(str)
    for row in rows:
        newest[row["team"]] = max(newest[row["team"]], row["as_of"])
    return {
        (row["team"], row["item"]): (float(row["denominator"]) if up else 0.0)
        - float(row["numerator"]) * (1 if up else -1)
        for row in rows
        if row["as_of"] == newest[row["team"]]
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("metric", "up"), [("typed-functions", True), ("complex-functions", False), ("security-findings", False)]
)
def test_real_hot_spots_are_as_counted_by_hand(metric, up):
    real(READ_THE_DOCS, MADE, metrics=(metric,))
    found = find(MetricVersion.objects.select_related("metric").get(), MADE.date())
    counted = by_hand(READ_THE_DOCS, metric, up=up)
    short = {place: size for place, size in counted.items() if size > 0}
    assert (found.items, found.by_item.number) == (len(counted), len(short))
    assert found.by_item.total == pytest.approx(sum(short.values()))
    first = sorted(short.items(), key=lambda pair: (-pair[1], pair[0][1]))[:20]
    assert [(found.names[spot.team].key, spot.name, spot.short) for spot in found.spots] == [
        (team, item, size) for (team, item), size in first
    ]
    assert found.by_item.top == pytest.approx(sum(size for _, size in first) / sum(short.values()))
    teams: dict[str, float] = defaultdict(float)
    for (team, _), size in short.items():
        teams[team] += size
    largest = sorted(teams.items(), key=lambda pair: (-pair[1], pair[0]))
    assert [(one.team.key, one.short) for one in found.teams] == [
        (key, pytest.approx(size)) for key, size in largest[:20]
    ]
    closed = [sum(size for _, size in largest[:n]) for n in range(1, len(largest) + 1)]
    assert found.half == 1 + next(n for n, size in enumerate(closed) if size >= sum(teams.values()) / 2)
    assert found.unowned == 0


@pytest.mark.django_db
def test_what_is_nobodys_counts_and_a_retired_source_does_not():
    world = settle()
    rows = (
        "findings,api,a.py,2026-03-01,8,\nfindings,,lost.py,2026-03-01,2,\nfindings,web,b.py,2026-02-01,90,\n"
        "findings,api,old.py,2026-02-01,50,\nfindings,web,,2026-03-01,0,\n"
    )
    ingest((HEADER + rows).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    version = world.findings.versions.select_related("metric").get()
    with CaptureQueriesContext(connection) as queries:
        found = find(version, NOW.date())
    assert len(queries) == 2
    # Only the newest snapshot of each source: api's a.py and the item that is nobody's; web's newest says 0.
    assert [(spot.name, spot.short) for spot in found.spots] == [("a.py", 8.0), ("lost.py", 2.0)]
    assert (found.items, found.teams_measured, found.unowned, found.value, found.after) == (3, 2, 0.2, 10.0, 2.0)
    assert [one.team for one in found.teams] == [world.api, None]
    Source.objects.filter(team=world.api).update(retired_on=date(2026, 3, 10))
    assert [spot.name for spot in find(version, NOW.date()).spots] == ["lost.py"]
    assert [spot.name for spot in find(version, date(2026, 3, 9)).spots] == ["a.py", "lost.py"]


def test_the_fewest_that_hold_most_of_it():
    few = concentration([50.0, 31.0, 5.0, *[1.0] * 14])
    assert (few.number, few.total, few.few, few.few_hold, few.enough) == (17, 100.0, 2, 0.81, True)
    spread = concentration([1.0] * 41)
    assert (spread.few, spread.enough) == (20, False)
    assert spread.top == pytest.approx(20 / 41)
    just = concentration([1.0] * 40)
    assert (just.top, just.enough) == (0.5, True)
    none = concentration([])
    assert (none.number, none.few, none.enough) == (0, 0, False)


def test_contributions_are_those_of_a_trail():
    assert contribution("sum", "down", 3.0, 0.0) == 3.0
    assert contribution("ratio", "up", 3.0, 10.0) == 7.0
    assert contribution("ratio", "down", 3.0, 10.0) == 3.0
    assert contribution("ratio", "up", 11.0, 10.0) == 0.0
    assert contribution("sum", "down", -1.0, 0.0) == 0.0
    assert fixed("ratio", "up", 30.0, 100.0, 20.0) == 0.5
    assert fixed("ratio", "down", 30.0, 100.0, 20.0) == 0.1
    assert fixed("sum", "down", 30.0, 0.0, 20.0) == 10.0
    assert fixed("ratio", "up", 0.0, 0.0, 0.0) is None


@pytest.mark.parametrize("kind", [("sum", "up"), ("mean", "up"), ("mean", "down"), ("max", "down"), ("latest", "up")])
def test_others_say_why_not(kind):
    assert why_not(*kind)
    assert not why_not("sum", "down")
    assert not why_not("ratio", "down")

"""The product's scorecards of two real projects agree, entry by entry, with a second computation that shares no code."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from program.feeds.registry import KINDS
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Team
from teams.scorecards import build
from tests.oracle import OracleGoal, Rows, index, read_csv, scorecard

HEALTHCHECKS = Path(__file__).parents[1] / "demo" / "data" / "healthchecks-60-months.csv.gz"
READ_THE_DOCS = Path(__file__).parent / "data" / "readthedocs-24-months.csv.gz"
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db

# (metric, direction, aggregation, terms): each kind of target, tolerance, milestones, and some that are met or exempt.
RATIO, SUM = ("up", "ratio"), ("down", "sum")
METRICS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("typed-functions", *RATIO, {"target": 0.9}),
    ("documented-api", *RATIO, {"improve_by": 0.5, "tolerance": 0.1}),
    ("complex-functions", *SUM, {"improve_by": 0.3}),
    ("security-findings", *SUM, {"target": 4.0, "tolerance": 0.25}),
    ("bugbear-findings", *SUM, {"improve_by": 1.0}),
    ("todo-comments", *SUM, {"target": 1.0}),
    ("test-to-code", *RATIO, {"target": 1.2}),
]


def program(start: date, due: date, middle: date) -> str:
    """The program's file; the last goal has a milestone."""
    lines = [
        "program: {key: p, name: P, purpose: x, sponsor: {email: s@example.com},",
        f"  owners: [{{email: o@example.com, role: technical}}], start: {start}, end: {due}}}",
        "metrics:",
    ]
    lines += [
        f"  - {{key: {m}, name: {m}, direction: {d}, aggregation: {a}, fresh_for: 45d}}" for m, d, a, _ in METRICS
    ]
    lines.append("goals:")
    for metric, _, _, terms in METRICS:
        asked = ", ".join(f"{name}: {value}" for name, value in terms.items())
        more = f", milestones: {{{middle}: 0.5}}" if metric == "test-to-code" else ""
        lines.append(f"  - {{metric: {metric}, teams: all, start: {start}, due: {due}, {asked}{more}}}")
    return "\n".join(lines)


def oracle_goals(teams: list[str], start: date, due: date, middle: date) -> list[OracleGoal]:
    return [
        OracleGoal(
            "p", metric, team, direction, aggregation, 45, start, due,
            milestones=((middle, 0.5),) if metric == "test-to-code" else (), **terms,
        )
        for team in teams
        for metric, direction, aggregation, terms in METRICS
    ]  # fmt: skip


def load(path: Path, start: date, due: date, middle: date) -> tuple[Rows, list[str]]:
    rows = read_csv(path)
    teams = sorted({row.team for row in rows})
    apply_text("---\n".join(f"kind: Group\nmetadata: {{name: {team}}}\n" for team in teams), now=NOW, via="test")
    apply_text(program(start, due, middle), now=NOW, via="test")
    ingest(gzip.decompress(path.read_bytes()), Origin("file", path.name, KINDS["csv"]), NOW)
    return index(rows), teams


def differences(ours: Any, theirs: Any, where: str = "") -> Iterator[str]:
    """Where two answers differ by more than 1e-9."""
    if isinstance(ours, dict):
        assert ours.keys() == theirs.keys(), where
        for name in ours:
            yield from differences(ours[name], theirs[name], f"{where}/{name}")
    elif isinstance(ours, list):
        if len(ours) != len(theirs):
            yield f"{where}: {len(ours)} entries, not {len(theirs)}"
        for place, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            yield from differences(one, other, f"{where}/{place}")
    elif isinstance(ours, float) and isinstance(theirs, float | int):
        if abs(ours - theirs) > 1e-9 * max(1, abs(ours), abs(theirs)):
            yield f"{where}: {ours}, not {theirs}"
    elif ours != theirs:
        yield f"{where}: {ours!r}, not {theirs!r}"


def compare(rows: Rows, teams: list[str], goals: list[OracleGoal], days: list[date]) -> Counter[str]:
    """Hold every team's scorecard on each day against the oracle's; returns how often each thing was seen."""
    seen: Counter[str] = Counter()
    wrong = []
    for key in teams:
        team = Team.objects.get(key=key)
        for day in days:
            ours = build(team, day).facts()
            theirs = scorecard(rows, goals, key, day)
            wrong += list(differences(ours, theirs, f"{key} on {day}"))
            for entry in theirs["goals"]:
                seen[entry["status"]] += 1
                seen["slipped"] += entry["slipped"]
                seen["forecast"] += entry["forecast"] is not None
                seen["trail"] += bool(entry["trail"])
                seen.update(crumb["trend"] or "no trend" for crumb in entry["trail"])
    assert wrong == []
    return seen


def test_healthchecks_on_ten_days():
    start, due, middle = date(2022, 9, 1), date(2024, 3, 1), date(2023, 6, 1)
    rows, teams = load(HEALTHCHECKS, start, due, middle)
    days = [date(2021, 8, 1), date(2022, 8, 15), start, date(2022, 10, 16), date(2023, 3, 15), date(2023, 9, 10),
            date(2024, 2, 10), due, date(2024, 3, 2), date(2026, 10, 30)]  # fmt: skip
    seen = compare(rows, teams, oracle_goals(teams, start, due, middle), days)
    assert len(teams) == 8
    # The comparison means something only if it met most of what there is.
    for thing in ("overdue", "behind", "at risk", "no data", "on track", "upcoming", "met", "stale", "slipped", "forecast",
                  "trail", "new", "grew", "shrank", "same"):  # fmt: skip
        assert seen[thing] > 0, f"{thing} was never met: {seen}"


def test_read_the_docs_on_ten_days():
    start, due, middle = date(2025, 1, 1), date(2026, 6, 1), date(2025, 9, 15)
    rows, teams = load(READ_THE_DOCS, start, due, middle)
    days = [date(2024, 12, 31), date(2025, 1, 1), date(2025, 2, 20), date(2025, 6, 1), date(2025, 9, 15), date(2025, 12, 24),
            date(2026, 3, 3), date(2026, 6, 1), date(2026, 6, 2), date(2026, 10, 30)]  # fmt: skip
    seen = compare(rows, teams, oracle_goals(teams, start, due, middle), days)
    assert len(teams) == 33
    for thing in ("overdue", "behind", "no data", "on track", "upcoming", "met", "stale", "slipped", "trail"):
        assert seen[thing] > 0, f"{thing} was never met: {seen}"


WORKED = {
    "lib": {"status": "behind", "value": 0.2075, "baseline": 0.1698, "expected": 0.4301, "forecast": None,
            "trail": [("hc/lib/emails.py", 13, 1)]},
    "front": {"status": "behind", "value": 0.1977, "expected": 0.3208, "forecast": "2026-11-21",
              "trail": [("hc/front/views.py", 71, 1)]},
    "core": {"status": "on track", "value": 0.6667},
    "logs": {"status": "no data", "value": None, "trail": []},
}  # fmt: skip


@pytest.mark.parametrize("by", ["the product", "the oracle"])
def test_the_worked_examples(by):
    start, due, middle, day = date(2022, 9, 1), date(2024, 3, 1), date(2023, 6, 1), date(2023, 3, 15)
    rows, teams = load(HEALTHCHECKS, start, due, middle)
    goals = oracle_goals(teams, start, due, middle)
    for key, expected in WORKED.items():
        answer = (
            build(Team.objects.get(key=key), day).facts() if by == "the product" else scorecard(rows, goals, key, day)
        )
        entry = next(goal for goal in answer["goals"] if goal["metric"] == "typed-functions")
        for name, wanted in expected.items():
            if name == "trail":
                assert [(c["item"], c["contribution"], c["closes"]) for c in entry["trail"]] == wanted
            elif isinstance(wanted, float):
                assert entry[name] == pytest.approx(wanted, abs=5e-5)
            else:
                assert entry[name] == wanted
        if key == "lib":
            # G, in functions: what is missing of the level's share of all 53
            assert entry["gap"] * 53 == pytest.approx(11.796, abs=5e-4)

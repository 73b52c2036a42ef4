"""Keeping: the snapshots that a run names are compared with what is held, written where they say something else."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from program.models import Program
from program.rules.forecast import WINDOW_DAYS

from .models import LONG_AGO, Goal, Run, Snapshot, Source
from .placing import Named, NamedSnapshot, SnapshotKey
from .standings import judge_goals
from .statements import among, as_day, change, fetch
from .trust import note_sudden
from .upsert import upsert

JUDGED_AT_ONCE = 200
"""Goals that a batch may touch and still be judged in its own transaction; more leave a due row each."""
WRITTEN_AT_ONCE = 20_000
"""Observations in one statement, so that a long file takes little memory."""


COLUMNS = ("source", "as_of", "run", "count", "numerator", "denominator", "maximum", "items", "placed", "placed_items")


@dataclass(slots=True)
class Counts:
    """What a run changed, in observations; `snapshots` are those it named."""

    observations: int = 0
    snapshots: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    unplaced: int = 0


def keep(run: Run, named: Named) -> tuple[Counts, list[SnapshotKey]]:
    """Write the snapshots that are new or say something else than what is held. Returns the counts and those keys."""
    sources = sources_of(named)
    counts, written = Counts(), []
    for part in _parts(named):
        written += _write(run, part, sources, counts)
    bound({sources[key[:3]] for key in written})
    return counts, written


def _parts(named: Named) -> Iterator[Named]:
    part: dict[SnapshotKey, NamedSnapshot] = {}
    size = 0
    for key, snapshot in named.items():
        part[key] = snapshot
        size += len(snapshot.names) + 1
        if size >= WRITTEN_AT_ONCE:
            yield part
            part, size = {}, 0
    if part:
        yield part


def sources_of(named: Named) -> dict[tuple[int, int | None, str], int]:
    """The row of each source that a batch names, made where it is new, and locked: two batches take turns."""
    wanted = {key[:3] for key in named}
    found = _locked(wanted)
    missing = sorted(wanted - found.keys(), key=lambda key: (key[0], key[1] or 0, key[2]))
    if missing:
        Source.objects.bulk_create(
            [Source(metric_version_id=version, team_id=team, name=name) for version, team, name in missing],
            ignore_conflicts=True,
        )
        found = _locked(wanted)
    return found


def _locked(wanted: set[tuple[int, int | None, str]]) -> dict[tuple[int, int | None, str], int]:
    of_versions, first = among("metric_version_id", sorted({version for version, _, _ in wanted}))
    of_names, second = among("name", sorted({name for _, _, name in wanted}))
    teams = sorted({team for _, team, _ in wanted if team is not None})
    of_teams, third = among("team_id", teams) if teams else ("FALSE", [])
    wait = "ORDER BY id FOR UPDATE" if connection.vendor == "postgresql" else ""  # SQLite has one writer anyway
    rows = fetch(
        f"""SELECT id, metric_version_id, team_id, name FROM teams_source
        WHERE {of_versions} AND {of_names} AND (team_id IS NULL OR {of_teams}) {wait}""",  # noqa: S608
        first + second + third,
    )
    found = {(version, team, name): pk for pk, version, team, name in rows}
    return {key: pk for key, pk in found.items() if key in wanted}


def _write(
    run: Run, named: Named, sources: Mapping[tuple[int, int | None, str], int], counts: Counts
) -> list[SnapshotKey]:
    held = _held({sources[key[:3]] for key in named}, {key[3] for key in named})
    written, rows = [], []
    for key, snapshot in named.items():
        source = sources[key[:3]]
        items = snapshot.items()
        text = as_text(items)
        before = held.get((source, key[3]))
        if before is None:
            _count(counts, items, {}, placed=key[1] is not None)
        else:
            known = items if before[0] == text else json.loads(before[0])
            _count(counts, items, known, placed=key[1] is not None)
            if known == items and before[1] == snapshot.placed:
                continue
        written.append(key)
        rows.append((source, key[3], run.pk, *totals(snapshot), text, snapshot.placed, as_list(snapshot)))
    upsert(Snapshot, COLUMNS, rows, unique=("source", "as_of"))
    return written


def as_list(snapshot: NamedSnapshot) -> str | None:
    """The items placed by ownership beside others, as a snapshot's row holds them."""
    return None if snapshot.placed_items is None else json.dumps(snapshot.placed_items, ensure_ascii=False)


def as_text(items: Mapping[str, Any]) -> str:
    """Items as a snapshot's row holds them, the same text for the same items."""
    return json.dumps(items, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def _held(sources: set[int], days: set[Any]) -> dict[tuple[int, Any], tuple[str, bool]]:
    """(items as text, placed) of the snapshots held of these sources and days."""
    text = "items::text" if connection.vendor == "postgresql" else "items"
    of_sources, first = among("source_id", sorted(sources))
    of_days = f"as_of IN ({', '.join(['%s'] * len(days))})"
    statement = f"SELECT source_id, as_of, {text}, placed FROM teams_snapshot WHERE {of_sources} AND {of_days}"  # noqa: S608
    rows = fetch(statement, [*first, *sorted(day.isoformat() for day in days)])
    return {(source, as_day(day)): (items, bool(placed)) for source, day, items, placed in rows}


def _count(counts: Counts, items: Mapping[str, Any], before: Mapping[str, Any], *, placed: bool) -> None:
    counts.snapshots += 1
    counts.observations += len(items)
    if before is items:
        counts.unchanged += len(items)
    else:
        same = sum(1 for name, held in items.items() if name in before and before[name] == held)
        known = sum(1 for name in items if name in before)
        counts.new += len(items) - known
        counts.changed += known - same
        counts.unchanged += same
        counts.gone += len(before) - known
    if not placed:
        counts.unplaced += len(items)


def totals(snapshot: NamedSnapshot) -> tuple[int, float, float, float | None]:
    """(count, Σ numerator, Σ denominator, largest). Exactly rounded sums, whatever the order of rows."""
    return (
        len(snapshot.names),
        math.fsum(snapshot.numerators),
        math.fsum(snapshot.denominators),
        max(snapshot.numerators, default=None),
    )


BOUND = """
UPDATE teams_source SET newest = (SELECT MAX(n.as_of) FROM teams_snapshot n WHERE n.source_id = teams_source.id),
  carry = COALESCE((SELECT MAX(c.as_of) FROM teams_snapshot c WHERE c.source_id = teams_source.id AND c.as_of <
    {edge}), %s) WHERE {among}
"""
OF_NEWEST = "(SELECT MAX(e.as_of) FROM teams_snapshot e WHERE e.source_id = teams_source.id)"
EDGE = {"postgresql": f"{OF_NEWEST} - {WINDOW_DAYS}", "sqlite": f"date({OF_NEWEST}, '-{WINDOW_DAYS} days')"}


def bound(touched: set[int]) -> None:
    """Keep, for each touched source, which snapshot is the newest and from where on a judgment must read."""
    if touched:
        condition, parameters = among("id", sorted(touched))
        statement = BOUND.format(edge=EDGE[connection.vendor], among=condition)
        change(statement, [LONG_AGO.isoformat(), *parameters])


TOUCHED = """
SELECT DISTINCT g.id, g.team_id FROM teams_goal g JOIN program_metricversion v ON v.metric_id = g.metric_id
  JOIN program_program p ON p.id = g.program_id
WHERE g.ended_on IS NULL AND {live} AND {versions} AND {teams}
"""


def judge_touched(pairs: set[tuple[int, int | None]], now: datetime) -> tuple[int, int]:
    """Judge the live goals on these series, or leave them due when they are many. Returns (judged, left due)."""
    goals: set[int] = set()
    judged_pairs: set[tuple[int, int]] = set()
    by_version: dict[int, list[int]] = defaultdict(list)
    for version, team in pairs:
        if team is not None:
            by_version[version].append(team)
    live, states = among("p.state", Program.ON_SCORECARDS)
    for version, teams in by_version.items():
        of_teams, parameters = among("g.team_id", sorted(teams))
        statement = TOUCHED.format(live=live, versions="v.id = %s", teams=of_teams)
        for goal, team in fetch(statement, [*states, version, *parameters]):
            goals.add(goal)
            judged_pairs.add((version, team))
    if not goals:
        return 0, 0
    note_sudden(judged_pairs, now)
    touched = Goal.objects.filter(pk__in=goals)
    touched.update(judge_due_at=now)
    if len(goals) > JUDGED_AT_ONCE:
        return 0, len(goals)
    return judge_goals(touched, now), 0

"""Keeping: the snapshots that a run names are compared with what is held, written where they say something else."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateField, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast, Coalesce

from program.models import MetricVersion
from program.rules.forecast import WINDOW_DAYS

from .models import LONG_AGO, Goal, Run, Snapshot, Source
from .placing import Named, NamedSnapshot, SnapshotKey
from .standings import judge_goals
from .statements import among, as_day, fetch
from .upsert import upsert

JUDGED_AT_ONCE = 200
"""Goals that a batch may touch and still be judged in its own transaction; more leave a due row each."""
WRITTEN_AT_ONCE = 20_000
"""Observations in one statement, so that a long file takes little memory."""


COLUMNS = ("source", "as_of", "run", "count", "numerator", "denominator", "maximum", "items", "placed")


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


def sources_of(named: Mapping[SnapshotKey, NamedSnapshot]) -> dict[tuple[int, int | None, str], int]:
    """The row of each source that a batch names, made where it is new, and locked: two batches take turns."""
    wanted = {key[:3] for key in named}
    matching = Q(metric_version__in={version for version, _, _ in wanted}, name__in={name for _, _, name in wanted}) & (
        Q(team__in={team for _, team, _ in wanted if team is not None}) | Q(team=None)
    )

    def held() -> dict[tuple[int, int | None, str], int]:
        rows = Source.objects.select_for_update().filter(matching).order_by("pk")
        found = {
            (version, team, name): pk
            for pk, version, team, name in rows.values_list("pk", "metric_version", "team", "name")
        }
        return {key: pk for key, pk in found.items() if key in wanted}

    found = held()
    missing = sorted(wanted - found.keys(), key=lambda key: (key[0], key[1] or 0, key[2]))
    if missing:
        Source.objects.bulk_create(
            [Source(metric_version_id=version, team_id=team, name=name) for version, team, name in missing],
            ignore_conflicts=True,
        )
        found = held()
    return found


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
        rows.append((source, key[3], run.pk, *totals(snapshot), text, snapshot.placed))
    upsert(Snapshot, COLUMNS, rows, unique=("source", "as_of"))
    return written


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


def bound(touched: set[int]) -> None:
    """Keep, for each touched source, which snapshot is the newest and from where on a judgment must read."""
    of_source = Snapshot.objects.filter(source=OuterRef("pk")).order_by("-as_of").values("as_of")
    edge = Cast(OuterRef("newest") - timedelta(days=WINDOW_DAYS), DateField())
    sources = Source.objects.filter(pk__in=touched)
    sources.update(newest=Subquery(of_source[:1]))
    sources.update(carry=Coalesce(Subquery(of_source.filter(as_of__lt=edge)[:1]), Value(LONG_AGO)))


def judge_touched(pairs: set[tuple[int, int | None]], now: datetime) -> tuple[int, int]:
    """Judge the live goals on these series, or leave them due when they are many. Returns (judged, left due)."""
    if not pairs:
        return 0, 0
    metrics = dict(MetricVersion.objects.filter(pk__in={version for version, _ in pairs}).values_list("pk", "metric"))
    wanted = {(metrics[version], team) for version, team in pairs if team is not None}
    rows = (
        Goal.objects.on_scorecards()
        .filter(metric__in=set(metrics.values()), team__in={team for _, team in wanted})
        .values_list("pk", "metric", "team")
    )
    touched = Goal.objects.filter(pk__in=[pk for pk, metric, team in rows if (metric, team) in wanted])
    touched_count = touched.update(judge_due_at=now)
    if touched_count > JUDGED_AT_ONCE:
        return 0, touched_count
    return judge_goals(touched, now), 0

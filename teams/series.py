"""What a judgment reads from the database: the snapshots of each goal's sources, and the items behind a trail."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from program.rules.series import Reading, SourceReadings
from program.rules.trail import Item

from .statements import among, as_day, fetch

Pair = tuple[int, int]
"""(metric version id, team id): what a team's series is known by."""


@dataclass(frozen=True, slots=True)
class SourceHistory:
    """One source's snapshots as the rules want them, with their row ids (same order)."""

    readings: SourceReadings
    ids: list[int]


Histories = Mapping[Pair, Sequence[SourceHistory]]
NOBODY = 0
"""Stands for the team in the pair of what no rule places."""


COLUMNS = "src.metric_version_id, src.team_id, src.id, src.name, src.retired_on, src.newest"
# How much of each source is read.
UNTIL = "AND s.as_of <= %s"
NEWEST, BOUNDED, WHOLE = "AND s.as_of = src.newest", "AND s.as_of >= src.carry", ""
LATEST = """AND s.as_of >= COALESCE(
  (SELECT n.as_of FROM teams_snapshot n WHERE n.source_id = src.id ORDER BY n.as_of DESC LIMIT 1 OFFSET 12),
  (SELECT MIN(m.as_of) FROM teams_snapshot m WHERE m.source_id = src.id))"""
TOTALS = "s.id, s.as_of, s.count, s.numerator, s.denominator, s.maximum"


def load(wanted: Mapping[Pair, date], whole: Iterable[Pair] = (), *, some: str = BOUNDED) -> Histories:
    """The snapshots of these series that a judgment of each one's day may need, oldest first. One query, two at most.

    With `some` NEWEST just the newest snapshot of each source, which is all that a value of today is made of; with
    LATEST its thirteen newest, however old.

    A judgment of a day on or after the newest snapshot reads the 90 days before that snapshot and one snapshot more a
    source (`Source.carry`), however long the history is. For earlier days, and for the series in `whole` (whose
    baseline is not recorded yet), the history is read from its beginning.
    """
    if not wanted:
        return {}
    from_the_beginning = set(whole)
    versions, teams = sorted({version for version, _ in wanted}), sorted({team for _, team in wanted})
    found: dict[Pair, dict[int, SourceHistory]] = {}
    further: set[int] = set()
    if from_the_beginning != wanted.keys():
        rows = _rows(versions, teams, some)
        for version, team, source, name, retired_on, newest, *totals in rows:
            pair = (version, team)
            day = wanted.get(pair)
            if day is None or pair in from_the_beginning:
                continue
            if newest > day:
                further.add(source)
            else:
                _add(found, pair, source, name, retired_on, totals)
    if from_the_beginning or further:
        for version, team, source, name, retired_on, _, *totals in _rows(versions, teams, WHOLE):
            pair = (version, team)
            if source in further or pair in from_the_beginning:
                _add(found, pair, source, name, retired_on, totals)
    return {pair: sorted(held.values(), key=lambda history: history.readings.name) for pair, held in found.items()}


def load_unowned(versions: Iterable[int], some: str = "") -> Histories:
    """The snapshots of what no rule places, by (metric version, NOBODY). They count in roll-ups only. One query."""
    found: dict[Pair, dict[int, SourceHistory]] = {}
    wanted = sorted(set(versions))
    if wanted:
        of_versions, parameters = among("src.metric_version_id", wanted)
        for version, _, source, name, retired_on, _, *totals in _read(
            f"{of_versions} AND src.team_id IS NULL", parameters, some
        ):
            _add(found, (version, NOBODY), source, name, retired_on, totals)
    return {pair: list(held.values()) for pair, held in found.items()}


def load_version(version: int, until: date) -> dict[int, list[SourceReadings]]:
    """By team: every snapshot of a metric version up to a day, whatever the team has to do with it. One query."""
    found: dict[Pair, dict[int, SourceHistory]] = {}
    rows = _read("src.metric_version_id = %s AND src.team_id IS NOT NULL", [until.isoformat(), version], UNTIL)
    for _, team, source, name, retired_on, _, *totals in rows:
        _add(found, (version, team), source, name, retired_on, totals)
    return {team: [history.readings for history in held.values()] for (_, team), held in found.items()}


def _add(
    found: dict[Pair, dict[int, SourceHistory]],
    pair: Pair,
    source: int,
    name: str,
    retired_on: date | None,
    totals: list[Any],
) -> None:
    held = found.setdefault(pair, {})
    history = held.get(source)
    if history is None:
        history = held[source] = SourceHistory(SourceReadings(name, [], retired_on), [])
    history.ids.append(totals[0])
    history.readings.readings.append(Reading(*totals[1:]))  # type: ignore[attr-defined]


def _rows(versions: list[int], teams: list[int], since: str) -> Iterable[tuple[Any, ...]]:
    of_versions, first = among("src.metric_version_id", versions)
    of_teams, second = among("src.team_id", teams)
    return _read(f"{of_versions} AND {of_teams}", first + second, since)


def _read(condition: str, parameters: list[Any], since: str) -> Iterable[tuple[Any, ...]]:
    """Snapshots of the sources that a condition chooses, each source's oldest first.

    On PostgreSQL the lateral subquery (with OFFSET 0, which keeps it apart) reads each source by the index, whatever
    the planner believes of the table; SQLite does so by itself.
    """
    if connection.vendor == "postgresql":
        return fetch(
            f"""SELECT {COLUMNS}, s.* FROM teams_source src CROSS JOIN LATERAL (
            SELECT {TOTALS} FROM teams_snapshot s WHERE s.source_id = src.id {since} ORDER BY s.as_of OFFSET 0) s
            WHERE {condition}""",  # noqa: S608
            parameters,
        )
    rows = fetch(
        f"""SELECT {COLUMNS}, {TOTALS} FROM teams_source src JOIN teams_snapshot s ON s.source_id = src.id {since}
        WHERE {condition} ORDER BY src.id, s.as_of""",  # noqa: S608
        parameters,
    )
    return [(*row[:4], as_day(row[4]), as_day(row[5]), row[6], as_day(row[7]), *row[8:]) for row in rows]


@dataclass(frozen=True, slots=True)
class SnapshotIds:
    """The snapshots a trail is made of, by source: the newest and, where there is one, the one before."""

    newest: Mapping[str, int]
    previous: Mapping[str, int]


def snapshot_ids(histories: Sequence[SourceHistory], day: date) -> SnapshotIds:
    """Which snapshots hold the items of a team's value on a day."""
    newest, previous = {}, {}
    for history in histories:
        source = history.readings
        if source.retired_on is not None and day >= source.retired_on:
            continue
        at = sum(1 for reading in source.readings if reading.as_of <= day)
        if at:
            newest[source.name] = history.ids[at - 1]
        if at > 1:
            previous[source.name] = history.ids[at - 2]
    return SnapshotIds(newest, previous)


Packed = Mapping[str, "float | list[float]"]
"""The observations of a snapshot as it holds them, by item."""


def load_items(snapshots: Iterable[int]) -> dict[int, Packed]:
    """The observations of these snapshots by snapshot id, as they are held. One query."""
    text = "items::text" if connection.vendor == "postgresql" else "items"
    condition, parameters = among("id", list(snapshots))
    rows = fetch(f"SELECT id, {text} FROM teams_snapshot WHERE {condition}", parameters)  # noqa: S608
    return {pk: json.loads(items) for pk, items in rows}


def unpack(held: float | list[float]) -> tuple[float, float]:
    """(numerator, denominator) of an observation as a snapshot holds it; the denominator is 0 where there is none."""
    return (held[0], held[1]) if isinstance(held, list) else (held, 0.0)


def short(number: float) -> float:
    """A number as a snapshot holds it: a whole one without a point."""
    return int(number) if number.is_integer() and -(2**53) < number < 2**53 else number


@dataclass(frozen=True, slots=True)
class Earlier:
    """The items of the snapshot before: only those on the trail are ever asked for, so that the rest stay packed."""

    packed: Packed
    source: str

    def get(self, name: str) -> Item | None:
        """One item; None where it was not there."""
        held = self.packed.get(name)
        return None if held is None else Item(name, *unpack(held), self.source)


def trail_items(ids: SnapshotIds, held: Mapping[int, Packed]) -> tuple[list[Item], dict[str, Earlier]]:
    """The newest items of all live sources, and those of the snapshots before, as the trail wants them."""
    items = []
    for source, pk in ids.newest.items():
        for name, numbers in held[pk].items():
            if isinstance(numbers, list):
                items.append(Item(name, numbers[0], numbers[1], source))
            else:
                items.append(Item(name, numbers, 0.0, source))
    return items, {source: Earlier(held[pk], source) for source, pk in ids.previous.items()}

"""Every team's series on one metric version at once, as plain arrays, whatever its length. One query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from django.db import connection

from program.models import MetricVersion
from program.rules.pace import Record, Records, Stretch, record, stretches
from program.rules.track import EMPTY, Track, of_one, size_of, track

from .series import load
from .statements import as_day, fetch

VALUE = {
    "sum": "s.numerator", "ratio": "s.numerator / NULLIF(s.denominator, 0)", "mean": "s.numerator / NULLIF(s.count, 0)",
    "max": "s.maximum", "latest": "CASE WHEN s.count = 1 THEN s.numerator END",
}  # fmt: skip
"""The value of one snapshot alone, as program/rules/series.py has it."""
POSTGRESQL = """
SELECT src.team_id, src.retired_on, a.days, a.found, src.id
FROM teams_source src CROSS JOIN LATERAL (
  SELECT array_agg(s.as_of - DATE '0001-01-01' + 1 ORDER BY s.as_of)::text AS days,
    array_agg({value} ORDER BY s.as_of) AS found
  FROM teams_snapshot s WHERE s.source_id = src.id) a
WHERE src.metric_version_id = %s AND src.team_id IS NOT NULL AND a.days IS NOT NULL
"""
SQLITE = """
SELECT src.id, src.team_id, src.retired_on, s.as_of || '', {value}
FROM teams_source src JOIN teams_snapshot s ON s.source_id = src.id
WHERE src.metric_version_id = %s AND src.team_id IS NOT NULL ORDER BY src.id, s.as_of
"""
NEWEST = """
SELECT src.id, s.count, s.numerator, s.denominator
FROM teams_source src JOIN teams_snapshot s ON s.source_id = src.id AND s.as_of = src.newest
WHERE src.metric_version_id = %s AND src.team_id IS NOT NULL
"""


class Source(NamedTuple):
    """One source's snapshots, each with its value alone; days as ordinals."""

    pk: int
    retired_on: date | None
    days: Sequence[int]
    values: Sequence[float | None]


@dataclass(frozen=True)
class Ground:
    """What a metric's teams have measured so far: each team's track and record, by team (id)."""

    version: MetricVersion
    tracks: dict[int, Track]
    records: dict[int, Record]

    def track(self, team: int) -> Track:
        """A team's track; empty for one that has measured nothing."""
        return self.tracks.get(team, EMPTY)

    def known(self) -> Records:
        """The records, to compare with."""
        return Records(self.records.values())

    def values(self, day: date) -> dict[int, float]:
        """The teams' values on a day, by team; those that have one."""
        at = day.toordinal()
        on_day = {team: one.on(at)[0] for team, one in self.tracks.items()}
        return {team: value for team, value in on_day.items() if value is not None}


def ground(version: MetricVersion) -> Ground:
    """Read what the teams have measured by this version of a metric. Two queries; more where teams have several
    sources, or one that is retired."""
    found: dict[int, list[Source]] = defaultdict(list)
    for team, source in _sources(version):
        found[team].append(source)
    sizes = {
        pk: size_of(version.aggregation, count, numerator, denominator)
        for pk, count, numerator, denominator in fetch(NEWEST, [version.pk])
    }
    tracks = {team: _of_one(sources[0], sizes) for team, sources in found.items() if _is_plain(sources)}
    others = [team for team in found if team not in tracks]
    if others:
        histories = load({(version.pk, team): date.max for team in others}, whole=[(version.pk, t) for t in others])
        for (_, team), sources in histories.items():
            tracks[team] = track(version.aggregation, [source.readings for source in sources])
    return Ground(version, tracks, _records(tracks, version))


def _records(tracks: Mapping[int, Track], version: MetricVersion) -> dict[int, Record]:
    up = version.direction == MetricVersion.Direction.UP
    known: dict[int, list[Stretch]] = {}
    found = {}
    for team, one in tracks.items():
        days = known.get(id(one.days))
        if days is None:
            days = known[id(one.days)] = stretches(one.days)
        best = record(one, version.aggregation, up, days)
        if best is not None:
            found[team] = best
    return found


def _sources(version: MetricVersion) -> Iterable[tuple[int, Source]]:
    """Each team's sources; those that were measured on the same days share one list of them."""
    value = VALUE[version.aggregation]
    if connection.vendor == "postgresql":
        known: dict[str, list[int]] = {}
        for team, retired_on, text, values, pk in fetch(POSTGRESQL.format(value=value), [version.pk]):
            if text not in known:
                known[text] = [int(day) for day in text[1:-1].split(",")]
            yield team, Source(pk, retired_on, known[text], values)
        return
    shared: dict[tuple[str, ...], list[int]] = {}
    for _, group in groupby(fetch(SQLITE.format(value=value), [version.pk]), key=itemgetter(0)):
        rows = list(group)
        pk, team, retired_on, *_ = rows[0]
        texts = tuple([row[3] for row in rows])
        if texts not in shared:
            shared[texts] = [date.fromisoformat(text).toordinal() for text in texts]
        yield team, Source(pk, as_day(retired_on), shared[texts], [row[4] for row in rows])


def _is_plain(sources: Sequence[Source]) -> bool:
    """Whether a team has one source, not retired, that always had a value."""
    return len(sources) == 1 and sources[0].retired_on is None and None not in sources[0].values


def _of_one(source: Source, sizes: Mapping[int, float]) -> Track:
    return of_one(source.days, source.values, sizes.get(source.pk, 0.0))  # type: ignore[arg-type]

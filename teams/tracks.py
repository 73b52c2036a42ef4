"""Every team's series on one metric version at once, as plain arrays, whatever its length. One query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from django.db import connection

from program.models import MetricVersion
from program.rules import pace
from program.rules.pace import Record, Records, record
from program.rules.series import Reading, SourceReadings
from program.rules.track import EMPTY, Track, of_one, size_of, track

from .statements import as_day, fetch

SECOND = {"sum": "0", "ratio": "s.denominator", "mean": "s.count", "max": "0", "latest": "s.count"}
"""What a value is made of beside the numerator (or, of `max`, the largest)."""
POSTGRESQL = """
SELECT src.team_id, src.retired_on, a.days, a.first, a.second
FROM teams_source src CROSS JOIN LATERAL (
  SELECT array_agg(s.as_of - DATE '0001-01-01' + 1 ORDER BY s.as_of) AS days,
    array_agg({first} ORDER BY s.as_of) AS first, array_agg({second} ORDER BY s.as_of) AS second
  FROM teams_snapshot s WHERE s.source_id = src.id) a
WHERE src.metric_version_id = %s AND src.team_id IS NOT NULL AND a.days IS NOT NULL
"""
SQLITE = """
SELECT src.id, src.team_id, src.retired_on, s.as_of || '', {first}, {second}
FROM teams_source src JOIN teams_snapshot s ON s.source_id = src.id
WHERE src.metric_version_id = %s AND src.team_id IS NOT NULL ORDER BY src.id, s.as_of
"""


MOST_STARTS = 32


class Source(NamedTuple):
    """One source's snapshots: days as ordinals, and the two numbers that values are made of."""

    retired_on: date | None
    days: Sequence[int]
    first: Sequence[float | None]
    second: Sequence[float]


@dataclass(frozen=True)
class Ground:
    """What a metric's teams have measured so far: each team's track and record, by team (id)."""

    version: MetricVersion
    tracks: dict[int, Track]
    records: dict[int, Record]
    _own: dict[int, dict[int, float | None]] = field(default_factory=dict)
    """by day and team: what is worked out once, however often the same start is asked about"""

    def track(self, team: int) -> Track:
        """A team's track; empty for one that has measured nothing."""
        return self.tracks.get(team, EMPTY)

    def own(self, team: int, start: date) -> float | None:
        """A team's own pace before a day."""
        day = start.toordinal()
        on_day = self._own.get(day)
        if on_day is None:
            if len(self._own) >= MOST_STARTS:
                self._own.clear()
            on_day = self._own.setdefault(day, {})
        if team not in on_day:
            up = self.version.direction == MetricVersion.Direction.UP
            on_day[team] = pace.own(self.track(team), day, up)
        return on_day[team]

    def known(self) -> Records:
        """The records, to compare with."""
        return Records(self.records.values())

    def values(self, day: date) -> dict[int, float]:
        """The teams' values on a day, by team; those that have one."""
        at = day.toordinal()
        on_day = {team: one.on(at)[0] for team, one in self.tracks.items()}
        return {team: value for team, value in on_day.items() if value is not None}


def ground(version: MetricVersion) -> Ground:
    """Read what the teams have measured by this version of a metric. One query."""
    found: dict[int, list[Source]] = defaultdict(list)
    days: dict[tuple[int, ...], list[int]] = {}
    for team, source in _sources(version):
        # Most teams are measured on the same days: they share one list.
        shared = days.setdefault(tuple(source.days), list(source.days))
        found[team].append(source._replace(days=shared))
    up, kind = version.direction == MetricVersion.Direction.UP, version.aggregation
    tracks = {team: _track(kind, sources) for team, sources in found.items()}
    records = {team: best for team, one in tracks.items() if (best := record(one, kind, up)) is not None}
    return Ground(version, tracks, records)


def _sources(version: MetricVersion) -> Iterable[tuple[int, Source]]:
    first = "s.maximum" if version.aggregation == MetricVersion.Aggregation.MAX else "s.numerator"
    columns = {"first": first, "second": SECOND[version.aggregation]}
    if connection.vendor == "postgresql":
        for team, retired_on, *arrays in fetch(POSTGRESQL.format(**columns), [version.pk]):
            yield team, Source(retired_on, *arrays)
        return
    known: dict[str, int] = {}
    found: dict[int, tuple[int, Source]] = {}
    for pk, team, retired_on, as_of, one, other in fetch(SQLITE.format(**columns), [version.pk]):
        if pk not in found:
            found[pk] = team, Source(as_day(retired_on), [], [], [])
            days, firsts, seconds = found[pk][1][1:]
        if as_of not in known:
            known[as_of] = date.fromisoformat(as_of).toordinal()
        days.append(known[as_of])  # type: ignore[attr-defined]
        firsts.append(one)  # type: ignore[attr-defined]
        seconds.append(other)  # type: ignore[attr-defined]
    yield from found.values()


def _track(kind: str, sources: Sequence[Source]) -> Track:
    """A team's track: of one source that is not retired and always has a value, in no time."""
    if len(sources) == 1 and sources[0].retired_on is None:
        (only,) = sources
        values = only.first
        if kind == "ratio" and all(only.second):
            values = [above / below for above, below in zip(only.first, only.second, strict=True)]  # type: ignore[operator]
            return of_one(only.days, values, only.second[-1])  # type: ignore[arg-type]
        if kind == "sum":
            return of_one(only.days, values, size_of(kind, 0, values[-1], 0.0))  # type: ignore[arg-type]
    return track(kind, [_readings(kind, source) for source in sources])


def _readings(kind: str, source: Source) -> SourceReadings:
    made = []
    for day, one, other in zip(source.days, source.first, source.second, strict=True):
        ratio, most = kind == "ratio", kind == "max"
        made.append(
            Reading(
                date.fromordinal(day), 0 if ratio or most else int(other), 0.0 if most or one is None else one,
                other if ratio else 0.0, one if most else None,
            )
        )  # fmt: skip
    return SourceReadings("", made, source.retired_on)

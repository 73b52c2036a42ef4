"""Placing: a payload's rows become the snapshots they name, each row with its team, or faults that say why not."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice

from accounts.clock import latest_today
from program.feeds.batch import Batch, Row
from program.models import MetricVersion

from . import ownership
from .models import Source, Team
from .ownership import Owners
from .series import short
from .statements import among, fetch

AT_A_TIME = 5000
"""Rows that are looked at together: their metrics and teams are asked for in one query each."""

SnapshotKey = tuple[int, int | None, str, date]
"""(metric version id, team id or None, source, as_of)."""


@dataclass(slots=True)
class NamedSnapshot:
    """One snapshot that a batch names, before it is compared with what is held.

    Numbers are in arrays beside the names: a batch of a million observations has to fit.
    """

    aggregation: str
    names: dict[str, None] = field(default_factory=dict)
    numerators: array[float] = field(default_factory=lambda: array("d"))
    denominators: array[float] = field(default_factory=lambda: array("d"))
    by_rule: list[str] = field(default_factory=list)
    """items that ownership placed"""
    owned: bool = True

    @property
    def placed(self) -> bool:
        """Whether ownership placed all of it."""
        return len(self.by_rule) == len(self.names)

    @property
    def placed_items(self) -> list[str] | None:
        """The items that ownership placed beside others that were sent by name; None where they are all or none."""
        return sorted(self.by_rule) if self.by_rule and not self.placed else None

    def items(self) -> dict[str, float | list[float]]:
        """The observations as a snapshot holds them."""
        above = map(short, self.numerators)
        if self.aggregation == "ratio":
            return dict(zip(self.names, map(list, zip(above, map(short, self.denominators), strict=True)), strict=True))
        return dict(zip(self.names, above, strict=True))


@dataclass(slots=True)
class Placed:
    """All snapshots that a batch names; `versions` are those of the metrics it speaks of, by key."""

    named: dict[SnapshotKey, NamedSnapshot] = field(default_factory=dict)
    versions: dict[str, MetricVersion] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a report covers, so that a team it says nothing of has an empty snapshot: "owners", "all" or team keys."""

    teams: str | Sequence[str] = "owners"


class Placer:
    """Places one batch; keeps what it looked up."""

    def __init__(
        self,
        batch: Batch,
        metrics: frozenset[str] | None,
        now: datetime,
        versions: Mapping[str, MetricVersion] | None = None,
    ) -> None:
        """`metrics` are those it may speak of (None: any); `versions` are used instead of their current ones."""
        self.batch = batch
        self.metrics = metrics
        self.future = latest_today(now)
        self.placed = Placed()
        self._teams: dict[str, tuple[int, bool]] = {}
        self._asked_teams: set[str] = set()
        self._asked_metrics: set[str] = set(versions or ())
        self.placed.versions |= dict(versions or {})
        self._owners: Owners | None = None
        self._sources: set[str] = set()
        self._slots: dict[tuple[str, str, str, date], tuple[SnapshotKey, NamedSnapshot]] = {}

    def place(self) -> Placed:
        """Place all rows. Those that fit nowhere become faults of the batch."""
        rows = iter(self.batch.rows)
        while part := list(islice(rows, AT_A_TIME)):
            self._look_up(part)
            for row in part:
                self._row(row)
        for line, metric, team, source, as_of in self.batch.complete:
            self._look_up([Row(line, metric, team, source, "", as_of, 0.0, None)])
            wrong = self._wrong(metric, team, as_of)
            if wrong:
                self.batch.fault(line, f"complete: {wrong}")
            else:
                self._snapshot(self.placed.versions[metric], self._teams[team][0] if team else None, source, as_of)
        return self.placed

    def _look_up(self, rows: Sequence[Row]) -> None:
        metrics = {row.metric for row in rows} - self._asked_metrics
        if metrics:
            self._asked_metrics |= metrics
            allowed = metrics if self.metrics is None else metrics & self.metrics
            found = MetricVersion.objects.filter(metric__key__in=allowed, current=True).select_related("metric")
            self.placed.versions |= {version.metric.key: version for version in found}
        teams = {row.team for row in rows} - self._asked_teams - {""}
        if teams:
            self._asked_teams |= teams
            condition, parameters = among("key", sorted(teams))
            held = fetch(f"SELECT key, id, leaf FROM teams_team WHERE {condition}", parameters)  # noqa: S608
            self._teams |= {key: (pk, bool(leaf)) for key, pk, leaf in held}
        sources = {row.source for row in rows if not row.team}
        if sources - self._sources:
            self._sources |= sources
            self._owners = ownership.load(self._sources)

    def _row(self, row: Row) -> None:
        line, metric, team, source, item, as_of, above, below = row
        slot = self._slots.get((metric, team, source, as_of)) if team else None
        if slot is None:
            wrong = self._wrong(metric, team, as_of)
            if wrong:
                self.batch.fault(line, wrong)
                return
            slot = self._slot(row)
        snapshot = slot[1]
        names = snapshot.names
        ratio = snapshot.aggregation == "ratio"
        if (
            ratio != (below is not None)
            or (below is not None and below < 0)
            or (names and self._clashes(snapshot, item))
        ):
            self.batch.fault(line, _unfit(snapshot, row, ratio=ratio))
            return
        names[item] = None
        snapshot.numerators.append(above)
        if below is not None:
            snapshot.denominators.append(below)
        if not team:
            snapshot.by_rule.append(item)

    @staticmethod
    def _clashes(snapshot: NamedSnapshot, item: str) -> bool:
        """Whether an item cannot join those of its snapshot."""
        names = snapshot.names
        if item in names or not item or "" in names:
            return True
        # What nobody owns is never refused: of a `latest`, too, several may wait for their teams.
        return snapshot.owned and snapshot.aggregation == "latest"

    def _slot(self, row: Row) -> tuple[SnapshotKey, NamedSnapshot]:
        if row.team:
            team: int | None = self._teams[row.team][0]
        else:
            team = self._owners.team_of(row.source, row.item, row.as_of) if self._owners else None
        slot = self._snapshot(self.placed.versions[row.metric], team, row.source, row.as_of)
        if row.team:
            self._slots[row.metric, row.team, row.source, row.as_of] = slot
        return slot

    def _snapshot(
        self, version: MetricVersion, team: int | None, source: str, as_of: date
    ) -> tuple[SnapshotKey, NamedSnapshot]:
        key = (version.pk, team, source, as_of)
        found = self.placed.named.get(key)
        if found is None:
            found = self.placed.named[key] = NamedSnapshot(version.aggregation, owned=team is not None)
        return key, found

    def _wrong(self, metric: str, team: str, as_of: date) -> str:
        """What is wrong with where a row belongs; empty if nothing."""
        if metric not in self.placed.versions:
            return f"metric {metric[:60]!a} is not known here; apply its program first, or check the token's scope"
        if team and team not in self._teams:
            return f"team {team[:60]!a} is not known; apply its Group first, or leave it empty"
        if team and not self._teams[team][1]:
            return f"{team!a} is a group; observations are of its teams"
        return f"as_of {as_of} is in the future" if as_of > self.future else ""

    def cover(self, scope: Scope) -> int:
        """Give each team in a report's scope that it says nothing of an empty snapshot. Returns how many.

        In scope are the teams that own something of the source (or all, or those named), and those of which the
        source spoke before: the last finding gone is a 0, not the old count.
        """
        day, source = self.batch.as_of, self.batch.source
        if day is None or day > self.future:
            return 0
        self._look_up([Row(0, metric, "", source, "", day, 0.0, None) for metric in self.batch.spoken])
        versions = [self.placed.versions[key] for key in self.batch.spoken if key in self.placed.versions]
        teams = self._in_scope(scope, source, day)
        known = Source.objects.filter(metric_version__in=versions, name=source)
        before: dict[int, set[int | None]] = {version.pk: set() for version in versions}
        for pk, team, retired_on in known.values_list("metric_version", "team", "retired_on"):
            if retired_on is None or retired_on > day:
                before[pk].add(team)
        empty = 0
        for version in versions:
            for covered in {*teams, *before[version.pk]}:
                if (version.pk, covered, source, day) not in self.placed.named:
                    self._snapshot(version, covered, source, day)
                    empty += 1
        return empty

    def _in_scope(self, scope: Scope, source: str, day: date) -> set[int]:
        if scope.teams in ("", "owners"):
            return self._owners.teams_of(source, day) if self._owners else set()
        leaves = Team.objects.leaves()
        chosen = leaves if scope.teams == "all" else leaves.filter(key__in=scope.teams)
        return set(chosen.values_list("pk", flat=True))


def _unfit(snapshot: NamedSnapshot, row: Row, *, ratio: bool) -> str:
    """What is wrong with a row in its snapshot."""
    where = f"{row.metric}, {row.team or 'no team'}{', ' + row.source if row.source else ''} as of {row.as_of}"
    if ratio and (row.denominator is None or row.denominator < 0):
        return f"{row.metric} is a ratio: a denominator of 0 or more was expected"
    if not ratio and row.denominator is not None:
        return f"{row.metric} is a {snapshot.aggregation}, no ratio: an empty denominator was expected"
    if row.item in snapshot.names:
        return f"item {row.item[:60]!a} stands once in the snapshot of {where}; this is its second line"
    if snapshot.aggregation == MetricVersion.Aggregation.LATEST:
        return f"{row.metric} is a latest: one line was expected in the snapshot of {where}"
    return f"a snapshot has named items or one figure without an item, not both: {where}"


def named_pairs(named: Iterable[SnapshotKey]) -> set[tuple[int, int | None]]:
    """(metric version, team) of these snapshots."""
    return {key[:2] for key in named}


Named = Mapping[SnapshotKey, NamedSnapshot]

"""Placing anew: what ownership placed since a day is placed again by the rules of now, and what that moves is told."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import connection

from accounts.clock import today
from program.models import MetricVersion

from . import ownership
from .keeping import COLUMNS, as_list, as_text, bound, judge_touched, sources_of, totals
from .models import LONG_AGO, Goal, Snapshot, Source, Team
from .placing import NamedSnapshot, SnapshotKey
from .retention import were_let_go
from .series import unpack
from .standings import Judged, compute
from .statements import as_day, fetch
from .terms import in_force
from .upsert import upsert


@dataclass(frozen=True, slots=True)
class Moved:
    """One goal whose standing a change moves."""

    team: str
    team_name: str
    metric: str
    metric_name: str
    unit: str
    aggregation: str
    before: float | None
    after: float | None
    status_before: str
    status_after: str


@dataclass(slots=True)
class Effect:
    """What a change of ownership does: items that change hands (from, to, number), and standings that move."""

    items: list[tuple[str, str, int]] = field(default_factory=list)
    standings: list[Moved] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """lines of a file that its host would skip as well"""
    unknown: list[str] = field(default_factory=list)
    """owners in a file that are no team here"""
    judged: int = 0
    due: int = 0


@dataclass(slots=True)
class _Group:
    """One metric's observations of one source and day: what rules placed, by whoever has it now, and what was sent by
    name, which stays."""

    held: dict[int | None, dict[str, object]] = field(default_factory=dict)
    named: dict[int | None, dict[str, object]] = field(default_factory=dict)
    run: int = 0


def place_anew(sources: Collection[str] | None, since: date, now: datetime) -> Effect:
    """Place again what ownership placed since a day, in these sources (None: in all). Runs in one transaction.

    A team that owns nothing of a source any more has its part of it retired from that day on. Snapshots keep the run
    they came with; what somebody sent for a team by name stays with that team.
    """
    names = sorted(set(Source.objects.values_list("name", flat=True).distinct() if sources is None else sources))
    owners = ownership.load(names)
    effect, hands = Effect(), Counter[tuple[int | None, int | None]]()
    touched: set[tuple[int, int | None]] = set()
    versions = MetricVersion.objects.in_bulk()
    affected = _goals_near(names)
    before = _judge(affected, now)
    for version, name, groups in _placed_since(names, since):
        named, runs = _place(versions[version], name, groups, owners, hands)
        touched |= {key[:2] for key in named}
        _write(named, runs)
    touched |= _retire(names, owners, since, now)
    effect.judged, effect.due = judge_touched(touched, now)
    teams = {pk: (key, title) for pk, key, title in Team.objects.values_list("pk", "key", "name")}
    effect.items = sorted(
        ((teams[old][0] if old else "", teams[new][0] if new else "", n) for (old, new), n in hands.items()),
        key=lambda line: (-line[2], line),
    )
    after = _judge(affected, now)
    effect.standings = _moved(before, after, teams, versions)
    return effect


def _goals_near(names: Iterable[str]) -> list[int]:
    """Live goals on metrics that these sources feed."""
    metrics = set(Source.objects.filter(name__in=list(names)).values_list("metric_version__metric", flat=True))
    return list(Goal.objects.on_scorecards().filter(metric__in=metrics).order_by().values_list("pk", flat=True))


def _judge(goals: list[int], now: datetime) -> dict[int, Judged]:
    return {j.on_day.goal: j for j in compute(in_force(goals, lambda zone: today(zone, now)))[0]}


def _placed_since(names: list[str], since: date) -> Iterator[tuple[int, str, dict[date, _Group]]]:
    """(metric version, source, its groups by day): one series at a time, so that a long past takes little memory."""
    series = Source.objects.filter(name__in=names, snapshots__isnull=False).order_by()
    cast = "::text" if connection.vendor == "postgresql" else ""
    for version, name in sorted(series.values_list("metric_version", "name").distinct()):
        groups: dict[date, _Group] = defaultdict(_Group)
        for team, day, run, count, placed, some, text in fetch(
            f"""SELECT src.team_id, s.as_of, s.run_id, s.count, s.placed, s.placed_items{cast}, s.items{cast}
            FROM teams_source src JOIN teams_snapshot s ON s.source_id = src.id
            WHERE src.metric_version_id = %s AND src.name = %s AND s.as_of >= %s""",  # noqa: S608
            [version, name, since.isoformat()],
        ):
            as_of, items = as_day(day), json.loads(text)
            if as_of is None or were_let_go(count, items):
                continue
            group = groups[as_of]
            by_rule = set(items) if placed else set(json.loads(some)) if some else set()
            group.held[team] = {item: numbers for item, numbers in items.items() if item in by_rule}
            group.named[team] = {item: numbers for item, numbers in items.items() if item not in by_rule}
            group.run = max(group.run, run if by_rule or placed else 0)
        yield version, name, {day: group for day, group in groups.items() if any(group.held.values())}


def _place(
    version: MetricVersion,
    name: str,
    groups: Mapping[date, _Group],
    owners: ownership.Owners,
    hands: Counter[tuple[int | None, int | None]],
) -> tuple[dict[SnapshotKey, NamedSnapshot], dict[SnapshotKey, int]]:
    """The snapshots of a series that change, as they are to be, with the run of each."""
    named: dict[SnapshotKey, NamedSnapshot] = {}
    runs: dict[SnapshotKey, int] = {}
    for day, group in groups.items():
        moves = [
            (team, owner, item, numbers)
            for team, items in group.held.items()
            for item, numbers in items.items()
            if (owner := owners.team_of(name, item, day)) != team
            # An item that was sent by name stands once in its team's snapshot: its namesake stays where it is.
            and item not in group.named.get(owner, {})
        ]
        changed = {team for old, new, _, _ in moves for team in (old, new)}
        for old, new, _, _ in moves:
            hands[old, new] += 1
        wanted: dict[int | None, dict[str, object]] = {team: dict(group.held.get(team, {})) for team in changed}
        for old, new, item, numbers in moves:
            del wanted[old][item]
            wanted[new][item] = numbers
        for team in changed:
            key = (version.pk, team, name, day)
            named[key] = _snapshot(version, group.named.get(team, {}), wanted[team], owned=team is not None)
            runs[key] = group.run
    return named, runs


def _snapshot(
    version: MetricVersion, by_name: Mapping[str, object], by_rule: Mapping[str, object], *, owned: bool
) -> NamedSnapshot:
    made = NamedSnapshot(version.aggregation, owned=owned)
    made.by_rule.extend(by_rule)
    for item, numbers in {**by_name, **by_rule}.items():
        above, below = unpack(numbers)  # type: ignore[arg-type]
        made.names[item] = None
        made.numerators.append(above)
        if version.aggregation == MetricVersion.Aggregation.RATIO:
            made.denominators.append(below)
    return made


def _write(named: Mapping[SnapshotKey, NamedSnapshot], runs: Mapping[SnapshotKey, int]) -> None:
    if not named:
        return
    sources = sources_of(named)
    emptied = [key for key, snapshot in named.items() if key[1] is None and not snapshot.names]
    for key in emptied:  # a team that lost its last item has a 0; nobody needs none
        Snapshot.objects.filter(source=sources[key[:3]], as_of=key[3]).delete()
    rows = [
        (
            sources[key[:3]],
            key[3],
            runs[key],
            *totals(snapshot),
            as_text(snapshot.items()),
            snapshot.placed,
            as_list(snapshot),
        )
        for key, snapshot in named.items()
        if key not in emptied
    ]
    upsert(Snapshot, COLUMNS, rows, unique=("source", "as_of"))
    bound(set(sources.values()))


def _retire(names: list[str], owners: ownership.Owners, since: date, now: datetime) -> set[tuple[int, int | None]]:
    """Retire the sources of teams that own nothing there any more, and take up again those that do. Gives both.

    Only sources that hold placed snapshots and nothing else are meant: what was sent by name is not ownership's.
    """
    day = max(since, date(1970, 1, 1))
    touched: set[tuple[int, int | None]] = set()
    rows = Source.objects.filter(name__in=names, team__isnull=False, snapshots__placed=True)
    rows = rows.exclude(snapshots__placed=False).distinct()
    for source in rows:
        owns = source.team_id in owners.teams_of(source.name, today("UTC", now))
        holds = source.snapshots.filter(as_of__gte=since, count__gt=0).exists()
        if owns or holds:
            if source.retired_on is not None and source.retired_on >= day and holds:
                source.retired_on = None
                source.save(update_fields=["retired_on"])
                touched.add((source.metric_version_id, source.team_id))
            continue
        if since == LONG_AGO or not source.snapshots.filter(as_of__lt=since).exists():
            touched.add((source.metric_version_id, source.team_id))
            source.delete()
        elif source.retired_on is None:
            source.retired_on = day
            source.save(update_fields=["retired_on"])
            touched.add((source.metric_version_id, source.team_id))
    Source.objects.filter(name__in=names, team=None, snapshots=None).delete()
    return touched


def _moved(
    before: Mapping[int, Judged],
    after: Mapping[int, Judged],
    teams: Mapping[int, tuple[str, str]],
    versions: Mapping[int, MetricVersion],
) -> list[Moved]:
    metrics = {
        version.metric_id: version for version in MetricVersion.objects.filter(current=True).select_related("metric")
    }
    found = []
    for goal, now_judged in after.items():
        old, new = before[goal].judgment, now_judged.judgment
        if (old.status, old.value) == (new.status, new.value):
            continue
        g = now_judged.on_day
        version = versions[g.metric_version]
        metric = metrics[g.metric].metric
        found.append(
            Moved(
                *teams[g.team],
                metric.key,
                metric.name,
                version.unit,
                version.aggregation,
                old.value,
                new.value,
                str(old.status),
                str(new.status),
            )
        )
    return sorted(found, key=lambda moved: (moved.metric, moved.team))

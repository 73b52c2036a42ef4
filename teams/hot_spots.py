"""Where a metric's shortfall lies: the items and teams that hold most of it, in the newest snapshots of all sources."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from django.db import connection

from program.models import MetricVersion
from program.rules import hot_spots
from program.rules.hot_spots import TOP, Concentration, concentration, contribution, fixed, largest

from .models import Team
from .series import unpack
from .statements import as_day, fetch

STEPS = (1, 5, 10, 20, 50, 100, 500, 1000)
STATEMENT = """
SELECT src.team_id, src.name, s.as_of, s.numerator, s.denominator, {items}
FROM teams_source src JOIN teams_snapshot s ON s.source_id = src.id AND s.as_of = src.newest
WHERE src.metric_version_id = %s AND (src.retired_on IS NULL OR src.retired_on > %s) AND s.count > 0
"""


class Spot(NamedTuple):
    """An item that is short; `team` is the id of whose it is, None for what no rule places."""

    name: str
    source: str
    team: int | None
    short: float


class TeamSpot(NamedTuple):
    """A team (None: what is nobody's), what its items are short of together, and how many of them are."""

    team: Team | None
    short: float
    items: int


class Step(NamedTuple):
    """The largest so many items, their share of all items, and the share of the shortfall that they hold."""

    items: int
    of_items: float
    holds: float


@dataclass(frozen=True)
class HotSpots:
    """Where a metric's shortfall lies today."""

    version: MetricVersion
    items: int
    """measured, short or not"""
    spots: Sequence[Spot]
    """the largest 20"""
    by_item: Concentration
    teams: Sequence[TeamSpot]
    """the largest 20"""
    by_team: Concentration
    half: int
    """the fewest teams that hold half"""
    teams_measured: int
    unowned: float
    """the share that is nobody's"""
    steps: Sequence[Step]
    names: dict[int, Team]
    value: float | None
    after: float | None
    """the value once the few largest items are as they should be"""
    as_of: date | None
    """the newest measurement in it"""


def find(version: MetricVersion, day: date) -> HotSpots:
    """The hot spots of a metric that has such (program/rules/hot_spots.py). Two queries."""
    kind = version.aggregation, version.direction
    teams = Team.objects.in_bulk()
    spots: list[Spot] = []
    measured: set[int] = set()
    items, days, above, below = 0, [], [], []
    for team, source, as_of, numerator, denominator, held in _newest(version, day):
        days.append(as_day(as_of))
        above.append(numerator)
        below.append(denominator)
        if team is not None:
            measured.add(team)
        for name, packed in json.loads(held).items():
            items += 1
            short = contribution(*kind, *unpack(packed))
            if short:
                spots.append(Spot(name, source, team, short))
    ordered = largest(spots, lambda one: one.short, lambda one: (one.name, one.source))
    by_item = concentration([one.short for one in ordered])
    of_teams = _by_team(ordered, teams)
    by_team = concentration([one.short for one in of_teams if one.team is not None])
    numerator, denominator = math.fsum(above), math.fsum(below)
    return HotSpots(
        version=version,
        items=items,
        spots=ordered[:TOP],
        by_item=by_item,
        teams=of_teams[:TOP],
        by_team=by_team,
        half=_half([one.short for one in of_teams if one.team is not None], by_team.total),
        teams_measured=len(measured),
        unowned=sum(one.short for one in of_teams if one.team is None) / by_item.total if by_item.total else 0.0,
        steps=_steps([one.short for one in ordered], by_item.total, items),
        names=teams,
        value=fixed(*kind, numerator, denominator, 0.0) if days else None,
        after=fixed(*kind, numerator, denominator, math.fsum(one.short for one in ordered[: by_item.few])),
        as_of=max((one for one in days if one is not None), default=None),
    )


def has(version: MetricVersion) -> bool:
    """Whether the metric has hot spots at all."""
    return not hot_spots.why_not(version.aggregation, version.direction)


def _newest(version: MetricVersion, day: date) -> list[tuple[int | None, str, date, float, float, str]]:
    items = "s.items::text" if connection.vendor == "postgresql" else "s.items"
    return fetch(STATEMENT.format(items=items), [version.pk, day.isoformat()])


def _by_team(spots: Sequence[Spot], teams: dict[int, Team]) -> list[TeamSpot]:
    held: dict[int | None, list[float]] = defaultdict(list)
    for one in spots:
        held[one.team].append(one.short)
    found = [TeamSpot(teams.get(team or 0), math.fsum(sizes), len(sizes)) for team, sizes in held.items()]
    return largest(found, lambda one: one.short, lambda one: (one.team.key if one.team else "",))


def _half(sizes: Sequence[float], total: float) -> int:
    """How many of the largest it takes to hold half of all."""
    closed = 0.0
    for number, size in enumerate(sizes, 1):
        closed += size
        if closed >= total / 2:
            return number
    return 0


def _steps(sizes: Sequence[float], total: float, items: int) -> list[Step]:
    """What the largest 1, 5, 10, … items hold, and all of them."""
    found = []
    for number in (*(step for step in STEPS if step < len(sizes)), len(sizes)):
        if number and total:
            found.append(Step(number, number / items, min(1.0, math.fsum(sizes[:number]) / total)))
    return found

"""Who is on an item for long: while its goal is short, they are asked once, in their own digest, if they still are.

Taking an item keeps the lead's nudges still for four weeks (at_it.py). After that the one who knows is the one who
took it: whoever leads the team reads who is on it, and who is on it hears that it waits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from accounts.models import User
from program.models import Program
from teams import taking
from teams.models import Goal, TakenItem

from . import hours, notices
from .at_it import LATELY
from .models import Notice


class Took(NamedTuple):
    """An item that somebody took long ago, and one goal that counts it."""

    pk: int
    goal: int
    program: int
    team: int
    person: User
    item: str
    digest: str
    since: date
    """the team's day"""
    zone: str
    """whose calendar is theirs, if they gave none"""


def waiting(programs: Collection[int], now: datetime) -> list[Took]:
    """Items taken more than four weeks ago whose takers act in the team still and were not asked yet, with each goal
    of these programs that counts them. One query, three where there are any."""
    long_ago = TakenItem.objects.filter(released_at=None, at__lt=now - LATELY)
    rows = {one.row.pk: one.row for one in taking.open_among(long_ago) if not one.left}
    if not rows:
        return []
    asked = set(Notice.objects.filter(kind=notices.TAKEN, key__in=map(str, rows)).values_list("key", flat=True))
    goals: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    live = Goal.objects.on_scorecards().filter(program__in=programs, team__in={row.team_id for row in rows.values()})
    for goal, program, metric, team in live.order_by("pk").values_list("pk", "program", "metric", "team"):
        goals[metric, team].append((goal, program))
    return [
        Took(
            row.pk, goal, program, row.team_id, row.by, row.item, row.digest,
            row.at.astimezone(hours.zone(row.team.time_zone)).date(), row.team.time_zone,
        )
        for row in rows.values() if str(row.pk) not in asked
        for goal, program in goals[row.metric_id, row.team_id]
    ]  # fmt: skip


def due(
    found: Sequence[Took],
    now: datetime,
    programs: Mapping[int, Program],
    asked: dict[int, dict[int, date]],
    people: dict[int, User],
    zone_of: dict[int, str],
) -> dict[int, dict[int, Took]]:
    """By person and goal: what they are asked of on this week's turns; adds the people and turns it needs."""
    of_person: dict[int, dict[int, Took]] = defaultdict(dict)
    for one in found:
        zone = zone_of.setdefault(one.person.pk, one.person.time_zone or one.zone)
        due_day = hours.due_day(programs[one.program].nudge_weekday, now.astimezone(hours.zone(zone)).date())
        people.setdefault(one.person.pk, one.person)
        asked[one.person.pk].setdefault(one.program, due_day)
        of_person[one.person.pk].setdefault(one.goal, one)
    return of_person


def told(one: Took, facts: Mapping[str, Any], team: str) -> dict[str, Any]:
    """What the line in their digest says, as facts."""
    known = {taking.digest_of(c.get("source", ""), c["item"]): c["contribution"] for c in facts.get("trail", ())}
    return {
        "took": {"item": one.item, "since": one.since.isoformat(), "size": known.get(one.digest)},
        "because": {"took": one.item, "team": team, "own": False},
    }


def key(one: Took) -> str:
    """Of an item that somebody took they are asked once."""
    return str(one.pk)

"""Whose turn has come: which programs may speak to which person on this local day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from accounts.models import User
from program.models import Program
from teams.models import Goal, Team

from . import escalation, hours, takers
from .escalation import Warned
from .models import Digest, Turn
from .people import Addressee, Org, zones
from .takers import Took


@dataclass(frozen=True, slots=True)
class Due:
    """One person whose turn has come: their local day, the programs that may speak, the teams they are told about."""

    person: User
    day: date
    zone: str
    turns: Mapping[int, date]
    """program id → due day"""
    teams: Mapping[int, Addressee]
    """team id → why this person"""
    hears: Mapping[int, tuple[Warned, Team]] = field(default_factory=dict)
    """goal id → of what below they hear today, and what they lead above it"""
    took: Mapping[int, Took] = field(default_factory=dict)
    """goal id → an item of it that they took long ago"""


Pair = tuple[int, int, datetime]
"""A team and a program with a goal for it, and since when the oldest of these is there."""
TakenTurn = tuple[int, int, date]
"""A person, a program and the due day of a turn that was taken."""


def due_people(now: datetime, programs: Mapping[int, Program], org: Org) -> Iterator[Due]:
    """The people whose turn has come and is not taken. Five queries, two more where items are taken for long."""
    oldest = now.date() - timedelta(days=9)
    taken = set(Turn.objects.filter(due_day__gte=oldest).values_list("person", "program", "due_day"))
    planned = set(Digest.objects.filter(day__gte=oldest).values_list("person", "day"))
    warned = escalation.waiting(programs, now)
    took = takers.waiting(programs, now)
    yield from due_of(list(pairs(programs)), now, programs, org, taken, planned, warned, took)


def addressees(
    found: Sequence[Pair], programs: Mapping[int, Program], org: Org, now: datetime | None
) -> dict[int, Addressee | None]:
    """Who is told about each of the teams, of those who may see the programs (without a moment, whoever is away)."""
    audiences: dict[int, set[str]] = defaultdict(set)
    for team, program, _since in found:
        audiences[team].add(programs[program].audience)
    return {team: org.addressee(team, now, of_team) for team, of_team in audiences.items()}


def due_of(
    found: Sequence[Pair],
    now: datetime,
    programs: Mapping[int, Program],
    org: Org,
    taken: Collection[TakenTurn],
    planned: Collection[tuple[int, date]],
    warned: Sequence[Warned] = (),
    took: Sequence[Took] = (),
) -> Iterator[Due]:
    """The people whose turn has come, of these pairs, where these turns are taken, these digests planned, this was
    announced to leaders' teams, and these items were taken long ago."""
    whom = addressees(found, programs, org, now)
    zone_of = zones(one for one in whom.values() if one is not None)
    asked: dict[int, dict[int, date]] = defaultdict(dict)
    teams: dict[int, dict[int, Addressee]] = defaultdict(dict)
    for team, program_id, since in found:
        one = whom[team]
        if one is None:
            continue
        person = one.person.pk
        program = programs[program_id]
        local = now.astimezone(hours.zone(zone_of[person]))
        day = hours.due_day(program.nudge_weekday, local.date())
        # A goal made after this week's turn opened waits for the next one: nobody is written to on the spot.
        made = since.astimezone(local.tzinfo)
        if (made.date(), made.hour) >= hours.opens(day, program.nudge_hour, one.person.country):
            continue
        asked[person][program_id] = day
        teams[person][team] = replace(one, above=org.next_above(one))
    people = {pk: next(iter(of_person.values())).person for pk, of_person in teams.items()}
    hears = _hears(now, warned, programs, org, asked, people, zone_of)
    of_items = takers.due(took, now, programs, asked, people, zone_of)
    for row in _not_taken(now, programs, asked, teams, zone_of, people, hears, taken, planned):
        on = {goal: item for goal, item in of_items.get(row.person.pk, {}).items() if item.program in row.turns}
        yield replace(row, took=on) if on else row


def _hears(
    now: datetime,
    warned: Iterable[Warned],
    programs: Mapping[int, Program],
    org: Org,
    asked: dict[int, dict[int, date]],
    people: dict[int, User],
    zone_of: dict[int, str],
) -> dict[int, dict[int, tuple[Warned, Team]]]:
    """By leader: the goals below of which their turn brings news; each leader is asked on that program's turn."""
    found: dict[int, dict[int, tuple[Warned, Team]]] = defaultdict(dict)
    for one in warned:
        above = org.led_above(one.team, one.leader)
        if above is None:
            continue
        leader = next(person for person in org.leads[above.pk] if person.pk == one.leader)
        zone = zone_of.setdefault(leader.pk, leader.time_zone or above.time_zone)
        due_day = hours.due_day(programs[one.program].nudge_weekday, now.astimezone(hours.zone(zone)).date())
        if due_day >= one.on:
            people.setdefault(leader.pk, leader)
            asked[leader.pk].setdefault(one.program, due_day)
            found[leader.pk][one.goal] = one, above
    return found


def pairs(programs: Mapping[int, Program]) -> Iterator[Pair]:
    """Each team and program with a goal, and since when the oldest of them is there."""
    goals = Goal.objects.on_scorecards().filter(program__in=programs).order_by("team", "program", "created_at")
    seen: set[tuple[int, int]] = set()
    for team, program, since in goals.values_list("team_id", "program_id", "created_at").iterator(5000):
        if (team, program) not in seen:
            seen.add((team, program))
            yield team, program, since


def _not_taken(
    now: datetime,
    programs: Mapping[int, Program],
    asked: Mapping[int, Mapping[int, date]],
    teams: Mapping[int, Mapping[int, Addressee]],
    zone_of: Mapping[int, str],
    people: Mapping[int, User],
    hears: Mapping[int, Mapping[int, tuple[Warned, Team]]],
    taken: Collection[TakenTurn],
    planned: Collection[tuple[int, date]],
) -> Iterator[Due]:
    for person_id, days in sorted(asked.items()):
        local = now.astimezone(hours.zone(zone_of[person_id]))
        person = people[person_id]
        if not hours.is_working(local, person.country) or (person_id, local.date()) in planned:
            continue
        turns = {program: day for program, day in days.items() if (person_id, program, day) not in taken}
        opens = {
            program: hours.opens(day, programs[program].nudge_hour, person.country) for program, day in turns.items()
        }
        if not any(opening <= (local.date(), local.hour) for opening in opens.values()):
            continue
        # One mail a day: a program whose hour is later today speaks in the same digest. One whose day is today but
        # after work, or on the weekend, waits for its own opening.
        turns = {program: day for program, day in turns.items() if opens[program][0] <= local.date()}
        below = {goal: pair for goal, pair in hears.get(person_id, {}).items() if pair[0].program in turns}
        yield Due(person, local.date(), zone_of[person_id], turns, teams.get(person_id, {}), below)

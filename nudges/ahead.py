"""Who a program would write to, and when first: said to its owner before anybody is written to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from accounts.models import User
from program.models import Program

from . import hours
from .people import Addressee, Org, zones


@dataclass(frozen=True, slots=True)
class First:
    """The first mail that a person could get of a program: their own day and hour."""

    person: User
    day: date
    hour: int


@dataclass(frozen=True, slots=True)
class Ahead:
    """The people who are told about some teams, soonest first, and the teams (ids) of which nobody can be told."""

    first: Sequence[First]
    nobody: Sequence[int]

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last day on which somebody gets their first mail."""
        found = [one.day for one in self.first]
        return (min(found), max(found)) if found else None


def first_mails(program: Program, teams: Iterable[int], now: datetime, *, fresh: bool = True) -> Ahead:
    """Who would get the first mails about these teams' goals, and when. Two queries.

    Goals that are `fresh` wait for a turn that opens after they were made; others are told of within working hours.
    """
    org = Org.read()
    whom = {team: org.addressee(team, now, [program.audience]) for team in teams if team in org.teams}
    found = [one for one in whom.values() if one is not None]
    zone_of = zones(found)
    people: dict[int, Addressee] = {}
    for one in found:
        people.setdefault(one.person.pk, one)
    firsts = []
    for pk, one in people.items():
        local = now.astimezone(hours.zone(zone_of[pk]))
        day, hour = _opening(program, local, one.person.country, fresh=fresh)
        firsts.append(First(one.person, day, hour))
    firsts.sort(key=lambda first: (first.day, first.hour, str(first.person)))
    return Ahead(firsts, [team for team, one in whom.items() if one is None])


def _opening(program: Program, local: datetime, country: str, *, fresh: bool) -> tuple[date, int]:
    due = hours.due_day(program.nudge_weekday, local.date())
    due, day, hour = hours.turn_from(due, program.nudge_hour, country)
    here = local.date(), local.hour
    if here < (day, hour):
        return day, hour
    if fresh:
        return hours.turn_from(due + timedelta(weeks=1), program.nudge_hour, country)[1:]
    return here if hours.is_working(local, country) else hours.opens(*here, country)

"""Who hears next: after the third nudge in a row a leader above hears of a goal, on the day that was announced.

A nudge that is the third in a row or later says who hears of the goal and when, if it is still short then: its facts
keep `hears`. On that day, and only if nobody answered since, the leader's own digest has a line about it, once a
stretch. That line announces the third step: four weeks later, if it is short still and nobody answered, the sponsor's
next brief asks for it (reviews/evidence.py). Nobody gets a copy, and nobody is told of what was not announced first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db.models import Exists, Min, OuterRef, Q

from program.models import Program
from program.rules.cadence import BRIEF_AHEAD, after
from program.rules.status import SHORT
from program.rules.working_days import working_days_before
from teams.models import Answer, Standing

from . import hours, notices, policy
from .models import Notice, Nudge
from .people import Addressee

OLD = timedelta(weeks=12)
"""A warning so long ago is forgotten: the leader could not be told in all that time."""


TO_THE_BRIEF = timedelta(weeks=4)
"""So long after its leader heard of a goal it goes to the sponsor's brief."""


class Warned(NamedTuple):
    """A nudge that announced who hears next."""

    nudge: int
    goal: int
    program: int
    team: int
    told: str
    """whom it told"""
    own: bool
    """as the team's lead"""
    day: date
    streak: int
    leader: int
    on: date
    """from which due day of the program on the leader hears"""


class Heard(NamedTuple):
    """The last time a leader heard of a goal."""

    name: str
    day: date
    brief: Mapping[str, str]
    """from when on it goes to which brief, as was announced; empty for none"""


def waiting(programs: Iterable[int], now: datetime) -> list[Warned]:
    """Warnings about which the leader has not heard yet, the newest of each goal, unless somebody answered since. One
    query."""
    answered = Answer.objects.filter(goal=OuterRef("goal"), at__gte=OuterRef("decided_at"))
    heard = Notice.objects.filter(kind=notices.ESCALATED, goal=OuterRef("goal"), digest__day__gte=OuterRef("day"))
    rows = (
        Nudge.objects.said()
        .filter(streak__gte=policy.ESCALATES_AFTER, day__gte=(now - OLD).date(), facts__has_key="hears")
        .filter(goal__program__in=programs, goal__ended_on=None)
        .exclude(Exists(answered) | Exists(heard))
        .select_related("goal", "person")
        .order_by("pk")
    )
    found = {}
    for row in rows:
        hears = row.facts["hears"]
        found[row.goal_id] = Warned(
            row.pk, row.goal_id, row.goal.program_id, row.goal.team_id, str(row.person),
            bool(row.facts["because"]["own"]), row.day, row.streak, hears["person"], date.fromisoformat(hears["on"]),
        )  # fmt: skip
    return list(found.values())


def heard(teams: Iterable[int]) -> dict[int, Heard]:
    """By goal of these teams: who heard of it last, and when. One query."""
    rows = Notice.objects.filter(kind=notices.ESCALATED, goal__team__in=teams).select_related("person", "digest")
    return {
        row.goal_id or 0: Heard(str(row.person), row.digest.day, row.facts.get("brief", {}))
        for row in rows.order_by("digest__day", "pk")
    }


def off_since(warned: Sequence[Warned], fine_on: Mapping[int, date]) -> dict[int, date]:
    """By goal: the first day on which it was short since it was fine. One query, none where nobody was warned."""
    if not warned:
        return {}
    of_goals = Q(pk__in=[])
    for one in warned:
        of_goals |= Q(goal=one.goal, day__gt=fine_on.get(one.goal, date.min))
    short = Standing.objects.filter(of_goals, status__in=list(SHORT)).order_by()
    return dict(short.values("goal").annotate(first=Min("day")).values_list("goal", "first"))


def announced(
    nudge: Nudge, addressee: Addressee, program: Program, heard: Heard | None, fine_on: date | None
) -> dict[str, Any]:
    """What a nudge says of who hears next, as facts: `hears` on a day, `heard` already, or `hears_after` a third."""
    if heard is not None and (fine_on is None or fine_on < heard.day):
        return {"heard": {"name": heard.name, "day": heard.day.isoformat()}, "brief": heard.brief}
    leader = addressee.above
    if leader is None:
        return {}
    if nudge.streak < policy.ESCALATES_AFTER:
        return {"hears_after": str(leader)}
    due_day = policy.escalates_on(nudge.due_day, program.nudge_every_weeks)
    on, day, _hour = hours.turn_from(due_day, program.nudge_hour, leader.country)
    return {
        "hears": {"person": leader.pk, "name": str(leader), "on": on.isoformat(), "day": day.isoformat()},
    }


def brief_after(program: Program, day: date) -> dict[str, str]:
    """From which day on the sponsor's brief asks for a goal of which its leader heard on a day, and the review of that
    brief; nothing where no review will be."""
    calendar = program.cadence
    if calendar is None or program.sponsor_id is None:
        return {}
    on = day + TO_THE_BRIEF
    for one in after(calendar, datetime.combine(on, time(), UTC)):
        if working_days_before(one.local.date(), BRIEF_AHEAD, calendar.country) >= on:
            review = one.local.date()
            return {"on": on.isoformat(), "review": review.isoformat()} if review <= program.end else {}
    return {}


def told(one: Warned, off_since: date, day: date, leads: str, team: str, program: Program) -> dict[str, Any]:
    """What the line in the leader's digest says, as facts."""
    return {
        "brief": brief_after(program, day),
        "lead": one.told,
        "lead_own": one.own,
        "times": one.streak,
        "off_days": (day - off_since).days,
        "because": {"leads": leads, "team": team, "own": False, "hears": True},
    }


def key(one: Warned) -> str:
    """Of a warning it is told once."""
    return str(one.nudge)

"""The weekly budget: which of a person's programs speak when not all may, the worst first; and what lost to what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from program.models import Program

from . import hours, policy
from .models import Nudge
from .situation import GoalRow, Situation, StandingRow
from .turns import Due

WON_AT_MOST = 3


class Claim(NamedTuple):
    """A goal that wants to be spoken of on a day; the smaller, the worse it stands."""

    rank: tuple[int, float]
    day: date
    goal: GoalRow
    status: str


def claim(goal: GoalRow, standing: StandingRow, day: date) -> Claim:
    """The place of a goal among all that want to be said."""
    order, severity = policy.worst_first(standing.status, standing.severity)
    return Claim((order, severity), day, goal, standing.status)


def later_this_week(due: Due, goals: Iterable[GoalRow], situation: Situation) -> dict[int, tuple[date, date]]:
    """By program whose turn opens later in this person's week: its due day, and the day on which it opens."""
    _monday, sunday = hours.week_of(due.day)
    found = {}
    for pk in {goal.program for goal in goals} - due.turns.keys():
        program = situation.programs[pk]
        turn, day, _ = hours.turn_after(program.nudge_weekday, program.nudge_hour, due.day, due.person.country)
        if day <= sunday:
            found[pk] = turn, day
    return found


def better(today: Sequence[Claim], later: Sequence[Claim], room: int) -> list[Claim]:
    """The later claims to which today's lose: the worst of each day, if so many days are worse than today that the
    room for mails is theirs; else none. Of equals the earlier day speaks."""
    of_day: dict[date, Claim] = {}
    for one in sorted(later, key=lambda one: (one.rank, one.day, one.goal.pk)):
        of_day.setdefault(one.day, one)
    worst = min(one.rank for one in today)
    winners = [one for one in of_day.values() if one.rank < worst]
    return winners[:room] if len(winners) >= room else []


def won(claims: Iterable[Claim], situation: Situation) -> list[dict[str, Any]]:
    """What won, as facts of what lost."""
    return [
        _won(situation.programs[one.goal.program], one.goal.team_key, one.goal.metric_key, one.status, one.day)
        for one in claims
    ][:WON_AT_MOST]


def _won(program: Program, team: str, metric: str, status: str, day: date) -> dict[str, Any]:
    return {
        "program": program.key, "program_name": program.name, "team": team, "metric": metric, "status": status,
        "day": day.isoformat(),
    }  # fmt: skip


def spent(days: Mapping[int, date]) -> dict[int, list[dict[str, Any]]]:
    """By person with no room left on their day: what was said to them in that week, the worst of each program. One
    query, none for nobody."""
    if not days:
        return {}
    first = min(hours.week_of(day)[0] for day in days.values())
    rows = Nudge.objects.said().filter(person__in=days, day__gte=first).select_related("goal__program", "goal__team")
    found: dict[int, dict[int, Nudge]] = defaultdict(dict)
    for row in sorted(rows.select_related("goal__metric"), key=worst_first):
        if row.person_id is not None and hours.week_of(days[row.person_id])[0] <= row.day <= days[row.person_id]:
            found[row.person_id].setdefault(row.goal.program_id, row)
    return {
        person: [
            _won(row.goal.program, row.goal.team.key, row.goal.metric.key, row.facts["status"], row.day)
            for row in of_person.values()
        ][:WON_AT_MOST]
        for person, of_person in found.items()
    }


def worst_first(row: Nudge) -> tuple[object, ...]:
    """The order of nudges that were said, by their own facts."""
    facts = row.facts
    worst = policy.severity(facts.get("gap"), facts.get("target"), facts.get("baseline"))
    return *policy.worst_first(facts.get("status") or "no data", worst), row.pk

"""Who is visibly at a goal: items of its trail that somebody took, measurements that move fast enough by themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from program.rules.moving import moving
from program.rules.series import points, with_value
from program.rules.status import Status
from teams import series, taking, terms
from teams.models import Standing

from . import hours

LATELY = timedelta(weeks=4)
"""Who took an item longer ago is not visibly at it any more."""


@dataclass(frozen=True, slots=True)
class OnIt:
    """Who took an item, and since which day of the team's."""

    person: int
    who: str
    since: date
    lately: bool


Taken = Mapping[tuple[int, int], Mapping[str, OnIt]]
"""By metric and team, then by an item's digest."""


def taken(teams: Collection[int], now: datetime) -> Taken:
    """What is taken of these teams' items by people who still act in them. One query."""
    found: dict[tuple[int, int], dict[str, OnIt]] = defaultdict(dict)
    for one in taking.open_of(teams):
        row = one.row
        since = row.at.astimezone(hours.zone(row.team.time_zone)).date()
        if not one.left:
            on_it = OnIt(row.by_id, str(row.by), since, lately=now - row.at <= LATELY)
            found[row.metric_id, row.team_id][row.digest] = on_it
    return found


def visibly(asked: Mapping[int, tuple[int, str]], known: Taken, pairs: Mapping[int, tuple[int, int]]) -> dict[int, Any]:
    """By goal at which somebody is visibly: how, as facts. `asked` names by goal its standing (id) and its status,
    `pairs` its metric and team. Four queries, one more where items are taken; none for no goals.

    An overdue goal is spoken of whoever is at it.
    """
    goals = {goal: pk for goal, (pk, status) in asked.items() if status in (Status.AT_RISK, Status.BEHIND)}
    standings = {row.goal_id: row for row in Standing.objects.filter(pk__in=goals.values()).defer("trail")}
    found: dict[int, Any] = _moving(standings)
    with_taken = {goals[goal]: goal for goal in goals if goal not in found and known.get(pairs[goal])}
    for pk, trail in Standing.objects.filter(pk__in=with_taken).values_list("pk", "trail") if with_taken else ():
        goal = with_taken[pk]
        if who := _all_taken(trail, known[pairs[goal]]):
            found[goal] = {"how": "taken", "who": who}
    return found


def _moving(standings: Mapping[int, Standing]) -> dict[int, Any]:
    """Goals whose newest two measurements reach the target by the due day, at their pace."""
    by_goal = {one.goal: one for one in _on_days(standings)}
    held = series.load({one.pair: one.day for one in by_goal.values()}, some=series.LATEST) if by_goal else {}
    found = {}
    for goal, one in by_goal.items():
        standing = standings[goal]
        sources = [history.readings for history in held.get(one.pair, ())]
        measured = with_value(points(one.terms.aggregation, sources, standing.day))[-2:]
        if standing.target is None or len(measured) < 2:
            continue
        (before, earlier), (newest, value) = measured
        reaches = moving(
            (before.toordinal(), newest.toordinal()), (earlier, value), standing.target,
            up=one.terms.up, due=standing.due.toordinal(), today=standing.day.toordinal(),
        )  # fmt: skip
        if reaches is not None:
            found[goal] = {"how": "moving", "reaches": date.fromordinal(reaches).isoformat()}
    return found


def _on_days(standings: Mapping[int, Standing]) -> Iterable[terms.GoalOnDay]:
    """The goals with their terms of the day on which they were judged."""
    by_day: dict[date, list[int]] = defaultdict(list)
    for goal, standing in standings.items():
        by_day[standing.day].append(goal)
    for day, goals in by_day.items():
        yield from terms.in_force(goals, partial(_same_day, day), exempt=False)


def _same_day(day: date, _zone: str) -> date:
    return day


def _all_taken(trail: Sequence[Mapping[str, Any]], known: Mapping[str, OnIt]) -> list[str]:
    """Who took the items that close the gap, if all of them are taken lately; nobody where they do not close it."""
    if not trail or (trail[-1]["closes"] or 0) < 1:
        return []
    found = [of_crumb(crumb, known) for crumb in trail]
    return sorted({one.who for one in found if one}) if all(one is not None and one.lately for one in found) else []


def of_crumb(crumb: Mapping[str, Any], known: Mapping[str, OnIt]) -> OnIt | None:
    """Who took a crumb's item."""
    return known.get(taking.digest_of(crumb.get("source", ""), crumb["item"]))

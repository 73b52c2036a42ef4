"""Whom to ask about the goals that are behind: the leaders of the groups above their teams, the worst goal first."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from django.db.models import Exists, OuterRef

from accounts.models import User
from nudges import notices
from nudges.models import Notice
from nudges.people import Org
from program.models import Program
from program.rules.status import FINE
from teams.models import Answer, Goal, Proposal, Standing, Team
from teams.standings import on as judge_on

from .goals_behind import Escalated, GoalsOnDay, Line, Tally
from .goals_read import Moved

LINES_A_LEADER = 3
LEADERS_SHOWN = 6
TEAMS_NAMED = 3


@dataclass
class Leader:
    """Who leads the groups of some teams that are behind; None: nobody does. `first` are the worst goals worth an ask,
    those that were escalated before all others; only of leaders that are shown."""

    person: User | None
    tallies: list[Tally] = field(default_factory=list)
    """of all their teams in the program"""
    groups: list[Team] = field(default_factory=list)
    first: list[Line] = field(default_factory=list)
    escalated: list[Line] = field(default_factory=list)
    teams_named: list[Team] = field(default_factory=list)
    """where nobody leads them, the team with the first of these goals and two more, by name"""
    named: list[Line] = field(default_factory=list)
    """every goal worth an ask of these teams"""
    blocked: set[int] = field(default_factory=set)
    """the goals (ids) worth an ask of which somebody said that they are blocked"""
    leads: set[int] = field(default_factory=set)
    """who (ids) leads a team that has a goal worth an ask"""

    @property
    def asked(self) -> int:
        """How many goals are worth an ask."""
        return sum(one.asked for one in self.tallies)

    @property
    def late(self) -> int:
        """How many of these are overdue."""
        return sum(one.late for one in self.tallies)

    @property
    def behind(self) -> int:
        """How many goals are behind or overdue, worth an ask or not."""
        return sum(one.behind for one in self.tallies)

    @property
    def teams_behind(self) -> int:
        """How many of their teams have such a goal."""
        return sum(1 for one in self.tallies if one.behind)

    @cached_property
    def teams_asked(self) -> list[Team]:
        """The teams that have a goal worth an ask, by name."""
        return sorted((one.team for one in self.tallies if one.asked), key=_by_name)


def _by_name(team: Team) -> tuple[str, str]:
    return team.name, team.key


def of(
    found: GoalsOnDay, org: Org, escalated: Mapping[int, Escalated], blocked: Collection[int], on: date
) -> list[Leader]:
    """Everybody who leads a group above a team with a goal worth an ask, up to the first that has a lead. Who heard of
    one in vain comes first, then whose goal is worst. Two queries, one more where goals were escalated or `blocked`.

    Raises Moved.
    """
    marked = found.source.asked((), {*escalated, *blocked}) if escalated or blocked else []
    leaders: dict[int | None, Leader] = {}
    of_parent: dict[int | None, tuple[Leader, Team | None]] = {}  # whose teams have the same leader
    for tally in found.teams:
        parent = tally.team.parent_id
        if parent not in of_parent:
            person, group = org.leader_above(tally.team.pk)
            of_parent[parent] = leaders.setdefault(person.pk if person else None, Leader(person)), group
        of_parent[parent][0].tallies.append(tally)
    if any(line.team.parent_id not in of_parent for line in marked):
        raise Moved
    for line in sorted(marked, key=Line.order):
        leader, _ = of_parent[line.team.parent_id]
        line.escalated = escalated.get(line.goal)
        if line.escalated:
            leader.escalated.append(line)
        if line.goal in blocked:
            leader.blocked.add(line.goal)
    ordered = sorted((one for one in leaders.values() if one.asked), key=_place)
    shown = ordered[:LEADERS_SHOWN]
    _read_first(shown, found, on)
    for leader in shown:
        leader.groups = _groups(leader, {parent: group for parent, (_, group) in of_parent.items()})
        leader.leads = {lead.pk for team in leader.teams_asked for lead in org.leads.get(team.pk, ())}
    return ordered


def _place(leader: Leader) -> tuple[Any, ...]:
    if leader.escalated:
        return 0, *leader.escalated[0].order()
    worst, key = min(_worst_by_parent(leader).values())
    return 1, *worst, key


def _worst_by_parent(leader: Leader) -> dict[int | None, tuple[tuple[int, float], str]]:
    """Where the worst goal of the teams below each group is in lists, as far as that is known without reading it."""
    found: dict[int | None, tuple[tuple[int, float], str]] = {}
    for one in leader.tallies:
        worst, parent = one.worst, one.team.parent_id
        if worst is not None and (parent not in found or worst <= found[parent][0]):
            found[parent] = min(found.get(parent, (worst, one.team.key)), (worst, one.team.key))
    return found


def _groups(leader: Leader, group_of: Mapping[int | None, Team | None]) -> list[Team]:
    """The groups of the teams with a goal worth an ask, the one with the worst goal first; by what is escalated before
    all else."""
    heard = [line.team.parent_id for line in leader.escalated]
    worst = _worst_by_parent(leader)
    parents = [*heard, *sorted(worst, key=lambda parent: worst[parent])]
    found = {group.pk: group for parent in parents if (group := group_of[parent]) is not None}
    return list(found.values())


def _read_first(shown: Sequence[Leader], found: GoalsOnDay, on: date) -> None:
    """The worst goals of each leader. They are goals of the teams whose worst goal is among the worst."""
    teams: set[int] = set()
    for leader in shown:
        worst = sorted(one.worst for one in leader.tallies if one.worst is not None)
        last = worst[:LINES_A_LEADER][-1]
        teams |= {one.team.pk for one in leader.tallies if one.worst is not None and one.worst <= last}
        if leader.person is None:
            teams |= {team.pk for team in leader.teams_asked[:TEAMS_NAMED]}
    lines: dict[int, list[Line]] = {}
    for line in found.source.asked(teams) if teams else ():
        lines.setdefault(line.team.pk, []).append(line)
    for leader in shown:
        heard = {line.goal for line in leader.escalated}
        mine = [line for one in leader.tallies for line in lines.get(one.team.pk, ())]
        rest = sorted((line for line in mine if line.goal not in heard), key=Line.order)
        leader.first = [*leader.escalated, *rest][:LINES_A_LEADER]
        if len(leader.first) < min(LINES_A_LEADER, leader.asked):
            raise Moved
        if leader.person is None:
            first = leader.first[0].team
            others = [team for team in leader.teams_asked if team.pk != first.pk]
            leader.teams_named = sorted([first, *others[: TEAMS_NAMED - 1]], key=_by_name)
            named = {team.pk for team in leader.teams_named}
            leader.named = [line for line in mine if line.team.pk in named]
    _read_trails([line for leader in shown for line in leader.first], on)


def escalated(program: Program, on: date, before: str) -> dict[int, Escalated]:
    """By goal (id): what a leader heard of and was told would come here, once, in the first brief from the announced
    day on: nobody answered since, and it was never fine. One query."""
    since = {"goal": OuterRef("goal")}
    heard = Notice.objects.filter(kind=notices.ESCALATED, goal__program=program, facts__has_key="brief")
    heard = heard.exclude(
        Exists(Answer.objects.filter(**since, at__gte=OuterRef("said_at")))
        | Exists(Proposal.objects.filter(**since, made_at__gte=OuterRef("said_at")))
        | Exists(Standing.objects.filter(**since, status__in=list(FINE), day__gte=OuterRef("digest__day")))
    )
    found = {}
    for row in heard.select_related("person", "digest").order_by("digest__day", "pk"):
        facts = row.facts
        announced = facts["brief"].get("on")
        if row.goal_id and announced and before < announced <= on.isoformat():
            found[row.goal_id] = Escalated(
                row.person, row.digest.day, facts["lead"], bool(facts["lead_own"]), facts["times"]
            )
    return found


def _read_trails(shown: Iterable[Line], on: date) -> None:
    by_goal = {one.goal: one for one in shown}
    left = dict(by_goal)
    kept = Standing.objects.filter(goal__in=by_goal, day=on, goal__judge_due_at=None)
    for goal, trail, items_short in kept.order_by().values_list("goal_id", "trail", "items_short"):
        by_goal[goal].trail, by_goal[goal].items_short = trail, items_short
        left.pop(goal)
    for judged in judge_on(Goal.objects.filter(pk__in=left), on) if left else ():
        one = by_goal[judged.on_day.goal]
        one.trail = [dict(crumb._asdict()) for crumb in judged.trail.crumbs]
        one.items_short = judged.trail.items_short

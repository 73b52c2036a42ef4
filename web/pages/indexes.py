"""The lists of programs, teams and groups, one line each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.clock import today
from program.models import Program
from program.rules.status import SHORT, WORST_FIRST
from teams.models import Standing, Team
from web import access
from web.render import page


@dataclass(frozen=True)
class ProgramLine:
    """One program: how many of its goals have which status today."""

    program: Program
    goals: int
    short: int
    met: int


@dataclass
class ProgramsContext:
    """The list of programs."""

    template: ClassVar[str] = "pages/programs.html"
    here: ClassVar[str] = "programs"
    lines: Sequence[ProgramLine]
    q: str


@dataclass(frozen=True)
class TeamLine:
    """One team with the worst status among its goals today; empty if none was judged."""

    team: Team
    worst: str
    short: int
    goals: int


@dataclass
class TeamsContext:
    """The list of teams, or of one group's teams."""

    template: ClassVar[str] = "pages/teams.html"
    here: ClassVar[str] = "teams"
    lines: Sequence[TeamLine]
    group: Team | None
    q: str


@require_safe
def programs(request: HttpRequest) -> HttpResponse:
    """All programs this person may see."""
    q = request.GET.get("q", "").strip()[:80]
    found = Program.objects.visible_to(access.person(request)).select_related("sponsor")
    if q:
        found = found.filter(Q(name__icontains=q) | Q(key__icontains=q))
    return page(request, ProgramsContext(lines=program_lines(list(found)), q=q))


def program_lines(found: Sequence[Program]) -> list[ProgramLine]:
    """One line for each program, from today's kept standings. One query."""
    standings = Standing.objects.filter(goal__program__in=found, goal__ended_on=None)
    days = {program.pk: today(program.review_zone) for program in found}
    statuses: dict[int, list[str]] = {program.pk: [] for program in found}
    rows = standings.filter(day__in=set(days.values())).order_by()
    for program, day, status in rows.values_list("goal__program_id", "day", "status"):
        if day == days[program]:
            statuses[program].append(status)
    return [
        ProgramLine(
            program,
            len(statuses[program.pk]),
            sum(status in SHORT for status in statuses[program.pk]),
            statuses[program.pk].count("met"),
        )
        for program in found
    ]


@require_safe
def teams(request: HttpRequest) -> HttpResponse:
    """All teams this person may see."""
    q = request.GET.get("q", "").strip()[:80]
    found = Team.objects.visible_to(access.person(request)).leaves().select_related("parent")
    if q:
        found = found.filter(Q(name__icontains=q) | Q(key__icontains=q))
    return page(request, TeamsContext(lines=team_lines(request, list(found)), group=None, q=q))


@require_safe
def group(request: HttpRequest, key: str) -> HttpResponse:
    """The teams below one group."""
    top = access.group(request, key)
    below, found = {top.pk}, []
    for node in _by_depth(list(Team.objects.visible_to(access.person(request)).select_related("parent"))):
        if node.parent_id in below:
            below.add(node.pk)
            if node.leaf:
                found.append(node)
    return page(request, TeamsContext(lines=team_lines(request, found), group=top, q=""))


def _by_depth(nodes: Sequence[Team]) -> list[Team]:
    """Parents before their children."""
    by_id = {node.pk: node for node in nodes}

    def depth(node: Team) -> int:
        steps, at = 0, node
        while at.parent_id in by_id and steps < len(by_id):
            at, steps = by_id[at.parent_id], steps + 1
        return steps

    return sorted(nodes, key=lambda node: (depth(node), node.key))


def team_lines(request: HttpRequest, found: Sequence[Team]) -> list[TeamLine]:
    """One line for each team, from today's kept standings; worst first. One query."""
    days = {team.pk: today(team.time_zone) for team in found}
    goals = access.goals(request).on_scorecards().filter(team__in=found)
    statuses: dict[int, list[str]] = {team.pk: [] for team in found}
    rows = Standing.objects.filter(goal__in=goals, day__in=set(days.values())).order_by()
    for team, day, status in rows.values_list("goal__team_id", "day", "status"):
        if day == days[team]:
            statuses[team].append(status)
    lines = [
        TeamLine(team, min(held, key=lambda s: WORST_FIRST[s], default=""), sum(s in SHORT for s in held), len(held))
        for team in found
        for held in (statuses[team.pk],)
    ]
    return sorted(lines, key=lambda line: (WORST_FIRST.get(line.worst, 99), -line.short, line.team.key))

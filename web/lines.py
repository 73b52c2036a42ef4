"""One line for each program or team, from today's kept standings: on the lists and at home."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from program import wording
from program.models import Program
from program.rules.status import SHORT, WORST_FIRST, Status
from teams.models import GoalQuerySet, Standing, Team

APART = frozenset({Status.STALE, Status.NO_DATA, Status.EXEMPT})


@dataclass(frozen=True)
class ProgramLine:
    """One program: how many of its goals have which status on its present day, worst first."""

    program: Program
    counts: Sequence[tuple[str, int]]

    @property
    def goals(self) -> int:
        """All that were judged."""
        return sum(number for _, number in self.counts)

    @property
    def short(self) -> int:
        """Those at risk, behind or overdue."""
        return sum(number for status, number in self.counts if status in SHORT)

    @property
    def met(self) -> int:
        """Those at their target; exempt, stale and no data are not among them."""
        return dict(self.counts).get(Status.MET, 0)


@dataclass(frozen=True)
class TeamLine:
    """One team with the worst status among its goals today; empty if none was judged."""

    team: Team
    worst: str
    short: int
    goals: int
    apart: int = 0
    """stale, without data or exempt: neither on the path nor off it"""

    @property
    def said(self) -> str:
        """Its goals in words."""
        if not self.goals:
            return "no goal judged today"
        if self.apart == self.goals:
            return f"none of {wording.count(self.goals, 'goal')} can be judged"
        apart = f", {self.apart} counted apart" if self.apart else ""
        return f"{self.short} of {wording.count(self.goals, 'goal')} off the path{apart}"


def of_programs(found: Sequence[Program], days: Mapping[int, date]) -> list[ProgramLine]:
    """A line for each program on its day, in their order. One query."""
    standings = Standing.objects.filter(goal__program__in=found, goal__ended_on=None)
    held: dict[int, Counter[str]] = {program.pk: Counter() for program in found}
    rows = standings.filter(day__in=set(days.values())).order_by()
    for program, day, status in rows.values_list("goal__program_id", "day", "status"):
        if day == days[program]:
            held[program][status] += 1
    return [
        ProgramLine(program, [(str(status), held[program.pk][status]) for status in Status if held[program.pk][status]])
        for program in found
    ]


def of_teams(found: Sequence[Team], goals: GoalQuerySet, days: Mapping[int, date]) -> list[TeamLine]:
    """A line for each team on its day, from those of its goals that the reader may see; worst first. One query."""
    held: dict[int, list[str]] = {team.pk: [] for team in found}
    seen = goals.on_scorecards().filter(team__in=found)
    rows = Standing.objects.filter(goal__in=seen, day__in=set(days.values())).order_by()
    for team, day, status in rows.values_list("goal__team_id", "day", "status"):
        if day == days[team]:
            held[team].append(status)
    lines = [
        TeamLine(
            team,
            min(held[team.pk], key=lambda status: WORST_FIRST[status], default=""),
            sum(status in SHORT for status in held[team.pk]),
            len(held[team.pk]),
            sum(status in APART for status in held[team.pk]),
        )
        for team in found
    ]
    return sorted(lines, key=lambda line: (WORST_FIRST.get(line.worst, len(Status)), -line.short, line.team.key))


def said_of_programs(lines: Sequence[ProgramLine]) -> str:
    """The list of programs in one sentence."""
    judged = [line for line in lines if line.goals]
    if not judged:
        return f"{wording.count(len(lines), 'program')}, none judged yet today."
    short, goals = sum(line.short for line in judged), sum(line.goals for line in judged)
    where = f"in {wording.count(len(judged), 'program')}"
    if not short:
        return f"None of {wording.count(goals, 'goal')} {where} is off its path."
    worst = max(judged, key=lambda line: line.short / line.goals)
    most = f", most of all {worst.program.name} ({worst.short} of {worst.goals})" if len(judged) > 1 else ""
    return f"{short} of {wording.count(goals, 'goal')} {where} {'is' if short == 1 else 'are'} off the path{most}."


def said_of_teams(lines: Sequence[TeamLine]) -> str:
    """The list of teams in one sentence."""
    short = sum(1 for line in lines if line.short)
    unknown = sum(1 for line in lines if not line.goals)
    said = f"{short} of {wording.count(len(lines), 'team')} {'has' if short == 1 else 'have'} a goal off its path."
    if unknown:
        said += f" Of {wording.count(unknown, 'team')} no goal was judged today."
    return f"{said} Worst first." if len(lines) > 1 else said

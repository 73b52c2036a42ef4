"""Reads a program's goals of a day: by the standings that were kept, or where goals wait to be judged, anew."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from nudges.policy import worst_first
from program.models import MetricVersion, Program
from program.rules.status import BEHIND_OR_OVERDUE, FINE, SHORT, Status
from teams.boards import Cell, board, kept_cells
from teams.models import Goal, Standing, Team
from teams.statements import among, fetch

from .goals_behind import NAMED, UNMEASURED, GoalsOnDay, Line, Source, Tally

FEW = 1000
"""So many ids at most are sent back to the database."""


class Moved(Exception):
    """A goal has no standing of the day, waits to be judged again, or is of a team or metric that was not there before:
    perhaps only since one began to read."""


def kept(
    program: Program, day: date, teams: Mapping[int, Team], before: str = "", alone: Collection[int] = ()
) -> GoalsOnDay:
    """A program's goals by the standings that were kept of a day. A constant number of queries, however many teams.

    `before` is the day of the last brief, to tell what slipped and recovered since; `alone` are goals (ids) that no
    ask is worth. Raises Moved, as does what is read of it later.
    """
    every = _versions(program)
    keys = {version.metric_id: version.metric.key for version in every}
    return _found(every, _Kept(program, day, teams, keys, before, sorted(alone)), teams)


def anew(
    program: Program, day: date, teams: Mapping[int, Team], before: str = "", alone: Collection[int] = ()
) -> GoalsOnDay:
    """The same where goals wait to be judged: these are judged now, and all are read at once."""
    return _found(_versions(program), _Anew(program, day, before, alone), teams)


def _found(every: Sequence[MetricVersion], source: Source, teams: Mapping[int, Team]) -> GoalsOnDay:
    found = GoalsOnDay(every, source.tallies(), source)
    _tell(found, teams)
    return found


def _tell(found: GoalsOnDay, teams: Mapping[int, Team]) -> None:
    """One query, and one more where there was a brief before; none where there is nothing to tell. Raises Moved."""

    def group_first(team: Team) -> tuple[str, str]:
        group = teams.get(team.parent_id or 0)
        return group.key if group else "", team.key

    slipped = [one for one in found.teams if one.slipped]
    held = [one for one in found.teams if one.held]
    of = {one.team.pk for one in found.teams if not one.statuses.keys().isdisjoint(UNMEASURED)}
    for some, many in ((slipped, "slipped"), (held, "held")):
        told = 0
        for one in sorted(some, key=lambda one: group_first(one.team)):
            if told >= NAMED:
                break
            of.add(one.team.pk)
            told += getattr(one, many)
    lines = sorted(found.source.told(of), key=lambda line: (*group_first(line.team), line.metric)) if of else []
    found.slipped = [line for line in lines if line.slipped]
    found.held = [line for line in lines if line.cell.held]
    if len(found.slipped) < min(NAMED, found.goals_slipped) or len(found.held) < min(NAMED, found.goals_held):
        raise Moved
    unmeasured: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in lines:
        if line.cell.status in UNMEASURED:
            unmeasured[line.cell.status, line.metric].append(line.team.name)
    found.unmeasured = {key: sorted(names) for key, names in unmeasured.items()}


def _versions(program: Program) -> list[MetricVersion]:
    """One query."""
    goals = Goal.objects.filter(program=program).order_by().values("metric")
    rows = MetricVersion.objects.filter(metric__in=goals).select_related("metric__playbook")
    return list(rows.order_by("metric__key", "number"))


# Statuses are fixed words. The gap as a share of the way is nudges/policy.py `severity`.
TALLIES = """
SELECT g.team_id, s.status, COUNT(*), COUNT(s.value), COUNT(CASE WHEN s.held THEN 1 END), {slipped}, {recovered},
  COUNT(CASE WHEN {asked} THEN 1 END),
  MAX(CASE WHEN {asked} AND s.target <> s.baseline THEN s.gap / ABS(s.target - s.baseline) END)
FROM teams_goal g LEFT JOIN teams_standing s ON s.goal_id = g.id AND s.day = %s AND g.judge_due_at IS NULL {earlier}
WHERE g.program_id = %s AND g.ended_on IS NULL GROUP BY g.team_id, s.status
"""
EARLIER = "LEFT JOIN teams_standing e ON e.goal_id = g.id AND e.day = %s"
WAS_FINE = """EXISTS (
  SELECT 1 FROM teams_standing e WHERE e.goal_id = g.id AND e.day = %s AND e.status IN {fine})"""


def _words(statuses: Collection[str]) -> str:
    named = ", ".join(f"'{status}'" for status in Status if status in statuses)
    return f"({named})"


SLIPPED = f"COUNT(CASE WHEN s.slipped OR s.status IN {_words(SHORT)} AND e.status IN {_words(FINE)} THEN 1 END)"
RECOVERED = f"COUNT(CASE WHEN s.status IN {_words(FINE)} AND e.status IN {_words(SHORT)} THEN 1 END)"
JUST_SLIPPED, NONE = "COUNT(CASE WHEN s.slipped THEN 1 END)", "0"


class _Kept:
    """By the standings that were kept of the day."""

    def __init__(
        self,
        program: Program,
        day: date,
        teams: Mapping[int, Team],
        keys: Mapping[int, str],
        before: str,
        alone: Sequence[int],
    ) -> None:
        self.program, self.day, self.teams, self.keys = program, day, teams, keys
        self.before, self.alone = before, alone

    def tallies(self) -> list[Tally]:
        """One query. Raises Moved."""
        left, without = among("g.id", self.alone) if self.alone else ("1 = 0", [])
        statement = TALLIES.format(
            slipped=SLIPPED if self.before else JUST_SLIPPED,
            recovered=RECOVERED if self.before else NONE,
            asked=f"NOT s.held AND NOT {left}",
            earlier=EARLIER if self.before else "",
        )
        then = [self.before] if self.before else []
        found: dict[int, Tally] = {}
        for team, status, goals, measured, held, slipped, recovered, asked, share in fetch(
            statement, [*without, *without, self.day.isoformat(), *then, self.program.pk]
        ):
            if status is None or team not in self.teams:
                raise Moved
            tally = found.get(team)
            if tally is None:
                tally = found[team] = Tally(self.teams[team])
            tally.statuses[status] = goals
            tally.measured += measured
            tally.held += held
            tally.slipped += slipped
            tally.recovered += recovered
            if status in BEHIND_OR_OVERDUE:
                tally.behind += goals
                tally.asked += asked
                tally.late += asked if status == Status.OVERDUE else 0
                rank, far = worst_first(status, share or 0.0)
                if asked and (tally.worst is None or (rank, far) < tally.worst):
                    tally.worst = rank, far
        return list(found.values())

    def asked(self, teams: Collection[int], goals: Collection[int] = ()) -> list[Line]:
        """One query, and one more where there was a brief before."""
        (of_teams, first), (of_goals, second) = among("g.team_id", sorted(teams)), among("g.id", sorted(goals))
        where = f"AND s.status IN {_words(BEHIND_OR_OVERDUE)} AND ({of_teams} OR {of_goals})"
        lines = self._lines(where, [*first, *second])
        alone = set(self.alone)
        return [line for line in lines if not line.cell.held and line.goal not in alone]

    def told(self, teams: Collection[int]) -> list[Line]:
        """One query, and one more where there was a brief before."""
        wanted = f"s.slipped OR s.held OR s.status IN {_words(UNMEASURED)}"
        if self.before:
            wanted += f" OR s.status IN {_words(SHORT)} AND {WAS_FINE.format(fine=_words(FINE))}"
        of_teams, first = among("g.team_id", sorted(teams))
        return self._lines(f"AND {of_teams} AND ({wanted})", [*first, *([self.before] if self.before else [])])

    def _lines(self, where: str, parameters: Sequence[Any]) -> list[Line]:
        placed, cells = kept_cells(self.program, self.day, where, parameters)
        if any(team not in self.teams or metric not in self.keys for _, team, metric in placed):
            raise Moved
        fine = self._fine_then(cells)
        return [
            Line(self.teams[team], self.keys[metric], cells[goal], _is_off(cells[goal], goal in fine))
            for goal, team, metric in placed
        ]

    def _fine_then(self, goals: Collection[int]) -> set[int]:
        """Those of some goals that were fine on the day of the last brief."""
        if not self.before or not goals:
            return set()
        kept = Standing.objects.filter(day=self.before, status__in=list(FINE)).order_by()
        few = len(goals) <= FEW
        kept = kept.filter(goal__in=goals) if few else kept.filter(goal__program=self.program)
        return set(kept.values_list("goal", flat=True))


def _is_off(cell: Cell, was_fine: bool) -> bool:
    """Whether a goal slipped: off its path, and fine in the last brief or just before today."""
    return cell.status in SHORT and (cell.slipped or was_fine)


class _Anew:
    """Judged now, where some goal waits for it."""

    def __init__(self, program: Program, day: date, before: str, alone: Collection[int]) -> None:
        self.alone = set(alone)
        then: dict[int, str] = {}
        if before:
            kept = Standing.objects.filter(goal__program=program, goal__ended_on=None, day=before)
            then = dict(kept.order_by().values_list("goal_id", "status"))
        self.then = then
        self.lines = [
            Line(row.team, key, cell, _is_off(cell, then.get(cell.goal) in FINE))
            for row in board(program, day, day).rows
            for key, cell in row.cells.items()
        ]

    def tallies(self) -> list[Tally]:
        by_team: dict[int, list[Line]] = defaultdict(list)
        for line in self.lines:
            by_team[line.team.pk].append(line)
        return [self._tally(lines) for lines in by_team.values()]

    def _tally(self, lines: Sequence[Line]) -> Tally:
        asked = [line for line in lines if self._is_asked(line)]
        return Tally(
            lines[0].team,
            Counter(line.cell.status for line in lines),
            behind=sum(line.cell.status in BEHIND_OR_OVERDUE for line in lines),
            measured=sum(line.cell.value is not None for line in lines),
            held=sum(line.cell.held for line in lines),
            slipped=sum(line.slipped for line in lines),
            recovered=sum(line.cell.status in FINE and self.then.get(line.goal) in SHORT for line in lines),
            asked=len(asked),
            late=sum(line.cell.status == Status.OVERDUE for line in asked),
            worst=min((line.order()[:2] for line in asked), default=None),
        )

    def _is_asked(self, line: Line) -> bool:
        return line.cell.status in BEHIND_OR_OVERDUE and not line.cell.held and line.goal not in self.alone

    def asked(self, teams: Collection[int], goals: Collection[int] = ()) -> list[Line]:
        return [one for one in self.lines if (one.team.pk in teams or one.goal in goals) and self._is_asked(one)]

    def told(self, teams: Collection[int]) -> list[Line]:
        wanted = (one for one in self.lines if one.team.pk in teams)
        return [one for one in wanted if one.slipped or one.cell.held or one.cell.status in UNMEASURED]

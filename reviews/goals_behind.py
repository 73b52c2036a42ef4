"""A program's goals on a day: counted team by team, and those that are off their paths line by line, worst first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from accounts.models import User
from nudges.policy import severity, worst_first
from program.models import Metric, MetricVersion, Program
from program.rules.status import BEHIND_OR_OVERDUE, FINE, SHORT, Status
from teams.boards import Cell, board, kept_cells
from teams.models import Goal, Standing, Team
from teams.statements import among, fetch

UNMEASURED = (Status.STALE, Status.NO_DATA)
NAMED = 4
"""So many goals of a kind are read at least, where there are more than can be named."""


@dataclass(frozen=True)
class Escalated:
    """That a leader heard of a goal, after whom else, and that the brief was announced as the next step."""

    leader: User
    day: date
    lead: str
    own: bool
    """they were told as the team's lead"""
    times: int


@dataclass(slots=True)
class Line:
    """One goal. `trail` is read only for those that are shown."""

    team: Team
    metric: str
    cell: Cell
    slipped: bool = False
    trail: list[dict[str, Any]] = field(default_factory=list)
    items_short: int = 0
    escalated: Escalated | None = None

    @property
    def goal(self) -> int:
        """Its goal (id)."""
        return self.cell.goal

    @property
    def due(self) -> date:
        """The day by which it was to reach its target."""
        return self.cell.due

    def order(self) -> tuple[Any, ...]:
        """Its place in lists, the worst first, as in a digest."""
        cell = self.cell
        return worst_first(cell.status, severity(cell.gap, cell.target, cell.baseline), self.team.key, self.metric)


@dataclass(slots=True)
class Tally:
    """One team's goals, counted. `asked` are behind or overdue and worth an ask: nudges rest on a goal that is held and
    on one that is left alone, and so do asks; `late` of these are overdue."""

    team: Team
    statuses: dict[str, int] = field(default_factory=dict)
    """how many goals have each"""
    behind: int = 0
    """how many are behind or overdue, worth an ask or not"""
    measured: int = 0
    held: int = 0
    slipped: int = 0
    """off the path now, and fine in the last brief or just before today"""
    recovered: int = 0
    asked: int = 0
    late: int = 0
    worst: tuple[int, float] | None = None
    """where the worst of `asked` is in lists, up to the names (nudges/policy.py `worst_first`)"""


class Source(Protocol):
    """Where the goals are read from: the standings that were kept of a day, or what is judged anew."""

    def tallies(self) -> list[Tally]:
        """One for each team that has a goal, in no order."""

    def asked(self, teams: Collection[int], goals: Collection[int] = ()) -> list[Line]:
        """What is worth an ask, of some teams and among some goals (ids), in no order."""

    def told(self, teams: Collection[int]) -> list[Line]:
        """What slipped, is held or is not measured, of these teams, in no order."""


@dataclass
class GoalsOnDay:
    """All goals of a program on a day."""

    every_version: Sequence[MetricVersion]
    """of the metrics that it has or had goals on, with their playbooks, by key and number"""
    teams: Sequence[Tally]
    source: Source
    slipped: Sequence[Line] = ()
    """the first of those that slipped, by group and team"""
    held: Sequence[Line] = ()
    """the first of those on which nudges rest, by group and team"""
    unmeasured: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    """the names of teams, by status and metric key"""

    def __post_init__(self) -> None:
        self.counts = {str(status): 0 for status in Status}
        for team in self.teams:
            for status, goals in team.statuses.items():
                self.counts[status] += goals
        self.versions = {version.metric.key: version for version in self.every_version if version.current}
        """the newest of each metric, by its key"""

    @property
    def names(self) -> dict[str, str]:
        """Metric names by key."""
        return {key: version.metric.name for key, version in self.versions.items()}

    @property
    def metrics(self) -> list[Metric]:
        """Those that it has or had goals on, by key."""
        return [version.metric for version in self.versions.values()]

    @property
    def behind(self) -> int:
        """How many goals are behind or overdue."""
        return sum(self.counts[status] for status in BEHIND_OR_OVERDUE)

    @property
    def teams_behind(self) -> int:
        """How many teams have one."""
        return sum(1 for team in self.teams if team.behind)

    @property
    def teams_slipped(self) -> int:
        """How many teams have a goal that slipped."""
        return sum(1 for team in self.teams if team.slipped)

    @property
    def goals_slipped(self) -> int:
        """How many goals slipped."""
        return sum(team.slipped for team in self.teams)

    @property
    def goals_held(self) -> int:
        """On how many goals nudges rest."""
        return sum(team.held for team in self.teams)

    @property
    def recovered(self) -> int:
        """How many goals were off their paths in the last brief and are fine."""
        return sum(team.recovered for team in self.teams)

    @property
    def is_measured(self) -> bool:
        """Whether any team has a number, though all together have none (`latest`)."""
        return any(team.measured for team in self.teams)


class Moved(Exception):
    """A goal has no standing of the day, or waits to be judged again: perhaps only since one began to read."""


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
            if status is None:
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
        fine = self._fine_then(cells)
        return [
            Line(self.teams[team], self.keys[metric], cells[goal], _is_off(cells[goal], goal in fine))
            for goal, team, metric in placed
        ]

    def _fine_then(self, goals: Collection[int]) -> set[int]:
        """Those of some goals that were fine on the day of the last brief."""
        if not self.before or not goals:
            return set()
        kept = Standing.objects.filter(goal__in=goals, day=self.before, status__in=list(FINE))
        return set(kept.order_by().values_list("goal", flat=True))


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

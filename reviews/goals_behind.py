"""A program's goals on a day: counted team by team, and the few that a brief speaks of, line by line."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from accounts.models import User
from nudges.policy import severity, worst_first
from program.models import Metric, MetricVersion
from program.rules.status import BEHIND_OR_OVERDUE, Status
from teams.boards import Cell
from teams.models import Team

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

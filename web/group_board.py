"""The teams below a group on every metric of every program the reader may see: one board for each program."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from program.models import Metric, MetricVersion, Program
from program.rules.status import BEHIND_OR_OVERDUE, SHORT, Status
from reviews.goals_behind import Line
from teams.boards import Board, Cell, Row, current_versions
from teams.models import GoalQuerySet, Standing, Team

FIELDS = (
    "goal__team_id", "goal__program_id", "goal__metric_id", "day", "status", "value", "expected", "target", "gap",
    "as_of", "forecast", "slipped", "held", "reason", "goal_id", "baseline", "due",
)  # fmt: skip


@dataclass
class GroupBoards:
    """The boards by program, what is behind, worst first, and the statuses of each team."""

    boards: Sequence[Board]
    short: Sequence[Line]
    """behind or overdue and not held, the worst first; without trails before `with_trails`"""
    statuses: Mapping[int, Sequence[str]]
    """by team (id)"""
    programs: Mapping[int, Program]
    """by goal (id), of what is short"""

    def board_of(self, one: Line) -> Board:
        """The board that a goal stands on."""
        return next(board for board in self.boards if board.program == self.programs[one.goal])


def read(teams: Sequence[Team], goals: GoalQuerySet, days: Mapping[int, date]) -> GroupBoards:
    """From the standings kept on each team's own day, of the goals the reader may see. Four queries."""
    seen = goals.on_scorecards().filter(team__in=teams)
    rows = Standing.objects.filter(goal__in=seen, day__in=set(days.values())).order_by().values_list(*FIELDS)
    kept = [row for row in rows if row[3] == days[row[0]]]
    programs = Program.objects.in_bulk({row[1] for row in kept})
    metrics = Metric.objects.in_bulk({row[2] for row in kept})
    versions = current_versions(metrics.values())
    by_id = {team.pk: team for team in teams}
    cells: dict[int, dict[int, dict[str, Cell]]] = defaultdict(lambda: defaultdict(dict))
    statuses: dict[int, list[str]] = {team.pk: [] for team in teams}
    short: list[Line] = []
    of_goal: dict[int, Program] = {}
    for team, program, metric, _day, *facts in kept:
        cell, key = Cell(*facts), metrics[metric].key
        cells[program][team][key] = cell
        statuses[team].append(cell.status)
        if cell.status in BEHIND_OR_OVERDUE and not cell.held:
            short.append(Line(by_id[team], key, cell, cell.slipped))
            of_goal[cell.goal] = programs[program]
    short.sort(key=Line.order)
    names = {metric.key: metric for metric in metrics.values()}
    on = max(days.values(), default=date.min)
    boards = [
        _board(programs[pk], on, by_id, held, names, versions)
        for pk, held in sorted(cells.items(), key=lambda pair: (programs[pair[0]].name, programs[pair[0]].key))
    ]
    return GroupBoards(boards, short, statuses, of_goal)


def with_trails(shown: Sequence[Line], day_of: Mapping[int, date]) -> None:
    """Read the trails of the goals that are shown. One query, none for none."""
    by_goal = {one.goal: one for one in shown}
    if not by_goal:
        return
    rows = Standing.objects.filter(goal__in=by_goal, day__in={day_of[one.team.pk] for one in shown}).order_by()
    for goal, day, trail, items_short in rows.values_list("goal_id", "day", "trail", "items_short"):
        if day == day_of[by_goal[goal].team.pk]:
            by_goal[goal].trail, by_goal[goal].items_short = trail, items_short


def off_the_path(team: int, statuses: Mapping[int, Sequence[str]]) -> bool:
    """Whether a team has a goal off its path."""
    return any(status in SHORT for status in statuses[team])


def _board(
    program: Program, on: date, teams: Mapping[int, Team], held: Mapping[int, Mapping[str, Cell]],
    names: Mapping[str, Metric], versions: Mapping[str, MetricVersion],
) -> Board:  # fmt: skip
    rows = [Row(teams[pk], teams[pk].parent, cells) for pk, cells in held.items()]
    rows.sort(key=lambda row: (row.group.key if row.group else "", row.team.key))
    keys = sorted({key for row in rows for key in row.cells})
    found = Counter(cell.status for row in rows for cell in row.cells.values())
    return Board(
        program=program, on=on, metrics=[names[key] for key in keys],
        versions={key: versions[key] for key in keys},
        rows=rows, counts={str(status): found[str(status)] for status in Status},
        teams_at_target=sum(all(cell.status == Status.MET for cell in row.cells.values()) for row in rows),
        slipped=sum(cell.slipped for row in rows for cell in row.cells.values()),
    )  # fmt: skip

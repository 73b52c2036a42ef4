"""What a program's page says of all teams together: each metric's total, its pace, and who moved most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from program import wording
from program.models import Program
from program.rules.numbers import reached, shortfall
from program.rules.status import SHORT
from teams.boards import Board, Mover, Trend
from teams.day_totals import Total

APART = {"stale": "stale", "no data": "without data", "exempt": "exempt"}
"""Statuses that are neither met nor behind, and how the sentence says them."""
DAYS_TO_SAY, WEEKS_TO_SAY, MONTHS_TO_SAY, DAYS_A_MONTH = 14, 9, 24, 30.44


@dataclass(frozen=True)
class TotalLine:
    """One metric's total, in words as the page shows them."""

    key: str
    name: str
    value: str
    as_of: str
    expected: str
    gap: str
    target: str
    due: str
    pace: str
    """when the target is reached at the present pace; empty where that is no question"""


@dataclass(frozen=True)
class Together:
    """All teams of a program together: a line for each metric, and where the pace leads in one sentence."""

    lines: Sequence[TotalLine]
    pace: str
    in_time: bool
    """whether some total reaches its target in time at its pace"""


@dataclass(frozen=True)
class Move:
    """A team that moved on a metric within four weeks."""

    team: str
    team_key: str
    metric: str
    metric_key: str
    before: str
    after: str
    change: str
    better: bool


@dataclass(frozen=True)
class Paced:
    """A total, and when it reaches its target at the pace of its last 90 days: None where it does not, or is there."""

    total: Total
    reaches: date | None

    @property
    def is_open(self) -> bool:
        """Whether it is a question when the target is reached."""
        total = self.total
        if total.value is None or total.target is None or total.due is None:
            return False
        return not reached(total.value, total.target, total.version.direction == "up")

    @property
    def is_in_time(self) -> bool:
        """Whether the pace reaches the target by the day it is due."""
        return self.reaches is not None and self.total.due is not None and self.reaches <= self.total.due

    @property
    def day(self) -> str:
        """The day, beside the day it is due: "18 Jun 2027, 4 weeks late"."""
        if self.reaches is None or self.total.due is None:
            return ""
        return f"{wording.day(self.reaches)}, {beside(self.reaches, self.total.due)}"

    @property
    def target(self) -> str:
        """The target with its unit."""
        return wording.value(self.total.target, self.total.version.unit, self.total.version.aggregation)


def line(total: Total, paced: Paced | None, on: date) -> TotalLine:
    """One metric's total against its path."""
    unit, aggregation, up = total.version.unit, total.version.aggregation, total.version.direction == "up"
    value, expected = wording.apart(total.value, total.expected, unit, aggregation)
    short = shortfall(total.value, total.expected, up) if total.value is not None and total.expected is not None else 0
    return TotalLine(
        key=total.metric.key,
        name=total.metric.name,
        value=value,
        as_of=wording.near_day(total.as_of, on) if total.as_of else "",
        expected=expected if total.expected is not None else "",
        gap=wording.gap(short, unit, aggregation) if short else "",
        target=wording.value(total.target, unit, aggregation) if total.target is not None else "",
        due=wording.day(total.due) if total.due else "",
        pace=(paced.day or "not at this pace") if paced and paced.is_open else "",
    )


def move(mover: Mover) -> Move:
    """One team's move in words."""
    unit, aggregation = mover.version.unit, mover.version.aggregation
    before, after = wording.apart(mover.before, mover.after, unit, aggregation)
    return Move(
        team=mover.team.name,
        team_key=mover.team.key,
        metric=mover.metric.name,
        metric_key=mover.metric.key,
        before=before,
        after=after,
        change=wording.change(mover.after - mover.before, unit, aggregation),
        better=mover.better > 0,
    )


def together(held: Sequence[tuple[Total, Trend | None]], on: date) -> Together:
    """All totals of a program; the pace of those that come with their trend."""
    paced = [Paced(total, trend.forecast()) for total, trend in held if trend is not None]
    of_metric = {one.total.metric.key: one for one in paced}
    lines = [line(total, of_metric.get(total.metric.key), on) for total, _ in held]
    return Together(lines, _pace_of_all(paced), any(one.is_in_time for one in paced if one.is_open))


def teams_beside(board: Board, found: Together) -> str:
    """Why a total may be in time where teams are not, where that is so; else empty."""
    short = sum(1 for row in board.rows if any(cell.status in SHORT for cell in row.cells.values()))
    if not short or not found.in_time:
        return ""
    return "A total in time does not say that every team is: those that are ahead make up for those that are not."


def sentence(board: Board) -> str:
    """The page's first line: how many teams are where they should be, who slipped, and what is counted apart."""
    teams = len(board.rows)
    if not teams:
        return ""
    short = sum(1 for row in board.rows if any(cell.status in SHORT for cell in row.cells.values()))
    said = (
        f"{board.teams_at_target} of {wording.count(teams, 'team')} {_is(board.teams_at_target)} at target, "
        f"{short} {_is(short)} off the path"
    )
    if board.slipped:
        said += f", {wording.count(board.slipped, 'goal')} slipped since the last measurement"
    return f"{said}. {_apart(board)}".strip()


def standing(program: Program) -> str:
    """What a state other than active means; empty for an active one."""
    return {
        Program.State.DRAFT: "A draft: on no scorecard, and nobody is nudged.",
        Program.State.PAUSED: "Paused: the numbers go on, nobody is nudged.",
        Program.State.COMPLETED: "Completed: its goals are on no scorecard any more.",
        Program.State.CANCELED: "Canceled: its goals are on no scorecard any more.",
    }.get(Program.State(program.state), "")


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _apart(board: Board) -> str:
    """Goals that count neither as met nor as behind, each kind by its name."""
    kinds = [f"{board.counts[status]} {said}" for status, said in APART.items() if board.counts[status]]
    return f"Counted apart: {wording.listed(kinds)}." if kinds else ""


def _pace_of_all(totals: Sequence[Paced]) -> str:
    """Where the pace leads the program: its total, or the one of several that arrives last."""
    asked = [paced for paced in totals if paced.is_open]
    if not asked:
        return ""
    never = [paced for paced in asked if paced.reaches is None]
    if len(asked) == 1:
        (only,) = asked
        name = "the total" if len(totals) == 1 else only.total.metric.name
        return f"At this pace {name} {'does not reach' if never else 'reaches'} {only.target}{_on(only)}."
    if never:
        do = "does not reach its target" if len(never) == 1 else "do not reach their targets"
        return f"At this pace {len(never)} of {len(asked)} totals {do}."
    last = max(asked, key=lambda paced: paced.reaches or date.max)
    name = last.total.metric.name
    return f"At this pace the last of {len(asked)} totals, {name}, reaches {last.target}{_on(last)}."


def _on(paced: Paced) -> str:
    return f" on {paced.day}" if paced.day else ""


def beside(reaches: date, due: date) -> str:
    """A day beside the one that was promised: "in time", "5 days late", "4 weeks late", "3 months late"."""
    late = (reaches - due).days
    if late <= 0:
        return "in time"
    if late < DAYS_TO_SAY:
        return f"{wording.count(late, 'day')} late"
    if late < WEEKS_TO_SAY * 7:
        return f"{wording.count(round(late / 7), 'week')} late"
    if late < MONTHS_TO_SAY * DAYS_A_MONTH:
        return f"{wording.count(round(late / DAYS_A_MONTH), 'month')} late"
    return f"{wording.count(round(late / (12 * DAYS_A_MONTH)), 'year')} late"

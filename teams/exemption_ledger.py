"""The ledger of exemptions: what waits, what rests and would be behind today, what is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

from django.db.models import QuerySet

from accounts.clock import today
from program.models import MetricVersion, Program
from program.rules.status import BEHIND_OR_OVERDUE

from .models import Exemption, Goal
from .standings import Judged, as_if_not_exempt

SOON = timedelta(days=14)
ENDED_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One exemption: where it is on its team's today, and how the goal would stand if it were not exempt."""

    exemption: Exemption
    today: date
    state: str
    would_be: Judged | None = None
    version: MetricVersion | None = None

    @property
    def age(self) -> int:
        """For how many days it has been in force, or (waiting) asked for."""
        since = self.exemption.asked_at.date() if self.state == "waiting" else self.exemption.from_day
        return max(0, (self.today - since).days)

    @property
    def would_be_status(self) -> str:
        """The status without the exemption; empty where nobody asks."""
        return "" if self.would_be is None else str(self.would_be.judgment.status)

    @property
    def would_be_behind(self) -> bool:
        """Whether the goal would be behind or overdue today."""
        return self.would_be_status in BEHIND_OR_OVERDUE

    @property
    def ends_soon(self) -> bool:
        """Whether it ends within two weeks."""
        return self.state == "in force" and self.exemption.last_day <= self.today + SOON


@dataclass(frozen=True, slots=True)
class Ledger:
    """All exemptions of some programs: waiting oldest first, in force and to come, and those that are over."""

    waiting: Sequence[Line]
    resting: Sequence[Line]
    over: Sequence[Line]
    more_over: int


def ledger(programs: QuerySet[Program], now: datetime) -> Ledger:
    """The exemptions of these programs at a moment. A constant number of queries."""

    @cache
    def day_of(zone: str) -> date:
        return today(zone, now)

    people = ("asked_by", "approved_by", "declined_by", "revoked_by")
    rows = Exemption.objects.filter(goal__program__in=programs).order_by("until_day", "pk")
    rows = rows.select_related("goal__team", "goal__metric", "goal__program", *people)
    waiting, resting, over = [], [], []
    for row in rows:
        day = day_of(row.goal.team.time_zone)
        state = row.state_on(day)
        line = Line(row, day, state)
        if not _is_live(row.goal) or state not in ("waiting", "in force", "to come"):
            over.append(line)
        elif state == "waiting":
            waiting.append(line)
        else:
            resting.append(line)
    over.sort(key=lambda line: line.exemption.last_day, reverse=True)
    return Ledger(
        waiting=sorted(waiting, key=lambda line: line.exemption.asked_at),
        resting=_judged(resting, now),
        over=over[:ENDED_AT_MOST],
        more_over=max(0, len(over) - ENDED_AT_MOST),
    )


def _is_live(goal: Goal) -> bool:
    return goal.ended_on is None and goal.program.state in Program.ON_SCORECARDS


def _judged(lines: Sequence[Line], now: datetime) -> list[Line]:
    """Those in force with how they would stand today."""
    goals = sorted({line.exemption.goal_id for line in lines if line.state == "in force"})
    found = {judged.on_day.goal: judged for judged in as_if_not_exempt(goals, now)}
    versions = MetricVersion.objects.in_bulk({judged.on_day.metric_version for judged in found.values()})
    shown = []
    for line in lines:
        judged = found.get(line.exemption.goal_id) if line.state == "in force" else None
        version = versions[judged.on_day.metric_version] if judged else None
        shown.append(Line(line.exemption, line.today, line.state, judged, version))
    return shown

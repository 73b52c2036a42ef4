"""What a brief rests on beside the goals: how its totals moved, what became of nudges, disputes, failing feeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

from accounts.clock import today
from nudges import became, effect
from nudges.became import Became
from nudges.effect import Measured
from program.models import Feed, Program
from program.rules.status import BEHIND_OR_OVERDUE
from teams.boards import Board, Trend, trend
from teams.models import Dispute

PICTURES = 2
"""Totals whose picture is drawn; the whole of one takes five queries."""


def trends(of: Board, on: date) -> dict[str, Trend]:
    """The totals with the most goals behind, over time, by metric key."""
    behind = Counter(key for row in of.rows for key, cell in row.cells.items() if cell.status in BEHIND_OR_OVERDUE)
    first = sorted(of.metrics, key=lambda metric: (-behind[metric.key], metric.key))[:PICTURES]
    return {metric.key: trend(of.program, metric, on) for metric in first}


def what_became(program: Program, since: datetime | None, now: datetime) -> Sequence[Became]:
    """What became of the nudges since a moment (or the program's start), by tone. Two queries."""
    last = today(program.review_zone, now)
    first = today(program.review_zone, since) if since else program.start
    return became.by_tone(became.of_program(program, first, last), became.votes(program, first, last), now)


def nudge_effect(program: Program, now: datetime) -> Measured | None:
    """The effect of the nudges by the longest span; None where no goal was ever left alone to compare with."""
    found, measured = effect.of_program(program, now)
    return measured[-1] if found else None


def disputes(program: Program) -> list[Dispute]:
    """Open disputes about metrics that the program has goals on, the oldest first."""
    rows = Dispute.objects.filter(metric__goals__program=program, answered_at=None).distinct()
    return list(rows.select_related("metric", "team").order_by("opened_at", "pk"))


def failing(program: Program) -> list[Feed]:
    """Feeds that bring nothing."""
    return list(program.feeds.filter(failures__gt=0, paused=False).order_by("key"))

"""What a brief rests on beside the goals: what became of nudges, disputes, failing feeds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from accounts.clock import today
from nudges import became
from nudges.became import Became
from program.models import Feed, Program
from teams.models import Dispute


def what_became(program: Program, since: datetime | None, now: datetime) -> Sequence[Became]:
    """What became of the nudges since a moment (or the program's start), by tone. Two queries."""
    last = today(program.review_zone, now)
    first = today(program.review_zone, since) if since else program.start
    return became.by_tone(became.of_program(program, first, last), became.votes(program, first, last), now)


def disputes(program: Program) -> list[Dispute]:
    """Open disputes about metrics that the program has goals on, the oldest first."""
    rows = Dispute.objects.filter(metric__goals__program=program, answered_at=None).distinct()
    return list(rows.select_related("metric", "team").order_by("opened_at", "pk"))


def failing(program: Program) -> list[Feed]:
    """Feeds that bring nothing."""
    return list(program.feeds.filter(failures__gt=0, paused=False).order_by("key"))

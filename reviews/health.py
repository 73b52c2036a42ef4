"""The health of a program: which of the known causes of failure it shows, each with what would mend it.

The causes are those that Will Larson names for quality programs (Staff Engineer, "Managing technical quality"):
a sponsor without time, all process or all technique, nobody who asked the teams, hand work that wears people out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from accounts.clock import today
from accounts.models import User
from program import readiness, wording
from program.models import Metric, Program, ProgramOwner
from program.readiness import MOST_HAND_HOURS, Known, helps
from teams.models import Goal

from .ledger import Noted, costs
from .models import Attendance, Cost, Pulse, Review, Sponsorship
from .moving import is_to_come

LOOKED_BACK = 2
"""So many reviews that should have been held, and were not, show that the sponsor has no time."""
NOTED_WEEKS = 4


@dataclass(frozen=True)
class Cause:
    """One cause of failure that shows: `kind` is a fixed word, `said` what is seen and what would mend it."""

    kind: str
    said: str


class Seen(NamedTuple):
    """What was read of a program before: all its reviews, the newest first, the metrics that it has goals on, and the
    hours that were noted."""

    reviews: Sequence[Review]
    metrics: Sequence[Metric]
    costs: Sequence[Noted]

    @classmethod
    def read(cls, program: Program) -> Seen:
        """Three queries."""
        goals = Goal.objects.filter(program=program, ended_on=None).order_by().values("metric")
        reviews, metrics = program.reviews.all(), Metric.objects.filter(pk__in=goals)
        return cls(list(reviews), list(metrics), costs(program))


def of_program(program: Program, now: datetime, seen: Seen | None = None) -> list[Cause]:
    """What shows on a day, the sponsor's part first; none for a draft or an ended program. Constant queries."""
    if program.state not in Program.ON_SCORECARDS:
        return []
    known = readiness.read([program])[program.pk]
    reviews, metrics, noted = seen or Seen.read(program)
    return [
        *_sponsor(program, reviews, now),
        *_owners(program, known, now),
        *_balance(program, known),
        *_asked(reviews, now),
        *_hand_work(program, metrics, noted, now),
    ]


def _sponsor(program: Program, reviews: Sequence[Review], now: datetime) -> Iterable[Cause]:
    sponsor = program.sponsor
    if sponsor is None or not sponsor.is_active:
        yield Cause("no sponsor", "Nobody sponsors it: without one, nobody can change what stands in the way.")
        return
    past = [one for one in reviews if one.state != Review.State.CANCELED and one.ends_at <= now]
    since = _since(program, sponsor) if len(past) >= LOOKED_BACK else None
    due = [one for one in past if since is None or one.starts_at >= since][:LOOKED_BACK]
    if len(due) == LOOKED_BACK and not any(_held(one, sponsor.pk) for one in due):
        yield Cause(
            "no sponsor time",
            f"{sponsor} was in none of the last {LOOKED_BACK} reviews: find a time, or a sponsor who has it.",
        )
    if not program.review_every and not any(is_to_come(one, now) for one in reviews):
        yield Cause(
            "no sponsor time", "No review is in the calendar: the sponsor hears nothing, and nothing gets decided."
        )


def _since(program: Program, sponsor: User) -> datetime | None:
    """From when somebody sponsors it, where that is known."""
    theirs = Sponsorship.objects.filter(program=program, sponsor=sponsor, until=None)
    return theirs.values_list("since", flat=True).first()


def _held(review: Review, sponsor: int) -> bool:
    """Whether it took place and the sponsor was there, as far as anybody noted: as the minutes have it."""
    if review.state != Review.State.HELD:
        return False
    noted = dict(Attendance.objects.filter(review=review).values_list("person", "present"))
    return bool(noted.get(sponsor)) if any(noted.values()) else noted.get(sponsor) is not False


def _owners(program: Program, known: Known, now: datetime) -> Iterable[Cause]:
    day = today(program.review_zone, now)
    here = {owner.role for owner in known.owners if owner.user.is_active and not owner.user.is_away(day)}
    for role, said in (
        (ProgramOwner.Role.TECHNICAL, "a technical owner"),
        (ProgramOwner.Role.MANAGER, "a program manager"),
    ):
        if role not in here:
            yield Cause("owner missing", f"{wording.status(said)} is missing (none named, or none here now): name one.")


def _balance(program: Program, known: Known) -> Iterable[Cause]:
    helped = any(helps(metric) for metric in known.of_goals)
    if known.rules and not helped:
        yield Cause(
            "all process", "All process and no technique: goals and nudges, and no playbook that makes the work easier."
        )
    if helped and not program.review_every and not any(one.role == ProgramOwner.Role.MANAGER for one in known.owners):
        yield Cause(
            "all technique", "All technique and no process: a way to move the number, and nobody who asks about it."
        )


def _asked(reviews: Sequence[Review], now: datetime) -> Iterable[Cause]:
    """After two reviews, whether any lead answered before one of them what stands in the way."""
    held = [one.pk for one in reviews if one.state == Review.State.HELD and one.starts_at <= now]
    past = held[:LOOKED_BACK]
    if len(past) < LOOKED_BACK:
        return
    asked = Pulse.objects.filter(review__in=past)
    if not asked.exists():
        yield Cause(
            "teams not asked", f"Nobody asked the teams before the last {LOOKED_BACK} reviews whether it helps them."
        )
    elif not asked.answered().exists():
        yield Cause(
            "teams not asked",
            f"No lead answered before the last {LOOKED_BACK} reviews whether it helps: ask some in person.",
        )


def _hand_work(program: Program, metrics: Sequence[Metric], costs: Sequence[Noted], now: datetime) -> Iterable[Cause]:
    day = today(program.review_zone, now)
    since = day - timedelta(weeks=NOTED_WEEKS)
    noted = math.fsum(one.hours for one in costs if one.kind == Cost.Kind.HAND and since < one.day <= day) / NOTED_WEEKS
    said = math.fsum(metric.hand_hours for metric in metrics)
    hours = max(noted, said)
    if hours > MOST_HAND_HOURS:
        yield Cause(
            "hand work", f"Measuring takes {wording.hours(hours)} of hand work a week: automate it before it wears out."
        )

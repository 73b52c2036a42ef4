"""The health of a program: which of the known causes of failure it shows, each with what would mend it.

The causes are those that Will Larson names for quality programs (Staff Engineer, "Managing technical quality"):
a sponsor without time, all process or all technique, nobody who asked the teams, hand work that wears people out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.clock import today
from program import readiness, wording
from program.models import Metric, Program, ProgramOwner
from program.readiness import MOST_HAND_HOURS, helps

from .models import Attendance, Cost, Pulse, Review, Sponsorship

LOOKED_BACK = 2
"""So many reviews that should have been held, and were not, show that the sponsor has no time."""
NOTED_WEEKS = 4


@dataclass(frozen=True)
class Cause:
    """One cause of failure that shows: `kind` is a fixed word, `said` what is seen and what would mend it."""

    kind: str
    said: str


def of_program(program: Program, now: datetime) -> list[Cause]:
    """What shows on a day, the sponsor's part first; none for a draft or an ended program. Constant queries."""
    if program.state not in Program.ON_SCORECARDS:
        return []
    return [
        *_sponsor(program, now),
        *_owners(program, now),
        *_balance(program),
        *_asked(program, now),
        *_hand_work(program, now),
    ]


def _sponsor(program: Program, now: datetime) -> Iterable[Cause]:
    sponsor = program.sponsor
    if sponsor is None or not sponsor.is_active:
        yield Cause("no sponsor", "Nobody sponsors it: without one, nobody can change what stands in the way.")
        return
    since = (
        Sponsorship.objects.filter(program=program, sponsor=sponsor, until=None).values_list("since", flat=True).first()
    )
    theirs = Review.objects.filter(program=program, starts_at__lte=now).exclude(state=Review.State.CANCELED)
    if since is not None:
        theirs = theirs.filter(starts_at__gte=since)
    due = [one for one in theirs[: LOOKED_BACK + 1] if one.ends_at <= now][:LOOKED_BACK]
    if len(due) == LOOKED_BACK and not any(_held(one, sponsor.pk) for one in due):
        yield Cause(
            "no sponsor time",
            f"{sponsor} was in none of the last {LOOKED_BACK} reviews: find a time, or a sponsor who has it.",
        )
    if not program.review_every and not Review.objects.to_come(now).filter(program=program).exists():
        yield Cause(
            "no sponsor time", "No review is in the calendar: the sponsor hears nothing, and nothing gets decided."
        )


def _held(review: Review, sponsor: int) -> bool:
    """Whether it took place and the sponsor was there, as far as anybody noted: as the minutes have it."""
    if review.state != Review.State.HELD:
        return False
    noted = dict(Attendance.objects.filter(review=review).values_list("person", "present"))
    return bool(noted.get(sponsor)) if any(noted.values()) else noted.get(sponsor) is not False


def _owners(program: Program, now: datetime) -> Iterable[Cause]:
    day = today(program.review_zone, now)
    here = {
        owner.role
        for owner in program.owners.select_related("user")
        if owner.user.is_active and not owner.user.is_away(day)
    }
    for role, said in (
        (ProgramOwner.Role.TECHNICAL, "a technical owner"),
        (ProgramOwner.Role.MANAGER, "a program manager"),
    ):
        if role not in here:
            yield Cause("owner missing", f"{wording.status(said)} is missing (none named, or none here now): name one.")


def _balance(program: Program) -> Iterable[Cause]:
    known = readiness.read([program])[program.pk]
    helped = any(helps(metric) for metric in known.of_goals)
    if known.rules and not helped:
        yield Cause(
            "all process", "All process and no technique: goals and nudges, and no playbook that makes the work easier."
        )
    if helped and not program.review_every and not program.owners.filter(role=ProgramOwner.Role.MANAGER).exists():
        yield Cause(
            "all technique", "All technique and no process: a way to move the number, and nobody who asks about it."
        )


def _asked(program: Program, now: datetime) -> Iterable[Cause]:
    """After two reviews, whether any lead answered before one of them what stands in the way."""
    held = Review.objects.filter(program=program, starts_at__lte=now, state=Review.State.HELD)
    past = list(held.values_list("pk", flat=True)[:LOOKED_BACK])
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


def _hand_work(program: Program, now: datetime) -> Iterable[Cause]:
    day = today(program.review_zone, now)
    since = day - timedelta(weeks=NOTED_WEEKS)
    rows = Cost.objects.filter(program=program, kind=Cost.Kind.HAND, struck_at=None, day__gt=since, day__lte=day)
    noted = math.fsum(rows.order_by().values_list("hours", flat=True)) / NOTED_WEEKS
    metrics = Metric.objects.filter(goals__program=program, goals__ended_on=None).distinct()
    said = math.fsum(metrics.order_by().values_list("hand_hours", flat=True))
    hours = max(noted, said)
    if hours > MOST_HAND_HOURS:
        yield Cause(
            "hand work", f"Measuring takes {wording.hours(hours)} of hand work a week: automate it before it wears out."
        )

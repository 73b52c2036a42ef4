"""Asks again, before an invite or a brief goes out, whether the review is still as the mail says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nudges.kinds import Kind
from nudges.models import Delivery

from . import farewell, priorities, pulse_asking, pulse_wanted, sponsorship
from .ask_mail import ASK
from .invites import CANCEL
from .minutes import MINUTES
from .models import Invitation, Review


def prefetch(rows: Sequence[Delivery], _now: datetime) -> None:
    """Load the reviews of these deliveries onto them, and what their receivers were told last. Two queries."""
    programs = {row.program_id for row in rows}
    periods = {_period(row) for row in rows}
    found: dict[tuple[int | None, str], Review] = {
        (review.program_id, review.period): review
        for review in Review.objects.filter(program__in=programs, period__in=periods)
    }
    told: dict[tuple[int, int | None], int] = {
        (one.review_id, one.person_id): one.sequence for one in Invitation.objects.filter(review__in=found.values())
    }
    for row in rows:
        review = row.review = found.get((row.program_id, _period(row)))  # type: ignore[attr-defined]
        row.told = told.get((review.pk, row.person_id), review.sequence) if review else None  # type: ignore[attr-defined]


def still_wanted(row: Delivery, now: datetime) -> str | None:
    """None to send it; else why not."""
    review: Review | None = row.review  # type: ignore[attr-defined]
    if review is None:
        return "its review is gone"
    methods = [part["method"] for part in row.attachments]
    if methods and int(row.key.rsplit("/", 1)[1]) != row.told:  # type: ignore[attr-defined]
        return "a newer invite replaces it"
    if methods == [CANCEL]:
        return None
    if review.state != Review.State.SCHEDULED:
        return f"the review is {review.state}"
    return "the review is over" if review.ends_at <= now else None


def _period(row: Delivery) -> str:
    return row.key.split("/")[1]


# People wait for invites and briefs, and there are a handful a review: no storm breaker holds them. Nor does it hold
# the last mail of a program: whoever ended it was shown first who would hear of it.
KINDS = (
    Kind("invite", still_wanted=still_wanted, prefetch=prefetch, breaker=False),
    Kind("brief", still_wanted=still_wanted, prefetch=prefetch, breaker=False),
    Kind(
        pulse_asking.KIND, still_wanted=pulse_wanted.still_wanted, prefetch=pulse_wanted.prefetch,
        never_arrived=pulse_wanted.never_arrived, in_budget=True,
    ),
    Kind(priorities.KIND, still_wanted=priorities.still_wanted, prefetch=priorities.prefetch, breaker=False),
    Kind(sponsorship.HANDOVER, still_wanted=sponsorship.still_wanted, prefetch=sponsorship.prefetch, breaker=False),
    Kind(sponsorship.THANKS, still_wanted=sponsorship.still_wanted, prefetch=sponsorship.prefetch, breaker=False),
    MINUTES,
    ASK,
    Kind(farewell.KIND, breaker=False),
)  # fmt: skip

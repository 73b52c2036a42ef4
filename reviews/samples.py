"""What a program sends to its sponsor, with today's numbers: the invitation to its next review and the brief of it.

Both are as their reader would get them now; nothing is kept or sent. A test's calendar entry is published, not
requested, and has a name of its own: nobody is asked to accept it, and it replaces no entry of the review's.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import User
from nudges.kinds import Words
from nudges.samples import Sample
from program.models import Program
from program.rules.cadence import after

from . import brief, invites, words
from .evidence import collect
from .models import Review, new_uid


def of_program(program: Program, reader: User, now: datetime) -> list[Sample]:
    """The invitation and the brief of the next review; of a program without a calendar, as if one were in a week."""
    review = _next(program, now)
    content = brief.compose(collect(review, now)).facts()
    context = words.of_review(review) | {"because": words.because(review, reader)}
    invited = context | {
        "method": invites.REQUEST, "changed": False, "out": False, "headline": "", "answer": words.link(review),
    }  # fmt: skip
    calendar = {
        "content": invites.publish(review, now), "method": invites.PUBLISH, "filename": f"test-{review.period}.ics",
    }  # fmt: skip
    ahead = "four weeks before a review, to the sponsor and the owners"
    when = "three working days before a review, to the sponsor and the owners"
    return [
        Sample(
            "invite", "Invitation to a review", f"{ahead}; again when it moves",
            Words(*words.fill(invites.KIND, invited), attachments=[calendar]),
        ),
        Sample("brief", "Brief of a review", when, Words(*words.fill("brief", context | {"brief": content}))),
    ]  # fmt: skip


def _next(program: Program, now: datetime) -> Review:
    """The next review, or one that is not kept."""
    found = Review.objects.to_come(now).filter(program=program).select_related("program__sponsor").first()
    if found is not None:
        return found
    calendar = program.cadence
    coming = next(iter(after(calendar, now)), None) if calendar else None
    starts = coming.at if coming else (now + timedelta(days=7)).replace(minute=0, second=0, microsecond=0)
    return Review(
        program=program, period=starts.date().isoformat(), starts_at=starts, minutes=program.review_minutes,
        zone=program.review_zone, uid=new_uid(), created_at=now,
    )  # fmt: skip

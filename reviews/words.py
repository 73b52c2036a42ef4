"""From a review to a mail: the names, links and reasons that its invite and its brief share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from accounts.models import User
from nudges import words as mails
from nudges.outbox import sender_domain
from program import wording as say
from program.models import Program, ProgramOwner

from .days import freeze_at
from .models import Review


def fill(kind: str, context: dict[str, Any]) -> tuple[str, str, str]:
    """Subject, text and HTML of one message of a kind."""
    return mails.fill(kind, context, room="reviews")


def of_review(review: Review) -> dict[str, Any]:
    """What every mail about a review may say."""
    start = review.local_start
    return {
        "review": review,
        "program": review.program,
        "day": f"{say.weekday(start.date())} {start.year}",
        "short_day": say.weekday(start.date()),
        "time": f"{start:%H:%M}",
        "until": f"{review.ends_at.astimezone(start.tzinfo):%H:%M}",
        "link": link(review),
        "brief_on": say.weekday(freeze_at(review).date()),
        "site": settings.SITE_URL,
    }


def link(review: Review) -> str:
    """The address of a review's page; of one that is not kept (a sample), of its program's reviews."""
    if review.pk is None:
        return f"{settings.SITE_URL}/programs/{review.program.key}/reviews/"
    return f"{settings.SITE_URL}/reviews/{review.pk}/"


def purpose(review: Review) -> str:
    """What the meeting is for."""
    return (
        f"Where {review.program.name} stands, what became of the last asks, and what to decide. "
        f"The brief is one page and comes three working days ahead."
    )


def because(review: Review, person: User) -> str:
    """Why this person gets the mail."""
    sponsors = review.program.sponsor_id == person.pk
    return f"You get this because you {'sponsor' if sponsors else 'run'} {review.program.name}."


def answer_to(program: Program) -> list[User]:
    """Who runs the program, the technical owner first: answers to its mails go to them."""
    owners = ProgramOwner.objects.filter(program=program, user__is_active=True).select_related("user")
    return [owner.user for owner in owners.order_by("-role", "pk")]


def headers(review: Review, people: Sequence[User]) -> dict[str, str]:
    """An answer goes to a person who runs the program, the technical owner first."""
    found = of_list()
    owners = [person for person in people if person.pk != review.program.sponsor_id]
    return found | ({"Reply-To": owners[0].email} if owners else {})


def of_list() -> dict[str, str]:
    """By which header mail of reviews is sorted."""
    return {"List-Id": f"Reviews <reviews.{sender_domain()}>"}

"""Three working days ahead of a review: freezes its brief and writes it into the outbox, with invites if none went."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from nudges.outbox import Letter, put_all

from . import brief, content, effects, invites, words
from .apart import apart
from .days import freeze_at
from .models import Brief, Review

KIND = "brief"
LONGEST_AHEAD = timedelta(days=30)


def freeze_due(now: datetime) -> int:
    """Freeze and mail what is due, each review once however often and late this runs. Returns how many it did."""
    waiting = Review.objects.to_come(now).filter(brief=None, starts_at__lt=now + LONGEST_AHEAD)
    waiting = waiting.select_related("program__sponsor")
    return apart(waiting, lambda review: freeze_at(review) <= now and _prepare(review, now))


def _prepare(due: Review, now: datetime) -> bool:
    effects.keep(due.program, now)  # not in the transaction: it reads long
    with transaction.atomic():
        locked = Review.objects.select_for_update(of=("self",)).select_related("program__sponsor")
        review = locked.to_come(now).filter(pk=due.pk, brief=None).first()
        if review is None:
            return False
        frozen = brief.freeze(review, now)
        invites.invite(review, now)
        put(frozen, now)
    return True


def put(frozen: Brief, now: datetime) -> int:
    """Write the mails of a brief into the outbox."""
    review = frozen.review
    people = invites.attendees(review)
    letters = []
    for person in people:
        context = words.of_review(review) | {
            "brief": content.read(frozen.content),
            "because": words.because(review, person),
        }
        subject, text, html = words.fill(KIND, context)
        letters.append(
            Letter(
                KIND, review.key, person.email, subject, text, html,
                person=person, program=review.program, headers=words.headers(review, people),
                not_after=review.ends_at,
            )
        )  # fmt: skip
    put_all(letters, now)
    return len(letters)

"""Signed links with which a receiver of an invite replies to it; nothing else.

A link names the review, its receiver and the sequence of the invite. It signs nobody in, a GET of it changes nothing,
and it is over when the review has begun or does not take place, when another invite replaced it, and when its receiver
does not sit in the review any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse

from accounts.models import User
from nudges.answer_links import Over
from nudges.links import BadLink
from program import wording

from .models import Attendance, Invitation, Review

CHOICES = {
    "accept": Attendance.Reply.ACCEPTED, "tentative": Attendance.Reply.TENTATIVE, "decline": Attendance.Reply.DECLINED,
}  # fmt: skip
_SALT = "reviews.reply"


@dataclass(frozen=True)
class Invited:
    """What a link is about: the invite of a person to a review, by its sequence."""

    review: Review
    person: User
    sequence: int


def write(review: Review, person: User) -> str:
    """The token of one invite: the same each time, so that a mail sent again is the same mail."""
    return signing.Signer(salt=_SALT).sign_object([review.pk, person.pk, review.sequence])


def address(review: Review, person: User) -> str:
    """The whole address of the page that replies."""
    return f"{settings.SITE_URL}{reverse('invite-reply', args=[write(review, person)])}"


def read(token: str, now: datetime) -> Invited:
    """What a token is about. Raises BadLink, or Over with the reason."""
    review_id, person_id, sequence = _unsigned(token)
    review = Review.objects.select_related("program__sponsor").filter(pk=review_id).first()
    person = User.objects.filter(pk=person_id).first()
    if review is None or person is None:
        raise BadLink("what this link was about is not here any more")
    day = wording.weekday(review.local_start.date())
    if review.state in (Review.State.SKIPPED, Review.State.CANCELED):
        raise Over(f"The review of {review.program.name} on {day} does not take place.")
    if review.state != Review.State.SCHEDULED or review.starts_at <= now:
        raise Over(f"The review of {review.program.name} was on {day}: there is nothing to reply to any more.")
    held = Invitation.objects.filter(review=review, person=person, withdrawn_at=None).first()
    if held is None or not person.is_active:
        raise Over(f"{person} does not sit in the reviews of {review.program.name} any more.")
    if sequence < held.sequence:
        when = f"{day} at {review.local_start:%H:%M} now ({review.zone})"
        raise Over(f"This invite was replaced: the review is on {when}. Take the link in the newer mail.")
    return Invited(review, person, sequence)


def _unsigned(token: str) -> list[Any]:
    try:
        found = signing.Signer(salt=_SALT).unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        raise BadLink("this link is not whole") from None
    if not isinstance(found, list) or len(found) != 3:
        raise BadLink("this link is not whole")
    return found

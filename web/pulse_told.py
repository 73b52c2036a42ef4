"""What the leads answered before a review, for those who may read it by name: on the list of reviews and on each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import User
from program import wording
from program.models import Program
from reviews import pulse
from reviews.models import Pulse, Review, programs_reviewed_by


@dataclass(frozen=True)
class Answered:
    """One answer: who, in a word, and what stands in the way."""

    who: str
    helps: str
    words: str


@dataclass(frozen=True)
class PulseTold:
    """The section: a sentence, each answer, and who was asked and did not answer."""

    sentence: str
    answers: Sequence[Answered]
    silent: str


def newest(user: User, program: Program) -> PulseTold | None:
    """Of the review that leads were asked about last; None where nobody was. Three queries."""
    rows = Pulse.objects.visible_to(user).filter(review__program=program).order_by("-review__starts_at", "pk")
    one = rows.select_related("review").first()
    return of_review(user, one.review) if one else None


def of_review(user: User, review: Review) -> PulseTold | None:
    """None where nobody was asked, or for whom the question did not name as a reader. Two queries."""
    if not programs_reviewed_by(user).filter(pk=review.program_id).exists():
        return None
    found = pulse.said(review)
    if not found.asked:
        return None
    words = {Pulse.Helps.YES: "helps", Pulse.Helps.PARTLY: "partly", Pulse.Helps.NO: "does not help"}
    answers = [Answered(str(row.person), words[Pulse.Helps(row.helps)], row.in_the_way) for row in found.answered]
    left = len(found.silent)
    names = wording.listed([str(row.person) for row in found.silent][:8] + ([f"{left - 8} more"] if left > 8 else []))
    return PulseTold(found.sentence, answers, f"No answer: {names}." if found.silent else "")

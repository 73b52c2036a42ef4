"""What the people of the demo say around its reviews: pulse, notes, decisions, asks and what became of them.

The words are the story's; every number in the briefs beside them is measured. Asks come due by turns: two are
kept, one is missed, one is moved once and then missed, so that a sponsor sees all that can become of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from accounts.clock import today
from accounts.models import User
from reviews import asks, minutes, priorities, pulse, room
from reviews.models import Ask, Brief, Priority, Pulse, Review
from teams.models import Goal

PULSES = (
    ("yes", ""),
    ("partly", "The release before every month's end: nobody may touch the mailer then"),
    ("yes", "Typing the ORM's managers takes two people a day each"),
    ("no", "We are two people until spring"),
    ("partly", ""),
    ("yes", "Nothing: it is one afternoon a week"),
    ("partly", "Reviews of typed changes wait two days for somebody who knows the checker"),
    ("no", "The vendored client cannot be typed, and nobody exempts it"),
)
DECISIONS = (
    "One day a sprint is kept free for it in Platform until the next review.",
    "No new goals before the pilot teams are at their path.",
    "The strict list is part of the definition of done from now on.",
    "It goes on until the next review, and is judged then.",
)
NOTES = (
    "Vera: what stands in the way is the release, not the will.\nOlga: the checker finds two thirds of it by itself.",
    "Mark: two teams asked for the same playbook step; it is written.\nVera: I will talk to Product about the freeze.",
    "Vera: I would have heard of the slip from Paolo first; good that it was in the brief.",
)
TURNS = ("kept", "moved", "kept", "missed")
AFTER = timedelta(days=21)
MOVED_BY = timedelta(days=28)


def play(now: datetime) -> None:
    """What people do at a moment: leads answer, the meeting is held, asks come due."""
    _answer(now)
    for review in Review.objects.filter(minutes_sent_at=None, invited_at__isnull=False).select_related(
        "program__sponsor"
    ):
        if review.ends_at <= now < review.ends_at + timedelta(days=3):
            _meet(review, now)
    _settle(now)


def _answer(now: datetime) -> None:
    """Three leads of four answer within a day."""
    for row in Pulse.objects.filter(answered_at=None, asked_at__lte=now - timedelta(hours=5)).select_related(
        "review__program"
    ):
        if row.pk % 4 and not pulse.why_closed(row.review):
            helps, words = PULSES[row.pk % len(PULSES)]
            pulse.answer(row, helps, words, now, via="demo")


def _meet(review: Review, now: datetime) -> None:
    """The meeting: who is there, what was said, what is asked of whom, and the minutes."""
    sponsor = review.program.sponsor
    brief = Brief.objects.filter(review=review).first()
    if sponsor is None or brief is None:
        return
    number = Review.objects.filter(program=review.program, starts_at__lt=review.starts_at).count()
    owner = review.program.owners.order_by("-role").first()
    by = owner.user if owner else sponsor
    room.attend(review, {one.person_id: True for one in room.expected(review)}, now, by=by)
    room.write_notes(review, NOTES[number % len(NOTES)], review.notes_version, review.notes, now, by=by)
    room.decide(review, DECISIONS[number % len(DECISIONS)], now, by=sponsor)
    for one in brief.content["leaders"][:2]:
        if one["person"] is not None and one["proposal"]:  # an ask that is open is not raised again
            asks.raise_ask(
                review, one["ask"], now, of=User.objects.get(pk=one["person"]), actor=sponsor,
                due=today(review.zone, now) + AFTER, goals=_of(one["goal_ids"]), proposed=one["proposal"],
            )  # fmt: skip
    if number == 3:
        priorities.note(
            review.program, "Until the end of the quarter the migration to the new region comes first.", now, by=sponsor
        )
    for noted in Priority.objects.filter(program=review.program, over_at=None, at__lt=now - timedelta(days=60)):
        priorities.end(noted, now, by=sponsor)
    review.refresh_from_db()
    minutes.end(review, now, by=by)


def _of(goals: Sequence[int]) -> list[int]:
    """Those of the goals that are still goals."""
    return list(Goal.objects.filter(pk__in=goals, ended_on=None).values_list("pk", flat=True))


def _settle(now: datetime) -> None:
    """On its day an ask is kept, moved, or missed, by turns; a moved one is missed on its later day."""
    due = Ask.objects.open().filter(due__lte=now.date()).select_related("program__sponsor", "of", "review")
    for ask in due:
        of = ask.of or ask.program.sponsor
        if of is None:
            continue
        turn = TURNS[Ask.objects.filter(program=ask.program, pk__lt=ask.pk).count() % len(TURNS)]
        if turn == "kept":
            asks.close(ask, Ask.State.KEPT, now, outcome="Room was made in the sprint", actor=of, via="demo")
        elif turn == "moved" and not ask.moves:
            reason = "The release came first"
            asks.move(ask, now.date() + MOVED_BY, now, on=now.date(), reason=reason, actor=ask.program.sponsor or of)
        else:
            asks.close(ask, Ask.State.MISSED, now, outcome="Two people were away", actor=of, via="demo")

"""What waits on whoever runs a program after a review: minutes to send, and asks that somebody says cannot be kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Case, Exists, OuterRef, Q, When
from django.urls import reverse

from accounts.models import User
from program import wording
from program.models import Program
from reviews.models import Ask, Decision, Review
from web.waits import Wait

WAITS_FOR = timedelta(days=30)
"""So long minutes that were never sent are asked for."""


def upon(user: User, moment: datetime) -> list[Wait]:
    """Both of them, for programs that are not over. Two queries, one where they run none."""
    run = Program.objects.run_by(user).filter(state__in=Program.ON_SCORECARDS)
    programs = list(run.values_list("pk", flat=True))
    if not programs:
        return []
    over = Review.objects.filter(program__in=programs, minutes_sent_at=None, invited_at__isnull=False)
    over = over.filter(state__in=(Review.State.SCHEDULED, Review.State.HELD))
    of_it = {"review": OuterRef("pk")}
    written = Q(notes_version__gt=0) | Exists(Decision.objects.filter(**of_it)) | Exists(Ask.objects.filter(**of_it))
    held = over.filter(starts_at__range=(moment - WAITS_FOR, moment)).select_related("program")
    held = held.annotate(written=Case(When(written, then=True), default=False))
    cannot = Ask.objects.filter(program__in=programs, state=Ask.State.OPEN, said=Ask.Said.CANNOT)
    return [
        *(
            _minutes(one) if one.written else _doubt(one)
            for one in held
            if one.ends_at <= moment
        ),
        *(
            Wait(f"{one.of} says it cannot be done: {one.text}", reverse("ask", args=[one.pk]), one.raised_at.date(),
                 do="Move it, or drop it")
            for one in cannot.exclude(of=user).select_related("of")
        ),
    ]  # fmt: skip


def _minutes(review: Review) -> Wait:
    day = review.local_start.date()
    said = f"{review.program.name}: no minutes yet of the review of {wording.weekday(day)}"
    return Wait(said, reverse("room", args=[review.pk]), day, do="Write and send them")


def _doubt(review: Review) -> Wait:
    day = review.local_start.date()
    said = f"Did the review of {review.program.name} on {wording.weekday(day)} take place? Nothing is written down"
    return Wait(said, reverse("review-schedule", args=[review.pk]), day, do="Say so")

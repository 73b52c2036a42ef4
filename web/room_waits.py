"""What waits on whoever runs a program after a review: minutes to send, and asks that somebody says cannot be kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.urls import reverse

from accounts.models import User
from program import wording
from program.models import Program
from reviews.models import Ask, Review
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
    held = over.filter(starts_at__range=(moment - WAITS_FOR, moment)).select_related("program")
    cannot = Ask.objects.filter(program__in=programs, state=Ask.State.OPEN, said=Ask.Said.CANNOT)
    return [
        *(
            Wait(
                f"{one.program.name}: no minutes yet of the review of {wording.weekday(one.local_start.date())}",
                reverse("room", args=[one.pk]),
                one.local_start.date(),
                do="Write and send them",
            )
            for one in held
            if one.ends_at <= moment
        ),
        *(
            Wait(f"{one.of} says it cannot be done: {one.text}", reverse("ask", args=[one.pk]), one.raised_at.date(),
                 do="Move it, or drop it")
            for one in cannot.exclude(of=user).select_related("of")
        ),
    ]  # fmt: skip

"""The queue's door to reviews: it wakes the work up; what is due is in the database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from celery import shared_task

from accounts import clock

from . import ahead, ask_mail, effects, farewell, invites, minutes, pulse_asking, schedule, sponsorship
from .apart import apart


@shared_task(name="reviews.tasks.schedule_due", ignore_result=True)
def schedule_due() -> None:
    """Keep calendars and sponsors, send minutes that nobody sent, invite, ask the leads, freeze and mail briefs, remind
    of asks, judge programs once a day, say farewell to those that ended; one that fails stops no other."""
    now = clock.now()
    apart(STEPS, lambda step: step(now) or 0)


STEPS: tuple[Callable[[datetime], int | None], ...] = (
    schedule.schedule, sponsorship.keep, minutes.send_due, invites.send_due, pulse_asking.ask_due, ahead.freeze_due,
    ask_mail.remind_due, effects.keep_due, farewell.tell_due,
)  # fmt: skip

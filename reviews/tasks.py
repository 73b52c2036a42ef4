"""The queue's door to reviews: it wakes the work up; what is due is in the database."""

from __future__ import annotations

from celery import shared_task

from accounts import clock

from . import ahead, effects, schedule


@shared_task(name="reviews.tasks.schedule_due", ignore_result=True)
def schedule_due() -> None:
    """Keep the calendars, freeze and mail the briefs that are due, and look once a day whether each program works."""
    now = clock.now()
    schedule.schedule(now)
    ahead.freeze_due(now)
    effects.keep_due(now)

"""The queue's door to reviews: it wakes the work up; what is due is in the database."""

from __future__ import annotations

from celery import shared_task

from accounts import clock

from . import ahead, ask_mail, effects, farewell, invites, pulse_asking, schedule, sponsorship


@shared_task(name="reviews.tasks.schedule_due", ignore_result=True)
def schedule_due() -> None:
    """Keep calendars and sponsors, invite, ask the leads, freeze and mail briefs, remind of asks, judge programs once a
    day, say farewell to those that ended."""
    now = clock.now()
    schedule.schedule(now)
    sponsorship.keep(now)
    invites.send_due(now)
    pulse_asking.ask_due(now)
    ahead.freeze_due(now)
    ask_mail.remind_due(now)
    effects.keep_due(now)
    farewell.tell_due(now)

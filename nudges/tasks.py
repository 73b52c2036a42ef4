"""Doors for the queue: they wake planning and delivery up; what is due is in the database, not in the queue."""

from __future__ import annotations

from celery import shared_task

from accounts import clock

from . import delivery, planning, restraint, sign_in_mail, trouble, visits


@shared_task(name="nudges.tasks.plan_due", ignore_result=True)
def plan_due() -> None:
    """Once a week look at what nudges are good for; plan the digests whose hour has come, and what owners are told of
    trouble with their numbers; let old visits go."""
    restraint.look(clock.now())
    planning.plan(clock.now())
    trouble.plan(clock.now())
    visits.let_go(clock.now())


@shared_task(name="nudges.tasks.deliver_due", ignore_result=True)
def deliver_due() -> None:
    """Answer who asked for a new password; send what is due, until nothing is left or the way is closed."""
    sign_in_mail.answer_asks(clock.now())
    while delivery.deliver_batch(clock.now()).more:
        pass

"""Doors for the queue: they wake judging up; what is due is in the database, not in the queue."""

from __future__ import annotations

from celery import shared_task

from accounts import clock

from . import standings


@shared_task(name="teams.tasks.judge_due", ignore_result=True)
def judge_due() -> None:
    """Judge goals without today's daily judgment, and goals that something touched."""
    standings.judge_due(clock.now())

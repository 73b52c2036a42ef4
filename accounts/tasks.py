"""Doors for the queue: they wake work up; what is due is in the database, not in the queue."""

from __future__ import annotations

from celery import shared_task

from . import clock, tidying


@shared_task(name="accounts.tasks.tidy_due", ignore_result=True)
def tidy_due() -> None:
    """Let go ended sessions, and tries and links that are over."""
    tidying.tidy(clock.now())

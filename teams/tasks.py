"""Doors for the queue: they wake work up; what is due is in the database, not in the queue."""

from __future__ import annotations

from celery import shared_task

from accounts import clock

from . import admission, pulling, receiving, retention, standings


@shared_task(name="teams.tasks.judge_due", ignore_result=True)
def judge_due() -> None:
    """Judge goals without today's daily judgment, and goals that something touched."""
    standings.judge_due(clock.now())


@shared_task(name="teams.tasks.admit_due", ignore_result=True)
def admit_due() -> None:
    """Open the waves whose gate is passed, and let in teams that wait for a place."""
    admission.admit_due(clock.now())


@shared_task(name="teams.tasks.take_received", ignore_result=True)
def take_received() -> None:
    """Take the payloads that were kept as they came, oldest first."""
    while receiving.take_next(clock.now()):
        pass


@shared_task(name="teams.tasks.pull_due", ignore_result=True)
def pull_due() -> None:
    """Wake one job a host for the feeds whose hour has come."""
    for host in pulling.due_hosts(clock.now()):
        pull_host.delay(host)


@shared_task(name="teams.tasks.pull_host", ignore_result=True)
def pull_host(host: str) -> None:
    """Pull the due feeds of one host."""
    pulling.pull_host(host, clock.now())


@shared_task(name="teams.tasks.prune_due", ignore_result=True)
def prune_due() -> None:
    """Let go what is older than the retention settings allow, some at a time."""
    retention.prune(clock.now())

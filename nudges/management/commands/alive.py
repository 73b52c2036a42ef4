"""manage.py alive: whether the worker keeps up, for a container's health check."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.clock import now
from nudges.models import Delivery
from teams.models import Goal

LATE = timedelta(minutes=15)


class Command(BaseCommand):
    """Exits non-zero when due work has lain for a quarter of an hour, though ticks come every minute."""

    help = "Fail if messages or judgments have been due for more than 15 minutes."

    def handle(self, *_args: Any, **_options: Any) -> None:
        late = now() - LATE
        messages = Delivery.objects.filter(state=Delivery.State.PENDING, next_at__lt=late).count()
        goals = Goal.objects.on_scorecards().filter(judge_due_at__lt=late).count()
        if messages or goals:
            raise CommandError(f"{messages} messages and {goals} judgments have been due for more than 15 minutes")
        self.stdout.write("alive")

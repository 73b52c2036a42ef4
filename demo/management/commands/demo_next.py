"""manage.py demo_next: feed the demo the next month's measurements and play the days up to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.clock import days_ahead
from demo import play, smtp


class Command(BaseCommand):
    """Works beside a running demo, whose calendar it sets ahead, or without one."""

    help = "Play the demo on to the next month's snapshot; its calendar then stands ahead of the real one."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if not play.marker().exists():
            raise CommandError("the demo is not loaded yet: make demo")
        with smtp.serving() as port:
            settings.EMAIL_HOST, settings.EMAIL_PORT = smtp.HOST, port
            try:
                day, ahead = play.next_month(days_ahead(), timezone.now().date(), self._say)
            except LookupError as fault:
                raise CommandError(str(fault)) from None
        Path(str(settings.CLOCK_FILE)).write_text(str(ahead), encoding="ascii")
        self.stdout.write(self.style.SUCCESS(f"The demo's calendar now stands at {day:%d %b %Y}: reload its pages."))

    def _say(self, line: str) -> None:
        """At once, also where the output is a pipe."""
        self.stdout.write(line)
        self.stdout.flush()

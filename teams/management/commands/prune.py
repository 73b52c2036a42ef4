"""manage.py prune: let go payloads and items older than the retention settings allow; --plan says what it costs."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.clock import now
from teams.retention import AT_A_TIME, plan, prune


class Command(BaseCommand):
    """Says what is let go and what is lost with it; the worker does the same, some at a time."""

    help = "Let go payloads and items older than PAYLOAD_DAYS and ITEM_DAYS; --plan only says what that costs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--plan", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        wanted = plan(now())
        for line in wanted.costs() or ["nothing is older than PAYLOAD_DAYS and ITEM_DAYS allow"]:
            self.stdout.write(line)
        if options["plan"]:
            return
        while (done := prune(now())).payloads or done.snapshots:
            if done.payloads < AT_A_TIME and done.snapshots < AT_A_TIME:
                break

"""manage.py judge [--on DAY]: judge what is due, or keep standings for a past day that has none."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.clock import now
from teams.models import Goal
from teams.standings import fill_past_day, judge_due


class Command(BaseCommand):
    """Does by hand what the worker does by the beat."""

    help = (
        "Judge what is due today; with --on, keep standings for a past day where none was kept (none is overwritten)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--on", type=date.fromisoformat, metavar="YYYY-MM-DD")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["on"]:
            written = fill_past_day(Goal.objects.on_scorecards(), options["on"], now())
        else:
            written = judge_due(now())
        self.stdout.write(f"{written} standings kept")

"""manage.py reproduce METRIC: read the kept payloads again and compare them with what is stored, one by one."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.clock import latest_today, now
from program.models import Metric
from teams.reproducing import Report, reproduce


class Command(BaseCommand):
    """Prints how it goes run by run, each difference, and the verdict; exits with 1 where something is not the same."""

    help = "Recompute a metric's observations from the kept payloads and compare them with what is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("metric")
        parser.add_argument("--from", dest="first", help="first as_of; the beginning by default")
        parser.add_argument("--to", dest="last", help="last as_of; today by default")

    def handle(self, *_args: Any, **options: Any) -> None:
        metric = Metric.objects.filter(key=options["metric"]).first()
        if metric is None:
            known = ", ".join(Metric.objects.values_list("key", flat=True)) or "none yet"
            raise CommandError(f"{options['metric']} is no metric; known are {known}")
        first, last = _day(options["first"], date.min), _day(options["last"], latest_today())
        report = Report(metric.key, first, last)
        for report in reproduce(metric, first, last, now()):
            if report.runs % 20 == 0 and report.runs:
                self.stderr.write(f"{report.runs} runs read again, {report.same} observations the same …")
        for one in report.differences:
            self.stdout.write(
                f"run {one.run}, {one.team or 'nobody'}{', ' + one.source if one.source else ''}, {one.as_of}, "
                f"{one.item or 'whole team'}: stored {one.stored}, found {one.found}"
            )
        for what in report.gone:
            self.stdout.write(what)
        self.stdout.write(
            f"{report.runs} runs, {report.snapshots} snapshots: {report.same} observations the same, "
            f"{report.different} different, {len(report.gone)} runs not to be read again"
        )
        if not report.holds:
            raise CommandError(f"{metric.key} was not reproduced")


def _day(text: str | None, default: date) -> date:
    try:
        return date.fromisoformat(text) if text else default
    except ValueError:
        raise CommandError(f"a day as 2026-01-31 was expected, not {text!a}") from None

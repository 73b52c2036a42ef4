"""manage.py feed KEY: fetch a feed now, or see what it would store."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.clock import now
from program.feeds.registry import KINDS
from program.fetch import FetchFailed
from program.models import Feed
from teams.pulling import pull, try_pull
from teams.trial_words import lines_of


class Command(BaseCommand):
    """Fetches a pulled feed as its schedule does; with --dry-run it only tells what would be stored."""

    help = "Fetch a feed now; --dry-run tells what it would store, for which teams, beside the current values."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("key")
        parser.add_argument("--dry-run", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        feed = Feed.objects.select_related("program").filter(key=options["key"]).first()
        if feed is None:
            known = ", ".join(Feed.objects.values_list("key", flat=True)) or "none yet"
            raise CommandError(f"{options['key']} is no feed; known are {known}")
        kind = KINDS.get(feed.kind)
        if kind is None or not kind.pulled:
            raise CommandError(f"{feed.key} is sent to us: manage.py ingest FILE --feed {feed.key}, or POST its report")
        if options["dry_run"]:
            try:
                trial = try_pull(feed, now())
            except FetchFailed as failed:
                raise CommandError(f"nothing came: {failed.reason}") from None
            for line in lines_of(trial):
                self.stdout.write(line)
            return
        received = pull(feed, now())
        if received is None:
            run = feed.runs.first()
            faults = "; ".join(what for _, what in (run.faults if run else [])[:5])
            raise CommandError(f"nothing was stored: {faults}")
        run = received.run
        self.stdout.write(
            f"run {run.pk}: {run.observations} observations in {run.snapshots} snapshots: {run.new} new, "
            f"{run.changed} changed, {run.unchanged} unchanged, {run.gone} gone, {run.unplaced} without a team"
        )

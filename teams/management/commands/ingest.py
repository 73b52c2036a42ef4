"""manage.py ingest FILE: take observations or a report from a file, whole or not at all."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.clock import now
from program.feeds.batch import Unfit, read_day
from program.feeds.packed import inflate
from program.feeds.registry import KINDS, Kind, by_file_name, recognized
from program.models import Feed
from teams.ingest import Origin, Refused, attempt, ingest, of_feed
from teams.models import Run
from teams.trial_words import lines_of

LARGEST = 1_000_000_000


class Command(BaseCommand):
    """Reads the file, names every bad line or stores all of it, and prints what the run changed."""

    help = (
        "Take observations (.csv, .json) or, for a feed, any report from a file. The same file again changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a file, also in gzip, or - for standard input")
        parser.add_argument("--format", choices=sorted(KINDS), help="instead of what the file says of itself")
        parser.add_argument("--feed", help="the feed that says which metrics a report yields")
        parser.add_argument("--as-of", help="the day that a report is of; else its own, or today")
        parser.add_argument("--source", help="where within the feed it is from, usually a repository")
        parser.add_argument("--dry-run", action="store_true", help="tell what it would store, and store nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        name = options["file"]
        try:
            data = inflate(sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes(), LARGEST)
            as_of = read_day(options["as_of"]) if options["as_of"] else None
        except (OSError, Unfit) as wrong:
            raise CommandError(f"{name} could not be read: {wrong}") from None
        origin = self._origin(name, data, as_of, options)
        if options["dry_run"]:
            trial = attempt(data, origin, now())
            for line in lines_of(trial):
                self.stdout.write(line)
            if trial.faults:
                raise CommandError(f"{len(trial.faults)} faults; nothing would be stored")
            return
        try:
            received = ingest(data, origin, now())
        except Refused as refused:
            for fault in refused.faults:
                self.stderr.write(f"{name}:{fault.line}: {fault.what}")
            raise CommandError(f"{len(refused.faults)} faults; nothing was stored") from None
        run = received.run
        self.stdout.write(
            f"run {run.pk}: {run.observations} observations in {run.snapshots} snapshots: {run.new} new, "
            f"{run.changed} changed, {run.unchanged} unchanged, {run.gone} gone, {run.unplaced} without a team"
        )
        for note in run.notes:
            self.stdout.write(note)
        if received.due:
            self.stdout.write(f"{received.due} goals are to be judged: a worker does it, or run manage.py judge")
        else:
            self.stdout.write(f"{received.judged} goals judged")

    def _origin(self, name: str, data: bytes, as_of: date | None, options: dict[str, Any]) -> Origin:
        feed = Feed.objects.select_related("program").filter(key=options["feed"]).first() if options["feed"] else None
        if options["feed"] and feed is None:
            known = ", ".join(Feed.objects.values_list("key", flat=True)) or "none yet"
            raise CommandError(f"{options['feed']} is no feed; known are {known}")
        kind = _kind(name, data, options["format"] or (feed.kind if feed else ""))
        came_from = Path(name).name
        if feed is None:
            return Origin(Run.Kind.FILE, came_from, kind)
        return of_feed(feed, kind, came_from=came_from, run_kind=Run.Kind.FILE, as_of=as_of, source=options["source"])


def _kind(name: str, data: bytes, said: str) -> Kind:
    kind = KINDS[said] if said else (recognized(data) or by_file_name(name))
    if kind is None:
        raise CommandError(f"{name} is of no known format: say --format, one of {', '.join(sorted(KINDS))}")
    return kind

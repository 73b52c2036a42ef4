"""manage.py ingest FILE: take observations from a CSV or JSON file, whole or not at all."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.clock import now
from program.feeds.registry import KINDS, by_file_name
from teams.ingest import Origin, Refused, ingest
from teams.models import Run

LARGEST = 1_000_000_000


class Command(BaseCommand):
    """Reads the file, names every bad line or stores all of it, and prints what the run changed."""

    help = "Take observations from a file (.csv or .json, also .gz). The same file again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a file, or - for standard input")
        parser.add_argument("--format", choices=sorted(KINDS), help="instead of what the file's name says")

    def handle(self, *_args: Any, **options: Any) -> None:
        name = options["file"]
        kind = KINDS[options["format"]] if options["format"] else by_file_name(name)
        if kind is None:
            raise CommandError(f"{name} ends neither in .csv nor in .json: say --format csv or --format json")
        try:
            data = sys.stdin.buffer.read() if name == "-" else _read(Path(name))
        except (OSError, EOFError, ValueError) as fault:
            raise CommandError(f"{name} could not be read: {fault}") from None
        try:
            received = ingest(data, Origin(Run.Kind.FILE, Path(name).name, kind), now())
        except Refused as refused:
            for line, what in refused.faults:
                self.stderr.write(f"{name}:{line}: {what}")
            raise CommandError(f"{len(refused.faults)} faults; nothing was stored") from None
        run = received.run
        self.stdout.write(
            f"run {run.pk}: {run.observations} observations in {run.snapshots} snapshots: {run.new} new, "
            f"{run.changed} changed, {run.unchanged} unchanged, {run.gone} gone, {run.unplaced} without a team"
        )
        if received.due:
            self.stdout.write(f"{received.due} goals are to be judged: a worker does it, or run manage.py judge")
        else:
            self.stdout.write(f"{received.judged} goals judged")


def _read(path: Path) -> bytes:
    """A file's bytes, inflated when its name ends in .gz; a file that inflates beyond 1 GB is refused."""
    if path.suffix != ".gz":
        return path.read_bytes()
    with gzip.open(path) as packed:
        data = packed.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"it inflates to more than {LARGEST:,} bytes")
    return data

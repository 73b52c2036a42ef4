"""manage.py apply FILE [--plan]: make the database say what a file of programs or teams says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.clock import now
from teams.apply.files import apply_text
from teams.apply.marked_yaml import Unreadable


class Command(BaseCommand):
    """Reads the file, names every fault or applies all of it, and prints what changed."""

    help = "Apply a program, or teams and people (Backstage Group and User entities), from YAML."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a YAML file, or - for standard input")
        parser.add_argument("--plan", action="store_true", help="print what would change, and change nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        name = options["file"]
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as fault:
            raise CommandError(f"{name} could not be read: {fault}") from None
        try:
            changes = apply_text(text, now=now(), via=f"apply {Path(name).name}", plan=options["plan"])
        except Unreadable as unreadable:
            for line, what in unreadable.faults:
                self.stderr.write(f"{name}:{line}: {what}")
            count = len(unreadable.faults)
            raise CommandError(f"{count} fault{'s' if count > 1 else ''}; nothing was applied") from None
        for change in changes:
            self.stdout.write(str(change))
        if not changes:
            self.stdout.write("Nothing to change.")
        elif options["plan"]:
            self.stdout.write(f"{len(changes)} changes planned; nothing was changed. Leave out --plan to apply.")
        else:
            self.stdout.write(self.style.SUCCESS(f"{len(changes)} changes applied."))

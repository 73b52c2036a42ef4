"""manage.py ownership FILE: put a repository's CODEOWNERS in force, or show what that would do."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.clock import now, today
from program.wording import value
from teams.models import LONG_AGO, OwnershipFile
from teams.placing_anew import Effect
from teams.reorganizing import Unfit, preview, set_file


class Command(BaseCommand):
    """Reads the file, places anew what is held from the given day on, and prints which items and standings moved."""

    help = "Put a CODEOWNERS file in force for a source, from a day on; --plan shows what it would do."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a CODEOWNERS file")
        parser.add_argument("--source", default="", help="the repository it is of, as reports name their source")
        parser.add_argument("--from", dest="since", help="the first day of its force; beginning: restate all the past")
        parser.add_argument("--flavor", choices=["github", "gitlab"], default="", help="instead of what is recognized")
        parser.add_argument("--plan", action="store_true", help="show what it would do, and keep nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        source = options["source"]
        try:
            text = Path(options["file"]).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as fault:
            raise CommandError(f"{options['file']} could not be read as UTF-8: {fault}") from None
        since = _since(options["since"], source)

        def change() -> Effect:
            return set_file(source, text, since=since, now=now(), flavor=options["flavor"], via="command ownership")

        try:
            effect = preview(change) if options["plan"] else change()
        except Unfit as unfit:
            raise CommandError(str(unfit)) from None
        for what in effect.skipped:
            self.stderr.write(f"left out: {what}")
        if effect.unknown:
            self.stderr.write(f"no team here: {', '.join(effect.unknown)}")
        for old, new, number in effect.items:
            self.stdout.write(f"{number} items from {old or 'nobody'} to {new or 'nobody'}")
        for moved in effect.standings:
            before, after = (value(v, moved.unit, moved.aggregation) for v in (moved.before, moved.after))
            self.stdout.write(
                f"{moved.team} {moved.metric}: {moved.status_before} {before} → {moved.status_after} {after}"
            )
        start = "the beginning" if since == LONG_AGO else str(since)
        self.stdout.write(
            f"{'Would be' if options['plan'] else 'In'} force from {start}; no brief of the past changes."
        )


def _since(text: str | None, source: str) -> date:
    """The day asked for; without one, today, or the beginning where it is the source's first file."""
    if text == "beginning":
        return LONG_AGO
    if text:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise CommandError(f"--from is a day as 2026-01-31, or beginning, not {text[:40]!a}") from None
    return today("UTC") if OwnershipFile.objects.filter(source=source).exists() else LONG_AGO

"""manage.py apply FILE [--plan] [--overwrite]: make the database say what a file of programs or teams says."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.clock import now
from teams.apply.changes import Change
from teams.apply.conflicts import Conflict
from teams.apply.files import Told, apply_file
from teams.apply.leavers import Leaver, leavers, let_go
from teams.apply.marked_yaml import LARGEST_HERE, Unreadable

MANY = 10
"""On a terminal, so many rows of a kind are printed; a script gets them all."""


class Command(BaseCommand):
    """Reads the file, names every fault or applies all of it, and prints what changed."""

    help = "Apply a program, or teams and people (Backstage Group and User entities), from YAML."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a YAML file, or - for standard input")
        parser.add_argument("--plan", action="store_true", help="print what would change, and change nothing")
        parser.add_argument(
            "--overwrite", action="store_true", help="apply it although it undoes what was changed on a page since"
        )

        parser.add_argument(
            "--deactivate-leavers",
            action="store_true",
            help="with a file of people: who is in no team any more may enter no more, unless they hold something else",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        name = options["file"]
        try:
            text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as fault:
            raise CommandError(f"{name} could not be read: {fault}") from None
        plan, overwrite = options["plan"], options["overwrite"]
        try:
            outcome = apply_file(
                text, now=now(), via=f"apply {Path(name).name}", plan=plan, overwrite=overwrite, largest=LARGEST_HERE
            )
        except Unreadable as unreadable:
            for line, what in unreadable.faults:
                self.stderr.write(f"{name}:{line}: {what}")
            count = len(unreadable.faults)
            raise CommandError(f"{count} fault{'s' if count > 1 else ''}; nothing was applied") from None
        for told in outcome.told:
            self._tell(told)
        self._rows(outcome.changes)
        if outcome.conflicts:
            self._refuse(outcome.conflicts)
        let_them_go = options["deactivate_leavers"] and not plan
        self._leavers(leavers(outcome.documents, outcome.changes), f"apply {Path(name).name}", let_them_go)
        made = f"{len(outcome.changes)} changes"
        if not outcome.changes:
            self.stdout.write("Nothing to change.")
        elif plan:
            self.stdout.write(f"{made} planned; nothing was changed. Leave out --plan to apply.")
        else:
            self.stdout.write(self.style.SUCCESS(f"{made} applied."))

    def _leavers(self, found: Sequence[Leaver], via: str, deactivate: bool) -> None:
        """Who is in no team any more; deactivated where that was asked for."""
        gone = let_go([one for one in found if not one.keeps], None, now(), via) if deactivate else []
        for one in found:
            self.stdout.write(f"deactivated: {one.person.email}" if one.person in gone else str(one))

    def _tell(self, told: Told) -> None:
        """A program's difference, with what follows from it."""
        if told.sections:
            self.stdout.write(f"{told.name} ({told.program})")
        for section in told.sections:
            self.stdout.write(f"  {section.heading}")
            for line in section.lines:
                self.stdout.write("    " + self._marked(f"{line.mark} {line.text}"))
        for said in (*told.consequences, *told.remarks):
            self.stdout.write(f"  {said}")
        if told.sections or told.remarks:
            self.stdout.write("")

    def _rows(self, changes: Sequence[Change]) -> None:
        """One line a row that is added, changed or removed."""
        seen: dict[str, int] = {}
        for change in changes:
            seen[change.kind] = seen.get(change.kind, 0) + 1
            if seen[change.kind] <= MANY or not self.stdout.isatty():
                self.stdout.write(self._marked(str(change)))
        for kind, count in seen.items():
            if count > MANY and self.stdout.isatty():
                self.stdout.write(f"… and {count - MANY:,} more of {kind}")

    def _marked(self, line: str) -> str:
        styles = {"+": self.style.SUCCESS, "-": self.style.ERROR, "~": self.style.WARNING}
        return styles[line[0]](line) if line[:1] in styles else line

    def _refuse(self, conflicts: Sequence[Conflict]) -> None:
        for conflict in conflicts:
            self.stderr.write(f"conflict: {conflict}")
        count = f"{len(conflicts)} conflict{'s' if len(conflicts) > 1 else ''}"
        raise CommandError(
            f"{count}: changed on a page since the last apply; nothing was applied. Export the program to see how it "
            "stands and merge the two, or apply with --overwrite."
        )

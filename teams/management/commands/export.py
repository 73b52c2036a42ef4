"""manage.py export KEY… | --all | --teams [--out FILE]: programs, or teams and people, as the YAML that apply takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from program.models import Program
from teams.apply.export import export, in_order
from teams.apply.org_export import export_org


class Command(BaseCommand):
    """Prints the file, or writes it."""

    help = "Write programs, or teams and people, as the YAML that apply takes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("keys", nargs="*", metavar="KEY", help="keys of programs")
        parser.add_argument("--all", action="store_true", help="all programs, each after those it refers to")
        parser.add_argument("--teams", action="store_true", help="groups, people and components, as Backstage entities")
        parser.add_argument("--out", metavar="FILE", help="a file to write; without it, standard output")

    def handle(self, *_args: Any, **options: Any) -> None:
        keys, everything, teams = options["keys"], options["all"], options["teams"]
        if bool(keys) + everything + teams != 1:
            raise CommandError("keys of programs, or --all, or --teams, was expected")
        text = export_org() if teams else "---\n".join(export(one) for one in self._programs(keys))
        if not options["out"]:
            self.stdout.write(text, ending="")
            return
        try:
            Path(options["out"]).write_text(text, encoding="utf-8")
        except OSError as fault:
            raise CommandError(f"{options['out']} could not be written: {fault}") from None

    def _programs(self, keys: list[str]) -> list[Program]:
        programs = {program.key: program for program in Program.objects.select_related("sponsor", "guard_of")}
        for key in keys:
            if key not in programs:
                raise CommandError(f"no program {key}; known: {', '.join(sorted(programs)) or 'none'}")
        return [programs[key] for key in keys] if keys else in_order(list(programs.values()))

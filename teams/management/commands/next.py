"""manage.py next --team KEY: what the team does next, in the terminal or in a build."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.clock import now
from program import wording
from teams.models import Goal, Team
from teams.next_items import FAILS, FORMATS, ITEMS, MOST_ITEMS, NoSuchGoal, build, write


class Command(BaseCommand):
    """Prints the trails of a team's goals, worst goal first; the first line is the whole story."""

    help = "Print what a team does next: the items of its trails with their playbooks, worst goal first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--team", required=True, metavar="KEY")
        parser.add_argument("--program", default="", metavar="KEY", help="only goals of this program")
        parser.add_argument("--metric", default="", metavar="KEY", help="only this metric, however it stands")
        parser.add_argument(
            "--limit", type=_limit, default=ITEMS, metavar="N", help=f"items a goal; {ITEMS} by default"
        )
        parser.add_argument("--format", choices=FORMATS, default="text")
        parser.add_argument("--fail-on", choices=sorted(FAILS), help="exit with 1 if a goal is so, and not held")

    def handle(self, *_args: Any, **options: Any) -> None:
        team = Team.objects.leaves().filter(key=options["team"]).first()
        if team is None:
            raise CommandError(f"team {options['team']!r} is not known; apply its Group first", returncode=2)
        names = {name: options[name] for name in ("program", "metric", "limit")}
        try:
            found = build(team, now(), Goal.objects.all(), **names)
        except NoSuchGoal as fault:
            raise CommandError(str(fault), returncode=2) from None
        self.stdout.write(write(found, options["format"]), ending="")
        failing = found.failing(options["fail_on"]) if options["fail_on"] else []
        if failing:
            said = wording.listed([f"{one.goal.metric_name} ({one.goal.status})" for one in failing])
            raise CommandError(f"{team.name}: {said}", returncode=1)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= MOST_ITEMS:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MOST_ITEMS} was expected, not {text!r}")
    return int(text)

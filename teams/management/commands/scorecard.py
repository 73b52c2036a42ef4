"""manage.py scorecard TEAM [--on DAY] [--json]: a team's scorecard in the terminal."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.clock import today
from program.wording import day, gap, share, value
from teams.models import Team
from teams.scorecards import GoalCard, as_judged, build

CRUMBS = 5


class Command(BaseCommand):
    """Prints the scorecard in words, or as the JSON of the contract."""

    help = "Print a team's scorecard, judged from the observations held now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("team", help="the team's key")
        parser.add_argument(
            "--on", type=date.fromisoformat, metavar="YYYY-MM-DD", help="a day; the team's today by default"
        )
        parser.add_argument("--json", action="store_true", help="the scorecard contract")
        parser.add_argument("--as-judged", action="store_true", help="what was said on that day (JSON)")

    def handle(self, *_args: Any, **options: Any) -> None:
        team = Team.objects.leaves().filter(key=options["team"]).first()
        if team is None:
            raise CommandError(f"team {options['team']!r} is not known; apply its Group first")
        on = options["on"] or today(team.time_zone)
        if options["as_judged"]:
            self.stdout.write(json.dumps(as_judged(team, on), indent=2))
            return
        card = build(team, on)
        if options["json"]:
            self.stdout.write(json.dumps(card.facts(), indent=2))
            return
        self.stdout.write(f"{team.name}, {day(on)}")
        if not card.goals:
            self.stdout.write("No goals yet: a program's goals make them (manage.py apply FILE).")
        for goal in card.goals:
            self.stdout.write("\n".join(_lines(goal)))


def _lines(card: GoalCard) -> list[str]:
    """One goal in words: where it stands, and the trail back."""
    j, unit, aggregation = card.judgment, card.version.unit, card.version.aggregation
    line = f"\n{j.status.upper():9} {card.goal.metric.name} ({card.goal.program.name})"
    if j.value is not None:
        line += f": {value(j.value, unit, aggregation)}"
    if j.expected is not None:
        line += f", path {value(j.expected, unit, aggregation)}"
    if j.target is not None:
        line += f", target {value(j.target, unit, aggregation)} by {day(card.terms.due)}"
    lines = [line]
    if j.gap:
        lines.append(
            f"          {gap(j.gap, unit, aggregation)} short; forecast {day(j.forecast) if j.forecast else 'none'}"
        )
    if j.reason:
        lines.append(f"          {j.reason}")
    for crumb in card.trail[:CRUMBS]:
        closes = "" if crumb.closes is None else f"closes {share(crumb.closes)}"
        lines.append(f"          - {crumb.item or 'whole team'}  {closes}  {crumb.trend or ''}".rstrip())
    if len(card.trail) > CRUMBS:
        lines.append(f"          … and {len(card.trail) - CRUMBS} more")
    return lines

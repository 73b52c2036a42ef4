"""The lines of a program's goals changed on a page: one added or changed, moved, taken out; with who, when and why.

Positions run from 0 without a gap, as in the program's file, and of two lines for one team the later one wins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import User
from program.models import GoalRule, Program

from .apply.changes import Changes
from .apply.consequences import Counted
from .goals import make_goals, select_teams, take_turn
from .lifecycle import has_ended
from .models import Team
from .typed import Unfit

FIELDS = (
    "metric", "teams", "start", "due", "target", "improve_by", "tolerance", "milestones", "why", "chosen",
)  # fmt: skip
ASIDE = 32_767
"""A place that no line has, while two of them change theirs."""
MOST_LINES = 500


@dataclass(frozen=True, slots=True)
class Leaving:
    """What taking a line out would do to its live goals."""

    ending: int
    staying: int
    """asked by an earlier line, which then holds"""


def seen(rule: GoalRule) -> str:
    """A short word for what a line says and where it stands: another one once somebody changed it."""
    said = repr([rule.pk, rule.position, *(getattr(rule, name) for name in FIELDS if name != "metric"), rule.metric_id])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def save(
    program: Program, position: int | None, asked: Mapping[str, Any], *, was: str, by: User, reason: str, now: datetime
) -> list[str]:
    """Add a line (no position), or make one say something else. Returns what came of it. Raises Unfit.

    `was` is the word of the line as it was seen before: one that somebody changed since is not overwritten.
    """
    with transaction.atomic():
        program = _locked(program)
        rules = list(program.goal_rules.order_by("position"))
        if position is None:
            if len(rules) >= MOST_LINES:
                raise Unfit(f"At most {MOST_LINES} lines of goals were expected: change or take out one of them.")
            rule = GoalRule(program=program, position=len(rules) and rules[-1].position + 1)
        else:
            rule = _at(rules, position, was)
        changes, before = Changes(now, "page", by, reason=reason), Counted.of(program)
        changes.put("goal rule", f"{program.key}#{rule.position + 1}", rule, asked)
        _make(program, changes)
        return Counted.of(program).since(before, changes.made)


def move(
    program: Program, position: int, *, later: bool, was: str, by: User, reason: str, now: datetime
) -> list[str]:  # fmt: skip
    """Let a line change places with the one before or after it. Returns what came of it. Raises Unfit."""
    with transaction.atomic():
        program = _locked(program)
        rules = list(program.goal_rules.order_by("position"))
        rule = _at(rules, position, was)
        at = rules.index(rule) + (1 if later else -1)
        if not 0 <= at < len(rules):
            raise Unfit(f"This is the {'last' if later else 'first'} line already.")
        other = rules[at]
        changes, before = Changes(now, "page", by, reason=reason), Counted.of(program)
        places = rule.position, other.position
        for one, place in ((rule, ASIDE), (other, places[0]), (rule, places[1])):
            one.position = place
            one.save(update_fields=["position"])
        changes.note(
            "goal rule", f"{program.key}#{places[0] + 1}", {"place": places[0] + 1}, {"place": places[1] + 1}
        )  # fmt: skip
        _make(program, changes)
        return Counted.of(program).since(before, changes.made)


def leaving(program: Program, rule: GoalRule) -> Leaving:
    """What taking a line out would do: how many goals end, and how many an earlier line asks as well."""
    live = list(program.goals.filter(rule=rule, ended_on=None).values_list("team_id", flat=True))
    others = program.goal_rules.filter(metric=rule.metric_id).exclude(pk=rule.pk)
    teams = Team.objects.in_bulk()
    asked = {team for other in others for team in select_teams(program, other.teams, teams)}
    staying = sum(1 for team in live if team in asked)
    return Leaving(len(live) - staying, staying)


def remove(program: Program, position: int, *, was: str, by: User, reason: str, now: datetime) -> list[str]:
    """Take a line out: the goals that no other line asks end today. Returns what came of it. Raises Unfit."""
    with transaction.atomic():
        program = _locked(program)
        rules = list(program.goal_rules.select_related("metric").order_by("position"))
        rule = _at(rules, position, was)
        changes, before = Changes(now, "page", by, reason=reason), Counted.of(program)
        changes.note(
            "goal rule", f"{program.key}#{position + 1}", {name: getattr(rule, name) for name in FIELDS}, None
        )  # fmt: skip
        later = rules[rules.index(rule) + 1 :]
        rule.delete()
        for one in later:
            one.position -= 1
            one.save(update_fields=["position"])
        _make(program, changes)
        return Counted.of(program).since(before, changes.made)


def _make(program: Program, changes: Changes) -> None:
    make_goals(program, changes.now, changes.note, by=changes.actor, reason=changes.reason or "its line was changed")


def _locked(program: Program) -> Program:
    """The program as it is now, its lines changed by one at a time. Raises Unfit for one that has ended."""
    take_turn()
    found = Program.objects.select_for_update().get(pk=program.pk)
    if has_ended(found):
        raise Unfit("This program has ended: its goals stay as they are.")
    return found


def _at(rules: list[GoalRule], position: int, was: str) -> GoalRule:
    rule = next((rule for rule in rules if rule.position == position), None)
    if rule is None or seen(rule) != was:
        raise Unfit("Somebody changed these lines since you opened this page: look at them again, then change them.")
    return rule

"""What a change would do: it is made, looked at and taken back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import transaction

from program.models import Program

from .models import Goal

Seen = TypeVar("Seen")


def taken_back(change: Callable[[], Seen]) -> Seen:
    """Make a change, and take back everything it wrote; gives what it saw. What it raises comes through."""
    with transaction.atomic():
        seen = change()
        transaction.set_rollback(True)
    return seen


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change would do to a program's goals and to who waits, and whose goals (teams' ids) would be new."""

    more_goals: int
    more_waiting: int
    new_teams: frozenset[int]


def effect(program: Program, change: Callable[[], object]) -> Effect:
    """The effect of a change, which is not kept."""

    def look() -> Effect:
        goals, teams, waiting = _held(program)
        change()
        goals_then, teams_then, waiting_then = _held(program)
        return Effect(goals_then - goals, waiting_then - waiting, frozenset(teams_then - teams))

    return taken_back(look)


def _held(program: Program) -> tuple[int, set[int], int]:
    teams = list(Goal.objects.filter(program=program, ended_on=None).order_by().values_list("team_id", flat=True))
    return len(teams), set(teams), program.waiting.count()

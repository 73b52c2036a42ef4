"""What is open with the leader of a group: asks, exemptions that end, and what their teams say blocks them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

from django.db.models import Q

from accounts.models import User
from program import wording
from reviews.models import Ask
from teams.handover import shortened
from teams.models import Answer, Exemption, Goal, GoalQuerySet
from web.ask_lines import AskLine, line

MOST = 8


@dataclass(frozen=True)
class OpenLine:
    """An exemption in force, or a goal that is blocked: in words, and where it stands."""

    said: str
    team: str
    program: str
    metric: str


def asks(
    user: User, leaders: Collection[int], teams: Collection[int], on: date
) -> tuple[list[AskLine], AskLine | None]:
    """The open asks of the group's leaders, or that are to help its teams, as far as the reader may see them, the
    first due leads; and the one to speak of before all else, a late one of the leader's own. One query."""
    about = Q(of__in=leaders) | Q(goals__team__in=teams)
    rows = Ask.objects.filter(pk__in=Ask.objects.visible_to(user).filter(about).values("pk")).open()
    found = [(one, line(one, on)) for one in rows.select_related("of", "program", "review")[: MOST + 1]]
    late = next((said for one, said in found if said.late and one.of_id in leaders), None)
    return [replace(said, program=one.program.name) for one, said in found], late


def resting(goals: GoalQuerySet, on: date) -> list[OpenLine]:
    """The exemptions in force on these goals, the first to end leads. One query."""
    rows = Exemption.objects.covering(on).filter(goal__in=goals).order_by("until_day", "goal__team__key", "pk")
    return [
        _line(
            one.goal,
            f"{one.goal.team.name}: {one.goal.metric.name} is exempt until {wording.near_day(one.until_day, on)},"
            f" {one.said_reason}",
        )
        for one in rows.select_related("goal__team", "goal__metric", "goal__program")[: MOST + 1]
    ]


def blocked(user: User, goals: GoalQuerySet, on: date) -> list[OpenLine]:
    """What blocks these goals, as far as the reader may read the answers. One query."""
    rows = Answer.objects.visible_to(user).standing().filter(kind=Answer.Kind.BLOCKED, until__gt=on, goal__in=goals)
    found = rows.select_related("goal__team", "goal__metric", "goal__program", "needs").order_by("until", "pk")
    return [_line(one.goal, _blocked(one, on)) for one in found[: MOST + 1]]


def _blocked(one: Answer, on: date) -> str:
    until = wording.near_day(one.until, on)
    said = f"{one.goal.team.name} is blocked on {one.goal.metric.name} until {until}: “{shortened(one.text)}”"
    return f"{said}; it needs {one.needs}’s priority" if one.needs else said


def _line(goal: Goal, said: str) -> OpenLine:
    return OpenLine(said, goal.team.key, goal.program.key, goal.metric.key)

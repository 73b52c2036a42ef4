"""What a leader was asked before for the same goals: a sponsor who asks again should know that it is again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from accounts.clock import today
from program import wording as say
from program.models import Program

from .models import Ask

NAMED_AT_MOST = 3


@dataclass(frozen=True)
class Earlier:
    """One ask of somebody: the day it was raised, its state, and the goals it was to help."""

    day: date
    state: str
    goals: Collection[int]


def by_person(program: Program, asks: Iterable[Ask]) -> dict[int, list[Earlier]]:
    """Of a program's asks, with their goals, every one of each person that was not withdrawn, the oldest first."""
    found: dict[int, list[Earlier]] = {}
    theirs = (ask for ask in asks if ask.of_id is not None and ask.state != Ask.State.WITHDRAWN)
    for ask in sorted(theirs, key=lambda ask: (ask.raised_at, ask.pk)):
        goals = {goal.pk for goal in ask.goals.all()}
        day = today(program.review_zone, ask.raised_at)
        found.setdefault(ask.of_id or 0, []).append(Earlier(day, ask.state, goals))
    return found


def told(asked: Mapping[int, Sequence[Earlier]], person: int | None, goal: int, on: date) -> str:
    """In one sentence how often somebody was asked for a goal, and what became of it: "Asked 3 times before, on 1 Sep
    (missed), 13 Oct (kept) and 24 Nov (open): it is behind still."; empty where they were not."""
    same = [one for one in asked.get(person or 0, ()) if goal in one.goals]
    if not same:
        return ""
    again = "it is behind still"
    if same[-1].state == Ask.State.OPEN:
        again = "keep, move or drop that one rather than ask again"
    named = [f"{say.near_day(one.day, on)} ({one.state})" for one in same[-NAMED_AT_MOST:]]
    if len(same) == 1:
        return f"Asked before, on {named[0]}: {again}."
    last = "" if len(same) <= NAMED_AT_MOST else "last "
    return f"Asked {len(same)} times before, {last}on {say.listed(named)}: {again}."

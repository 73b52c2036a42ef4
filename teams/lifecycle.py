"""A program's life: draft, active, paused, ended; each step with what it needs, its reason and its trace."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.audit import record
from accounts.clock import today
from accounts.models import User
from program import readiness
from program.models import Program, Wave
from program.rules.status import Status

from . import guards, standings, waves
from .apply.changes import Changes
from .goals import make_goals, take_turn
from .models import Goal, WaitingTeam
from .trying import taken_back

State = Program.State
FROM: Mapping[str, tuple[State, ...]] = {
    "go-live": (State.DRAFT,),
    "pause": (State.ACTIVE,),
    "resume": (State.PAUSED,),
    "complete": (State.ACTIVE, State.PAUSED),
    "cancel": (State.DRAFT, State.ACTIVE, State.PAUSED),
}
"""Each step, and the states from which it is taken."""
ENDED = (State.COMPLETED, State.CANCELED)
LONGEST = 5000


class Refused(ValueError):
    """A step that was not taken; the message says what was expected."""


def steps(program: Program) -> list[str]:
    """The steps that may be taken from where it is."""
    return [step for step, states in FROM.items() if program.state in states]


def has_ended(program: Program) -> bool:
    """Whether it is over, and read-only from then on."""
    return program.state in ENDED


def go_live(program: Program, *, now: datetime, by: User, via: str = "") -> None:
    """A draft begins: its first wave opens if its start has come, and each team gets its goals or waits for a place."""
    with transaction.atomic():
        held = _locked(program, "go-live")
        day = today(held.review_zone, now)
        lacks = readiness.needed(held, readiness.read([held])[held.pk], day)
        if lacks:
            raise Refused(" ".join(lacks))
        _set(held, {"state": State.ACTIVE}, "", now, by, via)
        waves.open_by_gate(held, now)
        make_goals(held, now, Changes(now, via, by).note, by=by, reason="the program went live", entering=True)
    program.refresh_from_db()


def pause(program: Program, why: str, *, now: datetime, by: User, via: str = "") -> None:
    """Nudges rest; goals stay on scorecards and go on being judged."""
    _step(program, "pause", {"state": State.PAUSED}, _said(why, "why it is paused"), now, by, via)


def resume(program: Program, why: str, *, now: datetime, by: User, via: str = "") -> None:
    """Nudges go on."""
    _step(program, "resume", {"state": State.ACTIVE}, why.strip()[:LONGEST], now, by, via)


def complete(program: Program, learned: str, *, guard: bool, now: datetime, by: User, via: str = "") -> Program | None:
    """It reached what it could: its goals leave the scorecards. With `guard`, a new program guards what is met."""
    learned = _said(learned, "what was learned")
    return _over(program, "complete", State.COMPLETED, learned, learned, guard=guard, changes=Changes(now, via, by))


def cancel(
    program: Program, why: str, learned: str, *, now: datetime, by: User, via: str = "", guard: bool = False
) -> Program | None:
    """It is given up: its goals leave the scorecards. With `guard`, a new program guards what is met."""
    why, learned = _said(why, "why it is canceled"), _said(learned, "what was learned")
    words = f"{why}\n\n{learned}"
    return _over(program, "cancel", State.CANCELED, words, why, guard=guard, changes=Changes(now, via, by))


def _over(
    program: Program, step: str, state: State, words: str, reason: str, *, guard: bool, changes: Changes
) -> Program | None:
    """End it, in one transaction with its standing guard where one is wanted; gives the guard."""
    with transaction.atomic():
        held = _locked(program, step)
        reached = guards.gains(held, changes.now) if guard else None
        if reached is not None and not reached.lines:
            raise Refused("A goal that is met was expected: there is nothing to guard.")
        held.waiting.all().delete()
        values = {"state": state, "ended_on": today(held.review_zone, changes.now), "ended_why": words}
        _set(held, values, reason, changes.now, changes.actor, changes.via)
        made = guards.stand_guard(held, reached, changes) if reached else None
    program.refresh_from_db()
    return made


def _step(
    program: Program, step: str, values: Mapping[str, object], reason: str, now: datetime, by: User, via: str
) -> None:
    with transaction.atomic():
        _set(_locked(program, step), values, reason, now, by, via)
    program.refresh_from_db()


def _locked(program: Program, step: str) -> Program:
    """The program as it is now, locked; refused if the step is not one of its state."""
    take_turn()
    held = Program.objects.select_for_update(of=("self",)).get(pk=program.pk)
    if held.state not in FROM[step]:
        expected = " or ".join(FROM[step])
        raise Refused(f"A program that is {expected} was expected; {held.name} is {held.state}.")
    return held


def _set(program: Program, values: Mapping[str, object], reason: str, now: datetime, by: User | None, via: str) -> None:
    before = {name: getattr(program, name) for name in values}
    for name, value in values.items():
        setattr(program, name, value)
    program.save(update_fields=list(values))
    record(
        "program", program.key, at=now, actor=by, via=via, reason=reason,
        before={name: _plain(value) for name, value in before.items()},
        after={name: _plain(value) for name, value in values.items()},
    )  # fmt: skip


def _plain(value: object) -> str | None:
    return None if value is None else str(value)


def _said(text: str, what: str) -> str:
    text = text.strip()
    if not text or "\0" in text or len(text) > LONGEST:
        raise Refused(f"A text of 1 to {LONGEST:,} characters was expected: {what}.")
    return text


@dataclass(frozen=True, slots=True)
class Outlook:
    """What going live would mean on day one."""

    teams: Sequence[int]
    goals: int
    counts: Mapping[str, int]
    """goals by status, as they would be judged today"""
    waiting: Mapping[str, int]
    """teams by what they would wait for"""
    opened: Sequence[str]
    """waves that would open"""
    ages: Sequence[int]
    """for each goal that has a value, how many days ago it was measured"""


def outlook(program: Program, now: datetime) -> Outlook:
    """What going live would mean: it is done, looked at and taken back. What it needs is not asked for."""

    def look() -> Outlook:
        held = Program.objects.get(pk=program.pk)
        held.state = State.ACTIVE
        held.save(update_fields=["state"])
        opened = held.waves.exclude(state=Wave.State.PLANNED)
        before = set(opened.values_list("pk", flat=True))
        waves.open_by_gate(held, now)
        make_goals(held, now, lambda *_: None, entering=True)
        live = Goal.objects.filter(program=held, ended_on=None)
        day = today(held.review_zone, now)
        judged = [one.judgment for one in standings.on(live, day)]
        counts = Counter(str(one.status) for one in judged)
        return Outlook(
            teams=sorted(set(live.order_by().values_list("team_id", flat=True))),
            goals=sum(counts.values()),
            counts={str(status): counts[str(status)] for status in Status if counts[str(status)]},
            waiting=Counter(WaitingTeam.objects.filter(program=held).values_list("why", flat=True)),
            opened=list(opened.exclude(pk__in=before).values_list("key", flat=True)),
            ages=[(day - one.as_of).days for one in judged if one.as_of],
        )

    return taken_back(look)

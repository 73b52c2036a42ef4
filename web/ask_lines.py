"""Asks as lines of a page: of whom, by when, what became of it, and what it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from accounts.clock import today
from reviews import ask_words
from reviews.models import Ask


@dataclass(frozen=True)
class AskLine:
    """One ask in words."""

    pk: int
    text: str
    of: str
    due: str
    late: bool
    state: str
    outcome: str
    effect: str = ""
    later: bool = False
    """raised after the minutes of its review were sent"""
    program: str = ""
    """its program's name, where lines of several programs stand together"""


def line(ask: Ask, on: date, effect: str = "", *, later: bool = False) -> AskLine:
    """One of them."""
    late, due = ask_words.is_late(ask, on), ask_words.by_when(ask, on)
    return AskLine(ask.pk, ask.text, str(ask.of or ""), due, late, ask.state, ask_words.outcome(ask), effect, later)


def lines(asks: Iterable[Ask], on: date, effects: Mapping[int, str] | None = None) -> list[AskLine]:
    """All of one program."""
    return [line(ask, on, (effects or {}).get(ask.pk, "")) for ask in asks]


def of_many_programs(asks: Iterable[Ask], moment: datetime) -> list[AskLine]:
    """Of several programs: each on the day that it is where its program is reviewed, and with its program's name."""
    return [replace(line(ask, today(ask.program.review_zone, moment)), program=ask.program.name) for ask in asks]

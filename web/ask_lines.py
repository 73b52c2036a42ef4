"""Asks as lines of a page: of whom, by when, what became of it, and what it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

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


def line(ask: Ask, on: date, effect: str = "", *, later: bool = False) -> AskLine:
    """One of them."""
    late = ask_words.is_late(ask, on)
    due = f"{'was due' if late else 'by'} {ask_words.due(ask, on)}" if ask.due else ""
    return AskLine(ask.pk, ask.text, str(ask.of or ""), due, late, ask.state, ask_words.outcome(ask), effect, later)


def lines(asks: Iterable[Ask], on: date, effects: Mapping[int, str] | None = None) -> list[AskLine]:
    """All of them."""
    return [line(ask, on, (effects or {}).get(ask.pk, "")) for ask in asks]

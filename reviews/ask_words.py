"""An ask in words: its day and how often it moved, and how it goes; page, brief and mail say the same."""

from __future__ import annotations

from datetime import date

from program import wording as say

from .models import Ask

TIMES = {1: "", 2: " (twice)"}


def due(ask: Ask, on: date) -> str:
    """Its day, and from which it was moved: "9 Apr, moved from 3 Mar (twice)"; empty without a day."""
    if ask.due is None:
        return ""
    said = say.near_day(ask.due, on)
    if not ask.moves or ask.first_due is None:
        return said
    return f"{said}, moved from {say.near_day(ask.first_due, on)}{TIMES.get(ask.moves, f' ({ask.moves} times)')}"


def by_when(ask: Ask, on: date) -> str:
    """Its day with the word before it: "by 9 Apr, moved from 3 Mar", "was due 9 Apr"; empty without a day."""
    if ask.due is None:
        return ""
    return f"{'was due' if is_late(ask, on) else 'by'} {due(ask, on)}"


def is_late(ask: Ask, on: date) -> bool:
    """Whether it is open past its day."""
    return ask.state == Ask.State.OPEN and ask.due is not None and ask.due < on


def outcome(ask: Ask) -> str:
    """What became of it, or how it goes as whoever was asked says: "Gina says it cannot be done: the freeze"."""
    if not ask.said:
        return ask.outcome
    how = "it cannot be done" if ask.said == Ask.Said.CANNOT else "it is not done yet"
    return f"{ask.of or 'Somebody'} says {how}{f': {ask.outcome}' if ask.outcome else ''}"

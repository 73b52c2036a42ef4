"""An answer in words: what was said, and what it does until when. Pages, mails and briefs say it the same way."""

from __future__ import annotations

from datetime import date

from program import wording

from .answering import DONE_RESTS
from .models import Answer

Kind = Answer.Kind


def said(made: Answer, today: date) -> str:
    """What was answered: "blocked until 30 Nov: “waits for the freeze”; it needs Gina’s priority"."""
    words = f": “{made.text}”" if made.text else ""
    if made.kind == Kind.ON_IT:
        return f"on it until {wording.near_day(made.until, today)}{words}"
    if made.kind == Kind.BLOCKED:
        return f"blocked until {wording.near_day(made.until, today)}{words}{needs(made)}"
    if made.kind == Kind.DONE:
        return f"done{words}"
    whose = f", but {made.whose_team.name}’s" if made.whose_team and not made.text else ""
    return f"not mine{whose}{words}"


def told(made: Answer, today: date) -> str:
    """The same as others read it: "Alice is on it until 30 Nov"."""
    words, by = f": “{made.text}”" if made.text else "", made.person
    if made.until is not None:
        over, day = made.until <= today, wording.near_day(made.until, today)
        if made.kind == Kind.ON_IT:
            return f"{by} {'was' if over else 'is'} on it until {day}{words}"
        return f"{by} said that it is blocked until {day}{words}{needs(made)}"
    if made.kind == Kind.DONE:
        return f"{by} said on {wording.near_day(made.at.date(), today)} that it is done{words}"
    whose = f" but {made.whose_team.name}’s" if made.whose_team and not made.text else ""
    return f"{by} said that it is not theirs{whose}{words}"


def needs(made: Answer) -> str:
    """Whose priority a blocked goal needs: "; it needs Gina's priority"; empty where nobody is named."""
    return f"; it needs {made.needs}’s priority" if made.needs else ""


def does(made: Answer, today: date) -> str:
    """What the answer does, and until when."""
    if made.kind in (Kind.ON_IT, Kind.BLOCKED):
        day = wording.weekday(made.until, today) if made.until else ""
        if made.until and made.until <= today:
            return "Its day has come: mail about this goal comes as before, and the next one asks how it went."
        seen = (
            " The program’s owners and the sponsor’s next brief see what blocks it."
            if made.kind == Kind.BLOCKED
            else ""
        )
        return f"No mail about this goal before {day}; the first one from then on asks how it went.{seen}"
    if made.kind == Kind.DONE:
        given = made.at.date()
        return (
            f"No mail about this goal until a measurement of after {wording.near_day(given, today)} is in, and until"
            f" {wording.near_day(given + DONE_RESTS, today)} at the latest."
        )
    return "You get no more mail about this goal while this stands. The program’s owners are asked whose it is."

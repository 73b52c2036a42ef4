"""What was answered about a goal, as planning and the digest need it: what it silences, and whose day has come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from teams.answering import DONE_RESTS, Said
from teams.models import Answer

from .policy import NOT_ANSWERED, Answered

Kind = Answer.Kind
ASKED_FOR = timedelta(weeks=4)
"""So long after its day somebody is still asked how it went."""


def silences(said: Iterable[Said], person: int, day: date, as_of: date | None, *, muted: bool) -> Answered:
    """What still silences a goal for a person on their day. `as_of` is the day of the newest measurement.

    A promise of one rests the goal for all who would be told; "not mine" and a mute only for who said so.
    """
    said = list(said)
    if not said and not muted:  # nearly always
        return NOT_ANSWERED
    return Answered(
        promised=any(one.kind == Kind.ON_IT and _later(one, day) for one in said),
        blocked=any(one.kind == Kind.BLOCKED and _later(one, day) for one in said),
        said_done=any(one.kind == Kind.DONE and not _shown(one, day, as_of) for one in said),
        not_mine=any(one.kind == Kind.NOT_MINE and one.person == person for one in said),
        goal_muted=muted,
    )


def whose_day_came(said: Iterable[Said], day: date) -> list[Said]:
    """Answers with a day that has come, and not too long ago to ask how it went."""
    return [one for one in said if one.until is not None and one.until <= day < one.until + ASKED_FOR]


def _later(one: Said, day: date) -> bool:
    return one.until is not None and day < one.until


def _shown(one: Said, day: date, as_of: date | None) -> bool:
    """Whether a later measurement is in, or waited for long enough."""
    return (as_of is not None and as_of > one.day) or day >= one.day + DONE_RESTS

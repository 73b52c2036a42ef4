"""The days around a review: when its brief is due, how soon it may be brought forward, who is away."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from accounts.models import User
from program.rules.cadence import BRIEF_AHEAD
from program.rules.working_days import is_day_off, working_day_from, working_days_before

from .models import Review

HOUR = time(9)


def country(review: Review) -> str:
    """Whose public holidays a review minds: its sponsor's."""
    sponsor = review.program.sponsor
    return sponsor.country if sponsor else ""


def freeze_at(review: Review) -> datetime:
    """When its brief is due: nine o'clock of the third working day before it, in its zone and its sponsor's country."""
    day = working_days_before(review.local_start.date(), BRIEF_AHEAD, country(review))
    return datetime.combine(day, HOUR, ZoneInfo(review.zone))


def earliest(review: Review, now: datetime) -> datetime:
    """The first working day, at the review's time of day, before which its brief can still go out as it should; as a
    wall time in its zone (naive). One whose brief is frozen needs the next working day only."""
    start = review.local_start
    day = now.astimezone(ZoneInfo(review.zone)).date() + timedelta(days=1)
    frozen = hasattr(review, "brief")
    while True:
        day = working_day_from(day, country(review))
        due = datetime.combine(working_days_before(day, BRIEF_AHEAD, country(review)), HOUR, start.tzinfo)
        if frozen or due > now:
            return datetime.combine(day, start.time())
        day += timedelta(days=1)


def away(review: Review, people: Sequence[User]) -> list[User]:
    """Who of these is away on the day of a review."""
    day = review.local_start.date()
    return [person for person in people if person.is_away(day)]


def is_off(review: Review) -> bool:
    """Whether its day is a weekend or a holiday: somebody put it there."""
    return is_day_off(review.local_start.date(), country(review))

"""Calendars: when a review comes round in its own time zone, and what a working day is."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Cadence:
    """Every so many weeks or months (`unit`), from a first wall time (naive) on, in an IANA zone."""

    every: int
    unit: str
    first: datetime
    zone: str


class Occurrence(NamedTuple):
    """One turn: its period key, which is its local day, and its moment in UTC."""

    period: str
    at: datetime


def every_of(text: str) -> tuple[int, str] | None:
    """A cadence such as `6 weeks` or `1 month` as (6, "weeks"); None when it is none."""
    number, _, unit = text.strip().partition(" ")
    plural = unit.rstrip("s") + "s"
    fits = number.isdecimal() and 0 < int(number) < 100 and plural in ("weeks", "months")
    return (int(number), plural) if fits else None


def cadence_of(every: str, first: datetime, zone: str) -> Cadence | None:
    """The cadence that these words mean; None when they mean none."""
    step = every_of(every)
    return Cadence(*step, first, zone) if step else None


def after(cadence: Cadence, moment: datetime) -> Iterator[Occurrence]:
    """The occurrences that begin after a moment, in order.

    The wall time stays through clock changes. One that a change skips is as much later; of two, it is the first. A
    month that lacks the first one's day has its last day instead, and the next month the first one's again.
    """
    turn = 0
    while True:
        try:
            wall = _wall_time(cadence, turn)
        except (OverflowError, ValueError):  # past the year 9999
            return
        at = wall.replace(tzinfo=ZoneInfo(cadence.zone), fold=0).astimezone(UTC)
        if at > moment:
            yield Occurrence(wall.date().isoformat(), at)
        turn += 1


def _wall_time(cadence: Cadence, turn: int) -> datetime:
    if cadence.unit == "weeks":
        return cadence.first + timedelta(weeks=cadence.every * turn)
    year, month = divmod(cadence.first.year * 12 + cadence.first.month - 1 + cadence.every * turn, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return cadence.first.replace(year=year, month=month + 1, day=min(cadence.first.day, last))


def working_days_before(day: date, number: int) -> date:
    """The day that lies so many working days (Monday to Friday) before another."""
    while number > 0:
        day -= timedelta(days=1)
        if day.weekday() < 5:
            number -= 1
    return day

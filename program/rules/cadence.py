"""Calendars: when a review comes round in its own time zone, and what a working day is."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


def every_of(text: str) -> tuple[int, str] | None:
    """A cadence such as `6 weeks` or `1 month` as (6, "weeks"); None when it is none."""
    number, _, unit = text.strip().partition(" ")
    plural = unit.rstrip("s") + "s"
    fits = number.isdecimal() and 0 < int(number) < 100 and plural in ("weeks", "months")
    return (int(number), plural) if fits else None


def wall_times(every: str, first: datetime) -> Iterator[datetime]:
    """The wall times (naive) of a cadence, from the first on. Raises ValueError when `every` is no cadence.

    A month that lacks the first one's day has its last day instead, and the next month the first one's again.
    """
    step = every_of(every)
    if step is None:
        raise ValueError(f"every is a number of weeks or months, such as 6 weeks, not {every!r}")
    number, unit = step
    turn = 0
    while True:
        try:
            yield first + timedelta(weeks=number * turn) if unit == "weeks" else _months_on(first, number * turn)
        except (OverflowError, ValueError):
            return
        turn += 1


def _months_on(first: datetime, months: int) -> datetime:
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return first.replace(year=year, month=month + 1, day=min(first.day, last))


def moment(wall: datetime, zone: str) -> datetime:
    """The moment (UTC) of a wall time. One that a clock change skips is as much later; of two, the first."""
    return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def next_after(every: str, first: datetime, zone: str, now: datetime) -> tuple[str, datetime] | None:
    """The first occurrence after a moment: its period key (the local day) and its moment in UTC."""
    for wall in wall_times(every, first):
        at = moment(wall, zone)
        if at > now:
            return wall.date().isoformat(), at
    return None


def working_days_before(day: date, number: int) -> date:
    """The day that lies so many working days (Monday to Friday) before another."""
    while number > 0:
        day -= timedelta(days=1)
        if day.weekday() < 5:
            number -= 1
    return day

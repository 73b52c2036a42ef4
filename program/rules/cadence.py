"""When reviews take place: the occurrences of a cadence in local time, and working days before them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dateutil.rrule import MONTHLY, WEEKLY, rrule

UNITS = ("weeks", "months")
BRIEF_AHEAD = 3
"""So many working days before a review its brief is frozen."""
SATURDAY = 5


class Occurrence(NamedTuple):
    """One time of a cadence: its label, its wall time in the zone, and the moment that is, in UTC."""

    period: str
    local: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Cadence:
    """Every so many weeks or months from a first wall time (naive) in an IANA zone."""

    every: int
    unit: str
    first: datetime
    zone: str

    def __post_init__(self) -> None:
        if self.every < 1 or self.unit not in UNITS or self.first.tzinfo is not None:
            raise ValueError(f"a cadence is a number of weeks or months from a wall time, not {self!r}")


def every_of(text: str) -> tuple[int, str] | None:
    """A cadence such as `6 weeks` or `1 month` as (6, "weeks"); None when it is none."""
    number, _, unit = text.strip().partition(" ")
    plural = unit.rstrip("s") + "s"
    fits = number.isdecimal() and 0 < int(number) < 100 and plural in UNITS
    return (int(number), plural) if fits else None


def cadence_of(text: str, first: datetime | None, zone: str) -> Cadence | None:
    """The cadence that a program's fields describe; None where they describe none."""
    every = every_of(text)
    return Cadence(*every, first=first, zone=zone) if every and first is not None else None


def after(cadence: Cadence, moment: datetime) -> Iterator[Occurrence]:
    """The occurrences later than an aware moment, in order.

    The wall time stays through clock changes. One that a change skips is as much later; of two, it is the first. A
    month that lacks the first one's day has its last day instead, and the next month the first one's again.
    """
    zone = ZoneInfo(cadence.zone)
    # Wall times and moments differ by a day at most: begin a little early and compare moments.
    since = moment.astimezone(UTC).replace(tzinfo=None) - timedelta(days=2)
    for local in _rule(cadence).xafter(since, inc=True):
        at = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if at > moment:
            yield Occurrence(local.date().isoformat(), local, at)


def working_days_before(day: date, n: int, holidays: Collection[date] = ()) -> date:
    """The n-th working day (Monday to Friday, no holiday) before a day, which need not be one itself."""
    while n > 0:
        day -= timedelta(days=1)
        if day.weekday() < SATURDAY and day not in holidays:
            n -= 1
    return day


def _rule(cadence: Cadence) -> rrule:
    if cadence.unit == "weeks":
        return rrule(WEEKLY, interval=cadence.every, dtstart=cadence.first)
    # The 31st of a month that has none is its last day: of the days from the 28th on, the last there is.
    day = cadence.first.day
    days = list(range(28, day + 1)) if day > 28 else [day]
    return rrule(MONTHLY, interval=cadence.every, dtstart=cadence.first, bymonthday=days, bysetpos=-1)

"""When reviews take place: the times of a recurrence on the wall clock of a zone, on working days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .recurrence import NoRecurrence, Recurrence, days_of, recurrence_of
from .working_days import working_day_from

BRIEF_AHEAD = 3
"""So many working days before a review its brief is frozen."""
LONGEST_OFF = timedelta(days=31)
"""No row of holidays and weekends is longer."""


class Occurrence(NamedTuple):
    """One time of a cadence: its label, the wall time in the zone at which it is held, and that moment, in UTC.

    The label is the ISO day that the recurrence says, which may be a day off: then it is held on a later one.
    """

    period: str
    local: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Cadence:
    """A recurrence from a first wall time (naive) on in an IANA zone, and the country whose holidays it minds."""

    recurrence: Recurrence
    first: datetime
    zone: str
    country: str = ""

    def __post_init__(self) -> None:
        if self.first.tzinfo is not None:
            raise ValueError(f"a cadence begins at a wall time, not {self.first!r}")


def cadence_of(text: str, first: datetime | None, zone: str, country: str = "") -> Cadence | None:
    """The cadence that a program's fields describe; None where they describe none."""
    if first is None:
        return None
    try:
        return Cadence(recurrence_of(text), first, zone, country)
    except NoRecurrence:
        return None


def after(cadence: Cadence, moment: datetime) -> Iterator[Occurrence]:
    """The occurrences that are held later than an aware moment, in order.

    One whose day is a weekend or a holiday is held at the same wall time of the next working day; where that is the day
    of the next occurrence, there is that one only.
    """
    if not _comes(cadence.recurrence, cadence.first):
        return
    # What was due before the moment may be held after it; wall times and moments differ by a day at most.
    since = moment.astimezone(UTC).replace(tzinfo=None) - LONGEST_OFF - timedelta(days=2)
    held = (_held(cadence, local) for local in days_of(cadence.recurrence, cadence.first).xafter(since, inc=True))
    for one, following in pairwise(held):
        if one.at > moment and one.local < following.local:
            yield one


def moment_of(local: datetime, zone: str) -> datetime:
    """A wall time (naive) as a moment, in UTC. One that a clock change skips is as much later; of two, it is the
    first."""
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


@lru_cache(maxsize=512)
def _comes(recurrence: Recurrence, first: datetime) -> bool:
    """Whether there is any day from the first on. Each twelfth month from February on has no 31st, and a search for it
    goes through eight thousand years: once, not with each page."""
    return next(iter(days_of(recurrence, first)), None) is not None


def _held(cadence: Cadence, nominal: datetime) -> Occurrence:
    local = datetime.combine(working_day_from(nominal.date(), cadence.country), nominal.time())
    return Occurrence(nominal.date().isoformat(), local, moment_of(local, cadence.zone))

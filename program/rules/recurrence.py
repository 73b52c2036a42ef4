"""How often reviews take place: "6 weeks", "1 month", or a rule of RFC 5545 such as FREQ=MONTHLY;BYDAY=2TU."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal, TypeVar

from dateutil import rrule as dateutil

UNITS = ("weeks", "months")
Frequency = Literal[0, 1, 2, 3, 4, 5, 6]
"""As dateutil has it."""
FREQUENCIES = {"WEEKLY": "weeks", "MONTHLY": "months"}
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PARTS = ("FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYSETPOS", "WKST")
LONGEST = 200
MOST_EVERY = 99
EXPECTED = (
    "a number of weeks or months, such as 6 weeks, or a rule of RFC 5545 by weeks or months, such as "
    "FREQ=MONTHLY;BYDAY=2TU"
)
PROBED = range(2000, 2028)
"""Years that hold every month on every weekday: in them a rule has a day, or it has none."""


class NoRecurrence(ValueError):
    """The text says no recurrence; the message says what was expected, to stand behind "every is"."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Every so many weeks or months, and by a rule on which of their days: weekdays are (weekday, n-th; 0: each)."""

    every: int
    unit: str
    weekdays: tuple[tuple[int, int], ...] = ()
    month_days: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()
    week_start: int = 0
    is_rule: bool = False

    def __post_init__(self) -> None:
        if self.every < 1 or self.unit not in UNITS:
            raise ValueError(f"a recurrence is a number of weeks or months, not {self!r}")


def every_of(text: str) -> tuple[int, str] | None:
    """A plain one such as `6 weeks` or `1 month` as (6, "weeks"); None when it is none."""
    number, _, unit = text.strip().partition(" ")
    plural = unit.rstrip("s") + "s"
    fits = number.isascii() and number.isdecimal() and 0 < int(number) <= MOST_EVERY and plural in UNITS
    return (int(number), plural) if fits else None


@lru_cache(maxsize=512)
def recurrence_of(text: str) -> Recurrence:
    """What a text says; raises NoRecurrence."""
    if plain := every_of(text[:LONGEST]):
        return Recurrence(*plain)
    rule = tidy(text)
    if "=" not in rule or len(rule) > LONGEST:
        raise NoRecurrence(EXPECTED)
    parts: dict[str, str] = {}
    for part in rule.split(";"):
        name, equals, value = part.partition("=")
        if name not in PARTS:
            raise NoRecurrence(
                f"{EXPECTED}; its parts are {', '.join(PARTS)}, and {name[:20] or 'an empty one'} is none"
            )
        if not equals or not value or name in parts:
            raise NoRecurrence(f"{EXPECTED}; each of its parts has one value, and {name} has not")
        parts[name] = value
    found = _rule(parts)
    if not _has_a_day(found):
        raise NoRecurrence(f"{EXPECTED}; and one that has a day: no month has this one")
    return found


def tidy(text: str) -> str:
    """A rule as it is kept: in capitals, without blanks and without "RRULE:"; a plain recurrence as it is."""
    if "=" not in text:
        return text.strip()
    return "".join(text.split()).upper().removeprefix("RRULE:").rstrip(";")


def days_of(recurrence: Recurrence, first: datetime) -> dateutil.rrule:
    """Its wall times (naive) from the first on."""
    freq: Frequency = dateutil.WEEKLY if recurrence.unit == "weeks" else dateutil.MONTHLY
    if recurrence.is_rule:
        return dateutil.rrule(
            freq, interval=recurrence.every, dtstart=first, wkst=recurrence.week_start,
            byweekday=[dateutil.weekday(day, nth or None) for day, nth in recurrence.weekdays] or None,
            bymonthday=list(recurrence.month_days) or None, bysetpos=list(recurrence.positions) or None,
        )  # fmt: skip
    if recurrence.unit == "weeks":
        return dateutil.rrule(freq, interval=recurrence.every, dtstart=first)
    # The 31st of a month that has none is its last day: of the days from the 28th on, the last there is.
    days = list(range(28, first.day + 1)) if first.day > 28 else [first.day]
    return dateutil.rrule(freq, interval=recurrence.every, dtstart=first, bymonthday=days, bysetpos=-1)


def in_words(text: str) -> str:
    """A recurrence as a sentence has it: "every 6 weeks", "every month on the second Tuesday"."""
    try:
        found = recurrence_of(text)
    except NoRecurrence:
        return text
    said = f"every {found.unit.removesuffix('s')}" if found.every == 1 else f"every {found.every} {found.unit}"
    days = [_weekday_said(*one) for one in found.weekdays]
    dates = [_date_said(one) for one in found.month_days]
    if found.positions:
        where = " and ".join(_th(one) for one in found.positions)
        return f"{said} on the {where} of {_listed([*(one.removeprefix('each ') for one in days), *dates])}"
    if days and dates:
        return f"{said} on {_listed(days)} if it is {_listed(dates)}"
    return f"{said} on {_listed(days or dates)}" if days or dates else said


def _rule(parts: Mapping[str, str]) -> Recurrence:
    unit = FREQUENCIES.get(parts.get("FREQ", ""))
    if unit is None:
        raise NoRecurrence(f"{EXPECTED}; FREQ is WEEKLY or MONTHLY")
    found = Recurrence(
        _whole(parts.get("INTERVAL", "1"), f"INTERVAL is 1 to {MOST_EVERY}", MOST_EVERY),
        unit,
        _each(parts.get("BYDAY"), lambda one: _weekday(one, unit)),
        _each(parts.get("BYMONTHDAY"), lambda one: _signed(one, "BYMONTHDAY")),
        _each(parts.get("BYSETPOS"), lambda one: _signed(one, "BYSETPOS")),
        _weekday(parts.get("WKST", "MO"), "weeks", "WKST")[0],
        is_rule=True,
    )
    if found.month_days and unit == "weeks":
        raise NoRecurrence(f"{EXPECTED}; BYMONTHDAY is of FREQ=MONTHLY")
    if len({nth == 0 for _, nth in found.weekdays}) > 1:  # the library takes such a day only if it is both
        raise NoRecurrence(f"{EXPECTED}; BYDAY has a number at each of its days, or at none")
    if found.positions and not (found.weekdays or found.month_days):
        raise NoRecurrence(f"{EXPECTED}; BYSETPOS is of the days that BYDAY or BYMONTHDAY names")
    return found


T = TypeVar("T")


def _each(value: str | None, read: Callable[[str], T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(read(one) for one in value.split(","))) if value is not None else ()


def _whole(text: str, expected: str, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) or not 1 <= int(text) <= most:
        raise NoRecurrence(f"{EXPECTED}; {expected}")
    return int(text)


def _signed(text: str, name: str) -> int:
    expected = f"{name} is 1 to 31, or -1 to -31 from the end"
    number = _whole(text.lstrip("+-") if text[:1] in "+-" else text, expected, 31)
    return -number if text.startswith("-") else number


def _weekday(text: str, unit: str, name: str = "BYDAY") -> tuple[int, int]:
    found = re.fullmatch(r"([+-]?[1-5])?([A-Z]{2})", text, re.ASCII)
    if not found or found[2] not in WEEKDAYS or (found[1] and unit == "weeks"):
        numbered = ", perhaps with a number such as 2TU or -1FR" if unit == "months" else ""
        raise NoRecurrence(f"{EXPECTED}; {name} is of MO, TU, WE, TH, FR, SA, SU{numbered}")
    return WEEKDAYS.index(found[2]), int(found[1] or 0)


def _has_a_day(found: Recurrence) -> bool:
    """Whether there is any such day. A search for one that never comes would go on to the end of the calendar."""
    if not (found.weekdays or found.month_days):
        return True
    if found.unit == "weeks":
        most = len(found.weekdays)
    else:
        months = ((year, month) for year in PROBED for month in range(1, 13))
        most = max(_days_in(found, year, month) for year, month in months)
    return most > 0 if not found.positions else any(abs(one) <= most for one in found.positions)


def _days_in(found: Recurrence, year: int, month: int) -> int:
    """How many days of a month it names."""
    first, length = monthrange(year, month)
    return sum(
        (not found.month_days or day in found.month_days or day - length - 1 in found.month_days)
        and (not found.weekdays or _is_named(found, (first + day - 1) % 7, day, length))
        for day in range(1, length + 1)
    )


def _is_named(found: Recurrence, weekday: int, day: int, length: int) -> bool:
    nths = (0, (day - 1) // 7 + 1, -((length - day) // 7 + 1))
    return any(one == weekday and nth in nths for one, nth in found.weekdays)


def _weekday_said(day: int, nth: int) -> str:
    return f"the {_th(nth)} {NAMES[day]}" if nth else f"each {NAMES[day]}"


def _date_said(day: int) -> str:
    if day > 0:
        return f"the {_ordinal(day)}"
    return "the last day" if day == -1 else f"the {_ordinal(-day)} day from the end"


_COUNTED = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last", -2: "last but one"}


def _th(number: int) -> str:
    return _COUNTED.get(number) or (f"{_ordinal(-number)} from the end" if number < 0 else _ordinal(number))


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]

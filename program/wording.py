"""Words for numbers, days and statuses: pages, mails and briefs all say them the same way.

No Django here, and no locale: the same number reads the same on every machine.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from datetime import date, datetime, timedelta

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

NOTHING = "no value"
MINUS = "−"

# A status is a word with a shape, never a color alone and never a grade for people.
STATUS_SHAPES = {
    "overdue": "◆",
    "behind": "▲",
    "at risk": "◮",
    "stale": "○",
    "no data": "◌",
    "on track": "●",
    "upcoming": "▷",
    "met": "✓",
    "exempt": "–",
}


def value(number: float | None, unit: str = "", aggregation: str = "") -> str:
    """A value with its unit: "45 %", "12 functions", "1 finding", "0.5 s"; "no value" for None."""
    if number is None:
        return NOTHING
    if is_percent(unit, aggregation):
        return _percent(number)
    return _with_unit(_plain(number), unit)


def apart(one: float | None, other: float | None, unit: str = "", aggregation: str = "") -> tuple[str, str]:
    """Two values side by side, with as many decimals as it takes to see that they differ."""
    words = value(one, unit, aggregation), value(other, unit, aggregation)
    if one is None or other is None or words[0] != words[1] or _same(one, other):
        return words
    scale = 100.0 if is_percent(unit, aggregation) else 1.0
    for decimals in range(1, 7):
        first, second = (f"{_signed(n * scale, decimals)}" for n in (one, other))
        if first != second:
            break
    shown = "%" if is_percent(unit, aggregation) else unit
    return _with_unit(first, shown), _with_unit(second, shown)


def gap(number: float | None, unit: str = "", aggregation: str = "") -> str:
    """How far off, without a sign: "6 points" for percentages, else in the unit: "12 functions"."""
    if number is None:
        return NOTHING
    size = abs(number)
    if unit.strip() != "%" and not is_percent(unit, aggregation):
        return _with_unit(_plain(size), unit)
    points = size * 100 if is_percent(unit, aggregation) else size
    if 0 < points < 0.1 and not _same(points, 0.1):
        return "less than 0.1 points"
    # A point more or less is the news of the week for a small gap, and noise for a large one.
    decimals = 1 if points < 0.95 else 0
    shown = _signed(points, decimals)
    return f"{shown} point" if shown == "1" else f"{shown} points"


def change(number: float | None, unit: str = "", aggregation: str = "") -> str:
    """A change with its sign: "+1 point", "−3 functions"; "no change" for none at all."""
    if number is None:
        return NOTHING
    if _same(number, 0.0):
        return "no change"
    size = gap(number, unit, aggregation)
    if size.startswith("less than "):
        return f"{size} {'up' if number > 0 else 'down'}"
    return ("+" if number > 0 else MINUS) + size


def change_beside(number: float, limit: float, unit: str = "", aggregation: str = "") -> str:
    """A change with as many decimals as it takes to see on which side of a limit (without a sign) it lies."""
    said = change(number, unit, aggregation)
    if not is_percent(unit, aggregation) and unit.strip() != "%":
        return said
    scale = 100.0 if is_percent(unit, aggregation) else 1.0
    size, bound = abs(number) * scale, abs(limit) * scale
    if _same(size, bound) or said.startswith("less than ") or _signed(size, 0) != _signed(bound, 0):
        return said
    decimals = next((n for n in range(1, 7) if _signed(size, n) != _signed(bound, n)), 6)
    return f"{'+' if number > 0 else MINUS}{_signed(size, decimals)} points"


def share(fraction: float | None) -> str:
    """A share of a whole: "58 %". Only all of it reads "100 %" and only none of it "0 %"."""
    if fraction is None:
        return NOTHING
    if 0 < fraction < 0.01 and not _same(fraction, 0.01):
        return "under 1 %"
    if 0.99 < fraction < 1 and not _same(fraction, 1.0):
        return "99 %"
    return f"{_signed(fraction * 100, 0)} %"


def count(number: int, noun: str, plural: str = "") -> str:
    """A count of things: "1 item", "3 items", "2,400 items"."""
    return f"{number:,} {noun if number == 1 else plural or _plural(noun)}"


def day(when: date | None) -> str:
    """A day: "31 Dec 2026"."""
    if when is None:
        return "no day"
    return f"{when.day} {MONTHS[when.month - 1]} {when.year}"


def moment(when: datetime | None) -> str:
    """A moment in UTC to the minute, such as "23 Nov 2026 14:05"."""
    return "" if when is None else f"{day(when.date())} {when:%H:%M}"


def minutes(number: int) -> str:
    """A span in its largest whole unit: "hour", "6 hours", "day", "45 minutes"."""
    for size, noun in ((1440, "day"), (60, "hour"), (1, "minute")):
        if number % size == 0:
            many = number // size
            return noun if many == 1 else f"{many} {noun}s"
    return f"{number} minutes"


def hours(number: float) -> str:
    """A working time: "2 h", "1.5 h", "30 min"."""
    return f"{_plain(round(number * 60))} min" if number < 1 else f"{_plain(round(number, 1))} h"


def near_day(when: date | None, today: date) -> str:
    """A day as said on another one: without its year where that is plain: "31 Dec"."""
    if when is not None and when.year == today.year:
        return f"{when.day} {MONTHS[when.month - 1]}"
    return day(when)


def weekday(when: date, today: date | None = None) -> str:
    """A day with its weekday: "Mon 7 Dec", with the year where it is not this one."""
    return f"{WEEKDAYS[when.weekday()]} {near_day(when, today or when)}"


def ago(when: date, today: date) -> str:
    """A past day by its distance: "today", "yesterday", "last week", "3 weeks ago", else the day."""
    days = (today - when) // timedelta(days=1)
    if days < 0 or days > 60:
        return near_day(when, today)
    if days < 2:
        return ("today", "yesterday")[days]
    if days < 7:
        return f"{days} days ago"
    weeks = round(days / 7)
    return "last week" if weeks == 1 else f"{weeks} weeks ago"


def days_ago(days: int) -> str:
    """How long ago in days, however many: "today", "yesterday", "40 days ago"."""
    return "today" if days <= 0 else "yesterday" if days == 1 else f"{days} days ago"


def measured(ages: Collection[int]) -> str:
    """How old numbers are, by the days since each was measured, as a sentence; empty without any."""
    if not ages:
        return ""
    newest, oldest = days_ago(min(ages)), days_ago(max(ages))
    if newest == oldest:
        return f"{'It was' if len(ages) == 1 else 'These numbers were'} measured {newest}."
    return f"The newest of these numbers was measured {newest}, the oldest {oldest}."


def status(word: str) -> str:
    """A status as a heading: "Behind", "On track", "No data"."""
    return word[:1].upper() + word[1:]


def status_shape(word: str) -> str:
    """The shape that stands beside a status."""
    return STATUS_SHAPES.get(word, "·")


def item(name: str) -> str:
    """What to call an item: an observation without one is the whole team's."""
    return name or "whole team"


def short_item(name: str) -> str:
    """An item in a headline: the last part of its path."""
    return item(name).rstrip("/").rsplit("/", 1)[-1]


def listed(words: list[str]) -> str:
    """A list in a sentence: "a", "a and b", "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def is_percent(unit: str, aggregation: str) -> bool:
    """Whether a number is a fraction that is shown in percent (one measured in percent already is not)."""
    return aggregation == "ratio" and unit.strip() in ("%", "")


def _percent(fraction: float) -> str:
    percent = fraction * 100
    # One decimal where it was given exactly so (a target of 92.5 %) or where a whole number would lie
    # about the ends: 99.7 % is not all of it.
    exact = _same(percent * 10, round(percent * 10))
    at_an_end = 0 < percent < 1 or 99 < percent < 100
    shown = _signed(percent, 1 if exact or at_an_end else 0)
    if at_an_end and not exact and shown in ("0", "100"):
        shown = "under 0.1" if shown == "0" else "over 99.9"
    return f"{shown} %"


def _plain(number: float) -> str:
    if _same(number, round(number)):
        return _signed(number, 0)
    size = abs(number)
    if size >= 100:
        return _signed(number, 0)
    # Two decimals where they were given exactly so (a limit of 1.25 s), else about two figures that count.
    if size >= 0.1 and _same(number * 100, round(number * 100)):
        return _signed(number, 2)
    if size >= 1:
        return _signed(number, 1)
    return _signed(number, min(1 - math.floor(math.log10(size)), 9))


def _signed(number: float, decimals: int) -> str:
    """Rounded, with thousands separated, no trailing zeros, no "-0", and a real minus sign."""
    rounded = round(number, decimals)
    words = f"{abs(rounded):,.{decimals}f}"
    if "." in words:
        words = words.rstrip("0").rstrip(".")
    return (MINUS if rounded < 0 else "") + words


def _with_unit(number: str, unit: str) -> str:
    unit = unit.strip()
    if not unit:
        return number
    return f"{number} {_singular(unit) if number == '1' else unit}"


def _singular(noun: str) -> str:
    if len(noun) < 4 or not noun.endswith("s") or noun.endswith(("ss", "us", "is")):
        return noun
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    return noun[:-2] if noun.endswith(("sses", "xes", "ches", "shes")) else noun[:-1]


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-9 * max(1.0, abs(one), abs(other))

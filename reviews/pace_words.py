"""New against closed, and whether it ever finishes at this pace, in words: page, brief and mail say it alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from program import wording as say

from .models import Pace

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
SOON = 60
"""Days within which a finish is said as a day, not as a month."""


def sentence(one: Pace, end: date, on: date, *, named: bool = False) -> str:
    """ "12 closed and 5 new a week: at this pace the last team is done in March 2027 (January to August); the program
    ends on 31 Dec.". With its metric's name before it where there are several."""
    counted, leads = flow(one), _leads(one, end, on)
    said = f"{counted}: {leads}." if counted else f"{leads}."
    return f"{one.metric_version.metric.name}: {said}" if named else said[:1].upper() + said[1:]


def _leads(one: Pace, end: date, on: date) -> str:
    if one.remaining is None:
        return "there is nothing to finish yet, for no team has both a value and a target"
    if one.remaining <= 0:
        return "every team is at its target"
    return f"{_finish(one, on)}; the program {'ended' if end < on else 'ends'} on {say.near_day(end, on)}"


def flow(one: Pace) -> str:
    """ "12 findings closed and 5 new a week"; "3 closed and 2 new in 22 weeks" where it is little; empty where nothing
    is counted. It counts what items are short of: a large item closes bit by bit."""
    facts = one.facts
    weeks = facts.get("weeks") or 0
    if not weeks:
        return ""
    closed, new = facts["units_closed"], facts["units_new"]
    version = one.metric_version
    what = f" {version.unit}" if version.aggregation == "sum" and version.unit else ""
    if not closed and not new:
        return f"nothing closed and nothing new in {say.count(round(weeks), 'week')}"
    if max(closed, new) < weeks:
        return f"{rate(closed)}{what} closed and {rate(new)} new in {say.count(round(weeks), 'week')}"
    return f"{rate(closed / weeks)}{what} closed and {rate(new / weeks)} new a week"


def rate(a_week: float) -> str:
    """How many a week: whole from ten on, else with what counts: "12", "4.3", "0.4"."""
    if a_week >= 10:
        return f"{round(a_week):,}"
    words = f"{a_week:.1f}".rstrip("0").rstrip(".")
    return "under 0.1" if 0 < a_week < 0.05 else words


def _finish(one: Pace, on: date) -> str:
    if one.a_day is None:
        return "too few measurements in the last half year to say when it finishes"
    if one.first is None:
        return "at this pace it does not finish in ten years, not even if all goes well"
    first = when(max(one.first, on), on)
    if one.finishes is None:
        return f"at this pace it does not finish ({first} at the earliest, if all goes well)"
    ends = max(one.finishes, on)
    expected = when(ends, on)
    finishes = f"at this pace the last team is done {'on' if (ends - on).days <= SOON else 'in'} {expected}"
    if one.last is None:
        return f"{finishes} ({first} at the earliest; it may never finish)"
    last = when(one.last, on)
    return finishes if first == last == expected else f"{finishes} ({_shortened(first, last, expected)})"


def _shortened(first: str, last: str, expected: str) -> str:
    """An interval of months; the year is said once where it is that of the expected month."""
    parts = [first, last]
    year = expected.rpartition(" ")[2]
    if year.isdigit():
        parts = [part.removesuffix(f" {year}") for part in parts]
    return f"{parts[0]} to {parts[1]}" if parts[0] != parts[1] else parts[0]


def when(day: date, on: date) -> str:
    """A day to come: near ones as a day, "14 Feb", others as a month, "March 2027"."""
    if (day - on).days <= SOON:
        return say.near_day(day, on)
    return f"{MONTHS[day.month - 1]} {day.year}"


def last_to_finish(paces: Sequence[Pace]) -> Pace | None:
    """Of several metrics the one that finishes last: one that never does, else one of which it cannot be said, else
    the latest."""
    open_ones = [one for one in paces if one.remaining]
    return max(open_ones or list(paces), key=_order, default=None)


def _order(one: Pace) -> tuple[int, date]:
    if one.a_day is None:
        return 1, date.min
    return (2, date.min) if one.finishes is None else (0, one.finishes)


def items(one: Pace) -> str:
    """How many whole items came and went: "7 items closed and 2 new in 26 weeks"; empty where they are not counted."""
    facts = one.facts
    if not facts.get("by_item") or not (facts["closed"] or facts["new"]):
        return ""
    weeks = say.count(round(facts["weeks"]), "week")
    return f"{say.count(facts['closed'], 'whole item')} closed and {facts['new']:,} new in {weeks}"

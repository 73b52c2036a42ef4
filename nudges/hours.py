"""When a person may be written to: their working hours, and the week's turn of a program in their calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

WORK_BEGINS = 9
WORK_ENDS = 17
WEEKEND = (5, 6)


@lru_cache(maxsize=512)
def zone(name: str) -> tzinfo:
    """The time zone of this IANA name; UTC for one that nobody knows, so that one bad row stops no plan."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ValueError, OSError, KeyError):
        return UTC


def is_working(local: datetime) -> bool:
    """Whether a local moment lies in working hours: Monday to Friday, 9 to 17."""
    return local.weekday() not in WEEKEND and WORK_BEGINS <= local.hour < WORK_ENDS


def next_working(now: datetime, zone_name: str, *, not_today: bool = False) -> datetime:
    """The first moment from now on that lies in working hours of a zone (of a later day, if not today), in UTC."""
    where = zone(zone_name)
    local = now.astimezone(where)
    if is_working(local) and not not_today:
        return now
    day = local.date()
    if local.hour >= WORK_BEGINS or not_today:
        day += timedelta(days=1)
    while day.weekday() in WEEKEND:
        day += timedelta(days=1)
    return datetime.combine(day, time(WORK_BEGINS), where).astimezone(UTC)


def due_day(weekday: int, today: date) -> date:
    """The newest day that falls on a program's weekday: missed weeks before it are not made up for."""
    return today - timedelta(days=(today.weekday() - weekday) % 7)


def opens(day: date, hour: int) -> tuple[date, int]:
    """The first local day and hour, at or after these, that lie in working hours."""
    if hour >= WORK_ENDS:
        day, hour = day + timedelta(days=1), WORK_BEGINS
    while day.weekday() in WEEKEND:
        day, hour = day + timedelta(days=1), WORK_BEGINS
    return day, max(hour, WORK_BEGINS)


def has_come(local: datetime, day: date, hour: int) -> bool:
    """Whether the turn of this day and hour may be taken at a local moment: not before, and in working hours."""
    return is_working(local) and (local.date(), local.hour) >= opens(day, hour)


def week_of(day: date) -> tuple[date, date]:
    """Monday and Sunday of a day's week."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)

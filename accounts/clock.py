"""The one place where a door reads the time; a demo may set its calendar ahead."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def now() -> datetime:
    """The present moment, aware, in UTC (plus the demo's days ahead, where settings.CLOCK_FILE names a file)."""
    return timezone.now() + timedelta(days=days_ahead())


def days_ahead() -> int:
    """Days by which the demo's calendar stands ahead of the real one; 0 outside the demo."""
    path = getattr(settings, "CLOCK_FILE", None)
    if not path:
        return 0
    try:
        return int(Path(path).read_text(encoding="ascii").strip() or 0)
    except FileNotFoundError:
        return 0


def today(zone: str, at: datetime | None = None) -> date:
    """The calendar day in an IANA zone at a moment (now, unless given)."""
    return (at or now()).astimezone(ZoneInfo(zone)).date()


def day_of(text: str) -> date:
    """A calendar day written YYYY-MM-DD, and no other way of ISO 8601. Raises ValueError."""
    if not DAY.fullmatch(text):
        raise ValueError(f"a day as 2026-01-31 was expected, not {text[:40]!a}")
    return date.fromisoformat(text)


def latest_today(at: datetime | None = None) -> date:
    """The latest calendar day anywhere on Earth (UTC+14): a later date is in the future everywhere."""
    return ((at or now()).astimezone(UTC) + timedelta(hours=14)).date()

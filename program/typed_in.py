"""What somebody typed into a form, read field by field: each is what was expected, or has a fault beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
EMAIL = re.compile(r"[^@\s<>\"',;]+@[^@\s<>\"',;]+")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
NUMBER = re.compile(r"([0-9]{1,9}(?:[.,][0-9]{1,9})?) ?(%?)", re.ASCII)
EARLIEST, LATEST = date(1990, 1, 1), date(2199, 12, 31)
LONGEST_TEXT = 5000


class TypedIn:
    """The fields of one form, as they were sent. A reader gives a value, or notes a fault under the field's name."""

    def __init__(self, values: Mapping[str, str], lists: Mapping[str, list[str]] | None = None) -> None:
        self.values = dict(values)
        self.lists = dict(lists or {})
        self.faults: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def fault(self, name: str, said: str) -> None:
        """Note what was expected of a field; the first fault of a field stands."""
        self.faults.setdefault(name, said[:1].upper() + said[1:] + ("" if said.endswith("?") else "."))

    def text(self, name: str, expected: str = "a text", *, most: int = LONGEST_TEXT, required: bool = False) -> str:
        """A text without null bytes, of at most so many characters."""
        text = self[name].replace("\r\n", "\n").strip()
        if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
            self.fault(name, "a text was expected, without null bytes")
        elif len(text) > most:
            self.fault(name, f"at most {most:,} characters were expected, not {len(text):,}")
        elif required and not text:
            self.fault(name, f"{expected} was expected")
        else:
            return text
        return ""

    def key(self, name: str) -> str:
        """A key as it stands in addresses and files."""
        text = self[name].strip()
        if KEY.fullmatch(text):
            return text
        self.fault(
            name, "letters, digits, dots, dashes and underscores were expected, at most 80, a letter or digit first"
        )
        return ""

    def day(self, name: str) -> date | None:
        """A calendar day, as 2026-01-31."""
        text = self[name].strip()
        try:
            day = date.fromisoformat(text) if DAY.fullmatch(text) else None
        except ValueError:
            day = None
        if day is None or not EARLIEST <= day <= LATEST:
            self.fault(name, f"a day from {EARLIEST.year} to {LATEST.year} as 2026-01-31 was expected")
            return None
        return day

    def moment(self, name: str) -> datetime | None:
        """A wall time, as 2026-01-31T10:00."""
        text = self[name].strip().replace(" ", "T")[:25]
        try:
            moment = datetime.fromisoformat(text) if DAY.match(text) and "T" in text else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is not None or not EARLIEST <= moment.date() <= LATEST:
            self.fault(name, "a day and an hour as 2026-01-31 10:00 were expected")
            return None
        return moment.replace(second=0, microsecond=0)

    def number(self, name: str, *, least: float, most: float, share: bool = False) -> float:
        """A number in a span; a share may be given in percent, and is in percent where no % stands beside it."""
        found = NUMBER.fullmatch(self[name].strip())
        value = float(found[1].replace(",", ".")) if found and (share or not found[2]) else math.nan
        if share:
            value = round(value / 100, 12)
        if not least <= value <= most:
            span = f"{least:.0%} to {most:.0%}" if share else f"{least:g} to {most:,g}"
            self.fault(name, f"a number from {span} was expected")
            return least
        return value

    def whole(self, name: str, *, least: int, most: int) -> int:
        """A whole number in a span."""
        text = self[name].strip()
        if text.isascii() and text.isdecimal() and len(text) < 9 and least <= int(text) <= most:
            return int(text)
        self.fault(name, f"a whole number from {least} to {most:,} was expected")
        return least

    def choice(self, name: str, choices: Iterable[str]) -> str:
        """One of some words."""
        held = list(choices)
        if self[name] in held:
            return self[name]
        self.fault(name, f"one of {', '.join(held)} was expected")
        return held[0]

    def zone(self, name: str) -> str:
        """An IANA time zone."""
        text = self[name].strip()
        try:
            ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.fault(name, "a time zone such as Europe/Riga was expected")
            return "UTC"
        return text

    def emails(self, name: str, most: int = 10) -> list[str]:
        """E-mail addresses, separated by commas or spaces; in lower case, each once."""
        found = [word.lower() for word in re.split(r"[\s,;]+", self[name].strip()) if word]
        wrong = [word for word in found if not EMAIL.fullmatch(word) or len(word) > 254 or "\0" in word]
        if wrong:
            self.fault(name, f"e-mail addresses were expected, not {wrong[0][:60]!a}")
            return []
        if len(found) > most:
            self.fault(name, f"at most {most} people were expected")
            return []
        return list(dict.fromkeys(found))

    def chosen(self, name: str) -> list[str]:
        """What was ticked of a list."""
        return self.lists.get(name, [])

"""Fields of a file read one by one: each is what was expected, or a fault with its line."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from program.feeds.batch import shown

from .marked_yaml import Document, Path

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
EMAIL = re.compile(r"[^@\s<>\"',;]+@[^@\s<>\"',;]+")
PERCENT = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?) ?%", re.ASCII)
SPAN = re.compile(r"([0-9]{1,4}) ?(m|min|minutes?|h|hours?|d|days?|w|weeks?|months?)", re.ASCII)
MINUTES = {"m": 1, "h": 60, "d": 1440, "w": 10080}


class Fields:
    """One mapping of a document. A reader returns None after a fault; faults gather in the document."""

    def __init__(self, document: Document, path: Path = ()) -> None:
        self.document, self.path = document, path
        value = document.value
        for step in path:
            value = value[step]
        self.is_mapping = isinstance(value, dict)
        self.value: dict[Any, Any] = value if isinstance(value, dict) else {}
        if not self.is_mapping:
            document.fault(path, f"{path[-1] if path else 'a document'} is a mapping of names, not {shown(value)}")

    def fault(self, name: str | int, what: str) -> None:
        """Note a fault at one field."""
        self.document.fault((*self.path, name), what)

    def only(self, known: Collection[str]) -> None:
        """Fault every field that is not known."""
        for name in self.value:
            if name not in known:
                self.fault(str(name), f"{shown(name)} is not known here; known are {', '.join(sorted(known))}")

    def get(self, name: str, expected: str, *, required: bool = False) -> Any:
        """A field's plain value; None when absent, which is a fault if it is required."""
        value = self.value.get(name)
        if value is None and required and self.is_mapping:
            self.fault(name, f"{name} is missing: {expected} was expected")
        return value

    def text(self, name: str, *, required: bool = False, most: int = 5000, default: str = "") -> str:
        value = self.get(name, "a text", required=required)
        if value is None:
            return default
        if isinstance(value, bool | list | dict) or not str(value).strip() or len(str(value)) > most:
            self.fault(name, f"{name} is a text of 1 to {most} characters, not {shown(value)}")
            return default
        return str(value).strip()

    def key(self, name: str = "key", *, required: bool = True) -> str:
        value = self.get(name, "a key", required=required)
        if value is not None and not KEY.fullmatch(str(value)):
            self.fault(name, f"{name} is letters, digits, '.', '_' or '-', at most 80, not {shown(value)}")
            return ""
        return "" if value is None else str(value)

    def choice(self, name: str, choices: Collection[str], *, default: str | None = None) -> str:
        value = self.get(name, f"one of {', '.join(choices)}", required=default is None)
        if value is None:
            return default or ""
        if value not in choices:
            self.fault(name, f"{name} is one of {', '.join(choices)}, not {shown(value)}")
            return default or ""
        return str(value)

    def email(self, name: str, *, required: bool = False) -> str:
        value = self.get(name, "an e-mail address", required=required)
        if value is None:
            return ""
        if not isinstance(value, str) or not EMAIL.fullmatch(value) or len(value) > 254:
            self.fault(name, f"{name} is an e-mail address, not {shown(value)}")
            return ""
        return value.lower()

    def day(self, name: str, *, required: bool = True) -> date | None:
        value = self.get(name, "a date as 2026-01-31", required=required)
        if value is None:
            return None
        day = as_day(value)
        if day is None:
            self.fault(name, f"{name} is a date as 2026-01-31, not {shown(value)}")
        return day

    def wall_time(self, name: str, *, required: bool = False) -> datetime | None:
        """A wall time without a zone, as 2026-01-20T10:00."""
        value = self.get(name, "a wall time as 2026-01-20T10:00", required=required)
        if value is None:
            return None
        try:
            moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is not None or isinstance(value, int):
            self.fault(name, f"{name} is a wall time without a zone, as 2026-01-20T10:00, not {shown(value)}")
            return None
        return moment

    def number(self, name: str, *, least: float | None = None, most: float | None = None) -> float | None:
        """A number or a percentage (`90%` is 0.9); None when absent."""
        value = self.value.get(name)
        if value is None:
            return None
        number = as_number(value)
        if number is None or (least is not None and number < least) or (most is not None and number > most):
            span = "" if least is None else f" from {least:g}" + ("" if most is None else f" to {most:g}")
            self.fault(name, f"{name} is a number{span} or a percentage, not {shown(value)}")
            return None
        return number

    def whole(self, name: str, *, default: int, least: int, most: int) -> int:
        value = self.value.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.fault(name, f"{name} is a whole number from {least} to {most}, not {shown(value)}")
            return default
        return value

    def flag(self, name: str) -> bool | None:
        """Yes or no; None when absent."""
        value = self.value.get(name)
        if value is not None and not isinstance(value, bool):
            self.fault(name, f"{name} is true or false, not {shown(value)}")
            return None
        return value

    def minutes(self, name: str, *, required: bool = False, default: int = 0) -> int:
        """A span such as `30m`, `2h`, `45d` or `6 weeks`, in minutes."""
        value = self.get(name, "a span such as 45d or 6 weeks", required=required)
        if value is None:
            return default
        match = SPAN.fullmatch(str(value).strip())
        if not match or match[2].startswith("mon") or int(match[1]) == 0:
            self.fault(name, f"{name} is a span such as 30m, 45d or 6 weeks, not {shown(value)}")
            return default
        return int(match[1]) * MINUTES[match[2][0]]

    def zone(self, name: str, *, default: str = "UTC") -> str:
        value = self.value.get(name)
        if value is None:
            return default
        if not is_zone(value):
            self.fault(name, f"{name} is an IANA time zone such as Europe/Riga, not {shown(value)}")
            return default
        return str(value)

    def items(self, name: str) -> list[Any]:
        """A list; empty when absent."""
        value = self.value.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault(name, f"{name} is a list, not {shown(value)}")
            return []
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty when absent."""
        found = self.items(name)
        for place, text in enumerate(found):
            if isinstance(text, list | dict) or text is None:
                self.document.fault((*self.path, name, place), f"{name} is a list of texts, not of {shown(text)}")
        return [str(text) for text in found]

    def mapping(self, name: str, *, required: bool = False) -> Fields | None:
        """A mapping inside; None when absent."""
        if self.get(name, "a mapping of names", required=required) is None:
            return None
        inner = Fields(self.document, (*self.path, name))
        return inner if inner.is_mapping else None

    def mappings(self, name: str, *, required: bool = False) -> list[Fields]:
        """A list of mappings; empty when absent."""
        if not self.items(name) and required:
            self.fault(name, f"{name} is missing: a list with at least one entry was expected")
        found = [Fields(self.document, (*self.path, name, place)) for place in range(len(self.items(name)))]
        return [inner for inner in found if inner.is_mapping]


def as_day(value: Any) -> date | None:
    """A calendar day, from YAML's own date or from text; None when it is none."""
    if isinstance(value, datetime):
        return None
    if isinstance(value, date):
        return value
    try:
        return datetime.strptime(str(value), "%Y-%m-%d").date()
    except ValueError:
        return None


def as_number(value: Any) -> float | None:
    """A finite number, or a percentage as a fraction; None when it is neither."""
    if isinstance(value, str):
        match = PERCENT.fullmatch(value.strip())
        return float(match[1]) / 100 if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None


def is_zone(value: Any) -> bool:
    """Whether this names an IANA time zone."""
    try:
        ZoneInfo(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True

"""What a report says once read: its observations, and its faults with the line and what was expected."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NamedTuple

MOST_FAULTS = 100
MOST_SAID = 600
"""Characters of one sentence about a fault."""
MOST_NAMED = 5
"""Names that one sentence lists."""
EARLIEST = date(1970, 1, 1)
LARGEST, SMALLEST = 1e60, 1e-60
"""Sizes of numbers: sums, ratios and squares of them, taken by whoever reads them, are finite then too."""
LONGEST = {"metric": 80, "team": 100, "source": 300, "item": 1000}
NUMBER = re.compile(r"-?[0-9]{1,310}(\.[0-9]{1,330})?([eE][+-]?[0-9]{1,4})?", re.ASCII)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Row(NamedTuple):
    """One observation as it was sent, with the line (CSV) or the position (JSON) where it stands, from 1."""

    line: int
    metric: str
    team: str
    source: str
    item: str
    as_of: date
    numerator: float
    denominator: float | None


class Fault(NamedTuple):
    """What is wrong on one line, and what was expected. Line 0 is the whole file."""

    line: int
    what: str


class Complete(NamedTuple):
    """A snapshot that a payload says is complete though it may have nothing in it."""

    line: int
    metric: str
    team: str
    source: str
    as_of: date


@dataclass(slots=True)
class Batch:
    """All that one payload says. Rows may be read as they are asked for: the faults are all there once they ended.

    `notes` are for the run's log; `as_of` and `source` are those of a report as a whole, whose scope is then stated,
    and `spoken` the metrics that it speaks of.
    """

    rows: Iterable[Row] = ()
    faults: list[Fault] = field(default_factory=list)
    complete: list[Complete] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    as_of: date | None = None
    source: str = ""
    spoken: list[str] = field(default_factory=list)

    def fault(self, line: int, what: str) -> None:
        """Note a fault; beyond the hundredth they are counted out."""
        if len(self.faults) < MOST_FAULTS:
            self.faults.append(Fault(line, said(what)))


class Unfit(ValueError):
    """A field that is not what was expected; the message says both."""


@lru_cache(maxsize=4096)
def read_day(text: str) -> date:
    """A calendar day written YYYY-MM-DD, 1970 or later. Raises Unfit."""
    if not DAY.fullmatch(text):
        raise Unfit(f"as_of is a date as YYYY-MM-DD, not {shown(text)}")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Unfit(f"as_of is a date of the calendar, not {shown(text)}") from None
    if day < EARLIEST:
        raise Unfit(f"as_of is 1970-01-01 or later, not {text}")
    return day


def read_number(text: str, what: str) -> float:
    """A finite decimal number in ASCII digits, as JSON writes it. Raises Unfit."""
    if not NUMBER.fullmatch(text):
        raise Unfit(f"{what} is a number such as 12 or 0.5, not {shown(text)}")
    return finite(float(text), what)


def finite(number: float, what: str) -> float:
    """The number, unless it is NaN, infinite or beyond all measure. Raises Unfit."""
    if not math.isfinite(number):
        raise Unfit(f"{what} is a finite number")
    if number and not SMALLEST <= abs(number) <= LARGEST:
        raise Unfit(f"{what} is a finite number, 0 or from {SMALLEST:g} to {LARGEST:g} in size, not {number:g}")
    return number


def read_text(text: str, what: str) -> str:
    """A name: no control characters, no half of a surrogate pair, not too long. Raises Unfit."""
    if len(text) > LONGEST[what]:
        raise Unfit(f"{what} has at most {LONGEST[what]} characters, not {len(text)}")
    if text.isascii() and text.isprintable():
        return text
    for character in text:
        if character < " " or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff":
            raise Unfit(f"{what} has no control characters and no half characters: {shown(text)}")
    return text


def shown(text: object) -> str:
    """A value in a message: quoted, escaped, and cut after 60 characters."""
    plain = ascii(text)
    return plain if len(plain) <= 60 else plain[:57] + "…" + plain[:1]


def said(text: str) -> str:
    """A sentence that can be stored and shown, whatever it quotes: escaped where it has to be, and not too long."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(
            ascii(character)[1:-1]
            if character < " " or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff"
            else character
            for character in text[:MOST_SAID]
        )
    return text if len(text) <= MOST_SAID else text[: MOST_SAID - 1] + "…"

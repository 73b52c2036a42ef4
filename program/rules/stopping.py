"""A charter's own stop criterion: read from its words where they say something that can be measured, and judged.

"typed share rises by less than 5 points in two reviews", "documented share has not doubled in 3 reviews". Other words
are a question for people, and no rule answers it. Pure: text and numbers in, a finding out.
"""

from __future__ import annotations

import re
from typing import NamedTuple

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MOST_REVIEWS = 24
_COUNT = rf"(?P<reviews>\d{{1,2}}|{'|'.join(NUMBERS)}|a) reviews?"
_BY = re.compile(
    r"(?P<subject>.*?)\b(?:rises|rise|rose|falls|fall|fell|gains|gained|improves|improved|grows|grew|drops|dropped|moves|moved)"
    r" by less than (?P<by>\d{1,9}(?:[.,]\d{1,9})?) ?(?P<unit>[^\d].*?)? (?:in|within|over) " + _COUNT,
    re.IGNORECASE | re.ASCII,  # else ſ matches s, and no number is called ſix
)
_TIMES = re.compile(
    r"(?P<subject>.*?)\b(?:has|have) not (?P<how>doubled|tripled|halved) (?:in|within|over|after) " + _COUNT,
    re.IGNORECASE | re.ASCII,
)
_FACTORS = {"doubled": 2.0, "tripled": 3.0, "halved": 0.5}


class Criterion(NamedTuple):
    """It stops if the value has not moved by `by` (in the unit as shown, for the better), or not to `factor` times
    what it was, over so many reviews. `subject` is what the words speak of."""

    subject: str
    by: float | None
    factor: float | None
    reviews: int


class Finding(NamedTuple):
    """Whether it has come true, and what it was judged by: the value so many reviews ago and now, as stored."""

    true: bool
    then: float
    now: float


def read(text: str) -> Criterion | None:
    """The criterion that some words hold; None where they hold none that can be measured."""
    words = " ".join(text.split())[:1000]
    if found := _BY.match(words):
        by, factor = float(found["by"].replace(",", ".")), None
    elif found := _TIMES.match(words):
        by, factor = None, _FACTORS[found["how"].lower()]
    else:
        return None
    said = found["reviews"].lower()
    reviews = int(said) if said.isdecimal() else 1 if said == "a" else NUMBERS.index(said) + 1
    if not 1 <= reviews <= MOST_REVIEWS:
        return None
    return Criterion(found["subject"].strip(), by, factor, reviews)


def subject_of(criterion: Criterion, names: dict[str, str]) -> str | None:
    """Which of some metrics (names by key) the words speak of: the only one, or the one whose key or name they have."""
    if len(names) == 1:
        return next(iter(names))
    said = criterion.subject.casefold()
    found = [key for key, name in names.items() if said and (key.casefold() in said or name.casefold() in said)]
    return found[0] if len(found) == 1 else None


def judge(criterion: Criterion, values: list[float | None], *, up: bool, scale: float = 1.0) -> Finding | None:
    """Whether it has come true by a metric's values at the reviews, oldest first, the present one last.

    `scale` is what a stored value is multiplied by to be shown (100 for a ratio in percent). None while there are
    fewer reviews than it speaks of, or where one of the two has no value.
    """
    if len(values) <= criterion.reviews:
        return None
    then, now = values[-1 - criterion.reviews], values[-1]
    if then is None or now is None:
        return None
    if criterion.by is not None:
        gained = (now - then) * scale * (1 if up else -1)
        return Finding(gained < criterion.by - 1e-9 * max(1.0, abs(gained), criterion.by), then, now)
    factor = criterion.factor or 1.0
    level = then * factor
    slack = 1e-9 * max(1.0, abs(level), abs(now))
    return Finding(now > level + slack if factor < 1 else now < level - slack, then, now)

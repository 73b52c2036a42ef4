"""What a person typed into a form: a value of a metric, a day, a text; each is what was expected or refused."""

from __future__ import annotations

import re
from datetime import date

from accounts.clock import day_of
from program import wording
from program.models import MetricVersion

NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?", re.ASCII)
THOUSANDS = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]{1,12})?", re.ASCII)
EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)
LONGEST = 2000
SHOWN = 40


class Unfit(ValueError):
    """What somebody asked and did not get; the message says what was expected."""


def number(text: str, version: MetricVersion, what: str = "target") -> float | None:
    """A value of a metric: `85 %` or 0.85 for a share, else a number, its unit behind it or not; None if empty."""
    said = text.strip().replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", " ")
    if not said:
        return None
    percent = said.endswith("%")
    bare = said.removesuffix("%").strip()
    is_share = wording.is_percent(version.unit, version.aggregation)
    unit = version.unit.strip()
    if unit and not percent and bare.lower().endswith(unit.lower()):
        bare = bare[: -len(unit)].strip()
    if THOUSANDS.fullmatch(bare):
        bare = bare.replace(",", "")
    if not NUMBER.fullmatch(bare) or (percent and not is_share and unit != "%"):
        raise Unfit(f"{_expected(version, what)}, not “{text.strip()[:SHOWN]}”.")
    found = float(bare)
    if not is_share:
        return found
    if percent:
        return found / 100
    if abs(found) > 1.5:  # 85 may mean 85 %, and then it says so
        raise Unfit(f"{_expected(version, what)}, not {bare[:SHOWN]}: did you mean {bare[:SHOWN]} %?")
    return found


def _expected(version: MetricVersion, what: str) -> str:
    if wording.is_percent(version.unit, version.aggregation):
        return f"The {what} is a share such as 85 % or 0.85"
    unit = f" {version.unit.strip()}" if version.unit.strip() else ""
    return f"The {what} is a number such as 12{unit}"


def day(text: str, what: str) -> date | None:
    """A day as 2026-01-31, of this or the last century or the next; None if empty."""
    said = text.strip()
    if not said:
        return None
    try:
        found = day_of(said)
    except ValueError:
        found = None
    if found is None or not EARLIEST <= found <= LATEST:
        raise Unfit(f"The {what} is a day such as 2026-01-31, not “{said[:SHOWN]}”.")
    return found


def text(said: str, what: str, *, required: bool = True) -> str:
    """Words of at most 2,000 characters."""
    found = said.strip()
    if (required and not found) or "\0" in found or len(found) > LONGEST:
        why = "Some words were expected" if not found else f"A text of at most {LONGEST:,} characters was expected"
        raise Unfit(f"{why}: {what}.")
    return found

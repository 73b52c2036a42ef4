"""Which days are worked: Monday to Friday, public holidays of a country aside; and counting along them.

`country` is of two letters. Empty, or one that nobody knows: no holidays.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

from holidays import country_holidays

WEEKEND = (5, 6)
DAY = timedelta(days=1)


@lru_cache(maxsize=4096)
def holidays(country: str, year: int) -> frozenset[date]:
    """The public holidays of a country in a year; none for a country that nobody knows, so that one bad row stops
    no plan."""
    try:
        return frozenset(country_holidays(country, years=year)) if country else frozenset()
    except (NotImplementedError, ValueError):
        return frozenset()


def is_day_off(day: date, country: str = "") -> bool:
    """Whether nobody works on a day: a weekend or a public holiday."""
    return day.weekday() in WEEKEND or (country != "" and day in holidays(country, day.year))


def working_day_from(day: date, country: str = "") -> date:
    """The first working day from a day on: itself, if it is one."""
    while is_day_off(day, country):
        day += DAY
    return day


def working_days_after(day: date, n: int, country: str = "") -> date:
    """The n-th working day after a day, which need not be one itself."""
    while n > 0:
        day += DAY
        n -= not is_day_off(day, country)
    return day


def working_days_before(day: date, n: int, country: str = "") -> date:
    """The n-th working day before a day, which need not be one itself."""
    while n > 0:
        day -= DAY
        n -= not is_day_off(day, country)
    return day

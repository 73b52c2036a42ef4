"""Working hours and weekly turns across zones, weekends and clock changes."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from nudges import hours

MONDAY, FRIDAY, SATURDAY = date(2026, 11, 23), date(2026, 11, 27), date(2026, 11, 28)


def at(zone, *when):
    return datetime(*when, tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("when", "working"),
    [
        ((2026, 11, 23, 8, 59), False),
        ((2026, 11, 23, 9, 0), True),
        ((2026, 11, 23, 16, 59), True),
        ((2026, 11, 23, 17, 0), False),
        ((2026, 11, 27, 12, 0), True),
        ((2026, 11, 28, 12, 0), False),
        ((2026, 11, 29, 12, 0), False),
    ],
)
def test_working_hours(when, working):
    assert hours.is_working(at("Asia/Tokyo", *when)) is working


@pytest.mark.parametrize(
    ("zone", "when", "expected"),
    [
        ("UTC", (2026, 11, 23, 10, 30), datetime(2026, 11, 23, 10, 30, tzinfo=UTC)),
        ("UTC", (2026, 11, 23, 7, 0), datetime(2026, 11, 23, 9, tzinfo=UTC)),
        ("UTC", (2026, 11, 23, 17, 0), datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ("Europe/Riga", (2026, 11, 27, 18, 0), datetime(2026, 11, 30, 7, tzinfo=UTC)),
        ("America/New_York", (2026, 11, 28, 3, 0), datetime(2026, 11, 30, 14, tzinfo=UTC)),
        # The clocks change in the night to Sunday: Monday's nine o'clock is another hour of UTC than Friday's.
        ("Europe/Riga", (2026, 10, 23, 20, 0), datetime(2026, 10, 26, 7, tzinfo=UTC)),
        ("Europe/Riga", (2026, 10, 22, 20, 0), datetime(2026, 10, 23, 6, tzinfo=UTC)),
        ("America/New_York", (2027, 3, 12, 20, 0), datetime(2027, 3, 15, 13, tzinfo=UTC)),
        ("Asia/Kathmandu", (2026, 11, 23, 1, 0), datetime(2026, 11, 23, 3, 15, tzinfo=UTC)),
    ],
)
def test_next_working(zone, when, expected):
    assert hours.next_working(at(zone, *when), zone) == expected


def test_next_working_on_a_later_day():
    now = at("UTC", 2026, 11, 27, 10, 0)
    assert hours.next_working(now, "UTC", not_today=True) == datetime(2026, 11, 30, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("weekday", "today", "due"),
    [
        (0, MONDAY, MONDAY),
        (0, date(2026, 11, 29), MONDAY),
        (0, date(2026, 11, 22), date(2026, 11, 16)),
        (4, MONDAY, date(2026, 11, 20)),
        (6, MONDAY, date(2026, 11, 22)),
    ],
)
def test_the_due_day_is_the_newest_one(weekday, today, due):
    assert hours.due_day(weekday, today) == due


@pytest.mark.parametrize(
    ("day", "hour", "opens"),
    [
        (MONDAY, 9, (MONDAY, 9)),
        (MONDAY, 6, (MONDAY, 9)),
        (MONDAY, 14, (MONDAY, 14)),
        (MONDAY, 17, (date(2026, 11, 24), 9)),
        (FRIDAY, 20, (date(2026, 11, 30), 9)),
        (SATURDAY, 14, (date(2026, 11, 30), 9)),
    ],
)
def test_a_turn_opens_in_working_hours(day, hour, opens):
    assert hours.opens(day, hour) == opens


def test_a_turn_may_be_taken_from_its_hour_on_and_later_in_the_week():
    assert not hours.has_come(at("UTC", 2026, 11, 23, 9, 59), MONDAY, 10)
    assert hours.has_come(at("UTC", 2026, 11, 23, 10, 0), MONDAY, 10)
    assert not hours.has_come(at("UTC", 2026, 11, 23, 17, 0), MONDAY, 10)
    assert not hours.has_come(at("UTC", 2026, 11, 24, 8, 0), MONDAY, 10)
    assert hours.has_come(at("UTC", 2026, 11, 24, 9, 0), MONDAY, 10)
    assert not hours.has_come(at("UTC", 2026, 11, 28, 10, 0), MONDAY, 10)


def test_an_unknown_zone_is_utc():
    assert hours.zone("Mars/Olympus") == UTC
    assert hours.zone("") == UTC
    assert hours.zone("../etc/passwd") == UTC

"""Working hours and weekly turns across zones, weekends and clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nudges import hours
from program.rules import working_days

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


EASTER_MONDAY, PROCLAMATION = date(2026, 4, 6), date(2026, 11, 18)


def test_a_public_holiday_of_the_country_is_no_working_day():
    noon = at("Europe/Riga", 2026, 11, 18, 12, 0)
    assert not hours.is_working(noon, "LV")
    assert hours.is_working(noon, "EE")
    assert hours.is_working(noon)


@pytest.mark.parametrize("country", ["", "XX", "lv", "🙂", "EU"])
def test_a_country_nobody_knows_has_no_holidays(country):
    assert working_days.holidays(country, 2026) == frozenset()
    assert hours.is_working(at("Europe/Riga", 2026, 11, 18, 12, 0), country)


@pytest.mark.parametrize(
    ("country", "day", "hour", "opens"),
    [
        ("LV", PROCLAMATION, 14, (date(2026, 11, 19), 9)),
        ("LV", date(2026, 11, 17), 18, (date(2026, 11, 19), 9)),
        # Good Friday to Easter Monday.
        ("LV", date(2026, 4, 3), 10, (date(2026, 4, 7), 9)),
        ("US", date(2026, 4, 3), 10, (date(2026, 4, 3), 10)),
        # Golden Week: Monday to Wednesday, after a weekend.
        ("JP", date(2026, 5, 2), 9, (date(2026, 5, 7), 9)),
        # From one year into the next.
        ("LV", date(2026, 12, 31), 9, (date(2027, 1, 4), 9)),
    ],
)
def test_a_turn_waits_for_the_end_of_the_holidays(country, day, hour, opens):
    assert hours.opens(day, hour, country) == opens


def test_what_waits_for_working_hours_waits_over_the_holidays():
    evening = at("Europe/Riga", 2026, 4, 2, 18, 0)
    assert hours.next_working(evening, "Europe/Riga", "LV") == datetime(2026, 4, 7, 6, tzinfo=UTC)
    assert hours.next_working(evening, "Europe/Riga", "US") == datetime(2026, 4, 3, 6, tzinfo=UTC)
    on_thursday = at("Europe/Riga", 2026, 4, 2, 11, 0)
    later = hours.next_working(on_thursday, "Europe/Riga", "LV", not_today=True)
    assert later == datetime(2026, 4, 7, 6, tzinfo=UTC)


def test_a_week_that_is_all_holidays_is_left_to_the_next_turn(monkeypatch):
    week = frozenset(date(2026, 2, day) for day in range(16, 24))
    monkeypatch.setattr(working_days, "holidays", lambda country, year: week if country == "CN" else frozenset())
    assert hours.turn_from(date(2026, 2, 16), 14, "CN") == (date(2026, 2, 23), date(2026, 2, 24), 9)
    assert hours.turn_from(date(2026, 2, 16), 14, "") == (date(2026, 2, 16), date(2026, 2, 16), 14)


@given(
    country=st.sampled_from(["", "LV", "DE", "JP", "CN", "IL", "US", "XX"]),
    day=st.dates(date(2020, 1, 1), date(2040, 1, 1)),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
)
def test_whatever_waits_lands_in_working_hours_and_never_earlier(country, day, hour, minute):
    opened, at_hour = hours.opens(day, hour, country)
    assert (opened, at_hour) >= (day, hour)
    assert hours.is_working(datetime.combine(opened, time(at_hour), UTC), country)
    assert hours.opens(opened, at_hour, country) == (opened, at_hour)
    days = [day + timedelta(days=n) for n in range((opened - day).days)]
    assert all(working_days.is_day_off(one, country) for one in days[1:])
    moment = datetime.combine(day, time(hour, minute), UTC)
    then = hours.next_working(moment, "UTC", country)
    assert then >= moment
    assert hours.is_working(then, country)
    due, opens_on, _ = hours.turn_from(day, hour, country)
    assert (due - day).days % 7 == 0
    assert due <= opens_on < due + timedelta(weeks=1)
    assert hours.due_day(due.weekday(), opens_on) == due

"""The days on which teams are compared, whatever their feeds' cadence."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.rules.common_days import common_days, first_on_or_after, on_days, snapshot_days
from program.rules.series import Reading, SourceReadings

pytestmark = pytest.mark.once
DAY = timedelta(days=1)
MONTHS = [date(2025, month, 1) for month in range(1, 13)]
WEEKS = [date(2025, 1, 6) + 7 * n * DAY for n in range(50)]


def one(days, values, retired_on=None, denominator=0.0):
    return SourceReadings(
        "", [Reading(day, 1, float(v), denominator, float(v)) for day, v in zip(days, values, strict=True)], retired_on
    )


def test_months_are_months_and_weeks_weeks():
    assert common_days([MONTHS, MONTHS]) == MONTHS
    assert common_days([WEEKS, WEEKS]) == WEEKS
    assert common_days([]) == []
    assert common_days([[date(2025, 1, 1)]]) == [date(2025, 1, 1)]


def test_what_is_measured_daily_is_read_by_the_week():
    daily = [date(2025, 1, 1) + n * DAY for n in range(29)]
    assert common_days([daily]) == daily[::7]


def test_where_some_are_measured_by_the_month_all_are_compared_by_the_month():
    found = common_days([WEEKS, MONTHS])
    assert found[-1] == WEEKS[-1]
    assert all(later - day >= 24 * DAY for day, later in itertools.pairwise(found))
    assert 12 <= len(found) <= 15


def test_one_straggler_of_many_does_not_slow_the_others_down():
    assert common_days([*[WEEKS] * 9, MONTHS]) == WEEKS
    assert len(common_days([*[WEEKS] * 8, MONTHS, MONTHS])) < 16


def test_a_value_counts_once_and_the_last_one_stands_while_it_is_fresh():
    monthly = one(MONTHS, range(12))
    found = on_days("sum", [monthly], WEEKS[:10], 45)
    # 6 Jan has that of 1 Jan; 3 Feb is the first Monday after 1 Feb, 3 Mar that after 1 Mar; 10 Mar is the last day.
    assert list(found.values) == [0.0, None, None, None, 1.0, None, None, None, 2.0, 2.0]
    assert [value.value for value in found.held] == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]
    assert on_days("sum", [monthly], WEEKS[:10], 8).values[-1] is None


def test_before_the_first_and_without_a_value_there_is_none():
    late = one(MONTHS[2:], range(10))
    assert list(on_days("sum", [late], MONTHS, 45).values)[:3] == [None, None, 0.0]
    ratio = one(MONTHS[:2], [0.0, 1.0], denominator=0.0)
    assert list(on_days("ratio", [ratio], MONTHS[:2], 45).values) == [None, None]
    assert on_days("ratio", [one(MONTHS[:1], [1.0], denominator=4.0)], MONTHS[:1], 45)[1:] == ([0.25], 4.0)


def test_a_retired_source_counts_no_more():
    kept, retired = one(MONTHS, [1.0] * 12), one(MONTHS, [5.0] * 12, MONTHS[6])
    assert list(on_days("sum", [kept, retired], MONTHS, 45).values) == [6.0] * 6 + [1.0] * 6
    assert snapshot_days([retired]) == MONTHS[:6]
    assert list(on_days("sum", [retired], MONTHS, 45).values)[5:] == [5.0] + [None] * 6


def test_first_on_or_after():
    assert first_on_or_after(MONTHS, date(2025, 3, 1)) == 2
    assert first_on_or_after(MONTHS, date(2025, 3, 2)) == 3
    assert first_on_or_after(MONTHS, date(2025, 12, 2)) is None


@given(
    st.lists(st.lists(st.dates(date(2025, 1, 1), date(2025, 12, 31)), min_size=1, max_size=30), min_size=1, max_size=6)
)
def test_each_is_a_day_of_some_team_at_least_a_week_after_the_one_before(teams):
    measured = [sorted(set(days)) for days in teams]
    found = common_days(measured)
    assert set(found) <= {day for days in measured for day in days}
    assert found[-1] == max(day for days in measured for day in days)
    assert all((later - day).days >= 7 for day, later in itertools.pairwise(found))

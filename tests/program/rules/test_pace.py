"""How hard a goal is, on series made to show each border."""

from __future__ import annotations

from datetime import date

import pytest

from program.rules.pace import Difficulty, Record, Records, difficulty, needed, own, percentile, record
from program.rules.track import of_one

D = date(2026, 1, 1).toordinal()


def track(*points: tuple[int, float], size: float = 100.0):
    return of_one([D + day for day, _ in points], [value for _, value in points], size)


def test_what_is_needed_is_the_way_over_the_days_and_nothing_once_there():
    assert needed(0.2, 0.9, 350, True) == pytest.approx(0.002)
    assert needed(30.0, 10.0, 200, False) == pytest.approx(0.1)
    assert needed(0.9, 0.9, 350, True) == 0.0
    assert needed(5.0, 10.0, 200, False) == 0.0


def test_the_own_pace_is_of_the_ninety_days_before_the_start():
    rising = track((0, 0.0), (40, 0.0), (70, 0.3), (100, 0.6), (130, 0.9))
    # On day 130: the points of days 40 to 130, six slopes of which the middle two are 0.01.
    assert own(rising, D + 130, True) == pytest.approx(0.01)
    assert own(rising, D + 130, False) == pytest.approx(-0.01)
    # What came after the start is not looked at: of days 0, 40, 70 the slopes are 0, 0.3/70 and 0.01.
    assert own(rising, D + 75, True) == pytest.approx(0.3 / 70)
    assert own(rising, D + 45, True) is None


def test_the_edge_of_ninety_days_is_inside():
    assert own(track((0, 0.0), (45, 1.0), (90, 2.0)), D + 90, True) == pytest.approx(2 / 90)
    assert own(track((0, 0.0), (45, 1.0), (91, 2.0)), D + 91, True) is None


def test_a_record_is_the_fastest_ninety_days():
    slow_then_fast = track((0, 0.1), (60, 0.1), (90, 0.19), (120, 0.4), (150, 0.46), (200, 0.46))
    # Pairs at least 90 days apart: 0→90 0.001 a day, 0→120 …, 60→150 0.36 in 90 days, 90→200 …
    assert record(slow_then_fast, "ratio", True) == Record(pytest.approx(0.36 / 90), 100.0)
    assert record(slow_then_fast, "ratio", False) == Record(pytest.approx(-0.0009 * 100 / 90), 100.0)
    assert record(track((0, 0.1), (89, 0.9)), "ratio", True) is None


def test_the_record_of_a_sum_is_a_share_of_where_it_began():
    assert record(track((0, 200.0), (100, 150.0)), "sum", False) == Record(pytest.approx(0.25 / 100), 200.0)
    assert record(track((0, 0.0), (100, 5.0)), "sum", True) is None


def test_a_team_is_compared_with_those_at_least_half_its_size():
    records = Records([Record(0.01, 1000.0), Record(0.05, 10.0), Record(0.02, 100.0)])
    assert records.fastest(10.0) == 0.05
    assert records.fastest(20.0) == 0.05
    assert records.fastest(21.0) == 0.02
    assert records.fastest(1000.0) == 0.01
    assert records.fastest(2001.0) is None
    assert Records([]).fastest(1.0) is None


@pytest.mark.parametrize(
    ("needs", "own_pace", "best", "expected"),
    [
        (0.0, None, None, Difficulty.EASY),
        (0.01, 0.01, None, Difficulty.EASY),
        (0.01, 0.009, 0.01, Difficulty.STRETCH),
        (0.011, 0.009, 0.01, Difficulty.UNHEARD_OF),
        (0.011, -0.5, 0.01, Difficulty.UNHEARD_OF),
        (0.011, None, 0.02, Difficulty.STRETCH),
        (0.011, 0.001, None, Difficulty.STRETCH),
        (0.011, None, None, Difficulty.UNKNOWN),
    ],
)
def test_how_hard_it_is(needs, own_pace, best, expected):
    assert difficulty(needs, own_pace, best, 0.5, "ratio") is expected


def test_of_a_sum_shares_are_compared():
    # Half of 400 in 100 days is 0.5 % of it a day.
    assert difficulty(2.0, 0.0, 0.005, 400.0, "sum") is Difficulty.STRETCH
    assert difficulty(2.0, 0.0, 0.0049, 400.0, "sum") is Difficulty.UNHEARD_OF
    assert difficulty(2.0, 0.0, 0.005, 0.0, "sum") is Difficulty.STRETCH


def test_the_value_that_the_best_share_of_teams_reach():
    values = [0.1, 0.5, 0.9, 0.7, 0.3, 0.8, 0.2, 0.6]
    assert percentile(values, 0.25, True) == 0.8
    assert percentile(values, 0.25, False) == 0.2
    assert percentile(values, 0.26, True) == 0.7
    assert percentile(values, 0.01, True) == 0.9
    assert percentile(values, 1.0, True) == 0.1
    assert percentile([0.4] * 30, 0.1, True) == 0.4
    assert percentile(list(range(1, 31)), 0.1, False) == 3

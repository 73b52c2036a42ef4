"""When it finishes: the pace against scipy, by hand, and where the truth is known."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from program.rules.finishing import Move, finish, pace

pytestmark = pytest.mark.once
CHANGES = st.lists(st.floats(-50, 50), min_size=4, max_size=40).filter(lambda found: max(found) - min(found) > 1e-3)


@given(CHANGES, st.floats(1, 40))
def test_the_pace_of_even_moves_is_scipys_mean(changes, days):
    found = pace([Move(days, change) for change in changes])
    known = stats.ttest_1samp([change / days for change in changes], 0.0)
    between = known.confidence_interval(0.95)
    assert found.estimate == pytest.approx(sum(changes) / len(changes) / days, abs=1e-9)
    assert found.df == known.df
    assert (found.low, found.high) == (pytest.approx(between.low, rel=1e-6, abs=1e-6),
                                       pytest.approx(between.high, rel=1e-6, abs=1e-6))  # fmt: skip


def test_it_is_not_the_line_through_the_levels():
    """Why not Theil–Sen with Sen's interval: on a series that wanders it is far too sure."""
    covered = {"sen": 0, "ours": 0}
    for seed in range(400):
        draw = random.Random(seed)
        moves = [draw.gauss(0, 1) for _ in range(25)]
        levels = [sum(moves[:n]) for n in range(26)]
        line = stats.theilslopes(levels, range(26), 0.95)
        covered["sen"] += line.low_slope <= 0 <= line.high_slope
        ours = pace([Move(1.0, move) for move in moves])
        covered["ours"] += ours.low <= 0 <= ours.high
    assert covered["sen"] / 400 < 0.4
    assert covered["ours"] / 400 >= 0.93


def test_even_moves_finish_on_one_day():
    steady = [Move(7.0, -14.0)] * 6
    assert pace(steady)[:3] == pytest.approx((-2.0, -2.0, -2.0))
    assert finish(30.0, steady) == pytest.approx((15.0, 15.0, 15.0))


def test_what_grows_or_stands_still_does_not_finish():
    assert finish(30.0, [Move(7.0, 1.0)] * 6) == (None, None, None)
    assert finish(30.0, [Move(7.0, 0.0)] * 6) == (None, None, None)
    doubtful = finish(30.0, [Move(7.0, change) for change in (-9.0, 8.0, -10.0, 9.0, -1.0, 2.0)])
    assert doubtful.expected is not None
    assert doubtful.first < doubtful.expected
    assert doubtful.last is None


def test_nothing_left_and_too_few():
    assert finish(0.0, [Move(7.0, -1.0)] * 4) == (0.0, 0.0, 0.0)
    assert finish(30.0, [Move(7.0, -1.0)] * 3) is None
    assert pace([Move(7.0, -1.0)] * 3) is None


def test_what_takes_over_ten_years_does_not_finish():
    assert finish(10_000.0, [Move(7.0, -1.0)] * 6) == (None, None, None)


def test_an_uneven_cadence_counts_days():
    """Two weeks at once are two weeks: the same pace, and no surprise."""
    assert pace([Move(7.0, -7.0), Move(14.0, -14.0), Move(7.0, -7.0), Move(28.0, -28.0)])[:3] == pytest.approx(
        (-1, -1, -1)
    )


@pytest.mark.parametrize("moves", [5, 6, 12, 26])
@pytest.mark.parametrize("drift", [-2.0, -1.0, -0.5, -0.2, 0.0])
def test_the_day_lies_in_the_interval_in_nine_of_ten_runs(moves, drift):
    covered = 0
    for seed in range(400):
        draw = random.Random(seed)
        found = finish(30.0, [Move(7.0, drift + draw.gauss(0, 1.5)) for _ in range(moves)])
        left, day = 30.0, 0.0
        while left > 0 and day <= 3652:
            left, day = left + drift + draw.gauss(0, 1.5), day + 7
        never = left > 0
        early = found.first is None or (not never and day < found.first - 7)
        late = found.last is not None and (never or day > found.last + 7)
        covered += not late and (never if found.first is None else not early)
    assert covered / 400 >= 0.9

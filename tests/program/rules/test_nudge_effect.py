"""The effect of nudges: by hand, and by simulation on seeds 0 to 999: the truth is recovered and covered."""

import random

import pytest

from program.rules.lots import is_held_out
from program.rules.nudge_effect import LEAST_A_SIDE, Unit, effect, share_closed, strata, units_needed
from program.rules.statistics import t_quantile

RUNS = range(1000)


def test_the_share_of_a_gap():
    assert share_closed(10, 4) == pytest.approx(0.6)
    assert (share_closed(10, 0), share_closed(10, 10), share_closed(10, 50)) == (1.0, 0.0, -1.0)
    with pytest.raises(ValueError, match="a gap above 0 was expected"):
        share_closed(0.0, 1.0)


def units(nudged, held, stratum="a"):
    return [*(Unit(stratum, True, one) for one in nudged), *(Unit(stratum, False, one) for one in held)]


def test_one_stratum_is_welch_by_hand():
    found = effect(units([0.5, 0.7] * 5, [0.1, 0.3] * 4))
    assert (found.nudged, found.held) == (10, 8)
    assert (found.closed_nudged, found.closed_held) == (pytest.approx(0.6), pytest.approx(0.2))
    assert found.interval.estimate == pytest.approx(0.4)
    # Variances 0.1²·10/9 and 0.1²·8/7.
    one, other = 0.01 * 10 / 9 / 10, 0.01 * 8 / 7 / 8
    df = (one + other) ** 2 / (one**2 / 9 + other**2 / 7)
    assert found.interval.df == pytest.approx(df)
    assert found.interval.high == pytest.approx(0.4 + t_quantile(0.975, df) * (one + other) ** 0.5)


def test_strata_weigh_by_their_size():
    easy, hard = units([1.0, 0.8] * 6, [0.6, 0.4] * 3, "easy"), units([0.3, 0.1] * 3, [0.1, -0.1] * 1, "hard")
    # 18 of 26 in the easy stratum with 0.4, 8 in the hard one with 0.2.
    assert effect(easy + hard).interval.estimate == pytest.approx((18 * 0.4 + 8 * 0.2) / 26)


def test_strata_that_are_too_small_stand_together():
    small = [Unit("b", True, 0.5), Unit("c", False, 0.2), Unit("d", True, 0.4), Unit("e", False, 0.1)]
    assert [(sorted(side.nudged), sorted(side.held)) for side in strata(small)] == [([0.4, 0.5], [0.1, 0.2])]


def test_too_few_on_a_side_say_nothing():
    few = effect(units([0.5, 0.4] * 50, [0.1, 0.2, 0.3, 0.2, 0.1, 0.2, 0.3][: LEAST_A_SIDE - 1]))
    assert (few.interval, few.held, few.closed_held) == (None, 7, pytest.approx(0.2))


def world(seed: int, truth: float, goals: int = 120, share: float = 0.2) -> list[Unit]:
    """Goals of three strata with their own pace, drawn as planning draws them; nudging adds `truth` on average."""
    draw = random.Random(seed)
    places: dict[str, int] = {}
    made = []
    for _ in range(goals):
        stratum = draw.choice(["behind", "at risk", "overdue"])
        place = places[stratum] = places.get(stratum, -1) + 1
        held = is_held_out(seed, stratum, place, share)
        own = {"behind": 0.1, "at risk": 0.3, "overdue": 0.0}[stratum] + draw.gauss(0, 0.2)
        closed = own + (0.0 if held else truth + draw.gauss(0, 0.1))
        made.append(Unit(stratum, not held, max(-1.0, min(1.0, closed))))
    return made


@pytest.mark.parametrize("truth", [0.0, 0.2, -0.15])
def test_the_truth_is_recovered_and_covered(truth):
    found = [effect(world(seed, truth)).interval for seed in RUNS]
    assert all(found)
    covered = sum(one.low <= truth <= one.high for one in found)
    assert 930 <= covered <= 970, covered
    middle = sum(one.estimate for one in found) / len(found)
    assert middle == pytest.approx(truth, abs=0.01)


def test_no_effect_is_found_where_there_is_none():
    wrong = sum(not one.low <= 0.0 <= one.high for one in (effect(world(seed, 0.0)).interval for seed in RUNS))
    assert 30 <= wrong <= 70, wrong


def test_the_power_is_what_was_said():
    # Standard deviation 0.2 and a share of a fifth: enough goals show a difference of 0.15 in four runs of five.
    goals = units_needed(0.2, 0.15, 0.2)
    assert goals == 88
    shown = 0
    for seed in RUNS:
        draw = random.Random(seed)
        made = [
            Unit("a", not held, (0.0 if held else 0.15) + draw.gauss(0, 0.2))
            for held in (is_held_out(seed, "a", place, 0.2) for place in range(goals))
        ]
        shown += effect(made).interval.low > 0.0
    assert 760 <= shown <= 840, shown


def test_a_power_of_nothing_is_refused():
    with pytest.raises(ValueError, match="a spread and a difference above 0"):
        units_needed(0.0, 0.1, 0.2)

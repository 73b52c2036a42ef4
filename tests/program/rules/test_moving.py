"""The pace of the newest two measurements, and what it must reach for somebody to be visibly at it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.rules.moving import LATELY_DAYS, moving

AT = {"up": True, "due": 1100, "today": 1010}


@pytest.mark.parametrize(
    ("values", "target", "more", "reaches"),
    [
        ((0.2, 0.4), 0.9, {}, 1025),  # 0.02 a day; 0.5 to go
        ((0.2, 0.21), 0.3, {}, 1090),
        ((0.2, 0.21), 0.31, {}, 1100),  # on the due day itself
        ((0.2, 0.21), 0.311, {}, None),  # a day late
        ((0.2, 0.2), 0.9, {}, None),
        ((0.4, 0.2), 0.9, {}, None),
        ((0.2, 0.9), 0.9, {}, None),  # there already
        ((40.0, 30.0), 0.0, {"up": False}, 1030),
        ((30.0, 40.0), 0.0, {"up": False}, None),
        ((0.2, 0.4), 0.9, {"today": 1000 + LATELY_DAYS}, 1025),
        ((0.2, 0.4), 0.9, {"today": 1001 + LATELY_DAYS}, None),
        ((0.2, 0.2 + 1e-300), 0.9, {}, None),
        ((0.0, 5e-324), 1e308, {}, None),
    ],
)
def test_worked_examples(values, target, more, reaches):
    assert moving((990, 1000), values, target, **{**AT, **more}) == reaches


@given(
    values=st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
    target=st.floats(-1e6, 1e6),
    apart=st.integers(1, 400),
    age=st.integers(0, 60),
    left=st.integers(-60, 400),
    up=st.booleans(),
)
def test_what_it_says_holds(values, target, apart, age, left, up):
    newest = 10_000
    found = moving((newest - apart, newest), values, target, up=up, due=newest + age + left, today=newest + age)
    if found is None:
        return
    step = values[1] - values[0]
    assert (step > 0) == up
    assert age <= LATELY_DAYS
    assert newest < found <= newest + age + left
    then = values[1] + step / apart * (found - newest)
    assert then >= target - 1e-3 if up else then <= target + 1e-3
    # Mirrored, it is the same.
    mirrored = moving(
        (newest - apart, newest), (-values[0], -values[1]), -target, up=not up, due=newest + age + left,
        today=newest + age,
    )  # fmt: skip
    assert mirrored == found

"""Lots of a holdout: shares that hold in every block, and lots that can be drawn again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.rules.lots import block, is_held_out


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.1, (10, 1)), (0.5, (2, 1)), (0.2, (5, 1)), (0.15, (20, 3)), (0.4, (5, 2)), (0.125, (8, 1)), (0.9, (10, 9)),
     (0.01, (20, 1)), (0.33, (20, 7)), (0.99, (20, 19))],
)  # fmt: skip
def test_the_shortest_block_that_holds_the_share(share, expected):
    assert block(share) == expected


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_no_share_no_block(share):
    with pytest.raises(ValueError, match="a share above 0 and below 1 was expected"):
        block(share)


@given(st.integers(0, 2**62), st.text(max_size=20), st.floats(0.01, 0.99), st.integers(0, 30))
def test_every_block_holds_out_the_same_number(seed, stratum, share, number):
    size, held = block(share)
    drawn = [is_held_out(seed, stratum, number * size + turn, share) for turn in range(size)]
    assert sum(drawn) == held
    assert drawn == [is_held_out(seed, stratum, number * size + turn, share) for turn in range(size)]


def test_the_seed_and_the_stratum_decide():
    def drawn(seed, stratum):
        return "".join("x" if is_held_out(seed, stratum, place, 0.2) else "." for place in range(30))

    # Written down once: whoever draws again in ten years gets the same lots.
    assert drawn(7, "typing behind") == LOTS_OF_7
    assert len({drawn(seed, "typing behind") for seed in range(40)}) > 35
    assert drawn(7, "typing behind") != drawn(7, "typing overdue")


def test_each_place_of_a_block_is_as_likely_as_the_others():
    hits = [sum(is_held_out(seed, "s", turn, 0.2) for seed in range(5000)) for turn in range(5)]
    # 1,000 expected, standard deviation 28.3: five of them.
    assert all(858 < one < 1142 for one in hits), hits


LOTS_OF_7 = "x........x...x....x...x..x...."

"""New and closed, item by item; what only moved; what remains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.rules.series import NOTHING, Value
from program.rules.turnover import Change, added, between, changed, remaining

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({}, {}, Change(0, 0, 0, 0)),
        ({"a": 3.0}, {"a": 3.0}, Change(0, 0, 0, 0)),
        ({"a": 3.0}, {"a": 5.0}, Change(0, 0, 2, 0)),
        ({"a": 3.0}, {"a": 1.0}, Change(0, 0, 0, 2)),
        ({"a": 3.0}, {"a": 0.0}, Change(0, 1, 0, 3)),
        ({"a": 3.0}, {}, Change(0, 1, 0, 3)),
        ({"a": 0.0}, {"a": 2.0}, Change(1, 0, 2, 0)),
        ({}, {"a": 2.0}, Change(1, 0, 2, 0)),
        ({"a": 0.0}, {}, Change(0, 0, 0, 0)),
        ({}, {"a": 0.0}, Change(0, 0, 0, 0)),
    ],
)
def test_one_team(before, after, change):
    assert changed([(before, after)]) == change


def test_an_item_that_changes_hands_is_neither_new_nor_closed():
    assert changed([({"a": 3.0, "b": 1.0}, {"b": 1.0}), ({}, {"a": 3.0})]) == Change(0, 0, 0, 0)
    assert changed([({"a": 3.0}, {}), ({}, {"a": 5.0})]) == Change(0, 0, 2, 0)
    assert changed([({"a": 3.0}, {}), ({}, {"a": 1.0})]) == Change(0, 0, 0, 2)


def test_items_of_one_name_in_two_teams_are_two_items():
    assert changed([({"a": 3.0}, {"a": 0.0}), ({"a": 2.0}, {"a": 2.0})]) == Change(0, 1, 0, 3)
    assert changed([({"a": 3.0}, {}), ({"a": 2.0}, {})]) == Change(0, 2, 0, 5)


SNAPSHOT = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9).map(float))


@given(st.lists(st.tuples(SNAPSHOT, SNAPSHOT), max_size=4))
def test_what_came_less_what_went_is_how_much_more_there_is(pairs):
    found = changed(pairs)
    more = sum(sum(after.values()) - sum(before.values()) for before, after in pairs)
    assert found.units_new - found.units_closed == pytest.approx(more)
    items = sum(sum(v > 0 for v in after.values()) - sum(v > 0 for v in before.values()) for before, after in pairs)
    assert found.new - found.closed == items


@given(SNAPSHOT, SNAPSHOT)
def test_backwards_it_is_the_other_way_round(before, after):
    there, back = changed([(before, after)]), changed([(after, before)])
    assert (there.new, there.closed) == (back.closed, back.new)
    assert between(before, after).came == between(after, before).gone


def test_added():
    assert added([Change(1, 2, 3.0, 4.0), Change(10, 20, 30.0, 40.0)]) == Change(11, 22, 33.0, 44.0)
    assert added([]) == Change(0, 0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("kind", "target", "value", "left"),
    [
        (("ratio", "up"), 0.9, Value(0.5, None, 1, 50, 100), 40.0),
        (("ratio", "down"), 0.1, Value(0.5, None, 1, 50, 100), 40.0),
        (("ratio", "up"), 0.4, Value(0.5, None, 1, 50, 100), 0.0),
        (("sum", "down"), 3.0, Value(10.0, None, 2, 10, 0), 7.0),
        (("sum", "up"), 30.0, Value(10.0, None, 2, 10, 0), 20.0),
        (("mean", "down"), 3.0, Value(5.0, None, 4, 20, 0), 8.0),
        (("max", "down"), 3.0, Value(5.0, None, 4, 20, 0), 2.0),
        (("latest", "up"), 3.0, Value(5.0, None, 1, 5, 0), 0.0),
        (("sum", "down"), 3.0, NOTHING, None),
    ],
)
def test_what_remains_until_the_target(kind, target, value, left):
    found = remaining(*kind, target, value)
    assert found is None if left is None else found == pytest.approx(left)

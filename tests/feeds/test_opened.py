"""A name that stands twice is seen however the text is spaced, by the fast way of reading as by the slow one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.feeds.batch import Unfit
from program.feeds.opened import json_lists, json_of

NAMES = st.sampled_from(["a", "b", "c", 'd":', 'e" :'])
VALUES = st.one_of(st.integers(-5, 5), st.sampled_from(['"x":1', 'x" :', "", "plain"]), st.none())
OBJECTS = st.lists(st.tuples(NAMES, VALUES), max_size=4)
BLANKS = st.sampled_from(["", " ", "\n", "\t \r\n"])


@given(st.lists(OBJECTS, max_size=4), st.lists(BLANKS, min_size=20, max_size=20))
def test_both_ways_refuse_and_read_the_same(objects, blanks):
    spaces = iter(blanks * 10)
    written = [
        "{"
        + ",".join(f"{json.dumps(name)}{next(spaces)}:{next(spaces)}{json.dumps(value)}" for name, value in one)
        + "}"
        for one in objects
    ]
    data = ('{"observations":[' + ",".join(written) + "]}").encode()
    twice = any(len({name for name, _ in one}) != len(one) for one in objects)
    for read in (json_lists, json_of):
        if twice:
            with pytest.raises(Unfit, match="stands twice"):
                read(data)
        else:
            assert read(data) == {"observations": [dict(one) for one in objects]}


def test_a_name_twice_beside_one_with_a_blank_is_seen():
    with pytest.raises(Unfit, match="'a' stands twice"):
        json_lists(b'{"observations":[{"a":1,"a":2,"b" :3}]}')
    with pytest.raises(Unfit, match="stands twice"):
        json_lists(b'{"observations":[],"observations":[]}')

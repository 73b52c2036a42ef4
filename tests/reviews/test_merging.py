"""Two who write at once: every line of both is kept, and who changed the same line is told so."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviews.merging import Merged, merge

TEXTS = st.lists(st.sampled_from(["", "a", "b", "c", "long line", "- d"]), max_size=8).map("\n".join)


@pytest.mark.parametrize(
    ("base", "theirs", "mine", "text", "clean"),
    [
        ("a\nb\nc", "a\nb\nc\nd", "x\na\nb\nc", "x\na\nb\nc\nd", True),
        ("a\nb\nc", "A\nb\nc", "a\nb\nC", "A\nb\nC", True),
        ("a", "a\nt", "a\nm", "a\nt\nm", True),  # both wrote on: theirs first
        ("", "t", "m", "t\nm", True),
        ("a\nb\nc", "a\nB1\nc", "a\nB2\nc", "a\nB1\nB2\nc", False),
        ("a\nb\nc", "a\nc", "a\nb!\nc", "a\nb!\nc", False),  # taken out by one, changed by the other: it stays
        ("a\nb", "b", "a\nb\nc", "b\nc", True),  # taken out by one, left by the other
        ("a", "a\nsame", "a\nsame", "a\nsame", True),
        ("a", "b", "a", "b", True),
        ("a", "a", "b", "b", True),
    ],
)
def test_what_both_made_of_it(base, theirs, mine, text, clean):
    assert merge(base, theirs, mine) == Merged(text, clean)


@given(TEXTS, TEXTS, TEXTS)
def test_no_line_that_either_wrote_is_lost(base, theirs, mine):
    """Lines that were in the text they began from may go, if one of them took them out."""
    merged = merge(base, theirs, mine).text.split("\n")
    for text in (theirs, mine):
        written = set(text.split("\n")) - set(base.split("\n")) - {""}
        assert written <= set(merged)


@given(TEXTS, TEXTS)
def test_who_alone_wrote_has_it_as_written(base, text):
    assert merge(base, base, text).text == merge(base, text, base).text == text


def test_the_longest_notes_do_not_take_long_and_lose_nothing():
    base = "\n" * 49_000
    begun = time.monotonic()
    merged = merge(base, "theirs\n" + "y\n" * 49_000, "mine\n" + "x\n" * 49_000)
    assert time.monotonic() - begun < 2
    assert not merged.clean
    assert {"theirs", "mine", "x", "y"} <= set(merged.text.split("\n"))


def test_lines_that_repeat_do_not_take_long_and_lose_nothing():
    """Every other line the same, a little apart in each: comparing them took three quarters of a minute."""
    base = "\n".join("a" for _ in range(999))
    begun = time.monotonic()
    merged = merge(base, "theirs\n" + "a\nb\n" * 490, "mine\n" + "b\na\n" * 490)
    assert time.monotonic() - begun < 2
    assert not merged.clean
    assert {"theirs", "mine", "a", "b"} <= set(merged.text.split("\n"))


def test_notes_with_many_blank_lines_are_still_compared():
    base = "\n\n".join(f"point {number}" for number in range(120))
    theirs, mine = base.replace("point 3\n", "point three\n"), base.replace("point 90", "point ninety")
    merged = merge(base, theirs, mine)
    assert merged == Merged(theirs.replace("point 90", "point ninety"), clean=True)

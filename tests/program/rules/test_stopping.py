"""A charter's own stop criterion: which words can be measured, and when they have come true."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.rules.stopping import Criterion, Finding, judge, read, subject_of

SHARE = Criterion("typed share", 5.0, None, 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("typed share rises by less than 5 points in two reviews", SHARE),
        ("Typed share  rises by less than 5 points\nin 2 reviews.", Criterion("Typed share", 5.0, None, 2)),
        ("findings fall by less than 2.5 findings within 3 reviews", Criterion("findings", 2.5, None, 3)),
        ("it moves by less than 1,5 % over a review", Criterion("it", 1.5, None, 1)),
        ("rises by less than 5 in two reviews", Criterion("", 5.0, None, 2)),
        ("the documented share has not doubled in two reviews", Criterion("the documented share", None, 2.0, 2)),
        ("slow tests have not halved after 4 reviews", Criterion("slow tests", None, 0.5, 4)),
    ],
)
def test_words_that_can_be_measured(text, expected):
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "nobody cares any more", "typed share rises by less than 5 points", "it rises by less than x in two reviews",
     "it rises by less than 5 points in 0 reviews", "it rises by less than 5 points in 99 reviews",
     "two reviews in a row are skipped", "rises by less than 5 points in two years",
     # Letters that a search without case takes for s and i, and no table of words has.
     "it rises by less than 5 points in ſix reviews", "it has not trıpled in two reviews",
     "it has not doubled in fıve reviews"],
)  # fmt: skip
def test_other_words_are_a_question_for_people(text):
    assert read(text) is None


@given(st.text(max_size=300))
def test_no_text_breaks_it(text):
    found = read(text)
    assert found is None or 1 <= found.reviews <= 24


def test_which_metric_it_speaks_of():
    assert subject_of(SHARE, {"anything": "Anything"}) == "anything"
    two = {"typed": "Typed share", "docs": "Docstrings"}
    assert subject_of(SHARE, two) == "typed"
    assert subject_of(SHARE._replace(subject="the DOCS"), two) == "docs"
    assert subject_of(SHARE._replace(subject="it"), two) is None
    assert subject_of(SHARE._replace(subject="typed and docs"), two) is None


@pytest.mark.parametrize(
    ("values", "true"),
    [
        ([0.40, 0.42, 0.449], True),
        ([0.40, 0.42, 0.45], False),
        ([0.40, 0.42, 0.30], True),
        ([0.1, 0.40, 0.40, 0.46], False),
    ],
)
def test_a_rise_is_counted_over_so_many_reviews_and_one_that_is_just_enough_is_enough(values, true):
    assert judge(SHARE, values, up=True, scale=100.0) == Finding(true, values[-3], values[-1])


def test_it_is_not_known_before_there_are_so_many_reviews_or_where_nothing_was_measured():
    assert judge(SHARE, [0.4, 0.4], up=True, scale=100.0) is None
    assert judge(SHARE, [None, 0.4, 0.4], up=True, scale=100.0) is None
    assert judge(SHARE, [0.4, None, 0.4], up=True, scale=100.0) == Finding(True, 0.4, 0.4)
    assert judge(SHARE, [0.4, 0.4, None], up=True, scale=100.0) is None


def test_where_less_is_better_it_has_to_fall():
    findings = Criterion("findings", 10.0, None, 1)
    assert judge(findings, [40.0, 31.0], up=False) == Finding(True, 40.0, 31.0)
    assert judge(findings, [40.0, 30.0], up=False) == Finding(False, 40.0, 30.0)


def test_doubled_and_halved():
    assert judge(Criterion("", None, 2.0, 1), [0.07, 0.13], up=True) == Finding(True, 0.07, 0.13)
    assert judge(Criterion("", None, 2.0, 1), [0.07, 0.14], up=True) == Finding(False, 0.07, 0.14)
    assert judge(Criterion("", None, 0.5, 1), [10.0, 6.0], up=False) == Finding(True, 10.0, 6.0)
    assert judge(Criterion("", None, 0.5, 1), [10.0, 5.0], up=False) == Finding(False, 10.0, 5.0)

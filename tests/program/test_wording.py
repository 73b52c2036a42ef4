"""Numbers, days and statuses in words, exactly as they are read."""

from datetime import date

import pytest

from program import wording


@pytest.mark.parametrize(
    ("number", "unit", "aggregation", "words"),
    [
        (0.45, "%", "ratio", "45 %"),
        (0.4519, "%", "ratio", "45 %"),
        (0.925, "%", "ratio", "92.5 %"),
        (1, "%", "ratio", "100 %"),
        (0.9996, "%", "ratio", "over 99.9 %"),
        (0.997, "%", "ratio", "99.7 %"),
        (0.00001, "%", "ratio", "under 0.1 %"),
        (0, "%", "ratio", "0 %"),
        (0.5, "", "ratio", "50 %"),
        (1.25, "bugs per service", "ratio", "1.25 bugs per service"),
        (81.5, "%", "latest", "81.5 %"),
        (12, "functions", "sum", "12 functions"),
        (1, "findings", "sum", "1 finding"),
        (1, "classes", "sum", "1 class"),
        (1, "vulnerabilities", "sum", "1 vulnerability"),
        (1, "ms", "max", "1 ms"),
        (-3, "points", "sum", "−3 points"),
        (12400, "", "sum", "12,400"),
        (1234.56, "s", "mean", "1,235 s"),
        (12.345, "s", "mean", "12.3 s"),
        (0.01234, "s", "mean", "0.012 s"),
        (3.857, "functions", "sum", "3.9 functions"),
        (1.25, "s", "mean", "1.25 s"),
        (0.1444, "functions", "sum", "0.14 functions"),
        (1e-12, "", "sum", "0"),
        (None, "%", "ratio", "no value"),
    ],
)
def test_value(number, unit, aggregation, words):
    assert wording.value(number, unit, aggregation) == words


@pytest.mark.parametrize(
    ("number", "unit", "aggregation", "words"),
    [
        (0.06, "%", "ratio", "6 points"),
        (0.01, "%", "ratio", "1 point"),
        (0.2226, "%", "ratio", "22 points"),
        (0.004, "%", "ratio", "0.4 points"),
        (0.0004, "%", "ratio", "less than 0.1 points"),
        (3, "%", "latest", "3 points"),
        (12, "functions", "sum", "12 functions"),
        (-12, "", "sum", "12"),
        (1, "functions", "sum", "1 function"),
    ],
)
def test_gap(number, unit, aggregation, words):
    assert wording.gap(number, unit, aggregation) == words


def test_a_change_has_its_sign_and_none_is_said():
    assert wording.change(0.01, "%", "ratio") == "+1 point"
    assert wording.change(-3, "functions", "sum") == "−3 functions"
    assert wording.change(0.0, "%", "ratio") == "no change"


def test_two_numbers_that_differ_never_read_the_same():
    assert wording.apart(0.45, 0.51, "%", "ratio") == ("45 %", "51 %")
    assert wording.apart(0.4519, 0.4538, "%", "ratio") == ("45.2 %", "45.4 %")
    assert wording.apart(0.45191, 0.45192, "%", "ratio") == ("45.191 %", "45.192 %")
    assert wording.apart(1000.2, 1000.4, "s", "mean") == ("1,000.2 s", "1,000.4 s")
    assert wording.apart(0.5, 0.5, "%", "ratio") == ("50 %", "50 %")
    assert wording.apart(None, 0.5, "%", "ratio") == ("no value", "50 %")


@pytest.mark.parametrize(
    ("fraction", "words"),
    [(0.58, "58 %"), (1, "100 %"), (0.999, "99 %"), (0.001, "under 1 %"), (0, "0 %"), (0.295, "30 %")],
)
def test_share_says_all_only_of_all(fraction, words):
    assert wording.share(fraction) == words


def test_counts():
    assert wording.count(1, "item") == "1 item"
    assert wording.count(3, "item") == "3 items"
    assert wording.count(2, "entry") == "2 entries"
    assert wording.count(2400, "day") == "2,400 days"


def test_days():
    today = date(2026, 11, 23)
    assert wording.day(date(2026, 12, 31)) == "31 Dec 2026"
    assert wording.near_day(date(2026, 12, 31), today) == "31 Dec"
    assert wording.near_day(date(2027, 2, 14), today) == "14 Feb 2027"
    assert wording.weekday(date(2026, 12, 7), today) == "Mon 7 Dec"
    assert [wording.ago(date(2026, 11, d), today) for d in (23, 22, 20, 16, 9)] == [
        "today",
        "yesterday",
        "3 days ago",
        "last week",
        "2 weeks ago",
    ]


def test_items_and_lists():
    assert wording.item("") == "whole team"
    assert wording.short_item("lib/webhooks.py") == "webhooks.py"
    assert wording.listed(["a", "b", "c"]) == "a, b and c"
    assert wording.listed(["a"]) == "a"
    assert wording.listed([]) == ""


@pytest.mark.parametrize(
    ("ages", "said"),
    [
        ([], ""),
        ([0], "It was measured today."),
        ([1, 1], "These numbers were measured yesterday."),
        ([40, 3, 15], "The newest of these numbers was measured 3 days ago, the oldest 40 days ago."),
        ([0, 400], "The newest of these numbers was measured today, the oldest 400 days ago."),
    ],
)
def test_how_old_numbers_are(ages, said):
    assert wording.measured(ages) == said


def test_a_change_too_small_to_see_has_a_direction_and_no_number():
    assert wording.change(-0.00004, "%", "ratio") == "less than 0.1 points down"
    assert wording.change(0.00004, "%", "ratio") == "less than 0.1 points up"
    assert wording.change(0.001, "%", "ratio") == "+0.1 points"


def test_a_change_beside_a_limit_shows_on_which_side_it_lies():
    assert wording.change_beside(0.0458, 0.05, "%", "ratio") == "+4.6 points"
    assert wording.change_beside(0.04996, 0.05, "%", "ratio") == "+4.996 points"
    assert wording.change_beside(0.02, 0.05, "%", "ratio") == "+2 points"
    assert wording.change_beside(0.05, 0.05, "%", "ratio") == "+5 points"
    assert wording.change_beside(-4.0, 5.0, "findings", "sum") == wording.change(-4.0, "findings", "sum")

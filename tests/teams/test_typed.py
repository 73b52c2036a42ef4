"""What people type: shares in percent or as fractions, counts with their unit, days; all else is refused in words."""

from __future__ import annotations

from datetime import date

import pytest

from program.models import MetricVersion
from teams import typed

SHARE = MetricVersion(unit="%", aggregation="ratio", direction="up")
COUNT = MetricVersion(unit="findings", aggregation="sum", direction="down")
IN_PERCENT = MetricVersion(unit="%", aggregation="latest", direction="up")


@pytest.mark.parametrize(
    ("text", "version", "found"),
    [
        ("85 %", SHARE, 0.85),
        ("85%", SHARE, 0.85),
        ("92.5\N{NO-BREAK SPACE}%", SHARE, 0.925),
        ("0.85", SHARE, 0.85),
        ("1", SHARE, 1.0),
        ("120 %", SHARE, 1.2),
        ("", SHARE, None),
        ("  ", COUNT, None),
        ("12", COUNT, 12.0),
        ("12 findings", COUNT, 12.0),
        ("1,200", COUNT, 1200.0),
        ("\N{MINUS SIGN}3.5", COUNT, -3.5),
        ("85 %", IN_PERCENT, 85.0),
        ("85", IN_PERCENT, 85.0),
    ],
)
def test_a_value_of_a_metric(text, version, found):
    assert typed.number(text, version) == (found if found is None else pytest.approx(found, abs=1e-12))


@pytest.mark.parametrize(
    ("text", "version", "said"),
    [
        ("85", SHARE, "The target is a share such as 85 % or 0.85, not 85: did you mean 85 %?"),
        ("nan", SHARE, "The target is a share such as 85 % or 0.85, not “nan”."),
        ("1e9", COUNT, "The target is a number such as 12 findings, not “1e9”."),
        ("0,85", SHARE, "The target is a share such as 85 % or 0.85, not “0,85”."),
        ("٣", COUNT, "The target is a number such as 12 findings, not “٣”."),
        ("inf", COUNT, "The target is a number such as 12 findings, not “inf”."),
        ("12 %", COUNT, "The target is a number such as 12 findings, not “12 %”."),
        ("9" * 400, COUNT, "The target is a number such as 12 findings, not “" + "9" * 40 + "”."),
        ("1\0", COUNT, "The target is a number such as 12 findings, not “1\0”."),
    ],
)
def test_what_is_no_value_is_refused_in_words(text, version, said):
    with pytest.raises(typed.Unfit) as refused:
        typed.number(text, version)
    assert str(refused.value) == said


def test_days():
    assert typed.day(" 2026-03-31 ", "due day") == date(2026, 3, 31)
    assert typed.day("", "due day") is None
    for text in ("31.3.2026", "20260331", "0001-01-01", "9999-01-01", "2026-02-30", "2026-W10-1"):
        with pytest.raises(typed.Unfit, match="The due day is a day such as 2026-01-31, not"):
            typed.day(text, "due day")


def test_words():
    assert typed.text(" because ", "why") == "because"
    assert typed.text("", "why", required=False) == ""
    for said, why in (("", "Some words were expected: why."), ("a\0b", "at most 2,000"), ("x" * 2001, "at most 2,000")):
        with pytest.raises(typed.Unfit, match=why):
            typed.text(said, "why")

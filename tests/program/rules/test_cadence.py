"""Cadences: right wall times across clock changes, months that end early, one label an occurrence."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.rules.cadence import Cadence, after, cadence_of, every_of, working_days_before

ZONES = ["UTC", "Europe/Riga", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago"]
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def some(cadence: Cadence, n: int, since: datetime = LONG_AGO) -> list[str]:
    return [f"{one.period} {one.at:%Y-%m-%dT%H:%MZ}" for one in islice(after(cadence, since), n)]


def test_six_weeks_keep_their_wall_time_across_the_clock_change():
    cadence = Cadence(6, "weeks", datetime(2026, 1, 20, 10, 0), "Europe/Riga")
    assert some(cadence, 3) == [
        "2026-01-20 2026-01-20T08:00Z",
        "2026-03-03 2026-03-03T08:00Z",
        "2026-04-14 2026-04-14T07:00Z",
    ]


def test_an_occurrence_that_begins_now_is_not_after_now():
    cadence = Cadence(6, "weeks", datetime(2026, 1, 20, 10, 0), "Europe/Riga")
    assert some(cadence, 1, datetime(2026, 1, 20, 8, 0, tzinfo=UTC)) == ["2026-03-03 2026-03-03T08:00Z"]
    assert some(cadence, 1, datetime(2026, 1, 20, 7, 59, tzinfo=UTC)) == ["2026-01-20 2026-01-20T08:00Z"]


def test_the_31st_is_the_last_day_of_a_shorter_month_and_comes_back():
    cadence = Cadence(1, "months", datetime(2027, 12, 31, 9, 0), "UTC")
    assert [line[:10] for line in some(cadence, 5)] == [
        "2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30",
    ]  # fmt: skip


def test_a_wall_time_that_the_clocks_skip_moves_forward_and_one_that_comes_twice_is_the_first():
    skipped = Cadence(1, "weeks", datetime(2026, 3, 29, 3, 30), "Europe/Riga")  # 03:00 becomes 04:00
    (spring,) = islice(after(skipped, LONG_AGO), 1)
    assert spring.at.astimezone(ZoneInfo("Europe/Riga")).isoformat() == "2026-03-29T04:30:00+03:00"
    twice = Cadence(1, "weeks", datetime(2026, 10, 25, 3, 30), "Europe/Riga")
    (autumn,) = islice(after(twice, LONG_AGO), 1)
    assert autumn.at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "n", "expected"),
    [
        (date(2026, 3, 3), 3, date(2026, 2, 26)),  # Tuesday: Mon, Fri, Thu
        (date(2026, 3, 6), 3, date(2026, 3, 3)),  # Friday
        (date(2026, 3, 2), 3, date(2026, 2, 25)),  # Monday
        (date(2026, 3, 1), 1, date(2026, 2, 27)),  # Sunday: the Friday before
        (date(2026, 3, 3), 0, date(2026, 3, 3)),
    ],
)
def test_working_days(day, n, expected):
    assert working_days_before(day, n) == expected


def test_a_holiday_is_no_working_day():
    assert working_days_before(date(2026, 3, 3), 3, {date(2026, 3, 2)}) == date(2026, 2, 25)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6 weeks", (6, "weeks")), ("1 month", (1, "months")), (" 1 week ", (1, "weeks")), ("0 weeks", None),
        ("100 weeks", None), ("weeks", None), ("", None), ("2 days", None), ("²2 weeks", None), ("6  weeks", None),
    ],
)  # fmt: skip
def test_texts(text, expected):
    assert every_of(text) == expected


def test_a_program_without_a_first_time_has_no_cadence():
    assert cadence_of("6 weeks", None, "UTC") is None
    assert cadence_of("", datetime(2026, 1, 1, 9), "UTC") is None
    assert cadence_of("2 months", datetime(2026, 1, 1, 9), "UTC") == Cadence(
        2, "months", datetime(2026, 1, 1, 9), "UTC"
    )


@pytest.mark.parametrize("bad", [(0, "weeks"), (1, "days")])
def test_nonsense_is_refused(bad):
    with pytest.raises(ValueError, match="a cadence is"):
        Cadence(*bad, first=datetime(2026, 1, 1, 9), zone="UTC")


cadences = st.builds(
    Cadence,
    every=st.integers(1, 12),
    unit=st.sampled_from(["weeks", "months"]),
    first=st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)).map(
        lambda at: at.replace(second=0, microsecond=0)
    ),
    zone=st.sampled_from(ZONES),
)


@given(cadences, st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)))
def test_what_comes_next_does_not_depend_on_when_it_is_asked(cadence, moment):
    asked_late = list(islice(after(cadence, moment), 3))
    limit = asked_late[-1].at
    asked_early = [one for one in islice(after(cadence, LONG_AGO), 500) if moment < one.at <= limit]
    assert asked_early == asked_late


@given(cadences)
def test_each_occurrence_has_the_wall_time_a_label_of_its_own_and_its_distance(cadence):
    zone = ZoneInfo(cadence.zone)
    found = list(islice(after(cadence, LONG_AGO), 40))
    assert found[0].local == cadence.first
    assert len({one.period for one in found}) == 40
    for one in found:
        shown = one.at.astimezone(zone).replace(tzinfo=None)
        assert one.local.time() == cadence.first.time()
        assert timedelta() <= shown - one.local <= timedelta(hours=1)
    for early, late in pairwise(found):
        if cadence.unit == "weeks":
            assert late.local - early.local == timedelta(weeks=cadence.every)
        else:
            months = (late.local.year - early.local.year) * 12 + late.local.month - early.local.month
            assert months == cadence.every
            assert late.local.day == cadence.first.day or (late.local + timedelta(days=1)).day == 1


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(1, 30))
def test_n_working_days_lie_between(day, n):
    before = working_days_before(day, n)
    between = [before + timedelta(days=k) for k in range((day - before).days)]
    assert before.weekday() < 5
    assert sum(1 for one in between if one.weekday() < 5) == n

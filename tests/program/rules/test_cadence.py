"""Cadences: right wall times across clock changes, months that end early, one label an occurrence."""

import time
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from program.rules.cadence import Cadence, after, cadence_of
from program.rules.recurrence import NoRecurrence, Recurrence, days_of, every_of, in_words, recurrence_of, tidy
from program.rules.working_days import is_day_off, working_day_from, working_days_after, working_days_before

ZONES = ["UTC", "Europe/Riga", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Santiago"]
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def cadence(text: str, first: datetime, zone: str, country: str = "") -> Cadence:
    return Cadence(recurrence_of(text), first, zone, country)


def some(cadence: Cadence, n: int, since: datetime = LONG_AGO) -> list[str]:
    return [f"{one.period} {one.at:%Y-%m-%dT%H:%MZ}" for one in islice(after(cadence, since), n)]


def test_six_weeks_keep_their_wall_time_across_the_clock_change():
    made = cadence("6 weeks", datetime(2026, 1, 20, 10, 0), "Europe/Riga")
    assert some(made, 3) == [
        "2026-01-20 2026-01-20T08:00Z",
        "2026-03-03 2026-03-03T08:00Z",
        "2026-04-14 2026-04-14T07:00Z",
    ]


def test_an_occurrence_that_begins_now_is_not_after_now():
    made = cadence("6 weeks", datetime(2026, 1, 20, 10, 0), "Europe/Riga")
    assert some(made, 1, datetime(2026, 1, 20, 8, 0, tzinfo=UTC)) == ["2026-03-03 2026-03-03T08:00Z"]
    assert some(made, 1, datetime(2026, 1, 20, 7, 59, tzinfo=UTC)) == ["2026-01-20 2026-01-20T08:00Z"]


def test_the_31st_is_the_last_day_of_a_shorter_month_and_comes_back():
    made = cadence("1 months", datetime(2027, 12, 31, 9, 0), "UTC")
    assert [line[:10] for line in some(made, 5)] == [
        "2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30",
    ]  # fmt: skip


def test_a_wall_time_that_the_clocks_skip_moves_forward_and_one_that_comes_twice_is_the_first():
    """In Egypt they change on working days: on Friday 24 Apr 2026 00:00 is 01:00, on Thursday 29 Oct 24:00 is 23:00."""
    spring = next(after(cadence("1 week", datetime(2026, 4, 24, 0, 30), "Africa/Cairo"), LONG_AGO))
    assert spring.at.astimezone(ZoneInfo("Africa/Cairo")).isoformat() == "2026-04-24T01:30:00+03:00"
    autumn = next(after(cadence("1 week", datetime(2026, 10, 29, 23, 30), "Africa/Cairo"), LONG_AGO))
    assert autumn.at.astimezone(ZoneInfo("Africa/Cairo")).isoformat() == "2026-10-29T23:30:00+03:00"


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


@pytest.mark.parametrize(
    ("day", "n", "expected"),
    [
        (date(2026, 2, 26), 3, date(2026, 3, 3)),  # Thursday: Fri, Mon, Tue
        (date(2026, 4, 30), 2, date(2026, 5, 4)),  # Thursday
        (date(2026, 5, 2), 1, date(2026, 5, 4)),  # Saturday: the Monday after
        (date(2026, 3, 3), 0, date(2026, 3, 3)),
    ],
)
def test_working_days_after(day, n, expected):
    assert working_days_after(day, n) == expected


def test_a_holiday_is_no_working_day():
    assert working_days_before(date(2026, 5, 6), 3) == date(2026, 5, 1)
    assert working_days_before(date(2026, 5, 6), 3, "LV") == date(2026, 4, 29)  # 1 and 4 May
    assert working_days_before(date(2026, 5, 6), 3, "XX") == date(2026, 5, 1)
    assert working_days_after(date(2026, 4, 30), 1, "LV") == date(2026, 5, 5)


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
    assert cadence_of("2 months", datetime(2026, 1, 1, 9), "UTC", "LV") == Cadence(
        Recurrence(2, "months"), datetime(2026, 1, 1, 9), "UTC", "LV"
    )


@pytest.mark.parametrize("bad", [(0, "weeks"), (1, "days")])
def test_nonsense_is_refused(bad):
    with pytest.raises(ValueError, match="a recurrence is"):
        Recurrence(*bad)
    with pytest.raises(ValueError, match="begins at a wall time"):
        cadence("1 week", datetime(2026, 1, 1, 9, tzinfo=UTC), "UTC")


@pytest.mark.parametrize(
    ("rule", "first", "days"),
    [
        ("FREQ=MONTHLY;BYDAY=2TU", "2026-01-20", ["2026-02-10", "2026-03-10", "2026-04-14"]),
        ("FREQ=MONTHLY;INTERVAL=2;BYDAY=-1WE", "2026-01-01", ["2026-01-28", "2026-03-25", "2026-05-27"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "2026-01-07", ["2026-01-08", "2026-01-19", "2026-01-22"]),
        ("FREQ=WEEKLY", "2026-01-07", ["2026-01-07", "2026-01-14", "2026-01-21"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-01", ["2026-02-02", "2026-03-02", "2026-03-31"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-01-01", ["2026-01-30", "2026-02-27", "2026-03-31"]),
        ("FREQ=MONTHLY;BYDAY=TU;BYMONTHDAY=8,9,10,11,12,13,14", "2026-01-01", ["2026-01-13", "2026-02-10", "2026-03-10"]),
    ],
)  # fmt: skip
def test_rules_of_rfc_5545(rule, first, days):
    made = cadence(rule, datetime.fromisoformat(f"{first}T10:00"), "Europe/Riga")
    assert [f"{one.local:%Y-%m-%d}" for one in islice(after(made, LONG_AGO), 3)] == days


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY", "FREQ is WEEKLY or MONTHLY"),
        ("FREQ=YEARLY;BYMONTH=1", "BYMONTH is none"),
        ("INTERVAL=2", "FREQ is WEEKLY or MONTHLY"),
        ("FREQ=MONTHLY;COUNT=3", "COUNT is none"),
        ("FREQ=MONTHLY;UNTIL=20270101", "UNTIL is none"),
        ("FREQ=MONTHLY;BYDAY=TU;BYHOUR=10", "BYHOUR is none"),
        ("FREQ=MONTHLY;INTERVAL=0", "INTERVAL is 1 to 99"),
        ("FREQ=MONTHLY;INTERVAL=100", "INTERVAL is 1 to 99"),
        ("FREQ=MONTHLY;INTERVAL=²", "INTERVAL is 1 to 99"),
        ("FREQ=MONTHLY;INTERVAL=99999999999999999999", "INTERVAL is 1 to 99"),
        ("FREQ=MONTHLY;FREQ=WEEKLY", "each of its parts has one value, and FREQ has not"),
        ("FREQ=MONTHLY;BYDAY", "each of its parts has one value, and BYDAY has not"),
        ("FREQ=MONTHLY;BYDAY=", "each of its parts has one value, and BYDAY has not"),
        ("FREQ=MONTHLY;BYDAY=6TU", "BYDAY is of MO, TU"),
        ("FREQ=MONTHLY;BYDAY=0TU", "BYDAY is of MO, TU"),
        ("FREQ=MONTHLY;BYDAY=TUE", "BYDAY is of MO, TU"),
        ("FREQ=WEEKLY;BYDAY=2TU", "BYDAY is of MO, TU"),
        ("FREQ=MONTHLY;BYDAY=TU,2MO", "at each of its days, or at none"),
        ("FREQ=WEEKLY;BYMONTHDAY=2", "BYMONTHDAY is of FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY is 1 to 31"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY is 1 to 31"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS is of the days"),
        ("FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=31", "no month has this one"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6", "no month has this one"),
        ("FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=3", "no month has this one"),
        ("FREQ=MONTHLY;" * 40, "6 weeks, or a rule"),
        ("=" * 100_000, "6 weeks, or a rule"),
        ("DTSTART:20260101\nRRULE:FREQ=MONTHLY", "6 weeks, or a rule"),
        ("every tuesday", "6 weeks, or a rule"),
    ],
)
def test_what_is_no_rule_is_refused_with_what_was_expected(rule, expected):
    with pytest.raises(NoRecurrence, match=expected) as refused:
        recurrence_of(rule)
    assert str(refused.value).startswith("a number of weeks or months, such as 6 weeks, or a rule of RFC 5545")
    assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" rrule:freq=monthly; byday=2tu; ", "FREQ=MONTHLY;BYDAY=2TU"), (" 6 weeks", "6 weeks"), ("", ""),
        ("RRULE:FREQ=WEEKLY;WKST=SU", "FREQ=WEEKLY;WKST=SU"),
    ],
)  # fmt: skip
def test_a_rule_is_kept_in_one_way(typed, kept):
    assert tidy(typed) == kept == tidy(kept)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 week", "every week"), ("6 weeks", "every 6 weeks"), ("1 month", "every month"),
        ("FREQ=MONTHLY;BYDAY=2TU", "every month on the second Tuesday"),
        ("FREQ=MONTHLY;INTERVAL=2;BYDAY=-1WE", "every 2 months on the last Wednesday"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "every 2 weeks on each Monday and each Thursday"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,-1,22,-3", "every month on the 1st, the last day, the 22nd and the 3rd day from the end"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "every month on the last of Monday, Tuesday, Wednesday, Thursday and Friday"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "every month on each Friday if it is the 13th"), ("x=", "x="),
    ],
)  # fmt: skip
def test_in_words(text, said):
    assert in_words(text) == said


def test_a_day_off_is_held_on_the_next_working_day_under_its_own_label():
    """Of 1 May (a Friday, and a holiday in Latvia) and 4 May too: on Tuesday the fifth."""
    here, there = (cadence("1 month", datetime(2026, 3, 1, 10), "Europe/Riga", country) for country in ("LV", ""))
    assert [f"{one.period} {one.local:%a %d %H:%M}" for one in islice(after(here, LONG_AGO), 3)] == [
        "2026-03-01 Mon 02 10:00", "2026-04-01 Wed 01 10:00", "2026-05-01 Tue 05 10:00",
    ]  # fmt: skip
    assert [f"{one.local:%a %d}" for one in islice(after(there, LONG_AGO), 3)][2] == "Fri 01"


def test_one_that_is_held_later_is_still_to_come_after_its_own_day():
    made = cadence("1 month", datetime(2026, 3, 1, 10), "Europe/Riga", "LV")
    assert next(after(made, datetime(2026, 5, 4, 12, tzinfo=UTC))).period == "2026-05-01"
    assert next(after(made, datetime(2026, 5, 5, 12, tzinfo=UTC))).period == "2026-06-01"


def test_two_on_one_working_day_are_one():
    made = cadence("FREQ=WEEKLY;BYDAY=SA,SU,MO", datetime(2026, 3, 7, 10), "UTC")
    assert [one.period for one in islice(after(made, LONG_AGO), 3)] == ["2026-03-09", "2026-03-16", "2026-03-23"]


counted = st.sampled_from([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5])
weekdays = st.one_of(
    st.lists(st.tuples(st.integers(0, 6), counted), min_size=1, max_size=4, unique=True),
    st.lists(st.tuples(st.integers(0, 6), st.just(0)), min_size=1, max_size=4, unique=True),
)
RULE_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def said(weekday: int, nth: int) -> str:
    return f"{nth or ''}{RULE_DAYS[weekday]}"


def is_named(day: date, weekday: int, nth: int) -> bool:
    """The n-th of its weekday in the month, counted by looking at the month."""
    if day.weekday() != weekday:
        return False
    days = [one for n in range(-31, 32) if (one := day + timedelta(n)).month == day.month and abs(n) < 31]
    same = [one for one in days if one.weekday() == weekday and one.year == day.year]
    return nth == 0 or (abs(nth) <= len(same) and same[nth - 1 if nth > 0 else nth] == day)


@given(weekdays, st.integers(1, 4), st.dates(date(2024, 1, 1), date(2026, 12, 31)))
def test_days_of_a_monthly_rule_are_those_that_the_calendar_shows(named, every, first):
    rule = f"FREQ=MONTHLY;INTERVAL={every};BYDAY={','.join(said(*one) for one in named)}"
    start = datetime.combine(first, datetime.min.time()).replace(hour=10)
    until = first + timedelta(days=400)
    found = [one.date() for one in takewhile(lambda at: at.date() < until, days_of(recurrence_of(rule), start))]
    days = (first + timedelta(n) for n in range(400))
    assert found == [
        day
        for day in days
        if ((day.year - first.year) * 12 + day.month - first.month) % every == 0
        and any(is_named(day, *one) for one in named)
    ]


cadences = st.builds(
    Cadence,
    recurrence=st.one_of(
        st.builds(Recurrence, st.integers(1, 12), st.sampled_from(["weeks", "months"])),
        st.builds(
            lambda named, every: recurrence_of(f"FREQ=MONTHLY;INTERVAL={every};BYDAY={','.join(said(*one) for one in named)}"),
            weekdays, st.integers(1, 6),
        ),
        st.builds(
            lambda named, every: recurrence_of(f"FREQ=WEEKLY;INTERVAL={every};BYDAY={','.join(RULE_DAYS[one] for one in named)}"),
            st.sets(st.integers(0, 6), min_size=1), st.integers(1, 6),
        ),
    ),
    first=st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(second=0, microsecond=0)),
    zone=st.sampled_from(ZONES),
    country=st.sampled_from(["", "LV", "US", "IN", "CN", "XX"]),
)  # fmt: skip


@given(cadences, st.datetimes(datetime(2024, 1, 1), datetime(2029, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)))
def test_what_comes_next_does_not_depend_on_when_it_is_asked(made, moment):
    asked_late = list(islice(after(made, moment), 3))
    limit = asked_late[-1].at
    early = takewhile(lambda one: one.at <= limit, after(made, LONG_AGO))
    assert [one for one in early if moment < one.at] == asked_late


@given(cadences)
def test_each_occurrence_has_the_wall_time_a_working_day_and_a_label_of_its_own(made):
    zone = ZoneInfo(made.zone)
    found = list(islice(after(made, LONG_AGO), 40))
    assert len({one.period for one in found}) == len({one.local.date() for one in found}) == 40
    for one in found:
        shown = one.at.astimezone(zone).replace(tzinfo=None)
        assert one.local.time() == made.first.time()
        assert timedelta() <= shown - one.local <= timedelta(hours=1)
        label = date.fromisoformat(one.period)
        assert not is_day_off(one.local.date(), made.country)
        between = [label + timedelta(n) for n in range((one.local.date() - label).days)]
        assert all(is_day_off(day, made.country) for day in between)
    assert all(early.at < late.at and early.period < late.period for early, late in pairwise(found))


@given(cadences)
def test_no_day_of_the_rule_is_lost_but_to_one_that_is_held_on_the_same_day(made):
    found = {one.period: one.local.date() for one in islice(after(made, LONG_AGO), 40)}
    last, days = max(found), set(found.values())
    for local in takewhile(lambda at: at.date().isoformat() <= last, days_of(made.recurrence, made.first)):
        label = local.date().isoformat()
        while label not in found and is_day_off(local.date(), made.country):
            local += timedelta(days=1)
        assert label in found or local.date() in days


plain = st.builds(
    lambda every, unit, first, zone: Cadence(Recurrence(every, unit), first, zone),
    st.integers(1, 12), st.sampled_from(["weeks", "months"]),
    st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from(ZONES),
)  # fmt: skip


@given(plain)
def test_plain_ones_keep_their_distance(made):
    found = list(islice(days_of(made.recurrence, made.first), 40))
    assert found[0] == made.first
    for early, late in pairwise(found):
        if made.recurrence.unit == "weeks":
            assert late - early == timedelta(weeks=made.recurrence.every)
        else:
            months = (late.year - early.year) * 12 + late.month - early.month
            assert months == made.recurrence.every
            assert late.day == made.first.day or (late + timedelta(days=1)).day == 1


@given(st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(1, 30))
def test_n_working_days_lie_between(day, n):
    before = working_days_before(day, n)
    between = [before + timedelta(days=k) for k in range((day - before).days)]
    assert before.weekday() < 5
    assert sum(1 for one in between if one.weekday() < 5) == n
    assert working_days_after(before, n) == (day if day.weekday() < 5 else working_day_from(day))


def test_a_rule_without_a_day_from_its_first_on_is_looked_through_once():
    made = cadence("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31", datetime(2026, 2, 10, 10, 0), "UTC")
    assert some(made, 1) == []
    begun = time.monotonic()
    assert [some(made, 1) for _ in range(20)] == [[]] * 20
    assert time.monotonic() - begun < 0.1
    assert some(cadence("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31", datetime(2026, 3, 10, 10, 0), "UTC"), 1) == [
        "2026-03-31 2026-03-31T10:00Z"
    ]

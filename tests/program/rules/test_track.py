"""What is worked out for thousands of teams at once is what the rules say of each, one at a time."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from program.rules.numbers import equal
from program.rules.outlook import outlook
from program.rules.pretended import FINE, NEITHER, SHORT, Asked, Course, looks, on_days, pretend, turning_days
from program.rules.series import Reading, SourceReadings, points, value_on
from program.rules.status import FINE as FINE_STATUSES
from program.rules.status import SHORT as SHORT_STATUSES
from program.rules.status import Status, Terms, judge
from program.rules.track import EMPTY, Track, of_one, size_of, track

START = date(2026, 1, 1)
DUE = date(2026, 12, 31)
TODAY = date(2026, 7, 1)
days = st.integers(min_value=-200, max_value=400).map(lambda n: START + timedelta(days=n))
AGGREGATIONS = ("sum", "ratio", "mean", "max", "latest")


@st.composite
def sources(draw) -> list[SourceReadings]:
    """A few sources of a team, some retired, some snapshots without a value."""
    found = []
    for name in draw(st.sampled_from(["a", "ab", "abc"])):
        readings = []
        for day in sorted(draw(st.lists(days, max_size=8, unique=True))):
            n = draw(st.integers(0, 3))
            below = float(draw(st.integers(0, 40)))
            readings.append(Reading(day, n, min(below, float(draw(st.integers(0, 40)))), below, 7.0 if n else None))
        found.append(SourceReadings(name, readings, draw(st.none() | days)))
    return found


@st.composite
def asked(draw, aggregation: str) -> Terms:
    direction = draw(st.sampled_from(["up", "down"]))
    improvable = (aggregation, direction) in {("ratio", "up"), ("sum", "down"), ("ratio", "down"), ("mean", "down")}
    share = draw(st.none() | st.sampled_from([0.0, 0.5, 1.0])) if improvable else None
    milestones = [(START + timedelta(days=120), draw(st.floats(0, 40)))] if draw(st.booleans()) else []
    return Terms(
        direction, aggregation, draw(st.sampled_from([10, 45, 400])), START, DUE,
        target=None if share is not None else draw(st.sampled_from([0.5, 0.9, 10.0, 20.0])),
        improve_by=share, tolerance=draw(st.sampled_from([0.0, 0.05, 0.3])), milestones=milestones,
    )  # fmt: skip


@settings(max_examples=300)
@given(sources(), st.sampled_from(AGGREGATIONS), days)
def test_a_track_has_the_values_and_points_of_its_sources(given_sources, aggregation, day):
    found = track(aggregation, given_sources)
    value = value_on(aggregation, given_sources, day)
    held, as_of = found.on(day.toordinal())
    assert (held, as_of) == (value.value, None if value.as_of is None else value.as_of.toordinal())
    series = [(p.day.toordinal(), p.value) for p in points(aggregation, given_sources, day) if p.value is not None]
    until = found.until(day.toordinal())
    assert list(zip(found.days[:until], found.values[:until], strict=True)) == series


@settings(max_examples=400)
@given(st.data(), sources(), st.sampled_from(AGGREGATIONS), days)
def test_an_outlook_is_the_judgment(data, given_sources, aggregation, day):
    terms = data.draw(asked(aggregation))
    judged = judge(terms, given_sources, day)
    found = outlook(terms, track(aggregation, given_sources), day)
    assert (found.status, found.reason, found.value, found.as_of) == (
        judged.status, judged.reason, judged.value, judged.as_of,
    )  # fmt: skip
    assert (found.baseline, found.baseline_as_of) == (judged.baseline, judged.baseline_as_of)
    assert (found.target, found.expected) == (judged.target, judged.expected)
    if found.forecast is not None:
        assert found.forecast == judged.forecast


@settings(max_examples=400)
@given(st.data(), sources(), st.sampled_from(AGGREGATIONS))
def test_a_goal_begun_on_its_own_start_says_day_by_day_what_is_judged(data, given_sources, aggregation):
    """Begun on the day on which it begins anyway, a goal has the same baseline and target, and so the same statuses."""
    terms = data.draw(asked(aggregation))
    found = track(aggregation, given_sources)
    last = judge(terms, given_sources, DUE + timedelta(days=60))
    if last.baseline is None or last.target is None:
        return
    course = Course([day.toordinal() for day in (START, *(day for day, _ in terms.milestones), DUE)])
    goal = pretend(
        found, Asked(last.baseline, last.target, [value for _, value in terms.milestones], terms.improve_by), course,
        (DUE + timedelta(days=60)).toordinal(), aggregation=aggregation, up=terms.up, tolerance=terms.tolerance,
    )  # fmt: skip
    assert goal is not None
    assert equal(goal.levels[-1], last.target) or goal.levels[0] == last.baseline
    span = [START + timedelta(days=n) for n in range(0, 420, 7)]
    places = [course.place(day.toordinal()) for day in span]
    said = on_days(goal, looks(found, places, terms.fresh_for), up=terms.up)
    for day, word in zip(span, said, strict=True):
        status = judge(terms, given_sources, day).status
        expected = SHORT if status in SHORT_STATUSES else FINE if status in FINE_STATUSES else NEITHER
        if _near(terms, given_sources, day):  # the way is gone by shares: the last digit may differ
            continue
        assert word == expected, (day, status)


def _near(terms: Terms, given_sources: list[SourceReadings], day: date) -> bool:
    """Whether a value lies within rounding of the level that decides on it."""
    j = judge(terms, given_sources, day)
    if j.value is None or j.expected is None or j.target is None or j.baseline is None:
        return False
    allowed = terms.tolerance * abs(j.target - j.baseline)
    level = j.expected - allowed if terms.up else j.expected + allowed
    return abs(j.value - level) < 1e-6 or abs(j.value - j.target) < 1e-6


@settings(max_examples=300)
@given(st.data(), sources(), st.sampled_from(AGGREGATIONS), st.integers(0, 200), st.integers(2, 70))
def test_a_goal_that_was_fine_between_two_days_was_so_on_a_turning_day(data, given_sources, aggregation, after, length):
    terms = data.draw(asked(aggregation))
    course = Course([day.toordinal() for day in (START, *(day for day, _ in terms.milestones), DUE)])
    milestones = [value for _, value in terms.milestones]
    found = Asked(5.0, 5.0 if terms.target is None else terms.target, milestones, terms.improve_by)
    goal = pretend(
        track(aggregation, given_sources), found, course, DUE.toordinal(), aggregation=aggregation, up=terms.up,
        tolerance=terms.tolerance,
    )  # fmt: skip
    if goal is None:
        return
    first = START.toordinal() + after

    def fine(among: list[int]) -> bool:
        asked_on = looks(goal.track, [course.place(day) for day in among], terms.fresh_for)
        return FINE in on_days(goal, asked_on, up=terms.up)

    every = list(range(first + 1, first + length))
    assert fine(turning_days(goal, course, first, first + length, terms.fresh_for)) == fine(every)


def test_a_team_without_snapshots_has_an_empty_track():
    assert track("sum", []) is EMPTY
    assert EMPTY.on(TODAY.toordinal()) == (None, None)
    assert outlook(Terms("up", "sum", 10, START, DUE, target=1.0), EMPTY, TODAY).status is Status.NO_DATA


def test_a_track_of_one_source_is_the_same():
    one = SourceReadings("", [Reading(START, 2, 4.0, 8.0, 3.0), Reading(TODAY, 2, 6.0, 8.0, 3.0)])
    made = of_one([START.toordinal(), TODAY.toordinal()], [0.5, 0.75], 8.0)
    assert track("ratio", [one]) == made
    assert isinstance(made, Track)
    assert [size_of(kind, 3, -4.0, 9.0) for kind in ("sum", "ratio", "mean", "max", "latest")] == [
        4.0,
        9.0,
        3.0,
        1.0,
        1.0,
    ]

"""Properties of the rules that hold for any data: mirrors, monotony, shortest trails, order of input."""

from __future__ import annotations

import random
from datetime import date, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from program.rules.glidepath import expected, expected_on
from program.rules.numbers import equal
from program.rules.series import Reading, SourceReadings, points, value_on, values_on
from program.rules.status import SHORT, WORST_FIRST, Status, Terms, judge
from program.rules.trail import Item, gap_in_items, trail

START = date(2026, 1, 1)
DUE = date(2026, 12, 31)
whole = st.integers(min_value=0, max_value=200).map(float)
days = st.integers(min_value=-120, max_value=400).map(lambda n: START + timedelta(days=n))
shares = st.sampled_from([0.0, 0.05, 0.25, 1.0])


@st.composite
def sum_series(draw, least: int = 1) -> dict[date, dict[str, float]]:
    """Snapshots of a sum: by day, items with a whole number each."""
    when = draw(st.lists(days, min_size=least, max_size=8, unique=True))
    return {day: draw(st.dictionaries(st.sampled_from("abcdefgh"), whole, min_size=1, max_size=6)) for day in when}


def readings(snapshots: dict[date, dict[str, float]], sign: float = 1.0) -> SourceReadings:
    """The totals of these snapshots, every number multiplied by a sign."""
    found = []
    for day in sorted(snapshots):
        numbers = [sign * number for number in snapshots[day].values()]
        found.append(Reading(day, len(numbers), sum(numbers), 0.0, max(numbers)))
    return SourceReadings("", found)


def terms(direction: str = "down", aggregation: str = "sum", **given_terms: object) -> Terms:
    values: dict = {"fresh_for": 45, "start": START, "due": DUE, "target": 10.0} | given_terms
    return Terms(direction, aggregation, **values)


@given(sum_series(), days, shares, st.integers(0, 300))
def test_a_metric_that_should_fall_mirrors_one_that_should_rise(snapshots, day, tolerance, target):
    down = judge(terms("down", target=float(target), tolerance=tolerance), [readings(snapshots)], day)
    up = judge(terms("up", target=-float(target), tolerance=tolerance), [readings(snapshots, -1.0)], day)
    assert (down.status, down.slipped, down.forecast, down.gap) == (up.status, up.slipped, up.forecast, up.gap)
    for one, other in ((down.value, up.value), (down.baseline, up.baseline), (down.expected, up.expected)):
        assert (one is None and other is None) or equal(one, -other)


@given(sum_series(least=2), days, st.integers(0, 300), st.randoms(use_true_random=False))
def test_a_better_item_in_the_newest_snapshot_never_worsens_a_standing(snapshots, day, target, chance):
    newest = max((d for d in snapshots if d <= day), default=None)
    # The newest snapshot may be the baseline itself; a goal cannot be easier than it was when its start moves.
    baselines = [d for d in snapshots if d <= START] or [min(snapshots)]
    assume(newest is not None and newest != max(baselines) and newest > START)
    name = chance.choice(sorted(snapshots[newest]))
    better = {d: dict(items) for d, items in snapshots.items()}
    better[newest][name] = chance.randint(0, int(better[newest][name]))
    goal = terms(target=float(target))
    before = judge(goal, [readings(snapshots)], day)
    after = judge(goal, [readings(better)], day)
    ranks = [Status.OVERDUE, Status.BEHIND, Status.AT_RISK, Status.ON_TRACK, Status.MET]
    if before.status in ranks:
        assert ranks.index(after.status) >= ranks.index(before.status)
    else:
        assert after.status == before.status
    assert before.gap is None or after.gap <= before.gap or equal(after.gap, before.gap) or after.level != before.level


@st.composite
def ratio_items(draw) -> dict[str, tuple[float, float]]:
    """Items with a numerator of at most their denominator."""
    names = draw(st.lists(st.sampled_from([f"src/{c}.py" for c in "abcdefghij"]), min_size=1, unique=True))
    found = {}
    for name in names:
        below = draw(st.integers(0, 60))
        found[name] = (float(draw(st.integers(0, below))), float(below))
    return found


@given(ratio_items(), st.floats(0.05, 1.0), st.sampled_from(["up", "down"]))
def test_contributions_of_the_trail_reach_the_gap_and_no_shorter_prefix_does(items, target, direction):
    total = Reading(START, len(items), sum(n for n, _ in items.values()), sum(d for _, d in items.values()), 0.0)
    goal = terms(direction, "ratio", target=target)
    day = START + timedelta(days=10)
    judgment = judge(goal, [SourceReadings("", [total])], day)
    found = trail(goal, judgment, [Item(name, *numbers) for name, numbers in items.items()], {})
    gap = gap_in_items(goal, judgment)
    sizes = [crumb.contribution for crumb in found.crumbs]
    assert sizes == sorted(sizes, reverse=True)
    if gap is None or gap <= 0 or equal(gap, 0):
        assert found.crumbs == []
        return
    every = sorted((d - n if direction == "up" else n for n, d in items.values()), reverse=True)
    reaches = sum(every) >= gap or equal(sum(every), gap)
    if reaches:
        assert sum(sizes) >= gap or equal(sum(sizes), gap)
        assert sum(sizes[:-1]) < gap
        assert not equal(sum(sizes[:-1]), gap)
    else:
        assert sizes == [size for size in every if size > 0]
    assert [crumb.closes for crumb in found.crumbs] == [min(1.0, sum(sizes[: i + 1]) / gap) for i in range(len(sizes))]


@given(sum_series(), days, st.integers(0, 300), st.randoms(use_true_random=False))
def test_same_input_in_any_order_same_answer(snapshots, day, target, chance: random.Random):
    sources = [
        SourceReadings(str(i), [r for k, r in enumerate(readings(snapshots).readings) if k % 3 == i]) for i in range(3)
    ]
    sources = [source for source in sources if source.readings]
    shuffled = sorted(sources, key=lambda _: chance.random())
    goal = terms(target=float(target))
    assert judge(goal, sources, day) == judge(goal, shuffled, day)
    assert points("sum", sources, day) == points("sum", shuffled, day)
    newest = max(snapshots)
    items = [Item(name, number) for name, number in snapshots[newest].items()]
    mixed = sorted(items, key=lambda _: chance.random())
    judgment = judge(goal, [readings(snapshots)], newest)
    assert trail(goal, judgment, items, {}) == trail(goal, judgment, mixed, {})


@given(sum_series(), days)
def test_later_snapshots_change_nothing_about_a_day(snapshots, day):
    until = {d: items for d, items in snapshots.items() if d <= day}
    goal = terms()
    known = [readings(until)] if until else []
    assert judge(goal, [readings(snapshots)], day) == judge(goal, known, day)


@given(sum_series(least=3), days)
def test_what_is_short_has_a_gap_and_what_is_met_has_none(snapshots, day):
    judgment = judge(terms(), [readings(snapshots)], day)
    if judgment.status in SHORT:
        assert judgment.gap > 0
    if judgment.status == Status.MET:
        assert judgment.gap == 0
        assert judgment.forecast is None
    assert judgment.status in WORST_FIRST


@given(
    st.lists(sum_series(), min_size=0, max_size=3),
    st.lists(st.none() | days, min_size=3, max_size=3),
    st.lists(days, max_size=12).map(sorted),
    st.sampled_from(["sum", "mean", "max", "latest"]),
)
def test_the_values_of_many_days_are_those_of_each(series, retired, when, aggregation):
    sources = [
        SourceReadings(str(n), readings(one).readings, gone)
        for n, (one, gone) in enumerate(zip(series, retired, strict=False))
    ]
    assert values_on(aggregation, sources, when) == [value_on(aggregation, sources, day) for day in when]


@given(
    st.lists(days, max_size=12).map(sorted),
    st.lists(st.tuples(st.integers(1, 363).map(lambda n: START + timedelta(days=n)), whole), max_size=3),
    whole,
    whole,
    st.booleans(),
)
def test_the_path_of_many_days_is_that_of_each(when, corners, baseline, target, up):
    milestones = tuple(dict(corners).items())
    path = {"start": START, "due": DUE, "baseline": baseline, "target": target, "up": up, "milestones": milestones}
    assert expected_on(when, **path) == [expected(day, **path) for day in when]

"""Each rule by an example worked by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from program.rules.forecast import forecast, slope
from program.rules.glidepath import baseline_of, expected, target_by_share
from program.rules.numbers import equal, whole_days
from program.rules.series import Point, Reading, SourceReadings, aggregate, points, value_on
from program.rules.status import Status, Terms, judge
from program.rules.trail import Item, trail

JAN, DEC = date(2026, 1, 1), date(2026, 12, 31)
GOAL = {"fresh_for": 30, "start": JAN, "due": DEC, "target": 0.0}


def day(text: str) -> date:
    return date.fromisoformat(text)


def falling(*values: tuple[str, float]) -> SourceReadings:
    """A sum with one item a snapshot."""
    return SourceReadings("", [Reading(day(d), 1, v, 0.0, v) for d, v in values])


def test_values_of_each_aggregation():
    two = [Reading(JAN, 2, 3.0, 4.0, 2.0), Reading(JAN, 1, 5.0, 6.0, 5.0)]
    assert aggregate("sum", two) == 8.0
    assert aggregate("ratio", two) == 0.8
    assert aggregate("mean", two) == 8.0 / 3
    assert aggregate("max", two) == 5.0
    assert aggregate("latest", two) is None
    assert aggregate("latest", two[1:]) == 5.0
    assert aggregate("ratio", [Reading(JAN, 1, 0.0, 0.0, 0.0)]) is None
    assert aggregate("sum", [Reading(JAN, 0, 0.0, 0.0, None)]) == 0.0
    assert aggregate("mean", [Reading(JAN, 0, 0.0, 0.0, None)]) is None
    with pytest.raises(ValueError, match="sum, ratio, mean, max or latest, not 'median'"):
        aggregate("median", two)


def test_a_team_takes_each_source_s_newest_snapshot_and_is_as_old_as_the_oldest():
    web = SourceReadings(
        "web", [Reading(day("2026-01-01"), 1, 5.0, 0.0, 5.0), Reading(day("2026-02-01"), 1, 4.0, 0.0, 4.0)]
    )
    api = SourceReadings("api", [Reading(day("2026-01-15"), 1, 7.0, 0.0, 7.0)], retired_on=day("2026-02-10"))
    assert value_on("sum", [web, api], day("2026-02-05"))[:2] == (11.0, day("2026-01-15"))
    assert value_on("sum", [web, api], day("2026-02-10"))[:2] == (4.0, day("2026-02-01"))
    assert value_on("sum", [web, api], day("2025-12-31"))[:2] == (None, None)
    assert points("sum", [web, api], day("2026-03-01")) == [
        Point(day("2026-01-01"), 5.0),
        Point(day("2026-01-15"), 12.0),
        Point(day("2026-02-01"), 11.0),
    ]


def test_baseline_is_the_newest_up_to_the_start_else_the_first_after():
    series = [(day("2025-11-01"), 3.0), (day("2026-01-01"), 2.0), (day("2026-02-01"), 1.0)]
    assert baseline_of(series, JAN) == (day("2026-01-01"), 2.0)
    assert baseline_of(series, day("2025-12-31")) == (day("2025-11-01"), 3.0)
    assert baseline_of(series, day("2025-10-01")) == (day("2025-11-01"), 3.0)
    assert baseline_of([], JAN) is None


def test_improve_by_goes_a_share_of_the_way_to_the_ideal():
    assert target_by_share(0.4, 0.5, "ratio", "up") == pytest.approx(0.7)
    assert target_by_share(80.0, 0.25, "sum", "down") == 60.0
    assert target_by_share(1.2, 0.5, "ratio", "up") == 1.2
    with pytest.raises(ValueError, match="sum up has none: give a target"):
        target_by_share(1.0, 0.5, "sum", "up")


def test_the_glide_path_is_straight_between_its_corners_and_flat_outside():
    path = {"start": JAN, "baseline": 100.0, "due": day("2026-01-11"), "target": 0.0, "up": False}
    assert [expected(JAN + timedelta(days=n), **path) for n in (-5, 0, 5, 10, 20)] == [100.0, 100.0, 50.0, 0.0, 0.0]
    bent = path | {"milestones": [(day("2026-01-06"), 80.0)]}
    assert [expected(JAN + timedelta(days=n), **bent) for n in (0, 4, 5, 6, 10)] == [100.0, 84.0, 80.0, 64.0, 0.0]
    assert expected(JAN, start=JAN, baseline=-1.0, due=DEC, target=0.0, up=False) == 0.0


def test_theil_sen_takes_the_middle_of_all_slopes():
    assert slope([(JAN, 0.0), (JAN + timedelta(days=1), 1.0), (JAN + timedelta(days=2), 10.0)]) == 5.0
    even = [(JAN, 0.0), (JAN + timedelta(days=1), 1.0), (JAN + timedelta(days=2), 3.0), (JAN + timedelta(days=3), 9.0)]
    # slopes: 1, 1.5, 3, 2, 4, 6: the middle two are 2 and 3
    assert slope(even) == 2.5


def test_forecast_is_the_first_whole_day_or_none():
    series = [(JAN, 10.0), (JAN + timedelta(days=10), 9.0), (JAN + timedelta(days=20), 8.0)]
    assert forecast(series, 0.0, up=False) == JAN + timedelta(days=100)
    assert forecast(series, 0.05, up=False) == JAN + timedelta(days=100)
    assert forecast(series, 8.0, up=False) is None
    assert forecast(series, 12.0, up=True) is None
    assert forecast(series[:2], 0.0, up=False) is None
    flat = [(d, 5.0) for d, _ in series]
    assert forecast(flat, 0.0, up=False) is None
    assert forecast([(d, v * 1e-9 + 5) for d, v in series], -1e6, up=False) is None


def test_the_ninetieth_day_is_inside_the_forecast_s_window():
    newest = day("2026-06-30")
    series = [(newest - timedelta(days=90), 9.0), (newest - timedelta(days=1), 5.0), (newest, 4.0)]
    assert forecast(series, 0.0, up=False) is not None
    series[0] = (newest - timedelta(days=91), 9.0)
    assert forecast(series, 0.0, up=False) is None


def test_numbers_that_count_as_equal():
    assert equal(0.1 + 0.2, 0.3)
    assert equal(1e12, 1e12 + 100)
    assert not equal(0.0, 2e-9)
    assert (whole_days(3.0000000001), whole_days(3.001), whole_days(2.9999999999)) == (3, 4, 3)


@pytest.mark.parametrize(
    ("on", "extra", "values", "status"),
    [
        ("2026-02-01", {"exemptions": [(day("2026-02-01"), day("2026-02-01"))]}, [], Status.EXEMPT),
        ("2026-02-01", {}, [("2026-02-02", 5.0)], Status.NO_DATA),
        ("2026-02-01", {}, [("2026-01-01", 5.0)], Status.STALE),
        ("2026-01-31", {}, [("2026-01-01", 5.0)], Status.BEHIND),
        ("2026-02-01", {"outdated": True}, [("2026-02-01", 5.0)], Status.STALE),
        ("2025-12-31", {}, [("2025-12-31", 0.0)], Status.UPCOMING),
        ("2026-02-01", {}, [("2026-01-01", 5.0), ("2026-02-01", 0.0)], Status.MET),
        ("2027-01-01", {}, [("2026-01-01", 5.0), ("2026-12-31", 1.0)], Status.OVERDUE),
        ("2026-12-31", {}, [("2026-01-01", 5.0), ("2026-12-31", 1.0)], Status.BEHIND),
        ("2026-01-01", {}, [("2026-01-01", 5.0)], Status.ON_TRACK),
        ("2026-03-01", {"tolerance": 0.2}, [("2026-01-01", 5.0), ("2026-03-01", 5.0)], Status.ON_TRACK),
        ("2026-03-01", {}, [("2026-01-01", 5.0), ("2026-03-01", 5.0)], Status.BEHIND),
    ],
)
def test_the_first_status_that_applies(on, extra, values, status):
    sources = [falling(*values)] if values else []
    assert judge(Terms("down", "sum", **(GOAL | extra)), sources, day(on)).status is status


def test_at_risk_is_behind_the_path_with_a_forecast_in_time():
    late_but_fast = falling(("2026-01-01", 100.0), ("2026-03-01", 99.0), ("2026-03-11", 89.0), ("2026-03-21", 79.0))
    judgment = judge(Terms("down", "sum", **GOAL), [late_but_fast], day("2026-03-21"))
    assert judgment.status is Status.AT_RISK
    # slopes −1, −1, −1, −21/79, −11/69, −1/59: the middle two give −0.633 a day, and 79 of them take 125 days
    assert judgment.forecast == day("2026-07-24")
    assert judgment.level == judgment.expected


def test_before_the_start_there_is_no_baseline_no_path_and_no_trail():
    goal = Terms("down", "sum", **GOAL)
    judgment = judge(goal, [falling(("2025-12-01", 5.0))], day("2025-12-20"))
    assert (judgment.status, judgment.baseline, judgment.expected) == (Status.UPCOMING, None, None)
    assert (judgment.target, judgment.gap) == (0.0, 5.0)
    assert trail(goal, judgment, [Item("a", 5.0)], {}).crumbs == []


def test_a_recorded_baseline_stands_whatever_the_data_say_later():
    goal = Terms("down", "sum", **GOAL, baseline=50.0, baseline_as_of=day("2025-12-15"))
    assert judge(goal, [falling(("2025-12-15", 5.0))], JAN).baseline == 50.0
    later = Terms("down", "sum", **GOAL, baseline=50.0, baseline_as_of=day("2026-01-05"))
    assert judge(later, [falling(("2026-01-05", 5.0))], day("2026-01-04")).baseline is None


def test_slipped_is_short_now_and_fine_at_the_previous_point():
    goal = Terms("down", "sum", **GOAL)
    on_track_then = falling(("2026-01-01", 100.0), ("2026-02-01", 80.0), ("2026-03-01", 95.0))
    assert judge(goal, [on_track_then], day("2026-03-01")).slipped
    never_started = falling(("2026-01-01", 100.0), ("2026-02-01", 100.0), ("2026-03-01", 95.0))
    assert not judge(goal, [never_started], day("2026-03-01")).slipped
    only_the_start_day = falling(("2026-01-01", 100.0), ("2026-03-01", 95.0))
    assert not judge(goal, [only_the_start_day], day("2026-03-01")).slipped
    met_on_the_start_day = falling(("2026-01-01", 0.0), ("2026-03-01", 95.0))
    assert judge(goal, [met_on_the_start_day], day("2026-03-01")).slipped
    exempt_then = Terms("down", "sum", **GOAL, exemptions=[(day("2026-02-01"), day("2026-02-01"))])
    assert not judge(exempt_then, [on_track_then], day("2026-03-01")).slipped


def test_a_trail_of_each_kind_and_its_trend():
    goal = Terms("down", "sum", **(GOAL | {"fresh_for": 999}))
    judgment = judge(goal, [falling(("2026-02-01", 10.0))], DEC + timedelta(days=1))
    assert judgment.status is Status.OVERDUE
    items = [Item("b", 4.0), Item("a", 4.0), Item("c", 2.0), Item("d", 0.0)]
    before = {"": {"a": Item("a", 5.0), "b": Item("b", 4.0), "d": Item("d", 1.0)}}
    crumbs = trail(goal, judgment, items, before).crumbs
    assert [(c.item, c.contribution, c.closes, c.trend) for c in crumbs] == [
        ("a", 4.0, 0.4, "shrank"),
        ("b", 4.0, 0.8, "same"),
        ("c", 2.0, 1.0, "new"),
    ]
    assert [c.trend for c in trail(goal, judgment, items, {}).crumbs] == [None, None, None]


def test_a_maximum_lists_at_most_ten_items_past_the_target_farthest_first():
    goal = Terms("down", "max", **(GOAL | {"target": 5.0}))
    values = {f"item{n:02}": float(n) for n in range(20)}
    reading = Reading(day("2026-02-01"), 20, sum(values.values()), 0.0, 19.0)
    judgment = judge(goal, [SourceReadings("", [reading])], day("2026-02-01"))
    found = trail(goal, judgment, [Item(n, v) for n, v in values.items()], {})
    assert [crumb.item for crumb in found.crumbs] == [f"item{n:02}" for n in range(19, 9, -1)]
    assert {(crumb.contribution, crumb.closes) for crumb in found.crumbs} == {(None, None)}
    assert found.items_short == 14

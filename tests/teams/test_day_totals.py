"""The totals of a day by SQL are those of the board, on real data and where sources, versions and owners change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from program.feeds.registry import KINDS
from program.models import MetricVersion, Program
from teams.boards import totals, totals_anew
from teams.day_totals import Total, judged_on, measured_on
from teams.ingest import Origin, ingest
from teams.models import Goal, GoalTerms, Run, Source
from teams.standings import judge_goals
from tests.people import HEADER, NOW, settle
from tests.reviews.conftest import play  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


def same(program: Program, day: date) -> list[tuple[str, float | None]]:
    """Both, compared; gives what they are."""
    fast = measured_on(program, day)
    slow = totals_anew([program], day)[program.pk]
    assert [(one.metric.key, one.version.pk, one.as_of) for one in fast] == [
        (one.metric.key, one.version.pk, one.as_of) for one in slow
    ]
    for one, other in zip(fast, slow, strict=True):
        assert one.value == (None if other.value is None else pytest.approx(other.value, rel=1e-12))
    return [(one.metric.key, one.value) for one in fast]


def like(one: Total) -> list[object]:
    """All that a total says, its numbers to twelve digits."""
    numbers = [None if n is None else pytest.approx(n, rel=1e-12) for n in (one.value, one.expected)]
    return [one.metric.key, one.version.pk, one.as_of, one.target, one.due, one.weight, *numbers]


def judged(program: Program, now: datetime) -> list[Total]:
    """Judge its goals now; the paths that were judged add up to what is worked out anew."""
    judge_goals(Goal.objects.filter(program=program), now, daily=True)
    fast, slow = judged_on([program], now.date())[program.pk], totals_anew([program], now.date())[program.pk]
    assert [like(one) for one in slow] == [[*like(one)[:6], one.value, one.expected] for one in fast]
    return fast


def test_on_real_data_on_every_month(play):  # noqa: F811
    play.take(date(2024, 6, 1))
    for program in Program.objects.order_by("key"):
        found = [same(program, date(2022, 8, 15) + timedelta(days=31 * n)) for n in range(24)]
        assert len({value for day in found for _, value in day}) > 10
        noon = datetime(2022, 8, 15, 12, tzinfo=UTC)
        paths = [one.expected for n in range(24) for one in judged(program, noon + timedelta(days=31 * n))]
        assert len({path for path in paths if path is not None}) > 10


def measured(rows: str) -> None:
    ingest((HEADER + rows).encode(), Origin(Run.Kind.FILE, "x.csv", KINDS["csv"]), NOW)


def test_of_live_sources_goals_and_versions_only():
    world = settle()
    measured(
        "typed-functions,api,a.py,2026-01-10,1,10\ntyped-functions,api,a.py,2026-02-10,5,10\n"
        "typed-functions,web,b.py,2026-02-01,3,0\nfindings,api,x,2026-02-01,4,\nfindings,web,y,2026-02-01,40,\n"
        "typed-functions,,nobody.py,2026-02-05,2,4\n"
    )
    day = date(2026, 2, 20)
    # web measured nothing that has a share, and its findings are nobody's goal here; what nobody owns counts.
    assert same(world.program, day) == [("findings", 4.0), ("typed-functions", pytest.approx(7 / 14))]
    assert same(world.program, date(2026, 1, 15)) == [("findings", None), ("typed-functions", 0.1)]
    assert same(world.program, date(2025, 1, 15)) == [("findings", None), ("typed-functions", None)]
    Source.objects.filter(team=world.api, metric_version__metric=world.findings).update(retired_on=day)
    assert same(world.program, day)[0] == ("findings", None)
    assert same(world.program, day - timedelta(days=1))[0] == ("findings", 4.0)
    Goal.objects.filter(team=world.api, metric=world.typed).update(ended_on=day)
    assert same(world.program, day)[1] == ("typed-functions", 0.5)


def test_a_goal_that_is_judged_by_an_older_version_does_not_count():
    world = settle()
    measured("typed-functions,api,a.py,2026-02-10,5,10\ntyped-functions,web,b.py,2026-02-01,3,10\n")
    old = MetricVersion.objects.get(metric=world.typed)
    MetricVersion.objects.filter(pk=old.pk).update(current=False)
    new = MetricVersion.objects.create(
        metric=world.typed, number=2, direction="up", aggregation="ratio", unit="%", opened_at=NOW
    )
    Source.objects.filter(team=world.web).update(metric_version=new)
    assert same(world.program, NOW.date())[1] == ("typed-functions", None)
    GoalTerms.objects.filter(goal__team=world.web, goal__metric=world.typed).update(metric_version=new)
    assert same(world.program, NOW.date())[1] == ("typed-functions", 0.3)


@pytest.mark.parametrize("aggregation", ["mean", "max", "latest"])
def test_every_aggregation(aggregation):
    world = settle()
    MetricVersion.objects.filter(metric=world.findings).update(aggregation=aggregation)
    GoalTerms.objects.filter(goal__metric=world.findings).update(improve_by=None, target=1.0)
    rows = (
        "findings,api,,2026-02-01,4,\n"
        if aggregation == "latest"
        else ("findings,api,x,2026-02-01,4,\nfindings,api,y,2026-02-01,7,\n")
    )
    measured(rows)
    expected = {"mean": 5.5, "max": 7.0, "latest": None}[aggregation]
    assert same(world.program, NOW.date())[0] == ("findings", expected)
    assert judged(world.program, NOW)[0].value == expected


def test_constant_queries(django_assert_num_queries):
    world = settle()
    with django_assert_num_queries(2):
        measured_on(world.program, NOW.date())
    judge_goals(Goal.objects.all(), NOW, daily=True)
    with django_assert_num_queries(3):
        assert list(judged_on([world.program], NOW.date())) == [world.program.pk]


def test_paths_of_teams_that_have_a_value_and_what_nobody_owns():
    world = settle()
    measured("typed-functions,api,a.py,2026-01-10,1,10\ntyped-functions,api,a.py,2026-02-10,5,10\n")
    (_, alone) = judged(world.program, NOW)
    assert (alone.value, alone.target, alone.weight) == (0.5, 0.9, 10.0)
    assert 0.1 < (alone.expected or 0.0) < 0.9
    # What nobody owns is expected to be where it is.
    measured("typed-functions,,nobody.py,2026-02-05,2,4\n")
    (_, with_it) = judged(world.program, NOW)
    assert (with_it.value, with_it.expected) == (7 / 14, pytest.approx(((alone.expected or 0.0) * 10 + 2) / 14))
    # A team whose first value comes after the start of its path counts from there; one without any does not.
    measured("typed-functions,web,b.py,2026-02-01,3,0\n")
    assert judged(world.program, NOW)[1].expected == with_it.expected
    measured("typed-functions,web,b.py,2026-03-01,3,10\n")
    both = judged(world.program, NOW)[1]
    assert both.value == 10 / 24
    assert both.expected != with_it.expected


def test_where_a_team_with_a_value_has_no_path_there_is_none_together():
    world = settle()
    measured("typed-functions,api,a.py,2026-01-10,1,10\ntyped-functions,web,b.py,2026-03-01,3,10\n")
    GoalTerms.objects.filter(goal__team=world.web).update(start=NOW.date() + timedelta(days=1))
    (_, found) = judged(world.program, NOW)
    assert (found.value, found.expected) == (4 / 20, None)


def test_standings_of_a_day_are_added_up_only_while_they_would_be_said_now():
    world = settle()
    measured("typed-functions,api,a.py,2026-01-10,1,10\n")
    day = NOW.date()
    assert judged_on([world.program], day) == {}, "never judged"
    judge_goals(Goal.objects.all(), NOW, daily=True)
    assert list(judged_on([world.program], day)) == [world.program.pk]
    assert judged_on([world.program], day - timedelta(days=1)) == {}, "another day"
    Goal.objects.filter(team=world.api, metric=world.typed).update(judge_due_at=NOW)
    assert judged_on([world.program], day) == {}, "due to be judged again"
    assert [like(one) for one in totals(world.program, day)] == [
        like(one) for one in totals_anew([world.program], day)[world.program.pk]
    ]
    judge_goals(Goal.objects.all(), NOW + timedelta(days=1), daily=True)
    assert judged_on([world.program], day) == {}, "what is newest is of a later day"

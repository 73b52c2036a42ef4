"""Standings: judged on arrival, daily and on demand; baselines recorded once; a killed or doubled run does no harm."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.core.management import call_command

from program.feeds.registry import KINDS
from program.models import Program
from teams.ingest import Origin, ingest
from teams.models import Exemption, Goal, GoalTerms, Source, Standing
from teams.scorecards import as_judged, build, facts
from teams.standings import fill_past_day, judge_due, judge_goals
from tests.people import HEADER, NOW, settle

pytestmark = pytest.mark.django_db


def feed(lines: str, now: datetime = NOW) -> None:
    ingest((HEADER + lines).encode(), Origin("file", "x.csv", KINDS["csv"]), now)


def test_the_daily_judgment_records_the_baseline_once():
    world = settle()
    goal = world.goal(world.api, world.typed)
    feed("typed-functions,api,a.py,2025-12-20,2,10\ntyped-functions,api,a.py,2026-03-01,4,10\n")
    assert goal.terms.get().baseline is None
    assert judge_due(NOW) == 3
    terms = goal.terms.get()
    assert (terms.baseline, terms.baseline_as_of, terms.baseline_recorded_at) == (0.2, date(2025, 12, 20), NOW)
    feed("typed-functions,api,a.py,2025-12-20,9,10\n")
    judge_due(NOW + timedelta(days=1))
    assert goal.terms.get().baseline == 0.2
    assert Standing.objects.get(goal=goal, day=date(2026, 3, 17)).baseline == 0.2


@pytest.mark.parametrize("state", ["draft", "paused"])
def test_no_baseline_is_recorded_unless_the_program_is_active(state):
    world = settle()
    Program.objects.update(state=state)
    feed("typed-functions,api,a.py,2025-12-20,2,10\n")
    judge_due(NOW)
    assert not GoalTerms.objects.exclude(baseline=None).exists()
    assert Standing.objects.filter(goal__team=world.api).exists() == (state == "paused")


def test_judging_twice_on_a_day_is_one_standing_and_the_next_day_another():
    settle()
    assert judge_due(NOW) == 3
    assert judge_due(NOW) == 0
    assert judge_due(NOW + timedelta(days=1)) == 3
    assert Standing.objects.count() == 6


def test_today_is_the_team_s_own():
    world = settle()
    evening = NOW.replace(hour=22, minute=30)  # half past midnight in Riga
    judge_due(evening)
    assert Standing.objects.get(goal=world.goal(world.api, world.typed)).day == date(2026, 3, 17)
    assert Standing.objects.get(goal=world.goal(world.web, world.typed)).day == date(2026, 3, 16)


def test_a_batch_that_touches_many_goals_leaves_them_due(monkeypatch):
    world = settle()
    monkeypatch.setattr("teams.keeping.JUDGED_AT_ONCE", 1)
    feed("typed-functions,api,a.py,2026-03-01,2,10\ntyped-functions,web,b.py,2026-03-01,2,10\n")
    assert Standing.objects.count() == 0
    assert Goal.objects.filter(judge_due_at__isnull=False).count() == 3  # these two, and one that is new
    judge_due(NOW)
    assert Goal.objects.filter(judge_due_at__isnull=False).count() == 0
    assert Standing.objects.get(goal=world.goal(world.web, world.typed)).value == 0.2


def test_a_past_day_is_filled_where_nothing_was_kept_and_never_overwritten():
    world = settle()
    feed("typed-functions,api,a.py,2026-03-01,2,10\n")
    past = date(2026, 3, 10)
    assert fill_past_day(Goal.objects.on_scorecards(), past, NOW) == 3
    feed("typed-functions,api,a.py,2026-03-01,9,10\n")
    call_command("judge", "--on", past.isoformat())
    kept = Standing.objects.get(goal=world.goal(world.api, world.typed), day=past)
    assert kept.value == 0.2
    recomputed = next(c for c in build(world.api, past).goals if c.goal.metric == world.typed)
    assert recomputed.judgment.value == 0.9
    assert as_judged(world.api, past)["goals"][0]["value"] == 0.2


def test_today_s_facts_are_the_same_kept_and_judged_anew(django_assert_max_num_queries):
    world = settle()
    feed(
        "typed-functions,api,a.py,2026-02-01,2,10\ntyped-functions,api,a.py,2026-03-01,2,10\n"
        "typed-functions,api,b.py,2026-03-01,0,10\nfindings,api,a.py,2026-02-01,30,\nfindings,api,a.py,2026-03-01,29,\n"
    )
    judge_due(NOW)
    today = date(2026, 3, 16)
    with django_assert_max_num_queries(1):
        kept = facts(world.api, today, today)
    assert kept == build(world.api, today).facts()
    assert [goal["status"] for goal in kept["goals"]] == ["behind", "behind"]
    Goal.objects.update(judge_due_at=NOW)
    with django_assert_max_num_queries(9):
        assert facts(world.api, today, today) == kept


def test_an_exemption_counts_when_approved_and_not_revoked():
    world = settle()
    feed("typed-functions,api,a.py,2026-03-01,2,10\n")
    goal = world.goal(world.api, world.typed)
    exemption = Exemption.objects.create(
        goal=goal, from_day=date(2026, 3, 1), until_day=date(2026, 3, 16), reason="rewrite", asked_at=NOW
    )
    day = date(2026, 3, 16)
    status = lambda on: {c.goal.pk: c.status for c in build(world.api, on).goals}[goal.pk]  # noqa: E731
    assert status(day) == "behind"
    exemption.approved_at = NOW
    exemption.save()
    assert (status(day), status(day + timedelta(days=1))) == ("exempt", "behind")
    exemption.revoked_at = NOW
    exemption.save()
    assert status(day) == "behind"


def test_a_newer_version_makes_the_goal_stale_from_the_day_it_was_opened():
    world = settle()
    feed("typed-functions,api,a.py,2026-03-01,2,10\n")
    old = world.typed.versions.get()
    world.typed.versions.update(current=False)
    world.typed.versions.create(
        number=2, direction=old.direction, aggregation=old.aggregation, unit=old.unit, definition="new", opened_at=NOW
    )
    found = {on: build(world.api, on).goals for on in (date(2026, 3, 15), date(2026, 3, 16))}
    typed = {on: next(c for c in cards if c.goal.metric == world.typed) for on, cards in found.items()}
    assert typed[date(2026, 3, 15)].status == "behind"
    assert typed[date(2026, 3, 16)].status == "stale"
    assert "newer version" in typed[date(2026, 3, 16)].judgment.reason


def test_a_retired_source_counts_no_more_from_its_day():
    world = settle()
    head = HEADER.strip() + ",source\n"
    text = head + "findings,api,a,2026-03-01,3,,one\nfindings,api,a,2026-03-01,4,,two\n"
    ingest(text.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    Source.objects.filter(name="two").update(retired_on=date(2026, 3, 10))
    value = lambda on: next(c for c in build(world.api, on).goals if c.goal.metric == world.findings).judgment.value  # noqa: E731
    assert (value(date(2026, 3, 9)), value(date(2026, 3, 10))) == (7.0, 3.0)


def test_the_number_of_queries_does_not_grow_with_the_goals(django_assert_max_num_queries):
    settle()
    feed("typed-functions,api,a.py,2026-03-01,2,10\ntyped-functions,web,a.py,2026-03-01,2,10\n")
    with django_assert_max_num_queries(16):
        judge_goals(Goal.objects.on_scorecards(), NOW, daily=True)

"""Today's page is read from kept standings: it says exactly what judging anew would, and judges anew when it must."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import time_machine

from accounts.models import User
from program.feeds.registry import KINDS
from teams.goal_facts import arrivals, goals_on
from teams.ingest import Origin, ingest
from teams.models import Goal, GoalTerms, Standing
from teams.scorecards import build
from teams.standings import judge_due
from tests.people import HEADER, NOW, settle

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 16)
ROWS = (
    HEADER
    + "".join(
        f"typed-functions,api,src/{n}.py,2026-0{month}-05,{n % (month + 2)},{9 + n}\n"
        for n in range(9)
        for month in (1, 2, 3)
    )
    + "typed-functions,web,web/forms.py,2026-03-01,19,20\nfindings,api,a.py,2026-01-02,30,\nfindings,api,a.py,2026-03-02,28,\n"
)


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "march.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield made


def plain(goals) -> list[tuple[object, ...]]:
    """Facts that compare, with the playbook in words."""
    found = []
    for goal in goals:
        book = goal.playbook
        said = book and (book.steps, book.example, book.verify, book.item_link, str(book.expert), book.expert.email)
        facts = [getattr(goal, name) for name in goal.__slots__ if name not in ("playbook", "trail")]
        found.append((*facts, list(goal.trail), said))
    return found


def test_kept_and_judged_anew_say_the_same(world, django_assert_num_queries):
    for team in (world.api, world.web):
        with django_assert_num_queries(2):
            kept = goals_on(team, TODAY, TODAY, Goal.objects.all())
        anew = goals_on(team, TODAY, TODAY + timedelta(days=1), Goal.objects.all())
        assert kept
        assert plain(kept) == plain(anew)
        assert [goal.status for goal in kept] == [str(card.status) for card in build(team, TODAY).goals]


def test_what_is_due_is_judged_anew(world):
    Standing.objects.filter(goal__team=world.api).update(value=0.123)
    shown = goals_on(world.api, TODAY, TODAY, Goal.objects.all())
    assert {goal.value for goal in shown} == {0.123}
    Goal.objects.filter(team=world.api, metric=world.findings).update(judge_due_at=NOW)
    assert 0.123 not in {goal.value for goal in goals_on(world.api, TODAY, TODAY, Goal.objects.all())}
    Goal.objects.update(judge_due_at=None)
    Standing.objects.filter(goal__metric=world.findings, day=TODAY).delete()
    assert 0.123 not in {goal.value for goal in goals_on(world.api, TODAY, TODAY, Goal.objects.all())}


def test_terms_to_come_do_not_speak_yet(world):
    goal = world.goal(world.api, world.typed)
    now = goal.terms.get()
    GoalTerms.objects.create(
        goal=goal, effective_from=TODAY + timedelta(days=1), metric_version=now.metric_version, start=now.start,
        due=now.due + timedelta(days=30), target=0.5, set_at=NOW,
    )  # fmt: skip
    kept = goals_on(world.api, TODAY, TODAY, Goal.objects.all())
    assert [(one.pk, one.due) for one in kept if one.pk == goal.pk] == [(goal.pk, now.due)]
    assert len(kept) == 2


def test_only_goals_that_may_be_seen(world):
    assert goals_on(world.api, TODAY, TODAY, Goal.objects.none()) == []
    one = Goal.objects.filter(metric=world.findings)
    assert [goal.metric_key for goal in goals_on(world.api, TODAY, TODAY, one)] == ["findings"]
    charlie = User.objects.named("charlie@example.com")
    world.program.state = "draft"
    world.program.save()
    assert goals_on(world.api, TODAY, TODAY, Goal.objects.visible_to(charlie)) == []


def test_arrivals(world):
    goals = goals_on(world.api, TODAY, TODAY, Goal.objects.all())
    found = arrivals(world.api, goals)
    assert {(key[1], run.came_from, len(run.digest)) for key, run in found.items()} >= {
        (date(2026, 3, 5), "march.csv", 64),
        (date(2026, 3, 2), "march.csv", 64),
    }
    assert arrivals(world.api, []) == {}

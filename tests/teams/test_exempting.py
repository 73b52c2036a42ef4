"""Exemptions: asked, answered, shortened, ended early, over by themselves; and what is exempt would be behind."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from accounts.models import AuditRow
from program.feeds.registry import KINDS
from teams import exempting
from teams.ingest import Origin, ingest
from teams.models import Exemption, Goal
from teams.scorecards import build
from teams.standings import as_if_not_exempt, judge_due
from teams.typed import Unfit
from tests.people import HEADER, NOW, settle

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 16)
UNTIL = date(2026, 5, 31)
WEEK = timedelta(days=7)


@pytest.fixture
def world():
    made = settle()
    rows = "typed-functions,api,a.py,2026-03-01,2,10\nfindings,api,a,2026-01-01,30,\nfindings,api,a,2026-03-01,3,\n"
    ingest((HEADER + rows).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    judge_due(NOW)
    return made


def ask(world, **more) -> Exemption:
    asked = {
        "reason": "goes-away",
        "text": "v2 replaces it",
        "until": UNTIL,
        "from_day": None,
        "by": world.bob,
        "now": NOW,
    }
    return exempting.ask(world.goal(world.api, world.typed), **(asked | more))


def status(world, day: date) -> str:
    return next(str(c.status) for c in build(world.api, day).goals if c.goal.metric == world.typed)


def test_asked_approved_and_over_by_itself(world):
    made = ask(world)
    goal = made.goal
    assert (made.from_day, made.until_day, made.asked_by, made.state_on(TODAY)) == (TODAY, UNTIL, world.bob, "waiting")
    assert goal.standings.get(day=TODAY).status == "behind", "asking changes nothing yet"
    exempting.approve(made, until=None, text="", by=world.tess, now=NOW)
    made.refresh_from_db()
    assert (made.approved_by, made.asked_until, made.state_on(TODAY)) == (world.tess, None, "in force")
    assert goal.standings.get(day=TODAY).status == "exempt", "judged again at once"
    assert [status(world, day) for day in (TODAY - WEEK, TODAY, UNTIL, UNTIL + timedelta(days=1))] == [
        "behind", "exempt", "exempt", "stale",
    ]  # fmt: skip
    assert made.state_on(UNTIL + timedelta(days=1)) == "ended"
    rows = AuditRow.objects.filter(kind="exemption", key="typing/typed-functions/api").order_by("pk")
    assert [(row.actor, row.after["from"], row.reason) for row in rows] == [
        (world.bob, "2026-03-16", "v2 replaces it"), (world.tess, "2026-03-16", ""),
    ]  # fmt: skip


def test_the_owner_may_shorten_and_never_prolong(world):
    made = ask(world)
    for until in (UNTIL + timedelta(days=1), TODAY - timedelta(days=1)):
        with pytest.raises(Unfit, match="The last day is from today to the day that was asked for, 31 May 2026"):
            exempting.approve(made, until=until, text="", by=world.tess, now=NOW)
    exempting.approve(made, until=date(2026, 4, 15), text="until the release", by=world.tess, now=NOW)
    made.refresh_from_db()
    assert (made.until_day, made.asked_until, made.answer) == (date(2026, 4, 15), UNTIL, "until the release")


def test_a_late_approval_does_not_reach_back(world):
    made = ask(world)
    later = NOW + WEEK
    exempting.approve(made, until=None, text="", by=world.tess, now=later)
    made.refresh_from_db()
    assert made.from_day == TODAY + WEEK
    assert [status(world, day) for day in (TODAY, TODAY + WEEK)] == ["behind", "exempt"]


def test_a_request_that_lapsed_can_only_be_declined(world):
    made = ask(world, until=TODAY + WEEK)
    with pytest.raises(Unfit, match="That day has passed"):
        exempting.approve(made, until=None, text="", by=world.tess, now=NOW + 2 * WEEK)
    exempting.decline(made, text="it is over", by=world.tess, now=NOW + 2 * WEEK)
    made.refresh_from_db()
    assert (made.state_on(TODAY), made.answer, made.declined_by) == ("declined", "it is over", world.tess)


def test_ended_early_keeps_the_days_that_it_covered(world):
    made = ask(world)
    exempting.approve(made, until=None, text="", by=world.tess, now=NOW)
    later = NOW + WEEK
    judge_due(later)
    assert made.goal.standings.get(day=TODAY + WEEK).status == "exempt"
    assert exempting.end(made, text="we go on", by=world.alice, now=later) == "in force"
    made.refresh_from_db()
    day = TODAY + WEEK
    assert (made.ended_on, made.last_day, made.state_on(day)) == (day, day - timedelta(days=1), "ended early")
    assert made.goal.standings.get(day=day).status == "behind"
    assert [status(world, d) for d in (TODAY, day - timedelta(days=1), day)] == ["exempt", "exempt", "behind"]
    assert list(Exemption.objects.covering(day)) == []
    assert list(Exemption.objects.covering(day - timedelta(days=1))) == [made]
    with pytest.raises(Unfit, match="over already"):
        exempting.end(made, text="", by=world.alice, now=later)


def test_ended_on_its_first_day_or_before_it_never_counted(world):
    made = ask(world)
    exempting.approve(made, until=None, text="", by=world.tess, now=NOW)
    exempting.end(made, text="a mistake", by=world.tess, now=NOW)
    made.refresh_from_db()
    assert (made.state_on(TODAY), status(world, TODAY)) == ("taken back", "behind")
    coming = ask(world, from_day=TODAY + WEEK)
    exempting.approve(coming, until=None, text="", by=world.tess, now=NOW)
    assert exempting.end(coming, text="", by=world.tess, now=NOW) == "to come"
    assert status(world, TODAY + WEEK) == "behind"
    assert not Exemption.objects.approved().exists()


def test_a_request_is_withdrawn(world):
    made = ask(world)
    assert exempting.end(made, text="", by=world.bob, now=NOW) == "waiting"
    made.refresh_from_db()
    assert made.state_on(TODAY) == "withdrawn"
    for answer in (
        lambda: exempting.approve(made, until=None, text="", by=world.tess, now=NOW),
        lambda: exempting.decline(made, text="no", by=world.tess, now=NOW),
    ):
        with pytest.raises(Unfit, match="not open any more"):
            answer()
    ask(world)


def test_one_waits_at_a_time_and_the_next_begins_when_the_last_ends(world):
    first = ask(world)
    with pytest.raises(Unfit, match="waits for its answer already"):
        ask(world)
    exempting.approve(first, until=date(2026, 4, 15), text="", by=world.tess, now=NOW)
    with pytest.raises(Unfit, match="It is exempt until 15 Apr 2026 already: a later"):
        ask(world, until=date(2026, 4, 10))
    with pytest.raises(Unfit, match="leave the first day out"):
        ask(world, from_day=date(2026, 4, 1))
    second = ask(world)
    assert (second.from_day, second.until_day) == (date(2026, 4, 16), UNTIL)
    exempting.approve(second, until=None, text="", by=world.tess, now=NOW)
    second.refresh_from_db()
    assert (second.from_day, second.state_on(TODAY)) == (date(2026, 4, 16), "to come")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"until": None}, "The last day is from today to 16 Sep 2026, six months ahead at most."),
        ({"until": TODAY - timedelta(days=1)}, "The last day is from today to 16 Sep 2026, six months ahead at most."),
        ({"until": date(2026, 9, 17)}, "The last day is from today to 16 Sep 2026, six months ahead at most."),
        ({"from_day": date(2026, 3, 15)}, "The first day is from today to the last day (31 May 2026)."),
        ({"from_day": date(2026, 6, 1)}, "The first day is from today to the last day (31 May 2026)."),
        ({"reason": "because"}, "One of these reasons was expected: the code goes away, frozen by agreement, "
         "not ours to change, another priority was agreed and the metric does not fit here."),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(world, asked, said):
    with pytest.raises(Unfit) as refused:
        ask(world, **asked)
    assert str(refused.value) == said
    assert not Exemption.objects.exists()


def test_goals_that_stand_on_no_scorecard_are_not_exempt(world):
    world.program.state = "draft"
    world.program.save()
    with pytest.raises(Unfit, match="on no scorecard"):
        ask(world)


def test_how_it_would_stand_without(world, django_assert_max_num_queries):
    made = ask(world)
    exempting.approve(made, until=None, text="", by=world.tess, now=NOW)
    with django_assert_max_num_queries(4):
        (judged,) = as_if_not_exempt([made.goal_id], NOW)
    assert (str(judged.judgment.status), judged.judgment.value) == ("behind", 0.2)
    assert made.goal.standings.get(day=TODAY).status == "exempt"
    assert as_if_not_exempt([], NOW) == []


def test_reasons_in_words(world):
    made = ask(world)
    assert made.said_reason == "the code goes away"
    assert Exemption(reason="freeze").said_reason == "freeze"
    assert max(len(key) for key in Exemption.Reason.values) <= 60


def test_the_query_sets(world):
    waiting = ask(world)
    assert list(Exemption.objects.waiting()) == [waiting]
    assert list(Exemption.objects.covering(TODAY)) == []
    world.program.audience = "elsewhere"
    world.program.save()
    assert list(Exemption.objects.visible_to(world.charlie)) == []
    assert list(Exemption.objects.visible_to(world.tess)) == [waiting]
    assert Goal.objects.visible_to(world.charlie).count() == 0

"""The third step: what stayed short though its leader heard of it is proposed in the brief, as was announced."""

from datetime import UTC, datetime, timedelta

import pytest

from nudges.models import Digest, Notice
from program.wording import listed
from reviews import brief
from reviews.evidence import Evidence, collect
from reviews.goals_behind import Line
from reviews.leaders import Leader
from reviews.models import Review
from teams import proposing
from teams.answering import answer
from teams.models import Goal, Membership, Standing
from tests.reviews.test_brief import SPRING

HEARD = datetime(2023, 2, 6, 9, 0, tzinfo=UTC)


def asked_of(leader: Leader, found: Evidence) -> list[Line]:
    """Every goal worth an ask of a leader."""
    return found.goals.source.asked([one.team.pk for one in leader.tallies])


@pytest.fixture
def goal(play):
    """A goal that is behind, though not the worst of its leader's, of which they heard on 6 Feb."""
    play.until(SPRING - timedelta(days=1))
    review = Review.objects.get(period="2023-03-21", program__key="typing")
    found = collect(review, SPRING)
    leader = max(found.leaders, key=lambda one: one.asked)
    worst = sorted(asked_of(leader, found), key=Line.order)
    goal = Goal.objects.select_related("team", "metric", "program").get(pk=worst[-1].goal)
    digest = Digest.objects.create(person=leader.person, day=HEARD.date(), time_zone="UTC", planned_at=HEARD, plan="x")
    Notice.objects.create(
        kind="heard from below", key="1", person=leader.person, goal=goal, digest=digest, said_at=HEARD,
        facts={"lead": "Ann", "lead_own": True, "times": 3, "brief": {"on": "2023-03-06", "review": "2023-03-21"}},
    )  # fmt: skip
    return goal


def content():
    review = Review.objects.select_related("program__sponsor").get(period="2023-03-21", program__key="typing")
    return brief.compose(collect(review, SPRING))


def proposed():
    return [line for one in content().leaders for line in one.history]


def test_it_is_asked_first_with_its_history(goal):
    found = content()
    first = found.leaders[0]
    leader = Notice.objects.get().person
    assert first.leader == str(leader)
    assert first.goals[0].team == goal.team.name
    assert f"in {goal.team.name} " in first.ask
    assert first.history == [
        f"Proposed after all else: {goal.team.name}’s lead, Ann, was told of {goal.metric.name} 3 times, and {leader}"
        " heard of it on 6 Feb. Nobody answered."
    ]
    assert [one.history for one in found.leaders[1:]] == [[] for _ in found.leaders[1:]]


def test_of_several_the_first_is_told_and_the_others_are_named(goal):
    leader = Notice.objects.get().person
    now = collect(Review.objects.get(period="2023-03-21", program__key="typing"), SPRING)
    theirs = next(one for one in now.leaders if one.person == leader)
    others = [one for one in asked_of(theirs, now) if one.goal != goal.pk]
    digest = Digest.objects.get(person=leader, day=HEARD.date())
    for one in others:
        Notice.objects.create(
            kind="heard from below", key=f"x{one.goal}", person=leader, goal_id=one.goal, digest=digest, said_at=HEARD,
            facts={"lead": "Bo", "lead_own": True, "times": 4, "brief": {"on": "2023-03-06"}},
        )  # fmt: skip
    (ask,) = [one for one in content().leaders if one.history]
    assert len(ask.history) == 2
    assert ask.history[1] == f"Nor did anybody for {listed([goal_of(one) for one in (*others[1:], goal)])}."


def goal_of(one):
    return one.team.name


def test_it_is_proposed_once(goal):
    Notice.objects.update(facts=Notice.objects.get().facts | {"brief": {"on": "2023-01-30"}})
    before = Review.objects.get(period="2023-02-07", program__key="typing")
    assert before.brief.content["on"] == "2023-02-02"
    assert proposed() == []
    Notice.objects.update(facts=Notice.objects.get().facts | {"brief": {"on": "2023-02-03"}})
    assert len(proposed()) == 1


@pytest.mark.parametrize("facts", [{"brief": {"on": "2023-03-17"}}, {"brief": {}}, {}])
def test_what_was_not_announced_for_this_brief_is_not_in_it(goal, facts):
    assert SPRING.date().isoformat() < "2023-03-17"
    Notice.objects.update(facts={"lead": "Ann", "lead_own": True, "times": 3} | facts)
    assert proposed() == []


def test_what_was_answered_or_recovered_since_is_not_in_it(goal):
    lead = Membership.objects.get(team=goal.team, role="lead").user
    made = answer(goal, "on it", by=lead, now=HEARD + timedelta(days=1), via="mail",
                  until=(HEARD + timedelta(days=9)).date())  # fmt: skip
    assert proposed() == []
    made.delete()
    assert len(proposed()) == 1
    asked = proposing.propose(goal, target=0.3, due=None, reason="less", by=lead, now=HEARD + timedelta(days=1))
    assert proposed() == []
    asked.delete()
    held = Standing.objects.filter(goal=goal, day__gt=HEARD.date()).order_by("day").first()
    before = held.status
    Standing.objects.filter(pk=held.pk).update(status="on track")
    assert proposed() == []
    Standing.objects.filter(pk=held.pk).update(status=before)
    assert len(proposed()) == 1
    Notice.objects.update(person=goal.program.sponsor)
    assert "and you heard of it on 6 Feb." in proposed()[0]

"""What became of nudges: exact counts and medians of a history made by hand, whatever the number in the same queries."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from nudges import became
from nudges.became import Ballot
from nudges.models import Nudge
from teams.models import Answer, Dispute, TakenItem
from tests.nudges.history import FACTS, History
from tests.people import settle

pytestmark = pytest.mark.django_db
DAY = date(2026, 5, 4)
SENT = datetime(2026, 5, 4, 10, tzinfo=UTC)
NOW = datetime(2026, 6, 15, 8, tzinfo=UTC)


def hours(number: int) -> timedelta:
    return timedelta(hours=number)


@pytest.fixture
def world():
    return settle()


@pytest.fixture
def history(world) -> History:
    return History.of(world.goal(world.api, world.typed), 6)


def fates(world):
    return became.of_program(world.program, DAY - timedelta(days=60), DAY + timedelta(days=60))


def answer(nudge: Nudge, at: datetime) -> None:
    Answer.objects.create(goal=nudge.goal, person=nudge.person, kind="on it", at=at, via="mail", until=at.date())


def take(nudge: Nudge, at: datetime) -> None:
    TakenItem.objects.create(
        metric=nudge.goal.metric, team=nudge.goal.team, item="a.py", digest=str(at), by=nudge.person, at=at
    )


def dispute(nudge: Nudge, at: datetime) -> None:
    Dispute.objects.create(metric=nudge.goal.metric, team=nudge.goal.team, text="no", opened_at=at)


WAYS = {
    "visit": lambda nudge, at: History.visit(nudge, at - SENT),
    "answer": answer,
    "take": take,
    "dispute": dispute,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("after", "followed"), [(timedelta(days=14), True), (timedelta(days=14, seconds=1), False)])
def test_each_way_follows_within_14_days(world, history, way, after, followed):
    WAYS[way](history.say(0, DAY), SENT + after)
    assert [one.followed for one in fates(world)] == [followed]


@pytest.mark.parametrize("way", [answer, take, dispute])
def test_what_came_before_did_not_follow(world, history, way):
    way(history.say(0, DAY), SENT - timedelta(hours=1))
    assert [(one.acted, one.followed) for one in fates(world)] == [(None, False)]


@pytest.mark.parametrize(
    ("said", "followed"),
    [
        ({"then": 0.18}, True),
        ({"then": 0.181}, False),
        ({"then": 0.5, "status": "on track"}, True),
        ({"then": 0.5, "status": "met", "measured": 14}, True),
        ({"then": 0.5, "status": "met", "measured": 15}, False),
        ({"then": 0.1, "measured": 15}, False),
        ({"then": 0.0, "status": "exempt"}, False),
        ({"then": 0.0, "status": "no data"}, False),
    ],
)
def test_a_gap_less_by_a_tenth_or_a_recovery_follows(world, history, said, followed):
    history.say(0, DAY, **said)
    assert [one.followed for one in fates(world)] == [followed]


def test_without_a_measurement_in_time_a_nudge_tells_nothing(world, history):
    for who, measured in enumerate((None, 0, 1, 14, 15)):
        history.say(who, DAY, measured=measured)
    assert [one.tells for one in fates(world)] == [False, False, True, True, False]


def test_only_what_arrived_and_to_somebody(world, history):
    for who, state in enumerate(("sent", "pending", "held", "in doubt", "failed")):
        history.say(who, DAY, state=state)
    Nudge.objects.create(
        goal=history.goals[5], day=DAY, due_day=DAY, state="withheld", reason="nobody to tell", facts=FACTS["behind"],
        decided_at=SENT,
    )  # fmt: skip
    assert [one.person for one in fates(world)] == [history.people[0].pk]


@pytest.mark.parametrize("tone", FACTS)
def test_the_tone_is_that_of_the_mail(world, history, tone):
    from nudges import stories

    nudge = history.say(0, DAY, tone)
    assert [one.tone for one in fates(world)] == [tone] == [stories._tone(nudge.facts)]


def test_summed_up_by_tone(world, history):
    told = [history.say(who, DAY) for who in range(5)]
    late = history.say(5, date(2026, 6, 5))
    history.say(0, DAY + timedelta(days=7), "overdue", then=0.1, status="met", measured=6)
    for nudge, after in zip(told, (1, 3, 50), strict=False):
        history.visit(nudge, hours(after))
    answer(told[0], SENT + hours(2))
    take(told[0], SENT + hours(40))
    take(told[1], SENT + timedelta(days=6))
    dispute(told[2], SENT + timedelta(days=13))
    answer(late, datetime(2026, 6, 6, 10, tzinfo=UTC))
    history.vote(told[0], useful=True)
    history.vote(told[3], useful=False)
    first, last = DAY - timedelta(days=60), DAY + timedelta(days=60)
    overdue, still = became.by_tone(fates(world), became.votes(world.program, first, last), NOW)
    assert (still.tone, still.said, still.people, still.visited, still.to_visit) == ("still", 6, 6, 3, hours(3))
    # The one of 5 June is ten days old: it counts for seven days, and not yet for fourteen.
    assert (still.in_week, still.in_two_weeks) == ((3, 6), (3, 5))
    assert still.to_act == timedelta(days=3, hours=12)
    assert (still.recovered, still.to_recovery) == (1, timedelta(days=13))
    assert (still.votes, still.useful) == (2, 1)
    assert (overdue.tone, overdue.said, overdue.recovered, overdue.to_recovery) == ("overdue", 1, 1, timedelta(days=6))
    assert (overdue.in_week, overdue.to_act, overdue.votes) == ((0, 1), None, 0)


def test_a_vote_counts_for_what_its_mail_opened_with(world, history):
    """The second goal of the mail is at risk, the first behind: the vote is on the first, of whatever program."""
    first = history.say(0, DAY, "behind")
    second = history.say(1, DAY, "at risk")
    Nudge.objects.filter(pk=second.pk).update(digest=first.digest)
    history.vote(first, useful=False)
    days = DAY, DAY
    assert became.votes(world.program, *days) == [Ballot("behind", DAY, useful=False)]
    Nudge.objects.filter(pk=first.pk).update(facts=FACTS["at risk"] | {"gap": 0.01, "target": 0.9, "baseline": 0.1})
    assert [one.tone for one in became.votes(world.program, *days)] == ["at risk"]
    assert became.votes(world.program, DAY + timedelta(days=1), DAY + timedelta(days=9)) == []


def test_many_cost_the_same_queries(world, history):
    def cost() -> int:
        with CaptureQueriesContext(connection) as counted:
            became.by_tone(fates(world), became.votes(world.program, DAY, DAY), NOW)
        return len(counted)

    history.vote(history.say(0, DAY), useful=True)
    one = cost()
    for who in range(1, 6):
        history.vote(history.say(who, DAY), useful=True)
    assert (one, cost()) == (2, 2)

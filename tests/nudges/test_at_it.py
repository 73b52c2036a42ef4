"""While somebody is visibly at a goal it rests, on record, for four weeks at most; and a mail says who took what."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import User
from nudges import planning
from nudges.models import Delivery, Nudge
from program.models import Metric
from teams.models import Standing
from teams.standings import judge_due
from teams.taking import take
from tests.nudges.conftest import MONDAY, said_to, withheld

WEEK = timedelta(weeks=1)
AT_IT = ("api", "typed-functions", "visibly at it")


@pytest.fixture
def play(play):
    """Announced, and fresh for long."""
    Metric.objects.update(fresh_for=400)
    play.announced()
    return play


def steps(play, weeks, by=1.5):
    """On each Friday from 20 March on a little better: still behind the path, and fast enough to get there."""
    for n in range(weeks):
        play.measure(date(2026, 3, 20) + n * WEEK, api={"a.py": (10 + by * (n + 1), 65)})


def on_mondays(play, count):
    """In which weeks after the announcement api's lead was told."""
    for n in range(1, count + 1):
        play.run(MONDAY + n * WEEK)
    return [(day - MONDAY.date()).days // 7 for day, team, _ in said_to(play.world.alice) if team == "api"]


def test_measurements_that_move_fast_enough_let_it_rest_for_four_weeks_and_not_for_a_fifth(play):
    steps(play, 12)
    assert on_mondays(play, 11) == [5, 10]
    rested = Nudge.objects.filter(person=play.world.alice, reason="visibly at it").order_by("day")
    assert [(row.day - MONDAY.date()).days // 7 for row in rested] == [1, 2, 3, 4, 6, 7, 8, 9]
    # From (10 + 1.5) / 65 on 20 March, 1.5 / 65 a week: 47 / 65 more, which takes 219.3 days.
    assert rested[0].facts["at_it"] == {"how": "moving", "reaches": "2026-10-26"}
    assert rested[0].facts["status"] == "behind"


def test_a_pace_that_comes_too_late_is_no_reason_to_rest(play):
    steps(play, 2, by=0.5)
    assert on_mondays(play, 2) == [1, 2]


def test_a_step_of_more_than_four_weeks_ago_is_none_any_more(play):
    steps(play, 1)
    assert on_mondays(play, 5) == [5]
    assert withheld(play.world.alice, date(2026, 4, 13)) == [AT_IT]


def test_who_stops_is_told_at_once_and_rests_anew_later(play):
    steps(play, 2)
    play.measure(date(2026, 4, 3), api={"a.py": (13, 65)})
    play.measure(date(2026, 4, 10), api={"a.py": (14.5, 65)})
    assert on_mondays(play, 4) == [3]
    assert withheld(play.world.alice, date(2026, 4, 13)) == [AT_IT]


def test_when_all_that_closes_the_gap_is_taken_it_rests_for_four_weeks(play):
    api, typed = play.world.api, play.world.typed
    take(api, typed, "", "lib/webhooks.py", by=play.world.bob, now=datetime(2026, 3, 18, 12, 0, tzinfo=UTC))
    assert on_mondays(play, 5) == [5]
    first = Nudge.objects.get(person=play.world.alice, day=date(2026, 3, 23))
    assert (first.reason, first.facts["at_it"]) == ("visibly at it", {"how": "taken", "who": ["Bob"]})
    mail = Delivery.objects.get(person=play.world.alice, key__endswith="2026-04-20")
    assert "lib/webhooks.py  100 % of the gap  38 to do\n            Bob is on it since 18 Mar\n" in mail.text
    assert "Bob is on it since 18 Mar" in mail.html
    assert mail.subject == "Api: Functions with full annotations is 22 points behind"
    assert "there. Bob is on it." in " ".join(mail.text.split())


def test_the_reader_is_told_of_what_they_took_themselves(play):
    api, typed = play.world.api, play.world.typed
    take(api, typed, "", "lib/webhooks.py", by=play.world.alice, now=datetime(2026, 2, 2, 12, 0, tzinfo=UTC))
    assert on_mondays(play, 1) == [1]
    assert (
        " you are on it since 2 Feb" in Delivery.objects.get(person=play.world.alice, subject__contains="points").text
    )


def test_an_item_taken_by_somebody_who_left_is_nobodys(play):
    take(play.world.api, play.world.typed, "", "lib/webhooks.py", by=play.world.bob, now=MONDAY)
    User.objects.filter(pk=play.world.bob.pk).update(is_active=False)
    assert on_mondays(play, 1) == [1]
    assert "Bob" not in Delivery.objects.get(person=play.world.alice, subject__contains="points").text


def test_an_item_that_closes_a_part_only_is_no_reason(play):
    # 39 of 65 are asked for by autumn: two items are needed then.
    Metric.objects.update(fresh_for=400)
    take(play.world.api, play.world.typed, "", "api/views.py", by=play.world.bob, now=MONDAY)
    assert on_mondays(play, 1) == [1]


def test_what_is_overdue_never_rests(play):
    steps(play, 1)
    judge_due(MONDAY + WEEK)
    Standing.objects.filter(day=date(2026, 3, 23)).update(status="overdue")
    planning.plan(MONDAY + WEEK)
    assert (date(2026, 3, 23), "api", "typed-functions") in said_to(play.world.alice)

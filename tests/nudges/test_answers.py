"""What answers silence in planning and at the outbox, until when, and that their day is asked about once."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import User
from nudges import delivery, links, wishes
from nudges.models import Delivery, Mute, Notice, Nudge
from teams import answering, trust
from teams.models import Answer
from tests.nudges.conftest import MONDAY, said_to, withheld

WEEK = timedelta(weeks=1)
FIRST = MONDAY + WEEK
"""The first Monday on which the goal that is behind is told."""


@pytest.fixture
def goal(play):
    play.announced()
    return play.world.goal(play.world.api, play.world.typed)


def answer(goal, person, kind, now, **more):
    return answering.answer(goal, kind, by=person, now=now, via="mail", **more)


def reason(play, day):
    return [
        why for team, metric, why in withheld(play.world.alice, day) if (team, metric) == ("api", "typed-functions")
    ]


@pytest.mark.parametrize(("kind", "rule"), [("on it", "promised"), ("blocked", "blocked")])
def test_a_promise_rests_the_goal_until_its_day_and_then_how_it_went_is_asked_once(play, goal, kind, rule):
    play.run(FIRST)
    made = answer(goal, play.world.alice, kind, FIRST, until=date(2026, 4, 13), words="the freeze")
    for n in (2, 3):
        play.run(MONDAY + n * WEEK)
        assert reason(play, date(2026, 3, 16) + n * WEEK) == [rule]
    play.run(MONDAY + 4 * WEEK)
    asked = Notice.objects.get(kind="the day of your answer")
    assert (asked.key, asked.person, asked.goal, asked.digest.day) == (
        str(made.pk), play.world.alice, goal, date(2026, 4, 13),
    )  # fmt: skip
    assert said_to(play.world.alice) == [
        (date(2026, 3, 23), "api", "typed-functions"), (date(2026, 4, 13), "api", "typed-functions"),
    ]  # fmt: skip
    text = " ".join(asked.digest.delivery.text.split())
    assert f"said: on 23 Mar you said: {kind} until 13 Apr, “the freeze”" in text
    play.run(MONDAY + 5 * WEEK)
    assert Notice.objects.filter(kind="the day of your answer").count() == 1


def test_where_the_back_off_keeps_the_nudge_the_day_is_asked_about_alone(play, goal):
    for n in (1, 2, 4):
        play.run(MONDAY + n * WEEK)
    answer(goal, play.world.alice, "on it", MONDAY + 4 * WEEK, until=date(2026, 4, 20))
    play.run(MONDAY + 5 * WEEK)
    assert reason(play, date(2026, 4, 20)) == ["back off"]
    mail = Notice.objects.get(kind="the day of your answer").digest.delivery
    assert mail.subject == "Api: how did it go with Functions with full annotations?"
    text = " ".join(mail.text.split())
    assert text.startswith(
        "You named 20 Apr for Functions with full annotations: Api is 22 points behind its path now. How did it go?"
    )
    assert "answer: https://quality.example.com/answer/" in text


def test_what_is_on_its_path_by_then_is_not_asked_about(play, goal):
    play.run(FIRST)
    answer(goal, play.world.alice, "on it", FIRST, until=date(2026, 3, 30))
    play.measure(date(2026, 3, 28), api={"lib/webhooks.py": (40, 40), "api/views.py": (20, 20), "ok.py": (5, 5)})
    play.run(MONDAY + 2 * WEEK)
    assert not Notice.objects.filter(kind="the day of your answer").exists()
    assert Notice.objects.filter(kind="back on the path").count() == 1


def test_done_rests_until_a_later_measurement(play, goal):
    play.run(FIRST)
    answer(goal, play.world.alice, "done", FIRST)
    play.run(MONDAY + 2 * WEEK)
    assert reason(play, date(2026, 3, 30)) == ["said done"]
    play.measure(date(2026, 3, 31), api={"lib/webhooks.py": (2, 40), "api/views.py": (3, 20), "ok.py": (5, 5)})
    play.run(MONDAY + 3 * WEEK)
    newest = Nudge.objects.said().filter(person=play.world.alice).latest("day")
    assert newest.day == date(2026, 4, 6)
    assert newest.facts["answered"] == {
        "by": "Alice", "own": True, "kind": "done", "until": None, "text": "", "day": "2026-03-23",
    }  # fmt: skip


def test_done_rests_two_weeks_at_most_and_not_for_a_measurement_of_its_own_day(play, goal):
    play.run(FIRST)
    answer(goal, play.world.alice, "done", FIRST)
    play.measure(date(2026, 3, 23), api={"lib/webhooks.py": (2, 40)}, now=FIRST + timedelta(hours=1))
    play.run(MONDAY + 2 * WEEK)
    assert reason(play, date(2026, 3, 30)) == ["said done"]
    play.run(MONDAY + 3 * WEEK)
    assert reason(play, date(2026, 4, 6)) == []


def test_not_mine_silences_who_said_so_and_nobody_else(play, goal):
    alice, gina = play.world.alice, play.world.gina
    play.run(FIRST)
    made = answer(goal, alice, "not mine", FIRST)
    play.run(MONDAY + 3 * WEEK)
    assert reason(play, date(2026, 4, 6)) == ["not mine"]
    User.objects.filter(pk=alice.pk).update(absent_from=date(2026, 4, 10), absent_until=date(2026, 4, 14))
    play.run(MONDAY + 4 * WEEK)
    assert said_to(gina) == [(date(2026, 4, 13), "api", "typed-functions")]
    answering.take_back(made, by=play.world.tess, now=MONDAY + 4 * WEEK, via="page")
    play.run(MONDAY + 5 * WEEK)
    assert said_to(alice)[-1] == (date(2026, 4, 20), "api", "typed-functions")


def test_a_muted_goal_is_told_no_more_and_others_are(play, goal):
    alice = play.world.alice
    play.run(FIRST)
    assert wishes.mute(goal, alice, FIRST, "mail") is True
    assert wishes.mute(goal, alice, FIRST, "mail") is False
    play.measure(date(2026, 3, 20), metric="findings", api={"a": 4}, now=FIRST)
    play.measure(date(2026, 4, 3), metric="findings", api={"a": 9})
    play.run(MONDAY + 3 * WEEK)
    assert reason(play, date(2026, 4, 6)) == ["goal muted"]
    assert ("api", "findings") in {(team, metric) for _, team, metric in said_to(alice)}
    assert wishes.unmute(goal, alice, FIRST, "page") is True
    play.run(MONDAY + 4 * WEEK)
    assert said_to(alice)[-1] == (date(2026, 4, 13), "api", "typed-functions")


def test_a_mute_of_a_goal_is_no_mute_of_its_program(play, goal):
    alice = play.world.alice
    wishes.mute(goal, alice, FIRST, "mail")
    assert links.act(links.Intent(alice, play.world.program), FIRST) is True
    assert links.act(links.Intent(alice, play.world.program, links.START), FIRST) is True
    assert list(Mute.objects.values_list("goal", flat=True)) == [goal.pk]


@pytest.mark.parametrize("kind", ["on it", "blocked", "done", "not mine", "mute", "wrong"])
def test_what_is_answered_between_planning_and_sending_is_not_told(play, goal, kind):
    play.plan(FIRST)
    alice = play.world.alice
    if kind == "mute":
        wishes.mute(goal, alice, FIRST, "page")
    elif kind == "wrong":
        trust.dispute(play.world.typed, play.world.api, text="no", by=alice, now=FIRST)
    else:
        answer(goal, alice, kind, FIRST, until=date(2026, 4, 13), words="words")
    if kind == "wrong":
        from teams.standings import judge_due

        judge_due(FIRST)
    delivery.deliver_batch(FIRST)
    mail = Delivery.objects.get(person=alice, key__endswith="2026-03-23")
    assert (mail.state, mail.reason) == ("suppressed", "nothing is left to say")
    expected = {"on it": "promised", "done": "said done", "mute": "goal muted", "wrong": "held"}.get(kind, kind)
    assert reason(play, date(2026, 3, 23)) == ["nothing is left to say"] or reason(play, date(2026, 3, 23)) == [
        expected
    ]


def test_an_answer_taken_back_before_the_mail_goes_is_not_asked_about(play, goal):
    for n in (1, 2, 4):
        play.run(MONDAY + n * WEEK)
    made = answer(goal, play.world.alice, "on it", MONDAY + 4 * WEEK, until=date(2026, 4, 20))
    play.plan(MONDAY + 5 * WEEK)
    answering.take_back(made, by=play.world.alice, now=MONDAY + 5 * WEEK, via="mail")
    delivery.deliver_batch(MONDAY + 5 * WEEK)
    assert Delivery.objects.get(person=play.world.alice, key__endswith="2026-04-20").state == "suppressed"
    assert not Notice.objects.filter(kind="the day of your answer").exists()


def test_the_answers_of_who_left_rest_nothing(play, goal):
    play.run(FIRST)
    answer(goal, play.world.gina, "on it", FIRST, until=date(2026, 5, 11))
    User.objects.filter(pk=play.world.gina.pk).update(is_active=False)
    play.run(MONDAY + 2 * WEEK)
    play.run(MONDAY + 3 * WEEK)
    assert "promised" not in reason(play, date(2026, 3, 30)) + reason(play, date(2026, 4, 6))
    assert Answer.objects.standing().count() == 1


def test_the_digest_carries_its_links(play, goal):
    play.run(FIRST)
    mail = Delivery.objects.get(person=play.world.alice, key__endswith="2026-03-23")
    for part in (mail.text, mail.html):
        assert "/vote/" in part
        assert "/answer/" in part
    assert mail.text.count("/answer/") == 1
    assert mail.html.count("/answer/") == 6
    assert len(mail.html.encode()) < 30_000
    assert datetime(2026, 3, 23, tzinfo=UTC).date() == mail.digest.day

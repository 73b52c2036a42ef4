"""Who took an item long ago is asked once whether they still are, while its goal is short; nobody else is."""

from datetime import date, timedelta

import pytest

from nudges import planning
from nudges.models import Delivery, Lot, Mute, Notice
from program.models import Program
from program.rules.lots import is_held_out
from teams import answering, roles, taking
from teams.models import Membership
from tests.nudges.conftest import BEHIND, MONDAY, everything

WEEK = timedelta(weeks=1)


@pytest.fixture
def took(play):
    """Bob, who leads nothing, takes api's first item in the week of the first nudge."""
    play.announced()
    taking.take(
        play.world.api, play.world.typed, "", "lib/webhooks.py", by=play.world.bob, now=MONDAY + WEEK, via="page"
    )
    return play


def weeks(play, first, last):
    for n in range(first, last + 1):
        moment = MONDAY + n * WEEK
        play.measure(moment.date(), now=moment - timedelta(hours=8), **BEHIND)
        play.run(moment)


def asked():
    rows = Notice.objects.filter(kind="an item you took").select_related("person", "digest")
    return [(row.person.email, row.goal.team.key, row.digest.day) for row in rows]


def mail_to(person):
    return Delivery.objects.filter(person=person, kind="digest").latest("pk")


def test_after_four_weeks_they_are_asked_once(took):
    weeks(took, 1, 5)
    assert asked() == []
    weeks(took, 6, 8)
    assert asked() == [("bob@example.com", "api", date(2026, 4, 27))]
    mail = mail_to(took.world.bob)
    assert mail.subject == "Api: are you still on lib/webhooks.py?"
    text = " ".join(mail.text.split())
    assert text.startswith("You are on lib/webhooks.py of Api since 23 Mar: 38 to do there.")
    assert "You get this because you took lib/webhooks.py." in text
    assert "/teams/api/" in text


def test_whose_goal_is_fine_is_not_asked(took):
    weeks(took, 1, 5)
    took.measure(date(2026, 4, 26), api={"lib/webhooks.py": (40, 40), "api/views.py": (20, 20), "ok.py": (5, 5)})
    took.run(MONDAY + 6 * WEEK)
    assert asked() == []


def let_go(play):
    taking.release(play.world.api.taken.get(), by=play.world.bob, now=MONDAY + 6 * WEEK - timedelta(hours=5))


def mute(play):
    Mute.objects.create(person=play.world.bob, program=play.world.program, created_at=MONDAY, via="test")


def leave(play):
    Membership.objects.filter(user=play.world.bob).delete()
    roles.keep_places()


def promise(play):
    goal = play.world.goal(play.world.api, play.world.typed)
    answering.answer(goal, "on it", by=play.world.alice, now=MONDAY + 5 * WEEK, via="mail", until=date(2026, 5, 4))


@pytest.mark.parametrize("silence", [let_go, mute, leave, promise])
def test_who_let_go_wants_no_mail_or_has_left_is_not_asked_nor_where_somebody_promised(took, silence):
    weeks(took, 1, 5)
    silence(took)
    took.run(MONDAY + 6 * WEEK)
    assert asked() == []


def test_who_lets_it_go_before_the_mail_leaves_gets_none(took):
    weeks(took, 1, 5)
    took.plan(MONDAY + 6 * WEEK)
    assert len(asked()) == 1
    taking.release(took.world.api.taken.get(), by=took.world.bob, now=MONDAY + 6 * WEEK)
    took.run(MONDAY + 6 * WEEK + timedelta(minutes=1))
    assert asked() == []
    assert Delivery.objects.get(person=took.world.bob).reason == "nothing is left to say"


def test_a_lead_who_is_told_of_the_goal_reads_it_there(play):
    play.announced()
    taking.take(play.world.api, play.world.typed, "", "lib/webhooks.py", by=play.world.alice, now=MONDAY, via="page")
    # While it is fresh her nudges rest; then one comes, and no second line.
    weeks(play, 1, 5)
    assert asked() == []
    text = " ".join(mail_to(play.world.alice).text.split())
    assert "you are on it since 16 Mar" in text


@pytest.mark.parametrize("first", ["who took it", "who leads"])
def test_nobody_is_asked_of_a_goal_on_the_day_on_which_its_lot_leaves_it_alone(took, first, monkeypatch):
    weeks(took, 1, 5)
    Program.objects.update(holdout=0.5)
    leaves_it_alone = next(seed for seed in range(99) if is_held_out(seed, "typed-functions behind", 0, 0.5))
    monkeypatch.setattr("secrets.randbits", lambda _bits: leaves_it_alone)
    due_people = planning.due_people
    monkeypatch.setattr(
        planning, "due_people",
        lambda *what: sorted(due_people(*what), key=lambda one: (one.person == took.world.bob) != (first == "who took it")),
    )  # fmt: skip
    took.run(MONDAY + 6 * WEEK)
    assert Lot.objects.get(goal__team=took.world.api).held_out
    assert asked() == []


def test_planning_again_asks_nobody_again(took):
    weeks(took, 1, 6)
    before = everything()
    took.run(MONDAY + 6 * WEEK + timedelta(hours=1))
    assert everything() == before

"""After the third nudge in a row a leader above hears of a goal: as was announced, once a stretch, and no surprise."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import User
from nudges import escalation, planning
from nudges.models import Delivery, Lot, Mute, Notice, Nudge
from program.models import Metric, Program
from program.rules.lots import is_held_out
from teams.models import Answer, Membership, Standing
from teams.standings import judge_due
from tests.nudges.conftest import BEHIND, MONDAY, everything
from tests.nudges.test_planning import other_program

WEEK = timedelta(weeks=1)
APRIL_13, APRIL_20 = date(2026, 4, 13), date(2026, 4, 20)


@pytest.fixture
def play(play):
    """Only api is behind, and what was measured stays fresh."""
    Metric.objects.update(fresh_for=400)
    play.world.goal(play.world.web, play.world.typed).standings.all().delete()
    play.world.web.goals.all().delete()
    play.announced()
    return play


def on_mondays(play, first, last):
    for n in range(first, last + 1):
        play.run(MONDAY + n * WEEK)


def heard():
    return [
        (row.person.email, row.goal.team.key, row.digest.day) for row in Notice.objects.filter(kind="heard from below")
    ]


def mail_to(person, day):
    return Delivery.objects.get(person=person, key__endswith=str(day))


def flat(text):
    return " ".join(text.split())


def test_the_first_two_say_who_hears_after_a_third(play):
    on_mondays(play, 1, 2)
    for day in (date(2026, 3, 23), date(2026, 3, 30)):
        text = flat(mail_to(play.world.alice, day).text)
        assert "Nobody gets a copy of this mail; after a third one in a row about a goal, Gina hears of it." in text
        assert "If Api is still" not in text


def test_the_third_says_when_and_then_the_leader_hears_once(play):
    on_mondays(play, 1, 3)
    assert not Delivery.objects.filter(person=play.world.gina).exists()
    on_mondays(play, 4, 4)
    third = Nudge.objects.said().get(person=play.world.alice, day=APRIL_13)
    assert third.facts["hears"] == {
        "person": play.world.gina.pk, "name": "Gina", "on": "2026-04-20", "day": "2026-04-20",
    }  # fmt: skip
    text = flat(mail_to(play.world.alice, APRIL_13).text)
    assert (
        "If Api is still off its path on Functions with full annotations on Mon 20 Apr, Gina hears of it. "
        "Nobody gets a copy of this mail." in text
    )
    assert heard() == []
    on_mondays(play, 5, 20)
    assert heard() == [("gina@example.com", "api", APRIL_20)]
    mail = mail_to(play.world.gina, APRIL_20)
    assert mail.subject == "Api: Functions with full annotations is off its path for 5 weeks"
    assert flat(mail.text).startswith(
        "Api has been off its path on Functions with full annotations for 5 weeks, by 22 points now; "
        "its lead, Alice, was told 3 times. From the teams below you. What helps most is to clear what stands in their way: page: https://"
    )
    assert "https://quality.example.com/teams/api/goals/typing/typed-functions/" in mail.text
    assert "You get this because you lead Engineering, and Api is part of it." in flat(mail.text)
    assert Delivery.objects.filter(person=play.world.gina).count() == 1
    fourth = flat(mail_to(play.world.alice, date(2026, 5, 11)).text)
    assert "Gina heard of Functions with full annotations in Api on 20 Apr. If it is short still" in fourth
    assert "asks for it. Nobody gets a copy of this mail." in fourth


def test_a_goal_that_recovered_in_between_is_not_heard_of_and_a_new_stretch_counts_anew(play):
    on_mondays(play, 1, 4)
    play.measure(date(2026, 4, 15), api={"a.py": (60, 65)})
    judge_due(datetime(2026, 4, 16, 1, 0, tzinfo=UTC))
    play.measure(date(2026, 4, 17), **BEHIND)
    on_mondays(play, 5, 8)
    assert heard() == []
    assert Nudge.objects.said().filter(person=play.world.alice).latest("day").streak in (2, 3)


def test_of_a_goal_whose_lot_leaves_it_alone_that_day_nobody_hears_whoever_is_decided_for_first(play, monkeypatch):
    User.objects.filter(pk=play.world.gina.pk).update(absent_from=date(2026, 4, 15), absent_until=date(2026, 5, 8))
    on_mondays(play, 1, 7)
    Program.objects.update(holdout=0.5)
    leaves_it_alone = next(seed for seed in range(99) if is_held_out(seed, "typed-functions behind", 0, 0.5))
    monkeypatch.setattr("secrets.randbits", lambda _bits: leaves_it_alone)
    due_people = planning.due_people
    monkeypatch.setattr(
        planning, "due_people", lambda *what: sorted(due_people(*what), key=lambda one: one.person != play.world.gina)
    )
    on_mondays(play, 8, 9)
    assert Lot.objects.get().held_out
    assert heard() == []


def test_what_somebody_answered_is_not_heard_of(play):
    on_mondays(play, 1, 4)
    goal = play.world.goal(play.world.api, play.world.typed)
    Answer.objects.create(
        goal=goal, person=play.world.alice, kind="on it", until=date(2026, 4, 30), via="mail",
        at=datetime(2026, 4, 14, 9, 0, tzinfo=UTC),
    )  # fmt: skip
    on_mondays(play, 5, 6)
    assert heard() == []


@pytest.mark.parametrize("change", [{"held": True}, {"status": "on track"}])
def test_what_is_held_or_fine_that_day_is_not_heard_of(play, change):
    on_mondays(play, 1, 4)
    judge_due(MONDAY + 5 * WEEK)
    Standing.objects.filter(day=APRIL_20).update(**change)
    on_mondays(play, 5, 5)
    assert heard() == []


def test_a_leader_who_is_away_hears_when_they_are_back_and_nobody_in_their_place(play):
    on_mondays(play, 1, 4)
    User.objects.filter(pk=play.world.gina.pk).update(absent_from=APRIL_20, absent_until=date(2026, 4, 26))
    on_mondays(play, 5, 6)
    assert heard() == [("gina@example.com", "api", date(2026, 4, 27))]


def test_who_muted_the_program_hears_nothing_and_neither_does_who_leads_no_more(play):
    on_mondays(play, 1, 4)
    Mute.objects.create(person=play.world.gina, program=play.world.program, created_at=MONDAY, via="test")
    on_mondays(play, 5, 5)
    assert heard() == []
    Mute.objects.all().delete()
    Membership.objects.filter(user=play.world.gina).delete()
    on_mondays(play, 6, 6)
    assert heard() == []


def test_where_nobody_leads_above_nobody_is_announced(play):
    Membership.objects.filter(user=play.world.gina).delete()
    on_mondays(play, 1, 5)
    assert heard() == []
    text = flat(mail_to(play.world.alice, APRIL_13).text)
    assert "Nobody gets a copy of this mail. sam@example.com sees where every team stands" in text


def test_a_leader_with_a_digest_of_their_own_hears_in_it(play):
    other_program(play)
    Membership.objects.create(user=play.world.gina, team=play.world.web, role="lead")
    Metric.objects.update(fresh_for=400)
    # Alice's third nudge waits for the other program's, which was a week behind: so does what Gina hears.
    on_mondays(play, 1, 6)
    assert heard() == [
        ("gina@example.com", "api", date(2026, 4, 27)), ("gina@example.com", "api", date(2026, 4, 27)),
    ]  # fmt: skip
    assert Delivery.objects.filter(person=play.world.gina, key__endswith="2026-04-27").count() == 1


def test_the_mail_that_never_arrived_told_nobody(play):
    on_mondays(play, 1, 4)
    play.plan(MONDAY + 5 * WEEK)
    Delivery.objects.filter(person=play.world.gina).update(not_after=MONDAY + 5 * WEEK)
    on_mondays(play, 6, 7)
    assert heard() == [("gina@example.com", "api", date(2026, 5, 4))]


def test_planning_twice_tells_once(play):
    on_mondays(play, 1, 5)
    before = everything()
    play.run(MONDAY + 5 * WEEK + timedelta(hours=1))
    assert everything() == before


def test_the_leader_and_then_the_lead_read_when_it_goes_to_the_sponsors_brief(play):
    on_mondays(play, 1, 5)
    text = flat(mail_to(play.world.gina, APRIL_20).text)
    # The calendar: every six weeks from 20 Jan; the review on 26 May freezes its brief on 21 May, after 18 May.
    assert (
        "next: If it is short still on Mon 18 May and nobody answered, the sponsor's brief for the review on Tue 26 May"
        " asks for it." in text
    )
    assert Notice.objects.get(kind="heard from below").facts["brief"] == {"on": "2026-05-18", "review": "2026-05-26"}
    on_mondays(play, 6, 8)
    fourth = flat(mail_to(play.world.alice, date(2026, 5, 11)).text)
    assert (
        "Gina heard of Functions with full annotations in Api on 20 Apr. If it is short still on Mon 18 May and nobody"
        " answered, the sponsor's brief for the review on Tue 26 May asks for it." in fourth
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {"on": "2026-05-18", "review": "2026-05-26"}),
        # The brief of a review on 20 May is frozen on 15 May, before the day: it is the one after.
        ({"review_first": datetime(2026, 5, 20, 10, 0, tzinfo=UTC)}, {"on": "2026-05-18", "review": "2026-07-01"}),
        ({"review_first": datetime(2026, 5, 21, 10, 0, tzinfo=UTC)}, {"on": "2026-05-18", "review": "2026-05-21"}),
        ({"review_every": ""}, {}),
        ({"sponsor": None}, {}),
        ({"end": date(2026, 5, 25)}, {}),
    ],
)
def test_it_is_the_first_brief_that_is_frozen_on_that_day_or_later(play, change, expected):
    program = play.world.program
    for name, value in change.items():
        setattr(program, name, value)
    assert escalation.brief_after(program, APRIL_20) == expected

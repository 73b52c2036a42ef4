"""The simulator says what planning said, when it is given the policy that planning had; and less for a calmer one."""

from collections import Counter
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from nudges.models import Delivery, Nudge
from nudges.simulator import Policy, TooMany, simulate
from program.models import Program
from teams import answering, taking
from teams.apply.files import apply_text
from tests.nudges.conftest import MONDAY, everything
from tests.nudges.test_experiments import many, plan_and_send

WEEK = timedelta(weeks=1)
WEEKS = 13
OTHER = """
program:
  key: calm
  name: Fewer findings everywhere
  purpose: Sleep
  sponsor: {email: sam@example.com, mandate: can stop all feature work}
  owners: [{email: tess@example.com, role: technical}, {email: pam@example.com, role: manager}]
  start: 2026-01-01
  end: 2026-12-31
goals:
  - {metric: findings, teams: [web, api], start: 2026-01-01, due: 2026-06-30, target: 1}
nudges: {every: 1 week, weekday: wednesday, hour: 9, max_per_person_per_week: 1}
"""


ANSWERED = {16: "on it", 37: "done", 44: "not mine", 60: "blocked"}


@pytest.fixture
def quarter(play) -> Program:
    """Thirteen weeks with falls and recoveries, told for real on weekdays; two programs share a person's week."""
    apply_text(OTHER, now=MONDAY - timedelta(days=3), via="test")
    typed = play.world.goal(play.world.api, play.world.typed)
    for n in range(7 * WEEKS):
        day = MONDAY + timedelta(days=n)
        if n % 21 == 4:
            play.measure(day.date(), web={"a.py": (5, 10)}, api={"lib/webhooks.py": (30, 40), "api/views.py": (3, 20)})
        if n % 21 == 15:
            play.measure(day.date(), web={"a.py": (1, 10)}, api={"lib/webhooks.py": (2, 40), "api/views.py": (3, 20)})
        if n % 14 == 2:
            play.measure(day.date(), metric="findings", web={"x": 9}, api={"y": 5 if n < 40 else 0})
        if day.weekday() < 5:
            play.run(day)
        if n in ANSWERED:
            promise = {"until": day.date() + 2 * WEEK} if ANSWERED[n] in answering.WITH_A_DAY else {}
            answering.answer(
                typed, ANSWERED[n], by=play.world.alice, now=day, via="mail", words="the freeze", **promise
            )
        if n == 51:
            trail = typed.standings.latest("day").trail
            for crumb in trail:
                taking.take(
                    play.world.api,
                    play.world.typed,
                    crumb.get("source", ""),
                    crumb["item"],
                    by=play.world.alice,
                    now=day,
                )
    return Program.objects.get(key="typing")


def the_end():
    return MONDAY + timedelta(days=7 * WEEKS)


@pytest.mark.parametrize(
    ("key", "rules"),
    [
        ("typing", {"back off", "new goal first", "promised", "said done", "blocked"}),
        ("calm", {"back off", "weekly budget"}),
    ],
)
def test_with_its_own_policy_it_says_what_was_said(play, quarter, key, rules):
    quarter = Program.objects.get(key=key)
    found = simulate(quarter, Policy.of(quarter), the_end(), days=7 * WEEKS)
    assert (found.first, found.last) == (date(2026, 3, 16), date(2026, 6, 14))
    said = Nudge.objects.said().filter(goal__program=quarter)
    told = {(n.person_id, n.day) for n in said}
    told |= {
        (n.person_id, n.digest.day) for p in (play.world.alice, play.world.wanda)
        for n in p.notices.filter(goal__program=quarter).select_related("digest")
    }  # fmt: skip
    assert {(one.person.pk, day) for one in found.people for day in one.mails} == told
    assert {one.person.pk: one.nudges for one in found.people if one.nudges} == dict(Counter(n.person_id for n in said))
    withheld = Nudge.objects.filter(goal__program=quarter, state="withheld")
    assert found.withheld == dict(Counter(withheld.values_list("reason", flat=True)))
    # Something of everything, or this test compares nothing.
    assert len(told) >= 2
    assert rules <= set(found.withheld)
    assert sum(found.by_week.values()) == found.mails == len(told)


def test_a_calmer_policy_says_less_and_writes_nothing(play, quarter):
    before = everything()
    own = Policy.of(quarter)
    usual = simulate(quarter, own, the_end(), days=7 * WEEKS)
    calm = simulate(quarter, own._replace(every_weeks=4), the_end(), days=7 * WEEKS)
    friday = simulate(quarter, own._replace(weekday=4), the_end(), days=7 * WEEKS)
    assert calm.nudges < usual.nudges
    assert "program interval" in calm.withheld
    # A new goal is announced in whichever mail goes out first, here the other program's on a Wednesday.
    assert {day.weekday() for one in friday.people for day in one.mails[1:]} == {4}
    assert usual.busiest is not None
    assert everything() == before
    assert Program.objects.get(pk=quarter.pk).nudge_every_weeks == 1


def test_what_is_held_out_is_withheld_for_four_weeks(play, quarter):
    own = Policy.of(quarter)
    usual = simulate(quarter, own, the_end(), days=7 * WEEKS)
    half = simulate(quarter, own._replace(holdout=0.5), the_end(), days=7 * WEEKS)
    assert half.withheld["held out"] > 0
    assert half.nudges < usual.nudges


def test_many_teams_cost_no_more_queries(play):
    program = Program.objects.get(key="typing")

    def cost() -> int:
        with CaptureQueriesContext(connection) as counted:
            simulate(program, Policy.of(program), MONDAY + 2 * WEEK)
        return len(counted)

    play.announced()
    few = cost()
    many(play, 20)
    plan_and_send(play, MONDAY + WEEK)
    assert (few, cost()) == (20, 26)  # six of them for the one day more on which something is short


def test_more_goals_than_a_page_can_go_through(play):
    program = Program.objects.get(key="typing")
    with pytest.raises(TooMany, match="3 goals speak to the people of this program; at most 2 can be gone through"):
        simulate(program, Policy.of(program), MONDAY, most=2)


def test_nobody_listens(db, play):
    Program.objects.filter(key="typing").update(state="paused")
    program = Program.objects.get(key="typing")
    Delivery.objects.all().delete()
    found = simulate(program, Policy.of(program), MONDAY + WEEK)
    assert (found.mails, found.nudges, found.busiest) == (0, 0, None)

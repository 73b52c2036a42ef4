"""The end of a program: who hears of it, what they read, and that they read it once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import User
from nudges import guards
from nudges.models import Delivery, Mute
from program.feeds.registry import KINDS
from program.models import Program
from reviews import farewell
from teams import answering, lifecycle
from teams.ingest import Origin, ingest
from teams.models import Goal, Membership
from tests.people import HEADER, NOW, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    made = settle()
    rows = (
        "typed-functions,api,a.py,2026-01-01,0,10\ntyped-functions,web,f.py,2026-01-01,2,10\n"
        "typed-functions,api,a.py,2026-03-10,10,10\ntyped-functions,web,f.py,2026-03-10,3,10\n"
    )
    ingest((HEADER + rows).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    return made


def end(world) -> None:
    lifecycle.cancel(world.program, "It did not move.", "Ask the teams first.", now=NOW, by=world.tess)


def test_sponsor_owners_leads_and_whoever_worked_on_it_hear_of_it_once(world):
    goal = Goal.objects.get(team=world.api, metric=world.typed)
    answering.answer(goal, "done", by=world.bob, now=NOW, via="page")
    end(world)
    assert farewell.tell_due(NOW) == 1
    assert farewell.tell_due(NOW) == farewell.tell_due(NOW + timedelta(days=3)) == 0
    sent = Delivery.objects.filter(kind="ended").order_by("pk")
    assert [(row.person.email, row.key) for row in sent] == [
        (f"{name}@example.com", "typing/2026-03-16") for name in ("sam", "tess", "pam", "alice", "wanda", "bob")
    ]
    said = {row.person.email: " ".join(row.text.strip().split("\n\n")[-1].split()) for row in sent}
    assert said["sam@example.com"] == "You get this because you sponsored Every function typed. This is its last mail."
    assert said["alice@example.com"] == "You get this because you lead Api. This is its last mail."
    assert "worked on its items" in sent.get(person=world.bob).text


def test_the_mail_says_what_was_learned_what_moved_and_thanks(world):
    end(world)
    farewell.tell_due(NOW)
    row = Delivery.objects.get(kind="ended", person=world.alice)
    assert row.subject == "Canceled: Every function typed"
    for said in (
        "Every function typed is canceled as of 16 Mar 2026: nothing of it is asked of anybody any more.",
        "Its 3 goals of 2 teams have left the scorecards.",
        "It did not move.", "Ask the teams first.",
        "Functions with full annotations went from 10 % to 65 %.",
        "Thank you: 1 item that needed work when it began is done now.",
    ):  # fmt: skip
        assert said in " ".join(row.text.split())
        assert said in " ".join(row.html.replace("\u00a0", " ").replace("&nbsp;", " ").split())


def test_no_storm_breaker_holds_it_however_many_hear_of_it(world):
    for n in range(guards.AT_LEAST):
        person = User.objects.create_user(f"lead{n}@example.com")
        Membership.objects.create(team=world.api, user=person, role=Membership.Role.LEAD)
    end(world)
    farewell.tell_due(NOW)
    assert Delivery.objects.filter(kind="ended", state=Delivery.State.PENDING).count() > guards.AT_LEAST
    assert guards.hold_storm(NOW + timedelta(days=3)) == 0


def test_a_draft_that_is_given_up_is_told_to_nobody(world):
    Goal.objects.all().delete()
    end(world)
    assert farewell.tell_due(NOW) == 0
    assert farewell.preview(world.program, NOW).told == "Nobody is written to: it asked nothing of any team yet."


def test_what_ended_long_ago_is_told_to_nobody(world):
    end(world)
    Program.objects.update(ended_on=NOW.date() - timedelta(days=15))
    assert farewell.tell_due(NOW) == 0


def test_who_left_or_cannot_be_reached_is_left_out_and_the_page_says_who_hears(world):
    world.wanda.is_active = False
    world.wanda.save()
    world.pam.address_suspended_reason = "550"
    world.pam.save()
    assert farewell.preview(world.program, NOW).told == (
        "3 people hear of it once, in their working hours, with thanks: sam@example.com, tess@example.com and Alice."
    )
    assert "… what you write below …" in farewell.preview(world.program, NOW).mail


def test_a_program_that_is_canceled_may_leave_a_guard_too(world):
    guard = lifecycle.cancel(world.program, "It did not move.", "Ask first.", guard=True, now=NOW, by=world.tess)
    assert (guard.name, guard.guard_of) == ("Every function typed: guard", world.program)
    assert [(rule.metric.key, rule.teams) for rule in guard.goal_rules.all()] == [("typed-functions", ["api"])]
    farewell.tell_due(NOW)
    assert "kept by a standing guard" in " ".join(Delivery.objects.filter(kind="ended").first().text.split())


def test_nobody_to_guard_is_refused(world):
    Goal.objects.filter(team=world.api, metric=world.typed).delete()
    with pytest.raises(lifecycle.Refused, match="there is nothing to guard"):
        lifecycle.cancel(world.program, "It did not move.", "Ask first.", guard=True, now=NOW, by=world.tess)
    assert Program.objects.get(key="typing").state == "active"


def test_who_may_not_see_the_program_or_stopped_its_mail_is_not_told(world):
    """It is shown to one team: another team's lead does not read what was learned; sponsor and owners do."""
    Program.objects.filter(pk=world.program.pk).update(audience="api")
    Mute.objects.create(person=world.bob, program=world.program, created_at=NOW, via="profile")
    goal = Goal.objects.get(team=world.api, metric=world.typed)
    answering.answer(goal, "done", by=world.bob, now=NOW, via="page")
    end(world)
    farewell.tell_due(NOW)
    told = Delivery.objects.filter(kind="ended").order_by("pk")
    assert [row.person.email for row in told] == [f"{name}@example.com" for name in ("sam", "tess", "pam", "alice")]

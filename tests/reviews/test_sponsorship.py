"""A sponsor changes hands: rows in step, one handover brief, thanks once, and what each says."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from nudges import delivery
from nudges.models import Delivery
from program.models import Program
from reviews import handover, priorities, schedule, sponsorship
from reviews.models import Ask, Brief, Decision, Review, Sponsorship
from tests.people import NOW, settle

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=3)


@pytest.fixture
def world():
    made = settle()
    made.sam.name = "Sam"
    made.sam.save()
    schedule.schedule(NOW)
    held = Review.objects.create(
        program=made.program, period="2026-03-03", starts_at=NOW - timedelta(days=13), minutes=30, zone="Europe/Riga",
        uid="u", state="held", created_at=NOW,
    )  # fmt: skip
    assert sponsorship.keep(NOW - timedelta(days=20)) == 1
    facts = {"program": made.program, "review": held}
    Ask.objects.create(
        text="Make room in Api", of=made.gina, due=date(2026, 3, 10), first_due=date(2026, 3, 1), moves=1,
        raised_at=NOW - timedelta(days=13), **facts,
    )  # fmt: skip
    Ask.objects.create(
        text="Freeze the old client", state="kept", closed_at=NOW, raised_at=NOW - timedelta(days=13), **facts
    )
    Decision.objects.create(review=held, text="Api goes first", at=NOW)
    Decision.objects.create(review=held, text="Struck", at=NOW, struck_at=NOW)
    priorities.note(made.program, "Security first", NOW, by=made.sam)
    Delivery.objects.all().delete()
    return made


def change(person) -> None:
    Program.objects.update(sponsor=person)


def test_the_first_sponsor_is_only_written_down(world):
    assert list(Sponsorship.objects.values_list("sponsor__email", "until")) == [("sam@example.com", None)]
    assert sponsorship.keep(NOW) == 0
    assert Delivery.objects.count() == 0


def test_the_new_one_gets_what_is_open_and_the_former_one_thanks(world):
    change(world.gina)
    assert [sponsorship.keep(LATER), sponsorship.keep(LATER), sponsorship.keep(LATER)] == [1, 0, 0]
    rows = Sponsorship.objects.order_by("since").values_list("sponsor__name", "since", "until", "handed_over_at")
    assert list(rows) == [
        ("Sam", NOW - timedelta(days=20), LATER, None),
        ("Gina", LATER, None, LATER),
    ]
    mails = {row.kind: row for row in Delivery.objects.all()}
    assert {kind: row.address for kind, row in mails.items()} == {
        "handover": "gina@example.com", "thanks": "sam@example.com",
    }  # fmt: skip
    assert mails["handover"].subject == "You sponsor Every function typed now: what is open"
    said = " ".join(mails["handover"].text.split())
    for part in (
        "You sponsor Every function typed now, after Sam. It is asked of you: Make room in Api",
        "What it is for: Fewer production type errors, safer refactoring",
        "Your mandate: the sponsor can move two sprints per team per quarter.",
        "Where it stands on 19 Mar 2026: Nothing is measured yet. No brief was written yet: there is no verdict.",
        "- Make room in Api (Gina, was due 10 Mar, moved from 1 Mar)",
        "- 3 Mar: Api goes first",
        "- 16 Mar, Sam: “Security first”",
        "The next review is on Tue 14 Apr 2026 at 10:00 (Europe/Riga).",
        "Who runs it: tess@example.com <tess@example.com>, pam@example.com <pam@example.com>",
    ):
        assert part in said
    assert "Struck" not in said
    assert "Freeze the old client" not in said
    thanks = " ".join(mails["thanks"].text.split())
    assert thanks.startswith(
        "Thank you for sponsoring Every function typed. Gina sponsors it now, and got a handover brief."
        " What became of it: Nothing is measured yet. Of 2 asks in that time: 1 open and 1 kept."
    )


def test_nobody_for_a_while_and_then_somebody(world):
    change(None)
    assert sponsorship.keep(LATER) == 1
    assert "Nobody sponsors it yet." in " ".join(Delivery.objects.get().text.split())
    change(world.gina)
    assert sponsorship.keep(LATER + timedelta(days=9)) == 1
    assert "You sponsor Every function typed now, after Sam." in " ".join(
        Delivery.objects.get(kind="handover").text.split()
    )


def test_it_is_asked_again_before_it_goes(world, mail_server):
    change(world.gina)
    sponsorship.keep(LATER)
    change(world.sam)
    delivery.deliver_batch(LATER)
    assert dict(Delivery.objects.values_list("kind", "reason")) == {
        "handover": "somebody else sponsors it by now", "thanks": "they sponsor it again",
    }  # fmt: skip
    sponsorship.keep(LATER + timedelta(minutes=1))
    assert Sponsorship.objects.get(until=None).sponsor == world.sam


@pytest.mark.parametrize("state", ["draft", "completed", "canceled"])
def test_a_draft_and_one_that_is_over_hand_over_nothing(world, state):
    Program.objects.update(state=state)
    change(world.gina)
    assert sponsorship.keep(LATER) == 1
    assert Delivery.objects.count() == 0


def test_what_is_wanted_first(world):
    def first() -> str:
        return handover.compose(Program.objects.get(), None, NOW).first

    assert first() == "Ask Gina about this, which was due on 10 Mar: Make room in Api"
    Ask.objects.filter(state="open").update(due=None)
    assert first() == "Say whether you stand by the ask of Gina that comes first: Make room in Api"
    Ask.objects.all().delete()
    assert first() == "Keep the review on Tue 14 Apr; its brief comes three working days ahead."
    Brief.objects.create(
        review=Review.objects.get(period="2026-04-14"), frozen_at=LATER,
        content={"on": "2026-03-18", "verdict": "Typed hardly moved.", "effect": "No effect of the program is shown."},
    )  # fmt: skip
    assert first() == "Keep the review on Tue 14 Apr; its brief is ready."
    assert handover.compose(Program.objects.get(), None, LATER).verdict == (
        "The last brief, of 18 Mar: Typed hardly moved. No effect of the program is shown."
    )
    Program.objects.update(mandate="")
    assert first() == "Say what you can change for the teams: the charter has no mandate."


def test_queries_do_not_grow(world, django_assert_max_num_queries):
    for n in range(20):
        Ask.objects.create(
            program=world.program, review=Review.objects.get(state="held"), text=f"{n}", of=world.gina, raised_at=NOW
        )
    with django_assert_max_num_queries(16):
        made = handover.compose(world.program, None, NOW)
    assert (len(made.asks), made.more_asks) == (12, 9)

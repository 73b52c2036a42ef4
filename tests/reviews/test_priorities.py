"""A change of priorities: noted by the sponsor, told to the owners at once, in the brief until it is over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import AuditRow, User
from nudges import delivery
from nudges.models import Delivery
from program.models import Program
from reviews import handover, priorities
from reviews.models import Priority
from teams.typed import Unfit
from tests.people import NOW, settle

pytestmark = pytest.mark.django_db
NIGHT = datetime(2026, 3, 21, 23, 0, tzinfo=UTC)
"""A Saturday night."""


@pytest.fixture
def world():
    return settle()


def test_the_owners_are_told_at_once_whatever_the_hour(world, mail_server):
    world.sam.name = "Sam"
    world.sam.save()
    made = priorities.note(world.program, "  Security first until the audit. ", NIGHT, by=world.sam)
    rows = Delivery.objects.order_by("address")
    assert [(row.kind, row.key, row.address, row.next_at) for row in rows] == [
        ("priority", f"typing/{made.pk}", "pam@example.com", NIGHT),
        ("priority", f"typing/{made.pk}", "tess@example.com", NIGHT),
    ]
    assert rows[0].subject == "Every function typed: Sam changed the priorities"
    text = " ".join(rows[0].text.split())
    assert text.startswith(
        "Sam, who sponsors the program, changed the priorities of Every function typed:"
        " “Security first until the audit.”"
    )
    assert rows[0].headers["Reply-To"] == "sam@example.com"
    delivery.deliver_batch(NIGHT)
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    log = AuditRow.objects.get(kind="priority")
    assert (log.key, log.actor, log.after) == (f"typing/{made.pk}", world.sam, "Security first until the audit.")


def test_one_that_is_over_before_it_went_is_not_told(world, mail_server):
    made = priorities.note(world.program, "x", NIGHT, by=world.sam)
    assert priorities.end(made, NIGHT, by=world.sam) is True
    assert priorities.end(made, NIGHT + timedelta(days=1), by=world.sam) is False
    delivery.deliver_batch(NIGHT)
    assert set(Delivery.objects.values_list("state", "reason")) == {("suppressed", "it is over already")}


def test_sponsor_and_administrators_note_it(world):
    root = User.objects.create(email="root@example.com", is_superuser=True)
    may = {name: priorities.may_note(getattr(world, name), world.program) for name in ("sam", "tess", "alice")}
    assert may == {"sam": True, "tess": False, "alice": False}
    assert priorities.may_note(root, world.program)
    root.reads_only = True
    assert not priorities.may_note(root, world.program)
    Program.objects.update(state="completed")
    world.program.refresh_from_db()
    assert not priorities.may_note(world.sam, world.program)


@pytest.mark.parametrize("text", ["", "   ", "x" * 501, "a\0b"])
def test_what_is_no_text_is_refused(world, text):
    with pytest.raises(Unfit, match="1 to 500 characters"):
        priorities.note(world.program, text, NOW, by=world.sam)
    assert (Priority.objects.count(), Delivery.objects.count()) == (0, 0)


def test_the_brief_has_those_that_stand_and_those_over_since_the_last(world):
    old = priorities.note(world.program, "old", NOW - timedelta(days=60), by=world.sam)
    priorities.end(old, NOW - timedelta(days=40), by=world.sam)
    stands = priorities.note(world.program, "a  long\none", NOW - timedelta(days=59), by=world.sam)
    lately = priorities.note(world.program, "lately", NOW - timedelta(days=8), by=world.sam)
    priorities.end(lately, NOW - timedelta(days=2), by=world.sam)
    assert [stands.text, lately.text] == ["a  long\none", "lately"]
    assert priorities.lines(priorities.every(world.program), NOW - timedelta(days=30), date(2026, 3, 16)) == [
        "8 Mar, sam@example.com: “lately” Over since 14 Mar.", "16 Jan, sam@example.com: “a long one”",
    ]  # fmt: skip
    assert priorities.lines(priorities.every(world.program), None, date(2026, 3, 16))[-1] == (
        "15 Jan, sam@example.com: “old” Over since 4 Feb."
    )


def test_its_day_is_that_of_the_review_zone_in_brief_and_handover(world):
    """An hour before midnight in London is the next day in Riga, where the reviews are; its page says so too."""
    made = priorities.note(world.program, "x", NIGHT, by=world.sam)
    assert priorities.lines(priorities.every(world.program), None, date(2026, 3, 25)) == [
        "22 Mar, sam@example.com: “x”"
    ]
    brief = handover.compose(world.program, None, NIGHT + timedelta(days=2))
    assert brief.priorities == ["22 Mar, sam@example.com: “x”"]
    priorities.end(made, NIGHT + timedelta(days=1), by=world.sam)
    assert priorities.lines(priorities.every(world.program), None, date(2026, 3, 25)) == [
        "22 Mar, sam@example.com: “x” Over since 23 Mar."
    ]

"""The two-question pulse: who is asked when, once; what an answer changes until the brief; what the brief says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from accounts.models import AuditRow, User
from nudges import delivery
from nudges.answer_links import Over
from nudges.links import BadLink
from nudges.models import Delivery, Digest, Mute
from program.models import Program, ProgramOwner
from reviews import ahead, pulse, pulse_asking, schedule
from reviews.models import Brief, Pulse, Review
from teams.apply.files import apply_text
from teams.models import Membership
from teams.typed import Unfit
from tests.people import NOW, TYPING, settle

pytestmark = pytest.mark.django_db
OPENS = datetime(2026, 4, 2, 6, 0, tzinfo=UTC)
"""Nine o'clock in Riga on the Thursday, eight working days before Tuesday 14 April."""
FREEZES = datetime(2026, 4, 9, 6, 0, tzinfo=UTC)
AWAY = date(2026, 4, 1), date(2026, 4, 20)


@pytest.fixture
def world():
    made = settle()
    schedule.schedule(NOW)
    return made


def asked() -> list[tuple[str, datetime]]:
    return [(row.person.email.partition("@")[0], row.asked_at) for row in Pulse.objects.order_by("person__email")]


def test_leads_are_asked_in_their_own_hours_from_the_eighth_working_day_on(world):
    assert pulse_asking.opens_at(Review.objects.get()) == OPENS
    assert pulse_asking.ask_due(OPENS - timedelta(seconds=1)) == 0
    assert pulse_asking.ask_due(OPENS) == 1
    assert asked() == [("alice", OPENS)], "wanda's team keeps UTC, where it is six"
    nine = OPENS + timedelta(hours=3)
    assert pulse_asking.ask_due(nine) == 1
    assert asked() == [("alice", OPENS), ("wanda", nine)]
    for hours in range(150):
        assert pulse_asking.ask_due(nine + timedelta(hours=hours)) == 0
    assert Delivery.objects.filter(kind="pulse").count() == 2


def test_the_mail_says_what_for_who_reads_it_and_until_when(world, settings):
    settings.SITE_URL = "https://quality.example.com"
    world.sam.name = "Sam"
    world.sam.save()
    pulse_asking.ask_due(OPENS)
    row = Delivery.objects.get(kind="pulse")
    assert (row.key, row.address, row.not_after) == (
        f"typing/2026-04-14/{world.alice.pk}",
        "alice@example.com",
        FREEZES,
    )
    assert row.subject == "Two questions: does Every function typed help you?"
    said = " ".join(row.text.split())
    assert said.startswith("Does Every function typed help you, and what stands in your way?")
    assert (
        "reviewed on Tue 14 Apr 2026 with Sam, who sponsors it and can move two sprints per team per quarter." in said
    )
    assert "You can change your answer until Thu 9 Apr, 09:00 (Europe/Riga)." in said
    assert (
        "Your answer is read under your name by Sam, who sponsors the program, and tess@example.com and"
        " pam@example.com, who run it. The brief of the review counts the answers, and quotes up to 5 without a name."
        " Administrators can see it; nobody else does."
    ) in said
    assert "You get this because you lead Api." in said
    one = Pulse.objects.get()
    for choice in ("yes", "partly", "no"):
        assert f"{choice}: https://quality.example.com{pulse.path(one, choice)}" in row.text
    assert row.headers["Reply-To"] == "tess@example.com"


def test_who_is_away_has_a_deputy_and_without_one_nobody_is_asked(world):
    world.alice.absent_from, world.alice.absent_until = AWAY
    world.alice.save()
    pulse_asking.ask_due(OPENS + timedelta(hours=3))
    assert [who for who, _ in asked()] == ["wanda"], "gina leads above: the questions are the lead's own"
    world.alice.deputy = world.bob
    world.alice.save()
    pulse_asking.ask_due(OPENS + timedelta(hours=3, minutes=1))
    assert [who for who, _ in asked()] == ["bob", "wanda"]
    text = " ".join(Delivery.objects.get(address="bob@example.com").text.split())
    assert "You get this because you stand in for Alice, who leads Api and is away." in text


def test_owners_viewers_and_who_stopped_the_mail_are_not_asked(world):
    ProgramOwner.objects.create(program=world.program, user=world.alice, role="manager")
    Mute.objects.create(person=world.wanda, program=None, created_at=NOW, via="x")
    assert pulse_asking.ask_due(OPENS + timedelta(hours=3)) == 0
    Mute.objects.all().delete()
    User.objects.filter(pk=world.wanda.pk).update(reads_only=True)
    assert pulse_asking.ask_due(OPENS + timedelta(hours=4)) == 0
    User.objects.filter(pk=world.wanda.pk).update(reads_only=False, address_suspended_reason="550")
    assert pulse_asking.ask_due(OPENS + timedelta(hours=5)) == 0
    User.objects.filter(pk=world.wanda.pk).update(address_suspended_reason="")
    assert pulse_asking.ask_due(OPENS + timedelta(hours=6)) == 1


@pytest.mark.parametrize("state", ["skipped", "canceled", "held"])
def test_nobody_is_asked_before_a_review_that_does_not_come(world, state):
    Review.objects.update(state=state)
    assert pulse_asking.ask_due(OPENS + timedelta(hours=3)) == 0


@pytest.mark.parametrize("state", ["paused", "draft", "completed"])
def test_nobody_is_asked_by_a_program_that_rests(world, state):
    Program.objects.update(state=state)
    assert pulse_asking.ask_due(OPENS + timedelta(hours=3)) == 0


def test_nobody_is_asked_twice_within_two_weeks_whichever_program_it_is(world):
    other = TYPING.replace("key: typing\n", "key: other\n").replace("Every function typed", "Other")
    other = other[: other.index("metrics:")] + other[other.index("goals:") :]
    apply_text(other.replace("2026-01-20T10:00", "2026-01-22T10:00"), now=NOW, via="test")
    schedule.schedule(NOW)
    days = [OPENS + timedelta(hours=3, days=n) for n in range(12)]
    for moment in days:
        pulse_asking.ask_due(moment)
    rows = Pulse.objects.order_by("person__email").values_list("person__email", "review__program__key")
    assert list(rows) == [("alice@example.com", "typing"), ("wanda@example.com", "typing")]
    # Six weeks later the program that waited goes first, though the other's review comes two days before.
    Review.objects.update(state="held")
    later = datetime(2026, 5, 13, 9, 30, tzinfo=UTC)
    schedule.schedule(later)
    for n in range(14):
        pulse_asking.ask_due(later + timedelta(days=n))
    newest = (
        Pulse.objects.filter(asked_at__gt=later)
        .order_by("person__email")
        .values_list("person__email", "review__program__key", "asked_at__date")
    )
    assert list(newest) == [
        ("alice@example.com", "other", date(2026, 5, 18)), ("wanda@example.com", "other", date(2026, 5, 18)),
    ]  # fmt: skip


def test_of_two_programs_at_once_the_one_that_waited_longer_asks(world):
    other = TYPING.replace("key: typing\n", "key: other\n").replace("Every function typed", "Other")
    other = other[: other.index("metrics:")] + other[other.index("goals:") :]
    apply_text(other, now=NOW, via="test")
    schedule.schedule(NOW)
    first = Review.objects.get(program__key="typing")
    old = Review.objects.create(
        program=first.program, period="2026-03-03", starts_at=NOW - timedelta(days=13), minutes=30, zone="UTC",
        uid="old", state="held", created_at=NOW,
    )  # fmt: skip
    Pulse.objects.create(review=old, person=world.alice, asked_at=NOW - timedelta(days=20))
    pulse_asking.ask_due(OPENS)
    assert Pulse.objects.get(asked_at=OPENS).review.program.key == "other"


def mailed(world, day: date) -> None:
    row = Delivery.objects.create(
        kind="digest", key=str(day), address="alice@example.com", person=world.alice, state="sent", message_id=f"<{day}>",
        next_at=NOW, not_after=NOW, created_at=NOW,
    )  # fmt: skip
    Digest.objects.create(person=world.alice, day=day, time_zone="UTC", planned_at=NOW, plan=str(day), delivery=row)


def test_a_full_week_is_waited_out_and_the_last_working_day_is_not(world):
    """Two mails a week are Alice's most."""
    mailed(world, date(2026, 3, 30))
    mailed(world, date(2026, 4, 1))
    assert pulse_asking.ask_due(OPENS) == 0
    monday = datetime(2026, 4, 6, 6, 0, tzinfo=UTC)
    mailed(world, date(2026, 4, 6))
    mailed(world, date(2026, 4, 7))
    assert pulse_asking.ask_due(monday) == 0
    assert pulse_asking.ask_due(monday + timedelta(days=1)) == 0
    assert pulse_asking.ask_due(monday + timedelta(days=2)) == 1, "no working day begins before the brief any more"


def test_it_takes_its_place_in_the_week(world):
    from nudges.situation import _mails

    pulse_asking.ask_due(OPENS)
    assert _mails([world.alice.pk], OPENS) == {world.alice.pk: [(date(2026, 4, 2), "sent")]}


def test_it_is_asked_again_before_it_goes_and_who_got_nothing_was_not_asked(world, mail_server):
    pulse_asking.ask_due(OPENS)
    world.alice.absent_from, world.alice.absent_until = AWAY
    world.alice.deputy = world.bob
    world.alice.save()
    delivery.deliver_batch(OPENS + timedelta(minutes=1))
    row = Delivery.objects.get(kind="pulse")
    assert (row.state, row.reason) == ("suppressed", "the person is away")
    assert Pulse.objects.count() == 0
    pulse_asking.ask_due(OPENS + timedelta(minutes=2))
    assert [who for who, _ in asked()] == ["bob"]
    Review.objects.update(state="skipped")
    delivery.deliver_batch(OPENS + timedelta(minutes=3))
    assert Delivery.objects.get(address="bob@example.com").reason == "the review is skipped"


def test_one_that_waited_overnight_goes_in_working_hours(world, mail_server):
    pulse_asking.ask_due(OPENS)
    delivery.deliver_batch(OPENS + timedelta(hours=12))
    row = Delivery.objects.get(kind="pulse")
    assert (row.state, row.next_at) == ("pending", datetime(2026, 4, 3, 6, 0, tzinfo=UTC))


def test_an_answer_can_be_changed_and_taken_back_until_the_brief(world):
    pulse_asking.ask_due(OPENS)
    one = pulse.read(pulse.write(Pulse.objects.get()))
    pulse.answer(one, "partly", "  the release freeze  ", OPENS, via="mail")
    pulse.answer(one, "no", "", OPENS + timedelta(hours=1), via="mail")
    one.refresh_from_db()
    assert (one.helps, one.in_the_way, one.answered_at) == ("no", "", OPENS + timedelta(hours=1))
    log = AuditRow.objects.filter(kind="pulse").order_by("pk")
    assert [(row.key, row.before, row.after, row.actor) for row in log] == [
        ("typing/2026-04-14/alice@example.com", "", "partly", world.alice),
        ("typing/2026-04-14/alice@example.com", "partly", "no", world.alice),
    ]
    pulse.take_back(one, OPENS, via="mail")
    assert pulse.said(one.review).sentence == "No lead answered; 1 was asked."
    for helps, words in (("maybe", ""), ("", ""), ("yes", "x" * 501), ("yes", "a\0b")):
        with pytest.raises(Unfit):
            pulse.answer(one, helps, words, OPENS, via="mail")
    ahead.freeze_due(FREEZES)
    with pytest.raises(pulse.Over, match="frozen on 9 Apr: what was answered by then stands in it"):
        pulse.answer(one, "yes", "", FREEZES, via="mail")
    with pytest.raises(pulse.Over):
        pulse.read(pulse.write(one))
    with pytest.raises(BadLink):
        pulse.read(pulse.write(one)[:-2])


def test_the_brief_counts_them_and_quotes_without_names(world):
    review = Review.objects.get()
    for n in range(14):
        person = User.objects.create(email=f"lead{n}@example.com", name=f"Lead {n}")
        Membership.objects.create(team=world.api, user=person, role="lead")
        helps, words = (
            ("", "")
            if n >= 9
            else ("yes", f"words {n}")
            if n < 5
            else ("partly", "")
            if n < 8
            else ("no", "a freeze\n  in April")
        )
        Pulse.objects.create(
            review=review, person=person, asked_at=OPENS, helps=helps, in_the_way=words,
            answered_at=OPENS + timedelta(minutes=n) if helps else None,
        )  # fmt: skip
    Pulse.objects.filter(person__email="lead5@example.com").update(in_the_way="no time")
    ahead.freeze_due(FREEZES)
    said = Brief.objects.get().content["pulse"]
    assert said == [
        "9 of 14 leads answered: it helps 5, it partly helps 3, it does not help 1.",
        "“a freeze in April”", "“no time”", "“words 0”", "“words 1”", "“words 2”",
        "and 2 more, with names, below the brief on the page of the review",
    ]  # fmt: skip
    assert not any("Lead" in line for line in said)


def test_with_nobody_asked_the_brief_says_so(world):
    ahead.freeze_due(FREEZES)
    assert Brief.objects.get().content["pulse"] == ["Nobody was asked."]


def test_queries_do_not_grow_with_teams(world, django_assert_max_num_queries):
    with time_machine.travel(NOW, tick=False):
        more = "".join(
            f"---\nkind: Group\nmetadata: {{name: t{n}, annotations: {{technical-quality/lead: p{n}}}}}\n"
            f"spec: {{parent: engineering}}\n---\nkind: User\nmetadata: {{name: p{n}}}\n"
            f"spec: {{profile: {{email: p{n}@example.com}}}}\n"
            for n in range(20)
        )
        from tests.people import ORG

        apply_text(ORG + more, now=NOW, via="test")
    with django_assert_max_num_queries(26):
        assert pulse_asking.ask_due(OPENS + timedelta(hours=3)) == 22


def test_a_program_that_is_paused_before_it_went_asks_nothing(world, mail_server):
    pulse_asking.ask_due(OPENS)
    Program.objects.update(state=Program.State.PAUSED)
    delivery.deliver_batch(OPENS)
    assert set(Delivery.objects.filter(kind="pulse").values_list("state", "reason")) == {
        ("suppressed", "the program is paused")
    }


def test_who_only_reads_by_now_answers_nothing(world):
    pulse_asking.ask_due(OPENS)
    token = pulse.write(Pulse.objects.get())
    User.objects.filter(pk=world.alice.pk).update(reads_only=True)
    with pytest.raises(Over, match="only reads here by now"):
        pulse.read(token)


def test_that_nobody_was_asked_is_explained_where_another_program_asked_them(world):
    review = Review.objects.select_related("program").get(program=world.program, state="scheduled")
    Pulse.objects.filter(review=review).delete()
    assert pulse.lines(review, pulse.said(review)) == ["Nobody was asked."]
    other = Program.objects.create(key="other", name="Other", purpose="x", start=NOW.date(), end=date(2027, 1, 1))
    theirs = Review.objects.create(
        program=other, period="x", starts_at=review.starts_at, minutes=30, zone="UTC", uid="x", created_at=NOW
    )
    asked = Pulse.objects.create(review=theirs, person=world.alice, asked_at=review.starts_at - timedelta(days=9))
    assert pulse.lines(review, pulse.said(review)) == [
        "Nobody was asked this time: the leads were asked about another program shortly before."
    ]
    Pulse.objects.filter(pk=asked.pk).update(asked_at=review.starts_at - timedelta(days=31))
    assert pulse.lines(review, pulse.said(review)) == ["Nobody was asked."]

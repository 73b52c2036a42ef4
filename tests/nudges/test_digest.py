"""What is asked again before a digest goes out, and that nothing in a mail nobody got counts as said."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from nudges import delivery, digest, kinds, outbox
from nudges.models import Delivery, Digest, Mute, Notice, Nudge
from program.models import Program
from teams.models import Goal, Standing
from tests.nudges.conftest import MONDAY, everything, withheld

WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)
NOW = MONDAY + WEEK


@pytest.fixture
def planned(play):
    """Alice's and wanda's second digests are planned and not sent yet."""
    play.announced()
    play.plan(NOW)
    return play


def of(person):
    return Delivery.objects.get(person=person, key__endswith="2026-03-23")


def test_the_kind_is_known_from_the_start():
    assert kinds.get("digest") is digest.KIND


def test_it_is_sent_and_its_words_are_kept(planned, mail_server):
    delivery.deliver_batch(NOW)
    row = of(planned.world.alice)
    assert (row.state, row.private) == ("sent", False)
    assert row.text.startswith("Api is 17 points behind its path on Functions with full annotations.\n")
    assert "lib/webhooks.py alone can close the gap: 38 to do there." in " ".join(row.text.split())
    assert row.message_id in mail_server.counts()
    sent = next(x for x in mail_server.accepted if x.message_id == row.message_id).data
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in sent
    assert b"List-Id: Nudges <nudges.example.com>\r\n" in sent
    link = row.headers["List-Unsubscribe"]
    assert link.startswith("<https://quality.example.com/unsubscribe/")
    assert f"List-Unsubscribe: {link}\r\n".encode() in sent


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda w: User.objects.filter(pk=w.alice.pk).update(absent_from=date(2026, 3, 23)), "away"),
        (lambda w: Mute.objects.create(person=w.alice, created_at=NOW, via="test"), "muted"),
        (
            lambda w: User.objects.filter(pk=w.alice.pk).update(is_active=False),
            "the person is not active any more",
        ),
        (
            lambda w: User.objects.filter(pk=w.alice.pk).update(address_suspended_reason="550 gone"),
            "the address is suspended: 550 gone",
        ),
        (lambda w: Digest.objects.filter(person=w.alice, day=date(2026, 3, 23)).delete(), "its digest is gone"),
    ],
)
def test_the_person_is_asked_about_again(planned, change, reason):
    change(planned.world)
    delivery.deliver_batch(NOW)
    row = of(planned.world.alice)
    assert (row.state, row.reason) == ("suppressed", reason)
    if Digest.objects.filter(delivery=row).exists():
        assert withheld(planned.world.alice, date(2026, 3, 23)) == [("api", "typed-functions", reason)]
    assert of(planned.world.wanda).state == "sent"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda goal: Standing.objects.filter(goal=goal).update(status="on track"), "not short any more"),
        (lambda goal: Standing.objects.filter(goal=goal).update(held=True), "held"),
        (lambda goal: Goal.objects.filter(pk=goal.pk).update(ended_on=date(2026, 3, 23)), "goal ended"),
        (lambda goal: Program.objects.update(state="paused"), "program not active"),
        (
            lambda goal: Mute.objects.create(
                person=User.objects.get(email="alice@example.com"), program=goal.program, created_at=NOW, via="test"
            ),
            "program muted",
        ),
    ],
)
def test_the_goal_is_asked_about_again(planned, change, reason):
    change(planned.world.goal(planned.world.api, planned.world.typed))
    delivery.deliver_batch(NOW)
    row = of(planned.world.alice)
    assert (row.state, row.reason) == ("suppressed", "nothing is left to say")
    assert withheld(planned.world.alice, date(2026, 3, 23)) == [("api", "typed-functions", "nothing is left to say")]


def test_a_goal_that_recovered_is_left_out_and_the_others_are_told(planned):
    """A second goal joins the digest; the first one recovers before it is sent."""
    world = planned.world
    other = world.goal(world.api, world.findings)
    first = Nudge.objects.said().get(person=world.alice)
    facts = first.facts | {"metric_name": "Security findings", "unit": "findings", "aggregation": "sum"}
    Nudge.objects.create(
        person=world.alice, goal=other, day=first.day, due_day=first.due_day, digest=first.digest,
        state="said", streak=1, facts=facts, decided_at=NOW,
    )  # fmt: skip
    Standing.objects.filter(goal=other).update(status="behind")
    Standing.objects.filter(goal=first.goal).update(status="met")
    delivery.deliver_batch(NOW)
    row = of(world.alice)
    assert row.state == "sent"
    assert "Security findings" in row.text
    assert "full annotations" not in row.text
    assert withheld(world.alice, date(2026, 3, 23)) == [("api", "typed-functions", "not short any more")]


def test_outside_working_hours_it_waits_for_the_next_ones(planned):
    friday_evening = datetime(2026, 3, 27, 15, 30, tzinfo=UTC)
    batch = delivery.deliver_batch(friday_evening)
    row = of(planned.world.alice)
    # Half past five in Riga; nine o'clock of Monday there is 06:00 UTC, as the clocks changed on Sunday.
    assert (row.state, row.reason) == ("expired", "")
    assert batch.claimed == 0
    Delivery.objects.filter(pk=row.pk).update(state="pending", not_after=friday_evening + DAY)
    delivery.deliver_batch(friday_evening)
    row.refresh_from_db()
    assert (row.state, row.reason) == ("pending", "outside working hours")
    assert row.next_at == datetime(2026, 3, 30, 6, 0, tzinfo=UTC)
    assert row.not_after > row.next_at
    assert delivery.deliver_batch(row.next_at).claimed == 1


def test_a_digest_of_last_week_is_not_sent_any_more(planned):
    row = of(planned.world.alice)
    Delivery.objects.filter(pk=row.pk).update(not_after=NOW + 2 * WEEK)
    delivery.deliver_batch(NOW + WEEK)
    row.refresh_from_db()
    assert (row.state, row.reason) == ("suppressed", "a newer week has begun")


def test_two_digests_never_leave_on_one_day(planned):
    alice = planned.world.alice
    Delivery.objects.filter(person=alice, key__endswith="2026-03-16").update(handed_at=NOW - timedelta(hours=1))
    delivery.deliver_batch(NOW)
    row = of(alice)
    assert (row.state, row.reason) == ("pending", "another digest went out today")
    assert row.next_at == datetime(2026, 3, 24, 7, 0, tzinfo=UTC)
    delivery.deliver_batch(row.next_at)
    row.refresh_from_db()
    assert row.state == "sent"


def test_news_in_a_mail_that_never_arrived_is_told_another_time(play):
    play.plan(MONDAY)
    alice = play.world.alice
    row = Delivery.objects.get(person=alice)
    assert Notice.objects.filter(person=alice).count() == 2
    assert outbox.drop(row, MONDAY)
    assert Notice.objects.filter(person=alice).count() == 0
    play.run(NOW)
    assert Notice.objects.filter(person=alice, digest__day=date(2026, 3, 23)).count() == 2


def test_a_nudge_that_expired_counts_for_no_back_off(planned):
    delivery.sweep(NOW + timedelta(hours=48))
    assert of(planned.world.alice).state == "expired"
    assert withheld(planned.world.alice, date(2026, 3, 23)) == [("api", "typed-functions", "expired")]
    planned.run(NOW + WEEK)
    assert Nudge.objects.said().get(person=planned.world.alice).streak == 1


def test_the_owners_note_is_in_each_digest_that_speaks_of_the_program_and_is_no_markup(play):
    Program.objects.update(nudge_note="Ask in #typing.\n<b>Office hours</b>: Tue 14")
    play.announced()
    mail = Delivery.objects.get(person=play.world.alice)
    assert (
        "A note from the owners of Every function typed:\n   Ask in #typing.\n   <b>Office hours</b>: Tue 14\n"
        in mail.text
    )
    assert "Ask in #typing.<br>&lt;b&gt;Office hours&lt;/b&gt;: Tue 14" in mail.html
    Program.objects.update(nudge_note="")
    play.run(MONDAY + timedelta(weeks=1))
    assert "A note from" not in Delivery.objects.filter(person=play.world.alice).latest("pk").text


def test_the_preview_reads_as_the_mail_will_and_changes_nothing(planned):
    row = of(planned.world.alice)
    before = everything()
    words = digest.preview(row, NOW)
    assert everything() == before
    delivery.deliver_batch(NOW)
    row.refresh_from_db()
    assert (words.subject, words.text, words.html) == (row.subject, row.text, row.html)


def test_what_changed_since_the_last_message_is_told(planned):
    delivery.deliver_batch(NOW)
    items = {"lib/webhooks.py": (8, 40), "api/views.py": (3, 20), "ok.py": (5, 5), "new.py": (0, 60)}
    planned.measure(date(2026, 3, 28), api=items)
    planned.run(NOW + WEEK)
    facts = Nudge.objects.said().get(person=planned.world.alice, day=date(2026, 3, 30)).facts
    since = facts["since"]
    assert (since["day"], since["status"], since["new_items"]) == ("2026-03-23", "behind", ["new.py"])
    assert since["change"] == pytest.approx(16 / 125 - 10 / 65)
    text = Delivery.objects.get(person=planned.world.alice, key__endswith="2026-03-30").text
    assert "   since 23 Mar: −3 points; new on the list: new.py; off the list:\n   lib/webhooks.py\n" in text
    assert text.startswith("Api is still 21 points behind its path")


def test_another_version_of_the_metric_is_never_subtracted(planned):
    delivery.deliver_batch(NOW)
    nudge = Nudge.objects.said().get(person=planned.world.alice)
    Nudge.objects.filter(pk=nudge.pk).update(facts=nudge.facts | {"metric_version": 7})
    planned.run(NOW + WEEK)
    text = Delivery.objects.get(person=planned.world.alice, key__endswith="2026-03-30").text
    assert "since 23 Mar: the metric is computed in another way now" in " ".join(text.split())


def test_a_batch_of_digests_costs_two_queries_a_mail_and_a_constant(planned):
    with CaptureQueriesContext(connection) as counted:
        batch = delivery.deliver_batch(NOW)
    assert batch.claimed == 2
    both = len(counted)
    planned.plan(NOW + WEEK)
    Delivery.objects.filter(person=planned.world.wanda, state="pending").update(state="held")
    with CaptureQueriesContext(connection) as counted:
        assert delivery.deliver_batch(NOW + WEEK).claimed == 1
    assert both - len(counted) == 2

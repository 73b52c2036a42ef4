"""The outbox's states against a real SMTP server: each arrow, and what a refusal, a silence or a death does."""

import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditRow, User
from drills.mail_server import HANG_UP, MailServer
from nudges import delivery, guards, kinds, outbox
from nudges.channels.email import EmailSession
from nudges.models import Delivery, Instance
from nudges.outbox import Letter

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
State = Delivery.State

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kind(monkeypatch):
    """Registers a kind for one test; call it again to replace it."""

    def make(**how):
        made = kinds.Kind("test", **how)
        monkeypatch.setitem(kinds._kinds, "test", made)
        return made

    make()
    return make


@pytest.fixture
def server(settings):
    with MailServer() as running:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = running.host, running.port, 5
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.DEFAULT_FROM_EMAIL = "Quality <quality@example.com>"
        settings.INSTANCE_ID = ""
        yield running


def put(key="one", address="alice@example.com", **more):
    more = {"kind": "test", "subject": "Hello", "text": "Hello.\n.hidden\n", "html": "<p>Hello.</p>"} | more
    return outbox.put(Letter(key=key, address=address, **more), NOW)


def fresh(row):
    row.refresh_from_db()
    return row


def test_a_letter_is_sent_once_and_says_so(kind, server):
    row = put()
    assert (row.state, row.next_at, row.not_after) == (State.PENDING, NOW, NOW + timedelta(hours=48))
    batch = delivery.deliver_batch(NOW)
    assert (batch.claimed, dict(batch.ended), batch.stopped) == (1, {"sent": 1}, "")
    row = fresh(row)
    assert (row.state, row.sent_at, row.handed_at, row.attempts, row.lease) == (State.SENT, NOW, NOW, 1, "")
    assert delivery.deliver_batch(NOW).claimed == 0
    assert server.counts() == {row.message_id: 1}


def test_the_same_key_is_the_same_letter(kind, server):
    first, again = put(), put(subject="Another subject")
    assert first.pk == again.pk
    assert Delivery.objects.get().subject == "Hello"


def test_what_the_server_gets_is_a_whole_mail(kind, server):
    person = User.objects.create_user("zoe@example.com", name="Zoë Ōta")
    put(address=person.email, person=person, headers={"Reply-To": "owner@example.com", "List-Id": "<n.example.com>"})
    delivery.deliver_batch(NOW)
    exchange = server.accepted[0]
    assert exchange.sender == "quality@example.com"
    assert exchange.receivers == ["zoe@example.com"]
    mail = message_from_bytes(exchange.data, policy=policy.default)
    assert mail["From"] == "Quality <quality@example.com>"
    assert mail["To"].addresses[0].display_name == "Zoë Ōta"
    assert mail["Date"] == "Mon, 23 Nov 2026 09:00:00 +0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Reply-To"] == "owner@example.com"
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail.get_body(("plain",)).get_content() == "Hello.\r\n.hidden\r\n"


@pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028"])
def test_a_line_break_in_a_name_is_no_header_and_holds_no_mail_up(kind, server, breaks):
    person = User.objects.create_user("zoe@example.com", name=f"Zoe{breaks}Bcc: evil@example.com")
    put(address=person.email, person=person, subject=f"Hello{breaks}Bcc: evil@example.com")
    delivery.deliver_batch(NOW)
    (exchange,) = server.accepted
    assert exchange.receivers == ["zoe@example.com"]
    mail = message_from_bytes(exchange.data, policy=policy.default)
    assert (mail["Bcc"], mail["To"].addresses[0].display_name) == (None, "Zoe Bcc: evil@example.com")
    assert mail["Subject"] == "Hello Bcc: evil@example.com"


def test_a_calendar_goes_as_a_part_and_as_a_file(kind, server):
    content = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"
    put(attachments=[{"content": content, "method": "REQUEST", "filename": "invite.ics"}])
    delivery.deliver_batch(NOW)
    mail = message_from_bytes(server.accepted[0].data, policy=policy.default)
    assert mail.get_content_type() == "multipart/mixed"
    body, file = mail.iter_parts()
    calendar = list(body.iter_parts())[2]
    assert calendar.get_content_type() == "text/calendar"
    assert calendar["Content-Type"].params["method"] == "REQUEST"
    assert calendar.get_payload(decode=True) == content.encode()
    assert (file.get_content_type(), file.get_filename()) == ("application/ics", "invite.ics")
    assert file.get_payload(decode=True) == content.encode()


def test_a_private_body_is_erased_once_it_is_sent(kind, server):
    row = put(private=True, text="the secret", html="<p>the secret</p>")
    delivery.deliver_batch(NOW)
    assert b"the secret" in server.accepted[0].data
    assert (fresh(row).state, row.text, row.html) == (State.SENT, "", "")


def test_who_is_not_active_any_more_gets_nothing_at_an_address_they_had_before_either(kind, server):
    person = User.objects.create_user("zoe@example.com", name="Zoë")
    row = put(address=person.email, person=person)
    User.objects.filter(pk=person.pk).update(email="zoe@elsewhere.example", is_active=False)
    delivery.deliver_batch(NOW)
    assert server.accepted == []
    assert (fresh(row).state, row.reason) == (State.SUPPRESSED, "the person is not active any more")


def test_still_wanted_is_asked_after_the_claim(kind, server):
    told = []
    kind(
        still_wanted=lambda row, now: f"{row.state} at {now:%H:%M}: not behind any more",
        never_arrived=lambda rows, now: told.extend(row.pk for row in rows),
    )
    row = put()
    delivery.deliver_batch(NOW)
    assert (fresh(row).state, row.reason) == (State.SUPPRESSED, "claimed at 09:00: not behind any more")
    assert told == [row.pk]
    assert server.accepted == []


def test_later_defers_and_never_drops(kind, server):
    tomorrow = NOW + timedelta(days=3)
    kind(still_wanted=lambda _row, now: None if now >= tomorrow else kinds.Later(tomorrow, "outside working hours"))
    row = put()
    delivery.deliver_batch(NOW)
    assert (fresh(row).state, row.next_at, row.reason) == (State.PENDING, tomorrow, "outside working hours")
    assert delivery.deliver_batch(tomorrow - timedelta(minutes=1)).claimed == 0
    delivery.deliver_batch(tomorrow)
    assert fresh(row).state == State.SENT


def test_words_are_rendered_late_and_kept(kind, server):
    kind(render=lambda row, now: kinds.Words("Fresh\r\nBcc: x@example.com", "as of now", headers={"List-Id": "<l>"}))
    row = put(subject="", text="", html="")
    delivery.deliver_batch(NOW)
    assert (fresh(row).subject, row.text, row.state) == ("Fresh Bcc: x@example.com", "as of now", State.SENT)
    assert b"Subject: Fresh Bcc: x@example.com\r\n" in server.accepted[0].data


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data", "text"])
def test_4xx_backs_off_and_expires_in_sight(kind, server, stage):
    server.on_stage = lambda at, _exchange: "451 4.3.0 not now" if at == stage else None
    row = put()
    now, waits = NOW, []
    while fresh(row).state == State.PENDING:
        delivery.deliver_batch(now)
        row = fresh(row)
        if row.state != State.PENDING:
            break
        waits.append((row.next_at - now).total_seconds() / 60)
        now = min(row.next_at, row.not_after)
    for wait, minutes in zip(waits, [1, 5, 15, 60, 240, 240], strict=False):
        assert 0.8 * minutes <= wait <= 1.2 * minutes
    assert (row.state, now) == (State.EXPIRED, NOW + timedelta(hours=48))
    assert row.reason == "not sent in time; 451 4.3.0 not now"
    assert 14 <= row.attempts <= 19
    assert User.objects.filter(address_suspended_reason__gt="").count() == 0


def test_5xx_for_the_address_fails_and_suspends_it(kind, server):
    person = User.objects.create_user("gone@example.com")
    row = put(address=person.email, person=person)
    other = put("two", "bob@example.com")
    server.on_stage = lambda at, x: "550 5.1.1 no such user" if at == "rcpt" and "gone@" in x.receivers[-1] else None
    delivery.deliver_batch(NOW)
    assert (fresh(row).state, row.reason) == (State.FAILED, "550 5.1.1 no such user")
    person.refresh_from_db()
    assert person.address_suspended_reason == "550 5.1.1 no such user"
    assert AuditRow.objects.get(kind="person").after == "address suspended"
    assert fresh(other).state == State.SENT
    assert server.connections == 1
    later = put("three", person.email, person=person)
    delivery.deliver_batch(NOW)
    assert (fresh(later).state, later.reason) == (
        State.SUPPRESSED,
        "the address is suspended: 550 5.1.1 no such user",
    )


@pytest.mark.parametrize(
    ("stage", "said"), [("rcpt", "550 5.7.1 relaying denied"), ("mail", "550 no"), ("text", "554 spam")]
)
def test_5xx_for_another_reason_fails_and_suspends_nobody(kind, server, stage, said):
    person = User.objects.create_user("alice@example.com")
    row = put(person=person)
    server.on_stage = lambda at, _exchange: said if at == stage else None
    delivery.deliver_batch(NOW)
    assert (fresh(row).state, row.reason) == (State.FAILED, said)
    person.refresh_from_db()
    assert person.address_suspended_reason == ""


@pytest.mark.parametrize("stage", ["connect", "mail", "rcpt", "data"])
def test_a_line_that_breaks_before_the_text_costs_a_minute_and_no_attempt(kind, server, stage):
    rows = [put(str(n), f"p{n}@example.com") for n in range(3)]
    server.on_stage = lambda at, _exchange: HANG_UP if at == stage else None
    batch = delivery.deliver_batch(NOW)
    assert (batch.claimed, batch.more) == (3, False)
    for row in rows:
        assert (fresh(row).state, row.attempts, row.next_at) == (State.PENDING, 0, NOW + timedelta(minutes=1))
    server.on_stage = lambda *_: None
    delivery.deliver_batch(NOW + timedelta(minutes=1))
    assert [fresh(row).state for row in rows] == [State.SENT] * 3
    assert set(server.counts().values()) == {1}


@pytest.mark.parametrize("stage", ["text", "accepted"])
def test_no_answer_to_the_text_is_in_doubt_and_never_sent_again_by_itself(kind, server, stage):
    row, other = put(), put("two", "bob@example.com")
    server.on_stage = lambda at, _exchange: HANG_UP if at == stage else None
    delivery.deliver_batch(NOW)
    assert fresh(row).state == State.IN_DOUBT
    assert row.reason.startswith("the mail server gave no answer to the text")
    assert fresh(other).state == State.PENDING
    server.on_stage = lambda *_: None
    for hours in (0, 1, 49):
        delivery.deliver_batch(NOW + timedelta(hours=hours, minutes=2))
    assert fresh(row).state == State.IN_DOUBT
    assert fresh(other).state == State.SENT
    assert outbox.send_again(row, NOW)
    delivery.deliver_batch(NOW)
    assert fresh(row).state == State.SENT


def test_a_dead_senders_rows_go_back_or_into_doubt(kind, server):
    claimed, handing = put(), put("two", "bob@example.com")
    _, rows = delivery.claim(NOW, 10)
    assert {row.pk for row in rows} == {claimed.pk, handing.pk}
    Delivery.objects.filter(pk=handing.pk).update(state=State.HANDING)
    just_before = NOW + delivery.LEASE - timedelta(seconds=1)
    assert delivery.deliver_batch(just_before).claimed == 0
    delivery.deliver_batch(NOW + delivery.LEASE)
    assert (fresh(claimed).state, fresh(handing).state) == (State.SENT, State.IN_DOUBT)
    assert server.counts() == {claimed.message_id: 1}


def test_a_sender_that_lost_its_lease_can_change_nothing(kind, server):
    """The first sender stalls before the text; a second one takes the row over and sends it."""
    row = put()
    late = NOW + delivery.LEASE

    def take_over(stage, exchange):
        if stage == "rcpt" and exchange.connection == 1:
            server.on_stage = lambda *_: None
            delivery.deliver_batch(late)

    server.on_stage = take_over
    batch = delivery.deliver_batch(NOW)
    assert dict(batch.ended) == {"not ours any more": 1}
    assert (fresh(row).state, row.sent_at) == (State.SENT, late)
    assert server.counts() == {row.message_id: 1}


def test_a_rivals_claim_is_not_ours_to_use_or_to_give_back(kind, server):
    """The first sender stalls, a second one claims the row and has not sent it yet; the first one wakes up again."""
    row = put()
    late = NOW + delivery.LEASE
    rival = []

    def claim_only(stage, _exchange):
        if stage == "rcpt" and not rival:
            delivery.sweep(late)
            rival.append(delivery.claim(late, 10)[0])

    server.on_stage = claim_only
    batch = delivery.deliver_batch(NOW)
    assert dict(batch.ended) == {"not ours any more": 1}
    assert (fresh(row).state, row.lease, row.attempts) == (State.CLAIMED, rival[0], 0)
    assert server.counts() == {}


def test_a_slow_answer_is_better_than_doubt(kind, server):
    """The server thinks about the text for longer than the lease: doubt first, then its 250."""
    row = put()
    seen = []

    def think(stage, _exchange):
        if stage == "accepted":
            delivery.sweep(NOW + delivery.LEASE)
            seen.append(fresh(row).state)

    server.on_stage = think
    delivery.deliver_batch(NOW)
    assert seen == [State.IN_DOUBT]
    assert (fresh(row).state, row.reason) == (State.SENT, "")


def test_one_bad_row_holds_nobody_up(kind, server):
    def render(row, _now):
        if row.key == "bad":
            raise RuntimeError("cannot say it")
        return kinds.Words("Fine", "Fine")

    kind(render=render)
    bad, good = put("bad"), put("good", "bob@example.com")
    unknown = put("x", "carol@example.com", kind="from the future")
    broken = put("y", "no\nbody@example.com")
    delivery.deliver_batch(NOW)
    assert fresh(good).state == State.SENT
    for row in (bad, unknown, broken):
        assert (fresh(row).state, row.attempts) == (State.PENDING, 1)
        assert row.reason.startswith("could not be prepared: ")
    delivery.sweep(NOW + timedelta(hours=48))
    assert {fresh(row).state for row in (bad, unknown, broken)} == {State.EXPIRED}


def test_a_stop_in_mid_sentence_leaves_doubt_for_one_and_the_rest_waiting(kind, server, monkeypatch):
    first, second = put(), put("two", "bob@example.com")

    def interrupted(self, sealed, address, handing):
        assert handing()
        raise KeyboardInterrupt

    monkeypatch.setattr(EmailSession, "send", interrupted)
    with pytest.raises(KeyboardInterrupt):
        delivery.deliver_batch(NOW)
    assert (fresh(first).state, fresh(second).state) == (State.HANDING, State.PENDING)


def test_two_senders_at_once_share_the_work(kind, server):
    for n in range(40):
        put(str(n), f"p{n}@example.com")

    def run():
        try:
            while delivery.deliver_batch(NOW, size=5).more:
                pass
        finally:
            connections.close_all()

    senders = [threading.Thread(target=run) for _ in range(3)]
    Delivery.objects.update(released_at=NOW)
    for thread in senders:
        thread.start()
    for thread in senders:
        thread.join(60)
    assert Delivery.objects.filter(state=State.SENT).count() == 40
    assert set(server.counts().values()) == {1}
    assert len(server.counts()) == 40


def test_a_batch_costs_two_queries_a_message_and_a_constant(kind, server):
    def cost(size):
        for n in range(size):
            put(f"{size}-{n}", f"p{n}@example.com")
        with CaptureQueriesContext(
            connection,
        ) as counted:
            delivery.deliver_batch(NOW)
        return len(counted)

    few, more = cost(2), cost(12)
    assert more - few == 20


# The brakes


def history(per_day, weeks=4):
    for week in range(1, weeks + 1):
        at = NOW - timedelta(weeks=week)
        for n in range(per_day):
            row = put(f"past {week} {n}")
            Delivery.objects.filter(pk=row.pk).update(state=State.SENT, sent_at=at)


def test_twenty_at_once_are_no_storm_and_twenty_one_are(kind, server):
    for n in range(20):
        put(str(n))
    assert guards.hold_storm(NOW) == 0
    put("20")
    assert guards.hold_storm(NOW) == 21
    row = Delivery.objects.first()
    assert (row.state, row.reason) == (
        State.HELD,
        "21 messages in one run, where at most 20 are expected: held until released",
    )
    assert delivery.deliver_batch(NOW).claimed == 0


def test_three_times_the_usual_is_no_storm(kind, server):
    history(per_day=10)
    assert guards.usual(NOW) == 10
    for n in range(30):
        put(str(n))
    assert guards.hold_storm(NOW) == 0
    put("30")
    assert guards.hold_storm(NOW) == 31


def test_a_storm_in_drops_is_a_storm(kind, server):
    for n in range(15):
        put(str(n))
    delivery.deliver_batch(NOW)
    for n in range(15, 21):
        put(str(n))
    assert guards.hold_storm(NOW + timedelta(hours=1)) == 6


def test_what_a_person_released_is_sent_and_checked_again(kind, server):
    for n in range(25):
        put(str(n))
    guards.hold_storm(NOW)
    later = NOW + timedelta(days=4)
    assert outbox.release(Delivery.objects.filter(state=State.HELD), later) == 25
    kind(still_wanted=lambda row, _now: "no more" if row.key == "3" else None)
    delivery.deliver_batch(later)
    assert Delivery.objects.filter(state=State.SENT).count() == 24
    assert Delivery.objects.get(state=State.SUPPRESSED).reason == "no more"


def test_a_kind_people_wait_for_is_never_held_by_a_storm(kind, server):
    kind(breaker=False)
    for n in range(25):
        put(str(n))
    assert guards.hold_storm(NOW) == 0


def test_a_cloned_database_holds_all_mail_until_it_is_adopted_and_released(kind, server, settings):
    settings.INSTANCE_ID = "production"
    assert guards.hold_foreign(NOW) == 0
    assert Instance.objects.get().name == "production"
    now_due, not_yet = put(), put("two", not_before=NOW + timedelta(days=1))
    settings.INSTANCE_ID = "staging"
    assert delivery.deliver_batch(NOW).claimed == 0
    assert (fresh(now_due).state, fresh(not_yet).state) == (State.HELD, State.HELD)
    assert "instance 'production', this is 'staging'" in now_due.reason
    outbox.release([now_due], NOW)
    assert delivery.deliver_batch(NOW).claimed == 0
    assert guards.adopt(NOW)
    outbox.release([now_due, not_yet], NOW)
    assert delivery.deliver_batch(NOW).claimed == 2
    assert server.counts().total() == 2


def test_without_an_instance_id_the_guard_is_off(kind, server, settings):
    Instance.objects.create(pk=1, name="production", since=NOW)
    settings.INSTANCE_ID = ""
    put()
    assert delivery.deliver_batch(NOW).claimed == 1


def test_dropping_tells_the_kind(kind, server):
    told = []
    kind(never_arrived=lambda rows, now: told.extend(row.key for row in rows))
    row = put()
    assert outbox.drop(row, NOW)
    assert not outbox.drop(row, NOW)
    assert (fresh(row).state, told) == (State.SUPPRESSED, ["one"])

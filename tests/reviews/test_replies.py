"""Invites, updates and cancellations as two calendar libraries read them; replies by link and by mail; hostile mail."""

from __future__ import annotations

import io
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
import time_machine
import vobject
from django.core.management import call_command
from django.db import OperationalError, connection, connections, transaction

from accounts.models import AuditRow
from nudges.models import Delivery
from program.models import Program, ProgramOwner
from reviews import invites, moving, replies, reply_links, schedule
from reviews.models import Attendance, Invitation, Review
from reviews.replies import NotTaken
from tests.people import NOW, settle

SENT = NOW + timedelta(days=2)
"""Four weeks before the review, less an hour and a half."""


@pytest.fixture
def world(db, settings):
    settings.SITE_URL = "https://quality.example.com"
    settings.DEFAULT_FROM_EMAIL = "Quality <quality@example.com>"
    made = settle()
    schedule.schedule(NOW)
    return made


def only() -> Review:
    return Review.objects.select_related("program__sponsor").get()


def told(person) -> list[Delivery]:
    return list(Delivery.objects.filter(kind="invite", person=person).order_by("pk"))


def test_invites_go_four_weeks_ahead_and_once(world):
    exact = only().starts_at - timedelta(weeks=4)
    assert invites.send_due(exact - timedelta(seconds=1)) == 0
    assert invites.send_due(exact) == 3
    assert invites.send_due(exact) == invites.send_due(exact + timedelta(days=7)) == 0
    assert only().invited_at == exact
    assert "The brief, one page, comes on Thu 9 Apr." in told(world.sam)[0].text


def test_two_libraries_read_one_meeting_that_moves_and_ends(world):
    invites.send_due(SENT)
    moving.move(only(), datetime(2026, 4, 16, 15, 30), "Sam is away", by=world.tess, now=SENT)
    moving.skip(only(), "Nothing to say", by=world.tess, now=SENT)
    read = []
    for row in told(world.sam):
        (part,) = row.attachments
        by_one = icalendar.Calendar.from_ical(part["content"])
        (event,) = by_one.walk("VEVENT")
        by_other = vobject.readOne(part["content"], validate=True)
        other = by_other.vevent
        assert part["method"] == by_one["METHOD"] == by_other.method.value
        assert str(event["UID"]) == other.uid.value
        assert int(event["SEQUENCE"]) == int(other.sequence.value)
        assert event["STATUS"] == other.status.value
        assert f"{event['DTSTART'].dt:%m-%d %H:%M}" == f"{other.dtstart.value:%m-%d %H:%M}"
        assert event["DTSTART"].dt.astimezone(UTC) == other.dtstart.value.astimezone(UTC)
        read.append((part["method"], other.uid.value, int(event["SEQUENCE"]), event["STATUS"], f"{event['DTSTART'].dt:%m-%d %H:%M}"))  # fmt: skip
    uid = f"{only().uid}@example.com"
    assert read == [
        ("REQUEST", uid, 0, "CONFIRMED", "04-14 10:00"),
        ("REQUEST", uid, 1, "CONFIRMED", "04-16 15:30"),
        ("CANCEL", uid, 2, "CANCELLED", "04-16 15:30"),
    ]


def test_who_left_gets_a_cancellation_who_came_an_invite_and_the_rest_nothing(world):
    invites.send_due(SENT)
    Program.objects.update(sponsor=world.gina)
    ProgramOwner.objects.filter(user=world.pam).delete()
    assert invites.send_due(SENT) == 3
    assert invites.send_due(SENT) == 0
    assert {who: [row.attachments[0]["method"] for row in told(getattr(world, who))] for who in ("sam", "pam", "tess", "gina")} == {
        "sam": ["REQUEST", "CANCEL"], "pam": ["REQUEST", "CANCEL"], "tess": ["REQUEST"], "gina": ["REQUEST"],
    }  # fmt: skip
    (event,) = icalendar.Calendar.from_ical(told(world.sam)[1].attachments[0]["content"]).walk("VEVENT")
    assert "STATUS" not in event  # the meeting itself goes on
    assert sorted(map(str, event["ATTENDEE"])) == ["mailto:pam@example.com", "mailto:sam@example.com"]
    assert event["SEQUENCE"] == 1
    assert "You do not sit in the review" in told(world.sam)[1].text
    Program.objects.update(sponsor=world.sam)
    invites.send_due(SENT)
    assert [row.key for row in told(world.sam)] == [f"typing/2026-04-14/{n}" for n in (0, 1, 2)]


def test_a_reply_by_link_counts_until_the_review_moves(world, client):
    invites.send_due(SENT)
    with time_machine.travel(SENT, tick=False):
        link = reply_links.address(only(), world.sam).removeprefix("https://quality.example.com")
        assert link in told(world.sam)[0].html
        assert client.get(link).status_code == client.get(f"{link}decline/").status_code == 200
        assert Attendance.objects.count() == 0
        assert client.post(link, {"reply": "perhaps"}).status_code == 400
        assert client.post(link, {"reply": "decline"})["Location"] == link
        assert "you cannot come" in client.get(link).content.decode()
        assert invites.replies(only()) == {world.sam.pk: "declined"}
        client.force_login(world.tess)
        assert "sam@example.com cannot come to the review of Every function typed" in client.get("/").content.decode()
        assert "sam@example.com cannot come." in client.get(f"/reviews/{only().pk}/").content.decode()
        moving.move(only(), datetime(2026, 4, 16, 15, 30), "", by=world.tess, now=SENT)
        assert invites.replies(only()) == {}
        over = client.get(link)
        assert (over.status_code, over["Referrer-Policy"]) == (410, "no-referrer")
        assert "Thu 16 Apr at 15:30 now (Europe/Riga)" in over.content.decode()
        assert client.post(link, {"reply": "accept"}).status_code == 410
        assert "cannot come" not in client.get("/").content.decode()
    assert AuditRow.objects.get(kind="invite").after == "declined"


def mail(who: str = "sam@example.com", *, sender: str = "", sequence: object = 0, partstat: str = "ACCEPTED", uid: str = "", method: str = "REPLY", stamp: str = "20260318T100000Z", more: str = "") -> bytes:  # fmt: skip
    """A reply as Outlook and Google send it."""
    uid = uid or f"{only().uid}@example.com"
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", f"METHOD:{method}", "BEGIN:VEVENT", f"UID:{uid}", f"SEQUENCE:{sequence}",
             f"DTSTAMP:{stamp}", "DTSTART:20260414T070000Z", "ORGANIZER:mailto:quality@example.com",
             f"ATTENDEE;PARTSTAT={partstat};CN=Sam:mailto:{who}", *([more] if more else []), "END:VEVENT", "END:VCALENDAR", ""]  # fmt: skip
    head = f"From: Sam <{sender or who}>\r\nTo: quality@example.com\r\nSubject: Accepted\r\nMIME-Version: 1.0\r\n"
    part = f"--b\r\nContent-Type: text/calendar; charset=utf-8; method={method}\r\n\r\n" + "\r\n".join(lines)
    return (f'{head}Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nYes\r\n{part}--b--\r\n').encode()  # fmt: skip


def test_a_mailed_reply_is_taken_by_the_command(world, monkeypatch, capsys):
    invites.send_due(SENT)
    for body, said in (
        (mail(), "sam@example.com accepted the review typing/2026-04-14 on Tue 14 Apr.\n"),
        (mail(stamp="20260318T100500Z"), "sam@example.com accepted the review typing/2026-04-14 on Tue 14 Apr (as before).\n"),
        (mail(partstat="DECLINED", stamp="20260318T100100Z"), "Not taken: A reply that was written later is kept already.\n"),
        (mail("SAM@example.com", partstat="TENTATIVE", stamp="20260318T101000Z"), "sam@example.com may come to the review typing/2026-04-14 on Tue 14 Apr.\n"),
    ):  # fmt: skip
        monkeypatch.setattr(sys, "stdin", type("Pipe", (), {"buffer": io.BytesIO(body)}))
        with time_machine.travel(SENT + timedelta(hours=2), tick=False):
            call_command("take_reply")
        assert capsys.readouterr().out == said
    row = Attendance.objects.get()
    assert (row.person, row.reply, row.reply_sequence) == (world.sam, "tentative", 0)


DEEP = b"From: sam@example.com\r\n" + b"".join(
    b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(3000)
)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (lambda: mail("alice@example.com"), "not invited"),
        (lambda: mail("stranger@example.com"), "Nobody with this address"),
        (lambda: mail(sender="evil@example.com"), "From is not ATTENDEE"),
        (lambda: mail().replace(b"From: Sam <sam@example.com>", b"From: sam@example.com, evil@example.com"), "one sender"),
        (lambda: mail().replace(b"From:", b"X-From:"), "one sender"),
        (lambda: mail(uid="review-made-up@example.com"), "No review has this UID"),
        (lambda: mail(uid=f"{only().uid}@elsewhere.example"), "No review has this UID"),
        (lambda: mail(uid="a" * 5000), "not one UID"),
        (lambda: mail(uid=" "), "not one UID"),
        (lambda: mail(uid="a\0b@example.com"), ""),
        (lambda: mail(more="UID:second"), "not one UID"),
        (lambda: mail(sequence=7), "never sent"),
        (lambda: mail(sequence=-1), "SEQUENCE is no number"),
        (lambda: mail(sequence="9" * 5000), ""),
        (lambda: mail(sequence="one"), ""),
        (lambda: mail(partstat="DELEGATED"), "neither accepts nor declines"),
        (lambda: mail(method="REQUEST"), "no reply"),
        (lambda: mail(more="RECURRENCE-ID:20260414T070000Z"), "one meeting"),
        (lambda: mail(more="ATTENDEE;PARTSTAT=ACCEPTED:mailto:tess@example.com"), "more than one attendee"),
        (lambda: mail().replace(b"ATTENDEE;PARTSTAT=ACCEPTED;CN=Sam:mailto:", b"ATTENDEE;PARTSTAT=ACCEPTED:http://"), "no e-mail address"),
        (lambda: mail().replace(b"text/calendar", b"text/plain"), "no calendar part"),
        (lambda: mail().replace(b"BEGIN:VEVENT", b"BEGIN:VEVENT\r\n" * 3000), ""),
        (lambda: mail() + b" " * 300_000, "larger than"),
        (lambda: b"", "one sender"),
        (lambda: b"\xff\xfe\0" * 1000, "one sender"),
        (lambda: DEEP, ""),
        (lambda: b"From: sam@example.com\r\nContent-Type: text/calendar; charset=no-such\r\n\r\nBEGIN:VCALENDAR", "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_no_reply_that_counts_changes_nothing(world, body, why):
    invites.send_due(SENT)
    with pytest.raises(NotTaken, match=why):
        replies.take(body(), SENT)
    assert Attendance.objects.count() == AuditRow.objects.filter(kind="invite").count() == 0


def test_a_reply_to_an_older_invite_does_not_count(world):
    invites.send_due(SENT)
    moving.move(only(), datetime(2026, 4, 16, 15, 30), "", by=world.tess, now=SENT)
    with pytest.raises(NotTaken, match="older invite"):
        replies.take(mail(), SENT)
    replies.take(mail(sequence=1), SENT)
    moving.skip(only(), "Nothing to say", by=world.tess, now=SENT)
    with pytest.raises(NotTaken, match="over, or does not take place"):
        replies.take(mail(sequence=1, stamp="20260319T100000Z"), SENT)


def test_a_reply_stands_where_only_others_came_and_went(world):
    invites.send_due(SENT)
    replies.take(mail(), SENT)
    ProgramOwner.objects.filter(user=world.pam).delete()
    invites.send_due(SENT)
    assert only().sequence == 1
    assert invites.replies(only()) == {world.sam.pk: "accepted"}
    assert Invitation.objects.get(person=world.sam).sequence == 0


def test_a_forged_time_far_ahead_does_not_shut_out_what_comes_later(world):
    invites.send_due(SENT)
    replies.take(mail(stamp="99991231T235959Z"), SENT)
    replies.take(mail(partstat="DECLINED", stamp="20260318T110000Z"), SENT + timedelta(days=1))


def test_a_time_that_cannot_be_read_is_none(world):
    """The calendar library complains of it only when it is looked at."""
    invites.send_due(SENT)
    replies.take(mail(stamp="20x60318T100000Z"), SENT + timedelta(hours=1))
    assert Attendance.objects.get(person=world.sam).reply == Attendance.Reply.ACCEPTED


@pytest.mark.django_db(transaction=True)
def test_a_reply_and_a_change_of_who_sits_in_it_do_not_wait_for_each_other(world):
    """Both at once: the one holds the invitation, the other the review, and each then needs the other's."""
    at_once = connection.vendor == "postgresql"  # in SQLite one at a time writes
    invites.send_due(SENT)
    Program.objects.update(sponsor=None)
    ended: list[object] = []

    def who_left() -> None:
        try:
            ended.append(invites.send_due(SENT))
        except OperationalError as fault:
            ended.append(fault)
        finally:
            connections.close_all()

    other = threading.Thread(target=who_left)
    with transaction.atomic():
        Invitation.objects.select_for_update().get(person=world.sam)
        if at_once:
            other.start()
            _until_somebody_waits()
        replies.say(only(), world.sam, Attendance.Reply.DECLINED, 0, SENT, via="page")
    if not at_once:
        other.start()
    other.join()
    assert ended == [1]
    assert Attendance.objects.get(person=world.sam).reply == Attendance.Reply.DECLINED
    assert Invitation.objects.get(person=world.sam).withdrawn_at == SENT


def _until_somebody_waits() -> None:
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("nobody came to wait")

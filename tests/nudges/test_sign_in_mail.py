"""Mail about signing in: private, sent by the outbox like any other, held by no storm, and erased once it is sent."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from allauth.account.adapter import get_adapter as account_adapter
from allauth.mfa.adapter import get_adapter as mfa_adapter
from django.core import mail
from django.db import transaction

from accounts import entry, roles
from accounts.models import EntryLink, PasswordAsk, User
from accounts.roles import Role
from nudges import delivery, kinds, sign_in_mail, tasks
from nudges.models import Delivery
from tests.people import NOW, PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
LINK = re.compile(r"https://quality\.example\.com/set-password/([\w-]{43})/")


@pytest.fixture
def ann(db) -> User:
    return User.objects.create_user("ann@example.com", PASSWORD, name="Ann")


@pytest.fixture
def root(db) -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD, name="Root")


def invited(root: User, email: str = "new@example.com") -> Delivery:
    with transaction.atomic():
        return sign_in_mail.invite(entry.invite(email, Role.MEMBER, root, NOW), NOW)


def send(now=NOW) -> None:
    while delivery.deliver_batch(now).more:
        pass


def texts(server) -> list[str]:
    found = []
    for exchange in server.accepted:
        body = message_from_bytes(exchange.data, policy=policy.default).get_body(("plain",))
        found.append(body.get_content())
    return found


def test_the_job_answers_who_asked_and_the_body_is_erased_once_it_is_sent(mail_server, ann):
    entry.ask(ann.email, NOW)
    entry.ask("nobody@example.com", NOW)
    tasks.deliver_due()
    (text,) = texts(mail_server)
    token = LINK.search(text)[1]
    row = Delivery.objects.get()
    assert (row.state, row.text, row.html, row.kind) == ("sent", "", "", "password-reset")
    assert entry.find(token, row.created_at).user == ann
    assert not PasswordAsk.objects.exists()
    assert token not in str(list(EntryLink.objects.values()))


def test_an_invitation_says_who_invites_and_leads_to_a_password(mail_server, root):
    invited(root)
    send()
    (text,) = texts(mail_server)
    assert text.startswith("Root invites you to Quality programs: see where your team stands")
    assert "until 23 Mar 2026 09:30 UTC" in text
    assert entry.find(LINK.search(text)[1], NOW).purpose == "invitation"


def test_a_letter_whose_link_is_none_any_more_is_not_sent(mail_server, root):
    first, second = invited(root), invited(root)
    gone = invited(root, "gone@example.com")
    roles.deactivate(gone.person, root, NOW)
    late = invited(root, "late@example.com")
    send(NOW)
    send(NOW + timedelta(days=8))
    for row in (first, second, gone, late):
        row.refresh_from_db()
    assert (first.state, first.reason) == ("suppressed", "its link was used, or another one came after it")
    assert (second.state, gone.state, gone.reason, late.state) == ("sent", "suppressed", "the person has left", "sent")
    assert {row.text for row in (first, second, gone, late)} == {""}


def test_an_invitation_may_wait_for_a_mail_server_as_long_as_it_lasts(mail_server, root):
    row = invited(root)
    send(NOW + timedelta(days=7))
    row.refresh_from_db()
    assert (row.state, row.text) == ("expired", "")


def test_a_refused_or_suspended_address_is_tried_all_the_same(mail_server, ann):
    User.objects.update(address_suspended_reason="550 no such user")
    entry.ask(ann.email, NOW)
    sign_in_mail.answer_asks(NOW)
    send()
    assert len(mail_server.accepted) == 1


def test_many_asks_are_answered_in_constant_queries_each(ann, django_assert_max_num_queries):
    for n in range(60):
        entry.ask(f"nobody{n}@example.com", NOW)
    with django_assert_max_num_queries(70):
        assert sign_in_mail.answer_asks(NOW) == 0
    assert not PasswordAsk.objects.exists()


def test_no_storm_holds_what_somebody_waits_for(root):
    for name in ("invitation", "password-reset", "sign-in-changed"):
        assert kinds.get(name).breaker is False
        assert name not in kinds.held_by_breaker()


def test_it_is_nobody_elses_to_read(root, ann):
    row = invited(root)
    assert not Delivery.objects.visible_to(root).filter(pk=row.pk).exists()
    assert Delivery.objects.visible_to(row.person).filter(pk=row.pk).exists()


def test_who_changed_what_is_told(mail_server, ann, root):
    sign_in_mail.tell_of_change(ann, sign_in_mail.FACTOR_REMOVED, NOW, root)
    sign_in_mail.tell_of_change(ann, sign_in_mail.SECOND_FACTOR, NOW, ann)
    send()
    removed, was_set = texts(mail_server)
    assert "removed at 16 Mar 2026 09:30 UTC, by Root" in removed
    assert "talk to Root" in removed
    assert "https://quality.example.com/forgot-password/" in was_set


def test_nothing_is_sent_past_the_outbox(ann):
    with pytest.raises(RuntimeError, match="past the outbox"):
        account_adapter().send_mail("account/email/password_reset_key", ann.email, {})
    account_adapter().send_notification_mail("account/email/password_changed", ann)
    mfa_adapter().send_notification_mail("mfa/email/totp_activated", ann)
    assert mail.outbox == []

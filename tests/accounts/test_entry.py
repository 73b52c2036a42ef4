"""Invitations: who may be invited by whom and as what, and by a command, as the first administrator is."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import entry, roles, share_links, throttle, tidying, tokens
from accounts.models import AccessToken, Attempt, AuditRow, EntryLink, ShareLink, User
from accounts.roles import Refused, Role
from tests.people import NOW, PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD, name="Root")


@pytest.fixture
def tess() -> User:
    return User.objects.create_user("tess@example.com", PASSWORD, name="Tess")


@pytest.mark.parametrize("role", [None, *Role])
def test_an_administrator_invites_as_anything(root, role):
    opened = entry.invite(" New@Example.COM ", role, root, NOW, name=" New  One ")
    person = opened.link.user
    assert (person.email, person.name, roles.of(person)) == ("new@example.com", "New One", role or Role.MEMBER)
    assert not person.has_usable_password()
    assert opened.link.expires_at == NOW + timedelta(days=7)
    row = AuditRow.objects.get()
    assert (row.kind, row.key, row.actor) == ("person", "new@example.com", root)
    assert row.after == {"name": "New One", "role": str(role or Role.MEMBER), "invited": True}


def test_others_invite_members_only(tess):
    for role in (Role.ADMIN, Role.VIEWER):
        with pytest.raises(Refused, match=f"Only an administrator may invite somebody as {role}"):
            entry.invite("new@example.com", role, tess, NOW)
    assert roles.of(entry.invite("new@example.com", Role.MEMBER, tess, NOW).link.user) == Role.MEMBER


def test_somebody_known_keeps_name_and_role_unless_an_administrator_gives_one(root, tess):
    known = User.objects.create_user("known@example.com", name="Known", reads_only=True)
    entry.invite(known.email, Role.MEMBER, tess, NOW, name="Other")
    entry.invite(known.email, None, root, NOW, name="Other")
    known.refresh_from_db()
    assert (known.name, roles.of(known)) == ("Known", Role.VIEWER)
    entry.invite(known.email, Role.MEMBER, root, NOW)
    known.refresh_from_db()
    assert roles.of(known) == Role.MEMBER
    assert EntryLink.objects.filter(user=known, revoked_at=None).count() == 1


def test_who_can_sign_in_or_was_deactivated_is_not_invited(root, tess):
    with pytest.raises(Refused, match="Tess can sign in already"):
        entry.invite(tess.email, None, root, NOW)
    by_sso = User.objects.create_user("sso@example.com", last_login=NOW)
    with pytest.raises(Refused, match="can sign in already"):
        entry.invite(by_sso.email, None, root, NOW)
    roles.deactivate(tess, root, NOW)
    with pytest.raises(Refused, match="Tess was deactivated"):
        entry.invite(tess.email, None, root, NOW)
    assert not EntryLink.objects.exists()


@pytest.mark.parametrize(
    "email", ["", "nobody", "@example.com", "a@", "a b@example.com", "a@b@c.example", "a\0@b.example", "x" * 65 + "@e.example",
              "a@" + "x" * 300, "a\r\nBcc: b@example.com", "<a@example.com>", "a,b@example.com"],
)  # fmt: skip
def test_what_is_no_e_mail_is_refused(root, email):
    with pytest.raises(Refused, match="An e-mail address such as"):
        entry.invite(email, None, root, NOW)
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", ["x" * 201, "a\0b", "a\u202eb", "a\x07b"])
def test_what_is_no_name_is_refused(root, name):
    with pytest.raises(Refused, match="A name of at most 200 characters"):
        entry.invite("new@example.com", None, root, NOW, name=name)


@pytest.mark.parametrize("name", ["Zoë Ōta", "李小龍", "می\u200cخواهم", "O'Brien-Smith <Jr>"])
def test_names_of_all_scripts_are_names(root, name):
    assert entry.invite("new@example.com", None, root, NOW, name=name).link.user.name == name


def test_the_first_administrator_gets_in_by_a_command(client, capsys):
    call_command("invite", "First@Example.com", "--role", "admin", "--name", "First")
    said = capsys.readouterr()
    address = said.out.strip()
    assert address.startswith("http://127.0.0.1:8000/set-password/")
    assert "For first@example.com: it works once, until" in said.err
    client.get(address.removeprefix("http://127.0.0.1:8000"))
    assert client.post("/set-password/", {"name": "First", "password": PASSWORD})["Location"] == "/sign-in/"
    person = User.objects.get()
    assert roles.of(person) == Role.ADMIN
    assert client.post("/sign-in/", {"username": person.email, "password": PASSWORD})["Location"] == "/"
    assert client.get(f"/people/{person.pk}/").status_code == 200
    assert list(AuditRow.objects.values_list("via", "actor")) == [("invitation link", person.pk), ("command", None)]
    with pytest.raises(CommandError, match="First can sign in already"):
        call_command("invite", person.email)
    with pytest.raises(CommandError, match="An e-mail address such as"):
        call_command("invite", "nobody")


def test_what_is_over_is_let_go_and_invitations_are_kept(root, client):
    client.force_login(root)
    old = NOW - timedelta(days=31)
    for purpose in EntryLink.Purpose.values:
        EntryLink.objects.create(purpose=purpose, user=root, digest=purpose, created_at=old, expires_at=old)
    throttle.take((throttle.SIGN_IN, "x"), now=old)
    tidying.tidy(NOW)
    assert list(EntryLink.objects.values_list("purpose", flat=True)) == ["invitation"]
    assert not Attempt.objects.exists()
    assert client.get("/me/").status_code == 200


def both_links(person: User) -> tuple[str, str]:
    """An invitation and a link for a new password, both live."""
    opened = [entry._open(person, purpose, None, NOW, timedelta(hours=1)) for purpose in ("invitation", "password")]
    assert all(entry.find(one.token, NOW) for one in opened)
    return opened[0].token, opened[1].token


def test_setting_a_password_stops_every_other_link(tess):
    invitation, forgotten = both_links(tess)
    assert entry.use(forgotten, "quite another password", NOW, name="Mallory") == tess
    assert entry.find(invitation, NOW) is None
    tess.refresh_from_db()
    assert tess.name == "Tess"  # only an invitation asks for the name
    for token in both_links(tess):
        entry.change_password(tess, "a third password here", NOW)
        assert entry.find(token, NOW) is None


def test_a_link_of_somebody_who_may_not_enter_is_none(tess):
    held = both_links(tess)
    User.objects.filter(pk=tess.pk).update(is_active=False)
    assert [entry.find(token, NOW) for token in held] == [None, None]
    assert entry.use(held[0], "quite another password", NOW) is None


def test_nothing_that_opens_something_is_kept_as_it_is(root):
    """Whoever reads the database cannot sign in with what stands there."""
    opened = entry.invite("new@example.com", None, root, NOW)
    _, token = tokens.issue("x", ["scorecards:read"], created_by=root)
    _, shared = share_links.make("x", "team:api", by=root, now=NOW)
    kept = json.dumps(
        [*EntryLink.objects.values(), *AccessToken.objects.values(), *ShareLink.objects.values()], default=str
    )
    for secret in (opened.token, token, shared):
        assert secret not in kept
        assert hashlib.sha256(secret.encode()).hexdigest() in kept


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_sets_the_password():
    person = User.objects.create_user("many@example.com", PASSWORD)
    opened = entry._open(person, "password", None, NOW, timedelta(hours=1))

    def one(n: int) -> bool:
        try:
            return entry.use(opened.token, f"the password of number {n}", NOW) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(one, range(16)))
    assert sum(done) == 1
    person.refresh_from_db()
    assert person.check_password(f"the password of number {done.index(True)}")

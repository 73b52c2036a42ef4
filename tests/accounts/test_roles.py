"""Roles across the organization: given and taken by the rules, at once, on record; the last administrator stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts import roles, tokens
from accounts.models import AuditRow, EntryLink, ShareLink, User
from accounts.roles import Refused, Role
from tests.people import NOW, PASSWORD, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD)


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann@example.com", PASSWORD, name="Ann")


def last_row() -> tuple[object, ...]:
    row = AuditRow.objects.filter(kind="person").first()
    return row.kind, row.key, row.actor, row.before, row.after, row.reason


@pytest.mark.parametrize("role", list(Role))
def test_a_role_is_given_once_and_on_record(root, ann, role):
    before = roles.of(ann)
    assert roles.give(ann, role, root, NOW, reason="as agreed") is (role != before)
    assert (roles.of(ann), ann.is_superuser, ann.reads_only) == (role, role == Role.ADMIN, role == Role.VIEWER)
    assert roles.give(ann, role, root, NOW) is False
    if role != before:
        assert last_row() == ("person", ann.email, root, {"role": "member"}, {"role": str(role)}, "as agreed")
        assert AuditRow.objects.count() == 1


def test_nobody_demotes_or_deactivates_themselves(root):
    User.objects.create_superuser("other@example.com", PASSWORD)
    for act in (lambda: roles.give(root, Role.MEMBER, root, NOW), lambda: roles.deactivate(root, root, NOW)):
        with pytest.raises(Refused, match=r"Nobody can .* themselves"):
            act()
    root.refresh_from_db()
    assert (root.is_active, roles.of(root)) == (True, Role.ADMIN)
    assert not AuditRow.objects.exists()


def test_the_last_administrator_stays_also_by_a_command(root):
    gone = User.objects.create_superuser("gone@example.com", PASSWORD)
    assert roles.deactivate(gone, root, NOW)
    for act in (lambda: roles.give(root, Role.VIEWER, None, NOW), lambda: roles.deactivate(root, None, NOW)):
        with pytest.raises(Refused, match=r"root@example\.com is the last administrator"):
            act()
    roles.reactivate(gone, root, NOW)
    assert roles.deactivate(root, gone, NOW)


def test_a_viewers_tokens_that_write_stop_and_those_that_read_go_on(root, ann):
    _, secret = tokens.issue("build", ["observations:feed:ci"], created_by=ann)
    reads, other = tokens.issue("wall", ["scorecards:read"], created_by=ann)
    roles.give(ann, Role.VIEWER, root, NOW)
    assert tokens.recognize(secret, NOW) is None
    assert tokens.recognize(other, NOW) == reads
    assert last_row()[4] == {"role": "viewer", "tokens revoked": 1}


def test_deactivation_ends_everything_at_once_and_keeps_the_history(client, root):
    world = settle()
    alice = world.alice
    _, secret = tokens.issue("build", ["observations:feed:ci"], created_by=alice)
    _, others = tokens.issue("bob's", ["observations:feed:ci"], created_by=world.bob)
    ShareLink.objects.create(label="wall", scope="team:api", digest="d", created_by=alice, created_at=NOW)
    EntryLink.objects.create(
        purpose="password", user=alice, digest="e", created_at=NOW, expires_at=NOW + timedelta(hours=1)
    )
    client.login(username=alice.email, password=PASSWORD)
    assert client.get("/teams/api/").status_code == 200
    assert roles.deactivate(alice, root, NOW, reason="left") is True
    assert client.get("/teams/api/")["Location"] == "/sign-in/?next=/teams/api/"
    assert client.post("/sign-in/", {"username": alice.email, "password": PASSWORD}).status_code == 400
    assert tokens.recognize(secret, NOW) is None
    assert tokens.recognize(others, NOW) is not None
    assert ShareLink.objects.get().revoked_at == EntryLink.objects.get().revoked_at == NOW
    assert list(alice.memberships.values_list("team__key", "role")) == [("api", "lead")]
    after = {"active": False, "tokens revoked": 1, "share links revoked": 1}
    assert last_row() == ("person", alice.email, root, {"active": True}, after, "left")
    assert roles.deactivate(alice, root, NOW) is False
    # Let in again: with a new sign-in, and nothing that ended comes back.
    assert roles.reactivate(alice, root, NOW) is True
    assert roles.reactivate(alice, root, NOW) is False
    assert client.get("/teams/api/").status_code == 302
    assert tokens.recognize(secret, NOW) is None
    assert client.post("/sign-in/", {"username": alice.email, "password": PASSWORD})["Location"] == "/"
    assert client.get("/teams/api/").status_code == 200


def test_signed_out_everywhere_is_every_session(client, ann):
    client.login(username=ann.email, password=PASSWORD)
    assert client.get("/me/").status_code == 200
    roles.sign_out_everywhere(ann, ann, NOW)
    assert client.get("/me/").status_code == 302
    assert last_row()[4] == "signed out everywhere"


@pytest.mark.parametrize("end", ["leaves", "only reads"])
def test_who_leaves_stands_in_for_nobody_any_more(root, ann, end):
    bo = User.objects.create_user("bo@example.com", deputy=ann)
    if end == "leaves":
        assert roles.deactivate(ann, root, NOW)
    else:
        assert roles.give(ann, Role.VIEWER, root, NOW)
    bo.refresh_from_db()
    assert bo.deputy is None
    row = AuditRow.objects.get(key="bo@example.com")
    assert (row.actor, row.before, row.after) == (root, {"deputy": "ann@example.com"}, {"deputy": None})
    assert row.reason.startswith("ann@example.com ")

"""The page of people: who sees what, inviting, and what an administrator does about somebody."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts import entry, roles, second_factor, tokens
from accounts.models import AuditRow, ShareLink, User
from nudges.models import Delivery
from program.models import Program
from tests.accounts.test_second_factor import set_up
from tests.people import NOW, PASSWORD, World, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    with time_machine.travel(NOW, tick=False):
        yield settle()


@pytest.fixture
def root(world) -> User:
    return User.objects.create_superuser("root@example.com", PASSWORD, name="Root")


def as_(person: User | str) -> Client:
    client = Client()
    email = person if isinstance(person, str) else person.email
    assert client.login(username=email, password=PASSWORD)
    return client


def said(answer) -> str:
    text = re.sub(r"<(title|select).*?</\1>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_everybody_sees_who_may_enter_and_an_administrator_how_far_each_is(world, root):
    User.objects.create_user("gone@example.com", is_active=False, name="Gone Person")
    entry.invite("new@example.com", None, root, NOW, name="New Person")
    page = said(as_("charlie@example.com").get("/people/"))
    assert "10 people may enter here." in page
    assert "Alice alice@example.com Api (lead) member" in page
    assert "Gone Person" not in page
    assert "invited" not in page
    assert "Invite somebody" not in page
    page = said(as_(root).get("/people/"))
    assert "11 people: 9 sign in, 1 does not yet and 1 is deactivated." in page
    assert "New Person new@example.com no team member invited, until 23 Mar 2026" in page
    assert "Gone Person gone@example.com no team member deactivated" in page
    assert "Root root@example.com no team admin last signed in 16 Mar 2026" in page
    assert "Bob bob@example.com Api member has a password, never signed in" in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=ALI", ["Alice"]), ("q=example.com&show=admins", ["Root"]), ("q=api", ["Alice", "Bob"]),
        ("q=%00", None), ("q=nobody", []), ("show=no-team&q=charl", ["Charlie"]), ("show=gone", []), ("show=none", ["Quiet"]),
        ("show=viewers", ["Viv"]), ("show=nonsense&q=tess", ["tess@example.com"]), ("q=" + "x" * 5000, []),
        ("page=99999999999999999999&q=alice", ["Alice"]), ("page=x&q=alice", ["Alice"]), ("q=%25", []), ("q=_", []),
    ],
)  # fmt: skip
def test_it_finds_and_narrows(world, root, query, found):
    User.objects.create_user("viv@example.com", PASSWORD, name="Viv", reads_only=True)
    User.objects.create_user("quiet@example.com", name="Quiet")
    page = as_(root).get(f"/people/?{query}")
    assert page.status_code == 200
    names = re.findall(r'<td><a href="/people/\d+/">(.*?)</a>', page.content.decode())
    if found is not None:
        assert names == found


def test_a_hostile_name_is_shown_as_it_is(world, root):
    User.objects.create_user("x@example.com", name="<script>alert(1)</script>")
    for address in ("/people/?q=script", f"/people/{User.objects.get(email='x@example.com').pk}/"):
        body = as_(root).get(address).content.decode()
        assert "<script>alert" not in body
        assert "&lt;script&gt;" in body


def test_queries_are_constant(world, root, django_assert_num_queries):
    client = as_(root)

    def look() -> None:
        with django_assert_num_queries(9):
            assert client.get("/people/").status_code == 200

    look()
    for n in range(120):
        person = User.objects.create_user(f"p{n}@example.com", name=f"P {n:03}")
        world.api.memberships.create(user=person)
    look()
    page = client.get("/people/?page=2&show=none")
    assert "Page 2 of 3" in said(page)
    assert 'href="?q=&amp;show=none&amp;page=3"' in page.content.decode()
    with django_assert_num_queries(12):
        client.get(f"/people/{world.alice.pk}/")


def test_an_administrator_invites_as_anything_and_the_mail_waits_in_the_outbox(world, root):
    client = as_(root)
    answer = client.post("/people/invite", {"email": "New@example.com", "name": "New", "role": "viewer"})
    assert answer["Location"] == "/people/"
    assert "An invitation to new@example.com waits in the outbox: below is said how its mail stands." in said(
        client.get("/people/")
    )
    person = User.objects.get(email="new@example.com")
    assert (roles.of(person), person.name) == ("viewer", "New")
    letter = Delivery.objects.get()
    assert (letter.kind, letter.private, letter.person) == ("invitation", True, person)
    assert letter.subject == "Root invites you to Quality programs"


def test_an_owner_invites_members_and_others_nobody(world, root):
    tess = as_("tess@example.com")
    assert "Invite somebody" in said(tess.get("/people/"))
    assert 'name="role"' not in tess.get("/people/").content.decode()
    assert tess.post("/people/invite", {"email": "new@example.com"}).status_code == 302
    refused = tess.post("/people/invite", {"email": "other@example.com", "name": "<Other>", "role": "admin"})
    assert refused.status_code == 400
    assert "Only an administrator may invite somebody as admin." in said(refused)
    assert 'value="&lt;Other&gt;"' in refused.content.decode()
    assert tess.post("/people/invite", {"email": "a@example.com", "role": "king"}).status_code == 400
    for name in ("alice", "sam", "charlie"):
        assert as_(f"{name}@example.com").post("/people/invite", {"email": "x@example.com"}).status_code == 404
    Program.objects.update(state=Program.State.DRAFT)
    assert not User.objects.filter(email__in=("other@example.com", "x@example.com", "a@example.com")).exists()


def test_inviting_is_throttled(world, root):
    client = as_(root)
    for n in range(100):
        client.post("/people/invite", {"email": f"p{n}@example.com"})
    assert client.post("/people/invite", {"email": "more@example.com"}).status_code == 429


@pytest.mark.parametrize("name", ["alice", "gina", "tess", "sam", "charlie"])
def test_only_an_administrator_does_something_about_somebody(world, root, name):
    client = as_(f"{name}@example.com")
    assert client.get(f"/people/{world.bob.pk}/").status_code == 404
    assert client.get("/people/import/").status_code == 404
    for action in ("role", "deactivate", "reactivate", "sign-out", "remove-factor", "invite"):
        assert client.post(f"/people/{world.bob.pk}/{action}", {"role": "admin"}).status_code == 404
    assert not AuditRow.objects.filter(kind="person", key="bob@example.com", actor__isnull=False).exists()


def test_a_role_is_given(world, root):
    client = as_(root)
    address = f"/people/{world.bob.pk}/"
    assert client.post(f"{address}role", {"role": "viewer", "reason": " an auditor "})["Location"] == address
    page = said(client.get(address))
    assert "Bob is now a viewer: sees what members see, and changes nothing." in page
    assert "“an auditor”" in page
    assert client.post(f"{address}role", {"role": "king"}).status_code == 400
    assert client.post(f"{address}role", {}).status_code == 400
    assert client.post(f"{address}role", {"role": "member", "reason": "x" * 501}).status_code == 400
    assert client.post(f"{address}role", {"role": "member", "reason": "a\0b"}).status_code == 302
    assert AuditRow.objects.first().reason == "ab"
    assert client.post(f"{address}explode").status_code == 404
    assert client.get(f"{address}role").status_code == 405


def test_the_last_administrator_and_oneself_stay(world, root):
    client = as_(root)
    for action, form in (("role", {"role": "member"}), ("deactivate", {}), ("sign-out", {}), ("remove-factor", {})):
        answer = client.post(f"/people/{root.pk}/{action}", form)
        assert answer.status_code == 400, action
    root.refresh_from_db()
    assert (root.is_active, root.is_superuser) == (True, True)
    assert "only another administrator can change" in said(client.get(f"/people/{root.pk}/"))


def test_deactivation_says_before_what_ends_and_ends_it_at_once(world, root):
    alice, client = as_(world.alice), as_(root)
    _, secret = tokens.issue("nightly build", ["observations:feed:ci"], created_by=world.alice)
    ShareLink.objects.create(label="wall", scope="team:api", digest="d", created_by=world.alice, created_at=NOW)
    address = f"/people/{world.alice.pk}/"
    page = said(client.get(address))
    assert "Sessions, 1 access token and 1 share link end, and do not come back." in page
    assert "nightly build, wall" in page
    assert alice.get("/teams/").status_code == 200
    assert client.post(f"{address}deactivate", {"reason": "left"})["Location"] == address
    assert alice.get("/teams/").status_code == 302
    assert tokens.recognize(secret, NOW) is None
    page = said(client.get(address))
    assert "Root : active: no, tokens revoked: 1, share links revoked: 1 “left”" in page.replace("Root:", "Root :")
    assert "Member, deactivated." in page
    assert "Api (lead) since 16 Mar 2026" in page
    assert client.post(f"{address}reactivate")["Location"] == address
    assert alice.get("/teams/").status_code == 302


def test_a_lost_factor_is_removed_and_told(world, root):
    set_up(world.bob, datetime.now(UTC))
    client = as_(root)
    address = f"/people/{world.bob.pk}/"
    assert "with a second factor." in said(client.get(address))
    client.post(f"{address}remove-factor", {"reason": "lost phone"})
    assert not second_factor.is_set(world.bob)
    assert "Bob signs in without a second factor now." in said(client.get(address))
    assert AuditRow.objects.first().reason == "lost phone"
    assert "by Root" in Delivery.objects.get().text
    client.post(f"{address}remove-factor")
    assert Delivery.objects.count() == 1


def test_an_invitation_is_sent_again_and_sessions_ended(world, root):
    client = as_(root)
    new = entry.invite("new@example.com", None, root, NOW).link.user
    client.post(f"/people/{new.pk}/invite")
    assert new.entry_links.filter(revoked_at=None).count() == 1
    assert Delivery.objects.get().address == "new@example.com"
    assert client.post(f"/people/{world.bob.pk}/invite").status_code == 400
    bob = as_(world.bob)
    client.post(f"/people/{world.bob.pk}/sign-out")
    assert bob.get("/me/").status_code == 302


def test_addresses_of_nobody(world, root):
    client = as_(root)
    for pk in ("0", "999999", "9" * 30):
        assert client.get(f"/people/{pk}/").status_code == 404
        assert client.post(f"/people/{pk}/deactivate").status_code == 404


def test_an_administrator_who_reads_only_is_none(world, root):
    User.objects.create_superuser("other@example.com", PASSWORD)
    client = as_(root)
    User.objects.filter(pk=root.pk).update(reads_only=True)
    assert client.get(f"/people/{world.bob.pk}/").status_code == 404
    assert client.get("/people/import/").status_code == 404
    assert "Invite somebody" not in said(client.get("/people/"))


def test_an_ended_invitation_is_told(world, root):
    entry.invite("new@example.com", None, root, NOW - timedelta(days=8), name="New")
    assert "invitation ended 15 Mar 2026" in said(as_(root).get("/people/"))


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({}, "the mail has waited to be sent since 16 Mar 2026 09:30."),
        ({"reason": "connection refused"}, "the mail has waited since 16 Mar 2026 09:30, and could not be sent so far: "
         "connection refused."),
        ({"state": "sent", "sent_at": NOW + timedelta(minutes=1)}, "the mail was sent on 16 Mar 2026 09:31."),
        ({"state": "held", "reason": "too many at once"}, "the mail is held in the outbox: too many at once."),
        ({"state": "in doubt", "reason": "cut"}, "the mail may have arrived or not: cut."),
        ({"state": "failed", "reason": "550 no such user"}, "the mail could not be sent: 550 no such user."),
        (None, "no mail was sent: its link was printed on the server."),
    ],
)  # fmt: skip
def test_who_invites_sees_how_the_mail_stands(world, root, state, told):
    hint = "Without a mail server: manage.py invite new@example.com on the server prints another link"
    tess = as_("tess@example.com")
    tess.post("/people/invite", {"email": "new@example.com", "name": "New"})
    if state is None:
        Delivery.objects.all().delete()
    elif state:
        Delivery.objects.update(**state)
    assert f"Invited, not here yet New : {told}" in said(tess.get("/people/")).replace("New:", "New :")
    assert hint not in said(tess.get("/people/")), "who has no way to the server is not sent there"
    person = User.objects.get(email="new@example.com")
    is_out = state is not None and state.get("state") == "sent"
    for page in (said(as_(root).get("/people/")), said(as_(root).get(f"/people/{person.pk}/"))):
        assert told in page
        assert (hint in page) is not is_out
    assert "Invited, not here yet" not in said(as_("pam@example.com").get("/people/")), "another owner's"
    assert "Invited, not here yet" not in said(as_("charlie@example.com").get("/people/"))


def test_an_invitation_that_opens_nothing_any_more_is_not_told(world, root):
    client = as_(root)
    client.post("/people/invite", {"email": "new@example.com"})
    person = User.objects.get(email="new@example.com")
    for change in ({"used_at": NOW}, {"revoked_at": NOW}, {"expires_at": NOW}):
        person.entry_links.update(**change)
        for address in ("/people/", f"/people/{person.pk}/"):
            assert "Invited, not here yet" not in said(client.get(address))
        person.entry_links.update(used_at=None, revoked_at=None, expires_at=NOW + timedelta(days=1))
    assert "Invited, not here yet" in said(client.get("/people/"))

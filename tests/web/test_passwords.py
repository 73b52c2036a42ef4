"""A forgotten password: asked for alike whoever is known, a link by mail that works once and changes nothing on a GET."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client

from accounts import entry, roles
from accounts.models import AuditRow, EntryLink, PasswordAsk, User
from accounts.roles import Role
from nudges import sign_in_mail
from nudges.models import Delivery
from tests.people import NOW, PASSWORD

pytestmark = pytest.mark.django_db
NEW = "quite another password"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def ann(db) -> User:
    return User.objects.create_user("ann@example.com", PASSWORD, name="Ann")


def answered() -> Delivery | None:
    """What the outbox holds once asks are answered."""
    sign_in_mail.answer_asks(NOW)
    return Delivery.objects.order_by("-pk").first()


def address_in(row: Delivery) -> str:
    (found,) = re.findall(r"http://127\.0\.0\.1:8000(/set-password/[\w-]{43}/)", row.text)
    return found


def test_the_answer_and_the_work_are_the_same_whoever_is_known(client, ann, django_assert_num_queries):
    User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    User.objects.create_user("known@example.com")
    said = set()
    for name in ("ann", "nobody", "gone", "known"):
        with django_assert_num_queries(4):
            answer = client.post("/forgot-password/", {"email": f" {name.title()}@example.com"})
        assert answer["Location"] == "/forgot-password/"
        page = client.get("/forgot-password/").content.decode()
        said.add(re.search(r'<p class="flash" role="status">(.*?)</p>', page)[1])
    assert said == {
        "If somebody with that e-mail has a password here, a link is on its way. It works once, for an hour."
    }
    assert sign_in_mail.answer_asks(NOW) == 1
    assert Delivery.objects.get().address == ann.email
    assert not PasswordAsk.objects.exists()


def test_the_link_sets_a_password_once(client, ann):
    old = Client()
    old.login(username=ann.email, password=PASSWORD)
    client.post("/forgot-password/", {"email": ann.email})
    row = answered()
    assert (row.kind, row.private, row.person) == ("password-reset", True, ann)
    address = address_in(row)
    assert EntryLink.objects.get().digest not in address
    arrived = client.get(address)
    assert (arrived.status_code, arrived["Location"]) == (302, "/set-password/")
    cookie = arrived.cookies["entry"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/set-password/")
    page = client.get("/set-password/")
    assert (arrived["Referrer-Policy"], arrived["X-Robots-Tag"]) == ("no-referrer", "noindex")
    assert (page["Referrer-Policy"], page["X-Robots-Tag"]) == ("same-origin", "noindex")
    assert ann.email in page.content.decode()
    done = client.post("/set-password/", {"password": NEW})
    assert done["Location"] == "/sign-in/"
    assert "_auth_user_id" not in client.session
    page = client.get("/sign-in/").content.decode()
    assert "Your password is set. Sign in with it." in page
    assert f'value="{ann.email}"' in page
    assert ann.email not in client.get("/sign-in/").content.decode(), "asked once"
    assert old.get("/me/").status_code == 302
    assert client.login(username=ann.email, password=NEW)
    assert AuditRow.objects.get(kind="person").via == "password link"
    told = Delivery.objects.order_by("-pk").first()
    assert (told.kind, told.subject) == ("sign-in-changed", "Your password for Quality programs was changed")
    # The same link again, and any other of hers, is none.
    for again in (client, Client()):
        again.get(address)
        assert again.get("/set-password/").status_code == 404
        assert again.post("/set-password/", {"password": PASSWORD}).status_code == 404
    assert client.login(username=ann.email, password=NEW)


def test_following_a_link_changes_nothing(client, ann):
    client.post("/forgot-password/", {"email": ann.email})
    address = address_in(answered())
    before = list(EntryLink.objects.values()), list(User.objects.values()), Session.objects.count()
    for _ in range(3):
        for method in (client.get, client.head):
            method(address, follow=True)
    assert (list(EntryLink.objects.values()), list(User.objects.values()), Session.objects.count()) == before


def test_an_hour_later_or_after_another_one_it_is_none(client, ann, clock):
    client.post("/forgot-password/", {"email": ann.email})
    first = address_in(answered())
    client.post("/forgot-password/", {"email": ann.email})
    second = address_in(answered())
    assert client.get(first, follow=True).status_code == 404
    assert client.get(second, follow=True).status_code == 200
    clock.shift(timedelta(minutes=61))
    assert client.get("/set-password/").status_code == 404
    assert client.post("/set-password/", {"password": NEW}).status_code == 404


def test_deactivated_meanwhile_it_is_none(client, ann):
    client.post("/forgot-password/", {"email": ann.email})
    address = address_in(answered())
    roles.deactivate(ann, None, NOW)
    assert client.get(address, follow=True).status_code == 404
    # And the mail that has not gone out does not go out any more.
    assert Delivery.objects.get().state == "pending"
    row = Delivery.objects.get()
    sign_in_mail.prefetch([row], NOW)
    assert sign_in_mail.still_wanted(row, NOW) == "the person has left"


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "at least 10 characters"), ("short", "at least 10 characters"), ("password123", "too common"),
        ("ann@example.com", "The password is the e-mail address"), ("x" * 1001, "at most 1,000 characters"),
        ("x" * 100_000, "at most 1,000 characters"),
    ],
)  # fmt: skip
def test_a_weak_password_is_refused_and_the_link_stays(client, ann, password, said):
    client.post("/forgot-password/", {"email": ann.email})
    client.get(address_in(answered()))
    answer = client.post("/set-password/", {"password": password})
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert client.post("/set-password/", {"password": NEW}).status_code == 302


@pytest.mark.parametrize("token", ["x", "x" * 43, "x" * 5000, "%00", "..", "%ED%A0%80", "é" * 30])
def test_a_link_cut_short_says_what_to_do(client, ann, token):
    assert client.get(f"/set-password/{token}/").status_code == 302
    answer = client.get("/set-password/")
    assert answer.status_code == 404
    assert "This link does not work" in answer.content.decode()
    client.cookies["entry"] = token
    assert client.get("/set-password/").status_code == 404


@pytest.mark.parametrize("email", ["", "nobody", "a@b\0.example", "x" * 100_000, "a@b@c", "<script>@example.com"])
def test_what_is_no_e_mail_is_told_and_kept_in_the_form(client, email):
    answer = client.post("/forgot-password/", {"email": email})
    assert answer.status_code == 400
    assert "An e-mail address such as sam@example.com was expected" in answer.content.decode()
    assert "<script>@" not in answer.content.decode()
    assert not PasswordAsk.objects.exists()


def test_asking_is_throttled_by_address_and_by_client(client, ann):
    for _ in range(3):
        assert client.post("/forgot-password/", {"email": ann.email}).status_code == 302
    answer = client.post("/forgot-password/", {"email": ann.email})
    assert (answer.status_code, answer["Retry-After"]) == (429, "3600")
    assert "Try again in 60 minutes." in answer.content.decode()
    for n in range(17):
        assert client.post("/forgot-password/", {"email": f"p{n}@example.com"}).status_code == 302
    assert client.post("/forgot-password/", {"email": "more@example.com"}).status_code == 429
    assert sign_in_mail.answer_asks(NOW) == 1


def test_a_new_password_ends_the_wait_of_a_throttled_address(client, ann):
    for _ in range(11):
        client.post("/sign-in/", {"username": ann.email, "password": "wrong"})
    client.post("/forgot-password/", {"email": ann.email})
    client.get(address_in(answered()))
    client.post("/set-password/", {"password": NEW})
    assert client.post("/sign-in/", {"username": ann.email, "password": NEW})["Location"] == "/"


def test_two_at_once_set_one_password(client, ann):
    opened = entry._open(ann, "password", None, NOW, timedelta(hours=1))
    assert entry.use(opened.token, NEW, NOW) == ann
    assert entry.use(opened.token, "a third password", NOW) is None
    ann.refresh_from_db()
    assert ann.check_password(NEW)


def test_an_invitation_asks_for_the_name_too(client):
    root = User.objects.create_superuser("root@example.com", name="Root")
    opened = entry.invite("New@Example.com", Role.VIEWER, root, NOW, name="")
    client.get(f"/set-password/{opened.token}/")
    page = client.get("/set-password/").content.decode()
    assert "Root invites you to Quality programs" in page
    refused = client.post("/set-password/", {"password": NEW, "name": "N" * 201})
    assert refused.status_code == 400
    assert client.post("/set-password/", {"password": NEW, "name": " New\n Person "})["Location"] == "/sign-in/"
    person = User.objects.get(email="new@example.com")
    assert (person.name, person.check_password(NEW), roles.of(person)) == ("New Person", True, Role.VIEWER)
    assert not Delivery.objects.exists()

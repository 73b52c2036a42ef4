"""Sign-in by password: throttled, telling nobody who is known, leading nowhere else, under a new key; the code after it."""

from __future__ import annotations

import logging
import re
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
import structlog
import time_machine
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client

from accounts import second_factor, throttle
from accounts.models import Attempt, User
from tests.accounts.test_second_factor import code_of, set_up
from tests.people import NOW, PASSWORD

pytestmark = pytest.mark.django_db
WRONG = "That e-mail and password do not match."


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def ann(db) -> User:
    return User.objects.create_user("ann@example.com", PASSWORD, name="Ann")


def enter(client: Client, email: str = "ann@example.com", password: str = PASSWORD, wanted: str = "", **more: str):
    return client.post("/sign-in/", {"username": email, "password": password, "next": wanted}, **more)


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_the_session_gets_a_new_key_and_a_safe_cookie(client, ann):
    session = client.session
    session["kept"] = 1
    session.save()
    before = client.session.session_key
    answer = enter(client)
    assert answer["Location"] == "/"
    assert client.session.session_key != before
    cookie = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert client.get("/sign-in/")["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/", "//evil.example/", "///evil.example", "/\\evil.example", "\\/evil.example",
        "https:evil.example", "http:///evil.example", "javascript:alert(1)", "data:text/html,x", " https://evil.example",
        "\thttps://evil.example", "/\t/evil.example", "https://testserver@evil.example/", "https://testserver.evil.example",
        "\0//evil.example", "/" + "x" * 3000,
    ],
)  # fmt: skip
def test_it_leads_on_to_no_other_site(client, ann, wanted):
    assert enter(client, wanted=wanted)["Location"] == "/"
    assert signed_in(client)


@pytest.mark.parametrize("wanted", ["/teams/api/?on=2026-01-01#goal-1", "/programs/"])
def test_it_leads_to_where_the_visitor_wanted_to_go(client, ann, wanted):
    assert enter(client, wanted=wanted)["Location"] == wanted


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ann@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("", ""), ("a\0b@example.com", PASSWORD),
        ("x" * 100_000, PASSWORD), ("ann@example.com", "x" * 100_000), ("ann@example.com", "\0"), ("ann@example.com' --", "x"),
        ("gone@example.com", PASSWORD), ("known@example.com", ""), ("known@example.com", "!"),
    ],
)  # fmt: skip
def test_the_answer_is_the_same_whoever_is_known(client, ann, email, password):
    User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    User.objects.create_user("known@example.com")
    answer = enter(client, email, password)
    assert answer.status_code == 400
    assert WRONG in answer.content.decode()
    assert not signed_in(client)


def test_it_takes_as_long_whoever_is_known(client, ann, settings):
    """With the hasher of production: of each kind the middle of several times, as this thread worked."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    ann.set_password(PASSWORD)
    ann.save()
    User.objects.create_user("known@example.com")
    User.objects.create_user("gone@example.com", PASSWORD, is_active=False)

    def took(email: str) -> float:
        times = []
        for _ in range(5):
            began = time.thread_time()
            enter(client, email, "wrong password")
            times.append(time.thread_time() - began)
        return statistics.median(times)

    took("ann@example.com")
    times = {email: took(f"{email}@example.com") for email in ("ann", "nobody", "known", "gone")}
    assert max(times.values()) < 2 * min(times.values()), times
    assert min(times.values()) > 0.02, times


@pytest.mark.parametrize("email", ["ann@example.com", "nobody@example.com"])
def test_an_address_is_tried_ten_times_in_a_quarter_and_then_not_with_the_right_password_either(
    client, ann, clock, email
):
    for n in range(10):
        assert enter(client, f" {email.upper() if n % 2 else email} ", "wrong").status_code == 400
    clock.shift(timedelta(minutes=2))
    answer = enter(client, email)
    assert (answer.status_code, answer["Retry-After"]) == (429, "780")
    assert "That was tried too often. Try again in 13 minutes." in answer.content.decode()
    assert email in answer.content.decode()
    assert not signed_in(client)
    assert enter(Client(REMOTE_ADDR="192.0.2.9"), email).status_code == 429
    clock.shift(timedelta(minutes=13))
    assert enter(client, email).status_code == (302 if email.startswith("ann") else 400)


def test_signing_in_begins_anew_and_counts_against_nobody(client, ann, clock):
    for _ in range(9):
        enter(client, password="wrong")
    assert enter(client).status_code == 302
    assert Attempt.objects.filter(bucket=throttle._bucket(throttle.SIGN_IN, ann.email)).count() == 0
    for _ in range(60):
        assert enter(Client()).status_code == 302
    assert Attempt.objects.count() == 9


def test_a_client_tries_fifty_times_in_a_quarter_whatever_the_addresses(client, ann, clock):
    for n in range(50):
        assert enter(client, f"person{n}@example.com", "wrong").status_code == 400
    assert enter(client).status_code == 429
    assert enter(Client(REMOTE_ADDR="192.0.2.9")).status_code == 302


@pytest.mark.parametrize(
    ("proxies", "headers", "same"),
    [
        (0, ("198.51.100.1", "198.51.100.2"), True),
        (1, ("198.51.100.1", "198.51.100.2"), False),
        (1, ("203.0.113.1, 198.51.100.1", "203.0.113.2, 198.51.100.1"), True),
        (2, ("203.0.113.1, 198.51.100.1, 10.0.0.1", "203.0.113.2, 198.51.100.1, 10.0.0.2"), True),
        (1, ("2001:db8:1:1::1", "2001:db8:1:1:ffff::2"), True),
        (1, ("2001:db8:1:1::1", "2001:db8:1:2::1"), False),
        (1, ("no address", "x" * 5000), True),
        (1, ("::ffff:198.51.100.1", "198.51.100.1"), True),
    ],
)
def test_a_client_is_who_the_trusted_proxies_saw(ann, clock, settings, proxies, headers, same):
    settings.TRUSTED_PROXIES = proxies
    first, second = (Client(headers={"x-forwarded-for": said}) for said in headers)
    for n in range(50):
        enter(first, f"person{n}@example.com", "wrong")
    assert (enter(second).status_code == 429) is same


def test_a_code_is_asked_for_and_only_then_there_is_a_session(client, ann):
    now = datetime.now(UTC)
    _, codes = set_up(ann, now)
    assert enter(client, wanted="/teams/")["Location"] == "/sign-in/code/"
    assert not signed_in(client)
    assert client.get("/teams/").status_code == 302
    before = client.session.session_key
    wrong = client.post("/sign-in/code/", {"code": "123"})
    assert wrong.status_code == 400
    assert "That code is not right, or was used before." in wrong.content.decode()
    assert client.post("/sign-in/code/", {"code": codes[0]})["Location"] == "/teams/"
    assert signed_in(client)
    assert client.session.session_key != before
    assert client.get("/teams/").status_code == 200


def test_the_code_of_the_app_lets_in(client, ann, clock):
    secret, _ = set_up(ann, NOW)
    clock.shift(timedelta(minutes=1))
    enter(client)
    assert client.post("/sign-in/code/", {"code": code_of(secret, NOW + timedelta(minutes=1))})["Location"] == "/"
    assert signed_in(client)


def test_codes_are_tried_six_times_in_a_quarter_in_whatever_session(client, ann, clock):
    _, codes = set_up(ann, NOW)
    for n in range(6):
        other = Client(REMOTE_ADDR=f"192.0.2.{n}")
        enter(other)
        assert other.post("/sign-in/code/", {"code": "000000"}).status_code == 400
    enter(client)
    answer = client.post("/sign-in/code/", {"code": codes[0]})
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert not signed_in(client)
    for _ in range(4):
        clock.shift(timedelta(minutes=16))
        enter(client)
        for _ in range(6):
            client.post("/sign-in/code/", {"code": "000000"})
    clock.shift(timedelta(minutes=16))
    enter(client)
    assert "Try again in 23 hours." in client.post("/sign-in/code/", {"code": codes[0]}).content.decode()


def test_the_first_proof_lasts_ten_minutes_and_ends_with_the_password(client, ann, clock):
    set_up(ann, NOW)
    enter(client)
    assert client.get("/sign-in/code/").status_code == 200
    clock.shift(timedelta(minutes=11))
    assert client.get("/sign-in/code/")["Location"] == "/sign-in/"
    enter(client)
    ann.set_password("another password here")
    ann.save()
    assert client.post("/sign-in/code/", {"code": "1"})["Location"] == "/sign-in/"


def test_the_first_proof_gets_a_key_of_its_own(client, ann):
    """Whoever put a session into somebody's browser is not the one whose code is waited for."""
    set_up(ann, datetime.now(UTC))
    session = client.session
    session["kept"] = 1
    session.save()
    before = client.session.session_key
    enter(client)
    assert client.session.session_key != before
    client.cookies[settings.SESSION_COOKIE_NAME] = before
    assert client.get("/sign-in/code/")["Location"] == "/sign-in/"


def test_deactivated_between_the_two_proofs(client, ann, clock):
    _, codes = set_up(ann, NOW)
    enter(client)
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert client.post("/sign-in/code/", {"code": codes[0]})["Location"] == "/sign-in/"
    assert second_factor.recovery_codes_left(ann) == 10
    assert not signed_in(client)


def test_a_code_without_the_first_proof_is_none(client, ann, clock):
    _, codes = set_up(ann, NOW)
    assert client.post("/sign-in/code/", {"code": codes[0]})["Location"] == "/sign-in/"
    assert second_factor.recovery_codes_left(ann) == 10


def test_forms_from_elsewhere_are_refused(ann):
    client = Client(enforce_csrf_checks=True)
    for address in ("/sign-in/", "/sign-in/code/", "/sign-in/sso/", "/forgot-password/", "/set-password/"):
        assert client.post(address, {"username": ann.email, "password": PASSWORD}).status_code == 403, address


def test_there_is_no_other_door(client, ann):
    User.objects.filter(pk=ann.pk).update(is_superuser=True, is_staff=True)
    for address in ("/admin/", "/admin/login/", "/accounts/login/", "/accounts/2fa/", "/accounts/password/reset/"):
        assert client.get(address).status_code == 404, address


def test_queries(client, ann, django_assert_num_queries):
    # Two limits counted, one try written and taken back, the person, their factor, the session and the sign-in itself.
    with django_assert_num_queries(15):
        enter(client)
    with django_assert_num_queries(0):
        Client().get("/sign-in/")


@pytest.mark.parametrize("address", ["/sign-in/", "/sign-in/code/", "/forgot-password/", "/set-password/"])
def test_looking_writes_nothing(client, ann, address):
    client.get(address)
    assert (Session.objects.count(), Attempt.objects.count()) == (0, 0)


def test_the_page_keeps_what_was_typed_but_the_password(client, ann):
    said = enter(client, "ann@example.com", "a wrong secret", wanted="/teams/").content.decode()
    assert re.search(r'name="next" value="/teams/"', said)
    assert 'value="ann@example.com"' in said
    assert "a wrong secret" not in said


def test_a_fault_in_the_log_shows_no_values():
    """A password, a code or a token may stand in a variable when something breaks."""
    plain = {name: value for name, value in settings.LOGGING["formatters"]["plain"].items() if name != "()"}

    def breaks(password: str) -> None:
        raise RuntimeError(f"it broke with {len(password)} letters")

    try:
        breaks(f"kept {'secret'}")
    except RuntimeError:
        record = logging.LogRecord("django.request", logging.ERROR, __file__, 1, "fault", (), sys.exc_info())
    said = structlog.stdlib.ProcessorFormatter(**plain).format(record)
    assert "it broke with 11 letters" in said
    assert "kept secret" not in said

"""A person's own page: what they say of themselves, their password, sessions, second factor and mail."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts import second_factor
from accounts.models import AuditRow, User
from accounts.secrets import unseal
from nudges import wishes
from nudges.models import Delivery, Mute
from tests.accounts.test_second_factor import code_of
from tests.people import NOW, PASSWORD, World, settle

pytestmark = pytest.mark.django_db
NEW = "quite another password"


@pytest.fixture
def world() -> World:
    return settle()


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def alice(client, world) -> Client:
    assert client.login(username="alice@example.com", password=PASSWORD)
    return client


def said(answer) -> str:
    text = re.sub(r"<(title|datalist).*?</\1>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_it_stands_where_the_name_stands(alice):
    assert '<a class="quiet" href="/me/">Alice</a>' in alice.get("/").content.decode()
    page = said(alice.get("/me/"))
    assert "alice@example.com · member: sees what is shared" in page
    assert "You lead Api" in page


def test_queries(alice, django_assert_num_queries):
    with django_assert_num_queries(12):
        alice.get("/me/")


def test_it_is_only_ones_own(world):
    assert Client().get("/me/")["Location"] == "/sign-in/?next=/me/"
    assert Client().post("/me/password")["Location"] == "/sign-in/?next=/me/password"


def test_what_is_typed_is_kept_or_shown_again_with_what_was_expected(alice, world):
    typed = {
        "name": "Alice B",
        "time_zone": "Asia/Tokyo",
        "country": "jp",
        "absent_from": "",
        "absent_until": "2026-04-01",
    }
    assert alice.post("/me/", typed)["Location"] == "/me/"
    page = alice.get("/me/").content.decode()
    assert "Kept." in page
    assert 'value="Asia/Tokyo"' in page
    wrong = alice.post("/me/", typed | {"name": "Alice <C>", "country": "Japan"})
    assert wrong.status_code == 400
    page = wrong.content.decode()
    assert "A country as two letters, such as LV, was expected, not &#39;Japan&#39;." in page
    assert 'value="Alice &lt;C&gt;"' in page
    assert 'value="Japan"' in page
    assert "<h1>Alice B</h1>" in page
    world.alice.refresh_from_db()
    assert (world.alice.name, world.alice.country) == ("Alice B", "JP")


def test_another_password_needs_the_present_one_and_ends_other_sessions(alice, world):
    other = Client()
    other.login(username="alice@example.com", password=PASSWORD)
    wrong = alice.post("/me/password", {"current": "wrong", "password": NEW})
    assert wrong.status_code == 400
    assert "That is not your present password." in said(wrong)
    weak = alice.post("/me/password", {"current": PASSWORD, "password": "short"})
    assert (weak.status_code, "at least 10 characters" in said(weak)) == (400, True)
    key = alice.session.session_key
    assert alice.post("/me/password", {"current": PASSWORD, "password": NEW})["Location"] == "/me/"
    assert alice.get("/me/").status_code == 200
    assert alice.session.session_key != key
    assert other.get("/me/").status_code == 302
    assert Client().login(username="alice@example.com", password=NEW)
    assert Delivery.objects.get().subject == "Your password for Quality programs was changed"
    assert AuditRow.objects.first().after == "password set"


def test_the_present_password_cannot_be_guessed_here_either(alice):
    for _ in range(10):
        assert alice.post("/me/password", {"current": "wrong", "password": NEW}).status_code == 400
    answer = alice.post("/me/password", {"current": PASSWORD, "password": NEW})
    assert answer.status_code == 429
    assert "Try again in" in said(answer)


def test_somebody_without_a_password_is_not_asked_for_one(client):
    person = User.objects.create_user("sso@example.com")
    client.force_login(person)
    assert "You have none here" in said(client.get("/me/"))
    assert client.post("/me/password", {"current": "", "password": NEW}).status_code == 400


def test_every_other_session_is_ended(alice):
    other = Client()
    other.login(username="alice@example.com", password=PASSWORD)
    assert alice.post("/me/sign-out")["Location"] == "/me/"
    assert alice.get("/me/").status_code == 200
    assert other.get("/me/").status_code == 302
    assert alice.get("/me/sign-out").status_code == 405


def test_mail_is_stopped_and_let_come_again(alice, world):
    assert "Nudges come when a goal needs you" in said(alice.get("/me/"))
    alice.post("/me/mail", {"do": "stop"})
    assert Mute.objects.get().program is None
    assert "No nudges at all." in said(alice.get("/me/"))
    alice.post("/me/mail", {"do": "start"})
    assert not Mute.objects.exists()
    alice.post("/me/mail", {"do": "stop", "program": "typing"})
    assert (Mute.objects.get().program, Mute.objects.get().via) == (world.program, "profile")
    assert "Every function typed : no nudges" in said(alice.get("/me/")).replace("typed:", "typed :")
    world.program.audience = "nowhere"
    world.program.save()
    assert alice.post("/me/mail", {"do": "start", "program": "typing"}).status_code == 302
    assert not Mute.objects.exists()
    assert alice.post("/me/mail", {"do": "stop", "program": "typing"}).status_code == 404
    for program in ("nothing", "a\0b", "x" * 100_000):
        assert alice.post("/me/mail", {"do": "stop", "program": program}).status_code == 404
    assert alice.post("/me/mail", {"do": "explode"}).status_code == 400
    assert alice.post("/me/mail", {}).status_code == 400


def test_muted_goals_are_listed_and_heard_again(alice, world):
    goal = world.goal(world.api, world.typed)
    assert "Goals you muted" not in said(alice.get("/me/"))
    wishes.mute(goal, world.alice, NOW, "page")
    wishes.mute(world.goal(world.api, world.findings), world.bob, NOW, "page")
    page = said(alice.get("/me/"))
    assert "Goals you muted Api, Functions with full annotations: no nudges let them come again Every function" in page
    assert "Security findings" not in page
    theirs = Mute.objects.get(person=world.bob)
    for wrong in (theirs.goal_id, "x", "a\0b", "9" * 50):
        assert alice.post("/me/mail", {"do": "start", "goal": wrong}).status_code == 404
    assert alice.post("/me/mail", {"do": "stop", "goal": goal.pk}).status_code == 404
    answer = alice.post("/me/mail", {"do": "start", "goal": goal.pk}, follow=True)
    assert "The nudges about Api, Functions with full annotations come again." in said(answer)
    assert list(Mute.objects.all()) == [theirs]
    assert AuditRow.objects.filter(kind="nudges").latest("pk").via == "profile"


def test_a_refused_address_is_told_and_used_again(alice, world):
    User.objects.filter(pk=world.alice.pk).update(address_suspended_reason="550 no such user")
    assert "Your mail server refused your address: 550 no such user." in said(alice.get("/me/"))
    alice.post("/me/mail", {"do": "address"})
    assert "refused your address" not in said(alice.get("/me/"))


def secret_of(client: Client) -> str:
    return unseal(client.session["second factor to be confirmed"])


def test_a_second_factor_is_set_shown_once_changed_and_done_without(alice, world, clock):
    assert "None: your password is enough." in said(alice.get("/me/"))
    alice.get("/me/second-factor/")
    assert "second factor to be confirmed" not in alice.session
    assert alice.post("/me/second-factor/", {"do": "start"})["Location"] == "/me/second-factor/"
    page = alice.get("/me/second-factor/")
    assert page.content.decode().count('<img src="data:image/svg+xml;base64,') == 1
    secret = secret_of(alice)
    assert secret in said(page).replace(" ", "")
    wrong = alice.post("/me/second-factor/", {"do": "confirm", "code": "000000"})
    assert wrong.status_code == 400
    assert secret in said(wrong).replace(" ", "")
    shown = said(alice.post("/me/second-factor/", {"do": "confirm", "code": code_of(secret, NOW)}))
    codes = re.findall(r"\b[0-9]{8}\b", shown)
    assert len(codes) == 10
    assert "shown this once" in shown
    page = said(alice.get("/me/second-factor/"))
    assert not any(code in page for code in codes)
    assert "10 recovery codes left." in page
    assert "A code of your app is asked for since 16 Mar 2026" in said(alice.get("/me/"))
    # Once it is set, starting anew changes nothing: what is set goes only by a code.
    alice.post("/me/second-factor/", {"do": "start"})
    assert "second factor to be confirmed" not in alice.session
    for action in ("codes", "remove"):
        assert alice.post("/me/second-factor/", {"do": action, "code": "000000"}).status_code == 400
    fresh = re.findall(r"\b[0-9]{8}\b", said(alice.post("/me/second-factor/", {"do": "codes", "code": codes[0]})))
    assert len(set(fresh) - set(codes)) == 10
    assert alice.post("/me/second-factor/", {"do": "remove", "code": fresh[0]})["Location"] == "/me/"
    assert not second_factor.is_set(world.alice)
    assert list(Delivery.objects.order_by("pk").values_list("subject", flat=True)) == [
        "A second factor now guards your sign-in to Quality programs",
        "Your second factor for Quality programs was removed",
    ]


def test_a_factor_that_is_set_is_replaced_by_no_other_session(alice, world, clock):
    """Whoever holds a session that began to set one has to know a code of the one that is set."""
    other = Client()
    other.login(username="alice@example.com", password=PASSWORD)
    for client in (other, alice):
        client.post("/me/second-factor/", {"do": "start"})
    assert (
        alice.post("/me/second-factor/", {"do": "confirm", "code": code_of(secret_of(alice), NOW)}).status_code == 200
    )
    answer = other.post("/me/second-factor/", {"do": "confirm", "code": code_of(secret_of(other), NOW)})
    assert answer.status_code == 400
    clock.shift(timedelta(minutes=1))
    assert second_factor.check(world.alice, code_of(secret_of(other), datetime.now(UTC)), datetime.now(UTC)) is False


def test_setting_up_may_be_left_and_codes_are_not_tried_forever(alice, clock):
    alice.post("/me/second-factor/", {"do": "start"})
    alice.post("/me/second-factor/", {"do": "leave"})
    assert "second factor to be confirmed" not in alice.session
    assert alice.post("/me/second-factor/", {"do": "confirm", "code": "000000"}).status_code == 400
    alice.post("/me/second-factor/", {"do": "start"})
    for _ in range(5):
        alice.post("/me/second-factor/", {"do": "confirm", "code": "000000"})
    right = {"do": "confirm", "code": code_of(secret_of(alice), NOW)}
    assert alice.post("/me/second-factor/", right).status_code == 429
    clock.shift(timedelta(minutes=16))
    right["code"] = code_of(secret_of(alice), datetime.now(UTC))
    assert alice.post("/me/second-factor/", right).status_code == 200


def test_a_secret_that_no_key_opens_any_more_is_told(alice, settings):
    settings.SECRETS_KEYS = ["one"]
    alice.post("/me/second-factor/", {"do": "start"})
    settings.SECRETS_KEYS = ["two"]
    assert "cannot be used any more: begin anew" in said(alice.get("/me/second-factor/"))
    assert alice.post("/me/second-factor/", {"do": "confirm", "code": "1"}).status_code == 400

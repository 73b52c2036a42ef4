"""Where one's digests go: chosen, tried and given up on one's own page; what was pasted is never shown again."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, connections
from django.test import Client

from accounts.models import AuditRow, User
from accounts.secrets import unseal
from nudges import delivery, routes
from nudges.models import Delivery, Route
from tests.people import NOW, PASSWORD, World, settle
from tests.program.test_fetch import serving

pytestmark = pytest.mark.django_db
SLACK = "https://hooks.slack.com/services/T000/B000/secretsecret"
TEAMS = "https://prod-01.westeurope.logic.azure.com:443/workflows/abc/triggers/manual/paths/invoke?sig=secretsecret"


@pytest.fixture
def world() -> World:
    return settle()


@pytest.fixture
def alice(client, world) -> Client:
    with time_machine.travel(NOW, tick=False):
        assert client.login(username="alice@example.com", password=PASSWORD)
        yield client


def said(answer) -> str:
    text = re.sub(r"<(title|datalist).*?</\1>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def choose(client: Client, kind: str, url: str = ""):
    return client.post("/me/place", {"do": "choose", "kind": kind, "url": url}, follow=True)


@pytest.mark.parametrize(
    ("kind", "url", "name"),
    [("slack", SLACK, "Slack, hooks.slack.com"), ("teams", TEAMS, "Teams, prod-01.westeurope.logic.azure.com")],
)
def test_a_place_is_kept_sealed_and_shown_by_its_host_alone(alice, kind, url, name):
    page = choose(alice, kind, f"  {url} ")
    assert f"From now on your digests go here: {name}." in said(page)
    assert f"{name}, since 16 Mar 2026; nothing of it by e-mail. Nothing was sent there yet." in said(page)
    route = Route.objects.get()
    assert (route.person.email, unseal(route.url)) == ("alice@example.com", url)
    record = AuditRow.objects.latest("pk")
    assert (record.before, record.after) == ({"digests go to": "email"}, {"digests go to": kind, "host": route.host})
    for text in (page.content.decode(), str(list(AuditRow.objects.values())), str(list(Route.objects.values()))):
        assert "secretsecret" not in text


def test_there_is_one_place_and_never_two(alice):
    choose(alice, "slack", SLACK)
    choose(alice, "teams", TEAMS)
    assert [route.kind for route in Route.objects.all()] == ["teams"]
    assert AuditRow.objects.latest("pk").before == {"digests go to": "slack", "host": "hooks.slack.com"}
    assert "Nowhere: they stand in your inbox here, and are sent to no place." in said(choose(alice, "inbox"))
    assert "By e-mail, to alice@example.com." in said(choose(alice, "email"))
    assert not Route.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("held", [False, True])
def test_of_two_choices_at_once_one_stands(held):
    person, gate, faults = settle().alice, threading.Barrier(4), []
    if held:
        routes.choose(person, "inbox", "", NOW)

    def press() -> None:
        gate.wait(10)
        try:
            routes.choose(User.objects.get(pk=person.pk), "slack", SLACK, NOW)
        except Exception as fault:
            faults.append(fault)
        finally:
            connections.close_all()

    pressed = [threading.Thread(target=press) for _ in range(4)]
    for one in pressed:
        one.start()
    for one in pressed:
        one.join(30)
    assert faults == []
    assert Route.objects.get().kind == "slack"


def test_a_webhooks_secret_is_shown_once(alice):
    page = choose(alice, "webhook", "https://hooks.example.com/mine")
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]{44}", page.content.decode())
    assert unseal(Route.objects.get().secret) == secret
    assert "whsec_" not in alice.get("/me/").content.decode()
    assert "no-store" in page["Cache-Control"]


@pytest.mark.parametrize(
    ("kind", "url", "expected"),
    [
        ("slack", "", "An address was expected: the address of an incoming webhook"),
        ("slack", "https://hooks.slack.com/", "The whole address was expected"),
        (
            "slack",
            "https://evil.example/services/T/B/x",
            "A host that ends in hooks.slack.com or hooks.slack-gov.com was expected",
        ),
        ("slack", "https://hooks.slack.com.evil.example/services/T", "A host that ends in"),
        ("slack", "http://hooks.slack.com/services/T", "begins with https://"),
        ("teams", "https://example.webhook.office.com/webhookb2/x", "an old connector of Teams"),
        ("teams", "https://logic.azure.com.evil.example/x", "A host that ends in"),
        ("webhook", "http://example.com/x", "begins with https://"),
        ("webhook", "https://127.0.0.1/x", "127.0.0.1 is not a public address."),
        ("webhook", "https://[::1]/x", "::1 is not a public address."),
        ("webhook", "https://0x7f.1/x", "an IPv4 address was expected"),
        ("webhook", "https://user:secret@example.com/x", "no user name or password was expected"),
        ("webhook", "javascript:alert(1)", "http or https was expected"),
        ("webhook", "https://exa\0mple.com/x", "no spaces, control characters"),
        ("webhook", "https://example.com/" + "x" * 100_000, "at most 2000 characters"),
        ("webhook", "https://example.com:99999/", "a port from 1 to 65535"),
        ("email\0", SLACK, "One of email, slack, teams, webhook, inbox was expected."),
        ("slack-direct", "", "One of email, slack, teams, webhook, inbox was expected."),
    ],
)
def test_a_bad_address_is_refused_with_what_was_expected(alice, kind, url, expected):
    answer = choose(alice, kind, url)
    assert answer.status_code == 400
    assert expected in said(answer).replace("&#39;", "'")
    assert not Route.objects.exists()


def test_a_direct_message_is_offered_where_there_is_a_bot(alice, settings):
    assert "Slack, as a direct message" not in said(alice.get("/me/"))
    settings.SLACK_BOT_TOKEN = "xoxb-1"
    assert "Slack, as a direct message to me" in said(alice.get("/me/"))
    assert "Slack, direct message, slack.com" in said(choose(alice, "slack-direct"))


def test_a_test_goes_there_and_the_page_says_what_became_of_it(alice, settings):
    settings.OUTBOUND_ALLOW_NETWORKS, settings.INSTANCE_ID = ["127.0.0.0/8"], ""
    assert "There is no place of your own to try." in said(alice.post("/me/place", {"do": "test"}, follow=True))
    choose(alice, "webhook", "https://hooks.example.com/mine")
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as server:
        Route.objects.update(url=routes.seal(server.url))
        for _ in range(2):
            page = said(alice.post("/me/place", {"do": "test"}, follow=True))
        assert "A test goes to Webhook, hooks.example.com with the next round" in page
        assert Delivery.objects.get().address == f"route {Route.objects.get().pk} at hooks.example.com"
        delivery.deliver_batch(NOW)
        assert len(server.requests) == 1
        assert b"This is a test that you asked for." in server.requests[0]
    assert "The last test was taken, 16 Mar 2026 09:30." in said(alice.get("/me/"))


def test_a_place_given_up_elsewhere_just_as_a_test_is_asked_for_is_no_fault(alice):
    choose(alice, "slack", SLACK)

    def gives_up(execute, sql, params, many, context):
        found = execute(sql, params, many, context)
        if sql.startswith("SELECT") and 'FROM "nudges_route"' in sql:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM nudges_route")
        return found

    with connection.execute_wrapper(gives_up):
        page = alice.post("/me/place", {"do": "test"}, follow=True)
    assert page.status_code == 200
    assert "There is no place of your own to try." in said(page)
    assert not Delivery.objects.exists()


def test_a_refusal_is_told_on_the_page(alice, settings):
    settings.OUTBOUND_ALLOW_NETWORKS, settings.INSTANCE_ID = ["127.0.0.0/8"], ""
    choose(alice, "slack", SLACK)
    with serving(b"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\nno_service") as server:
        Route.objects.update(url=routes.seal(server.url))
        alice.post("/me/place", {"do": "test"})
        delivery.deliver_batch(NOW + timedelta(minutes=1))
    page = said(alice.get("/me/"))
    assert (
        "By e-mail, to alice@example.com, since Slack, hooks.slack.com refused a message on 16 Mar 2026 09:31." in page
    )
    assert "Slack says: no_service. Choose it again, or another." in page
    choose(alice, "slack", SLACK)
    assert Route.objects.get().suspended_at is None


def test_it_is_only_ones_own(alice, world):
    choose(alice, "slack", SLACK)
    other = Client()
    other.force_login(world.bob)
    assert "hooks.slack.com, since" not in said(other.get("/me/"))
    choose(other, "email")
    assert Route.objects.get().person == world.alice
    assert other.get("/me/place").status_code == 405
    assert other.post("/me/place", {"do": "delete"}).status_code == 400
    assert User.objects.filter(route__isnull=False).count() == 1

"""Slack, Teams and webhooks against a real server: what they are sent, and what each answer, silence or death does."""

from __future__ import annotations

import json
import socket
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from slack_sdk.models.blocks import Block
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import AuditRow, User
from accounts.secrets import seal
from drills.mail_server import MailServer
from nudges import cards, delivery, kinds, outbox, routes
from nudges.channels import slack, teams
from nudges.channels.registry import CHANNELS
from nudges.models import Delivery, Route
from nudges.outbox import Letter
from program import fetch as way_out
from tests.program.test_fetch import serving

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
State = Delivery.State
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CARD = cards.Card(
    "Api: 1 of 2 goals off the path",
    "Api is 6 points behind its path.",
    "Fixing lib/a.py alone closes 58 %.",
    parts=[
        cards.Part(
            "goal",
            "Typed functions",
            "behind",
            "▲",
            lines=[cards.Line("now", "45 %, should be 51 % today")],
            items_label="next",
            items=[cards.Item("lib/a.py", "closes 58 %", "https://git.example.com/lib/a.py?a=1&b=2")],
            steps_label="how",
            steps=["Annotate"],
            links=[cards.Link("Api’s scorecard", "https://quality.example.com/teams/api/")],
            answers_label="Answer",
            answers=[cards.Link("on it", "https://quality.example.com/answer/x/?to=on-it&y=1")],
        )
    ],
    foot=["You get this because you lead Api."],
    useful_label="Was this useful?",
    useful=[cards.Link("yes", "https://quality.example.com/vote/x/yes")],
    stop=[cards.Link("Stop all nudges", "https://quality.example.com/unsubscribe/x/")],
)

pytestmark = pytest.mark.django_db(transaction=True)


def answer(status: str, body: bytes = b"ok", *headers: str) -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
    return head.encode() + body


@pytest.fixture(autouse=True)
def world(settings, monkeypatch):
    settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
    settings.INSTANCE_ID = ""
    settings.SITE_URL = "https://quality.example.com"
    monkeypatch.setattr(slack, "SECONDS", 0.0)
    monkeypatch.setitem(kinds._kinds, "test", kinds.Kind("test", follows_route=True))


@pytest.fixture
def mail(settings):
    with MailServer() as running:
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = running.host, running.port, 5
        settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        settings.DEFAULT_FROM_EMAIL = "Quality <quality@example.com>"
        yield running


def somebody(kind: str, url: str, email: str = "alice@example.com") -> User:
    person = User.objects.create_user(email, name="Alice")
    host = "127.0.0.1" if url else "slack.com"
    Route.objects.create(person=person, kind=kind, host=host, url=seal(url), secret=seal(SECRET), since=NOW)
    return User.objects.get(pk=person.pk)


def put(person: User, key: str = "one", card: cards.Card = CARD) -> Delivery:
    route = person.route
    return outbox.put(
        Letter("test", key, route.address, "Hello", "Hello.", person=person, channel=route.kind, card=card.kept()), NOW
    )


def fresh(row: Delivery) -> Delivery:
    row.refresh_from_db()
    return row


def body_of(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


def headers_of(request: bytes) -> dict[str, str]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


# -- one message, taken --


@pytest.mark.parametrize("kind", ["slack", "teams", "webhook"])
def test_a_digest_is_posted_once_and_its_address_is_no_secret(kind):
    with serving(answer("200 OK")) as server:
        row = put(somebody(kind, f"{server.url}services/T0/B0/secret"))
        batch = delivery.deliver_batch(NOW)
        delivery.deliver_batch(NOW + timedelta(days=1))
        assert len(server.requests) == 1
    assert (batch.claimed, dict(batch.ended), batch.stopped) == (1, {"sent": 1}, "")
    assert server.requests[0].startswith(b"POST /services/T0/B0/secret HTTP/1.1\r\n")
    row = fresh(row)
    assert (row.state, row.sent_at, row.handed_at) == (State.SENT, NOW, NOW)
    assert row.address == f"route {Route.objects.get().pk} at 127.0.0.1"
    assert row.shown_address == f"{kind.capitalize()}, 127.0.0.1"
    kept = (
        str(list(Delivery.objects.values())) + str(list(AuditRow.objects.values())) + str(list(Route.objects.values()))
    )
    assert "T0/B0" not in kept
    assert SECRET not in kept


def test_inbox_only_is_kept_and_sent_nowhere():
    person = User.objects.create_user("alice@example.com")
    Route.objects.create(person=person, kind="inbox", since=NOW)
    row = put(User.objects.get())
    assert dict(delivery.deliver_batch(NOW).ended) == {"sent": 1}
    assert (fresh(row).state, row.text, row.shown_address) == (State.SENT, "Hello.", "Kept here, sent nowhere")


# -- answers --

SLOW = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\no"


@pytest.mark.parametrize("kind", ["slack", "teams", "webhook"])
def test_429_waits_as_long_as_it_is_asked_to(kind):
    with serving(answer("429 Too Many Requests", b"rate_limited", "Retry-After: 90")) as server:
        row = put(somebody(kind, server.url))
        assert dict(delivery.deliver_batch(NOW).ended) == {"refused for now": 1}
        assert (fresh(row).state, row.next_at, row.attempts) == (State.PENDING, NOW + timedelta(seconds=90), 1)
        server.answer = answer("200 OK")
        assert delivery.deliver_batch(NOW + timedelta(seconds=89)).claimed == 0
        delivery.deliver_batch(NOW + timedelta(seconds=90))
    assert fresh(row).state == State.SENT
    assert len(server.requests) == 2


@pytest.mark.parametrize("asked", ["0", "99999999999", "-3", "soon"])
def test_an_odd_retry_after_is_no_trap(asked):
    with serving(answer("429 Too Many Requests", b"", f"Retry-After: {asked}")) as server:
        row = put(somebody("slack", server.url))
        delivery.deliver_batch(NOW)
    assert NOW < fresh(row).next_at <= NOW + timedelta(days=1)


def test_a_refused_connection_is_tried_again(mail):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for kind in ("slack", "teams", "webhook"):
        row = put(somebody(kind, f"http://127.0.0.1:{port}/x", f"{kind}@example.com"), kind)
        delivery.deliver_batch(NOW)
        assert (fresh(row).state, row.handed_at, row.attempts) == (State.PENDING, None, 1), kind
        assert "took no connection" in row.reason


@pytest.mark.parametrize(("kind", "state"), [("slack", "in doubt"), ("teams", "in doubt"), ("webhook", "pending")])
@pytest.mark.parametrize("how", ["500", "cut before the body is read", "cut after the body", "silence", "no HTTP"])
def test_what_is_no_clear_answer_is_in_doubt_or_sent_again_under_its_id(kind, state, how, monkeypatch):
    monkeypatch.setattr(way_out, "READ_SECONDS", 0.3)
    answers = {
        "500": answer("500 Internal Server Error", b"rollup_error"),
        "cut after the body": lambda taken: taken.close(),
        "silence": lambda taken: time.sleep(0.6),
        "no HTTP": b"what?\r\n\r\n",
        "cut before the body is read": b"",
    }
    with serving(answers[how]) as server:
        if how == "cut before the body is read":
            server._converse = lambda taken: taken.recv(1)
        row = put(somebody(kind, server.url))
        delivery.deliver_batch(NOW)
    assert fresh(row).state == state
    assert row.handed_at == NOW
    if state == "in doubt":
        assert "may have arrived" in row.reason
        assert delivery.deliver_batch(NOW + timedelta(days=1)).claimed == 0


def test_an_answer_that_breaks_off_after_its_2xx_says_taken(monkeypatch):
    monkeypatch.setattr(way_out, "READ_SECONDS", 0.3)
    for kind in ("slack", "teams", "webhook"):
        with serving(SLOW) as server:
            row = put(somebody(kind, server.url, f"{kind}@example.com"), kind)
            delivery.deliver_batch(NOW)
        assert fresh(row).state == State.SENT, kind


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("slack", "404 Not Found", b"no_service"),
        ("slack", "404 Not Found", b"channel_not_found"),
        ("slack", "403 Forbidden", b"invalid_token"),
        ("slack", "410 Gone", b"channel_is_archived"),
        ("slack", "400 Bad Request", b"user_not_found"),
        ("slack", "302 Found", b""),
        ("teams", "404 Not Found", b'{"error": {"code": "WorkflowNotFound"}}'),
        ("teams", "400 Bad Request", b'{"error": {"code": "WorkflowTriggerIsNotEnabled"}}'),
        ("teams", "401 Unauthorized", b"<html>"),
        ("webhook", "410 Gone", b""),
    ],
)
def test_a_place_that_is_refused_for_good_is_suspended_and_the_digest_goes_by_mail(kind, status, body, mail):
    with serving(answer(status, body)) as server:
        person = somebody(kind, server.url)
        row = put(person)
        assert dict(delivery.deliver_batch(NOW).ended) == {"by mail instead": 1}
        assert len(server.requests) == 1
        row, route = fresh(row), Route.objects.get()
        assert (row.state, row.channel, row.address) == (State.PENDING, "email", "alice@example.com")
        assert row.reason.startswith(
            f"by mail, since {kind.capitalize()}, 127.0.0.1 did not take it: 127.0.0.1 answered"
        )
        assert route.suspended_at == NOW
        assert status[:3] in route.suspended_reason
        record = AuditRow.objects.get(kind="person", via=kind)
        assert record.after == {"digests go to": "email", "not to": f"{kind.capitalize()}, 127.0.0.1"}
        delivery.deliver_batch(NOW)
        delivery.deliver_batch(NOW + timedelta(days=1))
        assert len(server.requests) == 1
    assert (fresh(row).state, mail.counts()) == (State.SENT, {row.message_id: 1})
    assert outbox.put(Letter("test", "two", "x", channel="slack", person=person, card=CARD.kept()), NOW)
    delivery.deliver_batch(NOW)
    assert Delivery.objects.get(key="two").address == "alice@example.com"


def test_a_message_that_slack_finds_unfit_goes_by_mail_and_the_place_stays(mail):
    with serving(answer("400 Bad Request", b"invalid_blocks")) as server:
        row = put(somebody("slack", server.url))
        for _ in range(3):
            delivery.deliver_batch(NOW)
        assert len(server.requests) == 1
    assert (fresh(row).state, row.channel, Route.objects.get().suspended_at) == (State.SENT, "email", None)
    assert len(mail.accepted) == 1


def test_words_of_a_place_that_no_database_keeps_hold_up_nobody(mail):
    said = answer("400 Bad Request", b'{"error": {"code": "No\\u0000such\\ud800\\nthing\\u202e"}}')
    with serving(said) as odd, serving(answer("200 OK")) as good:
        row = put(somebody("teams", odd.url), "odd")
        other = put(somebody("teams", good.url, "good@example.com"), "good")
        assert dict(delivery.deliver_batch(NOW).ended) == {"by mail instead": 1, "sent": 1}
    assert fresh(row).reason.endswith("Teams says: No such thing")
    assert fresh(other).state == State.SENT


def test_a_kind_that_follows_no_place_fails_there_and_is_not_mailed(mail, monkeypatch):
    monkeypatch.setitem(kinds._kinds, "test", kinds.Kind("test"))
    with serving(answer("404 Not Found", b"no_service")) as server:
        row = put(somebody("slack", server.url))
        delivery.deliver_batch(NOW)
        delivery.deliver_batch(NOW)
    assert (fresh(row).state, Route.objects.get().suspended_at, mail.accepted) == (State.FAILED, NOW, [])


def test_a_fault_between_suspending_and_mailing_leaves_both_as_they_were(mail, monkeypatch):
    def dies(*_args):
        raise RuntimeError("killed")

    with serving(answer("404 Not Found", b"no_service")) as server:
        row = put(somebody("slack", server.url))
        monkeypatch.setattr("nudges.routes.suspend", dies)
        with suppress(RuntimeError):
            delivery.deliver_batch(NOW)
        delivery.sweep(NOW + delivery.LEASE)
    assert (fresh(row).state, row.channel, Route.objects.get().suspended_at) == (State.IN_DOUBT, "slack", None)


def test_a_webhook_that_takes_nothing_for_two_days_gives_way_to_mail(mail):
    with serving(answer("500 Oops", b"")) as server:
        row = put(somebody("webhook", server.url))
        delivery.deliver_batch(NOW)
        delivery.deliver_batch(NOW + timedelta(hours=49))
        delivery.deliver_batch(NOW + timedelta(hours=49))
        assert len(server.requests) == 1
    assert (fresh(row).state, row.channel, len(mail.accepted)) == (State.SENT, "email", 1)
    assert Route.objects.get().suspended_at is None


def test_slow_places_together_hold_up_a_batch_for_a_time_and_lose_nothing(mail, monkeypatch):
    monkeypatch.setattr(delivery, "PLACES_SECONDS", 0.5)

    def slow(taken: socket.socket) -> None:
        time.sleep(0.4)
        taken.sendall(answer("200 OK"))

    with serving(slow) as server:
        rows = [put(somebody("webhook", server.url, f"s{n}@example.com"), f"s{n}") for n in range(4)]
        outbox.put(Letter("test", "mail", "bob@example.com", "Hello", "Hello."), NOW)
        batch = delivery.deliver_batch(NOW)
        assert (dict(batch.ended), batch.more, len(mail.accepted)) == ({"sent": 3}, True, 1)
        assert [(fresh(row).state, row.attempts) for row in rows] == [("sent", 1)] * 2 + [("pending", 0)] * 2
        delivery.deliver_batch(NOW)
        assert len(server.requests) == 4
    assert {fresh(row).state for row in rows} == {State.SENT}


def test_one_silent_place_holds_up_nobody_else(monkeypatch):
    monkeypatch.setattr(way_out, "READ_SECONDS", 0.3)
    with serving(lambda taken: time.sleep(0.6)) as silent, serving(answer("200 OK")) as quick:
        slow = [put(somebody("slack", silent.url, f"s{n}@example.com"), f"s{n}") for n in range(2)]
        Route.objects.update(host="localhost")
        good = put(somebody("slack", quick.url, "q@example.com"), "q")
        delivery.deliver_batch(NOW)
        assert len(silent.requests) == 1
    assert [fresh(row).state for row in (*slow, good)] == [State.IN_DOUBT, State.PENDING, State.SENT]


# -- death between handing and answer --


@pytest.mark.parametrize(("kind", "state"), [("slack", "in doubt"), ("teams", "in doubt"), ("webhook", "pending")])
def test_a_stop_between_handing_and_answer(kind, state, monkeypatch):
    class Killed(BaseException):
        pass

    def dies(*_args, **_more):
        raise Killed

    with serving(answer("200 OK")) as server:
        row = put(somebody(kind, server.url))
        monkeypatch.setattr(way_out.http.client.HTTPResponse, "begin", dies)
        with suppress(Killed):
            delivery.deliver_batch(NOW)
        assert fresh(row).state == State.HANDING
        monkeypatch.undo()
        delivery.sweep(NOW + delivery.LEASE)
        assert fresh(row).state == state


def test_who_lost_the_lease_sends_nothing(monkeypatch):
    with serving(answer("200 OK")) as server:
        row = put(somebody("slack", server.url))
        real = way_out._open

        def taken_over(*args):
            found = real(*args)
            Delivery.objects.filter(pk=row.pk).update(lease="another", state=State.CLAIMED)
            return found

        monkeypatch.setattr(way_out, "_open", taken_over)
        batch = delivery.deliver_batch(NOW)
        assert server.requests == []
    assert (dict(batch.ended), fresh(row).lease) == ({"not ours any more": 1}, "another")


# -- the place is asked for again --


@pytest.mark.parametrize("later", ["e-mail", "another", "inactive"])
def test_a_digest_that_waits_goes_where_its_person_wants_it_by_then(later, mail):
    with serving(answer("200 OK")) as old, serving(answer("200 OK")) as new:
        person = somebody("slack", old.url)
        row = put(person)
        person.route.delete()
        if later == "another":
            Route.objects.create(person=person, kind="teams", host="127.0.0.1", url=seal(new.url), since=NOW)
        User.objects.filter(pk=person.pk).update(is_active=later != "inactive")
        delivery.deliver_batch(NOW)
        assert (len(old.requests), len(new.requests), len(mail.accepted)) == (
            0,
            int(later == "another"),
            int(later == "e-mail"),
        )
    assert fresh(row).state == (State.SUPPRESSED if later == "inactive" else State.SENT)


def test_who_gives_a_place_up_for_none_while_others_are_served_is_not_mailed(mail):
    def chooses(taken: socket.socket) -> None:
        routes.choose(User.objects.get(email="b@example.com"), "inbox", "", NOW)
        connection.close()
        taken.sendall(answer("200 OK"))

    with serving(chooses) as first, serving(answer("200 OK")) as second:
        one = put(somebody("slack", first.url, "a@example.com"), "a")
        other = put(somebody("slack", second.url, "b@example.com"), "b")
        delivery.deliver_batch(NOW)
        delivery.deliver_batch(NOW)
        assert second.requests == []
    assert (fresh(one).state, fresh(other).state, other.channel) == (State.SENT, State.SENT, "inbox")
    assert mail.accepted == []


# -- Slack's bot --


class Bot:
    """Slack's Web API, as far as it is used."""

    def __init__(self, post: bytes, lookup: bytes = b'{"ok": true, "user": {"id": "U0ALICE"}}') -> None:
        self.post, self.lookup = post, lookup
        self.asked: list[bytes] = []

    def __call__(self, taken: socket.socket) -> None:
        post = self.server.requests[-1].startswith(b"POST")
        taken.sendall(answer("200 OK", self.post if post else self.lookup))


def talk(settings, bot: Bot, times: int = 1):
    with serving(bot) as server:
        bot.server = server
        settings.SLACK_BOT_TOKEN, settings.SLACK_API_URL = "xoxb-1-token", f"{server.url}api/"
        row = put(somebody("slack-direct", ""))
        for _ in range(times):
            delivery.deliver_batch(NOW)
        return fresh(row), server.requests


def test_a_direct_message_finds_its_person_by_address(settings):
    row, (lookup, post) = talk(settings, Bot(b'{"ok": true, "ts": "1"}'))
    assert lookup.startswith(b"GET /api/users.lookupByEmail?email=alice%40example.com HTTP/1.1\r\n")
    assert post.startswith(b"POST /api/chat.postMessage HTTP/1.1\r\n")
    assert headers_of(post)["authorization"] == headers_of(lookup)["authorization"] == "Bearer xoxb-1-token"
    assert json.loads(body_of(post))["channel"] == "U0ALICE"
    assert (row.state, row.shown_address) == (State.SENT, "Slack, direct message, slack.com")


@pytest.mark.parametrize(
    ("lookup", "post", "state", "suspended"),
    [
        ({"ok": False, "error": "users_not_found"}, {}, "email", True),
        ({"ok": False, "error": "token_revoked"}, {}, "email", False),
        ({"ok": False, "error": "internal_error"}, {}, "pending", False),
        ({"ok": True, "user": None}, {}, "pending", False),
        (None, {"ok": False, "error": "channel_not_found"}, "email", True),
        (None, {"ok": False, "error": "invalid_blocks"}, "email", False),
        (None, {"ok": False, "error": "ratelimited"}, "pending", False),
        (None, {"ok": False, "error": "fatal_error"}, "in doubt", False),
        (None, [], "in doubt", False),
    ],
)
def test_what_slack_says_of_a_direct_message(settings, mail, lookup, post, state, suspended):
    more = {} if lookup is None else {"lookup": json.dumps(lookup).encode()}
    row, _ = talk(settings, Bot(json.dumps(post).encode(), **more))
    assert (row.channel if row.channel == "email" else row.state) == state
    assert (Route.objects.get().suspended_at is not None) is suspended


# -- webhooks --


def test_a_webhook_is_verified_by_another_implementation():
    with serving(answer("204 No Content", b"")) as server:
        row = put(somebody("webhook", server.url))
        moment = datetime.now(UTC)
        Delivery.objects.update(next_at=moment, not_after=moment + timedelta(hours=1))
        delivery.deliver_batch(moment)
        request = server.requests[0]
    said = Webhook(SECRET).verify(body_of(request).decode(), headers_of(request))
    assert (said["type"], said["data"]) == ("test", CARD.kept())
    assert said["id"] == headers_of(request)["webhook-id"] == f"msg_{row.message_id[1:41]}"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body_of(request).decode().replace("58 %", "59 %"), headers_of(request))


def test_a_webhook_is_sent_again_under_its_id_with_a_new_moment():
    with serving(answer("500 Oops", b"")) as server:
        put(somebody("webhook", server.url))
        delivery.deliver_batch(NOW)
        server.answer = answer("200 OK")
        delivery.deliver_batch(NOW + timedelta(minutes=2))
        first, second = (headers_of(request) for request in server.requests)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 120
    assert Delivery.objects.get().state == State.SENT


# -- what fits --

HOSTILE = ["<!channel> & <https://evil.example|click>", "&" * 9000, "x" * 9000, "*_~`" * 500, "a\nb\rc|d>", "é‮" * 3000]


def hostile(text: str, goals: int = 12) -> cards.Card:
    link = cards.Link(text, "https://example.com/" + "p" * 1500)
    part = cards.Part(
        "goal", text, text, "▲", text, [cards.Line(text, text)] * 6, text, [cards.Item(text, text, link.url)] * 30, text,
        text, [text] * 12, [cards.Line(text, text)] * 3, [link] * 12, text, [link] * 30,
    )  # fmt: skip
    return cards.Card(text, text, text, [part] * goals, [text] * 3, text, [link, link], [link] * 20)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("goals", [0, 1, 12])
def test_slack_takes_any_card(text, goals):
    made = slack.payload(hostile(text, goals))
    check_slack(made)
    flat = json.dumps(made["blocks"])
    assert "<!channel>" not in flat
    assert "|click>" not in flat


def check_slack(made: dict) -> None:
    """slack_sdk's own models of the blocks, and the limits of its documentation."""
    assert 1 <= len(made["blocks"]) <= 50
    assert 1 <= len(made["text"]) <= 3000
    for block in made["blocks"]:
        parsed = Block.parse(block)
        assert type(parsed) is not Block
        parsed.validate_json()
        assert parsed.to_dict() == block
        if block["type"] == "section":
            assert 1 <= len(block["text"]["text"]) <= 3000
        if block["type"] == "header":
            assert 1 <= len(block["text"]["text"]) <= 150
        if block["type"] == "context":
            assert 1 <= len(block["elements"]) <= 10
            assert all(1 <= len(element["text"]) <= 3000 for element in block["elements"])
        if block["type"] == "actions":
            assert 1 <= len(block["elements"]) <= 25
            for button in block["elements"]:
                assert 1 <= len(button["text"]["text"]) <= 75
                assert len(button["url"]) <= 3000
    ids = [b["action_id"] for block in made["blocks"] if block["type"] == "actions" for b in block["elements"]]
    assert len(ids) == len(set(ids))


def test_slack_says_what_it_left_out():
    made = slack.payload(hostile("x", 60))
    assert "more parts of this had no room here: it is all on your page, https://quality.example.com/" in json.dumps(
        made
    )


RUN = {"type", "text", "size", "weight", "color", "isSubtle", "selectAction"}
ELEMENTS = {
    "RichTextBlock": {"type", "inlines", "spacing"},
    "Container": {"type", "items", "separator", "spacing"},
    "ActionSet": {"type", "actions"},
}


def check_teams(made: dict) -> None:
    """The elements and properties of Adaptive Cards 1.4 that are used, each with what its schema asks."""
    assert len(json.dumps(made, ensure_ascii=False).encode()) <= 28 * 1024
    assert made["type"] == "message"
    (attachment,) = made["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")

    def walk(elements):
        assert elements
        for element in elements:
            assert set(element) <= ELEMENTS[element["type"]], element
            if element["type"] == "Container":
                walk(element["items"])
            for run in element.get("inlines", ()):
                assert set(run) <= RUN
                assert run["type"] == "TextRun"
                assert run["text"]
                assert run.get("color", "Default") in {"Default", "Accent", "Good", "Warning", "Attention"}
                if "selectAction" in run:
                    assert run["selectAction"]["url"].startswith("https://")
            for action in element.get("actions", ()):
                assert set(action) == {"type", "title", "url"}
                assert action["type"] == "Action.OpenUrl"
            assert len(element.get("actions", ())) <= 6

    walk(card["body"])


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("goals", [0, 1, 12])
def test_teams_takes_any_card(text, goals):
    check_teams(teams.payload(hostile(text, goals)))


def test_teams_cuts_items_before_goals_and_says_so():
    part = cards.Part("goal", "Typed", items_label="next", items=[cards.Item("a" * 300, "b" * 300)] * 10)
    made = json.dumps(teams.payload(cards.Card("T", "F", parts=[part] * 5)))
    assert made.count('"Typed"') == 5
    assert "and 5 more items, left out here: see the scorecard" in made
    assert "had no room here" not in made
    made = json.dumps(teams.payload(cards.Card("T", "F", parts=[cards.Part("goal", "Typed", says="c" * 1000)] * 40)))
    assert made.count('"Typed"') < 40
    assert f"{40 - made.count(chr(34) + 'Typed' + chr(34))} more parts of this had no room here" in made


def test_a_plain_card_says_everything_in_both():
    for made in (slack.payload(CARD), teams.payload(CARD)):
        flat = json.dumps(made, ensure_ascii=False)
        for words in (
            CARD.title, CARD.first, CARD.then, "Typed functions", "▲ behind", "45 %, should be 51 % today", "lib/a.py",
            "closes 58 %", "1. Annotate", "Api’s scorecard", "on it", "You get this because you lead Api.", "yes",
            "Stop all nudges", "https://quality.example.com/answer/x/?to=on-it&y=1",
        ):  # fmt: skip
            assert words in flat, words
    assert "https://git.example.com/lib/a.py?a=1&amp;b=2|lib/a.py>" in json.dumps(slack.payload(CARD))


def test_every_channel_is_known_by_name():
    assert set(CHANNELS) == set(Delivery.PLACES)


def test_two_senders_post_once():
    with serving(answer("200 OK")) as server:
        for n in range(6):
            put(somebody("slack", server.url, f"p{n}@example.com"), str(n))
        senders = [threading.Thread(target=_drain) for _ in range(2)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert len(server.requests) == 6
    assert set(Delivery.objects.values_list("state", flat=True)) == {State.SENT}


def _drain() -> None:
    from django.db import connections

    try:
        while delivery.deliver_batch(NOW, size=2).more:
            pass
    finally:
        connections.close_all()

"""A digest in the place its person chose: one a day whichever it is, from the same facts, and by mail if it is refused."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from accounts.models import User
from accounts.secrets import seal
from nudges import cards
from nudges.channels import slack
from nudges.models import Delivery, Digest, Route
from tests.nudges.conftest import MONDAY
from tests.nudges.test_channels import answer, body_of, check_slack, check_teams
from tests.program.test_fetch import serving

WEEK = timedelta(weeks=1)
NOW = MONDAY + WEEK


@pytest.fixture(autouse=True)
def near(settings, monkeypatch):
    settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(slack, "SECONDS", 0.0)


def goes_to(person: User, kind: str, url: str = "") -> None:
    Route.objects.filter(person=person).delete()
    host = "127.0.0.1" if url else ""
    Route.objects.create(person=person, kind=kind, host=host, url=seal(url), secret=seal("whsec_AAAA"), since=MONDAY)


def of(person: User) -> Delivery:
    return Delivery.objects.get(person=person, key__endswith="2026-03-23")


def mails_to(mail_server, person: User) -> int:
    return sum(person.email in mail.receivers for mail in mail_server.accepted)


def test_slack_says_what_the_mail_says(play, mail_server):
    play.announced()
    before = mails_to(mail_server, play.world.alice)
    with serving(answer("200 OK")) as server:
        goes_to(play.world.alice, "slack", server.url)
        play.run(NOW)
        (request,) = server.requests
    made = json.loads(body_of(request))
    check_slack(made)
    flat = " ".join(json.dumps(made, ensure_ascii=False).replace("\\n", " ").split())
    for words in (
        "*Api is 17 points behind its path on Functions with full annotations.*",
        "lib/webhooks.py alone can close the gap: 38 to do there.",
        "*Functions with full annotations* · ▲ behind",
        "_now:_ 15 % on 13 Mar, should be 32 % today; target 90 % by 31 Dec",
        "lib/webhooks.py: closes 100 % of the gap, 38",
        "1. Run the checker on one file",
        "_check:_ mypy lib/webhooks.py",
        "You get this because you lead Api.",
        "Nobody gets a copy of this;",
        "Was this useful?",
        "|Stop all nudges>",
        "/answer/",
    ):
        assert words in flat, flat
    assert mails_to(mail_server, play.world.alice) == before
    row = of(play.world.alice)
    assert (row.state, row.text.startswith("Api is 17 points behind its path")) == ("sent", True)


@pytest.mark.parametrize("kind", ["slack", "teams", "webhook", "inbox"])
def test_new_goals_and_every_other_piece_of_news_have_a_card(play, kind):
    with serving(answer("200 OK")) as server:
        for person in (play.world.alice, User.objects.get(email="wanda@example.com")):
            goes_to(person, kind, server.url if kind != "inbox" else "")
        for week in range(6):
            play.run(MONDAY + week * WEEK)
        payloads = [json.loads(body_of(request)) for request in server.requests]
    rows = Delivery.objects.filter(kind="digest", person__route__isnull=False)
    assert set(rows.values_list("state", "channel")) == {("sent", kind)}
    assert len(payloads) == (0 if kind == "inbox" else rows.count())
    for made in payloads:
        {"slack": check_slack, "teams": check_teams, "webhook": lambda said: cards.read(said["data"])}[kind](made)
    if kind == "webhook":
        assert {part["kind"] for said in payloads for part in said["data"]["parts"]} >= {"new goal", "goal"}
        facts = next(p for said in payloads for p in said["data"]["parts"] if p["kind"] == "goal")["facts"][0]
        assert (facts["program"], facts["metric"], facts["status"]) == ("typing", "typed-functions", "behind")


@pytest.mark.parametrize("kind", ["email", "slack", "teams", "webhook", "inbox"])
def test_one_digest_a_person_and_day_whichever_the_place(play, mail_server, kind):
    with serving(answer("200 OK")) as server:
        if kind != "email":
            goes_to(play.world.alice, kind, server.url if kind != "inbox" else "")
        for day in range(10):
            for hour in (0, 2, 4):
                play.run(MONDAY + timedelta(days=day, hours=hour))
        posted = len(server.requests)
    reached = Delivery.objects.filter(kind="digest", person=play.world.alice).reached()
    days = [row.handed_at.date() for row in reached]
    assert len(days) == len(set(days)) == Digest.objects.filter(person=play.world.alice, delivery__in=reached).count()
    mailed = mails_to(mail_server, play.world.alice)
    assert (mailed, posted) == {"email": (len(days), 0), "inbox": (0, 0)}.get(kind, (0, len(days)))


def test_a_refused_place_is_told_in_the_mail_that_goes_in_its_stead(play, mail_server):
    play.announced()
    before = mails_to(mail_server, play.world.alice)
    with serving(answer("404 Not Found", b"no_service")) as server:
        goes_to(play.world.alice, "slack", server.url)
        play.run(NOW)
        play.run(NOW)
        assert len(server.requests) == 1
    row = of(play.world.alice)
    assert (row.state, row.channel, mails_to(mail_server, play.world.alice)) == ("sent", "email", before + 1)
    flat = " ".join(row.text.split())
    assert "This came by e-mail because Slack takes nothing from us any more (127.0.0.1 answered 404;" in flat
    assert "Choose a place again on your page: https://quality.example.com/me/" in flat
    assert "takes nothing from us any more" in row.html


def test_a_refused_mail_address_withholds_nothing_from_who_reads_elsewhere(play):
    play.announced()
    User.objects.filter(pk=play.world.alice.pk).update(address_suspended_reason="550 gone")
    with serving(answer("200 OK")) as server:
        goes_to(play.world.alice, "slack", server.url)
        play.run(NOW)
        assert len(server.requests) == 1
    assert of(play.world.alice).state == "sent"


def test_with_both_refused_nobody_is_told(play):
    play.announced()
    User.objects.filter(pk=play.world.alice.pk).update(address_suspended_reason="550 gone")
    with serving(answer("404 Not Found", b"no_service")) as server:
        goes_to(play.world.alice, "slack", server.url)
        play.run(NOW)
        play.run(NOW)
    row = of(play.world.alice)
    assert (row.state, row.reason) == ("suppressed", "the address is suspended: 550 gone")

"""What we send: every kind with a team's numbers for its owners; looking changes nothing; a test goes to the asker."""

from __future__ import annotations

import re
from email import message_from_bytes
from email.policy import default

import pytest
import time_machine
from django.test import Client
from icalendar import Calendar

from accounts.models import User
from accounts.secrets import seal
from nudges import delivery, kinds, samples
from nudges.models import Delivery, Digest, Notice, Nudge, Route, Turn
from reviews.models import Brief, Review
from reviews.schedule import schedule
from tests.nudges.conftest import MONDAY
from tests.people import World
from tests.program.test_fetch import serving

pytestmark = pytest.mark.django_db
HERE = "/programs/typing/nudges/samples/"
KINDS = [
    "behind", "still", "slipped", "at-risk", "overdue", "the-day-of-your-answer", "an-item-you-took", "new-goal", "back-on-the-path", "exemption-ending",
    "heard-from-below", "handover", "trouble", "restraint", "invite", "brief",
]  # fmt: skip


@pytest.fixture
def world(play) -> World:
    with time_machine.travel(MONDAY, tick=False):
        yield play.world


@pytest.fixture
def owner(client: Client, world: World) -> Client:
    client.force_login(world.tess)
    return client


def counts() -> list[int]:
    return [model.objects.count() for model in (Delivery, Digest, Notice, Nudge, Turn, User)]


def test_each_kind_is_there_with_the_teams_numbers_and_looking_changes_nothing(owner):
    before = counts()
    page = owner.get(HERE, {"team": "api"}).content.decode()
    assert re.findall(r'<section id="([a-z-]+)"', page) == KINDS
    assert (
        "<strong>Api: Functions with full annotations is 15 points behind; webhooks.py is the one to fix</strong>"
        in page
    )
    assert "Api is 15 points behind its path on Functions with full annotations." in page
    flat = " ".join(page.split())
    assert "for 7 weeks, by 15 points now; its lead, Alice, was told 3 times." in flat
    assert "You get this because you lead Engineering, and Api is part of it." in flat
    for kind in KINDS:
        html = owner.get(f"{HERE}api/{kind}/html")
        assert html.status_code == 200
        assert "sandbox" in html["Content-Security-Policy"]
        for acting in ("/unsubscribe/", "/answer/", "/vote/"):
            assert acting not in html.content.decode()
    assert counts() == before


def test_a_test_goes_to_the_asker_alone_once_a_minute_and_counts_in_no_budget(owner, world, mail_server):
    for _ in range(2):
        answer = owner.post(f"{HERE}api/overdue/test")
        assert answer["Location"] == f"{HERE}?team=api#overdue"
    row = Delivery.objects.get(kind="test")
    assert (row.address, row.person, row.program, row.state) == (
        "tess@example.com",
        world.tess,
        world.program,
        "pending",
    )
    assert row.subject.startswith("[test] Api: Functions with full annotations is overdue, ")
    assert row.text.startswith("This is a test.\n\nApi is ")
    assert "List-Unsubscribe" not in row.headers
    assert not Digest.objects.exists()
    assert kinds.get("test").breaker is False
    assert "A test of “Overdue” goes to tess@example.com with the next round." in owner.get(HERE).content.decode()
    delivery.deliver_batch(MONDAY)
    row.refresh_from_db()
    assert row.state == "sent"


@pytest.mark.parametrize(("name", "status"), [("alice", 404), ("sam", 404), ("charlie", 404)])
def test_it_is_for_owners(client, world, name, status):
    client.force_login(getattr(world, name))
    assert client.get(HERE).status_code == status
    assert client.get(f"{HERE}api/behind/html").status_code == status
    assert client.post(f"{HERE}api/behind/test").status_code == status
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("address", ["?team=nowhere", "?team=engineering", "api/nothing/html", "nowhere/behind/html"])
def test_what_is_not_there_is_not_found(owner, address):
    assert owner.get(f"{HERE}{address}").status_code == 404


def test_a_program_without_goals_says_so(owner, world):
    world.program.goals.all().delete()
    assert "There is nothing to show yet." in owner.get(HERE).content.decode()


def test_invitation_and_brief_are_the_next_reviews(owner, world):
    schedule(MONDAY)
    page = " ".join(owner.get(HERE).content.decode().split())
    assert "<strong>Review of Every function typed, Tue 14 Apr, 10:00</strong>" in page
    assert "When: four weeks before a review, to the sponsor and the owners; again when it moves." in page
    brief = owner.get(f"{HERE}api/brief/html").content.decode()
    review = Review.objects.get()
    assert f"/reviews/{review.pk}/" in brief
    assert "Functions with full annotations" in brief
    assert not Brief.objects.exists()
    assert review.invited_at is None


def test_without_a_calendar_a_review_is_shown_as_if_in_a_week(owner, world):
    world.program.review_every = ""
    world.program.save()
    page = " ".join(owner.get(HERE).content.decode().split())
    assert "<strong>Review of Every function typed, Mon 23 Mar, 12:00</strong>" in page
    assert "/programs/typing/reviews/" in owner.get(f"{HERE}api/invite/html").content.decode()
    assert not Review.objects.exists()


def test_a_test_of_an_invitation_asks_nobody_to_accept_anything(owner, world, mail_server):
    schedule(MONDAY)
    owner.post(f"{HERE}api/invite/test")
    while delivery.deliver_batch(MONDAY).more:
        pass
    (sent,) = mail_server.accepted
    assert sent.receivers == ["tess@example.com"]
    mail = message_from_bytes(sent.data, policy=default)
    assert mail["Subject"].startswith("[test] Review of Every function typed")
    (part, *_) = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
    assert part.get_param("method") == "PUBLISH"
    calendar = Calendar.from_ical(part.get_content())
    (event,) = calendar.walk("VEVENT")
    assert str(calendar["method"]) == "PUBLISH"
    assert str(event["uid"]) == f"test-{Review.objects.get().uid}@example.com"
    assert str(event["summary"]) == "[test] Review: Every function typed"
    assert "attendee" not in event
    assert Review.objects.get().invited_at is None
    owner.post(f"{HERE}api/brief/test")
    assert Delivery.objects.get(key__contains=":brief:").attachments == []


def test_it_costs_the_same_queries_whatever_the_goals(owner, django_assert_max_num_queries):
    with django_assert_max_num_queries(134):  # a brief is among them
        owner.get(HERE)
    with django_assert_max_num_queries(34):
        owner.get(f"{HERE}api/behind/html")


def test_every_kind_of_notice_about_a_goal_has_a_sample():
    assert samples.NOTICES.keys() == set(samples.notices.OF_A_GOAL)


def test_digests_are_shown_as_slack_and_teams_lay_them_out(owner):
    page = owner.get(HERE, {"team": "api"}).content.decode()
    assert page.count("<summary>In Slack</summary>") == page.count("<summary>In Teams</summary>") == 12
    assert page.count("What is sent to Slack") == page.count("<summary>In Slack</summary>")
    assert "<strong>Api is 15 points behind its path on Functions with full annotations.</strong>" in page
    assert '<span class="key">wrong number</span>' in page
    for acting in ("/unsubscribe/", "/answer/", "/vote/"):
        assert acting not in page


def test_what_people_typed_is_words_in_slack_and_teams_too(owner, world):
    evil = "<img src=x onerror=alert(1)> *b* _i_ <https://evil.example|x> [y](javascript:alert(1))"
    type(world.typed).objects.update(name=evil)
    page = owner.get(HERE, {"team": "api"}).content.decode()
    assert page.count("<summary>In Slack</summary>") > 1
    assert "<img src=x" not in page
    assert 'href="https://evil.example' not in page
    assert 'href="javascript:' not in page


def test_a_test_goes_where_its_readers_digests_go(owner, world, settings):
    settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
    with serving(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") as server:
        Route.objects.create(person=world.tess, kind="slack", host="127.0.0.1", url=seal(server.url), since=MONDAY)
        answer = owner.post(f"{HERE}api/behind/test", follow=True)
        assert "goes to Slack, 127.0.0.1 with the next round." in answer.content.decode()
        delivery.deliver_batch(MONDAY)
        assert b"[test] Api: Functions with full annotations is 15 points behind" in server.requests[0]
    assert Delivery.objects.get(kind="test").state == "sent"

"""The inbox: what waits with what is to be done, every message kept, read marks that no GET changes, answers in place."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
import time_machine

from nudges import routes
from nudges.models import Delivery, Digest, Mute, Notice, Opened, Vote
from program.models import Feed
from reviews.models import Brief, Review
from teams import answering, trust
from teams.apply.files import apply_text
from teams.models import Membership
from teams.standings import judge_due
from tests.nudges.conftest import MONDAY
from tests.people import TYPING
from tests.web.test_answers import tables
from tests.web.test_pages import sign_in, words

FIRST = MONDAY + timedelta(weeks=1)
LATER = FIRST + timedelta(hours=2)


@pytest.fixture
def told(play):
    """Alice was told of her new goals, and a week later that one is behind; the time is two hours after that."""
    play.announced()
    play.run(FIRST)
    with time_machine.travel(LATER, tick=False):
        yield play


def put(person, key: str, **facts) -> Delivery:
    fields = {
        "kind": "trouble", "key": key, "address": person.email, "person": person, "message_id": f"<{key}@x>",
        "next_at": LATER, "not_after": LATER, "created_at": LATER, "state": "sent", "sent_at": LATER,
        "subject": f"About {key}", "text": f"Words of {key}", "html": f"<p>Words of {key}</p>",
    } | facts  # fmt: skip
    return Delivery.objects.create(**fields)


def listed(answer) -> list[str]:
    """The titles of the messages, in order."""
    part = answer.content.decode().partition('id="messages"')[2]
    return re.findall(r'<a href="/inbox/\d+/">([^<]+)</a>', part)


def test_every_message_is_kept_newest_first(client, told):
    alice = told.world.alice
    said = words(sign_in(client, "alice").get("/inbox/"))
    assert listed(client.get("/inbox/")) == list(
        Delivery.objects.filter(person=alice).order_by("-created_at").values_list("subject", flat=True)
    )
    assert "2 of 2 messages not read." in said
    assert "not read · 23 Mar 2026, 10:00 · digest" in said
    assert "not read · 16 Mar 2026, 10:00 · digest" in said
    assert listed(sign_in(client, "bob").get("/inbox/")) == []
    assert "Nothing was said to you yet." in words(client.get("/inbox/"))


def test_times_are_the_readers(client, told):
    told.world.alice.time_zone = "Asia/Tokyo"
    told.world.alice.save()
    assert "23 Mar 2026, 19:00 · digest" in words(sign_in(client, "alice").get("/inbox/"))


def test_what_was_not_mailed_says_why_and_what_was_never_written_is_not_invented(client, told):
    alice = told.world.alice
    put(alice, "failed", state="failed", reason="550 no such user", sent_at=None)
    put(alice, "suspended", state="suppressed", reason="the address is suspended: 550 no", sent_at=None)
    put(alice, "muted", state="suppressed", reason="muted", sent_at=None)
    put(alice, "late", state="expired", reason="not sent in time", sent_at=None)
    put(alice, "doubt", state="in doubt", sent_at=None)
    for n, hidden in enumerate(({"state": "suppressed", "reason": "a newer invite replaces it"},
                                {"state": "suppressed", "reason": "muted", "text": ""},
                                {"state": "failed", "text": ""}, {"state": "pending"}, {"state": "held"})):  # fmt: skip
        put(alice, f"hidden-{n}", sent_at=None, **hidden)
    page = sign_in(client, "alice").get("/inbox/")
    assert listed(page)[:5] == ["About doubt", "About late", "About muted", "About suspended", "About failed"]
    assert len(listed(page)) == 7
    said = words(page)
    assert (
        "About failed not read · 23 Mar 2026, 12:00 · numbers in doubt · not mailed: the mail server refused it" in said
    )
    assert "not mailed: the address is suspended: 550 no" in said
    assert "not mailed: you stopped all nudges" in said
    assert "not mailed: it could not be sent in time" in said
    assert said.count("not mailed") == 4


def test_a_private_message_is_a_line_without_words(client, told):
    alice = told.world.alice
    row = put(alice, "secret", kind="password-reset", private=True, subject="A new password", text="", html="")
    page = sign_in(client, "alice").get("/inbox/")
    assert (
        "A new password 23 Mar 2026, 12:00 · link for a new password · its words are erased, as it let its reader in"
    ) in words(page)
    assert "A new password" not in listed(page)
    assert client.get(f"/inbox/{row.pk}/").status_code == 404
    assert client.get(f"/inbox/{row.pk}/html").status_code == 404
    assert client.post(f"/inbox/{row.pk}/read").status_code == 404


def test_reading_is_a_post_and_only_ones_own(client, told):
    alice = told.world.alice
    row = Delivery.objects.filter(person=alice).first()
    sign_in(client, "alice")
    before = tables()
    for address in ("/inbox/", f"/inbox/{row.pk}/", f"/inbox/{row.pk}/html"):
        assert client.get(address).status_code == 200
    assert tables() == before
    assert client.get(f"/inbox/{row.pk}/read").status_code == 405
    answer = client.post(f"/inbox/{row.pk}/read", {"do": "read"})
    assert (answer.status_code, answer["Location"]) == (302, f"/inbox/{row.pk}/")
    client.post(f"/inbox/{row.pk}/read", {"do": "read"})
    assert list(Opened.objects.values_list("delivery", "at")) == [(row.pk, LATER)]
    said = words(client.get("/inbox/"))
    assert "1 of 2 messages not read." in said
    assert listed(client.get("/inbox/?unread=1")) != listed(client.get("/inbox/"))
    assert len(listed(client.get("/inbox/?unread=1"))) == 1
    assert client.post(f"/inbox/{row.pk}/read", {"do": "unread"})["Location"] == "/inbox/"
    assert Opened.objects.count() == 0
    for name in ("bob", "tess"):
        sign_in(client, name)
        for address in (f"/inbox/{row.pk}/", f"/inbox/{row.pk}/html"):
            assert client.get(address).status_code == 404
        assert client.post(f"/inbox/{row.pk}/read").status_code == 404
        assert client.post("/inbox/read").status_code == 302
    assert Opened.objects.count() == 0, "nobody marks what is not theirs"


def test_all_are_marked_at_once(client, told):
    sign_in(client, "alice")
    assert "2 messages marked as read." in words(client.post("/inbox/read", follow=True))
    said = words(client.post("/inbox/read", follow=True))
    assert "All were read before." in said
    assert "All 2 messages read." in said
    assert Opened.objects.count() == 2


def test_fifty_at_a_time_and_filters_stay_in_the_address(client, told):
    alice = told.world.alice
    for n in range(70):
        put(alice, f"m{n:02}", created_at=LATER + timedelta(minutes=n), program=told.world.program)
    sign_in(client, "alice")
    first, second = client.get("/inbox/"), client.get("/inbox/?page=2")
    assert (len(listed(first)), len(listed(second))) == (50, 22)
    assert "1 to 50 of 72" in words(first)
    assert 'href="?page=2#messages"' in first.content.decode()
    one = client.get("/inbox/?program=typing&unread=1")
    assert 'href="?program=typing&amp;unread=1&amp;page=2#messages"' in one.content.decode()
    assert "1 to 50 of 72" in words(one), "digests speak of its goals"
    for odd in ("?page=0", "?page=x", "?page=99999999999999999999", "?program=nowhere", "?program=%00", "?unread=2"):
        assert client.get(f"/inbox/{odd}").status_code == 200, odd


def test_one_programs_messages_are_its_own_and_digests_with_a_line_about_it(client, told):
    alice = told.world.alice
    other = TYPING[: TYPING.index("metrics:")] + TYPING[TYPING.index("goals:") :]
    apply_text(other.replace("key: typing", "key: other").replace("Every function", "Another"), now=LATER, via="test")
    program = type(told.world.program).objects.get(key="other")
    put(alice, "own", program=program)
    page = sign_in(client, "alice").get("/inbox/?program=other")
    assert listed(page) == ["About own"]
    assert len(listed(client.get("/inbox/?program=typing"))) == 2, "a notice of a new goal, and a nudge"
    program.audience = "web"
    program.save()
    page = client.get("/inbox/?program=other")
    assert 'value="other"' not in page.content.decode()
    assert len(listed(page)) == 3, "nobody is told the name of what they may not see; what was said stays"


def test_a_message_opens_in_a_frame_that_can_do_nothing_with_its_words_beside(client, told):
    row = Delivery.objects.filter(person=told.world.alice).order_by("created_at").last()
    sign_in(client, "alice")
    page = client.get(f"/inbox/{row.pk}/")
    body = page.content.decode()
    assert f'sandbox="allow-top-navigation-by-user-activation" src="/inbox/{row.pk}/html"' in body
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    frame = client.get(f"/inbox/{row.pk}/html")
    assert frame.content.decode() == row.html.replace("<head>", '<head><base target="_top">')
    assert set(frame["Content-Security-Policy"].split("; ")) == {
        "sandbox allow-top-navigation-by-user-activation", "default-src 'none'", "style-src 'unsafe-inline'",
        "img-src data:", "frame-ancestors 'self'",
    }  # fmt: skip
    assert 'href="https://quality.example.com/teams/api/?via=' in body, "the links of the text lead there"
    evil = put(told.world.alice, "evil", text="<script>x</script> http://e.example/<b>", html="")
    body = client.get(f"/inbox/{evil.pk}/").content.decode()
    assert "<script>x" not in body
    assert "&lt;script&gt;x" in body
    assert client.get(f"/inbox/{evil.pk}/html").status_code == 404


def test_it_is_answered_in_place_by_the_same_forms(client, told):
    world = told.world
    row = Delivery.objects.filter(person=world.alice).order_by("created_at").last()
    page = sign_in(client, "alice").get(f"/inbox/{row.pk}/?choice=blocked")
    body = page.content.decode()
    assert body.count('action="/teams/api/goals/typing/typed-functions/say"') == 6
    assert '<details class="more" open id="blocked">' in body
    answer = client.post(
        "/teams/api/goals/typing/typed-functions/say", {"do": "on-it", "until": "2026-03-30", "text": "this week"}
    )
    assert answer["Location"] == "/teams/api/goals/typing/typed-functions/"
    assert "You said: on it until 30 Mar: “this week”." in words(client.get(f"/inbox/{row.pk}/"))
    vote = re.search(r'action="(/vote/[^"]+)"', body).group(1)
    client.post(vote, {"useful": "yes"})
    assert Vote.objects.get().useful is True
    assert "You said: useful." in words(client.get(f"/inbox/{row.pk}/"))
    Membership.objects.filter(user=world.alice).delete()
    said = words(client.get(f"/inbox/{row.pk}/"))
    assert "There is nothing to answer any more" in said
    with time_machine.travel(LATER + timedelta(days=91), tick=False):
        assert 'action="/vote/' not in sign_in(client, "alice").get(f"/inbox/{row.pk}/").content.decode()


def test_of_several_goals_one_is_answered_at_a_time(client, told):
    world = told.world
    told.measure(date(2026, 3, 24), metric="findings", api={"a.py": 900})
    row = Delivery.objects.filter(person=world.alice).order_by("created_at").last()
    digest = Digest.objects.get(delivery=row)
    findings = world.goal(world.api, world.findings)
    made = answering.answer(findings, "on it", by=world.alice, now=LATER, via="page", until=date(2026, 3, 25))
    Notice.objects.create(
        kind="the day of your answer", key=str(made.pk), person=world.alice, goal=findings, digest=digest, said_at=LATER
    )
    body = sign_in(client, "alice").get(f"/inbox/{row.pk}/").content.decode()
    assert "/say" not in body
    assert f'href="/inbox/{row.pk}/?goal={findings.pk}&amp;choice=on-it#answer"' in body
    body = client.get(f"/inbox/{row.pk}/?goal={findings.pk}&choice=on-it").content.decode()
    assert "/teams/api/goals/typing/findings/say" in body
    for odd in ("?goal=x", "?goal=%00", "?goal=99999999999999999999&choice=x"):
        assert client.get(f"/inbox/{row.pk}/{odd}").status_code == 200


def test_queries_do_not_grow(client, told, django_assert_max_num_queries):
    alice = told.world.alice
    sign_in(client, "alice").get("/inbox/")
    with django_assert_max_num_queries(34) as few:
        client.get("/inbox/")
    for n in range(40):
        put(alice, f"m{n}", program=told.world.program)
    with django_assert_max_num_queries(len(few)):
        assert len(listed(client.get("/inbox/"))) == 42
    row = Delivery.objects.filter(person=alice, kind="digest").order_by("created_at").last()
    with django_assert_max_num_queries(31):
        client.get(f"/inbox/{row.pk}/")


class TestWhatWaits:
    def test_an_answer_whose_day_has_come(self, client, told):
        world = told.world
        goal = world.goal(world.api, world.typed)
        answering.answer(goal, "blocked", by=world.alice, now=LATER, via="page", until=date(2026, 3, 25), words="x")
        assert "that day has come" not in words(sign_in(client, "alice").get("/inbox/"))
        day = LATER + timedelta(days=2)
        with time_machine.travel(day, tick=False):
            judge_due(day)
            page = sign_in(client, "alice").get("/inbox/")
            assert (
                "You said “blocked until 25 Mar 2026”, and that day has come: Api, Functions with full annotations"
                " since 25 Mar 2026 Say how it went"
            ) in words(page)
            assert 'href="/teams/api/goals/typing/typed-functions/#answer"' in page.content.decode()
            assert "that day has come" in words(client.get("/")), "home lists the same"
            assert "that day has come" not in words(sign_in(client, "bob").get("/inbox/"))
            told.measure(date(2026, 3, 25), now=day, api={"lib/webhooks.py": (40, 40)})
            judge_due(day)
            assert "that day has come" not in words(sign_in(client, "alice").get("/inbox/")), "it is on its path"
        with time_machine.travel(LATER + timedelta(days=60), tick=False):
            assert "that day has come" not in words(sign_in(client, "alice").get("/inbox/"))

    def test_a_team_that_one_leads_now_until_the_message_about_it_is_opened(self, client, told):
        world = told.world
        Membership.objects.get(user=world.alice).delete()
        Membership.objects.filter(user=world.bob).update(role="lead", since=LATER)
        page = sign_in(client, "bob").get("/inbox/")
        assert "You lead Api now: 2 goals to take over since 23 Mar 2026 See its goals" in words(page)
        with time_machine.travel(LATER + timedelta(days=7), tick=False):
            told.run(LATER + timedelta(days=7))
            row = Delivery.objects.filter(person=world.bob, kind="digest").get()
            assert "2 goals to take over" in words(sign_in(client, "bob").get("/inbox/"))
            client.post(f"/inbox/{row.pk}/read", {"do": "read"})
            assert "to take over" not in words(client.get("/inbox/"))

    def test_what_owners_and_sponsors_settle_has_its_action(self, client, told):
        world = told.world
        trust.dispute(world.typed, world.api, text="off", by=world.alice, now=LATER)
        Feed.objects.create(
            key="ci", name="CI", program=world.program, kind="csv", failures=3, failing_since=LATER, last_error="gone"
        )
        review = Review.objects.create(
            program=world.program, period="2026-04-01", starts_at=LATER + timedelta(days=3), minutes=30, zone="UTC",
            uid="u", created_at=LATER,
        )  # fmt: skip
        Brief.objects.create(review=review, frozen_at=LATER, content={"headline": "x"})
        said = words(sign_in(client, "tess").get("/inbox/"))
        assert "“This number is wrong”: Functions with full annotations of Api since 23 Mar 2026 Answer it" in said
        assert "The feed CI is failing since 23 Mar 2026 See why" in said
        assert "Brief of Every function typed, for the review on Thu 26 Mar since 23 Mar 2026 Read it" in said


def test_what_is_muted_is_no_message_but_still_waits(client, told):
    world = told.world
    Mute.objects.create(person=world.alice, program=None, created_at=LATER, via="profile")
    week = LATER + timedelta(weeks=1)
    with time_machine.travel(week, tick=False):
        told.run(week)
        page = sign_in(client, "alice").get("/inbox/")
        assert len(listed(page)) == 2
        assert "Api: Functions with full annotations" in words(page)
        assert "See what to do" in words(page)


def test_who_reads_only_here_finds_the_digests_here(client, play, mail_server):
    alice = play.world.alice
    routes.choose(alice, routes.INBOX, "", MONDAY)
    play.announced()
    assert "alice@example.com" not in [to for mail in mail_server.accepted for to in mail.receivers]
    with time_machine.travel(LATER, tick=False):
        page = sign_in(client, "alice").get("/inbox/")
        assert len(listed(page)) == 1
        assert "· digest · kept here only" in words(page)
        assert "not mailed" not in words(page)


def test_a_viewer_keeps_their_own_marks(client, told):
    bob = told.world.bob
    bob.reads_only = True
    bob.save()
    row = put(bob, "one")
    sign_in(client, "bob")
    assert client.post(f"/inbox/{row.pk}/read", {"do": "read"}).status_code == 302
    assert client.post("/inbox/read").status_code == 302
    assert Opened.objects.count() == 1

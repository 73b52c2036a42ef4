"""The page of an ask and the page behind its mail: who may say and do what, and nothing by looking."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import AuditRow, User
from nudges.models import Delivery
from program.models import Program
from reviews import ask_links, asks
from reviews.models import Ask, Review
from reviews.schedule import schedule
from tests.people import NOW, World, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    with time_machine.travel(NOW, tick=False):
        made = settle()
        schedule(NOW)
        yield made


@pytest.fixture
def ask(world: World) -> Ask:
    goal = world.goal(world.api, world.typed)
    review = Review.objects.get()
    return asks.raise_ask(
        review, "Free bob for a week", NOW, of=world.gina, due=date(2026, 4, 9), actor=world.sam, goals=[goal.pk]
    )


def words(page: object) -> str:
    text = re.sub(r"<[^>]+>", " ", page.content.decode().partition("<main")[2]).replace("\u00a0", " ")
    return re.sub(r"\s+([.,:;])", r"\1", re.sub(r"\s+", " ", text)).replace("&#39;", "'")


@pytest.mark.parametrize(
    ("name", "status", "says", "settles"),
    [("sam", 200, False, True), ("tess", 200, False, True), ("gina", 200, True, False), ("alice", 404, 0, 0),
     ("charlie", 404, 0, 0), (None, 302, 0, 0)],
)  # fmt: skip
def test_who_sees_it_and_what_they_find(client, world, ask, name, status, says, settles):
    if name:
        client.force_login(getattr(world, name))
    page = client.get(f"/asks/{ask.pk}/")
    assert page.status_code == status
    if status == 200:
        assert ("How does it go?" in words(page), "What became of it?" in words(page)) == (says, settles)
        assert (f"/reviews/{ask.review_id}/" in page.content.decode()) == settles  # who does not sit in it has no way


def test_what_it_says(client, world, ask):
    client.force_login(world.sam)
    said = words(client.get(f"/asks/{ask.pk}/"))
    assert "Free bob for a week Open: asked of Gina, by 9 Apr." in said
    assert "Api was not measured since." in said
    assert "Api: Functions with full annotations" in said
    assert "16 Mar 2026 sam@example.com Asked: Free bob for a week" in said


def test_whoever_was_asked_says_how_it_goes(client, world, ask):
    client.force_login(world.gina)
    where = f"/asks/{ask.pk}/say"
    page = client.post(where, {"said": "cannot", "text": " "})
    assert (page.status_code, "Some words were expected: why it cannot be done." in words(page)) == (400, True)
    client.post(where, {"said": "cannot", "text": "the freeze"})
    assert "Gina says it cannot be done: the freeze." in words(client.get(f"/asks/{ask.pk}/"))
    client.post(where, {"said": "kept", "text": "eight days"})
    page = words(client.get(f"/asks/{ask.pk}/"))
    assert "Kept on 16 Mar: eight days." in page
    assert "How does it go?" not in page
    client.post(where, {"said": "not yet"})
    assert "It was kept already: nothing was changed." in words(client.get(f"/asks/{ask.pk}/"))
    for typed in ({"said": "made up"}, {"said": "kept", "text": "x" * 501}, {"said": "kept", "text": "a\0"}):
        assert client.post(where, typed).status_code == 400
    ask.refresh_from_db()
    assert (ask.state, ask.outcome, ask.said) == ("kept", "eight days", "")


def test_that_it_cannot_be_done_waits_on_the_owners(client, world, ask):
    asks.say(ask, "cannot", "the freeze", NOW, actor=world.gina)
    client.force_login(world.tess)
    page = client.get("/")
    assert "Gina says it cannot be done: Free bob for a week" in words(page)
    assert f'href="/asks/{ask.pk}/"' in page.content.decode()
    client.force_login(world.gina)
    assert "Asked of you: Free bob for a week, by 9 Apr since" in words(client.get("/"))
    Program.objects.update(state="completed")
    assert "Asked of you" not in words(client.get("/"))


def test_settled_moved_worded_anew_and_opened_again(client, world, ask):
    client.force_login(world.tess)
    where = f"/asks/{ask.pk}/"
    client.post(f"{where}move", {"due": "2026-04-20", "reason": "ill"})
    client.post(f"{where}move", {"due": "2026-04-30", "reason": "still ill"})
    client.post(f"{where}edit", {"text": "Free bob for two weeks", "of": "alice@example.com"})
    client.post(f"{where}settle", {"state": "missed", "reason": "nothing came of it"})
    client.post(f"{where}settle", {"state": "open", "reason": "it did after all"})
    client.post(f"{where}settle", {"state": "kept", "reason": ""})
    said = words(client.get(where))
    assert "Free bob for two weeks Kept on 16 Mar." in said
    history = said.partition("What happened")[2]
    assert [part.strip() for part in history.split("16 Mar 2026")[1:]] == [
        "sam@example.com Asked: Free bob for a week",
        "tess@example.com Moved from 9 Apr 2026 to 20 Apr 2026: ill",
        "tess@example.com Moved from 20 Apr 2026 to 30 Apr 2026: still ill",
        "tess@example.com Worded anew: Free bob for two weeks, asked of alice@example.com instead of gina@example.com",
        "tess@example.com Missed: nothing came of it",
        "tess@example.com Open again: it did after all",
        "tess@example.com Kept Numbers are judged from the observations held now; each says its date.",
    ]
    ask.refresh_from_db()
    assert (ask.first_due, ask.due, ask.moves) == (date(2026, 4, 9), date(2026, 4, 30), 2)


@pytest.mark.parametrize(
    ("form", "typed", "said"),
    [
        ("move", {"due": "2026-04-09", "reason": "x"}, "Another day than the one it has was expected."),
        ("move", {"due": "2026-03-15", "reason": "x"}, "A day from today on was expected."),
        ("move", {"due": "2026-04-30", "reason": ""}, "Some words were expected: why another day."),
        ("move", {"due": "9999-99-99", "reason": "x"}, "A day from 1990 to 2199 as 2026-01-31 was expected."),
        ("move", {"due": "2026-04-30", "reason": "x" * 501}, "At most 500 characters were expected: why another day."),
        ("edit", {"text": "", "of": ""}, "Some words were expected: what is asked."),
        ("edit", {"text": "x\0", "of": ""}, "A text of at most 2,000 characters was expected: what is asked."),
        ("edit", {"text": "x", "of": "zed@example.com"}, "The e-mail of somebody who is known here was expected."),
        ("settle", {"state": "open", "reason": ""}, "Some words were expected: why."),
        ("settle", {"state": "made up"}, "Kept, missed, withdrawn or open again was expected."),
        ("settle", {"state": "kept", "reason": "x" * 100_000}, "A text of at most 2,000 characters was expected: why."),
    ],
)
def test_what_was_refused_is_said_and_stays(client, world, ask, form, typed, said):
    client.force_login(world.tess)
    page = client.post(f"/asks/{ask.pk}/{form}", typed)
    assert (page.status_code, said in words(page)) == (400, True)
    assert AuditRow.objects.filter(kind="ask").count() == 1


def test_of_two_who_move_it_at_once_one_does(world, ask):
    other = Ask.objects.get()
    assert asks.move(ask, date(2026, 4, 20), NOW, on=NOW.date(), reason="x", actor=world.tess)
    assert not asks.move(other, date(2026, 4, 21), NOW, on=NOW.date(), reason="x", actor=world.sam)
    other.refresh_from_db()
    assert (other.due, other.moves) == (date(2026, 4, 20), 1)


def test_after_the_minutes_a_new_person_is_told(world, ask):
    Review.objects.update(minutes_sent_at=NOW, state="held")
    ask = Ask.objects.select_related("review__program", "program").get()
    asks.edit(ask, NOW, text=ask.text, of=world.alice, actor=world.tess)
    assert Delivery.objects.get(kind="ask").address == "alice@example.com"


def test_a_program_that_is_over_stays_as_it_is(client, world, ask):
    Program.objects.update(state="canceled", ended_on=NOW.date())
    for person, form in ((world.gina, "say"), (world.tess, "settle"), (world.sam, "move"), (world.tess, "edit")):
        client.force_login(person)
        assert client.post(f"/asks/{ask.pk}/{form}", {"said": "kept", "state": "kept"}).status_code == 404
    assert client.get(f"/asks/{ask.pk}/").status_code == 200


def link(ask: Ask, person: User) -> str:
    return f"/asked/{ask_links.write(ask.pk, person.pk, NOW.date())}/"


def test_the_link_of_a_mail_acts_by_its_post_alone(world, ask):
    visitor = Client(enforce_csrf_checks=True)
    where = link(ask, world.gina)
    before = AuditRow.objects.count()
    page = visitor.get(where)
    assert "Free bob for a week Open: asked of Gina, by 9 Apr." in words(page)
    assert page["Referrer-Policy"] == "no-referrer"
    visitor.head(where)
    assert AuditRow.objects.count() == before
    assert visitor.post(where, {"said": "cannot"}).status_code == 400
    assert visitor.post(where, {"said": "not yet", "text": "half of it"}).status_code == 302
    assert "Gina says it is not done yet: half of it." in words(visitor.get(where))
    visitor.post(where, {"said": "kept"})
    page = words(visitor.get(where))
    assert "Kept on 16 Mar." in page
    assert "How does it go?" not in page
    row = AuditRow.objects.filter(kind="ask").order_by("pk").last()
    assert (row.actor, row.via, row.after) == (world.gina, "mail", "kept")
    assert "sessionid" not in visitor.cookies


def test_a_link_is_over(client, world, ask):
    where = link(ask, world.gina)
    assert client.get("/asked/forged/").status_code == 404
    assert client.get(f"{where[:-6]}/").status_code == 404
    with time_machine.travel(NOW + timedelta(days=90), tick=False):
        assert client.get(where).status_code == 200
    with time_machine.travel(NOW + timedelta(days=91), tick=False):
        assert "links of mails work for 90 days" in words(client.get(where))
        assert client.post(where, {"said": "kept"}).status_code == 410
    Ask.objects.update(of=world.alice)
    assert "This is not asked of Gina any more." in words(client.get(where))
    Ask.objects.update(of=world.gina)
    User.objects.filter(pk=world.gina.pk).update(reads_only=True)
    assert client.post(where, {"said": "kept"}).status_code == 400
    Program.objects.update(state="canceled")
    assert client.get(where).status_code == 410
    assert Ask.objects.get().state == "open"


def test_queries_are_constant(client, world, ask, django_assert_num_queries, django_assert_max_num_queries):
    client.force_login(world.sam)
    where = f"/asks/{ask.pk}/"
    client.get(where)
    with django_assert_max_num_queries(24) as few:
        client.get(where)
    ask.goals.add(world.goal(world.web, world.typed), world.goal(world.api, world.findings))
    for n in range(5):
        asks.say(ask, "not yet", f"{n}", NOW, actor=world.gina)
    with django_assert_num_queries(len(few)):
        client.get(where)

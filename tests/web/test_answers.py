"""The pages behind a digest's links: a GET changes nothing, a POST answers for one goal only, old links do nothing."""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
import time_machine
from django.apps import apps
from django.test import Client

from accounts.models import AuditRow, User
from nudges import answer_links
from nudges.models import Delivery, Digest, Mute, Vote
from program.models import Program
from teams.models import Answer, Dispute, Goal, Hold, Membership
from teams.standings import judge_due
from tests.nudges.conftest import MONDAY

FIRST = MONDAY + timedelta(weeks=1)
LATER = FIRST + timedelta(hours=2)


def tables():
    """Every row of every table."""
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in apps.get_models()}


@pytest.fixture
def told(play):
    """Alice was told of the goal that is behind; the time is two hours later."""
    play.announced()
    play.run(FIRST)
    with time_machine.travel(LATER, tick=False):
        yield play


@pytest.fixture
def goal(told):
    return told.world.goal(told.world.api, told.world.typed)


@pytest.fixture
def visitor():
    """A browser without cookies; CSRF is checked as in production."""
    return Client(enforce_csrf_checks=True)


def page(goal, person, choice="", day=date(2026, 3, 23)):
    return answer_links.path(answer_links.write(goal.pk, person.pk, day), choice)


def words(response):
    plain = re.sub(r"<style.*?</style>|<[^>]+>", " ", response.content.decode(), flags=re.S)
    return " ".join(unescape(plain).split()).replace(" .", ".")


def links_of(mail):
    found = re.findall(r'href="(https://quality\.example\.com/[^"]+)"', mail.html)
    return sorted({unescape(one) for one in found} | set(re.findall(r"https://quality\.example\.com/\S+", mail.text)))


def test_every_link_of_every_mail_fetched_changes_no_row(told, visitor):
    signed_in = Client()
    signed_in.force_login(told.world.alice)
    before = tables()
    seen = 0
    for mail in Delivery.objects.filter(kind="digest"):
        for link in links_of(mail):
            where = urlsplit(link).path
            for client in (visitor, signed_in):
                for method in (client.get, client.head):
                    assert method(where).status_code in (200, 302), link
            seen += 1
    assert seen >= 20
    after = tables()
    assert [name for name in after if after[name] != before[name]] == []


def test_the_page_says_where_the_goal_stands_and_opens_on_the_choice(told, goal, visitor):
    response = visitor.get(page(goal, told.world.alice, "blocked"))
    said = words(response)
    assert "Functions with full annotations of Api" in said
    assert "Nothing happens until you press a button." in said
    assert (
        "This page answers for alice@example.com, about this one goal, until 21 Jun 2026. It signs nobody in." in said
    )
    assert response.content.decode().count("<details") == 6
    assert '<details class="more" open id="blocked">' in response.content.decode()
    assert response.content.decode().count(" open id=") == 1
    assert (response["Referrer-Policy"], response["X-Robots-Tag"]) == ("no-referrer", "noindex")
    assert "no-store" in response["Cache-Control"]
    assert response.cookies == {}


def test_an_answer_is_kept_said_back_and_taken_back(told, goal, visitor):
    where = page(goal, told.world.alice)
    response = visitor.post(where, {"do": "on-it", "until": "2026-04-06", "text": "after the release"}, follow=True)
    assert response.status_code == 200
    said = words(response)
    assert "You said: on it until 6 Apr: “after the release”." in said
    assert "No mail about this goal before Mon 6 Apr; the first one from then on asks how it went." in said
    made = Answer.objects.get()
    assert (made.person, made.kind, made.until, made.via, made.ended_at) == (
        told.world.alice, "on it", date(2026, 4, 6), "mail", None,
    )  # fmt: skip
    assert AuditRow.objects.filter(kind="answer").latest("pk").actor == told.world.alice
    response = visitor.post(where, {"do": "take-back"}, follow=True)
    assert "Taken back: mail about this goal comes as before." in words(response)
    assert "You said" not in words(response)
    assert Answer.objects.standing().count() == 0


def test_blocked_names_whose_priority_it_needs(told, goal, visitor):
    where = page(goal, told.world.alice)
    gina = told.world.gina
    assert f'<option value="{gina.pk}">Gina</option>' in visitor.get(where).content.decode()
    form = {"do": "blocked", "until": "2026-04-06", "text": "the schema freeze", "needs": str(gina.pk)}
    response = visitor.post(where, form, follow=True)
    assert "You said: blocked until 6 Apr: “the schema freeze”; it needs Gina’s priority." in words(response)
    refused = visitor.post(where, form | {"needs": str(told.world.charlie.pk)})
    assert refused.status_code == 400
    assert "One of the people in the list was expected" in words(refused)


def test_done_and_not_mine(told, goal, visitor):
    where = page(goal, told.world.alice)
    assert "You said: done." in words(visitor.post(where, {"do": "done"}, follow=True))
    said = words(visitor.post(where, {"do": "not-mine", "whose": "WEB", "text": "since March"}, follow=True))
    assert "You said: not theirs" not in said
    assert "You said: not mine: “WEB: since March”." in said
    made = Answer.objects.standing().get()
    assert made.whose_team == told.world.web
    # Whether there is such a team is not told to who holds the link.
    said = words(visitor.post(where, {"do": "not-mine", "whose": "Payments"}, follow=True))
    assert "You said: not mine: “Payments”." in said
    assert Answer.objects.standing().get().whose_team is None


def test_a_wrong_number_opens_a_dispute_which_may_be_taken_back(told, goal, visitor):
    where = page(goal, told.world.alice)
    refused = visitor.post(where, {"do": "wrong", "text": " "})
    assert refused.status_code == 400
    assert "Some words were expected: what is wrong with the number" in words(refused)
    said = words(visitor.post(where, {"do": "wrong", "text": "generated files count"}, follow=True))
    assert "You said: this number is wrong: “generated files count”." in said
    made = Dispute.objects.get()
    assert (made.opened_by, made.metric, made.team, made.as_of, made.answer) == (
        told.world.alice, told.world.typed, told.world.api, date(2026, 3, 13), "",
    )  # fmt: skip
    assert made.value == pytest.approx(10 / 65)
    visitor.post(where, {"do": "right-after-all"})
    made.refresh_from_db()
    assert (made.answer, made.answer_text, made.answered_by) == ("right", "Taken back.", told.world.alice)
    assert Hold.objects.filter(until=None).count() == 0


def test_mute_and_let_it_come_again(told, goal, visitor):
    where = page(goal, told.world.alice)
    said = words(visitor.post(where, {"do": "mute"}, follow=True))
    assert "You said: no more mail about this goal." in said
    assert list(Mute.objects.values_list("person__email", "goal", "via")) == [("alice@example.com", goal.pk, "mail")]
    visitor.post(where, {"do": "unmute"})
    assert Mute.objects.count() == 0


@pytest.mark.parametrize(
    "form",
    [
        {}, {"do": "everything"}, {"do": "on-it"}, {"do": "on-it", "until": "tomorrow"},
        {"do": "on-it", "until": "2026-03-23"}, {"do": "on-it", "until": "2026-05-19"},
        {"do": "on-it", "until": "9999-12-31"}, {"do": "on-it", "until": "2026-02-30"},
        {"do": "on-it", "until": "２０２６-04-06"}, {"do": "blocked", "until": "2026-04-06"},
        {"do": "blocked", "until": "2026-04-06", "text": "x", "needs": "1e400"},
        {"do": "blocked", "until": "2026-04-06", "text": "x", "needs": "\0"},
        {"do": "done", "text": "a\0b"}, {"do": "done", "text": "x" * 100_000}, {"do": "not-mine", "whose": "\0"},
        {"do": "not-mine", "whose": "x" * 100_000}, {"do": "wrong", "text": "\0"}, {"do": "\0" * 10},
        {"do": "x" * 100_000},
    ],
)  # fmt: skip
def test_a_hostile_or_empty_form_is_refused_and_changes_nothing(told, goal, visitor, form):
    before = {name: rows for name, rows in tables().items() if name != "accounts.Attempt"}
    response = visitor.post(page(goal, told.world.alice), form)
    assert response.status_code == 400
    assert "expected" in words(response) or "is a day such as" in words(response)
    after = {name: rows for name, rows in tables().items() if name != "accounts.Attempt"}
    assert after == before


def test_what_was_typed_is_kept_where_it_is_refused(told, goal, visitor):
    response = visitor.post(page(goal, told.world.alice), {"do": "blocked", "text": "the <freeze>", "until": "soon"})
    assert response.status_code == 400
    html = response.content.decode()
    assert "the &lt;freeze&gt;</textarea>" in html
    assert 'type="text" value="soon"' in html
    assert '<details class="more" open id="blocked">' in html


def test_a_link_answers_for_its_own_goal_and_person_only(told, goal, visitor):
    other = told.world.goal(told.world.api, told.world.findings)
    token = answer_links.write(goal.pk, told.world.alice.pk, date(2026, 3, 23))
    foreign = answer_links.write(other.pk, told.world.alice.pk, date(2026, 3, 23))
    mixed = foreign.split(":")[0] + ":" + token.split(":")[1]
    digest = Digest.objects.get(person=told.world.alice, day=date(2026, 3, 23))
    vote = answer_links.write_vote(digest.pk, told.world.alice.pk)
    for bad in (mixed, vote, token[:-1], token + "x", "nonsense", "%00", "é"):
        for method in (visitor.get, visitor.post):
            response = method(f"/answer/{bad}/", {"do": "done"})
            assert response.status_code == 404
            assert "This link does not work" in words(response)
    assert visitor.get(f"/vote/{token}/").status_code == 404
    assert visitor.get(page(goal, told.world.alice) + "everything/").status_code == 404
    assert Answer.objects.count() == 0
    visitor.post(page(goal, told.world.alice), {"do": "done", "goal": other.pk, "person": told.world.bob.pk})
    assert list(Answer.objects.values_list("goal", "person")) == [(goal.pk, told.world.alice.pk)]


def test_a_link_signs_nobody_in(told, goal, visitor):
    visitor.post(page(goal, told.world.alice), {"do": "done"})
    assert visitor.get("/").status_code == 302
    assert visitor.get("/teams/api/").status_code == 302


@pytest.mark.parametrize("how", ["goal ended", "program over", "left", "another leads", "viewer", "old"])
def test_old_links_say_so_and_do_nothing(told, goal, visitor, how):
    alice, day = told.world.alice, date(2026, 3, 23)
    if how == "goal ended":
        Goal.objects.filter(pk=goal.pk).update(ended_on=date(2026, 3, 23))
    elif how == "program over":
        Program.objects.update(state="canceled")
    elif how == "left":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    elif how == "another leads":
        Membership.objects.filter(user=alice).update(role="member")
    elif how == "viewer":
        User.objects.filter(pk=alice.pk).update(reads_only=True)
    else:
        day = date(2025, 12, 22)  # 91 days before
    before = tables()
    for method in (visitor.get, visitor.post):
        response = method(page(goal, alice, day=day), {"do": "done"})
        assert response.status_code == 410
        assert "This link is over" in words(response)
        assert "Nothing was changed." in words(response)
    assert tables() == before


def test_a_link_works_for_ninety_days(told, goal, visitor):
    assert visitor.get(page(goal, told.world.alice, day=date(2025, 12, 23))).status_code == 200


def test_too_many_answers_have_to_wait(told, goal, visitor):
    where = page(goal, told.world.alice)
    codes = [visitor.post(where, {"do": "done"}).status_code for _ in range(61)]
    assert codes == [302] * 60 + [429]
    assert Answer.objects.count() == 1


def test_votes(told, visitor):
    digest = Digest.objects.get(person=told.world.alice, day=date(2026, 3, 23))
    token = answer_links.write_vote(digest.pk, told.world.alice.pk)
    response = visitor.get(f"/vote/{token}/no/")
    assert "Was the mail of 23 Mar 2026 useful to you?" in words(response)
    assert Vote.objects.count() == 0
    response = visitor.post(f"/vote/{token}/", {"useful": "no"}, follow=True)
    assert "Noted: the mail of 23 Mar 2026 was not useful" in words(response)
    assert list(Vote.objects.values_list("digest", "person__email", "useful")) == [
        (digest.pk, "alice@example.com", False)
    ]
    visitor.post(f"/vote/{token}/", {"useful": "yes"})
    assert Vote.objects.get().useful is True
    assert visitor.post(f"/vote/{token}/", {"useful": "maybe"}).status_code == 400
    assert visitor.get(f"/vote/{token}/maybe/").status_code == 404
    visitor.post(f"/vote/{token}/", {"useful": "back"})
    assert Vote.objects.count() == 0
    with time_machine.travel(datetime(2026, 6, 22, tzinfo=UTC), tick=False):
        assert visitor.post(f"/vote/{token}/", {"useful": "yes"}).status_code == 410
    assert Vote.objects.count() == 0


# Signed in, on the goal's page.


GOAL = "/teams/api/goals/typing/typed-functions/"


def client_of(person):
    made = Client()
    made.force_login(person)
    return made


def test_who_speaks_for_the_team_answers_on_the_goals_page(told, goal):
    alice = client_of(told.world.alice)
    html = alice.get(GOAL).content.decode()
    assert html.count(f'action="{GOAL}say"') == 6
    response = alice.post(f"{GOAL}say", {"do": "on-it", "until": "2026-04-06"}, follow=True)
    said = words(response)
    assert "You said: on it until 6 Apr." in said
    assert Answer.objects.get().via == "page"
    refused = alice.post(f"{GOAL}say", {"do": "blocked", "until": "2026-04-06", "text": ""})
    assert refused.status_code == 400
    assert "Some words were expected: what blocks it." in words(refused)
    for name in ("bob", "wanda", "charlie", "sam", "tess"):
        other = client_of(getattr(told.world, name))
        assert other.post(f"{GOAL}say", {"do": "done"}).status_code == 404, name
        assert f"{GOAL}say" not in other.get(GOAL).content.decode()
    assert Answer.objects.count() == 1


def test_answers_show_to_the_team_and_owners_only(told, goal):
    client_of(told.world.alice).post(f"{GOAL}say", {"do": "on-it", "until": "2026-04-06", "text": "Secretword"})
    judge_due(LATER)
    for name, sees in (
        ("alice", True), ("bob", True), ("gina", True), ("tess", True),
        ("wanda", False), ("charlie", False), ("sam", False),
    ):  # fmt: skip
        client = client_of(getattr(told.world, name))
        for where in (GOAL, "/teams/api/"):
            assert ("Secretword" in client.get(where).content.decode()) is sees, (name, where)


def test_an_owner_asks_again_who_said_that_it_is_not_theirs(told, goal):
    client_of(told.world.alice).post(f"{GOAL}say", {"do": "not-mine"})
    made = Answer.objects.get()
    assert client_of(told.world.gina).post(f"{GOAL}answers/{made.pk}/end").status_code == 404
    assert client_of(told.world.charlie).post(f"{GOAL}answers/{made.pk}/end").status_code == 404
    response = client_of(told.world.tess).post(f"{GOAL}answers/{made.pk}/end", follow=True)
    assert "Alice is told of this goal again." in words(response)
    assert Answer.objects.standing().count() == 0

"""The outbox page: who may read it, every state and reason in words, what an owner may decide, and mail in a frame."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import AuditRow, User
from nudges import wishes
from nudges.models import Delivery, Digest, Nudge, Restraint
from nudges.policy import RULES, name_of
from program.models import Program
from teams import trust
from teams.answering import answer
from tests.people import NOW, PASSWORD, World, settle
from web.pages.outbox import LINES, MEANS

pytestmark = pytest.mark.django_db
State = Delivery.State
HERE = "/programs/typing/nudges/"


@pytest.fixture
def world() -> World:
    with time_machine.travel(NOW, tick=False):
        yield settle()


@pytest.fixture
def owner(client: Client, world: World) -> Client:
    client.force_login(world.tess)
    return client


def put(world: World, state: str, n: int = 1, **more: object) -> Delivery:
    facts = {
        "kind": "digest", "key": f"k{n}", "address": f"p{n}@example.com", "state": state, "message_id": f"<{n}@x>",
        "program": world.program, "next_at": NOW, "not_after": NOW, "created_at": NOW, "subject": f"Subject {n}",
        "text": "Hello", "html": "<p>Hello</p>",
    }  # fmt: skip
    return Delivery.objects.create(**facts | more)


def words(page: object) -> str:
    text = re.sub(r"<[^>]+>", " ", page.content.decode().partition("<main")[2])
    return re.sub(r"\s+([.,:;])", r"\1", re.sub(r"\s+", " ", text))


@pytest.mark.parametrize(
    ("name", "status"), [("tess", 200), ("pam", 200), ("sam", 404), ("alice", 404), ("charlie", 404), (None, 302)]
)
def test_it_is_for_owners_only(client, world, name, status):
    row = put(world, State.HELD)
    if name:
        client.force_login(getattr(world, name))
    for address in (HERE, f"{HERE}{row.pk}/", f"{HERE}{row.pk}/html"):
        assert client.get(address).status_code == status
    for address in (f"{HERE}{row.pk}/release", f"{HERE}release"):
        assert client.post(address).status_code == (302 if status == 200 else status)
    row.refresh_from_db()
    assert row.state == (State.PENDING if status == 200 else State.HELD)


def test_an_administrator_reads_it_too(client, world):
    client.force_login(User.objects.create_superuser("root@example.com", PASSWORD))
    assert client.get(HERE).status_code == 200


def test_messages_of_another_program_are_not_found(owner, world):
    other = Program.objects.create(key="other", name="Other", purpose="x", start=NOW.date(), end="2026-12-31")
    row = put(world, State.HELD, program=other)
    assert owner.get(f"{HERE}{row.pk}/").status_code == 404
    assert owner.post(f"{HERE}{row.pk}/release").status_code == 404
    assert owner.get("/programs/other/nudges/").status_code == 404
    owner.post(f"{HERE}release")
    row.refresh_from_db()
    assert row.state == State.HELD


def test_private_messages_are_nobodys(owner, world):
    row = put(world, State.SENT, private=True, subject="Sign in")
    assert "Sign in" not in words(owner.get(HERE))
    assert owner.get(f"{HERE}{row.pk}/").status_code == 404


def test_every_state_and_every_rule_says_itself(owner, world):
    assert set(MEANS) == set(State)
    for n, state in enumerate(State.values):
        put(world, state, n, reason=f"reason {n}")
    goal = world.goal(world.api, world.typed)
    for n, rule in enumerate(RULES):
        Nudge.objects.create(
            person=User.objects.create_user(f"n{n}@example.com"), goal=goal, day=NOW.date(), due_day=NOW.date(),
            state=Nudge.State.WITHHELD, reason=name_of(rule), decided_at=NOW,
        )  # fmt: skip
    said = words(owner.get(HERE))
    assert (
        f"2 messages wait on you. In the last 8 weeks: 1 message sent; 0 nudges said and {len(RULES)} withheld." in said
    )
    for n, state in enumerate(State.values):
        assert f"1 {state.capitalize()} {MEANS[State(state)]}" in said
        assert f"reason {n}" in said
    for rule in RULES:
        assert rule.__doc__.splitlines()[0] in said.replace("&#39;", "'").replace("&#34;", '"')


def test_what_waits_comes_first_however_old(owner, world):
    put(world, State.IN_DOUBT, created_at=NOW.replace(year=2025), subject="Old and in doubt")
    said = words(owner.get(HERE))
    assert "1 message waits on you." in said
    assert said.index("Old and in doubt") < said.index("Messages by state")
    assert "In doubt: the connection broke while it was handed over" in said


@pytest.mark.parametrize(
    ("state", "action", "after", "said"),
    [
        (State.HELD, "release", State.PENDING, "It goes out with the next round"),
        (State.HELD, "drop", State.SUPPRESSED, "It is dropped and will not be sent"),
        (State.PENDING, "drop", State.SUPPRESSED, "It is dropped and will not be sent"),
        (State.IN_DOUBT, "arrived", State.SENT, "It counts as sent"),
        (State.IN_DOUBT, "send-again", State.PENDING, "It is sent once more, under its old Message-ID"),
        (State.IN_DOUBT, "release", State.IN_DOUBT, "is in doubt by now; nothing was done."),
        (State.SENT, "send-again", State.SENT, "is sent by now; nothing was done."),
        (State.SUPPRESSED, "release", State.SUPPRESSED, "is suppressed by now; nothing was done."),
    ],
)
def test_decisions(owner, world, state, action, after, said):
    row = put(world, state)
    assert owner.get(f"{HERE}{row.pk}/{action}").status_code == 405
    answer = owner.post(f"{HERE}{row.pk}/{action}", follow=True)
    assert answer.redirect_chain == [(HERE, 302)]
    assert said in words(answer)
    row.refresh_from_db()
    assert row.state == after
    assert AuditRow.objects.filter(kind="outbox", actor=world.tess).exists() is (after != state)


def test_a_decision_needs_its_form(world):
    row = put(world, State.HELD)
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.tess)
    assert client.post(f"{HERE}{row.pk}/release").status_code == 403
    assert client.post(f"{HERE}release").status_code == 403
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get(HERE).content.decode())
    assert client.post(f"{HERE}{row.pk}/release", {"csrfmiddlewaretoken": token[1]}).status_code == 302


def test_unknown_actions_are_not_found(owner, world):
    assert owner.post(f"{HERE}{put(world, State.HELD).pk}/explode").status_code == 404


def test_all_that_is_held_goes_at_once(owner, world):
    for n in range(3):
        put(world, State.HELD, n)
    put(world, State.IN_DOUBT, 9)
    assert "Let all go that are held" in words(owner.get(HERE))
    assert owner.get(f"{HERE}release").status_code == 405
    assert "3 messages go out with the next round." in words(owner.post(f"{HERE}release", follow=True))
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["in doubt", "pending", "pending", "pending"]


def test_pages_and_states_stay_in_the_address(owner, world):
    for n in range(LINES + 3):
        put(world, State.SENT, n)
    put(world, State.FAILED, 99, subject="Refused")
    first = owner.get(f"{HERE}?state=sent")
    assert f"1 to {LINES} of {LINES + 3}" in words(first)
    assert 'href="?state=sent&amp;page=2"' in first.content.decode()
    assert f"{LINES + 1} to {LINES + 3} of {LINES + 3}" in words(owner.get(f"{HERE}?state=sent&page=2"))
    assert "Subject" not in words(owner.get(f"{HERE}?state=failed"))
    assert "No pending message since" in words(owner.get(f"{HERE}?state=pending"))
    for odd in ("?state=<b>", "?page=x", "?page=-1", "?page=999"):
        assert owner.get(HERE + odd).status_code == 200


class TestMail:
    """One message: text as text, HTML as a document of its own that can do nothing."""

    def test_text_is_text(self, owner, world):
        row = put(world, State.SENT, text="<script>alert(1)</script>")
        html = owner.get(f"{HERE}{row.pk}/").content.decode()
        assert "&lt;script&gt;alert(1)" in html
        assert re.search(r'<iframe [^>]*\bsandbox src="/programs/typing/nudges/\d+/html"', html)

    def test_html_stands_under_its_own_policy(self, owner, world):
        row = put(world, State.SENT, html="<p style='color:red'>Hello</p><script>alert(1)</script>")
        shown = owner.get(f"{HERE}{row.pk}/")
        assert "frame-src 'self'" in shown["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in shown["Content-Security-Policy"]
        answer = owner.get(f"{HERE}{row.pk}/html")
        policy = {part.strip() for part in answer["Content-Security-Policy"].split(";")}
        assert policy == {
            "sandbox", "default-src 'none'", "style-src 'unsafe-inline'", "img-src data:", "frame-ancestors 'self'",
        }  # fmt: skip
        assert answer["X-Frame-Options"] == "SAMEORIGIN"

    def test_links_that_act_for_the_addressee_act_for_nobody_else(self, owner, world):
        link = "https://q.example/unsubscribe/SECRET:token-1_x/"
        row = put(world, State.SENT, person=world.alice, text=f"Stop: {link}", html=f'<a href="{link}">stop</a>')
        for address in (f"{HERE}{row.pk}/", f"{HERE}{row.pk}/html"):
            html = owner.get(address).content.decode()
            assert "SECRET" not in html
            assert "/unsubscribe/…/" in html
        own = put(world, State.SENT, 2, person=world.tess, text=f"Stop: {link}")
        assert "SECRET" in owner.get(f"{HERE}{own.pk}/").content.decode()

    def test_without_words_it_says_why(self, owner, world):
        row = put(world, State.PENDING, subject="", text="", html="")
        said = words(owner.get(f"{HERE}{row.pk}/"))
        assert "Digest, not written yet" in said
        assert "They are written shortly before it goes out" in said


def test_queries_are_constant(owner, world, django_assert_num_queries, django_assert_max_num_queries):
    put(world, State.SENT, 0, person=world.alice)
    put(world, State.HELD, 1, person=world.alice)
    goal = world.goal(world.api, world.typed)
    Nudge.objects.create(person=world.bob, goal=goal, day=NOW.date(), due_day=NOW.date(), state="withheld",
                         reason="away", decided_at=NOW)  # fmt: skip
    owner.get(HERE)
    with django_assert_max_num_queries(21) as few:
        owner.get(HERE)
    for n in range(2, 20):
        person = User.objects.create_user(f"x{n}@example.com")
        row = put(world, State.values[n % 9], n, person=person)
        digest = Digest.objects.create(person=person, day=NOW.date(), planned_at=NOW, plan="x", delivery=row)
        Nudge.objects.create(person=person, goal=goal, day=NOW.date(), due_day=NOW.date(), state="withheld",
                             reason="away", decided_at=NOW, digest=digest)  # fmt: skip
    with django_assert_num_queries(len(few)):
        owner.get(HERE)


@pytest.fixture
def slow(world) -> Restraint:
    seen = {"found": "ignored by most", "votes": 2, "useful": 2, "said": 40, "people": 9, "followed": 6}
    return Restraint.objects.create(
        program=world.program, tone="still", state="stopped", since=NOW.date() - timedelta(days=7), evidence=seen,
        decided_at=NOW - timedelta(days=7),
    )  # fmt: skip


def test_what_stopped_itself_is_told_with_its_evidence_and_started_again(owner, world, slow):
    told = (
        "Of 40 nudges to 9 people in the last 12 weeks, 6 were followed within 14 days by a visit, an answer, an item "
        "taken or a smaller gap: 15 %, where at least 20 % is asked."
    )
    said = words(owner.get(HERE))
    assert f"Still behind: stopped since 9 Mar 2026. {told} It is not said any more, until an owner starts it" in said
    desk = words(owner.get("/programs/typing/desk/"))
    assert f"“Still behind” is stopped since 9 Mar 2026. {told} Under “what was sent” you may start it again." in desk
    again = f"{HERE}slowed/{slow.pk}/resume"
    assert owner.get(again).status_code == 405
    for _ in range(2):
        assert owner.post(again)["Location"] == HERE
    said = words(owner.get(HERE))
    assert "The nudges “Still behind” are as usual again; what comes of them is counted from today on." in said
    assert "The nudges “Still behind” were not stopped any more; nothing was done." in said
    assert "by themselves" not in said
    slow.refresh_from_db()
    assert (slow.resumed_by, slow.resumed_on) == (world.tess, NOW.date())
    assert AuditRow.objects.filter(reason="nudges started again by an owner").count() == 1


def test_nothing_sent_says_how_it_begins(owner, world):
    said = words(owner.get(HERE))
    assert "Nothing was sent yet." in said
    assert "manage.py up" in said


def test_what_was_answered_and_what_to_settle(owner, world):
    goal, at = world.goal(world.api, world.typed), NOW
    answer(goal, "not mine", by=world.alice, now=at, via="mail", words="Web: since March")
    answer(goal, "blocked", by=world.gina, now=at, via="mail", words="the freeze", until=at.date() + timedelta(days=9))
    trust.dispute(world.typed, world.api, text="generated files count", by=world.alice, now=at)
    wishes.mute(goal, world.bob, at, "mail")
    for n, useful in enumerate((True, True, False)):
        digest = Digest.objects.create(person=world.alice, day=at.date() - timedelta(days=n), planned_at=at, plan="x")
        Nudge.objects.create(person=world.alice, goal=goal, day=digest.day, due_day=digest.day, state="said",
                             decided_at=at, digest=digest)  # fmt: skip
        wishes.vote(digest, useful=useful, now=at, via="mail")
    put(world, State.SENT, person=world.alice)
    page = owner.get(HERE)
    said = words(page)
    assert "2 answers: 1 blocked and 1 not mine. 1 goal muted. 2 of 3 votes useful." in said
    assert "Alice said that it is not theirs: “Web: since March”" in said
    assert "Alice: “generated files count”" in said
    assert "Gina said that it is blocked until 25 Mar: “the freeze”" in said
    assert 'href="/teams/api/goals/typing/typed-functions/#answers"' in page.content.decode()
    assert 'href="/metrics/typed-functions/#disputes"' in page.content.decode()


def test_nobody_else_answers_with_the_links_of_a_mail(owner, world):
    links = "https://q.example.com/answer/SECRET/done/ https://q.example.com/vote/SECRET/yes/"
    row = put(world, State.SENT, person=world.alice, text=links, html=f'<a href="{links.split()[0]}">done</a>')
    for where in (f"{HERE}{row.pk}/", f"{HERE}{row.pk}/html"):
        shown = owner.get(where).content.decode()
        assert "SECRET" not in shown
        assert "/answer/…/done/" in shown

"""The room's page, its forms, its end and the minutes; what is refused is said, and what was typed stays."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from nudges.models import Delivery
from program.feeds.registry import KINDS
from reviews.ahead import freeze_due
from reviews.asks import close, raise_ask
from reviews.models import Ask, Attendance, Brief, Decision, Review, new_uid
from reviews.room import decide, write_notes
from reviews.schedule import schedule
from teams.ingest import Origin, ingest
from teams.standings import judge_due
from tests.people import HEADER, NOW, World, settle

pytestmark = pytest.mark.django_db
FROZEN = datetime(2026, 4, 9, 6, 30, tzinfo=UTC)
START = datetime(2026, 4, 14, 7, tzinfo=UTC)
ROWS = HEADER + "typed-functions,api,a.py,2026-03-01,20,60\ntyped-functions,web,b.py,2026-03-01,30,40\n"
JSON = {"Accept": "application/json"}


@pytest.fixture
def world() -> World:
    made = settle()
    ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    schedule(NOW)
    judge_due(FROZEN)
    freeze_due(FROZEN)
    with time_machine.travel(START + timedelta(minutes=12), tick=False):
        yield made


@pytest.fixture
def review(world: World) -> Review:
    return Review.objects.get()


@pytest.fixture
def room(review: Review) -> str:
    return f"/reviews/{review.pk}/room/"


@pytest.fixture
def sam(client: Client, world: World) -> Client:
    client.force_login(world.sam)
    return client


def words(page: object) -> str:
    text = re.sub(r"<[^>]+>", " ", page.content.decode().partition("<main")[2]).replace("\u00a0", " ")
    return re.sub(r"\s+([.,:;])", r"\1", re.sub(r"\s+", " ", text)).replace("&#39;", "'")


def test_it_says_what_is_on_and_has_what_each_point_needs(sam, room):
    said = words(sam.get(room))
    assert "Now, until 10:18: Asks, leader by leader. Then: What might surprise." in said
    assert "What became of the last asks 10:00 to 10:02, 2 min" in said
    assert "Make room in Api for 1 item: a.py, 40 to do." in said
    assert "Ask this of Gina, by 25 May 2026" in said  # the day before the next review
    assert "Security findings has no data for Api" in said
    assert said.index("Agree to the ask above") < said.index("Change the agenda")


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(-30, "It begins on Tue 14 Apr 2026 at 10:00."), (0, "Now, until 10:02: What became of the last asks."),
     (29, "Now, until 10:30: Decisions wanted."), (30, "Its time is over. End it, and the minutes go to everybody")],
)  # fmt: skip
def test_the_first_sentence_follows_the_clock(sam, world, room, minutes, said):
    with time_machine.travel(START + timedelta(minutes=minutes), tick=False):
        sam.force_login(world.sam)
        assert said in words(sam.get(room))


def test_before_the_brief_it_points_to_the_program(sam, room):
    Brief.objects.all().delete()
    page = words(sam.get(room))
    assert "The brief is not there yet" in page
    assert "Ask this" not in page


def test_a_viewer_reads_and_has_no_form(client, world, room, review):
    write_notes(review, "What was said", 0, "", START, by=world.tess)
    User.objects.filter(pk=world.pam.pk).update(reads_only=True)
    client.force_login(User.objects.get(pk=world.pam.pk))
    page = client.get(room)
    assert "What was said" in words(page)
    assert page.content.decode().count("<form") == 1  # to sign out
    for form in ("notes", "agenda", "decide", "ask", "propose", "there", "bring"):
        assert client.post(f"{room}{form}", {"version": 1, "notes": "x", "text": "x"}).status_code == 404


def test_notes_with_and_without_scripts(sam, room, review):
    answer = sam.post(f"{room}notes", {"version": "0", "base": "", "notes": "one\r\ntwo"}, headers=JSON)
    assert (answer.status_code, answer.json()) == (200, {"version": 1, "saved": "10:12"})
    answer = sam.post(f"{room}notes", {"version": "1", "base": "one\r\ntwo", "notes": "one\r\ntwo\r\n3", "do": "save"})
    assert answer["Location"] == f"{room}#notes"
    assert "Notes saved at 10:12." in words(sam.get(room))
    assert sam.get(f"{room}notes").json() == {"version": 2, "notes": "one\ntwo\n3", "seen": "0-0-0", "at": "10:12"}


def test_a_clash_shows_both_and_keeps_both(sam, world, room, review):
    write_notes(review, "one", 0, "", START, by=world.sam)
    write_notes(review, "one\ntheirs", 1, "one", START, by=world.tess)
    typed = {"version": "1", "base": "one", "notes": "mine\none"}
    answer = sam.post(f"{room}notes", typed, headers=JSON)
    assert answer.status_code == 409
    assert answer.json() == {
        "version": 2, "theirs": "one\ntheirs", "both": "mine\none\ntheirs", "clean": True, "who": "tess@example.com",
    }  # fmt: skip
    page = sam.post(f"{room}notes", typed)
    assert page.status_code == 409
    html = page.content.decode()
    assert "tess@example.com</span> wrote at the same time." in html
    assert "<pre data-theirs>one\ntheirs</pre>" in html
    assert "<pre data-mine>mine\none</pre>" in html
    assert 'name="version" value="2"' in html
    assert ">\none\ntheirs</textarea>" in html
    assert ">\nmine\none\ntheirs</textarea>" in html
    review.refresh_from_db()
    assert review.notes == "one\ntheirs"
    kept = {"version": "2", "base": "one\ntheirs", "notes": "mine\none\ntheirs"}
    assert sam.post(f"{room}notes", kept, headers=JSON).json()["version"] == 3


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"version": "0", "notes": "x" * 100_001}, "Notes of at most 100,000 characters were expected, not 100,001."),
        ({"version": "0", "notes": "a\0b"}, "A text was expected, without null bytes."),
        ({"version": "x", "notes": "a"}, "The version of the notes is missing: look at the page again."),
        ({"version": "9" * 400, "notes": "a"}, "The version of the notes is missing: look at the page again."),
        ({"notes": "a"}, "The version of the notes is missing: look at the page again."),
    ],
)
def test_refused_notes_stay_in_the_field(sam, room, typed, said):
    answer = sam.post(f"{room}notes", typed, headers=JSON)
    assert (answer.status_code, answer.json()) == (400, {"problem": said})
    page = sam.post(f"{room}notes", typed)
    assert page.status_code == 400
    assert said in words(page)
    assert typed["notes"].replace("\0", "\ufffd") in page.content.decode()
    assert Review.objects.get().notes == ""


def test_what_was_refused_still_knows_what_it_began_from(sam, world, room, review):
    write_notes(review, "theirs", 0, "", START, by=world.tess)
    html = sam.post(f"{room}notes", {"version": "0", "base": "", "notes": "a\0"}).content.decode()
    assert 'name="version" value="0"' in html


def test_decisions_are_put_on_record_and_taken_back(sam, world, room):
    assert sam.post(f"{room}decide", {"text": "Coverage waits"})["Location"] == f"{room}#decisions"
    made = Decision.objects.get()
    assert (made.text, made.by) == ("Coverage waits", world.sam)
    sam.post(f"{room}decisions/{made.pk}/strike")
    assert "Coverage waits taken back" in words(sam.get(room))
    page = sam.post(f"{room}decide", {"text": "x" * 501})
    assert page.status_code == 400
    assert "At most 500 characters were expected: what was decided." in words(page)
    assert "x" * 501 in page.content.decode()


def test_a_decision_of_another_review_is_not_struck_here(sam, world, room, review):
    other = Review.objects.create(
        program=world.program, period="x", starts_at=NOW, minutes=30, zone="UTC", uid=new_uid(), created_at=NOW
    )
    made = decide(other, "Theirs", NOW, by=world.sam)
    assert sam.post(f"{room}decisions/{made.pk}/strike").status_code == 404


def test_an_ask_of_somebody_for_a_team(sam, world, room):
    sam.post(f"{room}ask", {"text": "Do it", "of": "ALICE@example.com", "due": "2026-05-01", "team": "api"})
    made = Ask.objects.get()
    assert (made.text, made.of, str(made.due)) == ("Do it", world.alice, "2026-05-01")
    assert {str(goal) for goal in made.goals.all()} == {"typing/typed-functions/api", "typing/findings/api"}
    page = sam.post(f"{room}ask", {"text": "", "of": "nobody", "due": "2026-04-13", "team": "n\0"})
    assert page.status_code == 400
    assert re.findall(r'class="fault"[^>]*>([^<]*)', page.content.decode()) == [
        "Some words were expected: what is asked.",
        "The e-mail of somebody who is known here was expected.",
        "A day from today on was expected.",
        "One of the program’s teams was expected.",
    ]
    assert 'value="nobody"' in page.content.decode()
    sam.post(f"{room}ask", {"text": "Of nobody yet"})
    assert Ask.objects.order_by("pk").last().due is None


def test_a_proposal_is_raised_with_one_press_and_once(sam, world, room):
    key = Brief.objects.get().content["leaders"][0]["proposal"]
    for _ in range(2):
        sam.post(f"{room}propose", {"proposal": key})
    made = Ask.objects.get()
    assert made.text.startswith("Make room in Api for 1 item: a.py, 40 to do.")
    assert (made.of, str(made.due), made.proposed) == (world.gina, "2026-05-25", key)
    assert world.goal(world.api, world.typed) in made.goals.all()
    page = words(sam.get(room))
    assert "Asked of Gina, by 25 May 2026" in page
    assert "Ask this" not in page
    assert sam.post(f"{room}propose", {"proposal": "made up"}).status_code == 400


def test_who_is_there_changes_only_what_was_ticked(sam, world, room):
    sam_pk, tess = world.sam.pk, world.tess.pk
    answer = sam.post(f"{room}there", {"there": [sam_pk], "was": [f"{sam_pk}:unsaid", f"{tess}:unsaid"]}, headers=JSON)
    assert answer.json() == {"saved": "10:12"}
    # Another page that was opened before says tess is there: sam's tick is not undone by it.
    sam.post(f"{room}there", {"there": [tess], "was": [f"{tess}:unsaid", f"{sam_pk}:unsaid"]})
    assert dict(Attendance.objects.values_list("person", "present")) == {sam_pk: True, tess: True}
    sam.post(f"{room}there", {"was": [f"{tess}:yes", "x:yes", "99999999999:yes", f"{world.charlie.pk}:yes"]})
    assert dict(Attendance.objects.values_list("person", "present")) == {sam_pk: True, tess: False}
    sam.post(f"{room}bring", {"email": "bob@example.com"})
    assert "Bob" in words(sam.get(room))
    page = sam.post(f"{room}bring", {"email": "zed@example.com"})
    assert (page.status_code, "The e-mail of somebody who is known here was expected." in words(page)) == (400, True)


def test_another_agenda(sam, room):
    points = {"title": ["Numbers", "Money", ""], "minutes": ["10", "20", "5"], "about": ["verdict", "made up", ""]}
    sam.post(f"{room}agenda", points)
    assert Review.objects.get().agenda == [
        {"title": "Numbers", "minutes": 10, "about": "verdict"}, {"title": "Money", "minutes": 20, "about": ""},
    ]  # fmt: skip
    assert "Now, until 10:30: Money." in words(sam.get(room))
    for minutes, said in (("50", "The points take 50 minutes, and the review has 30."),
                          ("x", "Numbers: A whole number from 1 to 480 was expected.")):  # fmt: skip
        page = sam.post(f"{room}agenda", {"title": "Numbers", "minutes": minutes, "about": ""})
        assert (page.status_code, said in words(page)) == (400, True)
    sam.post(f"{room}agenda", points | {"do": "usual"})
    assert Review.objects.get().agenda == []


def test_it_ends_with_the_notes_that_were_typed(sam, world, room, review):
    answer = sam.post(f"{room}notes", {"version": "0", "base": "", "notes": "All said", "do": "end"})
    assert answer["Location"] == f"/reviews/{review.pk}/minutes/"
    page = words(sam.get(answer["Location"]))
    assert (
        "Nothing was decided, nothing is asked of anybody: Every function typed. Sent on Tue 14 Apr at 10:12." in page
    )
    assert "Ended. The minutes are on their way to 3 people." in page
    assert "All said" in Delivery.objects.filter(kind="minutes")[0].text
    said = words(sam.get(room))
    assert "The minutes were sent on Tue 14 Apr at 10:12. What is changed now comes after them." in said
    assert "End the meeting" not in said
    page = sam.post(f"{room}notes", {"version": "1", "base": "All said", "notes": "More", "do": "end"})
    assert (page.status_code, "The minutes were sent already." in words(page)) == (400, True)
    assert Delivery.objects.filter(kind="minutes").count() == 3
    assert "Changed after the minutes were sent." in words(sam.get(f"/reviews/{review.pk}/minutes/"))


def test_two_who_end_it_at_once_with_other_notes_lose_nothing(sam, world, room, review):
    write_notes(review, "theirs", 0, "", START, by=world.tess)
    page = sam.post(f"{room}notes", {"version": "0", "base": "", "notes": "mine", "do": "end"})
    assert page.status_code == 409
    assert not Delivery.objects.filter(kind="minutes").exists()


def test_the_list_and_the_page_of_the_review_lead_here(sam, world, room, review):
    decide(review, "Coverage waits", START, by=world.sam)
    close(raise_ask(review, "One", START), "kept", START)
    raise_ask(review, "Two", START)
    page = sam.get(f"/reviews/{review.pk}/")
    assert f'href="{room}"' in page.content.decode()
    assert "1 decision, 2 asks: 1 open, 1 kept" in words(page)
    assert "1 decision, 2 asks: 1 open, 1 kept" in words(sam.get("/programs/typing/reviews/"))


def test_minutes_that_were_never_sent_wait_on_the_owners(client, world, review, room):
    client.force_login(world.tess)
    decide(review, "Coverage waits", START, by=world.sam)
    said = "Every function typed: no minutes yet of the review of Tue 14 Apr"
    assert said not in words(client.get("/"))
    with time_machine.travel(START + timedelta(minutes=31), tick=False):
        client.force_login(world.tess)
        page = client.get("/")
        assert said in words(page)
        assert f'href="{room}"' in page.content.decode()
        client.force_login(world.sam)
        assert said not in words(client.get("/"))
    with time_machine.travel(START + timedelta(days=31), tick=False):
        client.force_login(world.tess)
        assert said not in words(client.get("/"))


def test_queries_are_constant(sam, world, room, review, django_assert_num_queries, django_assert_max_num_queries):
    other = Review.objects.create(
        program=world.program, period="x", starts_at=NOW, minutes=30, zone="UTC", uid=new_uid(), created_at=NOW,
        state="held",
    )  # fmt: skip
    goal = world.goal(world.api, world.typed).pk

    def more(name):
        raise_ask(review, name, START, of=world.alice, goals=[goal])
        raise_ask(other, name, START, of=world.alice, goals=[goal])
        decide(review, name, START, by=world.sam)

    more("first")
    sam.get(room)
    with django_assert_max_num_queries(33) as few:
        sam.get(room)
    for n in range(6):
        more(str(n))
    with django_assert_num_queries(len(few)):
        sam.get(room)
    minutes = f"/reviews/{review.pk}/minutes/"
    with django_assert_max_num_queries(10) as few:
        sam.get(minutes)
    more("last")
    with django_assert_num_queries(len(few)):
        sam.get(minutes)

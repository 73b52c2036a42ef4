"""Two browsers in one room: both write at once, one loses its connection, and no line is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from program.feeds.registry import KINDS
from reviews.ahead import freeze_due
from reviews.models import Attendance, Decision, Review
from teams.ingest import Origin, ingest
from teams.standings import judge_due
from tests.people import HEADER, PASSWORD, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def world():
    now = datetime.now(UTC)
    made = settle(now=now - timedelta(days=1))
    ingest((HEADER + "typed-functions,api,a.py,2026-03-01,20,60\n").encode(), Origin("file", "x", KINDS["csv"]), now)
    judge_due(now)
    Review.objects.create(
        program=made.program, period="x", starts_at=now + timedelta(days=1), minutes=30, zone="Europe/Riga", uid="u",
        created_at=now,
    )  # fmt: skip
    freeze_due(now + timedelta(hours=1))
    Review.objects.update(starts_at=now - timedelta(minutes=5))
    return made


@pytest.fixture
def room(world, live_server, browser):
    """Opens the room as somebody, in a browser of their own."""
    where = f"{live_server.url}/reviews/{Review.objects.get().pk}/room/"
    opened = []

    def enter(name, **options):
        context = browser.new_context(**options)
        opened.append(context)
        page = context.new_page()
        page.faults = []
        page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda fault: page.faults.append(str(fault)))
        page.goto(f"{live_server.url}/sign-in/?next={where.removeprefix(live_server.url)}")
        page.fill("#username", f"{name}@example.com")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(where)
        return page

    yield enter
    for context in opened:
        context.close()


def said(page, words):
    page.wait_for_function("words => document.querySelector('#notes-said').textContent.startsWith(words)", arg=words)


def test_it_is_saved_as_it_is_typed(room):
    page = room("sam")
    page.locator("#notes-text").press_sequentially("Sam: what holds Api back?\n- the freeze")
    said(page, "saved ")
    assert Review.objects.get().notes == "Sam: what holds Api back?\n- the freeze"
    page.reload()
    assert page.locator("#notes-text").input_value() == "Sam: what holds Api back?\n- the freeze"
    page.locator("text=tess@example.com").locator("input[type=checkbox]").check()
    page.wait_for_function(
        "() => document.querySelector('form[data-saves] [data-said]').textContent.startsWith('saved')"
    )
    assert [(one.person.email, one.present) for one in Attendance.objects.all()] == [("tess@example.com", True)]
    assert page.faults == []


def test_two_who_write_at_once_lose_no_line(room):
    one, other = room("sam"), room("tess")
    one.locator("#notes-text").fill("first\n")
    said(one, "saved ")
    other.reload()
    # Both go on from the same text at the same time.
    one.locator("#notes-text").press("Control+End")
    one.locator("#notes-text").press_sequentially("sam wrote this")
    other.locator("#notes-text").press("Control+Home")
    other.locator("#notes-text").press_sequentially("tess wrote that\n")
    said(one, "saved ")
    panel = other.locator("[data-clash]")
    panel.wait_for(state="visible")
    assert other.locator("[data-theirs]").inner_text() == "first\nsam wrote this"
    assert other.locator("[data-mine]").text_content() == "tess wrote that\nfirst\n"
    assert "sam@example.com wrote at the same time." in panel.inner_text()
    other.locator("#notes-text").press_sequentially("and one line more\n")  # while both are shown
    other.get_by_role("button", name="Keep both").click()
    panel.wait_for(state="hidden")
    said(other, "saved ")
    kept = Review.objects.get().notes.split("\n")
    assert kept == ["tess wrote that", "and one line more", "first", "sam wrote this"]
    # What tess kept comes in at sam's, who has nothing open.
    one.wait_for_function(
        "() => document.querySelector('#notes-text').value.includes('and one line more')", timeout=15_000
    )
    assert [page.faults for page in (one, other)] == [[], [other.faults[0]] * len(other.faults)]
    assert all("409" in fault for fault in other.faults)


def test_a_draft_outlives_a_lost_connection_and_a_new_look(room):
    one, other = room("sam"), room("tess")
    one.context.set_offline(True)
    one.locator("#notes-text").press_sequentially("typed in a tunnel")
    said(one, "not saved: no connection")
    other.locator("#notes-text").fill("typed outside")
    said(other, "saved ")
    assert Review.objects.get().notes == "typed outside"
    one.context.set_offline(False)
    one.reload()
    one.locator("[data-clash]").wait_for(state="visible")
    one.get_by_role("button", name="Keep both").click()
    said(one, "saved ")
    assert Review.objects.get().notes == "typed outside\ntyped in a tunnel"


def test_what_is_typed_goes_first_when_another_form_is_sent(room):
    page = room("sam")
    page.fill("#decision", "Coverage waits")
    page.locator("#notes-text").press_sequentially("last words")
    page.locator("#decision").press("Enter")
    page.wait_for_url("**/room/#decisions")
    assert Decision.objects.get().text == "Coverage waits"
    assert Review.objects.get().notes == "last words"
    page.get_by_role("button", name="End the meeting and send the minutes").click()
    page.wait_for_url("**/minutes/")
    assert "last words" in page.inner_text("main")
    assert page.faults == []


def test_without_scripts_the_buttons_do_it(room):
    one, other = room("sam", java_script_enabled=False), room("tess", java_script_enabled=False)
    for page, text in ((one, "from sam"), (other, "from tess")):
        page.locator("#notes-text").fill(text)
        page.get_by_role("button", name="Save the notes").click()
    assert other.locator("[data-theirs]").inner_text() == "from sam"
    assert other.locator("#notes-text").input_value() == "from sam\nfrom tess"
    other.get_by_role("button", name="Save the notes").click()
    assert Review.objects.get().notes == "from sam\nfrom tess"


def test_on_a_phone_and_by_keyboard(room):
    page = room("sam", viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#decision").focus()
    page.keyboard.type("Go on")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/room/#decisions")
    assert Decision.objects.get().text == "Go on"

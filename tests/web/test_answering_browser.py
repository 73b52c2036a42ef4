"""A lead proposes, an owner accepts, the goal is another one and its history tells both: walked in a real Chromium."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from program.feeds.registry import KINDS
from teams.ingest import Origin, ingest
from teams.models import Exemption, Goal
from teams.standings import judge_due
from tests.people import HEADER, TYPING, World, settle
from tests.web.test_browser import AUDIT, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.xdist_group("browser")]
PAGE = "/teams/api/goals/typing/typed-functions/"


@pytest.fixture
def world() -> World:
    """A program that began four months ago, as of the browser's real today: 20 % then, 28 % now, 90 % in eight months."""
    now = datetime.now(UTC)
    start, due = (now - timedelta(days=120)).date(), (now + timedelta(days=240)).date()
    made = settle(TYPING.replace("2026-01-01", str(start)).replace("2026-12-31", str(due)), now - timedelta(days=1))
    rows = "".join(
        f"typed-functions,api,a.py,{(now - timedelta(days=back)).date()},{number},100\n"
        for back, number in ((119, 20), (60, 24), (30, 26), (1, 28))
    )
    ingest((HEADER + rows).encode(), Origin("file", "x.csv", KINDS["csv"]), now)
    judge_due(now)
    return made


def test_a_proposal_goes_there_and_back(world, live_server, browser):
    troubles: list[str] = []

    def visit(name: str, address: str):
        page = browser.new_context().new_page()
        page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda fault: troubles.append(str(fault)))
        sign_in(page, live_server, address, name)
        return page

    due = (datetime.now(UTC) + timedelta(days=400)).date()
    lead = visit("alice", "/teams/api/")
    lead.get_by_role("link", name="Propose other terms…").first.click()
    lead.wait_for_url(f"{live_server.url}{PAGE}#propose")
    if not lead.locator("#propose-target").is_visible():
        lead.get_by_text("Propose another target or day…").click()
    lead.fill("#propose-target", "0,6")
    told = lead.locator("details[open] [data-told]")
    told.get_by_text("The target is a share such as 85 % or 0.85, not “0,6”.").wait_for()
    lead.fill("#propose-target", "40 %")
    lead.fill("#propose-due", str(due))
    told.get_by_text("By these terms Api would be on track today").wait_for()
    assert lead.evaluate(AUDIT) == []
    lead.fill("#propose-reason", "a rewrite comes first")
    lead.get_by_role("button", name="Propose it").click()
    lead.get_by_role("heading", name="Alice proposes 40 %").wait_for()

    owner = visit("tess", "/")
    owner.get_by_role("link", name="Alice proposes other terms: Api, Functions with full annotations").click()
    owner.wait_for_url(f"{live_server.url}{PAGE}")
    assert "By these terms Api would be on track today" in owner.locator("main").inner_text()
    owner.fill("#answer-text", "worth it")
    owner.get_by_role("button", name="Accept: these terms from today").click()
    owner.get_by_text("Accepted: these are Api's terms from today on.").wait_for()
    assert owner.evaluate(AUDIT) == []

    goal: Goal = world.goal(world.api, world.typed)
    row = goal.terms.last()
    assert (row.target, row.due, row.set_by, goal.terms.count()) == (0.4, due, world.tess, 2)
    lead.goto(f"{live_server.url}{PAGE}")
    history = lead.locator("ol.days").inner_text()
    assert "Target 90 % → 40 %" in history
    assert "Proposed: 40 % by" in history
    assert "worth it" in history
    assert "Given to the team: 90 % by" in history
    lead.goto(live_server.url)
    assert (
        "Your proposal was accepted: Api, Functions with full annotations: “worth it”"
        in lead.locator("main").inner_text()
    )
    assert troubles == []


def test_an_exemption_is_asked_for_and_approved_without_scripts(world, live_server, browser):
    def visit(name: str, address: str):
        page = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900}).new_page()
        sign_in(page, live_server, address, name)
        return page

    until = (datetime.now(UTC) + timedelta(days=60)).date()
    mate = visit("bob", PAGE)
    mate.get_by_text("Ask for an exemption…").click()
    mate.select_option("#exempt-why", "goes-away")
    mate.fill("#exempt-text", "v2 replaces it")
    mate.fill("#exempt-until", str(until))
    mate.get_by_role("button", name="Ask for it").click()
    mate.get_by_role("heading", name="Bob asks for an exemption").wait_for()
    owner = visit("pam", "/programs/typing/exemptions/")
    owner.get_by_role("button", name="Approve").click()
    owner.get_by_text("Approved: Api is exempt until").wait_for()
    assert "1 goal is exempt under 1 leader; it would be behind today." in owner.locator(".lede").inner_text()
    made = Exemption.objects.get()
    assert (made.until_day, made.approved_by) == (until, world.pam)
    mate.goto(live_server.url + "/teams/api/")
    assert "Exempt until" in mate.locator("main").inner_text()

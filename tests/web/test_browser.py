"""Every page walked in a real Chromium: no console error, no CSP violation, no sideways scrolling, charts drawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nudges.planning import plan
from program.feeds.registry import KINDS
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.standings import judge_due
from tests.people import HEADER, ORG, PASSWORD, TYPING, World, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def world() -> World:
    """A program that began four months ago, as of the browser's real today."""
    now = datetime.now(UTC)
    start, due = (now - timedelta(days=120)).date(), (now + timedelta(days=240)).date()
    text = TYPING.replace("2026-01-01", start.isoformat()).replace("2026-12-31", due.isoformat())
    made = settle(text.replace("first: 2026-01-20T10:00", f"first: {start}T10:00"), now - timedelta(days=1))
    rows = [
        f"typed-functions,{team},{team}/file{n}.py,{(now - timedelta(days=back)).date()},{20 - n - back // 30},40"
        for team in ("api", "web")
        for n in range(8)
        for back in (1, 30, 60, 90, 119)
    ]
    ingest((HEADER + "\n".join(rows) + "\n").encode(), Origin("file", "x.csv", KINDS["csv"]), now)
    apply_text(ORG, now=now, via="test")
    judge_due(now)
    plan(now)
    return made


WALKS = {
    "alice": ["/", "/teams/", "/teams/api/", "/programs/", "/programs/typing/", "/groups/engineering/"],
    "tess": ["/", "/programs/typing/nudges/", "/programs/typing/reviews/"],
    "sam": ["/", "/programs/typing/"],
}


@pytest.mark.parametrize("width", [390, 1280, 1920])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page(world, live_server, browser, width, scheme):
    troubles: list[str] = []
    for name, addresses in WALKS.items():
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda fault: troubles.append(str(fault)))
        page.goto(f"{live_server.url}/sign-in/")
        page.fill("#username", f"{name}@example.com")
        page.fill("#password", PASSWORD)
        page.click("button.primary")
        page.wait_for_url(f"{live_server.url}/")
        for address in addresses:
            answer = page.goto(live_server.url + address)
            assert answer is not None
            assert answer.status == 200, address
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{address} scrolls sideways"
            for chart in page.query_selector_all("[data-figure]"):
                chart.scroll_into_view_if_needed()
            charts = page.locator("[data-figure]").count()
            if charts:
                page.wait_for_function(
                    "n => document.querySelectorAll('[data-figure][data-drawn=yes] .main-svg').length >= n", arg=charts
                )
        context.close()
    assert troubles == []


def test_the_heat_map_is_walked_by_keyboard(world, live_server, page):
    page.goto(f"{live_server.url}/sign-in/?next=/programs/typing/")
    page.fill("#username", "charlie@example.com")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/programs/typing/")
    cells = page.locator(".heat td a")
    cells.first.focus()
    assert page.locator("#tell").inner_text() == cells.first.get_attribute("aria-label")
    page.keyboard.press("Tab")
    told = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert told
    assert page.locator("#tell").inner_text() == told
    page.keyboard.press("Enter")
    page.wait_for_url("**/teams/*/?on=*#goal-*")


def test_without_scripts_every_number_is_still_there(world, live_server, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/sign-in/?next=/teams/api/")
    page.fill("#username", "alice@example.com")
    page.fill("#password", PASSWORD)
    page.click("button.primary")
    assert "Start here:" in page.locator(".lede").inner_text()
    assert page.locator(".trail li").count() > 0
    context.close()

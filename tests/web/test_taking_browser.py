"""A crumb in a real browser: taken, read by others, let go, its command copied; a metric defined; with scripts and without."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from program.feeds.registry import KINDS
from program.models import Metric, Playbook
from teams.ingest import Origin, ingest
from teams.models import TakenItem
from teams.standings import judge_due
from tests.people import HEADER, TYPING, World, settle
from tests.web.test_browser import sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def world() -> World:
    """A team that is behind, as of the browser's real today."""
    now = datetime.now(UTC)
    start, due = (now - timedelta(days=120)).date(), (now + timedelta(days=60)).date()
    text = TYPING.replace("2026-01-01", str(start)).replace("2026-12-31", str(due)).replace("2026-01-20", str(start))
    made = settle(text, now - timedelta(days=1))
    rows = [f"typed-functions,api,api/file{n}.py,{(now - timedelta(days=1)).date()},{n},40" for n in range(6)]
    ingest((HEADER + "\n".join(rows)).encode(), Origin("file", "x.csv", KINDS["csv"]), now)
    judge_due(now)
    Playbook.objects.update(effort_hours=2.0, tracker="github", tracker_link="https://github.com/acme/app")
    return made


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_taken_read_and_let_go(world, live_server, browser, scripts):
    bob, alice = (browser.new_context(java_script_enabled=scripts).new_page() for _ in range(2))
    for page, name in ((bob, "bob"), (alice, "alice")):
        sign_in(page, live_server, "/teams/api/", name)
    first = bob.locator(".trail li").first
    assert first.locator("code").first.inner_text() == "api/file0.py"
    first.get_by_role("button", name="I’m on it").click()
    bob.wait_for_url("**/teams/api/#goal-typed-functions-typing")
    assert "You are on it since" in bob.locator(".trail li").first.inner_text()
    assert "You are on it: api/file0.py." in bob.locator(".flash").inner_text()
    # Alice pressed the same from the page she had open: she reads who was first.
    alice.locator(".trail li").first.get_by_role("button", name="I’m on it").click()
    alice.wait_for_url("**/teams/api/#goal-typed-functions-typing")
    assert "Bob is on api/file0.py since" in alice.locator(".flash").inner_text()
    assert "Start here: api/file1.py" in alice.locator(".lede").inner_text()
    assert TakenItem.objects.get().by == world.bob
    alice.locator(".trail li").first.get_by_role("button", name="let it go").click()
    alice.wait_for_selector("text=Let go: api/file0.py.")
    assert alice.locator(".trail li").first.get_by_role("button", name="I’m on it").is_visible()
    assert not TakenItem.objects.filter(released_at=None).exists()
    for page in (bob, alice):
        page.context.close()


def test_a_command_is_copied_and_an_issue_leads_to_the_tracker(world, live_server, browser):
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=live_server.url)
    page = context.new_page()
    sign_in(page, live_server, "/teams/api/", "charlie")
    crumb = page.locator(".trail li").first
    crumb.get_by_role("button", name="copy").click()
    page.wait_for_selector("text=copied")
    assert page.evaluate("navigator.clipboard.readText()") == "mypy api/file0.py"
    link = crumb.get_by_role("link", name="make an issue")
    assert link.get_attribute("rel") == "noreferrer"
    asked: list[str] = []
    page.route("https://github.com/**", lambda route: (asked.append(route.request.url), route.fulfill(body="there")))
    link.click()
    page.wait_for_selector("text=there")
    assert dict(parse_qsl(urlsplit(asked[0]).query))["title"].startswith("Api: api/file0.py, for Functions with")
    context.close()


def test_a_command_that_cannot_be_copied_is_marked(world, live_server, page):
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    sign_in(page, live_server, "/teams/api/")
    page.locator(".trail li").first.get_by_role("button", name="copy").click()
    assert page.evaluate("getSelection().toString()") == "mypy api/file0.py"


def test_a_metric_is_defined_and_another_definition_is_confirmed(world, live_server, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server, "/programs/typing/desk/metrics/new", "tess")
    page.get_by_label("Name, as teams read it").fill("Slow tests")
    page.get_by_label("Definition").fill("tests over one second in the nightly build")
    page.get_by_label("Steps, one a line").fill("Find the sleep\nUse the clock")
    page.get_by_label("What one item usually takes").fill("soon")
    page.get_by_role("button", name="Define it").click()
    assert "Effort is what one item takes, such as 2h or 30m" in page.locator(".fault, strong[role=alert]").inner_text()
    assert page.get_by_label("Steps, one a line").input_value() == "Find the sleep\nUse the clock"
    page.get_by_label("What one item usually takes").fill("30m")
    page.get_by_role("button", name="Define it").click()
    page.wait_for_url("**/desk/metrics/slow-tests/")
    assert Metric.objects.get(key="slow-tests").playbook.effort_hours == 0.5
    page.goto(f"{live_server.url}/programs/typing/desk/metrics/typed-functions/")
    page.get_by_label("Definition").fill("share of public functions")
    page.get_by_role("button", name="Keep it").click()
    assert "2 goals become stale until re-baselined" in page.locator("form section").inner_text()
    assert world.typed.versions.count() == 1
    page.get_by_role("button", name="Open version 2").click()
    page.wait_for_selector("text=Kept: typed-functions v2 is open.")
    assert world.typed.versions.count() == 2
    context.close()


def test_what_it_would_mean_is_said_while_it_is_typed(world, live_server, page):
    sign_in(page, live_server, "/programs/typing/desk/metrics/typed-functions/", "tess")
    page.get_by_label("Definition").fill("share of public functions")
    page.wait_for_selector("[data-ahead] p:has-text('This opens version 2: definition was')")
    page.get_by_label("Fresh for").fill("soon")
    page.wait_for_selector("[data-ahead] p:has-text('Fresh_for is a span such as')")
    assert world.typed.versions.count() == 1
    page.goto(f"{live_server.url}/programs/typing/desk/metrics/new")
    page.get_by_label("Name, as teams read it").fill("Slow tests, at night")
    assert page.get_by_label("Key, as it stands in files").input_value() == "slow-tests-at-night"

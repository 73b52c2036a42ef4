"""A line of goals in a real browser: dragging a number changes the sentence in place; without scripts all of it works."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from program.feeds.registry import KINDS
from program.models import GoalRule
from teams.ingest import Origin, ingest
from teams.models import Goal, Team
from teams.standings import judge_due
from tests.people import HEADER, TYPING, World, settle
from tests.web.test_browser import AUDIT, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.xdist_group("browser")]
NEW = "/programs/typing/desk/goals/new"


@pytest.fixture
def world() -> World:
    """A draft with half a year of measurements: api is at 40 %, web at 90 %."""
    now = datetime.now(UTC)
    start, due = now.date(), (now + timedelta(days=300)).date()
    text = TYPING.replace("2026-01-01", start.isoformat()).replace("2026-12-31", due.isoformat())
    text = text.replace("  name: Every", "  state: draft\n  name: Every").partition("goals:")[0]
    made = settle(text.replace("first: 2026-01-20T10:00", f"first: {start}T10:00"), now - timedelta(days=1))
    rows = "".join(
        f"typed-functions,{team},{team}.py,{start - timedelta(weeks=n)},{level - n},100\n"
        for team, level in (("api", 40), ("web", 90))
        for n in range(30)
    )
    ingest((HEADER + rows).encode(), Origin("file", "x.csv", KINDS["csv"]), now)
    judge_due(now)
    return made


def lede(page) -> str:
    return page.locator("[data-part=sentence] .lede").inner_text()


def wait_for(page, said: str) -> None:
    page.wait_for_function(
        "said => document.querySelector('[data-part=sentence]').textContent.includes(said)", arg=said
    )


def test_a_dragged_number_changes_the_sentence_without_a_reload(world, live_server, page):
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda fault: troubles.append(str(fault)))
    sign_in(page, live_server, NEW, "tess")
    page.evaluate("window.here = 'the same page'")
    page.select_option("#line-how", "target")
    page.fill("#line-target", "95 %")
    wait_for(page, "2 goals · 0 already met")
    # By keyboard: the range is reached with Tab and moved with the arrows, ten steps to the left.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Value, dragged"
    for _ in range(10):
        page.keyboard.press("ArrowLeft")
    assert page.input_value("#line-target") == "85 %"
    wait_for(page, "2 goals · 1 already met")
    # By mouse: to the left end, where all are there already.
    box = page.locator("[data-drags=line-target]").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.85, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    wait_for(page, "2 goals · 2 already met")
    assert page.evaluate("window.here") == "the same page"
    assert "how=target" in page.url
    assert page.evaluate("document.querySelector('[data-link]').href") == page.url
    page.reload()
    assert "2 already met" in lede(page)
    assert page.evaluate(AUDIT) == []
    assert troubles == []
    assert GoalRule.objects.count() == 0


def test_an_answer_that_was_overtaken_is_not_shown(world, live_server, page):
    sign_in(page, live_server, NEW, "tess")
    page.select_option("#line-how", "target")
    page.fill("#line-target", "95 %")
    wait_for(page, "0 already met")
    late = []

    def slow(route) -> None:
        if "target=10" in route.request.url:  # the first question is held back until the second one was answered
            late.append(route)
        else:
            route.continue_()

    page.route("**/preview?*", slow)
    page.fill("#line-target", "10 %")
    page.wait_for_timeout(400)
    page.fill("#line-target", "85 %")
    wait_for(page, "1 already met")
    assert len(late) == 1
    late[0].continue_()
    page.wait_for_timeout(300)
    assert "1 already met" in lede(page)


def test_only_the_fields_of_the_choice_are_shown_and_the_list_is_filtered(world, live_server, page):
    sign_in(page, live_server, NEW, "tess")
    assert not page.locator("#line-find").is_visible()
    page.select_option("#line-whom", "list")
    wait_for(page, "asks for something else")
    page.fill("#line-find", "web")
    assert [said.strip() for said in page.locator("#line-teams li:visible").all_inner_texts()] == ["web Engineering"]
    page.check("[name=team][value=web]")
    wait_for(page, "1 goal ·")
    assert page.locator("[data-chosen]").inner_text() == "1"
    page.fill("#line-find", "")
    assert page.locator("#line-teams li:visible").count() == 2
    page.locator("[data-part=teams] th button", has_text="Team").click()
    page.wait_for_function("() => document.querySelector('th[aria-sort]').textContent === 'Team'")
    page.locator("#show").select_option("easy")
    page.wait_for_function("() => location.search.includes('show=easy')")


def test_enter_in_a_field_looks_and_saves_nothing(world, live_server, page):
    sign_in(page, live_server, NEW, "tess")
    page.evaluate("window.here = 1")
    page.select_option("#line-how", "improve")
    page.fill("#line-improve", "10")
    page.keyboard.press("Enter")
    page.wait_for_function("() => location.search.includes('improve=10')")
    assert page.evaluate("window.here") == 1
    assert GoalRule.objects.count() == 0


def test_saved_it_is_on_the_desk(world, live_server, page):
    sign_in(page, live_server, NEW, "tess")
    page.fill("#line-why", "fewer crashes")
    page.get_by_role("button", name="Give these goals").click()
    page.wait_for_url("**/programs/typing/desk/")
    assert "Saved. Goals: 2 new." in page.locator(".flash").first.inner_text()
    assert Goal.objects.count() == 2
    page.locator("#goals ~ ul a", has_text="change").click()
    page.wait_for_url("**/programs/typing/desk/goals/1/")
    assert "2 goals" in lede(page)


def test_without_scripts(world, live_server, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server, NEW, "tess")
    page.select_option("#line-how", "target")
    page.fill("#line-target", "85 %")
    page.get_by_role("button", name="Preview").click()
    assert "2 goals · 1 already met" in lede(page)
    page.select_option("#line-whom", "list")
    page.fill("#line-find", "web")
    page.get_by_role("button", name="Find", exact=True).click()
    assert page.locator("#line-teams li").count() == 1
    page.check("[name=team][value=web]")
    page.fill("#line-find", "")
    page.get_by_role("button", name="Preview").click()
    assert "1 goal · 1 already met" in lede(page)
    page.locator("[data-part=teams] th button", has_text="Team").click()
    assert page.locator("th[aria-sort]").inner_text() == "Team"
    assert page.input_value("#line-target") == "85 %"
    page.get_by_role("button", name="Give these goals").click()
    assert page.url.endswith("/programs/typing/desk/")
    assert list(Goal.objects.values_list("team__key", flat=True)) == ["web"]
    context.close()


def test_more_teams_than_an_address_holds(world, live_server, page):
    """A list of many teams is asked by POST: the address stays short, and the answer is the same."""
    group = Team.objects.get(key="engineering")
    Team.objects.bulk_create(
        [Team(key=f"team-with-a-long-name-{n:03}", name=f"Team {n}", parent=group) for n in range(300)]
    )
    sign_in(page, live_server, NEW, "tess")
    page.select_option("#line-whom", "list")
    wait_for(page, "asks for something else")
    page.evaluate("document.querySelectorAll('input[name=team]').forEach((one) => { one.checked = true; })")
    asked = []
    page.on("request", lambda request: asked.append(request.method) if "/preview" in request.url else None)
    page.evaluate("document.querySelector('input[name=team]').dispatchEvent(new Event('input', { bubbles: true }))")
    wait_for(page, "302 goals")
    assert asked[-1] == "POST"
    assert len(page.url) < 2000

"""Every page walked in a real Chromium: no console error, no CSP violation, no sideways scrolling, charts drawn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nudges import samples
from nudges.models import Delivery
from nudges.planning import plan
from program.feeds.registry import KINDS
from program.models import Feed, Program
from reviews import ask_links, asks, room
from reviews.models import Review, new_uid
from teams import exempting, proposing, trust
from teams.apply.files import apply_text
from teams.ingest import ingest, of_feed
from teams.standings import judge_due
from tests.people import HEADER, ORG, PASSWORD, TYPING, World, settle

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.xdist_group("browser")]


FEED = """
feeds: [{key: ci, name: The build, source: acme/app, metrics: [typed-functions, findings]}]
scores: [{key: quality, name: Quality score, parts: [{metric: typed-functions, weight: 1, zero: 0, full: 1}]}]
"""


@pytest.fixture
def world() -> World:
    """A program that began four months ago, as of the browser's real today."""
    now = datetime.now(UTC)
    start, due = (now - timedelta(days=120)).date(), (now + timedelta(days=240)).date()
    text = TYPING.replace("2026-01-01", start.isoformat()).replace("2026-12-31", due.isoformat())
    text += FEED
    made = settle(text.replace("first: 2026-01-20T10:00", f"first: {start}T10:00"), now - timedelta(days=1))
    rows = [
        f"typed-functions,{team},{team}/file{n}.py,{(now - timedelta(days=back)).date()},{20 - n - back // 30},40"
        for team in ("api", "web")
        for n in range(8)
        for back in (1, 30, 60, 90, 119)
    ]
    feed = Feed.objects.select_related("program").get()
    rows += [f"typed-functions,,lib/nobody{n}.py,{now.date() - timedelta(days=1)},{n},9" for n in range(5)]
    body = (HEADER + "\n".join(rows) + "\n").encode()
    received = ingest(body, of_feed(feed, KINDS["csv"], came_from="ci", run_kind="file"), now)
    WALKS["tess"][10] = f"/runs/{received.run.pk}/"
    trust.dispute(made.typed, made.api, text="a file is generated", by=made.alice, now=now)
    goal, until = made.goal(made.web, made.typed), (now + timedelta(days=30)).date()
    rests = exempting.ask(
        made.goal(made.api, made.findings),
        reason="unfit",
        text="x" * 90,
        until=until,
        from_day=None,
        by=made.bob,
        now=now,
    )
    exempting.approve(rests, until=None, text="", by=made.tess, now=now)
    exempting.ask(goal, reason="priority", text="with Gina", until=until, from_day=None, by=made.wanda, now=now)
    proposing.propose(goal, target=0.5, due=None, reason="less of it", by=made.wanda, now=now)
    apply_text(ORG, now=now, via="test")
    judge_due(now)
    plan(now)
    one = next(one for one in samples.of_team(feed.program, made.api, made.alice, now) if one.key == "behind")
    message = samples.send(one, feed.program, made.api, made.alice, now)
    Delivery.objects.filter(pk=message.pk).update(state="sent", sent_at=now)
    WALKS["alice"][0] = f"/inbox/{message.pk}/"
    _reviewed(made, now)
    return made


def _reviewed(made: World, now: datetime) -> None:
    """A review that takes place now, with something decided and asked."""
    review = Review.objects.create(
        program=made.program, period="walked", starts_at=now - timedelta(minutes=5), minutes=30, zone="Europe/Riga",
        uid=new_uid(), created_at=now,
    )  # fmt: skip
    goal = made.goal(made.api, made.typed).pk
    ask = asks.raise_ask(review, "Free bob for a week", now, of=made.sam, due=now.date(), goals=[goal])
    room.decide(review, "Coverage waits", now, by=made.sam)
    token = ask_links.write(ask.pk, made.sam.pk, now.date())
    WALKS["sam"][2:] = [
        f"/reviews/{review.pk}/room/", f"/reviews/{review.pk}/schedule", f"/reviews/{review.pk}/minutes/",
        f"/asks/{ask.pk}/", f"/asked/{token}/",
    ]  # fmt: skip


WALKS = {
    "alice": [
        "/inbox/1/",
        "/inbox/",
        "/me/",
        "/",
        "/teams/",
        "/teams/api/",
        "/teams/api/goals/typing/typed-functions/",
        "/teams/api/goals/typing/findings/",
        "/teams/api/dispute/typed-functions",
        "/programs/",
        "/programs/typing/",
        "/programs/typing/effect/",
        "/groups/engineering/",
    ],
    "tess": [
        "/",
        "/programs/typing/nudges/",
        "/programs/typing/reviews/",
        "/programs/typing/feeds/",
        "/feeds/ci/",
        "/programs/typing/feeds/new",
        "/programs/typing/feeds/ci/edit",
        "/metrics/typed-functions/",
        "/ownership/",
        "/unowned/",
        "/runs/1/",
        "/scores/quality/",
        "/programs/typing/desk/goals/new",
        "/programs/typing/desk/goals/1/",
        "/programs/typing/desk/goals/new?metric=findings&whom=list&team=api&how=best&best=50&start=2026-01-01&due=x",
        "/metrics/typed-functions/hot-spots",
        "/metrics/findings/hot-spots",
        "/programs/typing/desk/metrics/new",
        "/programs/typing/desk/metrics/typed-functions/",
        "/teams/web/goals/typing/typed-functions/",
        "/programs/typing/exemptions/",
        "/exemptions/",
        "/programs/typing/nudges/effect",
        "/programs/typing/nudges/tried",
        "/programs/typing/nudges/samples/?team=api",
    ],
    "sam": [
        "/",
        "/programs/typing/priorities/",
        "/programs/typing/handover/",
        "/groups/engineering/",
        "/programs/typing/",
    ],
    "pam": [
        "/programs/new",
        "/programs/typing/desk/",
        "/programs/typing/desk/go-live",
        "/programs/typing/desk/pause",
        "/programs/typing/desk/complete",
        "/programs/typing/desk/cancel",
    ],
    "gina": ["/groups/engineering/limit", "/teams/api/limit"],
}


AUDIT = """() => {
  const troubles = [], all = (what) => [...document.querySelectorAll(what)];
  const ids = all("[id]").map((one) => one.id);
  const twice = ids.filter((id, n) => ids.indexOf(id) !== n);
  if (twice.length) troubles.push("ids twice: " + twice);
  for (const field of all("input:not([type=hidden]), select, textarea"))
    if (!field.labels.length && !field.ariaLabel) troubles.push("field without a label: " + field.name);
  for (const one of all("a[href], button, summary"))
    if (!(one.ariaLabel || one.textContent).trim()) troubles.push("nothing to read out: " + one.outerHTML);
  for (const link of all("a[href^='#']"))
    if (!document.getElementById(link.hash.slice(1))) troubles.push("leads nowhere: " + link.hash);
  for (const label of all("[aria-labelledby]"))
    if (!document.getElementById(label.getAttribute("aria-labelledby"))) troubles.push("label missing: " + label.id);
  let level = 0;
  for (const heading of all("h1, h2, h3, h4")) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) troubles.push("heading skips a level: " + heading.textContent);
    level = next;
  }
  if (all("h1").length !== 1) troubles.push("one h1 was expected");
  if (!document.title || document.title.startsWith(" ")) troubles.push("no title");
  return troubles;
}"""


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (390, "dark"), (1280, "light"), (1920, "dark")])
def test_every_page(world, live_server, browser, width, scheme):
    """Each page is loaded at each width, in one scheme, and then turned to the other, as a system does at dusk."""
    other = "light" if scheme == "dark" else "dark"
    troubles: list[str] = []
    for name, addresses in WALKS.items():
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda fault: troubles.append(str(fault)))
        sign_in(page, live_server, "/", name)
        for address in addresses:
            answer = page.goto(live_server.url + address)
            assert answer is not None
            assert answer.status == 200, address
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{address} scrolls sideways"
            assert page.evaluate(AUDIT) == [], address
            for closed in page.query_selector_all("details:not([open]) > summary"):
                if closed.is_visible():
                    closed.click()
            for chart in page.query_selector_all("[data-figure]"):
                chart.scroll_into_view_if_needed()
            charts = page.locator("[data-figure]").count()
            if charts:
                page.wait_for_function(
                    "n => document.querySelectorAll('[data-figure][data-drawn=yes] .main-svg').length >= n", arg=charts
                )
            page.emulate_media(color_scheme=other)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (
                f"{address} scrolls sideways, {other}"
            )
            page.emulate_media(color_scheme=scheme)
        context.close()
    assert troubles == []


def sign_in(page, live_server, address: str, name: str = "alice") -> None:
    """Sign in by keyboard and arrive at an address; the whole URL is waited for, as sign-in's own names it too."""
    page.goto(f"{live_server.url}/sign-in/?next={address}")
    page.fill("#username", f"{name}@example.com")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}{address}")


def test_the_heat_map_is_walked_by_keyboard(world, live_server, page):
    sign_in(page, live_server, "/programs/typing/", "charlie")
    cells = page.locator(".heat td a")
    cells.first.focus()
    assert page.locator("#tell").inner_text() == cells.first.get_attribute("aria-label")
    page.keyboard.press("Tab")
    told = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert told
    assert page.locator("#tell").inner_text() == told
    page.keyboard.press("Enter")
    page.wait_for_url("**/teams/*/#goal-*")


def test_without_scripts_every_number_is_still_there(world, live_server, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server, "/teams/api/")
    assert "Start here:" in page.locator(".lede").inner_text()
    assert page.locator(".trail li").count() > 0
    context.close()


def test_charts_come_when_seen_and_take_on_the_other_scheme(world, live_server, browser):
    context = browser.new_context(color_scheme="light", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url) if "/charts/" in request.url else None)
    sign_in(page, live_server, "/teams/api/")
    page.wait_for_selector("[data-drawn=yes] .main-svg")
    open_ones = page.locator("details[open] [data-figure]").count()
    assert len(fetched) == open_ones

    def value_line() -> str:
        return page.evaluate("getComputedStyle(document.querySelector('.scatterlayer .trace .js-line')).stroke")

    assert value_line() == "rgb(28, 32, 36)"
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "() => getComputedStyle(document.querySelector('.scatterlayer .trace .js-line')).stroke === 'rgb(230, 232, 234)'"
    )
    assert len(fetched) == open_ones
    context.close()


def test_a_chart_that_cannot_be_loaded_says_so(world, live_server, page):
    page.route("**/charts/*.json*", lambda route: route.abort())
    sign_in(page, live_server, "/teams/api/")
    page.wait_for_selector("[data-drawn=no]")
    assert "its numbers stand beside it" in page.locator("[data-drawn=no]").first.inner_text()


def test_the_keyboard_reaches_the_content_first(world, live_server, page):
    sign_in(page, live_server, "/teams/api/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_the_desk_says_what_would_follow_while_one_types(world, live_server, page):
    sign_in(page, live_server, "/programs/typing/desk/", "tess")
    page.get_by_text("Change when and how often").click()
    page.fill("#nudges-maximum", "1")
    page.get_by_text("At most 1 mail a week to each of 2 people").wait_for()
    page.fill("#nudges-maximum", "8")
    page.get_by_text("A whole number from 1 to 7 was expected.").wait_for()
    assert Program.objects.get(key="typing").nudge_weekly_maximum == 2
    page.fill("#nudges-maximum", "3")
    page.locator("form[action$=nudges] button.primary").click()
    page.get_by_text("Kept.").wait_for()
    assert Program.objects.get(key="typing").nudge_weekly_maximum == 3


def test_a_program_from_nothing_to_live_without_scripts(world, live_server, browser):
    """As a new owner would, with nothing but the pages to help."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, live_server, "/programs/", "bob")
    page.get_by_text("Start a program").click()
    page.fill("#new-name", "Fewer findings")
    page.fill("#new-purpose", "quiet nights")
    page.get_by_role("button", name="Start a draft").click()
    assert page.url == f"{live_server.url}/programs/fewer-findings/desk/"
    page.get_by_text("Change sponsor and owners").click()
    page.fill("#people-sponsor", "sam@example.com")
    page.fill("#people-manager", "pam@example.com")
    page.locator("form[action$=people] button[value=look]").click()
    assert "sam@example.com sponsors it." in page.locator(".ahead").nth(2).inner_text()
    page.locator("form[action$=people] button.primary").click()
    page.get_by_text("It has all it needs to go live.").wait_for()
    page.get_by_text("Go live…").click()
    page.get_by_role("button", name="Go live").click()
    assert "Fewer findings is live." in page.locator("main").inner_text()
    assert Program.objects.get(key="fewer-findings").state == "active"
    context.close()


def test_a_key_follows_the_name_until_it_is_typed(world, live_server, page):
    sign_in(page, live_server, "/programs/new", "bob")
    page.locator("#new-name").press_sequentially("Čisté funkce, all")
    assert page.input_value("#new-key") == "ciste-funkce-all"
    page.fill("#new-key", "own")
    page.locator("#new-name").press_sequentially(" of them")
    assert page.input_value("#new-key") == "own"

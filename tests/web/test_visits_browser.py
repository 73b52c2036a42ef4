"""A digest's link followed in a real browser: the receiver's visit is put down, nobody else's, and not without scripts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from nudges import visits
from nudges.models import Digest, Visit
from tests.people import PASSWORD, World, settle
from tests.web.test_browser import sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def world() -> World:
    return settle(now=datetime.now(UTC))


@pytest.fixture
def link(world) -> str:
    now = datetime.now(UTC)
    told = Digest.objects.create(person=world.alice, day=now.date(), time_zone="UTC", planned_at=now, plan="x")
    return f"/teams/api/?via={visits.write(told.pk, world.goal(world.api, world.typed).pk)}#goal-typed-functions-typing"


@pytest.mark.parametrize(
    ("name", "scripts", "rows"), [("alice", True, 1), ("bob", True, 0), ("", True, 0), ("alice", False, 0)]
)
def test_whose_visit_is_put_down(world, link, live_server, browser, name, scripts, rows):
    page = browser.new_context(java_script_enabled=scripts).new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    if name:
        sign_in(page, live_server, "/", name)
    asked.clear()
    for _ in range(2):
        if not (name and scripts):
            page.goto(live_server.url + link)
        else:
            with page.expect_response("**/visits") as answer:
                page.goto(live_server.url + link)
            assert answer.value.status == (204 if rows else 404)
            assert page.url == f"{live_server.url}/teams/api/#goal-typed-functions-typing"
            page.goto(f"{live_server.url}/teams/")
        assert Visit.objects.count() == rows
    assert asked == [f"{live_server.url}/visits"] * (2 if name and scripts else 0)
    page.context.close()


def test_who_signs_in_on_the_way_has_visited(world, link, live_server, page):
    with page.expect_response("**/visits") as answer:
        page.goto(live_server.url + link)
        page.fill("#username", "alice@example.com")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
    assert answer.value.status == 204
    assert Visit.objects.get().digest.person == world.alice

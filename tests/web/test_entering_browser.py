"""The whole way in, walked in a real Chromium: invited, a password, a second factor, single sign-on, a lost password."""

from __future__ import annotations

import base64
import re
import time
from datetime import UTC, datetime
from urllib.parse import unquote

import pytest

from accounts import entry
from accounts.models import User
from accounts.roles import Role
from nudges import sign_in_mail
from nudges.models import Delivery
from tests.accounts.test_second_factor import code_of
from tests.people import PASSWORD, World, settle
from tests.web.provider import CLIENT, SECRET, provider
from tests.web.test_browser import AUDIT, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.xdist_group("browser")]
NEW = "quite another password"


@pytest.fixture
def world(live_server, settings) -> World:
    settings.SITE_URL = live_server.url
    User.objects.create_superuser("root@example.com", PASSWORD, name="Root")
    return settle(now=datetime.now(UTC))


@pytest.fixture
def troubles(page):
    """What the browser complained about; none is expected (but for answers that are meant to be refusals)."""
    found: list[str] = []
    page.on("console", lambda said: found.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda fault: found.append(str(fault)))
    yield found
    assert [one for one in found if "Failed to load resource" not in one] == []


def link_of(kind: str) -> str:
    """The address in the newest letter of a kind."""
    sign_in_mail.answer_asks(datetime.now(UTC))
    text = Delivery.objects.filter(kind=kind).order_by("-pk").first().text
    return re.search(r"http://\S+/set-password/\S+/", text)[0]


def next_code(secret: str) -> str:
    """The code of the next half minute, which is taken as well: the one before was used."""
    return code_of(secret, datetime.fromtimestamp(time.time() + 30, UTC))


def test_from_the_invitation_to_the_second_factor(world, live_server, page, troubles):
    sign_in(page, live_server, "/people/", "root")
    page.click("summary")
    page.fill("#email", "new@example.com")
    page.click("text=Send an invitation")
    page.wait_for_selector("text=An invitation to new@example.com waits in the outbox")
    assert page.evaluate(AUDIT) == []
    page.click("text=Sign out")

    page.goto(link_of("invitation"))
    assert page.url == f"{live_server.url}/set-password/"
    assert page.evaluate(AUDIT) == []
    page.fill("#name", "Newcomer")
    page.fill("#password", NEW)
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Your password is set. Sign in with it.")

    page.fill("#username", "new@example.com")
    page.fill("#password", NEW)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/")
    page.click("header >> text=Newcomer")
    page.wait_for_url("**/me/")
    assert page.evaluate(AUDIT) == []

    page.click("text=Set one")
    page.click("text=Set it up")
    page.wait_for_selector("img")
    assert page.evaluate("document.querySelector('img').naturalWidth") > 100
    assert page.evaluate(AUDIT) == []
    drawn = base64.b64decode(unquote(page.get_attribute("img", "src")).partition(",")[2])
    assert drawn.startswith(b"<?xml")
    secret = page.inner_text("code").replace(" ", "")
    page.fill("#code", code_of(secret, datetime.now(UTC)))
    page.keyboard.press("Enter")
    page.wait_for_selector("text=They are shown this once")
    codes = page.inner_text("pre").split()
    assert len(codes) == 10
    page.click("text=I have kept them")
    page.click("text=Sign out")

    page.fill("#username", "new@example.com")
    page.fill("#password", NEW)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/code/")
    assert page.evaluate(AUDIT) == []
    page.goto(f"{live_server.url}/teams/")
    page.wait_for_url("**/sign-in/?next=/teams/")
    page.goto(f"{live_server.url}/sign-in/code/")
    page.fill("#code", next_code(secret))
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/")
    assert page.inner_text("header >> a[href='/me/']") == "Newcomer"

    page.click("text=Sign out")
    page.fill("#username", "new@example.com")
    page.fill("#password", NEW)
    page.keyboard.press("Enter")
    page.fill("#code", f"{codes[0][:4]} {codes[0][4:]}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/")


def test_a_forgotten_password(world, live_server, page, troubles):
    page.goto(f"{live_server.url}/sign-in/")
    page.click("text=Forgot your password?")
    page.fill("#email", "alice@example.com")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=a link is on its way")
    address = link_of("password-reset")
    page.goto(address)
    assert address.split("/")[-2] not in page.url
    page.fill("#password", NEW)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/")
    # Going back, or following the link again, leads to nothing that works.
    page.goto(address)
    assert "This link does not work" in page.inner_text("h1")
    page.goto(f"{live_server.url}/sign-in/")
    page.fill("#username", "alice@example.com")
    page.fill("#password", NEW)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/")


def test_single_sign_on(world, live_server, page, settings, troubles):
    with provider() as held:
        settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = held.issuer, CLIENT, SECRET
        settings.OIDC_NAME, settings.OUTBOUND_ALLOW_NETWORKS = "Acme", ["127.0.0.0/8"]
        page.goto(f"{live_server.url}/sign-in/?next=/teams/api/")
        assert page.evaluate(AUDIT) == []
        page.click("text=Sign in with Acme")
        page.wait_for_url("**/teams/api/")
        assert page.inner_text("header >> a[href='/me/']") == "Alice"
        page.click("text=Sign out")
        held.email = "nobody@example.com"
        page.click("text=Sign in with Acme")
        page.wait_for_selector("text=Nobody here is known as nobody@example.com")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_every_page_of_it_fits(world, live_server, browser, width):
    root = User.objects.get(email="root@example.com")
    entry.invite(
        "x" * 60 + "@a-rather-long-domain-name.example.com", Role.VIEWER, root, datetime.now(UTC), name="N" * 200
    )
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    for address in ("/sign-in/", "/forgot-password/", "/set-password/"):
        page.goto(live_server.url + address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert page.evaluate(AUDIT) == [], address
    sign_in(page, live_server, "/people/", "root")
    long_one = User.objects.get(name="N" * 200)
    for address in ("/people/", f"/people/{world.alice.pk}/", f"/people/{long_one.pk}/", "/people/import/", "/me/",
                    "/me/second-factor/"):  # fmt: skip
        page.goto(live_server.url + address)
        for closed in page.query_selector_all("details:not([open]) > summary"):
            closed.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert page.evaluate(AUDIT) == [], address
    context.close()

"""A viewer changes nothing, at any address and by any method; and looks after their own sign-in and mail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from nudges.models import Mute
from tests.people import PASSWORD, World, settle
from web.viewers import OWN_AFFAIRS

pytestmark = pytest.mark.django_db
KEYS = {"programs": "typing", "teams": "api", "groups": "engineering", "metrics": "typed-functions", "feeds": "ci"}
FILL = {"feed_key": "ci", "metric": "typed-functions", "metric_key": "typed-functions", "action": "deactivate"}


def every(patterns: list[URLPattern | URLResolver], before: str = "/") -> Iterator[tuple[str, str]]:
    """(name, address) of every pattern of the URL conf, its parts filled in."""
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from every(one.url_patterns, before + str(one.pattern))
        else:
            address = before + str(one.pattern)
            for name, converter in one.pattern.converters.items():
                kind = "int" if type(converter).__name__ == "IntConverter" else "str"
                about = KEYS.get(address.removeprefix("/api/v1").split("/")[1], "typing")
                filled = "1" if kind == "int" else FILL.get(name, about)
                address = address.replace(f"<{kind}:{name}>", filled)
            yield one.name, address


ROUTES = list(every(get_resolver().url_patterns))


@pytest.fixture
def world() -> World:
    return settle()


@pytest.fixture
def viv(world) -> User:
    """A viewer who owns, sponsors and leads, so that only being a viewer stands in the way."""
    person = User.objects.create_user("viv@example.com", PASSWORD, reads_only=True, name="Viv")
    world.program.owners.create(user=person, role="technical")
    world.program.sponsor = person
    world.program.save()
    world.api.memberships.create(user=person, role="lead")
    return person


@pytest.fixture
def client_of_viv(viv) -> Client:
    client = Client()
    assert client.login(username=viv.email, password=PASSWORD)
    return client


def rows() -> dict[str, list]:
    """Every row there is, but those by which one is signed in."""
    left_out = {"session", "attempt"}
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values())
        for model in apps.get_models()
        if model._meta.model_name not in left_out
    }


def test_there_are_routes():
    assert len(ROUTES) > 60
    assert OWN_AFFAIRS - {"demo-sign-in"} <= {name for name, _ in ROUTES}


def test_no_address_changes_anything_for_a_viewer(client_of_viv):
    faults, before = [], rows()
    for name, address in ROUTES:
        if name in OWN_AFFAIRS:
            continue
        for method in ("post", "put", "patch", "delete"):
            status = getattr(client_of_viv, method)(address, {}).status_code
            allowed = {401, 403, 404, 405} if address.startswith("/api/") else {404} if method == "post" else {404, 405}
            if status not in allowed:
                faults.append((method, address, status))
        client_of_viv.get(address)
        if rows() != before:
            faults.append((address, "changed something"))
            before = rows()
    assert faults == []


def test_the_api_says_so_as_a_problem(client_of_viv, world):
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(client_of_viv, method)("/api/v1/teams/api/scorecard", b"{}", "application/json")
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
        assert answer.json()["detail"] == "a viewer changes nothing"
    assert client_of_viv.get("/api/v1/teams/api/scorecard").status_code == 200
    client = Client()
    client.force_login(world.bob)
    assert client.post("/api/v1/teams/api/scorecard").status_code == 405


def test_a_viewer_looks_after_themselves(client_of_viv, viv):
    assert client_of_viv.post("/me/", {"name": "Vivian"}).status_code == 302
    assert client_of_viv.post("/me/mail", {"do": "stop"}).status_code == 302
    assert Mute.objects.get().person == viv
    assert client_of_viv.post("/me/second-factor/", {"do": "start"}).status_code == 302
    assert client_of_viv.post("/me/password", {"current": PASSWORD, "password": "quite another one"}).status_code == 302
    assert client_of_viv.post("/me/sign-out").status_code == 302
    viv.refresh_from_db()
    assert viv.name == "Vivian"
    assert client_of_viv.post("/sign-out/")["Location"] == "/sign-in/"


@pytest.mark.parametrize("name", ["tess", "alice"])
def test_whoever_is_no_viewer_is_not_kept_from_anything(world, name):
    client = Client()
    client.login(username=f"{name}@example.com", password=PASSWORD)
    assert client.post("/people/invite", {}).status_code == (400 if name == "tess" else 404)
    assert client.post("/teams/api/dispute/typed-functions", {}).status_code == (400 if name == "alice" else 404)
    assert client.post("/me/", {"name": "x"}).status_code == 302


def test_made_a_viewer_it_holds_from_the_next_request_on(world):
    client = Client()
    client.login(username="tess@example.com", password=PASSWORD)
    assert client.post("/people/invite", {}).status_code == 400
    User.objects.filter(email="tess@example.com").update(reads_only=True)
    assert client.post("/people/invite", {}).status_code == 404
    assert client.get("/people/").status_code == 200

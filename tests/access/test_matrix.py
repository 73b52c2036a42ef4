"""The permission matrix: matrix.txt, asked line by line, as every subject; and what it would miss, it is seen to catch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from tests.access.asking import differences, route_of, routes, send, tables, undone, unlisted
from tests.access.sabotage import SABOTAGE, rows_that_see, without
from tests.access.table import FILE, filled, read
from tests.access.world import World, built

TABLE = read(FILE.read_text(encoding="utf-8"))
NOWHERE = {"api-nowhere"}
"""Routes that catch what no other route takes."""

pytestmark = [pytest.mark.django_db, pytest.mark.once, pytest.mark.xdist_group("matrix")]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker) -> Iterator[World]:
    with django_db_blocker.unblock(), built() as made:
        yield made


def test_the_file_can_be_read() -> None:
    assert TABLE.faults == []
    assert len(TABLE.rows) > 140


def test_every_route_has_a_line_and_every_line_a_route(world: World) -> None:
    listed = {}
    for row in TABLE.rows:
        listed.setdefault(route_of(filled(row.address, world.names)), []).append(row)
    assert sorted(set(routes()) - set(listed)) == [], "routes without a line in matrix.txt"
    gone = [str(row) for name in NOWHERE for row in listed[name] if "nowhere" not in row.address]
    assert gone == [], "lines of matrix.txt that lead to no route of their own"


def test_every_operation_of_the_schema_has_a_line(world: World) -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    listed = {(route_of(filled(row.address, world.names)), row.method) for row in TABLE.rows}
    patterns = {f"/{pattern}": name for name, pattern in routes().items()}
    missing = []
    for path, methods in schema["paths"].items():
        plain = path.replace("{key}", "<str:key>").replace("{id}", "<int:pk>").replace("{pk}", "<int:pk>")
        missing += [f"{method} {path}" for method in methods if (patterns.get(plain), method.upper()) not in listed]
    assert missing == []


@pytest.mark.parametrize("row", TABLE.rows, ids=lambda row: f"{row.line}:{row}")
def test_everybody_is_answered_what_the_line_says(world: World, row) -> None:
    assert differences(world, row) == []


def test_methods_without_a_line_are_refused(world: World) -> None:
    assert unlisted(world, TABLE.rows) == []


def test_forms_from_elsewhere_are_refused(world: World) -> None:
    """A POST without our own form's token is refused, but for what is authorized by itself."""
    taken = {"/api/v1/", "/unsubscribe/", "/answer/", "/vote/", "/pulse/", "/asked/", "/invited/"}
    before, found = tables(), []
    for row in TABLE.rows:
        if row.method == "POST" and not row.address.startswith(tuple(taken)) and "did" in row.expected.values():
            client = Client(enforce_csrf_checks=True)
            client.cookies = world.clients["admin"].cookies
            with undone():
                answer = send(client, "POST", filled(row.address, world.names), filled(row.body, world.names))
                if answer.status_code != 403 or tables() != before:
                    found.append(f"{row}: {answer.status_code}, not 403 and no rows changed")
    assert found == []


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_guard_that_is_taken_out_turns_the_matrix_red(world: World, name: str) -> None:
    asked = rows_that_see(name, TABLE.rows)
    assert asked
    with without(name, world):
        assert [fault for row in asked for fault in differences(world, row)] != []

"""Sends the requests of matrix.txt and compares: the answers, and every row of every table before and after."""

from __future__ import annotations

import copy
import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from tests.access.table import METHODS, Row, filled
from tests.access.world import World

REFUSED = {"in", "401", "403", "404", "405"}
"""What a method may be answered that has no row."""
DONE = {"200", "201", "202", "204", "302"}
USE = {
    "accounts_accesstoken": ("last_used_at",),
    "accounts_sharelink": ("last_used_at",),
    "reviews_calendarfeed": ("last_used_at",),
}
"""That a token or a link was used is noted; it is no change of what anybody sees or may do."""


@cache
def routes() -> dict[str, str]:
    """Every route of the URL conf by its name (its pattern, where it has none): the pattern."""
    found: dict[str, str] = {}
    for pattern, name in _walk(get_resolver().url_patterns):
        found[name or pattern] = pattern
    return found


def _walk(patterns: Iterable[Any], prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    for one in patterns:
        where = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _walk(one.url_patterns, where, f"{space}{one.namespace}:" if one.namespace else space)
        elif isinstance(one, URLPattern):
            yield where, f"{space}{one.name}" if one.name else ""


def route_of(address: str) -> str:
    """The name of the route that an address leads to (its pattern, where it has none). Raises Resolver404."""
    match = resolve(address.partition("?")[0])
    return match.view_name if match.url_name else match.route


def tables() -> str:
    """One word for every row of every table: it changes with any of them."""
    held = hashlib.sha256()
    for table, columns in _columns():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT {columns} FROM "{table}"')
            held.update(repr((table, sorted(map(repr, cursor.fetchall())))).encode())
    return held.hexdigest()


@cache
def _columns() -> Sequence[tuple[str, str]]:
    found = []
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            names = [column.name for column in connection.introspection.get_table_description(cursor, table)]
            found.append((table, ", ".join(f'"{name}"' for name in names if name not in USE.get(table, ()))))
    return found


def differences(world: World, row: Row) -> list[str]:
    """What was not as the row says, one line each; afterwards the database is as it was."""
    before = tables()
    found: list[str] = []
    for subject, expected in row.expected.items():
        found += _asked(world, row, subject, expected, before)
    if row.method == "GET" and tables() != before:
        found.append(f"{row}: looking at it changed rows")
    return found


def _asked(world: World, row: Row, subject: str, expected: str, before: str) -> Iterator[str]:
    with undone():
        status = ask(world, row.method, filled(row.address, world.names), subject, filled(row.body, world.names))
        changed = row.method != "GET" and tables() != before
    wanted, noted = expected.rstrip("+"), expected.endswith("+")
    said = f"{status} and {'some' if changed else 'no'} rows changed"
    if expected == "did" and not (changed and status in DONE):
        yield f"{row} as {subject}: it should be done, but {said}"
    elif expected != "did" and (changed != noted or status != wanted):
        yield f"{row} as {subject}: {wanted} and {'some' if noted else 'no'} rows changed was expected, but {said}"


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written inside is undone."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def ask(world: World, method: str, address: str, subject: str, body: str = "") -> str:
    """The answer's status; `in` when it is an invitation to sign in."""
    return status_of(send(world.clients[subject], method, address, body))


def send(client: Client, method: str, address: str, body: str = "", **more: Any) -> Any:
    """The answer to a request; a fault on our side is answered as 500, as a visitor would get it."""
    data, media_type = _payload(body)
    form = {} if media_type is None else {"content_type": media_type}
    client.raise_request_exception = False
    kept = copy.deepcopy(client.cookies)
    quiet = logging.getLogger("django.request")
    level, quiet.level = quiet.level, logging.CRITICAL
    try:
        return getattr(client, method.lower())(address, *([] if method == "GET" else [data]), **form, **more)
    finally:
        quiet.level = level
        client.cookies = kept


def status_of(answer: Any) -> str:
    """The status as matrix.txt writes it."""
    to_sign_in = answer.status_code == 302 and answer["Location"].startswith("/sign-in/?next=")
    return "in" if to_sign_in else str(answer.status_code)


def _payload(body: str) -> tuple[Any, str | None]:
    """A row's body: a form as name=value&…, a file as file=name:text, or a media type and the text itself."""
    if body.startswith(("text/", "application/")):
        media_type, _, text = body.partition(" ")
        return text.replace("\\n", "\n"), media_type
    form: dict[str, Any] = {}
    for name, value in parse_qsl(body, keep_blank_values=True):
        if name == "file":
            file_name, _, text = value.partition(":")
            form[name] = SimpleUploadedFile(file_name, text.replace("\\n", "\n").encode())
        else:
            form[name] = value
    return form, None


def unlisted(world: World, rows: Sequence[Row]) -> list[str]:
    """Methods that no row lists for an address: nobody is answered anything but a refusal, and nothing changes."""
    found: list[str] = []
    listed: dict[str, set[str]] = {}
    for row in rows:
        listed.setdefault(row.address, set()).add(row.method)
    of_route: dict[str, set[str]] = {}
    for address, methods in listed.items():
        of_route.setdefault(route_of(filled(address, world.names)), set()).update(methods)
    before = tables()
    asked: Mapping[str, str] = {route_of(filled(row.address, world.names)): row.address for row in rows}
    for route, address in asked.items():
        for method in METHODS:
            if method in of_route[route]:
                continue
            for subject in world.clients:
                with undone():
                    status = ask(world, method, filled(address, world.names), subject)
                    changed = status not in REFUSED and tables() != before
                if status not in REFUSED or changed:
                    found.append(f"{method} {address} has no row, and {subject} is answered {status}")
        if tables() != before:
            found.append(f"a method of {address} that has no row changed rows")
            before = tables()
    return found

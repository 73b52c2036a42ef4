"""Everybody goes from link to link as far as they may; whatever anybody reached is then asked as everybody else."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin

import pytest
from django.urls import Resolver404

from tests.access.asking import route_of, send, status_of, tables
from tests.access.table import FILE, filled, read
from tests.access.world import World, built

TABLE = read(FILE.read_text(encoding="utf-8"))
BEARERS = ("/calendar/",)
"""Addresses that are a secret themselves: whoever holds one reads what is its owner's."""
LINK = re.compile(r'(?:href|src|data-figure)="([^"#]+)')
pytestmark = [
    pytest.mark.django_db, pytest.mark.once, pytest.mark.timeout(900), pytest.mark.xdist_group("replay"),
]  # fmt: skip


class Seen:
    """What each subject was answered at each address: asked once, however many ways lead there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.answers: dict[tuple[str, str], tuple[str, str]] = {}

    def ask(self, subject: str, address: str) -> tuple[str, str]:
        """The status and the text of the answer."""
        if (subject, address) not in self.answers:
            answer = send(self.world.clients[subject], "GET", address)
            text = b"".join(answer) if answer.streaming else answer.content
            self.answers[subject, address] = status_of(answer), text.decode("utf-8", "replace")
        return self.answers[subject, address]

    def walk(self, subject: str, first: list[str]) -> set[str]:
        """Every address that this subject reaches and is answered something at."""
        reached, waiting, met = set(), list(first), {shape(address) for address in first}
        while waiting:
            address = waiting.pop(0)
            status, text = self.ask(subject, address)
            if status != "200":
                continue
            reached.add(address)
            for link in sorted(links(address, text)):
                if shape(link) not in met:
                    met.add(shape(link))
                    waiting.append(link)
        return reached


def links(address: str, text: str) -> Iterator[str]:
    """Addresses of this service that a page leads to."""
    for found in LINK.findall(text):
        there = urljoin(address, unescape(found))
        if there.startswith("/") and not there.startswith(("/static/", "//")):
            yield there


def shape(address: str) -> str:
    """An address without the values of its questions: of many days and orders of one page, one is walked."""
    path, _, asked = address.partition("?")
    return f"{path}?{re.sub(r'=[^&]*', '=', asked)}"


@pytest.fixture(scope="module")
def seen(django_db_setup: None, django_db_blocker) -> Iterator[Seen]:
    with django_db_blocker.unblock(), built() as world:
        before = tables()
        found = Seen(world)
        reached: set[str] = set()
        for subject in world.clients:
            may = [filled(row.address, world.names) for row in TABLE.rows if opens(row, subject)]
            reached |= found.walk(subject, ["/", *may])
        for subject in world.clients:
            for address in sorted(reached):
                found.ask(subject, address)
        assert tables() == before, "going from link to link changed rows"
        yield found


def opens(row, subject: str) -> bool:
    return row.method == "GET" and row.expected.get(subject) == "200"


def test_many_addresses_were_reached(seen: Seen) -> None:
    assert len({address for _, address in seen.answers}) > 100


def _may(subject: str, path: str, exact, of_route) -> set[str]:
    """What the table lets a subject be answered; holders of links and tokens are nobody beside what these open."""
    as_whom = (subject, "nobody") if subject.startswith(("c-", "t-")) else (subject,)
    for one in as_whom:
        if (one, path) in exact:
            return {exact[one, path]}
        if of_route[one, route_of(path)]:
            return of_route[one, route_of(path)]
    return set()


def test_nobody_is_answered_beyond_the_table(seen: Seen) -> None:
    """At an address of the table, what its line says; at another one of its route, what some line of the route says."""
    exact, of_route = {}, defaultdict(set)
    for row in TABLE.rows:
        if row.method == "GET":
            address = filled(row.address, seen.world.names)
            for subject, expected in row.expected.items():
                exact[subject, address] = expected
                of_route[subject, route_of(address)].add(expected)
    faults = []
    for (subject, address), (status, _) in sorted(seen.answers.items()):
        path = address.partition("?")[0]
        try:
            may = _may(subject, path, exact, of_route)
        except Resolver404:
            may = {"404"}
        if status not in may:
            faults.append(f"{subject} at {address}: {status}, not {' or '.join(sorted(may))}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("word", [word for word, _ in TABLE.words])
def test_a_word_is_met_by_those_who_may_read_it_and_by_nobody_else(seen: Seen, word: str) -> None:
    who = dict(TABLE.words)[word]
    met: dict[str, list[str]] = defaultdict(list)
    for (subject, address), (_, text) in sorted(seen.answers.items()):
        if word in text and not address.startswith(BEARERS):
            met[subject].append(address)
    leaks = {subject: met[subject] for subject, may in who.items() if may == "no" and met[subject]}
    assert leaks == {}
    assert [subject for subject, may in who.items() if may == "sees" and not met[subject]] == []

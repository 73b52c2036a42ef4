"""The page of cost and health: who reads it, hours noted and struck, faults beside what was typed."""

from __future__ import annotations

import re

import pytest
import time_machine
from django.test import Client

from program.models import Program
from reviews.models import Cost
from tests.people import NOW, World, settle

pytestmark = pytest.mark.django_db
PAGE = "/programs/typing/ledger/"


@pytest.fixture
def world() -> World:
    with time_machine.travel(NOW, tick=False):
        yield settle()


@pytest.fixture
def owner(client: Client, world: World) -> Client:
    client.force_login(world.tess)
    return client


def words(page: object) -> str:
    text = re.sub(r"<[^>]+>", " ", page.content.decode().partition("<main")[2]).replace("\u00a0", " ")
    return re.sub(r"\s+([.,:;])", r"\1", re.sub(r"\s+", " ", text)).replace("&#39;", "'")


def test_an_unknown_cost_is_said_and_hours_can_be_noted_and_struck(owner, world):
    assert "What it has cost is not known: neither its charter nor the ledger says how many hours." in words(
        owner.get(PAGE)
    )
    answer = owner.post(PAGE, {"kind": "hand work", "hours": "17", "day": "2026-03-13", "note": "counted by hand"})
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    told = words(owner.get(PAGE))
    assert "Noted. Cost so far: 17 h (hand work 17 h)." in told
    assert "Measuring takes 4.2 h of hand work a week: automate it before it wears out." in told
    assert "13 Mar 2026 hand work 17 h counted by hand tess@example.com strike" in told
    row = Cost.objects.get()
    assert owner.post(f"{PAGE}{row.pk}/strike").status_code == 302
    assert "13 Mar 2026 hand work 17 h counted by hand tess@example.com struck" in words(owner.get(PAGE))


def test_a_fault_stands_beside_what_was_typed(owner):
    answer = owner.post(PAGE, {"kind": "owners", "hours": "many", "day": "13.3.", "note": "kept"})
    assert answer.status_code == 400
    told = answer.content.decode()
    assert "A number from 0.1 to 10,000 was expected." in told
    assert "A day from 1990 to 2199 as 2026-01-31 was expected." in told
    assert all(f'value="{typed}"' in told for typed in ("many", "13.3.", "kept"))
    assert not Cost.objects.exists()


def test_an_ended_program_keeps_its_ledger_read_only(owner):
    Program.objects.update(state="canceled", ended_on="2026-03-01")
    assert "Note hours" not in words(owner.get(PAGE))
    answer = owner.post(PAGE, {"kind": "owners", "hours": "1", "day": "2026-02-13"})
    assert (answer.status_code, answer["Location"]) == (302, "/programs/typing/desk/")
    assert not Cost.objects.exists()


def test_queries(owner, django_assert_max_num_queries):
    owner.get(PAGE)
    with django_assert_max_num_queries(42):
        owner.get(PAGE)


@pytest.mark.parametrize("path", ["/programs/%00/ledger/", "/programs/%00/reviews/"])
def test_a_key_that_no_database_holds_is_not_here(owner, path):
    assert owner.get(path).status_code == 404


def test_an_entry_is_struck_at_its_own_program_only(owner):
    owner.post(PAGE, {"kind": "owners", "hours": "2", "day": "2026-03-13", "note": ""})
    assert owner.post(f"/programs/%00/ledger/{Cost.objects.get().pk}/strike").status_code == 404
    assert Cost.objects.get().struck_at is None

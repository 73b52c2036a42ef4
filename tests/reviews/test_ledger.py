"""What a program has cost: hours reckoned from charter, metrics and closed items, or noted instead; per unit gained."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from accounts.models import AuditRow
from program.feeds.registry import KINDS
from program.typed_in import TypedIn
from reviews import ledger
from reviews.models import Cost
from teams.closed import closed
from teams.ingest import Origin, ingest
from tests.people import HEADER, NOW, TYPING, settle

pytestmark = pytest.mark.django_db
TODAY = NOW.date()  # 16 Mar: ten weeks and four days after the start
ALONE = TYPING.replace(
    "  - {metric: findings, teams: [api], start: 2026-01-01, due: 2026-12-31, improve_by: 50%, tolerance: 0.05}\n", ""
)


def measured(rows: str) -> None:
    ingest((HEADER + rows).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)


def typed(**values: str) -> TypedIn:
    return TypedIn({"kind": "owners", "hours": "6", "day": "2026-03-13", "note": "the plan"} | values)


@pytest.fixture
def world():
    made = settle(ALONE)
    made.typed.playbook.effort_hours = 1.5
    made.typed.playbook.save()
    made.program.weekly_hours = 4
    made.program.save()
    measured(
        "typed-functions,api,a.py,2026-01-01,0,10\ntyped-functions,api,b.py,2026-01-01,5,10\n"
        "typed-functions,api,c.py,2026-01-01,10,10\ntyped-functions,web,f.py,2026-01-01,2,10\n"
        "typed-functions,api,a.py,2026-03-01,10,10\ntyped-functions,api,b.py,2026-03-01,6,10\n"
        "typed-functions,api,c.py,2026-03-01,10,10\ntyped-functions,api,new.py,2026-03-01,0,4\n"
        "typed-functions,web,f.py,2026-03-01,10,10\n"
    )
    return made


def test_items_closed_since_the_start_are_those_that_were_short_then_and_are_not_now(world):
    assert closed(world.program, TODAY) == {"typed-functions": 2}  # a.py and f.py
    assert closed(world.program, date(2026, 2, 1)) == {}  # measured once only


def test_an_item_that_moved_to_another_team_is_not_closed(world):
    measured("typed-functions,api,a.py,2026-03-10,10,10\ntyped-functions,web,b.py,2026-03-10,6,10\n")
    assert closed(world.program, TODAY) == {"typed-functions": 2}  # a.py and f.py; b.py has moved


def test_hours_are_reckoned_from_the_charter_and_the_closed_items(world):
    found = ledger.of_program(world.program, TODAY)
    assert [(part.kind, round(part.hours, 3), part.how, part.noted) for part in found.parts] == [
        ("owners", round(4 * 74 / 7, 3), "reckoned: 4 h a week for 11 weeks", False),
        ("teams", 3.0, "reckoned: 2 items closed since the start, by what one takes", False),
        ("hand work", 0.0, "no metric takes any", False),
    ]
    (gain,) = found.gains
    # 17 of 40 at the start; 36 of 44 now.
    assert gain.gained == pytest.approx(36 / 44 - 17 / 40)
    assert gain.said == "Functions with full annotations: from 42.5 % to 82 % (+39 points)."
    assert gain.per_unit == "1.2 h for one point gained"
    assert ledger.sentences(found) == [
        "Cost so far: 45.3 h (owners 42.3 h, teams 3 h, reckoned where nothing was noted).",
        "That is 1.2 h for one point gained.",
    ]


def test_hours_that_were_noted_count_instead_of_the_reckoned_ones_of_their_kind(world):
    made = ledger.note(world.program, typed(), by=world.tess, now=NOW, today=TODAY)
    ledger.note(world.program, typed(hours="2,5", day="2026-01-01"), by=world.pam, now=NOW, today=TODAY)
    found = ledger.of_program(world.program, TODAY)
    assert [(part.kind, part.hours, part.noted) for part in found.parts] == [
        ("owners", 8.5, True), ("teams", 3.0, False), ("hand work", 0.0, False),
    ]  # fmt: skip
    assert found.parts[0].how == "noted, 2 entries"
    assert ledger.of_program(world.program, date(2026, 3, 12)).parts[0].hours == 2.5  # the other one is of the 13th
    row = AuditRow.objects.get(kind="cost", key=f"typing/{made.pk}")
    assert (row.actor, row.after) == (
        world.tess, {"kind": "owners", "hours": 6.0, "day": "2026-03-13", "note": "the plan"},
    )  # fmt: skip


def test_a_struck_entry_stays_on_record_and_does_not_count(world):
    made = ledger.note(world.program, typed(), by=world.tess, now=NOW, today=TODAY)
    assert ledger.strike(made, by=world.pam, now=NOW) is True
    assert ledger.strike(made, by=world.pam, now=NOW) is False
    assert Cost.objects.get().struck_at == NOW
    assert ledger.of_program(world.program, TODAY).parts[0].how == "reckoned: 4 h a week for 11 weeks"


@pytest.mark.parametrize(
    ("values", "field"),
    [({"kind": "beer"}, "kind"), ({"hours": "0"}, "hours"), ({"hours": "NaN"}, "hours"), ({"hours": "1e9"}, "hours"),
     ({"day": "2025-12-31"}, "day"), ({"day": "2026-03-17"}, "day"), ({"day": "today"}, "day"),
     ({"note": "x" * 301}, "note"), ({"note": "a\0b"}, "note")],
)  # fmt: skip
def test_other_hours_are_refused_with_what_was_expected(world, values, field):
    form = typed(**values)
    assert ledger.note(world.program, form, by=world.tess, now=NOW, today=TODAY) is None
    assert list(form.faults) == [field]
    assert "expected" in form.faults[field]
    assert not Cost.objects.exists()


def test_nothing_known_is_said_to_be_unknown_not_free(world):
    world.program.weekly_hours = 0
    world.typed.playbook.effort_hours = None
    world.typed.playbook.save()
    found = ledger.of_program(world.program, TODAY)
    assert [part.how for part in found.parts] == [
        "the charter does not say how many a week", "no playbook says what an item takes",
        "no metric takes any",
    ]  # fmt: skip
    assert ledger.sentences(found) == [
        "What it has cost is not known: neither its charter nor the ledger says how many hours."
    ]


def test_after_its_end_nothing_is_added(world):
    world.program.ended_on = date(2026, 1, 29)
    assert ledger.of_program(world.program, TODAY + timedelta(days=300)).parts[0].hours == pytest.approx(4 * 28 / 7)


def test_several_metrics_share_one_cost_and_none_is_said_to_have_its_own():
    world = settle()
    measured("findings,api,x,2026-01-01,8,\nfindings,api,x,2026-03-10,6,\n")
    found = ledger.of_program(world.program, TODAY)
    assert [(gain.said, gain.per_unit) for gain in found.gains] == [
        ("Security findings: from 8 findings to 6 findings (−2 findings).", ""),
        ("Functions with full annotations: what it was at the start does not compare.", ""),
    ]


def test_constant_queries(world, django_assert_num_queries):
    with django_assert_num_queries(9):
        ledger.of_program(world.program, TODAY)

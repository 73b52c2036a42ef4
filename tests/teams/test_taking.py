"""Taking an item: one taker at a time, who may let it go, and what a measurement that finds it closed does."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from django.db import connections

from accounts.models import AuditRow
from program.feeds.registry import KINDS
from teams import taking
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Goal, Source, TakenItem
from teams.standings import judge_due
from tests.people import HEADER, NOW, ORG, TYPING, settle

ITEM = "api/views.py"
LATER = NOW + timedelta(days=2)


def measure(*rows: str, now=NOW) -> None:
    body = HEADER + "".join(f"{row}\n" for row in rows)
    ingest(body.encode(), Origin("file", "x.csv", KINDS["csv"]), now)


@pytest.fixture
def world(db):
    made = settle()
    measure(f"typed-functions,api,{ITEM},2026-03-01,19,60", "typed-functions,api,api/urls.py,2026-03-01,8,10")
    judge_due(NOW)
    return made


def take(world, by, item: str = ITEM, now=NOW) -> TakenItem:
    return taking.take(world.api, world.typed, "", item, by=by, now=now, via="test")


def test_an_item_is_taken_once_and_saying_so_again_changes_nothing(world):
    first = take(world, world.bob)
    assert take(world, world.bob, now=LATER).pk == first.pk
    with pytest.raises(taking.TakenByAnother) as other:
        take(world, world.alice)
    assert (other.value.row.by, other.value.row.at) == (world.bob, NOW)
    audit = AuditRow.objects.get(kind="taken item")
    assert (audit.actor, audit.key, audit.via) == (world.bob, "api/typed-functions", "test")
    assert audit.after == {"item": ITEM, "source": "", "by": "bob@example.com"}


def test_its_taker_and_who_speaks_for_the_team_let_it_go(world):
    row = take(world, world.bob)
    may = {name: taking.may_release(row, getattr(world, name)) for name in ("bob", "alice", "gina", "wanda", "tess")}
    assert may == {"bob": True, "alice": True, "gina": True, "wanda": False, "tess": False}
    world.bob.reads_only = True
    assert not taking.may_release(row, world.bob)
    assert taking.release(row, by=world.alice, now=LATER, via="test")
    assert not taking.release(row, by=world.bob, now=LATER, via="test")
    row.refresh_from_db()
    assert (row.released_at, row.done_on) == (LATER, None)
    assert AuditRow.objects.filter(kind="taken item").latest("pk").actor == world.alice
    assert take(world, world.alice).pk != row.pk


def test_a_measurement_without_the_item_closes_it_with_thanks(world):
    row, other = take(world, world.bob), take(world, world.alice, "api/urls.py")
    measure("typed-functions,api,api/urls.py,2026-03-17,8,10", now=LATER)
    row.refresh_from_db()
    other.refresh_from_db()
    assert (row.released_at, row.done_on) == (LATER, date(2026, 3, 17))
    assert other.released_at is None
    audit = AuditRow.objects.filter(kind="taken item").latest("pk")
    assert (audit.after, audit.via, audit.actor) == ({"done": "2026-03-17"}, "judgment", None)
    assert [(one.row.pk, one.row.done_on) for one in taking.of_team(world.api, LATER)] == [
        (other.pk, None), (row.pk, date(2026, 3, 17)),
    ]  # fmt: skip
    assert [one.row.pk for one in taking.of_team(world.api, LATER + timedelta(days=28))] == [other.pk]


def test_an_item_with_nothing_left_to_do_is_closed_and_one_with_less_is_not(world):
    row = take(world, world.bob)
    measure(f"typed-functions,api,{ITEM},2026-03-16,59,60")
    row.refresh_from_db()
    assert row.released_at is None
    measure(f"typed-functions,api,{ITEM},2026-03-16,60,60")
    row.refresh_from_db()
    assert row.done_on == date(2026, 3, 16)


def test_a_corrected_old_measurement_counts_as_done_when_it_came(world):
    row = take(world, world.bob)
    measure("typed-functions,api,api/urls.py,2026-03-01,8,10")
    row.refresh_from_db()
    assert row.done_on == date(2026, 3, 16)


def test_an_item_that_moved_to_another_team_is_let_go_without_thanks(world):
    row = take(world, world.bob)
    measure(f"typed-functions,web,{ITEM},2026-03-16,19,60", "typed-functions,api,api/urls.py,2026-03-16,8,10")
    row.refresh_from_db()
    assert (row.released_at, row.done_on) == (NOW, None)


def test_another_ruler_is_no_reason_for_thanks(world):
    row = take(world, world.bob)
    apply_text(TYPING.replace("share of functions", "share of public functions"), now=LATER, via="test")
    measure("typed-functions,api,api/urls.py,2026-03-18,8,10", now=LATER)
    row.refresh_from_db()
    assert row.released_at is None  # the goal is judged on its own version until it is re-baselined
    from teams.trust_panel import rebaseline

    rebaseline(world.typed, by=world.tess, reason="x", now=LATER)
    judge_due(LATER)
    row.refresh_from_db()
    assert (row.released_at, row.done_on) == (LATER, None)


def test_a_silent_or_retired_source_closes_nothing(world):
    row = take(world, world.bob)
    Source.objects.update(retired_on=date(2026, 3, 10))
    Goal.objects.update(judge_due_at=LATER)
    judge_due(LATER)
    row.refresh_from_db()
    assert row.released_at is None


def test_who_left_the_team_holds_nobody_up(world):
    row = take(world, world.bob)
    assert [one.left for one in taking.of_team(world.api, NOW)] == [False]
    apply_text(ORG.replace(", members: [bob]", ""), now=LATER, via="test")
    assert [one.left for one in taking.of_team(world.api, LATER)] == [True]
    mine = take(world, world.alice, now=LATER)
    row.refresh_from_db()
    assert (row.released_at, row.done_on, mine.by) == (LATER, None, world.alice)
    before, after = AuditRow.objects.filter(kind="taken item").order_by("pk").values_list("before", "after")[1:]
    assert before[1] == {"over to": "alice@example.com"}
    assert after[1]["by"] == "alice@example.com"


def test_leaders_above_are_not_gone(world):
    take(world, world.gina)
    assert [one.left for one in taking.of_team(world.api, NOW)] == [False]
    with pytest.raises(taking.TakenByAnother):
        take(world, world.bob)
    world.gina.is_active = False
    world.gina.save()
    assert [one.left for one in taking.of_team(world.api, NOW)] == [True]
    assert take(world, world.bob).by == world.bob


def test_what_a_person_is_on_counts_while_its_goal_does(world):
    row = take(world, world.bob)
    assert taking.of_person(world.bob) == [row]
    Goal.objects.filter(team=world.api).update(ended_on=date(2026, 3, 16))
    assert taking.of_person(world.bob) == []


def test_a_judgment_asks_once_and_a_team_page_once(world, django_assert_num_queries):
    take(world, world.bob)
    with django_assert_num_queries(1):
        taking.of_team(world.api, NOW)
    with django_assert_num_queries(1):
        taking.of_person(world.bob)
    TakenItem.objects.all().delete()
    from teams.standings import compute
    from teams.terms import in_force

    judged, histories = compute(in_force([world.goal(world.api, world.typed).pk], lambda _zone: date(2026, 3, 16)))
    with django_assert_num_queries(1):
        assert taking.finish(judged, histories, NOW) == 0


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_has_it_and_the_other_reads_who():
    world = settle()
    outcomes: list[str] = []
    gate = threading.Barrier(6)

    def press(person) -> None:
        gate.wait()
        try:
            outcomes.append(f"{taking.take(world.api, world.typed, '', ITEM, by=person, now=NOW).by}")
        except taking.TakenByAnother as other:
            outcomes.append(f"{person} reads {other.row.by}")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=[one]) for one in (world.bob, world.alice, world.gina) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = TakenItem.objects.get(released_at=None)
    others = {str(one) for one in (world.bob, world.alice, world.gina)} - {str(row.by)}
    assert sorted(outcomes) == sorted([str(row.by)] * 2 + [f"{one} reads {row.by}" for one in others] * 2)
    assert TakenItem.objects.count() == 1
    assert AuditRow.objects.filter(kind="taken item").count() == 1

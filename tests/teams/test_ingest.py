"""Ingest: whole batch or nothing, repeats change nothing, every fault is named, totals are exact in any order."""

from __future__ import annotations

import json
import random
from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from program.feeds.registry import KINDS
from teams.ingest import KeyReused, Origin, Refused, ingest
from teams.models import Goal, Payload, Run, Snapshot, Source, Standing
from tests.people import HEADER, NOW, settle

pytestmark = pytest.mark.django_db

BATCH = (
    HEADER
    + "typed-functions,api,api/views.py,2026-03-01,10,40\n"
    + "typed-functions,api,api/urls.py,2026-03-01,5,10\n"
    + "findings,api,api/views.py,2026-03-01,3,\n"
    + "typed-functions,web,web/forms.py,2026-03-01,1,2\n"
)


def csv(text: str, **origin: object) -> object:
    return ingest(text.encode(), Origin("file", "test.csv", KINDS["csv"], **origin), NOW)


def js(*observations: object, **origin: object) -> object:
    body = json.dumps({"observations": observations}).encode()
    return ingest(body, Origin("api", "test", KINDS["json"], **origin), NOW)


def counts(run: Run) -> tuple[int, ...]:
    return run.snapshots, run.new, run.changed, run.unchanged, run.gone, run.unplaced


def everything() -> list[tuple]:
    rows = Snapshot.objects.order_by("source__metric_version__metric__key", "source__team__key", "as_of")
    return list(rows.values_list("source__team__key", "as_of", "count", "numerator", "denominator", "maximum", "items"))


def test_a_batch_becomes_snapshots_with_a_run_on_record():
    settle()
    received = csv(BATCH)
    run = Run.objects.get()
    assert counts(run) == (3, 4, 0, 0, 0, 0)
    assert (run.came_from, run.received_at, run.observations) == ("test.csv", NOW, 4)
    assert len(run.digest) == 64
    assert run.payload.size == len(BATCH)
    assert everything() == [
        ("api", date(2026, 3, 1), 1, 3.0, 0.0, 3.0, {"api/views.py": 3}),
        ("api", date(2026, 3, 1), 2, 15.0, 50.0, 10.0, {"api/views.py": [10, 40], "api/urls.py": [5, 10]}),
        ("web", date(2026, 3, 1), 1, 1.0, 2.0, 1.0, {"web/forms.py": [1, 2]}),
    ]
    assert received.judged == 3
    assert Standing.objects.count() == 3


def test_the_same_batch_again_changes_nothing_and_a_shuffled_one_neither():
    settle()
    csv(BATCH)
    before = everything()
    judged = list(Standing.objects.order_by("pk").values())
    lines = BATCH.splitlines(keepends=True)
    for seed in range(3):
        body = lines[1:]
        random.Random(seed).shuffle(body)
        run = csv(lines[0] + "".join(body)).run
        assert counts(run) == (3, 0, 0, 4, 0, 0)
    assert everything() == before
    assert list(Standing.objects.order_by("pk").values()) == judged
    assert Goal.objects.exclude(judge_due_at=None).count() == 0


def test_another_snapshot_supersedes_the_old_one_and_what_it_leaves_out_is_gone():
    settle()
    csv(BATCH)
    run = csv(
        HEADER + "typed-functions,api,api/views.py,2026-03-01,11,40\ntyped-functions,api,new.py,2026-03-01,0,1\n"
    ).run
    assert counts(run) == (1, 1, 1, 0, 1, 0)
    assert Snapshot.objects.get(source__team__key="api", denominator__gt=0).items == {
        "api/views.py": [11, 40],
        "new.py": [0, 1],
    }


def test_sources_stand_side_by_side():
    settle()
    head = HEADER.strip() + ",source\n"
    csv(head + "findings,api,a.py,2026-03-01,3,,one\nfindings,api,a.py,2026-03-01,4,,two\n")
    assert Source.objects.filter(team__key="api").values_list("name", flat=True).count() == 2
    assert Standing.objects.get(goal__metric__key="findings").value == 7.0


def test_an_observation_without_a_team_is_stored_as_unowned():
    settle()
    run = csv(HEADER + "findings,,nobody.py,2026-03-01,3,\n").run
    assert counts(run) == (1, 1, 0, 0, 0, 1)
    assert Source.objects.get().team is None
    assert counts(csv(HEADER + "findings,,nobody.py,2026-03-01,3,\n").run) == (1, 0, 0, 1, 0, 1)


REFUSED = {
    "nan": ("findings,api,a,2026-03-01,NaN,", "numerator is a number such as 12 or 0.5, not 'NaN'"),
    "infinite": ("findings,api,a,2026-03-01,inf,", "numerator is a number"),
    "too large": ("findings,api,a,2026-03-01,1e999,", "numerator is a finite number"),
    "underscore": ("findings,api,a,2026-03-01,1_000,", "numerator is a number"),
    "full width": ("findings,api,a,2026-03-01,１２,", "numerator is a number"),
    "true": ("findings,api,a,2026-03-01,true,", "numerator is a number"),
    "empty": ("findings,api,a,2026-03-01,,", "numerator is a number"),
    "metric": ("nonsense,api,a,2026-03-01,1,", "metric 'nonsense' is not known here"),
    "team": ("findings,nobody,a,2026-03-01,1,", "team 'nobody' is not known"),
    "group": ("findings,engineering,a,2026-03-01,1,", "'engineering' is a group"),
    "future": ("findings,api,a,2026-03-19,1,", "as_of 2026-03-19 is in the future"),
    "long ago": ("findings,api,a,1969-12-31,1,", "as_of is 1970-01-01 or later"),
    "no such day": ("findings,api,a,2026-02-30,1,", "as_of is a date of the calendar"),
    "another form": ("findings,api,a,20260301,1,", "as_of is a date as YYYY-MM-DD"),
    "a time": ("findings,api,a,2026-03-01T00:00,1,", "as_of is a date as YYYY-MM-DD"),
    "no denominator": ("typed-functions,api,a,2026-03-01,1,", "typed-functions is a ratio: a denominator of 0 or more"),
    "negative": ("typed-functions,api,a,2026-03-01,1,-1", "typed-functions is a ratio: a denominator of 0 or more"),
    "denominator": ("findings,api,a,2026-03-01,1,1", "findings is a sum, no ratio: an empty denominator was expected"),
    "twice": ("findings,api,ok.py,2026-03-01,1,", "item 'ok.py' stands once in the snapshot"),
    "mixed": ("findings,api,,2026-03-01,1,", "a snapshot has named items or one figure without an item, not both"),
    "cells": ("findings,api,a,2026-03-01,1", "6 cells were expected, as in the header, not 5"),
    "control": ("findings,api,a\x07b,2026-03-01,1,", "item has no control characters"),
    "long": (f"findings,api,{'a' * 1001},2026-03-01,1,", "item has at most 1000 characters, not 1001"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_line_is_named_with_what_was_expected_and_nothing_is_stored(name):
    settle()
    line, expected = REFUSED[name]
    with pytest.raises(Refused) as refused:
        csv(HEADER + "findings,api,ok.py,2026-03-01,1,\n" + line + "\n")
    assert [fault.line for fault in refused.value.faults] == [3]
    assert expected in refused.value.faults[0].what
    assert (Run.objects.count(), Payload.objects.count(), Snapshot.objects.count()) == (0, 0, 0)


def test_a_hundred_faults_are_named_and_no_more():
    settle()
    with pytest.raises(Refused) as refused:
        csv(HEADER + "findings,api,a,2026-03-01,x,\n" * 150)
    assert [fault.line for fault in refused.value.faults] == list(range(2, 102))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "the first line is the header metric,team,item,as_of,numerator,denominator"),
        (b"metric,team\n", "item is missing"),
        (HEADER.encode().replace(b"item", b"thing") + b"\n", "'thing' is not known"),
        (HEADER.encode(), "at least one observation was expected"),
        (b"\xff\xfe", "the file is UTF-8; byte 0 is not"),
        (HEADER.encode() + b"findings,api,a\x00,2026-03-01,1,\n", "the file has no NUL characters"),
        (HEADER.encode() + b'findings,api,"a,2026-03-01,1,\n', "a line of CSV was expected"),
    ],
)
def test_a_file_that_is_no_such_csv_is_refused(data, expected):
    settle()
    with pytest.raises(Refused) as refused:
        ingest(data, Origin("file", "x.csv", KINDS["csv"]), NOW)
    assert expected in refused.value.faults[0].what


def test_a_byte_order_mark_semicolons_and_crlf_are_read():
    settle()
    text = "\ufeff" + BATCH.replace(",", ";").replace("\n", "\r\n")
    assert counts(csv(text).run) == (3, 4, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"{", "a JSON document was expected"),
        (b"[]", '{"observations": [\xe2\x80\xa6]} was expected'.encode("latin-1").decode()),
        (b'{"observations": [{"metric": "findings", "metric": "x"}]}', "'metric' stands twice"),
        (b'{"observations": [{"metric": "findings", "team": "api", "as_of": "2026-03-01", "numerator": NaN}]}', "NaN is not"),
        (b'{"observations": [{"metric": "findings", "team": "api", "as_of": "2026-03-01", "numerator": 1e999}]}', "finite"),
        (b'{"observations": [{"metric": "findings", "team": "api", "as_of": "2026-03-01", "numerator": true}]}', "not True"),
        (b'{"observations": [{"metric": "findings", "team": "api", "as_of": "2026-03-01", "numerator": "1"}]}', "not '1'"),
        (b'{"observations": [{"metric": "findings", "team": "api", "as_of": 20260301, "numerator": 1}]}', "YYYY-MM-DD"),
        (b'{"observations": [{"metric": "findings", "team": "api", "numerator": 1}]}', "as_of is missing"),
        (b'{"observations": [{"metric": "findings", "team": "api", "as_of": "2026-03-01", "numerator": 1, "x": 1}]}', "'x'"),
        (b'{"observations": [{"metric": "findings", "item": "\\ud800", "as_of": "2026-03-01", "numerator": 1}]}', "half char"),
        (b'{"observations": [{"metric": "findings", "item": "\\u0000", "as_of": "2026-03-01", "numerator": 1}]}', "control"),
        (b'{"observations": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested at most 32 deep"),
        (b'{"observations": [], "more": 1}', "'more' is not"),
        (b'{"observations": []}', "at least one observation"),
    ],
)  # fmt: skip
def test_a_json_body_that_is_not_as_expected_is_refused(body, expected):
    settle()
    with pytest.raises(Refused) as refused:
        ingest(body, Origin("api", "x", KINDS["json"]), NOW)
    assert expected.replace("\xe2\x80\xa6", "…") in refused.value.faults[0].what
    assert Run.objects.count() == 0


def test_json_and_csv_say_the_same():
    settle()
    csv(BATCH)
    again = js(
        {"metric": "typed-functions", "team": "api", "item": "api/urls.py", "as_of": "2026-03-01", "numerator": 5, "denominator": 10},
        {"metric": "typed-functions", "team": "api", "item": "api/views.py", "as_of": "2026-03-01", "numerator": 10.0, "denominator": 40},
    )  # fmt: skip
    assert counts(again.run) == (1, 0, 0, 2, 0, 0)


def test_numbers_that_could_add_up_to_infinity_are_refused():
    settle()
    with pytest.raises(Refused, match=r"numerator is a finite number, 0 or from 1e-60 to 1e\+60 in size"):
        csv(HEADER + "findings,api,a,2026-03-01,1.7e308,\nfindings,api,b,2026-03-01,1.7e308,\n")


def test_a_latest_takes_one_line():
    world = settle()
    world.findings.versions.update(aggregation="latest")
    with pytest.raises(Refused, match="findings is a latest: one line was expected"):
        csv(HEADER + "findings,api,a,2026-03-01,1,\nfindings,api,b,2026-03-01,1,\n")


def test_an_idempotency_key_answers_the_same_body_and_refuses_another():
    settle()
    first = csv(BATCH, idempotency_key="k1")
    again = csv(BATCH, idempotency_key="k1")
    assert (again.run, again.repeated, Run.objects.count()) == (first.run, True, 1)
    with pytest.raises(KeyReused):
        csv(BATCH + "findings,api,b.py,2026-03-01,3,\n", idempotency_key="k1")
    assert Run.objects.count() == 1


def test_ingest_never_records_a_baseline_and_judges_only_what_it_touched():
    world = settle()
    csv(BATCH)
    assert not world.goal(world.api, world.typed).terms.exclude(baseline=None).exists()
    judged = Standing.objects.get(goal=world.goal(world.web, world.typed)).judged_at
    ingest(
        (HEADER + "findings,api,a.py,2026-03-02,1,\n").encode(),
        Origin("file", "x", KINDS["csv"]),
        NOW.replace(hour=11),
    )
    assert Standing.objects.get(goal=world.goal(world.web, world.typed)).judged_at == judged
    assert Standing.objects.get(goal=world.goal(world.api, world.findings)).judged_at == NOW.replace(hour=11)


def test_the_database_itself_refuses_numbers_that_are_not_finite():
    settle()
    csv(BATCH)
    for field in ("numerator", "denominator", "maximum"):
        for number in ("NaN", "Infinity", "-Infinity"):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                value = f"'{number}'" if connection.vendor == "postgresql" else number.replace("Infinity", "9e999")
                if value == "NaN":  # SQLite turns NaN into NULL, which NOT NULL or the check refuses
                    value = "NULL" if field != "maximum" else "9e999"
                cursor.execute(f"UPDATE teams_snapshot SET {field} = {value}")


def test_bounds_of_a_source_follow_its_snapshots_in_any_order_of_arrival():
    settle()
    for as_of in ("2026-03-01", "2025-06-01", "2025-12-01", "2025-11-30", "2025-12-02"):
        csv(HEADER + f"findings,api,a.py,{as_of},1,\n")
    source = Source.objects.get()
    assert (source.newest, source.carry) == (date(2026, 3, 1), date(2025, 11, 30))

"""Retention: what is let go says what it costs, and no number changes with it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from program.feeds.registry import KINDS
from teams.ingest import Origin, ingest
from teams.models import LONG_AGO, Payload, Run, Snapshot
from teams.reorganizing import add_pattern
from teams.reproducing import reproduce
from teams.retention import plan, prune
from tests.people import HEADER, NOW, settle

pytestmark = pytest.mark.django_db


def measured():
    world = settle()
    for weeks in range(30, -1, -1):
        day = NOW.date() - timedelta(weeks=weeks)
        at = NOW - timedelta(weeks=weeks)
        ingest(f"{HEADER}findings,,src/a.py,{day},{weeks + 1},\n".encode(), Origin("file", "x", KINDS["csv"]), at)
    return world


def test_nothing_is_let_go_unless_it_is_asked_for():
    measured()
    assert plan(NOW).costs() == []
    assert (prune(NOW).payloads, prune(NOW).snapshots, Payload.objects.count()) == (0, 0, 31)


def test_old_payloads_go_and_their_numbers_stand(settings):
    world = measured()
    settings.PAYLOAD_DAYS = 70
    before = list(Snapshot.objects.order_by("pk").values())
    assert plan(NOW).payloads == 20
    assert plan(NOW).costs()[0].startswith("20 payloads (")
    assert prune(NOW).payloads == 20
    assert (Payload.objects.count(), Run.objects.filter(payload=None).count(), Run.objects.count()) == (11, 20, 31)
    assert all(len(run.digest) == 64 for run in Run.objects.all())
    assert list(Snapshot.objects.order_by("pk").values()) == before
    *_, report = reproduce(world.findings, date(2020, 1, 1), NOW.date(), NOW)
    assert (report.same, report.different, len(report.gone)) == (11, 0, 20)
    assert "its payload was let go" in report.gone[0]


def test_old_items_go_but_for_the_newest_two_and_totals_stand(settings):
    world = measured()
    settings.ITEM_DAYS = 90
    totals = list(Snapshot.objects.order_by("pk").values("count", "numerator", "denominator", "maximum"))
    assert plan(NOW).snapshots == prune(NOW).snapshots == 18
    assert prune(NOW).snapshots == 0
    assert list(Snapshot.objects.order_by("pk").values("count", "numerator", "denominator", "maximum")) == totals
    assert Snapshot.objects.filter(items={}).count() == 18
    effect = add_pattern("/src/", world.api, source="", since=LONG_AGO, now=NOW)
    assert effect.items == [("", "api", 13)]
    assert sum(s.numerator for s in Snapshot.objects.all()) == sum(row["numerator"] for row in totals)
    settings.ITEM_DAYS = 1
    prune(NOW)
    kept = Snapshot.objects.exclude(items={}).filter(source__team=world.api)
    assert sorted(kept.values_list("as_of", flat=True)) == [NOW.date() - timedelta(weeks=1), NOW.date()]

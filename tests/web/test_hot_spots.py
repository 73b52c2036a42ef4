"""The page of hot spots: a few items and no program, or a spread and a program; and why other metrics have none."""

from __future__ import annotations

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from program.feeds.registry import KINDS
from program.models import MetricVersion
from teams.ingest import Origin, ingest
from tests.people import HEADER, NOW, settle
from tests.web.test_pages import sign_in, words

pytestmark = pytest.mark.django_db
FINDINGS = "/metrics/findings/hot-spots"


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        yield settle()


def send(rows: str) -> None:
    ingest((HEADER + rows).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)


def test_a_few_items_need_no_program(client, world):
    send("".join(f"findings,api,f{n}.py,2026-03-01,{50 if n < 2 else 1},\n" for n in range(12)))
    send("findings,,lost.py,2026-03-01,6,\n")
    answer = sign_in(client, "tess").get(FINDINGS)
    said = words(answer)
    assert "2 items of 13 hold 86 % of all findings: fix these, no program needed." in said
    assert "That takes the total from 116 findings to 16 findings." in said
    assert "5 % of it is nobody&#39;s" in said
    assert "if the few items turn out not to be enough" in said
    text = answer.content.decode()
    assert '<a href="/teams/api/">Api</a>' in text
    assert "/unowned/?metric=findings" in text
    assert "/programs/new?name=Security+findings&amp;purpose=" in text


def test_a_spread_is_what_a_program_is_for(client, world):
    send("".join(f"findings,{'api' if n % 2 else 'web'},f{n}.py,2026-03-01,1,\n" for n in range(60)))
    said = words(sign_in(client, "tess").get(FINDINGS))
    assert "It is spread out: the largest 20 items of 60 hold 33 % of all findings." in said
    assert "many teams would have to move, which is what a program is for" in said
    assert "1 team of 2 holds half of what teams have of it." in said


def test_a_ratio_says_what_is_missing(client, world):
    send("typed-functions,api,a.py,2026-03-01,10,90\ntyped-functions,web,b.py,2026-03-01,10,10\n")
    said = words(sign_in(client, "alice").get("/metrics/typed-functions/hot-spots"))
    assert "1 item of 2 holds 100 % of what is missing: fix it, no program needed." in said
    assert "That takes the total from 20 % to 100 %." in said


def test_nothing_short_and_nothing_measured(client, world):
    reader = sign_in(client, "alice")
    assert "Nothing was measured yet." in words(reader.get(FINDINGS))
    send("findings,api,a.py,2026-03-01,0,\nfindings,api,b.py,2026-03-01,0,\n")
    assert "Nothing is short: each of 2 items is as it should be." in words(reader.get(FINDINGS))


def test_a_kind_without_hot_spots_says_why(client, world):
    MetricVersion.objects.filter(metric=world.findings).update(aggregation="max")
    said = words(sign_in(client, "alice").get(FINDINGS))
    assert "Security findings has no hot spots: it is the largest of its items" in said


def test_it_is_linked_from_the_metric_and_the_desk(client, world):
    owner = sign_in(client, "tess")
    for address in ("/metrics/findings/", "/programs/typing/desk/"):
        assert f'href="{FINDINGS}"' in owner.get(address).content.decode()


def test_a_viewer_starts_no_program(client, world):
    send("findings,api,a.py,2026-03-01,3,\n")
    world.charlie.reads_only = True
    world.charlie.save()
    assert "Start a program from here" not in words(sign_in(client, "charlie").get(FINDINGS))


def test_what_was_seen_is_carried_into_a_draft(client, world):
    text = sign_in(client, "tess").get("/programs/new?name=Security+findings&purpose=12+items").content.decode()
    assert 'value="Security findings"' in text
    assert ">12 items</textarea>" in text


def test_the_queries_do_not_grow(client, world):
    reader = sign_in(client, "tess")

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert reader.get(FINDINGS).status_code == 200
        return len(queries)

    send("findings,api,a.py,2026-03-01,3,\n")
    asked()
    before = asked()
    send("".join(f"findings,{team},f{n}.py,2026-03-02,1,\n" for team in ("api", "web") for n in range(40)))
    assert asked() == before
    assert before == 7

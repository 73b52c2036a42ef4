"""The page that says whether a program works: its verdict and numbers, what is missing, its tables, what it costs."""

from __future__ import annotations

import re
from datetime import date

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from program.feeds.registry import KINDS
from program.models import Program
from reviews import effects
from reviews.models import Effect
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.standings import judge_due
from tests.people import HEADER, NOW, TYPING, settle

pytestmark = pytest.mark.django_db
ADDRESS = "/programs/typing/effect/"
TEAMS = ("t1", "t2", "t3", "t4", "t5")
ORG = "".join(f"---\nkind: Group\nmetadata: {{name: {team}}}\n" for team in TEAMS)


def words(page) -> str:
    text = re.sub(r"<[^>]+>", " ", page.content.decode().partition("<main")[2])
    return re.sub(r"\s+([.,:])", r"\1", re.sub(r"\s+", " ", text)).replace("\u00a0", " ")


MONTHS = [date(2025, month, 1) for month in range(5, 13)] + [date(2026, month, 1) for month in (1, 2, 3)]


def measured(after: int) -> str:
    """Findings of five teams on the first of each month: about 20 until the program begins in January, then fewer."""
    lines = [
        f"findings,{team},a.py,{day},{(20 if day < date(2026, 1, 1) else after) + (number + place) % 3},\n"
        for number, team in enumerate(TEAMS)
        for place, day in enumerate(MONTHS)
    ]
    return HEADER + "".join(lines)


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        apply_text(ORG, now=NOW, via="test")
        yield settle(TYPING.replace("teams: [api]", "teams: all"))


@pytest.fixture
def judged(world):
    ingest(measured(8).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    judge_due(NOW)
    effects.keep_due(NOW)
    return world


def test_an_empty_page_says_what_is_missing(client, world):
    client.force_login(world.charlie)
    said = words(client.get(ADDRESS))
    assert "Whether it works is not judged yet: the first look comes with the next day’s work." in said
    assert "It needs goals, and measurements of at least four teams, six of them from before the program began" in said
    effects.keep_due(NOW)
    assert "Too early: nothing was measured since the program began with it." in words(client.get(ADDRESS))
    assert "It began on 1 Jan." in words(client.get(ADDRESS))


def test_it_says_the_verdict_the_number_and_what_is_behind_it(client, judged):
    client.force_login(judged.charlie)
    said = words(client.get(ADDRESS))
    # By hand, 77 went and 17 came in 181 days. Before, in October to December: 20 and 0, 1 or 2 more by team; now 8 and as many more, (0 + 1 + 2 + 0 + 1) / 5.
    sentence = (
        "It works: Security findings is 11.8 findings a team better than it would have been (between 10.8 and 12.8 "
        "findings), as of 1 Mar."
    )
    assert f"{sentence} That is 1 of 2 metrics." in said
    assert "Before it began 21 findings On 1 Mar 9.2 findings Without the program 21 findings" in said
    assert "Security findings: the program’s teams, on average." in said
    assert "5 teams are held against their own past, read twice" in said
    assert "Functions with full annotations Too early: nothing was measured since the program began with it." in said
    assert (
        "3 findings closed and 0.7 new a week: at this pace the last team is done on 11 May (16 Mar at the earliest"
        in said
    )
    assert "16 Mar 2026 Security findings Working 11.8 findings a team better" in said
    page = words(client.get("/programs/typing/"))
    assert f"{sentence} That is 1 of 2 metrics. How that was found" in page
    assert "New against closed Security findings: 3 findings closed and 0.7 new a week" in page
    assert "1 Dec 2025 to 1 Jan: 14 closed, 0 new a week" in page


def test_a_page_of_a_past_day_says_what_was_known_then(client, judged):
    client.force_login(judged.charlie)
    assert "Whether it works is not judged yet." in words(client.get("/programs/typing/?on=2026-03-13"))
    Effect.objects.filter(metric_version__metric=judged.findings).update(day=date(2026, 3, 14))
    assert "It works: Security findings" in words(client.get("/programs/typing/?on=2026-03-15"))


def test_a_turn_of_the_verdict_is_a_line_and_what_stays_is_not(client, judged):
    client.force_login(judged.charlie)
    (row,) = Effect.objects.filter(metric_version__metric=judged.findings)
    for day, verdict in (
        (date(2026, 3, 10), "not shown"),
        (date(2026, 3, 12), "not shown"),
        (date(2026, 3, 14), "working"),
    ):
        row.pk, row.day, row.verdict = None, day, verdict
        row.save()
    said = words(client.get(ADDRESS)).partition("How the verdict turned")[2]
    assert re.findall(r"(\d+ Mar) 2026 Security findings (\w+ ?\w*) 11", said) == [
        ("14 Mar", "Working"), ("10 Mar", "Not shown"),
    ]  # fmt: skip
    table = client.get("/programs/typing/effect/verdicts.csv").content.decode().splitlines()
    assert [line.split(",")[3:5] for line in table if line.startswith("findings")] == [
        ["2026-03-16", "working"], ["2026-03-14", "working"], ["2026-03-12", "not shown"], ["2026-03-10", "not shown"],
    ]  # fmt: skip


def test_the_series_are_a_table_and_a_chart(client, judged):
    client.force_login(judged.charlie)
    lines = client.get("/programs/typing/effect/findings/1.csv").content.decode().splitlines()
    assert lines[0] == "team,program began,as_of,value,weight,counts"
    assert len(lines) == 1 + len(TEAMS) * len(MONTHS)
    assert lines[1] == "t1,2026-01-01,2025-05-01,20.0,1.0,with the program"
    figure = client.get("/programs/typing/effect/findings/1.json").json()
    assert [trace["name"] for trace in figure["data"]] == ["with the program", "would have been"]
    assert figure["data"][0]["y"][-1] == pytest.approx(9.2 - 0.0)
    assert [round(value, 1) for value in figure["data"][1]["y"]] == [21.0, 21.0]
    assert figure["layout"]["shapes"][0]["x0"] == "2026-01-01"
    for address in ("findings/2.json", "nothing/1.json", "findings/1%00.json", f"findings/{2**40}.csv"):
        assert client.get(f"/programs/typing/effect/{address}").status_code == 404


def test_a_guardrail_that_is_no_metric_is_said(client, judged):
    Program.objects.filter(key="typing").update(guardrails=["flaky"])
    client.force_login(judged.charlie)
    assert "The guardrail flaky is no metric: nobody can see whether it gets worse." in words(client.get(ADDRESS))


def test_queries_are_constant(client, judged):
    client.force_login(judged.charlie)
    client.get(ADDRESS)
    with CaptureQueriesContext(connection) as few:
        client.get(ADDRESS)
    (row,) = Effect.objects.filter(metric_version__metric=judged.findings)
    for back in range(1, 60):
        row.pk, row.day, row.verdict = (
            None,
            date(2026, 3, 16).replace(month=1 + back % 2, day=1 + back // 2 % 28),
            "harmful",
        )
        Effect.objects.filter(day=row.day, metric_version=row.metric_version).delete()
        row.save()
    with CaptureQueriesContext(connection) as many:
        client.get(ADDRESS)
    assert len(many) == len(few) <= 9

"""The five real reports arrive by the API, split to teams by CODEOWNERS, and add up to what the reports say."""

from __future__ import annotations

import pytest
from django.db.models import Sum
from django.test import Client

from program.models import Metric
from teams.models import Payload, Run, Snapshot, Source, Team
from teams.reorganizing import set_file
from teams.reproducing import reproduce
from tests.feeds.datasette import CODEOWNERS, DAY, REPORTS, bearer, connect, report
from tests.people import NOW

pytestmark = pytest.mark.django_db
FILES = ("cobertura.xml", "coverage.lcov", "junit.xml", "ruff.sarif.gz", "ossf-scorecard.json")


@pytest.fixture(autouse=True)
def _clock(time_machine) -> None:
    time_machine.move_to(NOW, tick=False)


def push(client: Client, name: str, headers: dict[str, str], **query: str):
    query = {"as_of": DAY.isoformat()} | query
    address = "/api/v1/feeds/ci/runs?" + "&".join(f"{k}={v}" for k, v in query.items())
    body = (REPORTS / name).read_bytes()
    return client.post(address, body, content_type="application/octet-stream", headers=headers)


def total(metric: str) -> tuple[int, float, float]:
    """(items, Σ numerator, Σ denominator) of a metric's snapshots, everybody's and nobody's."""
    rows = Snapshot.objects.filter(source__metric_version__metric__key=metric)
    found = rows.aggregate(Sum("count"), Sum("numerator"), Sum("denominator"))
    return found["count__sum"], found["numerator__sum"], found["denominator__sum"]


def of_team(metric: str) -> dict[str, tuple[int, float]]:
    rows = Snapshot.objects.filter(source__metric_version__metric__key=metric).order_by()
    return {key or "": (n, num) for key, n, num in rows.values_list("source__team__key", "count", "numerator")}


def test_all_five_arrive_and_add_up_to_what_they_say(client):
    connect()
    headers = bearer()
    for name in FILES:
        answer = push(client, name, headers)
        assert answer.status_code == 201, answer.content
        assert answer.json()["faults"] == []
    assert total("coverage") == (73, 10437.0, 12305.0)
    assert total("test-cases") == (69, 2275.0, 0.0)
    assert total("failed") == (1, 1.0, 0.0)
    assert total("errored") == (1, 1.0, 0.0)
    assert total("skipped") == (42, 42.0, 0.0)
    assert total("lint") == (120, 4657.0, 0.0)
    assert Run.objects.filter(format="ossf").get().notes == ["Check-Name3 was inconclusive and is left out"]


def test_every_team_has_its_part_and_what_nobody_owns_is_nobodys(client):
    connect()
    headers = bearer()
    push(client, "cobertura.xml", headers)
    push(client, "ruff.sarif.gz", headers)
    coverage, lint = of_team("coverage"), of_team("lint")
    assert {team: n for team, (n, _) in coverage.items()} == {
        "core": 49, "views": 12, "publish": 3, "security": 8, "quality": 0, "": 1,
    }  # fmt: skip
    assert lint["quality"][1] == 4366
    assert lint["views"][1] == 100
    assert lint["publish"][1] == 26
    assert lint[""][1] == 4
    unowned = Snapshot.objects.get(source__team=None, source__metric_version__metric__key="coverage")
    assert list(unowned.items) == ["datasette/version.py"]


def test_the_xml_and_the_lcov_of_one_run_agree_item_by_item(client):
    connect()
    headers = bearer()
    first = push(client, "cobertura.xml", headers).json()
    held = list(Snapshot.objects.order_by("pk").values("source", "items"))
    second = push(client, "coverage.lcov", headers).json()
    assert (first["format"], second["format"]) == ("cobertura", "lcov")
    assert (second["new"], second["changed"], second["gone"], second["unchanged"]) == (0, 0, 0, 73)
    assert list(Snapshot.objects.order_by("pk").values("source", "items")) == held


@pytest.mark.parametrize("name", FILES)
def test_a_second_push_changes_nothing(client, name: str):
    connect()
    headers = bearer()
    first = push(client, name, headers).json()
    before = list(Snapshot.objects.order_by("pk").values())
    again = push(client, name, headers).json()
    assert (again["new"], again["changed"], again["gone"]) == (0, 0, 0)
    assert again["unchanged"] == first["new"]
    assert list(Snapshot.objects.order_by("pk").values()) == before
    assert Payload.objects.count() == 1


def test_the_last_finding_gone_is_a_zero_and_a_team_in_scope_without_one_has_a_zero(client):
    connect()
    headers = bearer()
    push(client, "ruff.sarif.gz", headers)
    assert of_team("asserts")["core"][1] > 0
    clean = b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "ruff"}}, "results": []}]}'
    answer = client.post(
        "/api/v1/feeds/ci/runs?as_of=2026-03-16", clean, content_type="application/json", headers=headers
    )
    assert answer.status_code == 201, answer.content
    newest = Snapshot.objects.filter(as_of="2026-03-16", source__metric_version__metric__key="lint")
    assert {key or "": numerator for key, numerator in newest.values_list("source__team__key", "numerator")} == {
        "core": 0.0, "views": 0.0, "publish": 0.0, "security": 0.0, "quality": 0.0, "": 0.0,
    }  # fmt: skip
    assert Team.objects.get(key="core").goals.get(metric__key="lint").standings.get(day="2026-03-16").status == "met"


def test_ownership_that_comes_later_places_what_is_held(client):
    connect(owned=False)
    headers = bearer()
    push(client, "cobertura.xml", headers)
    assert of_team("coverage") == {"": (73, 10437.0)}
    effect = set_file("simonw/datasette", CODEOWNERS, since=DAY, now=NOW)
    assert {new: n for _, new, n in effect.items} == {"core": 49, "views": 12, "publish": 3, "security": 8}
    assert total("coverage") == (73, 10437.0, 12305.0)
    after = of_team("coverage")
    connect_first = {team: part for team, part in after.items() if part[0]}
    Snapshot.objects.all().delete()
    Source.objects.all().delete()
    push(client, "cobertura.xml", headers)
    assert {team: part for team, part in of_team("coverage").items() if part[0]} == connect_first


def test_what_is_stored_is_found_again_in_the_kept_payloads(client):
    connect()
    headers = bearer()
    for name in FILES:
        push(client, name, headers)
    for metric in Metric.objects.all():
        *_, report_ = reproduce(metric, DAY, DAY, NOW)
        assert report_.holds, report_
    *_, coverage = reproduce(Metric.objects.get(key="coverage"), DAY, DAY, NOW)
    assert (coverage.runs, coverage.same) == (1, 73)
    snapshot = Snapshot.objects.filter(source__metric_version__metric__key="coverage", count__gt=0).first()
    item = next(iter(snapshot.items))
    snapshot.items = snapshot.items | {item: [0, 1]}
    snapshot.save()
    *_, touched = reproduce(Metric.objects.get(key="coverage"), DAY, DAY, NOW)
    assert (touched.different, touched.differences[0].item, touched.differences[0].stored) == (1, item, [0, 1])


def test_a_trial_tells_what_would_be_stored_and_keeps_nothing(client):
    connect()
    headers = bearer()
    answer = push(client, "cobertura.xml", headers, dry_run="1")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["observations"], body["new"], body["unplaced"]) == (73, 73, 1)
    core = next(line for line in body["teams"] if line["team"] == "core")
    assert (core["items"], core["before"]) == (49, None)
    assert core["after"] == core["numerator"] / core["denominator"]
    assert (Snapshot.objects.count(), Run.objects.count(), Payload.objects.count()) == (0, 0, 0)


def test_a_long_report_is_kept_and_a_worker_takes_it(client, monkeypatch):
    from teams.receiving import take_next

    monkeypatch.setattr("web.api.runs.AT_ONCE", 1000)
    connect()
    headers = bearer()
    answer = push(client, "cobertura.xml", headers)
    assert (answer.status_code, answer.json()["state"]) == (202, "received")
    assert (Snapshot.objects.count(), Payload.objects.get().size) == (0, len(report("cobertura.xml")))
    assert take_next(NOW).pk == answer.json()["run"]
    assert take_next(NOW) is None
    polled = client.get(answer["Location"], headers=headers).json()
    assert (polled["state"], polled["observations"]) == ("stored", 73)
    assert total("coverage") == (73, 10437.0, 12305.0)


def test_a_refused_report_replaces_nothing_and_its_feed_is_failing_until_a_good_one(client):
    feed = connect()
    headers = bearer()
    push(client, "cobertura.xml", headers)
    held = list(Snapshot.objects.order_by("pk").values())
    goal = Team.objects.get(key="core").goals.get(metric__key="coverage")
    assert goal.standings.get().held is False
    bad = client.post("/api/v1/feeds/ci/runs", b"<coverage><class", content_type="application/xml", headers=headers)
    assert bad.status_code == 400
    assert bad.json()["errors"][0]["expected"].startswith("an XML document was expected")
    assert list(Snapshot.objects.order_by("pk").values()) == held
    feed.refresh_from_db()
    assert (feed.failures, feed.failing_since) == (1, NOW)
    from teams.standings import judge_due

    judge_due(NOW)
    standing = goal.standings.get()
    assert (standing.held, standing.reason) == (True, "the feed ci is failing since 16 Mar 2026")
    push(client, "cobertura.xml", headers)
    judge_due(NOW)
    assert goal.standings.get().held is False
    feed.refresh_from_db()
    assert (feed.failures, feed.failing_since) == (0, None)

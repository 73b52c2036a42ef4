"""The API: tokens and their scopes, the contracts of observations and scorecards, problems in words."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import AccessToken
from accounts.tokens import issue, revoke
from teams.models import Run, Snapshot
from teams.standings import judge_due
from tests.people import HEADER, NOW, PASSWORD, World, settle

pytestmark = pytest.mark.django_db
ROWS = HEADER + "typed-functions,api,a.py,2026-03-01,2,10\ntyped-functions,api,b.py,2026-03-01,1,10\n"


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        yield settle()


def bearer(*scopes: str, **more: object) -> dict[str, str]:
    _, secret = issue("ci", scopes, **more)
    return {"Authorization": f"Bearer {secret}"}


def push(client: Client, body: str | bytes, headers: dict[str, str], media_type: str = "text/csv") -> object:
    return client.post("/api/v1/observations", body, content_type=media_type, headers=headers)


def test_a_batch_is_stored_and_answered(client, world: World):
    answer = push(client, ROWS, bearer("observations:program:typing"))
    assert answer.status_code == 201
    body = answer.json()
    run = Run.objects.get()
    assert body == {
        "run": run.pk, "digest": run.digest, "received_at": "2026-03-16T09:30:00+00:00", "observations": 2,
        "snapshots": 1, "new": 2, "changed": 0, "unchanged": 0, "gone": 0, "unplaced": 0, "judged": 1, "due": 0,
    }  # fmt: skip
    assert run.token.label == "ci"
    assert AccessToken.objects.get().last_used_at == NOW


def test_json_says_the_same(client, world: World):
    rows = [
        {
            "metric": "typed-functions",
            "team": "api",
            "item": "a.py",
            "as_of": "2026-03-01",
            "numerator": 2,
            "denominator": 10,
        }
    ]
    answer = push(client, json.dumps({"observations": rows}), bearer("observations:program:typing"), "application/json")
    assert (answer.status_code, answer.json()["new"]) == (201, 1)


def test_a_refusal_names_each_line_and_stores_nothing(client, world: World):
    body = ROWS + "typed-functions,api,c.py,2026-03-01,x,10\nnonsense,api,c.py,2026-03-01,1,\n"
    answer = push(client, body, bearer("observations:program:typing"))
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["title"], problem["detail"], problem["status"]) == ("Nothing was stored", "2 faults", 400)
    assert [error["line"] for error in problem["errors"]] == [4, 5]
    assert problem["errors"][0]["expected"] == "numerator is a number such as 12 or 0.5, not 'x'"
    assert Snapshot.objects.count() == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 401), ({"Authorization": "Bearer tqp_nonsense"}, 401), ({"Authorization": "Basic YTpi"}, 401)],
)
def test_without_a_token_nothing_is_taken(client, world: World, headers, status):
    answer = push(client, ROWS, headers)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (status, "Bearer")
    assert Run.objects.count() == 0


def test_a_token_feeds_what_its_scope_says_and_nothing_else(client, world: World):
    assert push(client, ROWS, bearer("scorecards:read")).status_code == 403
    other = push(client, ROWS, bearer("observations:program:another"))
    assert other.status_code == 400
    assert "check the token's scope" in other.json()["errors"][0]["expected"]
    feed = world.program.feeds.create(key="ci", name="CI")
    feed.metrics.add(world.findings)
    assert push(client, ROWS, bearer("observations:feed:ci")).status_code == 400
    refused = Run.objects.get()
    assert (refused.feed, refused.state, refused.observations) == (feed, "refused", 0)
    assert "metric 'typed-functions' is not known here" in refused.faults[0][1]
    ours = push(client, HEADER + "findings,api,a,2026-03-01,1,\n", bearer("observations:feed:ci"))
    assert ours.status_code == 201
    assert Run.objects.latest("pk").feed == feed


def test_expired_and_revoked_tokens_stop_at_once(client, world: World):
    gone = bearer("observations:program:typing", expires_at=NOW - timedelta(seconds=1))
    assert push(client, ROWS, gone).status_code == 401
    headers = bearer("observations:program:typing")
    assert push(client, ROWS, headers).status_code == 201
    revoke("ci", NOW)
    assert push(client, ROWS, headers).status_code == 401


def test_a_session_feeds_nothing(client, world: World):
    client.force_login(world.tess)
    assert push(client, ROWS, {}).status_code == 401


def test_other_media_types_and_bodies_too_long_are_told_what_was_expected(client, world: World, monkeypatch):
    headers = bearer("observations:program:typing")
    answer = push(client, ROWS, headers, "text/plain")
    assert (answer.status_code, answer.json()["detail"]) == (415, "text/csv or application/json was expected")
    monkeypatch.setattr("web.api.observations.LARGEST", 10)
    assert push(client, ROWS, headers).status_code == 413


def test_an_idempotency_key(client, world: World):
    headers = bearer("observations:program:typing") | {"Idempotency-Key": "abc"}
    first, again = push(client, ROWS, headers), push(client, ROWS, headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert {k: v for k, v in first.json().items() if k != "judged"} == {
        k: v for k, v in again.json().items() if k != "judged"
    }
    assert push(client, ROWS + "findings,api,a,2026-03-01,1,\n", headers).status_code == 422
    assert Run.objects.count() == 1


def test_the_scorecard_contract(client, world: World):
    push(client, ROWS, bearer("observations:program:typing"))
    judge_due(NOW)
    headers = bearer("scorecards:read")
    answer = client.get("/api/v1/teams/api/scorecard", headers=headers)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["team"], body["on"]) == ("api", "2026-03-16")
    typed = body["goals"][0]
    assert typed == {
        "program": "typing", "metric": "typed-functions", "status": "behind", "held": False, "slipped": False,
        "value": 0.15, "as_of": "2026-03-01", "baseline": 0.15, "target": 0.9,
        "expected": pytest.approx(0.15 + 0.75 * 74 / 364), "gap": pytest.approx(0.75 * 74 / 364),
        "start": "2026-01-01", "due": "2026-12-31", "forecast": None,
        "trail": [{"item": "b.py", "contribution": 9, "closes": 1.0, "trend": None}],
    }  # fmt: skip
    assert [goal["status"] for goal in body["goals"]] == ["behind", "no data"]
    past = client.get("/api/v1/teams/api/scorecard?on=2026-02-01", headers=headers).json()
    assert [goal["status"] for goal in past["goals"]] == ["no data", "no data"]
    said = client.get("/api/v1/teams/api/scorecard?on=2026-03-16&as_judged=1", headers=headers).json()
    assert said == body


def test_today_s_scorecard_costs_three_queries(client, world: World, django_assert_max_num_queries):
    judge_due(NOW)
    headers = bearer("scorecards:read")
    client.get("/api/v1/teams/api/scorecard", headers=headers)
    with django_assert_max_num_queries(3):
        client.get("/api/v1/teams/api/scorecard", headers=headers)


def test_who_may_read_scorecards(client, world: World):
    address = "/api/v1/teams/api/scorecard"
    assert client.get(address).status_code == 401
    assert client.get(address, headers=bearer("observations:program:typing")).status_code == 403
    assert client.login(username="charlie@example.com", password=PASSWORD)
    assert client.get(address).status_code == 200
    assert client.get("/api/v1/teams/engineering/scorecard").status_code == 404
    assert client.get("/api/v1/teams/nobody/scorecard").status_code == 404
    wrong = client.get(address + "?on=yesterday")
    assert (wrong.status_code, wrong.json()["detail"]) == (400, "on is a date as 2026-01-31, not 'yesterday'")


def test_the_schema_names_what_there_is(client, world: World):
    client.force_login(world.tess)
    answer = client.get("/api/v1/schema?format=json")
    assert answer.status_code == 200
    assert set(answer.json()["paths"]) == {
        "/api/v1/observations",
        "/api/v1/feeds/{key}/runs",
        "/api/v1/feeds/{key}/runs/{id}",
        "/api/v1/teams/{key}/scorecard",
        "/api/v1/teams/{key}/next",
    }

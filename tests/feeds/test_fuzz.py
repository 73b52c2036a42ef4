"""The API under schemathesis: requests made from its own schema, and every answer held against it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from accounts.tokens import issue
from config.wsgi import application
from program.feeds.registry import KINDS
from program.models import Feed
from teams.ingest import Origin, ingest
from teams.models import Run
from tests.feeds.corpus import observation, observations
from tests.people import HEADER, NOW, settle

pytestmark = pytest.mark.django_db

load_all_checks()
EXAMPLES = 150 if connection.vendor == "postgresql" else 8
"""An operation: most faults of this sort are PostgreSQL's (NUL, large numbers), so it is asked the more."""
HELD = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    )
]  # fmt: skip
OPERATIONS = {
    "POST /api/v1/observations", "POST /api/v1/feeds/{key}/runs", "GET /api/v1/feeds/{key}/runs/{id}",
    "GET /api/v1/teams/{key}/scorecard", "GET /api/v1/teams/{key}/next",
}  # fmt: skip
NAMES = {"feeds": ["ci", "none", "%00"], "teams": ["api", "web", "engineering", "none"]}


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """A WSGI application lets its connection go after each request; here it is the test's."""
    signals = [signal for signal in (request_started, request_finished) if signal.disconnect(close_old_connections)]
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def token(time_machine) -> str:
    time_machine.move_to(NOW, tick=False)
    world = settle()
    feed = Feed.objects.create(key="ci", name="CI", program=world.program, measures={"findings": "findings"})
    feed.metrics.set([world.findings, world.typed])
    rows = f"{HEADER}findings,api,a.py,2026-03-01,3,\n"
    ingest(rows.encode(), Origin("file", "x.csv", KINDS["csv"], feed=feed), NOW)
    return issue("fuzz", ["observations:program:typing", "scorecards:read"])[1]


@pytest.mark.timeout(300)
def test_every_answer_is_one_that_the_schema_names(token):
    # Hypothesis rolls nothing back between its examples: what one of them stores, the next may meet.
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema?format=json", application, headers=_signed(token))
    asked, codes = set(), set()
    for result in schema.get_all_operations():
        operation = result.ok()
        asked.add(f"{operation.method.upper()} {operation.path}")

        @seed(20260316)
        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy() | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
        def ask(case):
            known = next((names for room, names in NAMES.items() if f"/{room}/" in case.operation.path), [])
            if known and isinstance(case.path_parameters.get("key"), str) and len(case.path_parameters["key"]) % 2:
                case.path_parameters["key"] = known[len(case.path_parameters["key"]) % len(known)]
            if "id" in (case.path_parameters or {}) and Run.objects.exists():
                case.path_parameters["id"] = Run.objects.latest("pk").pk
            answer = case.call(headers={"Authorization": f"Bearer {token}"})
            codes.add(answer.status_code)
            case.validate_response(answer, checks=HELD)

        ask()
    assert asked == OPERATIONS
    assert {200, 400, 404} <= codes, codes


def _signed(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


ROW = st.fixed_dictionaries(
    {},
    optional={
        "metric": st.sampled_from(["findings", "typed-functions", "nothing"]) | st.text(),
        "team": st.sampled_from(["api", "web", "engineering", ""]) | st.text() | st.none(),
        "item": st.text(alphabet=st.characters()),
        "as_of": st.sampled_from(["2026-03-01", "2030-01-01"]) | st.dates().map(str) | st.text(),
        "numerator": st.floats() | st.integers() | st.none() | st.booleans() | st.text(),
        "denominator": st.floats() | st.integers() | st.none() | st.booleans(),
        "source": st.text() | st.none(),
    },
)


def test_rows_of_every_sort_are_stored_or_refused_and_break_no_list(token, client):
    headers = _signed(token)
    client.raise_request_exception = False
    reader = Client(raise_request_exception=False)

    @seed(20260316)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(ROW | ROW.map(lambda fields: observation() | fields), max_size=5))
    def push(rows: list[dict[str, Any]]) -> None:
        for address in ("observations", "feeds/ci/runs?format=json&dry_run=1"):
            answer = client.post(
                f"/api/v1/{address}", observations(*rows), content_type="application/json", headers=headers
            )
            assert answer.status_code in (200, 201, 400), answer.content
        card = reader.get("/api/v1/teams/api/scorecard", headers=headers)
        assert card.status_code == 200, card.content

    push()

"""What a browser or a cache on the way keeps: nothing of what is only for who is signed in."""

from __future__ import annotations

import pytest
import time_machine

from accounts.models import User
from program.feeds.registry import KINDS
from teams.ingest import Origin, ingest
from teams.models import Run
from tests.people import HEADER, NOW, PASSWORD, settle
from tests.web.test_pages import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def client_of_root(client):
    with time_machine.travel(NOW, tick=False):
        world = settle()
        rows = HEADER + "findings,api,x,2026-03-01,4,\n"
        ingest(rows.encode(), Origin("file", "march.csv", KINDS["csv"], by=world.tess), NOW)
        User.objects.create_superuser("root@example.com", PASSWORD)
        yield sign_in(client, "root")


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/", 200), ("/people/", 200), ("/exemptions/table.csv", 200), ("/programs/typing/table.csv", 200),
        ("/programs/typing/exemptions/table.csv", 200), ("/programs/typing/program.yaml", 200),
        ("/programs/typing/desk/goals/1/preview.csv", 200), ("/audit/changes.csv", 200), ("/audit/changes.jsonl", 200),
        ("/runs/{run}/payload", 200), ("/api/v1/teams/api/scorecard", 200), ("/api/v1/teams/api/next", 200),
        ("/programs/nowhere/", 404), ("/me/password", 405),
    ],
)  # fmt: skip
def test_nothing_is_kept(client_of_root, address, status):
    answer = client_of_root.get(address.format(run=Run.objects.get().pk))
    assert answer.status_code == status
    said = {part.strip() for part in answer["Cache-Control"].split(",")}
    assert {"private", "no-store"} <= said
    assert "Cookie" in answer["Vary"]


@pytest.mark.parametrize("address", ["/programs/typing/", "/programs/typing/charts/findings.json"])
def test_what_is_asked_for_again_each_time_is_kept_by_the_reader_only(client_of_root, address):
    assert client_of_root.get(address)["Cache-Control"] == "private, no-cache"

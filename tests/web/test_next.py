"""GET /api/v1/teams/<key>/next, and docs/ci.md: its commands are run as they stand, against a real server."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import time_machine
import yaml

from accounts.tokens import issue
from program.feeds.registry import KINDS
from program.models import Program
from teams.ingest import Origin, ingest
from teams.models import Goal, Standing
from teams.next_items import build, write
from teams.standings import judge_due
from tests.people import HEADER, NOW, PASSWORD, settle

ADDRESS = "/api/v1/teams/api/next"
DOCS = (Path(__file__).parents[2] / "docs" / "ci.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", DOCS, re.M | re.S)
ROWS = HEADER + "typed-functions,api,a.py,2026-03-01,0,40\ntyped-functions,api,b.py,2026-03-01,9,40\n"


@pytest.fixture
def world(db):
    with time_machine.travel(NOW, tick=True):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield made


def bearer(*scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue('ci', scopes)[1]}"}


@pytest.mark.parametrize(
    ("form", "media"),
    [("text", "text/plain"), ("markdown", "text/markdown"), ("github", "text/plain"), ("json", "application/json")],
)
def test_each_format_is_what_the_command_prints(client, world, form, media):
    answer = client.get(f"{ADDRESS}?format={form}&limit=1", headers=bearer("scorecards:read"))
    assert (answer.status_code, answer["Content-Type"]) == (200, f"{media}; charset=utf-8")
    assert answer.content.decode() == write(build(world.api, NOW, Goal.objects.all(), limit=1), form)
    assert "a.py" in answer.content.decode()


def test_text_is_what_comes_unasked(client, world):
    answer = client.get(ADDRESS, headers=bearer("scorecards:read"))
    assert answer.content.decode().startswith("Api: 1 of 2 goals needs you. 1 goal cannot be judged: see why below.")


def test_who_may_read_it(client, world):
    assert client.get(ADDRESS).status_code == 401
    assert client.get(ADDRESS, headers=bearer("observations:program:typing")).status_code == 403
    assert client.login(username="charlie@example.com", password=PASSWORD)
    assert client.get(ADDRESS).status_code == 200
    Program.objects.update(audience="api")
    assert client.get(ADDRESS).content == b"Api has no goals yet.\n"
    assert client.get("/api/v1/teams/engineering/next").status_code == 404
    assert client.get("/api/v1/teams/nobody/next").status_code == 404


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ("format=pdf", "format is one of text, markdown, json, github, not 'pdf'"),
        ("limit=0", "limit is a number from 1 to 50, not '0'"),
        ("limit=" + "9" * 5000, "limit is a number from 1 to 50, not '" + "9" * 40 + "'"),
        ("limit=%EF%BC%95", "limit is a number from 1 to 50, not '\\uff15'"),
        ("metric=none", "a goal of api was expected; it has typing/findings, typing/typed-functions"),
        ("program=%00", "a goal of api was expected; it has typing/findings, typing/typed-functions"),
        ("teams=api", "after the question mark one of format, program, metric, limit was expected, not 'teams'"),
    ],
)
def test_what_was_expected_instead(client, world, asked, detail):
    answer = client.get(f"{ADDRESS}?{asked}", headers=bearer("scorecards:read"))
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["detail"] == detail


def test_it_costs_six_queries_at_most(client, world, django_assert_max_num_queries):
    headers = bearer("scorecards:read")
    client.get(ADDRESS, headers=headers)
    with django_assert_max_num_queries(6):
        client.get(ADDRESS, headers=headers)


# -- docs/ci.md, as it stands --


def run(script: str, server: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "QUALITY_URL": server, **more}
    return subprocess.run(
        ["bash", "-e", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def token(transactional_db, live_server):
    with time_machine.travel(NOW, tick=True):
        settle()
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield issue("ci", ["scorecards:read"])[1]


def test_the_line_for_a_shell(token, live_server):
    script = next(text for language, text in BLOCKS if language == "sh")
    done = run(script, live_server.url, QUALITY_TOKEN=token)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Api: 1 of 2 goals needs you.")
    assert "Start here: a.py" in done.stdout.splitlines()[0]
    gone = run(script, live_server.url, QUALITY_TOKEN="tqp_wrong")
    assert (gone.returncode, gone.stdout) == (0, "")


def test_the_step_for_github(token, live_server, tmp_path):
    (step,) = yaml.safe_load(next(text for _, text in BLOCKS if "GITHUB_STEP_SUMMARY" in text))
    summary = tmp_path / "summary.md"
    summary.write_text("# Before\n")
    done = run(step["run"], live_server.url, QUALITY_TOKEN=token, GITHUB_STEP_SUMMARY=str(summary))
    assert (done.returncode, done.stderr) == (0, "")
    assert summary.read_text().startswith("# Before\n**Api: 1 of 2 goals needs you.")
    assert "| 1 | `a.py` | 40 | 100 % | `mypy a.py` |  |" in summary.read_text()
    assert "::warning title=Api%3A Functions with full annotations (behind),file=a.py::a.py: 40 to do" in done.stdout
    assert step["if"] == "always()"
    assert step["env"]["QUALITY_TOKEN"] == "${{ secrets.QUALITY_TOKEN }}"


def test_the_job_for_gitlab(token, live_server):
    job = yaml.safe_load(next(text for _, text in BLOCKS if "allow_failure" in text))["quality"]
    done = run("\n".join(job["script"]), live_server.url, QUALITY_TOKEN=token)
    assert (done.returncode, done.stdout[:4]) == (0, "Api:")
    assert job["allow_failure"] is True


def test_the_step_that_lets_a_build_fail(token, live_server):
    script = "set -o pipefail\n" + [text for language, text in BLOCKS if language == "sh"][1]
    assert (run(script, live_server.url, QUALITY_TOKEN=token)).returncode == 0
    Standing.objects.filter(status="behind").update(status="overdue")
    assert (run(script, live_server.url, QUALITY_TOKEN=token)).returncode == 1
    Standing.objects.filter(status="overdue").update(held=True)
    assert (run(script, live_server.url, QUALITY_TOKEN=token)).returncode == 0


def test_the_command_for_a_token_makes_one(transactional_db, capsys):
    from django.core.management import call_command

    (line,) = re.findall(r"^python manage\.py (token .+)$", DOCS, re.M)
    call_command(*line.split())
    assert capsys.readouterr().out.startswith("tqp_")

"""The drills themselves, small: real processes are killed, and a sabotaged twin shows that harm would be seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.db import connection

from drills.figures import Figure, table
from drills.mail_server import MailServer
from tests.conftest import ROOT


def drill(*command: str, **environment: str) -> dict[str, dict]:
    """Run a drill in a process of its own, on a database of its own; its figures by name."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {figure["name"]: figure for figure in map(json.loads, done.stdout.splitlines())}


@pytest.mark.django_db
def test_the_sender_killed_in_every_state_neither_doubles_nor_loses():
    figures = drill("drills.kill9", "--messages", "120", "--kills", "8")
    assert [name for name, figure in figures.items() if not figure["ok"]] == []
    for name in ("duplicates", "lost", "unsettled", "unexpected"):
        assert figures[f"nudges.kill9.{name}"]["value"] == 0
    for where in ("claimed", "before_data", "after_data"):
        assert figures[f"nudges.kill9.landed.{where}"]["value"] >= 2
    assert figures["nudges.kill9.sabotage.resend.duplicates"]["value"] > 0
    assert figures["nudges.kill9.sabotage.mark_first.lost"]["value"] > 0


@pytest.mark.queue
@pytest.mark.django_db
def test_worker_killed_and_embedded_broker_wiped_lose_nothing():
    figures = drill("drills.worker_killed", CELERY_BROKER_URL="")
    assert [name for name, figure in figures.items() if not figure["ok"]] == []
    assert figures["nudges.worker_killed.killed"]["value"] == 3


@pytest.mark.queue
@pytest.mark.once
@pytest.mark.django_db
def test_worker_killed_and_redis_wiped_lose_nothing(redis_url):
    figures = drill("drills.worker_killed", CELERY_BROKER_URL=redis_url)
    assert [name for name, figure in figures.items() if not figure["ok"]] == []
    assert figures["nudges.worker_killed.killed"]["value"] == 3


@pytest.mark.once
@pytest.mark.browser
def test_no_link_of_any_kind_of_mail_changes_a_row_by_being_looked_at():
    figures = {name.removeprefix("nudges.links."): one for name, one in drill("drills.links", "--browser", "8").items()}
    assert [name for name, figure in figures.items() if not figure["ok"]] == []
    for name in ("kinds", "broken", "rows_changed", "browsed.broken", "browsed.rows_changed"):
        assert figures[name]["value"] == 0
    assert figures["sabotage.get_acts"]["unit"] == "accounts_auditrow, nudges_mute"


@pytest.mark.once
def test_weeks_of_flapping_a_failing_feed_and_a_storm_keep_to_one_digest_a_day_in_working_hours():
    figures = drill("drills.ninety_days", "--days", "28", "--teams", "32", "--twins", "silence_is_guilt")
    assert [name for name, figure in figures.items() if not figure["ok"]] == []
    for name in ("two_a_day", "quiet_hours", "missing_data"):
        assert figures[f"nudges.days.{name}"]["value"] == 0
    assert figures["nudges.days.storm.held"]["value"] > 0
    assert figures["nudges.days.sabotage.silence_is_guilt.missing"]["value"] > 0


@pytest.mark.once
def test_no_url_reaches_an_address_that_is_not_public():
    figures = {name.removeprefix("ssrf."): figure for name, figure in drill("drills.ssrf").items()}
    assert [name for name, figure in figures.items() if not figure["ok"]] == []
    values = {name: figure["value"] for name, figure in figures.items()}
    assert values["vectors"] >= 80
    assert (values["inside"], values["brought_back"], values["surprises"], values["resolutions"]) == (0, 0, 0, 1)
    assert values["rebinding"] >= 50
    assert values["controls"] >= 20
    for twin in ("resolve_again", "check_the_first", "check_nothing", "follow_redirects"):
        assert values[f"sabotage.{twin}.inside"] > 0


@pytest.mark.django_db
def test_web_workers_killed_while_clients_push_lose_and_tear_nothing():
    figures = drill("drills.ingest", "--observations", "2000", "--kills", "5")
    assert [name for name, figure in figures.items() if not figure["ok"]] == []
    assert figures["ingest.rows"]["value"] == 2000
    for name in ("wrong_rows", "torn", "lost", "doubled", "misjudged", "faults", "refused"):
        assert figures[f"ingest.{name}"]["value"] == 0
    assert figures["ingest.answered"]["value"] == 60
    assert figures["ingest.sabotage.late.lost"]["value"] > 0
    if connection.vendor == "postgresql":
        assert figures["ingest.sabotage.piecemeal.harm"]["value"] > 0


def test_the_mail_server_stalls_refuses_and_remembers():
    import smtplib

    with MailServer() as server:
        with smtplib.SMTP(server.host, server.port, timeout=5) as client:
            client.sendmail("a@x.com", ["b@x.com"], b"Message-ID: <1@x>\r\n\r\n.dot\r\n")
        assert server.counts() == {"<1@x>": 1}
        assert server.accepted[0].data == b"Message-ID: <1@x>\r\n\r\n.dot\r\n"
        server.on_stage = lambda stage, _exchange: "550 no" if stage == "rcpt" else None
        with smtplib.SMTP(server.host, server.port, timeout=5) as client, pytest.raises(smtplib.SMTPException):
            client.sendmail("a@x.com", ["b@x.com"], b"Message-ID: <2@x>\r\n\r\n")
        assert not server.has("<2@x>")


def test_a_table_names_what_was_missed():
    figures = [
        Figure("a.one", 0, "messages", "0", True),
        Figure("a.two", 3, "messages", "0", False),
    ]
    lines = table([json.loads(figure.line()) for figure in figures]).splitlines()
    assert lines[2].split() == ["a.one", "0", "messages", "0", "ok"]
    assert lines[3].split() == ["a.two", "3", "messages", "0", "MISSED"]

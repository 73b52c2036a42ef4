"""The queue: the embedded broker gives each message to one reader, whole; a worker on either broker does what is due."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from program.feeds.registry import KINDS
from teams import keeping
from teams.ingest import Origin, ingest
from teams.models import Goal, Standing
from tests.conftest import eventually
from tests.people import HEADER, settle

ROOT = Path(__file__).parent.parent
READER = """
import sys
from kombu import Connection
from kombu.transport import TRANSPORT_ALIASES
TRANSPORT_ALIASES["embedded"] = "config.broker:Transport"
folder, role, number = sys.argv[1:]
options = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder + "-control"}
with Connection("embedded://localhost//", transport_options=options) as connection:
    queue = connection.SimpleQueue("test")
    if role == "write":
        for n in range(int(number)):
            queue.put({"n": n, "padding": "x" * 4000})
    else:
        while True:
            try:
                message = queue.get(timeout=3)
            except queue.Empty:
                break
            message.ack()
            print(message.payload["n"], flush=True)
"""


@pytest.mark.once
def test_each_message_is_read_once_and_whole_by_one_of_several_readers(tmp_path: Path) -> None:
    folder = tmp_path / "messages"
    folder.mkdir()

    def start(role: str, number: int = 0) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", READER, str(folder), role, str(number)], cwd=ROOT, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    readers = [start("read") for _ in range(2)]
    writers = [start("write", 600) for _ in range(2)]
    for writer in writers:
        assert writer.wait(timeout=60) == 0, writer.stderr
    read: list[int] = []
    for reader in readers:
        out, errors = reader.communicate(timeout=120)
        assert (reader.returncode, errors) == (0, "")
        read += [int(line) for line in out.split()]
    assert sorted(read) == sorted([*range(600), *range(600)])


@pytest.mark.queue
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("broker", ["embedded", "redis"])
def test_a_worker_judges_what_a_large_batch_left_due(
    broker: str,
    tmp_path: Path,
    processes: Callable[..., subprocess.Popen[bytes]],
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = timezone.now()
    settle(now=now)
    monkeypatch.setattr(keeping, "JUDGED_AT_ONCE", 0)
    row = f"typed-functions,web,a.py,{(now - timedelta(days=1)).date()},2,10\n"
    received = ingest((HEADER + row).encode(), Origin("file", "x.csv", KINDS["csv"]), now)
    assert (received.judged, received.due) == (0, 1)
    assert Standing.objects.count() == 0
    environment = {"VAR_DIR": str(tmp_path), "TICK_SECONDS": "1"}
    if broker == "redis":
        environment["CELERY_BROKER_URL"] = request.getfixturevalue("redis_url")
    flags = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    processes(["-m", "celery", "-A", "config", "worker", "--concurrency", "1", *flags], **environment)
    processes(["-m", "celery", "-A", "config", "beat", "--scheduler", "celery.beat:Scheduler"], **environment)
    assert eventually(lambda: not Goal.objects.filter(judge_due_at__isnull=False).exists(), 60)
    assert Standing.objects.get(goal__team__key="web").value == 0.2

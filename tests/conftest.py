"""What all tests share: the pass they run in, real services, a real browser, and no way out of this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright runs an event loop of its own
ROOT = Path(__file__).parent.parent
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "live_server", "client", "admin_client"}
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks; on a busy machine examples are slow to make and to run, which is no fault of what is tested."""
    hypothesis.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    hypothesis.load_profile("busy")
    config.addinivalue_line("markers", "browser: walks pages in a real Chromium")
    config.addinivalue_line("markers", "queue: uses real Celery worker processes")
    config.addinivalue_line("markers", "once: does not depend on which database it is, and runs on SQLite only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In the second pass only what touches the database runs again, on PostgreSQL."""
    if os.environ.get("TEST_PASS") != "postgresql":
        return
    again, rest = [], []
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        touches = item.get_closest_marker("django_db") is not None or bool(names & DATABASE_FIXTURES)
        skipped = any(item.get_closest_marker(mark) for mark in ("browser", "once"))
        (again if touches and not skipped else rest).append(item)
    items[:] = again
    config.hook.pytest_deselected(items=rest)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Mark SQLite's database as one of tests, whose tables are emptied by DELETE: elsewhere audit rows refuse it."""
    from django.db import connection

    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA user_version = 4711")


@pytest.fixture(autouse=True)
def _only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anywhere else fails at once, and with it the test."""
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test may only connect to this machine, not to {address[0]}")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Which Chromium pytest-playwright starts, and how: without calling home."""
    from tests.services import chromium

    return {"executable_path": os.environ.get("TEST_CHROMIUM") or chromium(), "args": QUIET}


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real server that speaks Redis."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield given
        return
    from tests.services import redis

    with redis() as url:
        yield url


def process_environment(**more: str) -> dict[str, str]:
    """The environment of a process of the service that works on this test's database."""
    from django.conf import settings
    from django.db import connection

    held = connection.settings_dict
    if connection.vendor == "sqlite":
        database = f"sqlite:///{held['NAME']}"
    else:
        host = held["OPTIONS"].get("host") or held["HOST"]
        database = f"postgresql://postgres@/{held['NAME']}?host={quote(str(host))}"
    return {
        **os.environ,
        "DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "EMAIL_HOST": str(settings.EMAIL_HOST),
        "EMAIL_PORT": str(settings.EMAIL_PORT),
        "PYTHONPATH": str(ROOT),
        **more,
    }


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts processes of the service (`processes([...argv], **env)`); all are ended with the test, by their id."""
    started: list[subprocess.Popen[bytes]] = []

    def start(argv: list[str], **environment: str) -> subprocess.Popen[bytes]:
        log = (tmp_path / f"process-{len(started)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, *argv],
            cwd=ROOT,
            env=process_environment(**environment),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        end(process)


def end(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGKILL) -> None:
    """End a process and its children, and wait until it is gone."""
    if process.poll() is None:
        os.killpg(process.pid, how)
    process.wait(timeout=20)


def eventually(what: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether something becomes true within the time, looked at ten times a second."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return True
        time.sleep(0.1)
    return what()

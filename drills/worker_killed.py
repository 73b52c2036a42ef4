"""nudges.worker_killed: worker and beat are killed in mid-run and the broker is wiped; the database has it all."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from drills.figures import Figure, say
from drills.ground import ROOT, ground
from drills.kill9 import PATIENCE, Aim
from drills.mail_server import MailServer

MESSAGES = 400
# Where the worker stands when it dies, and whether the broker is wiped after it.
DEATHS = (("mail", True), ("accepted", False), ("data", True))
RECOVERED_WITHIN = 90


@contextmanager
def queue(env: dict[str, str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A real worker with two children, and a real beat; each leads a process group of its own."""
    celery = [sys.executable, "-m", "celery", "-A", "config"]
    beat_file = str(Path(env["VAR_DIR"]) / "beat")
    commands = (
        [*celery, "worker", "-c", "2", "--loglevel", "CRITICAL", "--without-gossip", "--without-mingle"],
        [*celery, "beat", "-S", "celery.beat:Scheduler", "-s", beat_file, "--pidfile=", "--loglevel", "CRITICAL"],
    )
    running = [
        subprocess.Popen(
            command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        for command in commands
    ]
    try:
        yield running
    finally:
        kill(running)


def kill(running: list[subprocess.Popen[bytes]]) -> None:
    """SIGKILL to each process we started and its children, as a machine that loses its power would."""
    for process in running:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wipe(env: dict[str, str]) -> None:
    """Throw away everything the broker holds: its files, or the drill's own database of a Redis."""
    url = env.get("CELERY_BROKER_URL", "")
    if url.startswith("redis"):
        import redis

        redis.Redis.from_url(url).flushdb()
        return
    for folder in ("messages", "control"):
        shutil.rmtree(Path(env["BROKER_DIR"]) / folder, ignore_errors=True)
    (Path(env["BROKER_DIR"]) / "messages").mkdir(parents=True)


def own_broker(env: dict[str, str]) -> dict[str, str]:
    """Database 15 of the Redis that CELERY_BROKER_URL names, so that no other queue is wiped."""
    url = env.get("CELERY_BROKER_URL", "")
    if not url.startswith("redis"):
        return env
    return env | {"CELERY_BROKER_URL": urlunsplit(urlsplit(url)._replace(path="/15"))}


def main() -> None:
    """The drill."""
    with ground() as env:
        from drills import outbox_under_test as outbox

        env = own_broker(env)
        outbox.fill(MESSAGES)
        reached = 0
        with MailServer() as server:
            env |= {"EMAIL_HOST": server.host, "EMAIL_PORT": str(server.port), "TICK_SECONDS": "1"}
            for stage, wiped in DEATHS:
                aim = Aim(stage, MESSAGES // 6)
                server.on_stage = aim
                with queue(env):
                    reached += aim.reached.wait(PATIENCE)
                aim.go_on.set()
                if wiped:
                    wipe(env)
                outbox.let_time_pass()
            server.on_stage = lambda _stage, _exchange: None
            began = time.monotonic()
            with queue(env):
                while outbox.waiting() and time.monotonic() - began < RECOVERED_WITHIN:
                    time.sleep(0.1)
            seconds = time.monotonic() - began
            found = outbox.reckon(server)
    _say("killed", reached, "times in mid-run", str(len(DEATHS)), reached == len(DEATHS))
    _say("duplicates", found.duplicates, f"of {found.messages} messages", "0", found.duplicates == 0)
    _say("lost", found.lost, "messages", "0", found.lost == 0)
    _say("unsettled", found.unsettled, "rows in no final or shown state", "0", found.unsettled == 0)
    _say("unexpected", found.unexpected, "accepted though the outbox says not", "0", found.unexpected == 0)
    _say("recovery", round(seconds, 1), "s", f"<= {RECOVERED_WITHIN}", seconds <= RECOVERED_WITHIN)


def _say(name: str, value: float, unit: str, goal: str, ok: bool) -> None:
    say(Figure(f"nudges.worker_killed.{name}", value, unit, goal, bool(ok)))


if __name__ == "__main__":
    main()

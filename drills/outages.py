"""nudges.outages: the mail server, Redis and PostgreSQL go away under a running worker and come back; it goes on."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from drills.figures import Figure, say
from drills.ground import ROOT, ground
from drills.mail_server import Exchange, MailServer
from drills.worker_killed import queue

MESSAGES, LATE, AWAY, WITHIN = 300, 60, 8.0, 90
PATIENCE = 60.0


class Door:
    """A port that leads to another one and can be shut: what is behind it is then gone, open connections and all."""

    def __init__(self, to: int | str) -> None:
        self.to = to
        self._open: list[socket.socket] = []
        self._listening: socket.socket | None = None
        self._lock = threading.Lock()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.unshut()

    def unshut(self) -> None:
        """Let in, from now on."""
        self._listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._let_in, args=(self._listening,), daemon=True).start()

    def shut(self) -> None:
        """Refuse, and cut every line that is open."""
        with self._lock:
            held, self._open = self._open, []
        if self._listening is not None:
            self._end(self._listening)
        for one in held:
            self._end(one)

    def _let_in(self, listening: socket.socket) -> None:
        while True:
            try:
                here, _ = listening.accept()
                there = socket.create_connection(("127.0.0.1", self.to)) if isinstance(self.to, int) else _unix(self.to)
            except OSError:
                return
            with self._lock:
                self._open += [here, there]
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                other.sendall(data)
        except OSError:
            pass
        self._end(one)
        self._end(other)

    @staticmethod
    def _end(one: socket.socket) -> None:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


def _unix(path: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.connect(path)
    return made


@contextmanager
def redis() -> Iterator[int]:
    """A Redis of the drill's own; gives its port."""
    from tests.services import redis as server

    with server() as url:
        yield int(url.rpartition(":")[2].partition("/")[0])


def outage(name: str, shut: Callable[[], None], unshut: Callable[[], None], server: MailServer) -> None:
    """Once mail flows, take the service away for a while; the rest must arrive without anybody's help."""
    from drills import outbox_under_test as outbox

    outbox.rows().delete()
    server.accepted.clear()
    reached = threading.Event()

    def stage(at: str, _exchange: Exchange) -> None:
        if at == "accepted":
            time.sleep(0.01)
            if len(server.accepted) >= MESSAGES // 6:
                reached.set()

    server.on_stage = stage
    outbox.fill(MESSAGES)
    flowed = reached.wait(PATIENCE)
    shut()
    before = len(server.accepted)
    time.sleep(AWAY)
    outbox.fill(LATE, first=MESSAGES)  # what comes in meanwhile needs beat and worker to find each other again
    unshut()
    began = time.monotonic()
    while outbox.waiting() and time.monotonic() - began < WITHIN:
        time.sleep(0.2)
    seconds = time.monotonic() - began
    found = outbox.reckon(server)
    _say(f"{name}.in_mid_run", before, "messages were out when it went", f"< {MESSAGES}", flowed and before < MESSAGES)
    _say(f"{name}.duplicates", found.duplicates, f"of {found.messages} messages", "0", found.duplicates == 0)
    _say(f"{name}.lost", found.lost, "messages", "0", found.lost == 0)
    _say(f"{name}.unexpected", found.unexpected, "accepted though the outbox says not", "0", found.unexpected == 0)
    in_doubt = found.states.get("in doubt", 0)
    _say(f"{name}.in_doubt", in_doubt, "messages, shown to the owner", "<= 2, one a sender", in_doubt <= 2)
    _say(f"{name}.unsettled", found.unsettled, "rows in no final or shown state", "0", found.unsettled == 0)
    _say(f"{name}.recovery", round(seconds, 1), "s, without a restart", f"<= {WITHIN}", seconds <= WITHIN)


def main() -> None:
    """Each outage under one worker and one beat that are never restarted, and the sabotaged twin."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--twin", action="store_true")
    if options.parse_args().twin:
        print(_give_up())
        return
    lost = _twin()  # before the ground of this one, which it must not stand on
    with ExitStack() as stack:
        port = stack.enter_context(redis())
        env = stack.enter_context(ground())
        server = stack.enter_context(MailServer())
        mail, broker = Door(server.port), Door(port)
        env |= {
            "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(mail.port), "EMAIL_TIMEOUT": "20", "TICK_SECONDS": "1",
            "CELERY_BROKER_URL": f"redis://127.0.0.1:{broker.port}/0",
        }  # fmt: skip
        stack.callback(broker.shut)
        stack.callback(mail.shut)
        stack.enter_context(queue(env))
        outage("mail_server_gone", mail.shut, mail.unshut, server)
        outage("redis_gone", broker.shut, broker.unshut, server)
        if env["DATABASE_URL"].startswith("postgres"):
            outage("postgresql_restarted", _end_all_connections, lambda: None, server)
    _say("sabotage.give_up.lost", lost, "messages", "> 0: the drill sees it", lost > 0)


def _twin() -> int:
    """A sender that takes a closed door for an answer, in a process and on a database of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "drills.outages", "--twin"], cwd=ROOT, env=os.environ, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return int(done.stdout.splitlines()[-1])


def _give_up() -> int:
    with ground() as env, MailServer() as server:
        from drills import outbox_under_test as outbox

        door = Door(server.port)
        door.shut()
        outbox.fill(LATE)
        env |= {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(door.port), "EMAIL_TIMEOUT": "5"}
        subprocess.run(
            [sys.executable, "-m", "drills.sabotaged", "give-up"], env=env, cwd=ROOT, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        return outbox.reckon(server).lost


def _end_all_connections() -> None:
    """What a restart of PostgreSQL does to whoever is connected: every line is cut, at whatever word."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _say(name: str, value: float, unit: str, goal: str, ok: bool) -> None:
    say(Figure(f"nudges.outages.{name}", value, unit, goal, bool(ok)))


if __name__ == "__main__":
    main()

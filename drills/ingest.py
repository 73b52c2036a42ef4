"""ingest: web workers are killed again and again while clients push; what was answered is stored, once and whole."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import queue
import random
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from drills.figures import Figure, say
from drills.ground import ROOT, ground
from drills.worker_killed import kill as kill_group

if TYPE_CHECKING:  # models can be imported only once Django is set up
    from drills.ingest_under_test import Answer, Post, Reckoning

CLIENTS = 8
WORKERS = 3
PATIENCE = 30.0
WITHIN = 180.0
APPLICATION = "config.wsgi"
LATE = "drills.sabotaged_web:late()"
PIECEMEAL = "drills.sabotaged_web:piecemeal()"


@dataclass
class Traffic:
    """What the clients sent and what came of it."""

    waiting: queue.SimpleQueue[Post]
    answers: list[Answer] = field(default_factory=list)
    codes: Counter[int] = field(default_factory=Counter)
    cut: int = 0
    in_flight: int = 0
    unanswered: int = 0
    over: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Outcome:
    """Kills, what the clients saw, and the reckoning."""

    kills: int
    landed: int
    traffic: Traffic
    reckoning: Reckoning
    seconds: float


@contextmanager
def web(env: dict[str, str], application: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The Procfile's web server on loopback, with several workers; leads a process group of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    procfile = (ROOT / "Procfile").read_text(encoding="utf-8")
    line = next(line for line in procfile.splitlines() if line.startswith("web:"))
    filled = Template(line.removeprefix("web:")).substitute(BIND="127.0.0.1", PORT=port, WEB_CONCURRENCY=WORKERS)
    words = [application if word == APPLICATION else word for word in shlex.split(filled)]
    command = [sys.executable, "-m", *words]
    server = subprocess.Popen(
        command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(port):
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the web server did not come up")
            time.sleep(0.1)
        yield server, port
    finally:
        kill_group([server])


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def workers(master: int) -> list[int]:
    """The process ids of a server's children, oldest first."""
    kept = Path(f"/proc/{master}/task/{master}/children")
    if kept.exists():
        return sorted(int(pid) for pid in kept.read_text().split())
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return sorted(int(pid) for pid, parent in map(str.split, listed.splitlines()) if int(parent) == master)


def client(port: int, secret: str, traffic: Traffic) -> None:
    """Takes post after post and sends each until it is answered."""
    while True:
        try:
            post = traffic.waiting.get_nowait()
        except queue.Empty:
            return
        while not _sent(port, secret, post, traffic):
            if time.monotonic() > traffic.over:
                with traffic.lock:
                    traffic.unanswered += 1
                break
            time.sleep(0.05)


def _sent(port: int, secret: str, post: Post, traffic: Traffic) -> bool:
    """Whether the post was answered for good; a broken connection, 409 and 503 ask for another try."""
    from drills.ingest_under_test import Answer

    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    if post.key:
        headers["Idempotency-Key"] = post.key
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        with traffic.lock:
            traffic.in_flight += 1
        link.request("POST", "/api/v1/observations", post.body, headers)
        answer = link.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        with traffic.lock:
            traffic.cut += 1
        return False
    finally:
        link.close()
        with traffic.lock:
            traffic.in_flight -= 1
    with traffic.lock:
        traffic.codes[answer.status] += 1
        if answer.status in (409, 503):
            return False
        if 200 <= answer.status < 300:
            told = json.loads(body)
            traffic.answers.append(Answer(post, told["run"], told["digest"], told["observations"]))
    # After a fault of the server a client tries again, too; the fault is counted all the same.
    return answer.status < 500


def run(env: dict[str, str], name: str, batches: int, kills: int, application: str, seed: int) -> Outcome:
    """Send everything, kill `kills` web workers meanwhile, reckon."""
    from drills.ingest_under_test import prepare, reckon

    chance = random.Random(seed)
    prepared = prepare(name, batches)
    chance.shuffle(prepared.posts)
    traffic = Traffic(queue.SimpleQueue())
    for post in prepared.posts:
        traffic.waiting.put(post)
    with web(env, application) as (server, port):
        began = time.monotonic()
        traffic.over = began + WITHIN
        clients = [threading.Thread(target=client, args=(port, prepared.token, traffic)) for _ in range(CLIENTS)]
        for thread in clients:
            thread.start()
        killed, landed = _kill(server.pid, kills, len(prepared.posts), traffic, chance)
        for thread in clients:
            thread.join()
        seconds = time.monotonic() - began
    return Outcome(killed, landed, traffic, reckon(prepared, traffic.answers), seconds)


def _kill(master: int, kills: int, posts: int, traffic: Traffic, chance: random.Random) -> tuple[int, int]:
    """Kill the oldest worker, which serves, each time that many more posts are answered; count what broke."""
    killed = landed = 0
    for n in range(kills):
        while len(traffic.answers) < (n + 1) * posts // (kills + 2) and time.monotonic() < traffic.over:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.03))
        before = traffic.cut
        serving = workers(master)
        if not serving or traffic.in_flight == 0:
            continue
        with suppress(ProcessLookupError):
            os.kill(serving[0], signal.SIGKILL)
            killed += 1
        time.sleep(0.1)
        landed += traffic.cut > before
    return killed, landed


def main() -> None:
    """The drill and its sabotaged twins."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--observations", type=int, default=10_000)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the web server ends with the drill
    with ground() as env:
        from drills.ingest_under_test import PER_BATCH

        batches = given.observations // PER_BATCH
        whole = run(env, "drill", batches, given.kills, APPLICATION, given.seed)
        _figures(whole, batches * PER_BATCH, given.kills)
        late = run(env, "late", 20, 8, LATE, given.seed)
        lost = late.reckoning.lost
        _say("sabotage.late.lost", lost, "answers", "> 0: the drill sees it", lost > 0)
        if env["DATABASE_URL"].startswith("postgres"):
            found = run(env, "piecemeal", 20, 8, PIECEMEAL, given.seed).reckoning
            harm = found.lost + found.wrong_rows + found.torn + found.misjudged
            _say("sabotage.piecemeal.harm", harm, "answers, rows, standings", "> 0: the drill sees it", harm > 0)


def _figures(whole: Outcome, rows: int, kills: int) -> None:
    from drills.ingest_under_test import PER_BATCH, POSTS

    found, traffic = whole.reckoning, whole.traffic
    posts = rows // PER_BATCH * POSTS
    faults = sum(n for code, n in traffic.codes.items() if code >= 500 and code != 503)
    refused = sum(n for code, n in traffic.codes.items() if code not in (409, 503) and not 200 <= code < 300) - faults
    _say("rows", found.rows, f"observations held, {whole.kills} kills", str(rows), found.rows == rows)
    _say("wrong_rows", found.wrong_rows, "that say another number than was sent", "0", found.wrong_rows == 0)
    _say("torn", found.torn, "batches of more than one wording", "0", found.torn == 0)
    _say("answered", len(traffic.answers), "posts answered 2xx", str(posts), len(traffic.answers) == posts)
    _say("lost", found.lost, "2xx answers without their run", "0", found.lost == 0)
    _say("doubled", found.doubled, "idempotency keys of several runs", "0", found.doubled == 0)
    _say("misjudged", found.misjudged, "standings that say another value, not due", "0", found.misjudged == 0)
    _say("faults", faults, f"5xx but 503 ({traffic.codes[503]} of these)", "0", faults == 0)
    _say("refused", refused, "other answers", "0", refused == 0)
    _say("kills", whole.kills, "web workers killed while requests ran", str(kills), whole.kills == kills)
    enough = kills // 2
    _say(
        "landed", whole.landed, f"kills that cut a request ({traffic.cut} cut)", f">= {enough}", whole.landed >= enough
    )
    _say("seconds", round(whole.seconds, 1), "s", f"<= {WITHIN:g}", whole.seconds <= WITHIN)


def _say(name: str, value: float, unit: str, goal: str, ok: bool) -> None:
    say(Figure(f"ingest.{name}", value, unit, goal, bool(ok)))


if __name__ == "__main__":
    main()

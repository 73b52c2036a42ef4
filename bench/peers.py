"""make bench-peers: Backstage Tech Insights on the same PostgreSQL in the same run, beside what we do of the same."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "var" / "peers"
PACKAGES = (
    "@backstage/backend-defaults@^0.17.7",
    "@backstage-community/plugin-tech-insights-backend",
    "@backstage-community/plugin-tech-insights-backend-module-jsonfc",
    "@backstage-community/plugin-tech-insights-node",
    "pg",
    "better-sqlite3",
)
SCRIPTS = ("ti_facts.js", "ti_insert.js", "ti_backend.js")
THEIR_SERVER, THEIR_PORT = "host: '127.0.0.1', port: 55971", "57007"
THEIR_DATABASE = "backstage_plugin_tech-insights"
INSTALLED_WITHIN, UP_WITHIN, ANSWERED_WITHIN = 480, 120, 120
ENTITIES, FACTS = 1000, 20
FACTS_A_ROW = 4


class Absent(Exception):
    """The peer cannot be measured here; the message says why."""


@dataclass(frozen=True, slots=True)
class Theirs:
    """What was measured of the peer."""

    facts_a_second: float
    judge_all_ms: float
    judge_one_ms: float


def install() -> None:
    """The peer's packages, in a folder of its own; again: nothing to do."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise Absent("node and npm were expected")
    FOLDER.mkdir(parents=True, exist_ok=True)
    if (FOLDER / "installed").exists():
        return
    print("Installing Tech Insights by npm (some minutes) …", flush=True)
    (FOLDER / "package.json").write_text('{"private": true}\n')
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *PACKAGES]
    try:
        subprocess.run(command, cwd=FOLDER, check=True, timeout=INSTALLED_WITHIN)
    except (subprocess.SubprocessError, OSError) as fault:
        raise Absent(f"npm did not install it: {fault}") from fault
    (FOLDER / "installed").touch()


def prepare(scripts: Path, server: str, port: int) -> dict[str, str]:
    """Copy the peer's scripts, with our server and port put in; gives the environment to run them in."""
    (FOLDER / "run").mkdir(exist_ok=True)
    (FOLDER / "run" / "ti-n").write_text(str(ENTITIES))
    for name in SCRIPTS:
        try:
            text = (scripts / name).read_text(encoding="utf-8")
        except OSError as fault:
            raise Absent(f"PEERS_DIR names the folder with {name}: {fault}") from fault
        for written in (THEIR_SERVER, THEIR_SERVER.replace("'", "")):
            text = text.replace(written, f'host: "{server}"')
        (FOLDER / name).write_text(text.replace(THEIR_PORT, str(port)), encoding="utf-8")
    env = os.environ | {"PEERS": str(FOLDER), "NODE_ENV": "production"}
    config = _node(["ti_facts.js"], env)
    (FOLDER / "app-config.yaml").write_text(config, encoding="utf-8")
    return env


def _node(arguments: list[str], env: dict[str, str]) -> str:
    try:
        done = subprocess.run(
            ["node", *arguments], cwd=FOLDER, env=env, check=True, timeout=ANSWERED_WITHIN, stdout=subprocess.PIPE
        )
    except subprocess.SubprocessError as fault:
        raise Absent(f"{arguments[0]}: {fault}") from fault
    return done.stdout.decode()


@contextmanager
def backend(env: dict[str, str], port: int) -> Iterator[None]:
    """The peer's server on loopback."""
    with (FOLDER / "backend.log").open("wb") as log:
        server = subprocess.Popen(
            ["node", "ti_backend.js", "--config", "app-config.yaml"],
            cwd=FOLDER, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            until = time.monotonic() + UP_WITHIN
            while not _up(port):
                if server.poll() is not None or time.monotonic() > until:
                    raise Absent(f"its server did not come up: see {FOLDER.relative_to(ROOT)}/backend.log")
                time.sleep(0.5)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _up(port: int) -> bool:
    try:
        _post(port, _one(0), {})
    except (OSError, http.client.HTTPException, Absent):
        return False
    return True


def _one(n: int) -> str:
    return f"/api/tech-insights/checks/run/default/component/svc-{n}"


def _post(port: int, path: str, body: Any) -> float:
    """Post and read the whole answer; how long it took, in milliseconds."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERED_WITHIN)
    try:
        began = time.perf_counter()
        link.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = link.getresponse()
        data = answer.read()
        took = (time.perf_counter() - began) * 1000
    finally:
        link.close()
    if answer.status != 200 or len(data) < 1000:
        raise Absent(f"{path} answered {answer.status} with {len(data)} bytes")
    return took


def measure_theirs(scripts: Path, url: str) -> Theirs:
    """Facts inserted, all checks of all entities, and all checks of one."""
    import psycopg

    install()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{THEIR_DATABASE}"')
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = prepare(scripts, parse_qs(urlsplit(url).query)["host"][0], port)
    inserted = json.loads(_node(["ti_insert.js", str(ENTITIES), "7", "5"], env).splitlines()[-1])
    facts = inserted["rows"] * FACTS_A_ROW / statistics.median(inserted["seconds"])
    with backend(env, port):
        every = statistics.median(_post(port, "/api/tech-insights/checks/run", {"entities": []}) for _ in range(3))
        one = statistics.median(_post(port, _one(n * 31 % ENTITIES), {}) for n in range(200))
    return Theirs(facts, every, one)


def measure_ours(theirs: Theirs) -> int:
    """As many goals judged, with trails and stored, and as many observations taken as the peer has facts."""
    from bench import ingesting, judging, world
    from bench.report import Report, median_ms
    from program.feeds.registry import KINDS
    from teams.ingest import Origin, ingest
    from teams.models import Goal
    from teams.standings import judge_goals

    report = Report()
    program = world.make(ENTITIES, FACTS)
    judging.analyze()
    goals = Goal.objects.filter(program=program)
    ours = median_ms(lambda: judge_goals(goals, world.NOW, daily=True), times=3)
    report.at_most("peer.judge_all_1000x20", ours, "ms", theirs.judge_all_ms, 1 / 20)
    places = ingesting.make("peer", FACTS, ENTITIES)
    days = (world.TODAY - timedelta(days=n) for n in range(1, 10))
    files = iter([ingesting.as_csv(ingesting.observations(places, day, FACTS, ENTITIES, 1)) for day in days])
    origin = Origin("file", "bench.csv", KINDS["csv"])
    ingest(next(files), origin, world.NOW)
    judging.analyze()
    took = median_ms(lambda: ingest(next(files), origin, world.NOW), times=5)
    report.note("peer.facts_taken", ENTITIES * FACTS / took * 1000, "facts/s", theirs.facts_a_second)
    team = Goal.objects.filter(program=program, team__key=f"t{ENTITIES}-00500")
    one = median_ms(lambda: judge_goals(team, world.NOW), times=41, warm=5)
    report.note("peer.judge_one_team", one, "ms", theirs.judge_one_ms)
    return report.close()


def main() -> int:
    """Both on one PostgreSQL. 2 if the peer cannot be measured here."""
    from tests.services import Missing, postgresql

    scripts = Path(os.environ.get("PEERS_DIR", "../shared/peers"))
    try:
        with tempfile.TemporaryDirectory(prefix="quality-bench-") as folder, postgresql() as url:
            theirs = measure_theirs(scripts, url)
            print(f"Tech Insights: {theirs}", flush=True)
            os.environ |= {"DATABASE_URL": url, "VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
            import django

            django.setup()
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
            return measure_ours(theirs)
    except (Absent, Missing) as fault:
        print(f"COULD NOT RUN  {fault}")
        return 2


if __name__ == "__main__":
    sys.exit(main())

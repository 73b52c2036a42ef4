"""make test: bring up what tests need, run them on SQLite and on PostgreSQL, and say what ran and what could not."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from tests.services import Missing, chromium, postgresql, prometheus_program, redis

ROOT = Path(__file__).parent.parent
IN_CI = bool(os.environ.get("CI"))


def main(arguments: list[str]) -> int:
    """Run both passes; arguments go on to pytest. Returns the exit code."""
    began = time.monotonic()
    missing: list[str] = []
    totals: Counter[str] = Counter()
    skipped: list[str] = []
    failed = False
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="quality-test-") as folder:
        environment = os.environ | {"VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        environment.pop("DATABASE_URL", None)
        try:
            environment["TEST_CHROMIUM"] = chromium()
        except Missing as fault:
            missing.append(f"page tests in a browser: {fault}")
        try:
            environment["TEST_PROMETHEUS"] = prometheus_program()
        except Missing as fault:
            missing.append(f"tests of the feed from a real Prometheus: {fault}")
        try:
            environment["TEST_REDIS_URL"] = stack.enter_context(redis())
        except Missing as fault:
            missing.append(f"queue tests on Redis: {fault}")
        passes = [("sqlite", {})]
        try:
            passes.append(("postgresql", {"DATABASE_URL": stack.enter_context(postgresql())}))
        except Missing as fault:
            missing.append(f"every test on PostgreSQL: {fault}")
        for name, extra in passes:
            print(f"\n== Tests on {name} ==", flush=True)
            report = Path(folder) / f"{name}.xml"
            command = [
                sys.executable, "-m", "pytest", "-n", os.environ.get("TEST_PROCESSES", "2"), "--dist", "loadgroup",
                "-q", f"--junitxml={report}", *arguments,
            ]  # fmt: skip
            done = subprocess.run(command, cwd=ROOT, env=environment | extra | {"TEST_PASS": name}, check=False)
            failed |= done.returncode != 0
            count(report, totals, skipped, name)
    return close(totals, skipped, missing, failed, time.monotonic() - began)


def count(report: Path, totals: Counter[str], skipped: list[str], name: str) -> None:
    """Add what a pass's report says; a pass without a report ran nothing."""
    if not report.exists():
        return
    for case in ET.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            totals["failed"] += 1
        elif (skip := case.find("skipped")) is not None:
            totals["skipped"] += 1
            skipped.append(f"{name}: {case.get('classname')}.{case.get('name')}: {skip.get('message')}")
        else:
            totals["passed"] += 1
            totals[name] += 1


def close(totals: Counter[str], skipped: list[str], missing: list[str], failed: bool, seconds: float) -> int:
    """The last lines: what ran, what could not, and what follows."""
    print(f"\nRan in {seconds:.0f} s: {totals['sqlite']} tests on SQLite, {totals['postgresql']} again on PostgreSQL.")
    for line in skipped:
        print(f"skipped  {line}")
    for line in missing:
        print(f"COULD NOT RUN  {line}")
    nothing = totals["passed"] == 0
    if nothing:
        print("No test ran: that is a failure.")
    incomplete = IN_CI and bool(missing or skipped)
    if incomplete:
        print("In CI everything has to run: that is a failure.")
    wrong = failed or nothing or incomplete
    print("Next: make demo, or make check before you submit." if not wrong else "Next: mend what failed above.")
    print(f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

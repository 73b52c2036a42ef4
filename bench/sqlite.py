"""python -m bench.sqlite PART: one part of a benchmark on a SQLite file of its own; prints its figures as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from bench.report import Figure, Report

PARTS = ("ingest", "storage", "desk", "apply", "nudges")


def measure_on_sqlite(part: str, report: Report) -> None:
    """Run a part in a process of its own, since a process has one database, and take its figures."""
    with tempfile.TemporaryDirectory(prefix="quality-bench-") as folder:
        env = os.environ | {"DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3", "VAR_DIR": folder}
        child = subprocess.Popen(
            [sys.executable, "-m", "bench.sqlite", part], env=env, stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("{"):
                report.take(Figure(**json.loads(line)))
        if child.wait() != 0:
            raise RuntimeError(f"the benchmark of {part} on SQLite broke off")


def main() -> None:
    """In that process."""
    import django

    django.setup()
    from django.core.management import call_command

    from bench import applying, ingesting, nudging, previewing, storage

    call_command("migrate", verbosity=0)
    parts = {
        "ingest": ingesting.measure, "storage": storage.measure, "apply": applying.measure, "desk": previewing.measure,
        "nudges": nudging.measure,
    }  # fmt: skip
    parts[sys.argv[1]](Report())


if __name__ == "__main__":
    main()

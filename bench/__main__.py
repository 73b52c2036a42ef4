"""make bench: measure on a real PostgreSQL, print ratios to floors of the same run, and fail if a goal is missed."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable

NAMES = ("judge", "ingest", "scorecard", "desk", "apply", "nudges", "brief", "storage")


def main(wanted: list[str]) -> int:
    """Run the benchmarks whose names begin with one of `wanted` (all but storage, if none is named)."""
    from tests.services import postgresql

    unknown = [prefix for prefix in wanted if not any(name.startswith(prefix) for name in NAMES)]
    if unknown:
        sys.exit(
            f"no benchmark begins with {', '.join(unknown)}; expected {', '.join(NAMES)}, or none for all but storage"
        )
    with tempfile.TemporaryDirectory(prefix="quality-bench-") as folder, postgresql() as url:
        os.environ |= {"DATABASE_URL": url, "VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "config.settings"}
        import django

        django.setup()
        from django.core.management import call_command

        from bench import applying, briefing, ingesting, judging, nudging, previewing, reading, storage
        from bench.report import Report
        from bench.sqlite import PARTS, measure_on_sqlite

        call_command("migrate", verbosity=0)
        report = Report()
        parts: tuple[Callable[[Report], None], ...]
        parts = (
            judging.run,
            ingesting.run,
            reading.run,
            previewing.measure,
            applying.measure,
            nudging.measure,
            briefing.measure,
            storage.run,
        )
        for name, part in zip(NAMES, parts, strict=True):
            if any(name.startswith(prefix) for prefix in wanted) if wanted else name != "storage":
                print(f"-- {name} …", flush=True)
                part(report)
                if name in PARTS:
                    measure_on_sqlite(name, report)
        return report.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The permission matrix: every route and method asked as every subject, and again with guards taken out."""

from __future__ import annotations

import time

from drills.figures import Figure, say
from drills.ground import ground

ROWS, SECONDS = 200, 900.0


def main() -> None:
    """Ask every line of tests/access/matrix.txt, then see each sabotage turn it red."""
    began = time.monotonic()
    with ground():
        from django.test.utils import setup_test_environment, teardown_test_environment

        setup_test_environment()
        _ask()
        teardown_test_environment()
    seconds = round(time.monotonic() - began, 1)
    _say("seconds", seconds, "s", f"<= {SECONDS:g}", seconds <= SECONDS)


def _ask() -> None:
    from tests.access.asking import differences, route_of, routes, unlisted
    from tests.access.sabotage import SABOTAGE, rows_that_see, without
    from tests.access.table import FILE, filled, read
    from tests.access.world import built

    table = read(FILE.read_text(encoding="utf-8"))
    with built() as world:
        asked = {route_of(filled(row.address, world.names)) for row in table.rows}
        missing = sorted(set(routes()) - asked)
        faults = [fault for row in table.rows for fault in differences(world, row)]
        beyond = unlisted(world, table.rows)
        reds = 0
        for name in SABOTAGE:
            with without(name, world):
                reds += any(differences(world, row) for row in rows_that_see(name, table.rows))
    answers = sum(len(row.expected) for row in table.rows)
    _say("routes", len(asked), "routes with a line", f">= {len(asked)}: each has one", not missing)
    _say("rows", len(table.rows), "requests: a method, an address, a body", f">= {ROWS}", len(table.rows) >= ROWS)
    _say("answers", answers, "requests × subjects, as written by hand", "all as written", not faults)
    _say("wrong", len(faults), "; ".join(faults[:3]) or "answers that are not", "0", not faults)
    _say("unlisted", len(beyond), "; ".join(beyond[:3]) or "methods without a line that did something", "0", not beyond)
    _say("sabotage", reds, "guards taken out and seen", str(len(SABOTAGE)), reds == len(SABOTAGE))


def _say(name: str, value: float, unit: str, goal: str, ok: bool) -> None:
    say(Figure(f"access.{name}", value, unit, goal, ok))


if __name__ == "__main__":
    main()

"""`make drill`: each drill in a process of its own, a JSON object a line, then a table; fails if a goal is missed."""

from __future__ import annotations

import json
import subprocess
import sys

from drills.figures import table
from drills.ground import ROOT

DRILLS = ("kill9", "worker_killed", "outages", "ninety_days", "links", "ingest", "ssrf", "access")


def main() -> int:
    """Run the drills named on the command line, or all."""
    chosen = sys.argv[1:] or DRILLS
    figures, broken = [], []
    for name in chosen:
        print(f"# drill {name}", file=sys.stderr, flush=True)
        child = subprocess.Popen([sys.executable, "-m", f"drills.{name}"], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("{"):
                print(line, end="", flush=True)
                figures.append(json.loads(line))
        if child.wait() != 0:
            broken.append(name)
    print(f"\n{table(figures)}")
    missed = [str(figure["name"]) for figure in figures if not figure["ok"]]
    for name in broken:
        print(f"\ndrill {name} broke off before its end")
    print(f"\n{len(missed)} goals missed: {', '.join(missed)}" if missed else "\nEvery goal is met.")
    return 1 if missed or broken or not figures else 0


if __name__ == "__main__":
    sys.exit(main())

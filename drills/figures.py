"""A figure of a drill: one JSON object a line, and a readable table of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Figure:
    """What was measured and what it should be; a drill fails if one of its figures is not ok."""

    name: str
    value: float | int
    unit: str
    goal: str
    ok: bool
    against: str | None = None
    ratio: float | None = None

    def line(self) -> str:
        """The figure as JSON."""
        return json.dumps(asdict(self))


def say(figure: Figure) -> None:
    """Print one figure at once."""
    print(figure.line(), flush=True)


def table(figures: Iterable[dict[str, object]]) -> str:
    """Figures for a reader."""
    rows = [
        (str(f["name"]), f"{f['value']} {f['unit']}", str(f["goal"]), "ok" if f["ok"] else "MISSED") for f in figures
    ]
    head = ("figure", "value", "goal", "")
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(line.rstrip() for line in (lines[0], "-" * len(lines[0]), *lines[1:]))

"""The small pictures of a brief: a metric's total against its path, drawn from the points that the brief keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from program import wording
from teams.boards import Trend

MOST_POINTS = 40
WIDTH, HEIGHT, EDGE = 240, 56, 3
"""In units of the drawing, which scales to where it stands."""


@dataclass(frozen=True)
class Picture:
    """One drawing: `points` of two lines for SVG, and what it shows in a sentence."""

    value: str
    path: str
    last: tuple[str, str]
    """where the newest value is"""
    told: str
    width: int = WIDTH
    height: int = HEIGHT


def kept(trend: Trend, since: date) -> list[list[Any]]:
    """The points of a total from a day on, at most 40, as a brief keeps them: [day, value, expected]."""
    known = [point for point in trend.points if point.day >= since]
    step = max(1, -(-len(known) // MOST_POINTS))
    thinned = known[::-1][::step][::-1]  # the newest one stays
    return [[point.day.isoformat(), point.value, point.expected] for point in thinned]


def drawn(line: Mapping[str, Any]) -> Picture | None:
    """The picture of a kept metric line; None with fewer than two values."""
    chart: Sequence[Sequence[Any]] = line["chart"]
    known = [(date.fromisoformat(day).toordinal(), value, expected) for day, value, expected in chart]
    values = [value for _, value, _ in known if value is not None]
    if len(values) < 2:
        return None
    levels = [*values, *(expected for _, _, expected in known if expected is not None)]
    low, high, first, last = min(levels), max(levels), known[0][0], known[-1][0]

    def at(day: int, level: float) -> tuple[str, str]:
        across = (day - first) / ((last - first) or 1) * (WIDTH - 2 * EDGE) + EDGE
        up = (level - low) / ((high - low) or 1.0) * (HEIGHT - 2 * EDGE)
        return f"{across:.1f}", f"{HEIGHT - EDGE - up:.1f}"

    newest = next((day, value) for day, value, _ in reversed(known) if value is not None)
    return Picture(
        value=_points(at(day, value) for day, value, _ in known if value is not None),
        path=_points(at(day, expected) for day, _, expected in known if expected is not None),
        last=at(*newest),
        told=(
            f"{line['name']} from {wording.day(date.fromisoformat(chart[0][0]))} to"
            f" {wording.day(date.fromisoformat(chart[-1][0]))}: the value as a strong line, its path as a thin one"
        ),
    )


def _points(places: Any) -> str:
    return " ".join(f"{across},{up}" for across, up in places)

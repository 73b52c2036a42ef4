"""One figure of a benchmark: printed as JSON, gathered into a table, and held against its goal."""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

NO_GOAL = "no goal"


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured (median), against what, and whether the ratio reaches the goal."""

    name: str
    value: float
    unit: str
    against: float
    ratio: float
    goal: str
    ok: bool


class Report:
    """Gathers figures; prints each as it comes."""

    def __init__(self) -> None:
        self.figures: list[Figure] = []

    def at_most(self, name: str, value: float, unit: str, against: float, most: float) -> None:
        """A figure whose ratio to its floor must not exceed a limit."""
        ratio = value / against if against else float("inf")
        ok = ratio <= most
        self._add(Figure(name, _round(value), unit, _round(against), round(ratio, 3), f"≤ {most:g}", ok))

    def at_least(self, name: str, value: float, unit: str, against: float, least: float) -> None:
        """A figure whose ratio to its floor must reach a limit."""
        ratio = value / against if against else float("inf")
        ok = ratio >= least
        self._add(Figure(name, _round(value), unit, _round(against), round(ratio, 3), f"≥ {least:g}", ok))

    def note(self, name: str, value: float, unit: str, against: float) -> None:
        """A figure for orientation, without a goal."""
        ratio = value / against if against else float("inf")
        self._add(Figure(name, _round(value), unit, _round(against), round(ratio, 3), NO_GOAL, True))

    def take(self, figure: Figure) -> None:
        """A figure that another process measured."""
        self._add(figure)

    def _add(self, figure: Figure) -> None:
        self.figures.append(figure)
        print(json.dumps(asdict(figure), ensure_ascii=False), flush=True)

    def close(self) -> int:
        """Print the table; 1 if a goal was missed, else 0."""
        width = max(len(figure.name) for figure in self.figures)
        print()
        for figure in self.figures:
            verdict = "      " if figure.goal == NO_GOAL else "ok    " if figure.ok else "MISSED"
            measured = f"{figure.value:>10,.2f} {figure.unit:<10} against {figure.against:>10,.2f}"
            print(f"{verdict} {figure.name:<{width}} {measured}  ratio {figure.ratio:>7.2f}  {figure.goal}")
        missed = sum(1 for figure in self.figures if not figure.ok)
        goals = sum(1 for figure in self.figures if figure.goal != NO_GOAL)
        print(f"\n{goals - missed} of {goals} goals reached. Next: make drill, or mend what missed.")
        return 1 if missed else 0


def median_ms(
    work: Callable[[], Any], times: int = 7, warm: int = 1, before: Callable[[], Any] = lambda: None
) -> float:
    """The median time of some calls, in milliseconds, after calls that do not count; nor does what is done `before`
    each."""
    for _ in range(warm):
        before()
        work()
    taken = []
    for _ in range(times):
        before()
        gc.collect()
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def pair_ms(ours: Callable[[], Any], floor: Callable[[], Any], times: int = 7, warm: int = 1) -> tuple[float, float]:
    """Medians of two pieces of work done in turn, so that a drifting machine drifts for both."""
    for _ in range(warm):
        ours()
        floor()
    a: list[float] = []
    b: list[float] = []
    for _ in range(times):
        for work, taken in ((floor, b), (ours, a)):
            gc.collect()
            began = time.perf_counter()
            work()
            taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(a), statistics.median(b)


def _round(number: float) -> float:
    return round(number, 3)

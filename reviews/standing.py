"""Where a program stands in one sentence: its value against its path, of the metric that is furthest behind."""

from __future__ import annotations

from collections.abc import Sequence

from program import wording as say
from program.rules.numbers import reached, shortfall
from teams.day_totals import Total

NOTHING = "Nothing is measured yet."
APART = "Each team has its own number: what they measure does not add up to one."


def sentence(found: Sequence[Total]) -> str:
    """ "Functions with full annotations: 33 %, 18 points behind its path; 1 more metric behind." """
    judged = [(behind(total), total) for total in found if total.value is not None]
    if not judged:
        return APART if any(total.as_of is not None for total in found) else NOTHING
    _, worst = max(judged, key=lambda pair: pair[0])
    more = sum(1 for far, _ in judged if far > 0) - 1
    rest = f"; {say.count(more, 'more metric')} behind" if more > 0 else ""
    return f"{_line(worst)}{rest}."


def _line(total: Total) -> str:
    unit, aggregation, up = total.version.unit, total.version.aggregation, total.version.direction == "up"
    if total.value is None:
        return f"{total.metric.name}: not measured"
    if total.target is not None and reached(total.value, total.target, up):
        return f"{total.metric.name}: {say.value(total.value, unit, aggregation)}, its target"
    if total.expected is None:
        return f"{total.metric.name}: {say.value(total.value, unit, aggregation)}, without a path"
    gap = shortfall(total.value, total.expected, up)
    value, path = say.apart(total.value, total.expected, unit, aggregation)
    if not gap:
        return f"{total.metric.name}: {value}, on its path of {path}"
    return f"{total.metric.name}: {value}, {say.gap(gap, unit, aggregation)} behind its path of {path}"


def behind(total: Total) -> float:
    """How far behind its path, as a share of it, so that metrics compare."""
    if total.value is None or total.expected is None:
        return 0.0
    return shortfall(total.value, total.expected, total.version.direction == "up") / (abs(total.expected) or 1.0)

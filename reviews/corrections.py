"""What has been corrected since a brief was frozen: shown beside its numbers, never instead of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from program import wording as say
from program.rules.numbers import equal
from teams.day_totals import Total, measured_on

from .models import Brief


def of_its_day(frozen: Brief) -> list[Total]:
    """The totals of a brief's day by the measurements held now, of the teams that took part when it was frozen: a wave
    that opens later corrects nothing. Two queries."""
    return measured_on(frozen.review.program, date.fromisoformat(frozen.content["on"]), frozen.frozen_at)


def since(content: Mapping[str, Any], its_day: Sequence[Total]) -> dict[str, str]:
    """By metric key: what the brief's number of its day is by now, where that is another one.

    A metric computed in a new way since is not compared: values of two versions are never set beside each other.
    """
    kept = {line["key"]: line["numbers"] for line in content["metrics"] if not line.get("guardrail")}
    found = {}
    for total in its_day:
        numbers = kept.get(total.metric.key)
        if numbers is None or numbers["version"] != total.version.number or _same(numbers["value"], total.value):
            continue
        unit, aggregation = total.version.unit, total.version.aggregation
        then, now = say.apart(numbers["value"], total.value, unit, aggregation)
        if total.value is None:
            found[total.metric.key] = f"since corrected: no value on that day any more (was {then})"
        else:
            found[total.metric.key] = f"since corrected: {now} on that day"
    return found


def _same(kept: float | None, now: float | None) -> bool:
    if kept is None or now is None:
        return kept is None and now is None
    return equal(kept, now)

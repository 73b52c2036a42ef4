"""Watches a charter's stop criterion: from review to review, by the numbers that the briefs kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from program import wording as say
from program.models import Program
from program.rules import stopping
from teams.day_totals import Total

from .models import Brief, Review

COME_TRUE = "Its own criterion has come true"
"""How a brief begins to say so, and by which it is known later that it did."""


@dataclass(frozen=True)
class Watched:
    """What became of the criterion: `true` is None while it cannot be known. `said` is one sentence or two."""

    true: bool | None
    said: str


def watch(program: Program, review: Review, on: date, totals: Sequence[Total]) -> Watched | None:
    """The criterion judged for a review's brief; None where its words hold nothing that can be measured. One query."""
    criterion = stopping.read(program.stop_if)
    names = {total.metric.key: total.metric.name for total in totals}
    key = stopping.subject_of(criterion, names) if criterion else None
    if criterion is None or key is None:
        return None
    total = next(one for one in totals if one.metric.key == key)
    version, text = total.version, program.stop_if.strip().rstrip(".")
    briefs = Brief.objects.before(review).order_by("-review__starts_at")
    kept = list(briefs.values_list("content__on", "content__metrics")[: criterion.reviews])
    missing = criterion.reviews - len(kept)
    if missing > 0:
        when = say.count(missing, "more review")
        return Watched(None, f"Its own criterion, stop if {text}, can be judged after {when}.")
    values = [_value(metrics, key, version.number) for _, metrics in reversed(kept)]
    scale = 100.0 if say.is_percent(version.unit, version.aggregation) else 1.0
    found = stopping.judge(criterion, [*values, total.value], up=version.direction == "up", scale=scale)
    if found is None:
        return Watched(None, f"Its own criterion, stop if {text}, cannot be judged: its numbers do not compare.")
    by, unit, aggregation = found.now - found.then, version.unit, version.aggregation
    moved = (
        say.change_beside(by, criterion.by / scale, unit, aggregation)
        if criterion.by
        else say.change(by, unit, aggregation)
    )
    since = say.near_day(date.fromisoformat(kept[-1][0]), on)
    became = COME_TRUE if found.true else "Its own criterion has not come true"
    return Watched(found.true, f"{became}: stop if {text}. {names[key]}: {moved} since {since}.")


def _value(metrics: Sequence[dict], key: str, version: int) -> float | None:
    """What a brief kept of a metric by the same ruler."""
    same = [line["numbers"] for line in metrics if line["key"] == key and line["numbers"]["version"] == version]
    return same[0]["value"] if same else None

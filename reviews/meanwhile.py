"""What is newer than a frozen brief, until its review is over: measurements, a criterion that they turn, priorities."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from accounts.clock import today
from program import wording as say
from program.rules.numbers import equal
from teams.day_totals import Total

from . import course
from .models import Brief, Priority
from .stopping import COME_TRUE, watch

MOST = 4


def noted(frozen: Brief, now: datetime) -> list[str]:
    """Changes of priorities that came after it. One query, none once the review is over."""
    review = frozen.review
    if review.ends_at <= now:
        return []
    on = today(review.zone, now)
    later = Priority.objects.filter(program=review.program, at__gt=frozen.frozen_at, over_at=None).select_related("by")
    return [
        f"{one.by} noted on {say.near_day(today(review.zone, one.at), on)}, after the brief: "
        f"“{' '.join(one.text.split())}”."
        for one in later
    ]


def measured(frozen: Brief, its_day: Sequence[Total], now: datetime) -> list[str]:
    """Each number in a sentence, so that nobody decides by older ones than there are; none once the review is over.

    `its_day` are the totals of the brief's day by now (corrections.of_its_day): what is the same then is not newer.
    """
    review, content = frozen.review, frozen.content
    if review.ends_at <= now:
        return []
    program, on = review.program, today(review.zone, now)
    present = course.totals_on(program, on)
    kept = {line["key"]: line["numbers"] for line in content["metrics"] if not line.get("guardrail")}
    then = {total.version.pk: total.value for total in its_day}
    moved = [total for total in present if not _same(total.value, then.get(total.version.pk))]
    newer = [said for total in moved if (said := _measured(total, kept.get(total.metric.key), on))]
    found = newer[:MOST]
    if len(newer) > MOST:
        found.append(f"And {say.count(len(newer) - MOST, 'more metric')} measured since.")
    watched = watch(program, review, on, present)
    if watched is not None and watched.true is not None:
        came_true = content.get("question", "").startswith(COME_TRUE)
        if watched.true != came_true:
            found.append(f"By what was measured since the brief: {watched.said[0].lower()}{watched.said[1:]}")
    return found


def _same(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else equal(one, other)


def _measured(total: Total, kept: dict | None, on: date) -> str:
    """A metric's total by later measurements, by the same ruler; empty where it is as the brief says."""
    if kept is None or total.value is None or kept["value"] is None or kept["version"] != total.version.number:
        return ""
    if equal(total.value, kept["value"]) or total.as_of is None:
        return ""
    unit, aggregation = total.version.unit, total.version.aggregation
    then, now = say.apart(kept["value"], total.value, unit, aggregation)
    moved = say.change(total.value - kept["value"], unit, aggregation)
    name, since = total.metric.name, say.near_day(total.as_of, on)
    return f"{name}: {now} by the numbers held now, as of {since}; {moved} since the brief said {then}."

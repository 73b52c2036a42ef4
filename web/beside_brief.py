"""What stands beside a frozen brief, worked out when anything changes: corrections of its day, and what is newer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.core.cache import caches

from accounts.clock import today
from reviews import corrections, meanwhile
from reviews.models import Brief
from web import freshness

KEPT = 60
"""Seconds for which numbers are kept while nothing is measured; in the room something is written all the time."""


@dataclass(frozen=True)
class Beside:
    """`corrected` is by metric key."""

    corrected: Mapping[str, str]
    newer: Sequence[str]


NOTHING = Beside({}, ())


def of(frozen: Brief | None, moment: datetime) -> Beside:
    """Of a brief, or of none."""
    if frozen is None:
        return NOTHING
    review = frozen.review
    is_over = review.ends_at <= moment
    run, _audit, standing, due = freshness.newest()
    name = freshness.short(["beside", review.pk, is_over or today(review.zone, moment), run, standing, due])
    held: Beside | None = caches["pages"].get(name)
    if held is None:
        its_day = corrections.of_its_day(frozen)
        held = Beside(corrections.since(frozen.content, its_day), meanwhile.measured(frozen, its_day, moment))
        caches["pages"].set(name, held, KEPT)
    return replace(held, newer=[*held.newer, *meanwhile.noted(frozen, moment)])

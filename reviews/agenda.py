"""The agenda of a review: its points with their time boxes, which fill the time there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import User
from teams.typed import Unfit

from .models import Review

MOST_POINTS = 12
LONGEST_TITLE = 100
TITLES = {
    "asks": "What became of the last asks",
    "verdict": "The verdict and its numbers",
    "leaders": "Asks, leader by leader",
    "surprises": "What might surprise",
    "decisions": "Decisions wanted",
}
"""The usual points, by what each needs from the brief."""


@dataclass(frozen=True)
class Point:
    """One point. `about` names what it needs from the brief; empty: nothing."""

    title: str
    minutes: int
    about: str = ""


@dataclass(frozen=True)
class Boxed:
    """A point with the time it has."""

    point: Point
    begins: datetime
    ends: datetime

    def is_on(self, moment: datetime) -> bool:
        """Whether it is being talked about, if all keep to their time."""
        return self.begins <= moment < self.ends


def of(review: Review, brief: Mapping[str, Any] | None) -> list[Point]:
    """The points of a review: those that were set, else the usual ones."""
    if review.agenda:
        return [Point(one["title"], one["minutes"], one.get("about", "")) for one in review.agenda]
    return usual(review.minutes, brief)


def usual(minutes: int, brief: Mapping[str, Any] | None) -> list[Point]:
    """The five usual points: the more the brief has to say on one, the more of the time it gets; a minute at least."""
    shown = brief or {"past_asks": (), "leaders": (), "surprises": (), "decisions": ()}
    weights = {
        "asks": min(1 + len(shown["past_asks"]), 5),
        "verdict": 4,
        "leaders": 2 + 2 * min(len(shown["leaders"]), 4),
        "surprises": min(1 + len(shown["surprises"]), 4),
        "decisions": min(3 + len(shown["decisions"]), 7),
    }
    if minutes < len(weights):
        return [Point(TITLES["decisions"], minutes, "decisions")]
    free = minutes - len(weights)
    exact = {about: free * weight / sum(weights.values()) for about, weight in weights.items()}
    boxes = {about: 1 + int(share) for about, share in exact.items()}
    most = sorted(exact, key=lambda about: exact[about] - int(exact[about]), reverse=True)
    for about in most[: minutes - sum(boxes.values())]:
        boxes[about] += 1
    return [Point(TITLES[about], boxes[about], about) for about in TITLES]


def boxed(points: Sequence[Point], begins: datetime) -> list[Boxed]:
    """The points one after the other."""
    found = []
    for point in points:
        ends = begins + timedelta(minutes=point.minutes)
        found.append(Boxed(point, begins, ends))
        begins = ends
    return found


def change(review: Review, points: Sequence[Point], now: datetime, *, by: User) -> None:
    """Set the points; none: the usual ones again. Raises Unfit."""
    taken = sum(point.minutes for point in points)
    if len(points) > MOST_POINTS:
        raise Unfit(f"At most {MOST_POINTS} points were expected, not {len(points)}.")
    if taken > review.minutes:
        raise Unfit(f"The points take {taken} minutes, and the review has {review.minutes}.")
    after = [asdict(point) for point in points]
    with transaction.atomic():
        held = Review.objects.select_for_update().get(pk=review.pk)
        if held.agenda != after:
            Review.objects.filter(pk=review.pk).update(agenda=after)
            audit.record("agenda", review.key, at=now, actor=by, before=held.agenda, after=after)
    review.agenda = after

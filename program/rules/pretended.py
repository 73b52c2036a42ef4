"""The same goal, begun earlier: what a goal would have said of a team day by day, had it been set in the past.

A goal that runs from start to due is pretended to have begun on another day, with the same length and:

- its baseline taken by the same rule on that day;
- the same share of the way: `improve_by` as it is; for a target, the share of the way from the baseline to the ideal
  that the target is today, from the baseline of then (a team that is past its target is past it by as large a share).
  Where a metric has no ideal, or the baseline is there, the same distance;
- milestones at the same share of the time and of the way; the same tolerance; no exemptions, nothing held.

Each day is then judged as status.py judges it, and answers no more than a nudge asks: fine, short or neither.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .glidepath import IDEAL, target_by_share
from .numbers import reached
from .track import NEVER, Track

NEITHER, FINE, SHORT = 0, 1, 2
"""No data or stale; met or on track; at risk, behind or overdue."""
CLOSE = 1e-6


class Place(NamedTuple):
    """Where a day lies on a path: in which of its pieces, how far through it, and whether the due day is over."""

    day: int
    piece: int
    through: float
    over: bool


@dataclass(frozen=True, slots=True)
class Course:
    """The days of a path, which all teams share: start, milestones, due (ordinals)."""

    corners: Sequence[int]

    @property
    def start(self) -> int:
        """The first day."""
        return self.corners[0]

    @property
    def due(self) -> int:
        """The last day."""
        return self.corners[-1]

    def begun(self, start: int) -> Course:
        """The same course from another day on."""
        return Course([corner - self.start + start for corner in self.corners])

    def place(self, day: int) -> Place:
        """Where a day lies."""
        if day >= self.due:
            return Place(day, len(self.corners) - 2, 1.0, day > self.due)
        if day <= self.start:
            return Place(day, 0, 0.0, False)
        after = bisect_left(self.corners, day)
        first, second = self.corners[after - 1], self.corners[after]
        return Place(day, after - 1, (day - first) / (second - first), False)


@dataclass(frozen=True, slots=True)
class Pretended:
    """One team's goal, begun earlier: the level at each corner of its course, and from when its baseline was known."""

    track: Track
    known_from: int
    levels: Sequence[float]
    allowed: float
    """how far off the path is still on it"""


@dataclass(frozen=True, slots=True)
class Begun:
    """A goal line begun earlier: its course, and by team (whatever names it) its goal."""

    course: Course
    goals: Mapping[int, Pretended]
    fresh_for: int
    up: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What a goal asks of one team as it stands: from where to where, by way of milestones (their values)."""

    baseline: float
    target: float
    milestones: Sequence[float] = ()
    improve_by: float | None = None


def pretend(
    track: Track, asked: Asked, course: Course, today: int, *, aggregation: str, up: bool, tolerance: float
) -> Pretended | None:
    """The goal begun at the course's start; None where the team has nothing measured until today."""
    at = track.baseline(course.start, today)
    if at is None:
        return None
    baseline = track.values[at]
    target = _target(baseline, asked, aggregation, up=up)
    way = asked.target - asked.baseline
    levels = [baseline]
    for milestone in asked.milestones:
        levels.append(baseline + (target - baseline) * ((milestone - asked.baseline) / way) if way else target)
    levels.append(target)
    if reached(baseline, target, up):
        levels = [target] * len(levels)
    return Pretended(track, max(course.start, track.days[at]), levels, tolerance * abs(target - baseline))


def _target(baseline: float, asked: Asked, aggregation: str, *, up: bool) -> float:
    direction = "up" if up else "down"
    if asked.improve_by is not None:
        return target_by_share(baseline, asked.improve_by, aggregation, direction)
    ideal = IDEAL.get((aggregation, direction))
    if ideal is None or reached(asked.baseline, ideal, up):
        return baseline + asked.target - asked.baseline
    return target_by_share(baseline, (asked.target - asked.baseline) / (ideal - asked.baseline), aggregation, direction)


class Look(NamedTuple):
    """A day on which a track is asked: where it lies on the path, and which of the track's steps holds then (fresh)."""

    day: int
    step: int
    """-1: nothing, or stale"""
    piece: int
    through: float
    over: bool


def looks(track: Track, places: Sequence[Place], fresh_for: int) -> list[Look]:
    """How these days (in order) look on a track; the same for all tracks with the same steps."""
    steps, as_of, last = track.steps, track.as_of, len(track.steps) - 1
    at = bisect_right(steps, places[0].day) - 1 if places else -1
    found = []
    for day, piece, through, over in places:
        while at < last and steps[at + 1] <= day:
            at += 1
        known = at >= 0 and as_of[at] != NEVER and day - as_of[at] <= fresh_for
        found.append(Look(day, at if known else -1, piece, through, over))
    return found


def on_days(goal: Pretended, asked: Sequence[Look], *, up: bool) -> list[int]:
    """What the goal would have said on each of these days: NEITHER, FINE or SHORT."""
    held, levels = goal.track.held, goal.levels
    target, allowed, known_from = levels[-1], goal.allowed if up else -goal.allowed, goal.known_from
    found = []
    for day, step, piece, through, over in asked:
        value = held[step] if step >= 0 and day >= known_from else None
        if value is None:
            found.append(NEITHER)
            continue
        level = target
        if not over:  # on its path or at its target: the easier of the two decides
            begin = levels[piece]
            path = begin + (levels[piece + 1] - begin) * through - allowed
            if path < target if up else path > target:
                level = path
        # What counts as equal is asked only where it may be.
        missing = level - value if up else value - level
        if missing > CLOSE and missing > CLOSE * (1 + abs(level) + abs(value)):
            found.append(SHORT)
        else:
            found.append(FINE if missing <= 0 or reached(value, level, up) else SHORT)
    return found


def turning_days(goal: Pretended, course: Course, after: int, before: int, fresh_for: int) -> list[int]:
    """The days between two on which a goal may have been fine, if it was at all on a day between them.

    A value stands still from one step to the next, and the path is straight between its corners. So where the path
    never turns back, only the day of a step can be better than the day before it, and the day after the first one;
    else also the last day of a step, the last on which it is fresh, and the corners.
    """
    track = goal.track
    first, last = bisect_right(track.steps, after), bisect_left(track.steps, before)
    days = set(track.steps[first:last])
    if not _straight_on(goal.levels):
        days |= set(course.corners)
        for at in range(max(0, first - 1), last):
            days |= {track.steps[at] - 1, track.as_of[at] + fresh_for}
        days.add(before - 1)
    days.add(after + 1)
    return sorted(day for day in days if after < day < before)


def _straight_on(levels: Sequence[float]) -> bool:
    """Whether a path goes one way only: up, or down, or nowhere."""
    return len(levels) == 2 or list(levels) in (sorted(levels), sorted(levels, reverse=True))

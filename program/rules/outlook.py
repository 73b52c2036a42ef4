"""A goal judged on a day from a track: the same answer as judge() gives, for a thousand teams at a time."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from .forecast import reaches
from .numbers import reached
from .series import NOTHING, Value
from .status import Status, Terms, path_on, status_of, target_of
from .track import Track


class Outlook(NamedTuple):
    """What a judgment says, without slip, gap and trail; the forecast only where the status rests on it."""

    status: Status
    reason: str
    value: float | None
    as_of: date | None
    baseline: float | None
    baseline_as_of: date | None
    target: float | None
    expected: float | None
    forecast: date | None


def outlook(terms: Terms, track: Track, day: date) -> Outlook:
    """Judge a goal on a day; later points of the track are not looked at."""
    value, measured = track.on(day.toordinal())
    as_of = None if measured is None else date.fromordinal(measured)
    now = NOTHING if as_of is None else Value(value, as_of, 0, 0.0, 0.0)
    baseline = _baseline(terms, track, day)
    target = target_of(terms, baseline)
    path = path_on(terms, baseline, target, day)
    status, reason = status_of(terms, now, baseline, target, path, None, day)
    forecast = None
    if status is Status.BEHIND and target is not None:
        forecast = _forecast(track, day.toordinal(), target, up=terms.up)
        status, reason = status_of(terms, now, baseline, target, path, forecast, day)
    level, since = (None, None) if baseline is None else (baseline[1], baseline[0])
    return Outlook(status, reason, value, as_of, level, since, target, path, forecast)


def _baseline(terms: Terms, track: Track, day: date) -> tuple[date, float] | None:
    """The recorded baseline, or the one that the data give on the day; none before the start."""
    if day < terms.start:
        return None
    if terms.baseline is not None:
        as_of = terms.baseline_as_of or terms.start
        return (as_of, terms.baseline) if as_of <= day else None
    at = track.baseline(terms.start.toordinal(), day.toordinal())
    return None if at is None else (date.fromordinal(track.days[at]), track.values[at])


def _forecast(track: Track, day: int, target: float, *, up: bool) -> date | None:
    """As forecast() says of the points until a day."""
    until, per_day = track.until(day), track.slope(day)
    if per_day is None or reached(track.values[until - 1], target, up):
        return None
    return reaches(date.fromordinal(track.days[until - 1]), track.values[until - 1], per_day, target, up)

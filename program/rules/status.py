"""The status of a goal on a day: the first of nine rules that applies, with everything it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from .forecast import forecast
from .glidepath import baseline_of, expected, target_by_share
from .numbers import reached, shortfall
from .series import SourceReadings, Value, points, value_on, with_value


class Status(StrEnum):
    """The nine words, worst first: the order of a scorecard."""

    OVERDUE = "overdue"
    BEHIND = "behind"
    AT_RISK = "at risk"
    STALE = "stale"
    NO_DATA = "no data"
    ON_TRACK = "on track"
    UPCOMING = "upcoming"
    MET = "met"
    EXEMPT = "exempt"


WORST_FIRST: dict[str, int] = {status: position for position, status in enumerate(Status)}
SHORT = frozenset({Status.AT_RISK, Status.BEHIND, Status.OVERDUE})
FINE = frozenset({Status.MET, Status.ON_TRACK})
BEHIND_OR_OVERDUE = frozenset({Status.BEHIND, Status.OVERDUE})
TO_THE_PATH = frozenset({Status.AT_RISK, Status.BEHIND})


@dataclass(frozen=True, slots=True)
class Terms:
    """What a goal asks, in force on the day that is judged. Exactly one of target and improve_by (0 to 1) is set.

    `baseline` and `baseline_as_of` are the recorded ones; None while the baseline still follows the data.
    `outdated` says that the metric has a newer version than the goal's. Exemptions are inclusive (from, until).
    """

    direction: str
    aggregation: str
    fresh_for: int
    start: date
    due: date
    target: float | None = None
    improve_by: float | None = None
    tolerance: float = 0.0
    milestones: Sequence[tuple[date, float]] = ()
    baseline: float | None = None
    baseline_as_of: date | None = None
    outdated: bool = False
    exemptions: Sequence[tuple[date, date]] = ()

    @property
    def up(self) -> bool:
        """Whether more is better."""
        return self.direction == "up"

    def is_exempt(self, day: date) -> bool:
        """Whether an approved exemption covers the day."""
        return any(first <= day <= last for first, last in self.exemptions)


@dataclass(frozen=True, slots=True)
class Judgment:
    """A goal judged on a day. Numbers are in the metric's unit; None where there is none.

    `level` is what gap and trail are measured to; `totals` is what the value was made of.
    """

    day: date
    status: Status
    reason: str
    slipped: bool
    value: float | None
    as_of: date | None
    baseline: float | None
    baseline_as_of: date | None
    target: float | None
    expected: float | None
    gap: float | None
    forecast: date | None
    level: float | None
    totals: Value


def judge(terms: Terms, sources: Sequence[SourceReadings], day: date) -> Judgment:
    """Judge a goal on a day from the snapshots up to that day; later ones in `sources` are not looked at."""
    up = terms.up
    series = with_value(points(terms.aggregation, sources, day))
    now = value_on(terms.aggregation, sources, day)
    baseline = _baseline(terms, series, day)
    target = target_of(terms, baseline)
    path = path_on(terms, baseline, target, day)
    reaches = forecast(series, target, up) if target is not None else None
    status, reason = status_of(terms, now, baseline, target, path, reaches, day)
    level = path if status in TO_THE_PATH else target
    return Judgment(
        day=day,
        status=status,
        reason=reason,
        slipped=status in SHORT and _was_fine(terms, sources, series, baseline),
        value=now.value,
        as_of=now.as_of,
        baseline=None if baseline is None else baseline[1],
        baseline_as_of=None if baseline is None else baseline[0],
        target=target,
        expected=path,
        gap=None if now.value is None or level is None else shortfall(now.value, level, up),
        forecast=reaches,
        level=level,
        totals=now,
    )


def _baseline(terms: Terms, series: Sequence[tuple[date, float]], day: date) -> tuple[date, float] | None:
    """The baseline that may be used on the day: none before the start, nor one recorded from a later snapshot."""
    if day < terms.start:
        return None
    if terms.baseline is not None:
        as_of = terms.baseline_as_of or terms.start
        return (as_of, terms.baseline) if as_of <= day else None
    return baseline_of(series, terms.start)


def target_of(terms: Terms, baseline: tuple[date, float] | None) -> float | None:
    """What is to be reached; None while `improve_by` has no baseline."""
    if terms.target is not None or terms.improve_by is None:
        return terms.target
    if baseline is None:
        return None
    return target_by_share(baseline[1], terms.improve_by, terms.aggregation, terms.direction)


def path_on(terms: Terms, baseline: tuple[date, float] | None, target: float | None, day: date) -> float | None:
    """Where the value should be on a day; None without a baseline or a target."""
    if baseline is None or target is None:
        return None
    return expected(
        day,
        start=terms.start,
        baseline=baseline[1],
        due=terms.due,
        target=target,
        up=terms.up,
        milestones=terms.milestones,
    )


def status_of(
    terms: Terms,
    now: Value,
    baseline: tuple[date, float] | None,
    target: float | None,
    path: float | None,
    reaches: date | None,
    day: date,
) -> tuple[Status, str]:
    """The first rule that applies, and its reason where the word alone does not say it."""
    if terms.is_exempt(day):
        return Status.EXEMPT, ""
    if now.as_of is None:
        return Status.NO_DATA, "nothing has been measured yet"
    if now.value is None:
        return Status.NO_DATA, "the newest snapshot has no value"
    age = (day - now.as_of).days
    if age > terms.fresh_for:
        return Status.STALE, f"last seen {age} days ago, fresh for {terms.fresh_for}"
    if terms.outdated:
        return Status.STALE, "the metric has a newer version; an owner has to set the baseline anew"
    if day < terms.start:
        return Status.UPCOMING, ""
    if baseline is None or target is None or path is None:
        return Status.NO_DATA, "there is no baseline yet"
    if reached(now.value, target, terms.up):
        return Status.MET, ""
    if day > terms.due:
        return Status.OVERDUE, ""
    allowed = terms.tolerance * abs(target - baseline[1])
    if reached(now.value, path - allowed if terms.up else path + allowed, terms.up):
        return Status.ON_TRACK, ""
    if reaches is not None and reaches <= terms.due:
        return Status.AT_RISK, ""
    return Status.BEHIND, ""


def _was_fine(
    terms: Terms,
    sources: Sequence[SourceReadings],
    series: Sequence[tuple[date, float]],
    baseline: tuple[date, float] | None,
) -> bool:
    """Whether the previous point, judged on its own day by the present terms, was met or on track.

    On the start day the value is its own baseline, so that only `met` counts there. Whether that day was at risk or
    behind is one answer here, so that its forecast need not be known.
    """
    if len(series) < 2:
        return False
    day = series[-2][0]
    if day < terms.start:
        return False
    # The baseline was the same then: the newest point before the start, or the first one after it.
    then = baseline if baseline is not None and baseline[0] <= day else None
    target = target_of(terms, then)
    now = value_on(terms.aggregation, sources, day)
    status, _ = status_of(terms, now, then, target, path_on(terms, then, target, day), None, day)
    return status is Status.MET or (status is Status.ON_TRACK and day > terms.start)

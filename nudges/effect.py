"""What nudges are good for: how goals that were nudged fared against those that were left alone by lot."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from django.db.models import Q

from accounts.clock import today
from program.models import MetricVersion, Program
from program.rules.nudge_effect import LEAST_A_SIDE, Effect, Unit, effect, share_closed, strata, units_needed
from program.rules.statistics import variance
from program.rules.status import FINE, Status
from teams.models import Standing

from .experiments import DRAWS_FOR, HELD_FOR
from .models import Delivery, Lot, Nudge

DAYS = (14, 28)
"""How many days after its lot a goal's gap is read again."""
LATE = timedelta(days=3)
"""A day without a standing is read from up to three days before it."""
WORTH = 0.2
"""The difference that power is computed for: a fifth of the gap."""
SPREAD_BEFORE = 0.5
"""Standard deviation of the share closed that is supposed while too few goals show their own."""
UNREAD = frozenset({Status.NO_DATA, Status.STALE, Status.EXEMPT, Status.UPCOMING})


class Verdict(StrEnum):
    """What the interval says; `TOO_EARLY` while there are too few goals on either side."""

    HELPS = "nudges help"
    HARMS = "nudges harm"
    NOT_SHOWN = "no effect shown"
    TOO_EARLY = "not enough data yet"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One lot and the gaps read after it, by days; None where its day has not come or nothing was known on it."""

    lot: Lot
    gaps: Mapping[int, float | None]
    unit: str
    aggregation: str


@dataclass(frozen=True)
class Measured:
    """The effect so many days after the lots."""

    days: int
    effect: Effect
    waiting: int
    """lots whose day has not come"""
    lost: int
    """lots that cannot be compared: nothing was known on their day (without data, exempt, ended), or the experiment
    had ended before it"""
    needed: int
    """goals in all, nudged and left alone, that would show a difference of WORTH with a power of 80 %"""
    weeks: int | None
    """until so many are there at the pace of late; None where none were drawn"""

    @property
    def verdict(self) -> Verdict:
        """In a word."""
        found = self.effect.interval
        if found is None:
            return Verdict.TOO_EARLY
        if found.low > 0.0:
            return Verdict.HELPS
        return Verdict.HARMS if found.high < 0.0 else Verdict.NOT_SHOWN


def outcomes(programs: Collection[int], now: datetime) -> list[Outcome]:
    """The lots of these programs, newest first, with what was read after them. Three queries."""
    rows = Lot.objects.filter(experiment__program__in=programs).order_by("-drawn_on", "experiment", "stratum", "place")
    lots = list(rows.select_related("experiment__program", "goal__team", "goal__metric"))
    units = _units({lot.goal.metric_id for lot in lots})
    asked: dict[date, set[int]] = defaultdict(set)
    for lot in lots:
        for days in DAYS:
            asked[lot.drawn_on + timedelta(days=days)].add(lot.goal_id)
    wanted = Q(pk__in=[])
    for day, goals in asked.items():
        wanted |= Q(goal__in=goals, day__gt=day - LATE, day__lte=day)
    gaps: dict[int, dict[date, float | None]] = defaultdict(dict)
    standings = Standing.objects.filter(wanted).order_by("day") if lots else Standing.objects.none()
    for goal, day, status, gap in standings.values_list("goal_id", "day", "status", "gap"):
        # On its path a goal's gap is what is missing to its target, later on; of the path it misses nothing.
        gaps[goal][day] = None if status in UNREAD else 0.0 if status in FINE else gap
    return [
        Outcome(lot, {days: _gap_on(gaps[lot.goal_id], lot, days, now) for days in DAYS}, *units[lot.goal.metric_id])
        for lot in lots
    ]


def _units(metrics: Collection[int]) -> dict[int, tuple[str, str]]:
    """Unit and aggregation of metrics, by id."""
    current = MetricVersion.objects.filter(metric__in=metrics, current=True).order_by()
    return {metric: (unit, how) for metric, unit, how in current.values_list("metric_id", "unit", "aggregation")}


def _gap_on(gaps: Mapping[date, float | None], lot: Lot, days: int, now: datetime) -> float | None:
    day = lot.drawn_on + timedelta(days=days)
    if not _has_come(lot, days, now):
        return None
    held = [one for one in gaps if day - LATE < one <= day]
    return gaps[max(held)] if held else None


def _has_come(lot: Lot, days: int, now: datetime) -> bool:
    return lot.drawn_on + timedelta(days=days) <= today(lot.goal.team.time_zone, now)


def measure(found: Sequence[Outcome], days: int, now: datetime) -> Measured:
    """The effect on the share of the gap that was closed after so many days."""
    units, lost, waiting = [], 0, 0
    for one in found:
        gap = one.gaps[days]
        if not _has_come(one.lot, days, now):
            waiting += 1
        elif gap is None or _over(one.lot.experiment.ended_at, one.lot.drawn_on + timedelta(days=days)):
            lost += 1
        else:
            closed = share_closed(one.lot.gap, gap)
            stratum = f"{one.lot.experiment_id} {one.lot.stratum}"
            units.append(Unit(stratum, not one.lot.held_out, closed))
    share = found[0].lot.experiment.share if found else 0.1
    needed = max(units_needed(_spread(units), WORTH, share), math.ceil(LEAST_A_SIDE / min(share, 1 - share)))
    return Measured(days, effect(units), waiting, lost, needed, _weeks(found, len(units), needed, days, now))


def _spread(units: Sequence[Unit]) -> float:
    """The standard deviation of the share closed within strata and sides."""
    parts = [side for both in strata(units) for side in both if len(side) > 1]
    free = sum(len(side) - 1 for side in parts)
    if free < LEAST_A_SIDE:
        return SPREAD_BEFORE
    return math.sqrt(math.fsum(variance(side) * (len(side) - 1) for side in parts) / free) or SPREAD_BEFORE


def _weeks(found: Sequence[Outcome], there: int, needed: int, days: int, now: datetime) -> int | None:
    """Weeks until enough goals are there, at the pace of the last eight weeks of drawing."""
    if there >= needed:
        return 0
    lately = [one for one in found if one.lot.drawn_on > now.date() - DRAWS_FOR]
    if not lately:
        return None
    weeks = max(1.0, (now.date() - min(one.lot.drawn_on for one in lately)).days / 7)
    drawn = len(found)
    missing = max(0, needed - drawn)
    return math.ceil(missing * weeks / len(lately)) + math.ceil(days / 7)


def spoke_of_held_out(programs: Collection[int]) -> int:
    """Nudges that reached somebody about a goal while it was left alone: 0, or the experiment is broken."""
    said = Nudge.objects.said().filter(goal__lots__held_out=True, goal__lots__experiment__program__in=programs)
    arrived = said.filter(digest__delivery__isnull=False).exclude(digest__delivery__state__in=Delivery.NEVER_ARRIVED)
    rows = arrived.values_list("pk", "day", "goal__lots__drawn_on", "goal__lots__experiment__ended_at")
    return len({pk for pk, day, drawn, ended in rows if drawn <= day < drawn + HELD_FOR and not _over(ended, day)})


def _over(ended: datetime | None, day: date) -> bool:
    """Whether an experiment had ended by a day: from then on nobody was left alone."""
    return ended is not None and ended.date() <= day


def of_program(program: Program, now: datetime) -> tuple[list[Outcome], list[Measured]]:
    """A program's lots and their effect after 14 and 28 days."""
    found = outcomes([program.pk], now)
    return found, [measure(found, days, now) for days in DAYS]

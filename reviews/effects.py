"""Keeps what is found of each program: effect, pace, course; once a day, and before a brief is frozen. Pages read it.

A row is written where something new was found; looking twice at the same facts writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.clock import today
from program.models import MetricVersion, Program, Wave
from program.rules.finishing import finish, pace
from program.rules.program_effect import BASE, LEAST_BEFORE, Found, Method
from teams import effect_series
from teams.effect_series import EffectSeries
from teams.turnover import Turnover, turnover

from . import course
from .apart import apart
from .models import Effect, EffectLook, Pace, known

NOT_BEGUN = "the program has not begun with any team"
NOT_MEASURED = "nothing was measured since the program began with it"
Row = dict[str, Any]


def keep_due(now: datetime) -> int:
    """Look once a day at each program that is on scorecards. Returns at how many."""
    looks = dict(EffectLook.objects.values_list("program_id", "looked_on"))
    due = [
        program
        for program in Program.objects.filter(state__in=Program.ON_SCORECARDS).order_by("pk")
        if looks.get(program.pk, date.min) < today(program.review_zone, now)
    ]
    return apart(due, lambda program: keep(program, now))


def keep(program: Program, now: datetime) -> bool:
    """Look at a program now, unless nothing has arrived or changed since it was looked at today; where something was
    measured since and nothing changed, only at the metrics that it was measured of."""
    on = today(program.review_zone, now)
    look = EffectLook.objects.of(program)
    if look is not None and course.is_kept(look) and look.holds(on):
        return False
    # Before anything is read, also what the caller read: what comes meanwhile is news to the next look.
    there_is = known()
    program = Program.objects.get(pk=program.pk)
    on = today(program.review_zone, now)
    changed = look is None or look.changed != there_is.changed
    measured = None if changed else course.measured_since(look, on)
    effects: dict[int, Row] = {}
    paces: dict[int, Row] = {}
    planned = _planned(program)
    for question in effect_series.asked(program, on, measured):
        series = effect_series.read(question, on)
        effects[question.version.pk] = _effect(series, planned, on)
        if not question.is_guardrail:
            paces[question.version.pk] = _pace(turnover(series))
    seen = {"looked_on": on, "totals": course.facts(course.since(look, measured, program, on)), **there_is._asdict()}
    with transaction.atomic():
        # Of several beats at once each writes after the other, and sees what it wrote.
        Program.objects.select_for_update(of=("self",)).get(pk=program.pk)
        _write(Effect, program, effects, on, now, measured)
        _write(Pace, program, paces, on, now, measured)
        EffectLook.objects.update_or_create(program=program, defaults=seen)
    return True


def _planned(program: Program) -> date | None:
    """When the next wave is planned to begin."""
    waves = program.waves.filter(state=Wave.State.PLANNED, wave_teams__isnull=False)
    return waves.order_by("start").values_list("start", flat=True).first()


def _write(
    kind: type[Effect] | type[Pace], program: Program, found: Mapping[int, Row], on: date, now: datetime,
    only: Collection[int] | None,
) -> None:  # fmt: skip
    """A new row for each version of which something else is found than before; the others end, of those in `only`."""
    rows = kind.objects.filter(program=program, ended_on=None)
    rows = rows if only is None else rows.filter(metric_version__in=only)
    held = {row.metric_version_id: row for row in rows.select_for_update().order_by("day")}
    for version, values in found.items():
        row = held.get(version)
        if row is not None and all(getattr(row, name) == value for name, value in values.items()):
            continue
        kind.objects.filter(program=program, metric_version=version, day=on).delete()
        kind.objects.create(program=program, metric_version_id=version, day=on, at=now, **values)
    rows.exclude(metric_version__in=found).update(ended_on=on)


# -- the effect --


def _effect(series: EffectSeries, planned: date | None, on: date) -> Row:
    found, version = series.judge(), series.asked.version
    sign = 1.0 if version.direction == MetricVersion.Direction.UP else -1.0
    starts = [series.on_grid[team].start for team in series.treated]
    begun = min(series.asked.starts.values(), default=None)
    interval = found.effect
    return {
        "guardrail": series.asked.is_guardrail,
        "verdict": str(found.verdict),
        "effect": interval.estimate if interval else None,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "method": str(found.method),
        "treated": found.treated,
        "compared": found.compared,
        "why": found.why if series.treated else NOT_MEASURED if begun is not None and begun <= on else NOT_BEGUN,
        "before": None if found.before is None else sign * found.before,
        "now": None if found.now is None else sign * found.now,
        "expected": None if found.now is None or interval is None else sign * (found.now - interval.estimate),
        "begun_on": begun,
        "as_of": series.days[-1] if series.days else None,
        "facts": {
            "days": [day.isoformat() for day in series.days],
            "treated": _means(series, _counting(series, series.treated, found), found),
            "others": _means(series, _counting(series, series.others, found), found),
            "first": min((start for start in starts if start is not None), default=None),
            **_missing(series, planned, on),
        },
    }  # fmt: skip


def _counting(series: EffectSeries, teams: Sequence[int], found: Found) -> Sequence[int]:
    """Those of some teams that count in the finding; all where none does."""
    first = min((series.on_grid[team].start or 0 for team in series.treated), default=0)
    least = LEAST_BEFORE if found.method == Method.PAST else BASE
    counting = []
    for team in teams:
        one = series.on_grid[team]
        before = one.values[: one.start if one.start is not None else first]
        if one.values[-1] is not None and sum(value is not None for value in before) >= least:
            counting.append(team)
    return counting or teams


def _means(series: EffectSeries, teams: Sequence[int], found: Found) -> list[float | None]:
    """What teams were at together over time, each by what it was last at; those of a ratio or a mean by weight, unless
    they are compared with others as equals."""
    by_weight = found.method != Method.COMPARISON
    means: list[float | None] = []
    for number in range(len(series.days)):
        held = [(series.teams[team].held[number].value, series.teams[team].weight) for team in teams]
        known = [(value, weight if by_weight else 1.0) for value, weight in held if value is not None]
        whole = sum(weight for _, weight in known)
        means.append(sum(value * weight for value, weight in known) / whole if whole else None)
    return means


def _missing(series: EffectSeries, planned: date | None, on: date) -> Row:
    """How many teams there are with which it has begun, how many of these were measured often enough before, and the
    next day that may change anything."""
    enough = 0
    for team in series.treated:
        one = series.on_grid[team]
        enough += sum(value is not None for value in one.values[: one.start]) >= LEAST_BEFORE
    again = None
    if series.days:
        newest, apart = series.days[-1], (series.days[-1] - series.days[-2] if len(series.days) > 1 else timedelta())
        to_come = [day for day in series.asked.starts.values() if day > newest]
        first = min([*to_come, planned] if planned is not None else to_come, default=None)
        again = max(first, newest) + apart if first is not None and max(first, newest) + apart > on else None
    return {
        "teams": len(series.asked.starts), "begun": len(series.treated), "enough": enough,
        "again": again.isoformat() if again else None,
    }  # fmt: skip


# -- the pace --


def _pace(held: Turnover) -> Row:
    found = pace(held.moves)
    ends = finish(held.remaining, held.moves) if held.remaining is not None else None
    as_of = held.as_of

    def day(after: float | None) -> date | None:
        return None if after is None or as_of is None else as_of + timedelta(days=round(after))

    total, weeks = held.total, held.weeks
    return {
        "remaining": held.remaining,
        "a_day": found.estimate if found else None,
        "finishes": day(ends.expected) if ends else None,
        "first": day(ends.first) if ends else None,
        "last": day(ends.last) if ends else None,
        "as_of": as_of,
        "facts": {
            "by_item": held.by_item,
            "weeks": weeks,
            "measured": len(held.moves) + 1 if held.as_of else 0,
            "low": found.low if found else None,
            "high": found.high if found else None,
            "new": total.new, "closed": total.closed,
            "units_new": total.units_new, "units_closed": total.units_closed,
            "periods": [
                {"first": one.first.isoformat(), "last": one.last.isoformat(), **one.change._asdict()}
                for one in held.periods
            ],
        },
    }  # fmt: skip

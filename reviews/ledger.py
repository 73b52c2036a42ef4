"""The cost ledger: what a program has cost in hours, reckoned or noted, and what one unit gained has cost.

Owners' hours and hand work are reckoned from the charter and the metrics, the teams' from the items they closed and
what one usually takes. Hours that somebody noted count instead of the reckoned ones, kind by kind: they are known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db import transaction

from accounts import audit
from accounts.models import User
from program import wording as say
from program.models import Metric, Program
from program.typed_in import TypedIn
from teams.closed import closed
from teams.day_totals import Total, at_start, measured_on
from teams.models import Goal

from .models import Cost

Kind = Cost.Kind
LEAST_HOURS, MOST_HOURS = 0.1, 10_000.0
LONGEST_NOTE = 300
A_WEEK = 7


class Noted(NamedTuple):
    """Hours of a kind that somebody noted, for a day."""

    kind: str
    hours: float
    day: date


@dataclass(frozen=True)
class Part:
    """The hours of one kind, and how they are known."""

    kind: str
    hours: float
    how: str
    noted: bool


@dataclass(frozen=True)
class Gain:
    """What one metric has gained since the start, in its unit, more being better; None where it does not compare."""

    metric: Metric
    said: str
    gained: float | None
    per_unit: str
    """hours for one unit gained, in words; empty where nothing was gained or the cost is that of several metrics"""


@dataclass(frozen=True)
class Ledger:
    """All of it on a day."""

    on: date
    parts: Sequence[Part]
    gains: Sequence[Gain]

    @property
    def total(self) -> float:
        """Hours in all."""
        return math.fsum(part.hours for part in self.parts)


def of_program(program: Program, on: date) -> Ledger:
    """The ledger of a program on a day, or on the day it ended."""
    on = min(on, program.ended_on or on)
    used = Goal.objects.filter(program=program).order_by().values("metric")
    metrics = list(Metric.objects.filter(pk__in=used).select_related("playbook").order_by("key"))
    return reckoned(program, on, measured_on(program, on), at_start(program, on), metrics, costs(program))


def costs(program: Program) -> list[Noted]:
    """What somebody noted and was not struck. One query."""
    rows = Cost.objects.filter(program=program, struck_at=None).order_by()
    return [Noted(*row) for row in rows.values_list("kind", "hours", "day")]


def reckoned(
    program: Program,
    on: date,
    now: Sequence[Total],
    start: Sequence[Total],
    metrics: Sequence[Metric],
    costs: Sequence[Noted],
) -> Ledger:
    """The ledger, from what is measured now and what was at the start, and of the metrics that it has or had goals on,
    with their playbooks. Three queries, none where no playbook says what an item takes."""
    noted: dict[str, list[float]] = {}
    for one in costs:
        if one.day <= on:
            noted.setdefault(one.kind, []).append(one.hours)
    weeks = max(0.0, (on - program.start).days / A_WEEK)
    parts = [
        _noted(kind, noted[kind]) if kind in noted else _reckoned(kind, program, metrics, weeks, on) for kind in Kind
    ]
    total = math.fsum(part.hours for part in parts)
    then = {old.version.pk: old for old in start}
    return Ledger(on, parts, [_gain(one, then.get(one.version.pk), total, alone=len(now) == 1) for one in now])


def _noted(kind: Kind, hours: Sequence[float]) -> Part:
    return Part(kind, math.fsum(hours), f"noted, {say.count(len(hours), 'entry', 'entries')}", noted=True)


def _reckoned(kind: Kind, program: Program, metrics: Sequence[Metric], weeks: float, on: date) -> Part:
    for_weeks = f"{say.count(round(weeks), 'week')}"
    if kind == Kind.OWNERS:
        a_week = program.weekly_hours
        how = f"reckoned: {a_week:g} h a week for {for_weeks}" if a_week else "the charter does not say how many a week"
        return Part(kind, a_week * weeks, how, noted=False)
    if kind == Kind.HAND:
        a_week = math.fsum(metric.hand_hours for metric in metrics)
        how = f"reckoned: {a_week:g} h a week for {for_weeks}" if a_week else "no metric takes any"
        return Part(kind, a_week * weeks, how, noted=False)
    return _of_teams(program, metrics, on)


def _of_teams(program: Program, metrics: Sequence[Metric], on: date) -> Part:
    """By the items that were closed of metrics whose playbook says what one takes; of others nobody knows."""
    efforts = {metric.key: effort for metric in metrics if (effort := _effort(metric)) is not None}
    done = closed(program, on, efforts)
    hours = math.fsum(many * efforts[key] for key, many in done.items())
    items = sum(done.values())
    if not efforts:
        how = "no playbook says what an item takes"
    elif items:
        how = f"reckoned: {say.count(items, 'item')} closed since the start, by what one takes"
    else:
        how = "no item is known to be closed"
    return Part(Kind.TEAMS, hours, how, noted=False)


def _effort(metric: Metric) -> float | None:
    book = getattr(metric, "playbook", None)
    return book.effort_hours if book is not None else None


def _gain(now: Total, then: Total | None, hours: float, *, alone: bool) -> Gain:
    version = now.version
    unit, aggregation, up = version.unit, version.aggregation, version.direction == "up"
    if then is None or then.value is None or now.value is None:
        return Gain(now.metric, f"{now.metric.name}: what it was at the start does not compare.", None, "")
    gained = (now.value - then.value) * (1 if up else -1)
    moved = say.change(now.value - then.value, unit, aggregation)
    before, after = say.apart(then.value, now.value, unit, aggregation)
    said = (
        f"{now.metric.name}: from {before} to {after} ({moved})."
        if gained
        else f"{now.metric.name}: {after}, as it was."
    )
    return Gain(now.metric, said, gained, _per_unit(gained, hours, unit, aggregation) if alone else "")


def _per_unit(gained: float, hours: float, unit: str, aggregation: str) -> str:
    percent = say.is_percent(unit, aggregation)
    units = gained * 100 if percent else gained
    if units <= 0 or not hours:
        return ""
    return f"{say.hours(hours / units)} for one {'point' if percent or unit.strip() == '%' else unit or 'unit'} gained"


def note(program: Program, typed: TypedIn, *, by: User, now: datetime, today: date) -> Cost | None:
    """Note hours as they were typed; None where something else was expected, and `typed` says what."""
    kind = typed.choice("kind", Kind.values)
    hours = typed.number("hours", least=LEAST_HOURS, most=MOST_HOURS)
    day = typed.day("day")
    text = typed.text("note", most=LONGEST_NOTE)
    if day is not None and not program.start <= day <= today:
        typed.fault("day", f"a day from {say.day(program.start)}, when it began, to today was expected")
    if typed.faults or day is None:
        return None
    with transaction.atomic():
        made = Cost.objects.create(program=program, day=day, kind=kind, hours=hours, note=text, by=by, at=now)
        audit.record(
            "cost", f"{program.key}/{made.pk}", at=now, actor=by, via="page",
            after={"kind": kind, "hours": hours, "day": day.isoformat(), "note": text},
        )  # fmt: skip
    return made


def strike(row: Cost, *, by: User, now: datetime) -> bool:
    """Take an entry back; it stays on record. False if it was struck before."""
    with transaction.atomic():
        changed = Cost.objects.filter(pk=row.pk, struck_at=None).update(struck_at=now)
        if changed:
            audit.record(
                "cost", f"{row.program.key}/{row.pk}", at=now, actor=by, via="page", before=str(row), after="struck"
            )
    return bool(changed)


def sentences(ledger: Ledger) -> list[str]:
    """What a brief says of it: hours in all by kind, and for one unit gained."""
    if not ledger.total:
        return ["What it has cost is not known: neither its charter nor the ledger says how many hours."]
    parts = [f"{part.kind} {say.hours(part.hours)}" for part in ledger.parts if part.hours]
    reckoned = "" if all(part.noted for part in ledger.parts if part.hours) else ", reckoned where nothing was noted"
    said = [f"Cost so far: {say.hours(ledger.total)} ({', '.join(parts)}{reckoned})."]
    said += [f"That is {gain.per_unit}." for gain in ledger.gains if gain.per_unit]
    if len(ledger.gains) == 1 and ledger.gains[0].gained is not None and ledger.gains[0].gained <= 0:
        said.append("Nothing is gained yet.")
    return said

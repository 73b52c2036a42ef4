"""A program's totals now and when it began, and the pictures of how they moved: kept with the daily look, or read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from program.models import MetricVersion, Program
from teams.boards import totals, trend
from teams.day_totals import Total, at_start

from . import pictures, standing
from .models import EffectLook

PICTURES = 2
"""Totals whose picture is drawn, those furthest behind their paths; the whole of one takes five queries."""
FORMAT = 1
"""Of what is kept: one more with each change of it, and what an earlier release kept is read anew."""
Chart = list[list[Any]]


@dataclass(frozen=True)
class Course:
    """All teams together on each metric, and on the day on which the program began (nothing before that)."""

    now: Sequence[Total]
    start: Sequence[Total]
    charts: Mapping[str, Chart]
    """by metric key, for the first two in the order of a brief: [day, value, expected]"""


def on(program: Program, day: date, known: Mapping[int, MetricVersion] | None = None) -> Course:
    """What the look of that day kept, if nothing has arrived or changed since; else it is read. One query of what was
    kept, and one of metric versions where `known`, those that were read already by id, lacks one."""
    held = _kept(program, day)
    return read(program, day) if held is None else _taken(held, known or {})


def totals_on(program: Program, day: date) -> Sequence[Total]:
    """The totals alone, without the rest of the course where nothing is kept."""
    held = _kept(program, day)
    return totals(program, day) if held is None else _taken(held, {}).now


def _kept(program: Program, day: date) -> dict[str, Any] | None:
    """What the look of that day kept, if nothing has arrived or changed since. One query."""
    look = EffectLook.objects.of(program)
    held = look.totals if look is not None and look.holds(day) else None
    return held if held is not None and held.get("format") == FORMAT else None


def read(program: Program, day: date) -> Course:
    """By what is held now. A constant number of queries."""
    now = totals(program, day)
    measured = sorted((total for total in now if total.value is not None), key=lambda total: -standing.behind(total))
    charts = {
        total.metric.key: pictures.kept(trend(program, total.metric, day), program.start)
        for total in measured[:PICTURES]
    }
    return Course(now, at_start(program, day), charts)


def facts(course: Course) -> dict[str, Any]:
    """For JSON."""
    return {
        "format": FORMAT,
        "now": [_plain(total) for total in course.now],
        "start": [_plain(total) for total in course.start],
        "charts": course.charts,
    }


def _plain(total: Total) -> dict[str, Any]:
    held = {one.name: getattr(total, one.name) for one in fields(total)}
    days = {name: held[name].isoformat() if held[name] else None for name in ("as_of", "due")}
    return held | days | {"version": total.version.pk}


def _taken(held: Mapping[str, Any], known: Mapping[int, MetricVersion]) -> Course:
    lacking = {one["version"] for one in (*held["now"], *held["start"])} - known.keys()
    versions = {**known, **(MetricVersion.objects.select_related("metric").in_bulk(lacking) if lacking else {})}
    return Course(_totals(held["now"], versions), _totals(held["start"], versions), held["charts"])


def _totals(held: Sequence[Mapping[str, Any]], versions: Mapping[int, MetricVersion]) -> list[Total]:
    found = []
    for one in held:
        days = {name: date.fromisoformat(one[name]) if one[name] else None for name in ("as_of", "due")}
        found.append(Total(**{**one, **days, "version": versions[one["version"]]}))
    return found

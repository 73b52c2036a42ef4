"""A program's totals now and when it began, and the pictures of how they moved: kept with the daily look, or read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
    """What the look of that day kept, as far as nothing was measured since; the rest is read, and all of it where
    anything changed. One query of what was kept and holds, one more where anything arrived, and one of metric versions
    where `known`, those that were read already by id, lacks one."""
    look = EffectLook.objects.of(program)
    return since(look, measured_since(look, day), program, day, known)


def totals_on(program: Program, day: date) -> Sequence[Total]:
    """The totals alone, without the rest of the course."""
    look = EffectLook.objects.of(program)
    measured = measured_since(look, day)
    if look is None or measured is None:
        return totals(program, day)
    held = _taken(look, {}).now
    again = _metrics(held, measured)
    return _with(held, totals(program, day, again)) if again else held


def is_kept(look: EffectLook) -> bool:
    """Whether a look kept a course that can be read: an earlier release may have kept another one, or none."""
    return look.totals is not None and look.totals.get("format") == FORMAT


def measured_since(look: EffectLook | None, day: date) -> Collection[int] | None:
    """Metric versions (ids) of which something was measured since a look; None where it kept nothing that says what
    there is now but for these."""
    return look.measured_since(day) if look is not None and is_kept(look) else None


def since(
    look: EffectLook | None,
    measured: Collection[int] | None,
    program: Program,
    day: date,
    known: Mapping[int, MetricVersion] | None = None,
) -> Course:
    """What a look kept, with what was `measured_since` read anew; all of it is read where that is None."""
    if look is None or measured is None:
        return read(program, day)
    kept = _taken(look, known or {})
    again = _metrics(kept.now, measured)
    if not again:
        return kept
    now = _with(kept.now, totals(program, day, again))
    start = _with(kept.start, at_start(program, day, again))
    same = {total.metric.key for total in kept.now if total.metric.pk not in again}
    return Course(now, start, _drawn(program, day, now, {k: v for k, v in kept.charts.items() if k in same}))


def read(program: Program, day: date) -> Course:
    """By what is held now. A constant number of queries."""
    now = totals(program, day)
    return Course(now, at_start(program, day), _drawn(program, day, now, {}))


def _metrics(held: Sequence[Total], versions: Collection[int]) -> set[int]:
    """The metrics (ids) of those totals that are by one of some versions (ids)."""
    return {total.metric.pk for total in held if total.version.pk in versions}


def _with(held: Sequence[Total], newer: Sequence[Total]) -> list[Total]:
    """Totals of which some are replaced, in the order of a program's totals."""
    by_metric = {total.metric.key: total for total in (*held, *newer)}
    return [by_metric[key] for key in sorted(by_metric)]


def _drawn(program: Program, day: date, now: Sequence[Total], still: Mapping[str, Chart]) -> dict[str, Chart]:
    """The pictures of the totals furthest behind their paths; those that hold `still` are not read."""
    measured = sorted((total for total in now if total.value is not None), key=lambda total: -standing.behind(total))
    charts = {}
    for metric in (total.metric for total in measured[:PICTURES]):
        held = still.get(metric.key)
        charts[metric.key] = pictures.kept(trend(program, metric, day), program.start) if held is None else held
    return charts


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


def _taken(look: EffectLook, known: Mapping[int, MetricVersion]) -> Course:
    held = look.totals or {}
    lacking = {one["version"] for one in (*held["now"], *held["start"])} - known.keys()
    versions = {**known, **(MetricVersion.objects.select_related("metric").in_bulk(lacking) if lacking else {})}
    return Course(_totals(held["now"], versions), _totals(held["start"], versions), held["charts"])


def _totals(held: Sequence[Mapping[str, Any]], versions: Mapping[int, MetricVersion]) -> list[Total]:
    found = []
    for one in held:
        days = {name: date.fromisoformat(one[name]) if one[name] else None for name in ("as_of", "due")}
        found.append(Total(**{**one, **days, "version": versions[one["version"]]}))
    return found

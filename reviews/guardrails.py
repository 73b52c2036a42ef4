"""The guardrails in a brief: metrics that must not get worse meanwhile, with what they are now and were last time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from program import wording as say
from program.models import MetricVersion, Program
from teams.metric_totals import newest_of, totals_now

from .content import MetricLine


class Guarded(NamedTuple):
    """A guardrail: all teams together, whoever takes part, as of a day."""

    version: MetricVersion
    value: float
    as_of: date | None


def measured(program: Program, on: date) -> list[Guarded]:
    """The guardrails that are measured, by key. Three queries, none for a program without any."""
    if not program.guardrails:
        return []
    found = MetricVersion.objects.filter(metric__key__in=program.guardrails, current=True).select_related("metric")
    versions = list(found.order_by("metric__key"))
    values, as_of = totals_now(versions, on), newest_of(versions, on)
    return [Guarded(one, values[one.pk], as_of.get(one.pk)) for one in versions if one.pk in values]


def lines(guarded: Sequence[Guarded], on: date, before: Mapping[str, Any] | None) -> list[MetricLine]:
    """A line for each, compared with what the last brief kept of it by the same ruler."""
    then = {line["key"]: line["numbers"] for line in before["metrics"]} if before else {}
    return [_line(one, then.get(one.version.metric.key), on) for one in guarded]


def _line(one: Guarded, then: Mapping[str, Any] | None, on: date) -> MetricLine:
    version, value, as_of = one
    name, unit, aggregation = version.metric.name, version.unit, version.aggregation
    same = then is not None and then["version"] == version.number
    was = then["value"] if then is not None and same else None
    shown = say.value(value, unit, aggregation)
    numbers: dict[str, Any] = {"value": value, "expected": None, "version": version.number, "target": None, "then": was}
    numbers |= {"as_of": as_of.isoformat() if as_of else None, "behind": -1.0}
    return MetricLine(
        key=version.metric.key, name=name, where=f"{name} is at {shown}", value=shown,
        as_of=say.near_day(as_of, on) if as_of else "",
        then=say.value(was, unit, aggregation) if was is not None else "",
        change=say.change(value - was, unit, aggregation) if was is not None else "",
        expected="", gap="", short=False, target="", due="", numbers=numbers, guardrail=True,
    )  # fmt: skip

"""Feeds as code: how a feed is written down, and making the database say so; pages use the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max

from program import warehouse
from program.feeds.batch import Unfit, shown
from program.feeds.registry import KINDS, Kind
from program.models import Feed, Metric, MetricVersion, Program

from ..models import Goal, Team
from .changes import Changes
from .fields import Fields
from .marked_yaml import Document

KNOWN = {"key", "name", "kind", "source", "scope", "every", "settings", "measures", "metrics", "paused"}
ASKS = {"json-paths": ("rows", "item", "team", "numerator", "denominator"), "sql": ("query",)}
"""Settings that say what is measured, by kind: another value is another definition of the metric."""
SOONEST = 5
ALWAYS_PULLED = ("prometheus", "csv-url", "sql")
SECRET = re.compile(r"authorization|cookie|token|secret|password|api-?key", re.I)
SHAPES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "strip": (
        "a list of texts", lambda held: isinstance(held, list) and all(isinstance(one, str) for one in held),
    ),
    "headers": (
        "a mapping of texts",
        lambda held: isinstance(held, dict) and all(isinstance(one, str) for one in held.values()),
    ),
    "queries": ("a mapping of a name to a query", lambda held: isinstance(held, dict)),
}  # fmt: skip
"""Settings that are no texts: what each is, and whether a value is one."""


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """A feed as it is written down; `line` is where."""

    line: int
    key: str
    name: str
    kind: str
    source: str
    scope: Any
    every_minutes: int | None
    settings: dict[str, Any]
    measures: dict[str, str]
    metrics: Sequence[str]
    paused: bool | None = None
    """None: as it is"""


def read(fields: Fields) -> FeedSpec:
    """Read one feed. Faults gather in its document."""
    fields.only(KNOWN)
    kind = fields.choice("kind", ("", *KINDS), default="")
    every = fields.minutes("every") or None
    if every is not None and every < SOONEST:
        fields.fault("every", f"every is at least {SOONEST} minutes, such as 1h, not {shown(fields.value['every'])}")
    settings, measures = _mapping(fields, "settings"), _mapping(fields, "measures")
    spec = FeedSpec(
        line=fields.document.line(fields.path),
        key=fields.key(),
        name=fields.text("name", required=True, most=200),
        kind=kind,
        source=fields.text("source", most=300),
        scope=_scope(fields),
        every_minutes=every,
        settings=settings,
        measures={str(measure): str(metric) for measure, metric in measures.items()},
        metrics=fields.texts("metrics"),
        paused=fields.flag("paused"),
    )
    _check_kind(fields, spec)
    return spec


def _mapping(fields: Fields, name: str) -> dict[str, Any]:
    value = fields.value.get(name) or {}
    if not isinstance(value, dict):
        fields.fault(name, f"{name} is a mapping, not {shown(value)}")
        return {}
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        fields.fault(name, f"{name} holds texts, numbers, lists and mappings only")
        return {}
    return {str(key): held for key, held in value.items()}


def _scope(fields: Fields) -> Any:
    value = fields.value.get("scope")
    if value in (None, "", "owners", "all"):
        return value or ""
    if isinstance(value, list) and value and all(isinstance(key, str) for key in value):
        return value
    fields.fault("scope", f"scope is owners, all or a list of team keys, not {shown(value)}")
    return ""


def _check_kind(fields: Fields, spec: FeedSpec) -> None:
    kind = KINDS.get(spec.kind)
    pulled = kind is not None and (kind.name in ALWAYS_PULLED or (kind.requests is not None and "url" in spec.settings))
    if spec.every_minutes and not pulled:
        kinds = ", ".join(ALWAYS_PULLED)
        fields.fault("every", f"every is for a feed that is fetched: {kinds}, or json-paths with a url")
    if kind is not None:
        _check_settings(fields, kind, spec, pulled=pulled)
    if kind is not None and kind.report is not None and not spec.measures:
        fields.fault("measures", f"measures says which measure of {kind.title} becomes which metric")
    able = [kind] if kind is not None else [one for one in KINDS.values() if not one.pulled or one.name == "json-paths"]
    for measure in spec.measures:
        if not any(one.measures_it(measure, spec.settings) for one in able):
            whose = kind.title if kind is not None else "a report"
            fields.fault("measures", f"{shown(measure)} is nothing that {whose} measures")
    if kind is not None and kind.report is not None and spec.metrics:
        fields.fault("metrics", f"metrics are of plain observations; those of {kind.title} stand in measures")
    if not spec.measures and not spec.metrics:
        fields.fault("metrics", "metrics (of observations) or measures (of reports) were expected")


def _check_settings(fields: Fields, kind: Kind, spec: FeedSpec, *, pulled: bool) -> None:
    known = kind.settings or {}
    for name, value in spec.settings.items():
        expected, fits = SHAPES.get(name, ("a text", lambda held: isinstance(held, str | int | float)))
        if name not in known:
            named = ", ".join(known) or "none"
            fields.fault("settings", f"settings of {kind.name} are {named}; {shown(name)} is not known")
        elif not fits(value):
            fields.fault("settings", f"{name} is {expected}, not {shown(value)}")
    headers = spec.settings.get("headers")
    for name in headers if isinstance(headers, dict) else ():
        if SECRET.search(str(name)):
            fields.fault(
                "settings", f"the header {name} is a credential: it is given on the feed's page, never in a file"
            )
    if not fields.document.faults:
        try:
            kind.check(spec.settings)
            if pulled and kind.requests is not None:
                kind.requests(spec.settings)
        except Unfit as unfit:
            fields.fault("settings", str(unfit))
        wrong = warehouse.check(spec.settings) if kind.name == "sql" else ""
        if wrong:
            fields.fault("settings", wrong)


def check(
    document: Document, place: tuple[str | int, ...], spec: FeedSpec, known: Mapping[str, Any], program: str
) -> None:
    """Fault what a feed says against what is known: its metrics, its teams, and whose key it is.

    `known` gives (aggregation, direction) by metric.
    """
    for metric in {*spec.metrics, *spec.measures.values()} - known.keys():
        name = "measures" if metric in spec.measures.values() else "metrics"
        document.fault((*place, name), f"{metric} is no metric of this file or of another program")
    for measure, metric in spec.measures.items():
        kinds = [KINDS[spec.kind]] if spec.kind in KINDS else list(KINDS.values())
        fixed = {one.aggregation == "ratio" for kind in kinds for one in kind.measures if one.key == measure}
        if metric in known and len(fixed) == 1 and fixed != {known[metric][0] == "ratio"} and measure != "value":
            is_ratio = "a ratio" if True in fixed else "no ratio"
            document.fault((*place, "measures"), f"{measure} is {is_ratio}; {metric} is a {known[metric][0]}")
    if isinstance(spec.scope, list):
        there = set(Team.objects.leaves().filter(key__in=spec.scope).values_list("key", flat=True))
        for key in spec.scope:
            if key not in there:
                document.fault((*place, "scope"), f"{key} is no team; apply its Group first")
    owner = Feed.objects.filter(key=spec.key).values_list("program__key", flat=True).first()
    if owner is not None and owner != program:
        document.fault((*place, "key"), f"feed {spec.key} is one of program {owner}: another key was expected")


def put(program: Program, spec: FeedSpec, changes: Changes) -> Feed:
    """Write a checked feed. What it asks its source for is part of its metrics' definitions: a change is a version."""
    feed = Feed.objects.filter(key=spec.key).first() or Feed(key=spec.key, program=program)
    values = {
        "name": spec.name, "kind": spec.kind, "source": spec.source, "scope": spec.scope, "settings": spec.settings,
        "measures": spec.measures, "every_minutes": spec.every_minutes,
    }  # fmt: skip
    values |= {} if spec.paused is None else {"paused": spec.paused}
    timed = spec.every_minutes != feed.every_minutes or spec.settings != feed.settings
    changes.put("feed", spec.key, feed, values)
    if timed:
        feed.next_due_at = changes.now if spec.every_minutes else None
        feed.save(update_fields=["next_due_at"])
    wanted = sorted({*spec.metrics, *spec.measures.values()})
    held = sorted(feed.metrics.values_list("key", flat=True))
    if held != wanted:
        feed.metrics.set(Metric.objects.filter(key__in=wanted))
        changes.note("feed metrics", spec.key, {"metrics": held}, {"metrics": wanted})
    for metric in Metric.objects.filter(key__in=wanted):
        _ask(feed, metric, spec, changes)
    return feed


def asked_for(spec: FeedSpec, metric: str) -> dict[str, Any]:
    """What a feed asks its source for to measure a metric: the part of it that defines the metric."""
    measures = sorted(measure for measure, of in spec.measures.items() if of == metric)
    found: dict[str, Any] = {"measures": measures} if measures else {}
    if spec.kind == "prometheus":
        queries = spec.settings.get("queries") or {}
        found["queries"] = {measure: queries[measure] for measure in measures if measure in queries}
    found |= {name: spec.settings[name] for name in ASKS.get(spec.kind, ()) if name in spec.settings}
    return found


def _ask(feed: Feed, metric: Metric, spec: FeedSpec, changes: Changes) -> None:
    current = metric.versions.filter(current=True).first()
    asked = asked_for(spec, metric.key)
    if current is None or current.query.get(feed.key, {}) == asked:
        return
    query = current.query | {feed.key: asked}
    # Another source of the same thing leaves the definition as it is; so does a correction before the first number.
    if feed.key not in current.query or not current.sources.exists():
        current.query = query
        current.save(update_fields=["query"])
        return
    open_version(metric, {"query": query}, changes)


def open_version(metric: Metric, values: Mapping[str, Any], changes: Changes) -> MetricVersion:
    """Open the next version of a metric, like the current one but for `values`; goals on the old one become stale."""
    current = metric.versions.filter(current=True).first()
    names = ("direction", "aggregation", "unit", "definition", "query")
    before = {name: getattr(current, name) for name in names} if current else {}
    metric.versions.update(current=False)
    newest = metric.versions.aggregate(newest=Max("number"))["newest"] or 0
    version = MetricVersion(metric=metric, number=newest + 1, current=True, opened_at=changes.now)
    changes.put("metric version", f"{metric.key} v{newest + 1}", version, before | dict(values))
    Goal.objects.filter(metric=metric).update(judge_due_at=changes.now)
    return version


def kind_of(feed: Feed) -> Kind | None:
    """The kind that a feed names, if it names one."""
    return KINDS.get(feed.kind)

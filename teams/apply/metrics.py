"""Metrics and their playbooks as code: how one is written down, and making the database say so; pages use the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from program import trackers
from program.feeds.batch import shown
from program.models import Metric, MetricVersion, Playbook, Program

from ..models import Goal, GoalTerms
from . import feeds
from .changes import Changes
from .fields import Fields, as_number

AGGREGATIONS = ("sum", "ratio", "mean", "max", "latest")
DEFINING = ("direction", "aggregation", "unit", "definition")
"""A change of any of these opens another version of the metric."""
KNOWN = {
    "key", "name", "unit", "direction", "aggregation", "fresh_for", "definition", "playbook", "hand_hours", "sudden",
}  # fmt: skip
PLAYBOOK = {
    "steps", "example", "verify", "expert", "office_hours", "effort", "item_link", "tracker", "tracker_link",
}  # fmt: skip
EFFORT = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,2})?) ?(m|min|minutes?|h|hours?)", re.ASCII)
SUDDEN = 6.0
MOST_STEPS, LONGEST_STEP = 50, 500


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A metric as it is written down; `line` is where. `playbook` has its fields, the expert by e-mail."""

    line: int
    key: str
    name: str
    unit: str
    direction: str
    aggregation: str
    fresh_for: int
    definition: str
    hand_hours: float
    sudden: float
    playbook: dict[str, Any] | None


def read(fields: Fields) -> MetricSpec:
    """Read one metric. Faults gather in its document."""
    fields.only(KNOWN)
    sudden = fields.number("sudden", least=0)
    days, rest = divmod(fields.minutes("fresh_for", required=True), 1440)
    if rest:
        fields.fault("fresh_for", f"fresh_for is whole days, such as 45d, not {shown(fields.value['fresh_for'])}")
    return MetricSpec(
        line=fields.document.line(fields.path),
        key=fields.key(),
        name=fields.text("name", required=True, most=200),
        unit=fields.text("unit", most=40),
        direction=fields.choice("direction", ("up", "down")),
        aggregation=fields.choice("aggregation", AGGREGATIONS),
        fresh_for=days,
        definition=fields.text("definition"),
        hand_hours=fields.number("hand_hours", least=0, most=168) or 0.0,
        sudden=SUDDEN if sudden is None else sudden,
        playbook=_playbook(fields.mapping("playbook")),
    )


def _playbook(fields: Fields | None) -> dict[str, Any] | None:
    if fields is None:
        return None
    fields.only(PLAYBOOK)
    links = {name: fields.text(name, most=500) for name in ("example", "item_link", "tracker_link")}
    for name, link in links.items():
        if link and not link.startswith(("https://", "http://")):
            fields.fault(name, f"{name} is a link that begins with https:// or http://, not {shown(link)}")
    tracker = fields.choice("tracker", Playbook.Tracker.values, default="")
    if bool(tracker) != bool(links["tracker_link"]):
        given = "tracker" if tracker else "tracker_link"
        fields.fault(given, "tracker (github, gitlab or jira) and tracker_link, its address, are given together")
    elif tracker and trackers.fault(tracker, links["tracker_link"]):
        fields.fault("tracker_link", f"tracker_link: {trackers.fault(tracker, links['tracker_link'])}")
    return {
        "steps": _steps(fields),
        "verify": fields.text("verify", most=300),
        "expert": fields.email("expert"),
        "office_hours": fields.text("office_hours", most=200),
        "effort_hours": _effort(fields),
        "tracker": tracker,
        **links,
    }


def _steps(fields: Fields) -> list[str]:
    steps = fields.texts("steps")
    if len(steps) > MOST_STEPS:
        fields.fault("steps", f"at most {MOST_STEPS} steps were expected, not {len(steps)}")
    for step in steps:
        if len(step) > LONGEST_STEP:
            fields.fault("steps", f"a step is at most {LONGEST_STEP} characters, not {len(step)}: {shown(step)}")
    return steps


def _effort(fields: Fields) -> float | None:
    value = fields.value.get("effort")
    if value is None:
        return None
    hours = effort_of(value)
    if hours is None:
        fields.fault("effort", f"effort is what one item takes, such as 2h or 30m, not {shown(value)}")
    return hours


def effort_of(value: Any) -> float | None:
    """What one item takes, in hours, from "2h", "1.5 hours", "30m" or a number of hours; None when it is none of it."""
    match = EFFORT.fullmatch(value.strip()) if isinstance(value, str) else None
    if match:
        hours = float(match[1]) / (60 if match[2].startswith("m") else 1)
    else:
        hours = as_number(value) or 0.0 if not isinstance(value, str) else 0.0
    return hours if 0 < hours <= 1000 else None


def effort_text(hours: float | None) -> str:
    """The same as it is written down: "2h", "30m"; nothing for None."""
    if hours is None:
        return ""
    minutes = round(hours * 60, 2)
    return f"{minutes:g}m" if hours < 1 else f"{round(hours, 2):g}h"


def check(spec: MetricSpec, owner: Program | None, program: str) -> str:
    """What is wrong with defining a metric here: only the program that defined it may change it. "" if nothing is."""
    if owner is not None and owner.key != program:
        return f"{spec.key} is defined by program {owner.key}: refer to it in goals only"
    return ""


def put(program: Program, spec: MetricSpec, changes: Changes) -> Metric:
    """Write a checked metric; another definition is another version, and goals on the old one become stale."""
    metric = Metric.objects.filter(key=spec.key).first() or Metric(key=spec.key)
    values = {
        "name": spec.name, "program": program, "fresh_for": spec.fresh_for, "hand_hours": spec.hand_hours,
        "sudden": spec.sudden,
    }  # fmt: skip
    changed = changes.put("metric", spec.key, metric, values)
    current = metric.versions.filter(current=True).first()
    defining = {name: getattr(spec, name) for name in DEFINING}
    if current is not None and is_unused(current):
        changes.put("metric version", str(current), current, defining)
    elif defines_anew(current, spec):
        feeds.open_version(metric, defining, changes)
    elif changed:  # freshness decides on `stale`
        Goal.objects.filter(metric=metric).update(judge_due_at=changes.now)
    if spec.playbook is not None:
        _put_playbook(metric, spec.playbook, changes)
    return metric


def defines_anew(current: MetricVersion | None, spec: MetricSpec) -> Mapping[str, tuple[Any, Any]]:
    """What of the definition differs from the current version's, as (before, after) by name; empty if nothing does.

    A metric without a version differs in all of it.
    """
    held = {name: getattr(current, name) if current else None for name in DEFINING}
    return {name: (held[name], getattr(spec, name)) for name in DEFINING if held[name] != getattr(spec, name)}


def is_unused(version: MetricVersion) -> bool:
    """Whether a version has no numbers and no goal yet: it is then corrected in place, since nothing rests on it."""
    return not version.sources.exists() and not GoalTerms.objects.filter(metric_version=version).exists()


def _put_playbook(metric: Metric, said: Mapping[str, Any], changes: Changes) -> None:
    values = dict(said) | {"expert": User.objects.named(said["expert"]) if said["expert"] else None}
    playbook = Playbook.objects.filter(metric=metric).first() or Playbook(metric=metric)
    changes.put("playbook", metric.key, playbook, values)

"""A program as code: the YAML file read into plain specifications, every fault named with its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from program.feeds.batch import shown
from program.models import Wave
from program.rules.glidepath import ideal

from . import charter, feeds, metrics, scores
from .charter import in_order
from .feeds import FeedSpec
from .fields import Fields, as_day, as_number
from .marked_yaml import Document
from .metrics import MetricSpec
from .scores import ScoreSpec

SECTIONS = {"program", "metrics", "goals", "waves", "nudges", "feeds", "scores"}
GOAL = {"metric", "teams", "start", "due", "target", "improve_by", "tolerance", "milestones", "why", "chosen"}
WAVE = {"key", "teams", "start", "gate", "state", "opened"}
GATE = 0.6


@dataclass(frozen=True, slots=True)
class GoalSpec:
    """One line of goals. `teams` is "all", a list of keys, {"under": key} or {"wave": key}."""

    line: int
    metric: str
    teams: Any
    start: date | None
    due: date | None
    target: float | None
    improve_by: float | None
    tolerance: float
    milestones: list[list[Any]]
    why: str = ""
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """When a wave was opened, by whom (an e-mail; empty: its gate or its file) and why."""

    day: date | None
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class WaveSpec:
    """A wave: its teams and its start. `state` is empty, and `opened` None, where the file leaves them as they are."""

    line: int
    key: str
    teams: Sequence[str]
    start: date | None
    gate: float = GATE
    state: str = ""
    opened: Opened | None = None


@dataclass(frozen=True, slots=True)
class ProgramSpec:
    """A whole file: `charter` holds the Program's own fields, people stand by e-mail, `guard_of` is a program's key."""

    charter: dict[str, Any]
    sponsor: str
    owners: Sequence[tuple[str, str]]
    metrics: Sequence[MetricSpec]
    goals: Sequence[GoalSpec]
    waves: Sequence[WaveSpec]
    feeds: Sequence[FeedSpec] = ()
    scores: Sequence[ScoreSpec] = ()
    guard_of: str = ""


def read(document: Document) -> ProgramSpec:
    """Read one document. Faults gather in it; a specification with faults is not to be applied."""
    top = Fields(document)
    top.only(SECTIONS)
    program = top.mapping("program", required=True) or Fields(Document({}, {(): 1}))
    found_metrics = [metrics.read(fields) for fields in top.mappings("metrics")]
    waves = [_wave(fields) for fields in top.mappings("waves")]
    goals = [_goal(fields) for fields in top.mappings("goals")]
    found_feeds = [feeds.read(fields) for fields in top.mappings("feeds")]
    found_scores = [scores.read(fields) for fields in top.mappings("scores")]
    found = charter.read(program, top.mapping("nudges"))
    _once(top, "metrics", [metric.key for metric in found_metrics])
    _once(top, "waves", [wave.key for wave in waves])
    _once(top, "feeds", [feed.key for feed in found_feeds])
    _once(top, "scores", [score.key for score in found_scores])
    return ProgramSpec(
        found.fields,
        found.sponsor,
        found.owners,
        found_metrics,
        goals,
        waves,
        found_feeds,
        found_scores,
        guard_of=found.guard_of,
    )


def check_improve_by(document: Document, goals: Sequence[GoalSpec], known: dict[str, tuple[str, str]]) -> None:
    """Fault `improve_by` where the metric has no best possible value; `known` gives (aggregation, direction) by key."""
    for place, goal in enumerate(goals):
        if goal.improve_by is not None and goal.metric in known:
            try:
                ideal(*known[goal.metric])
            except ValueError as fault:
                document.fault(("goals", place, "improve_by"), str(fault))


def _goal(fields: Fields) -> GoalSpec:
    fields.only(GOAL)
    start, due = fields.day("start"), fields.day("due")
    in_order(fields, "start", start, "due", due)
    target, improve_by = fields.number("target"), fields.number("improve_by", least=0, most=1)
    if fields.is_mapping and (fields.value.get("target") is None) == (fields.value.get("improve_by") is None):
        fields.fault("target", "either target or improve_by was expected, and not both")
    return GoalSpec(
        line=fields.document.line(fields.path),
        metric=fields.key("metric"),
        teams=_teams(fields),
        start=start,
        due=due,
        target=target,
        improve_by=improve_by,
        tolerance=fields.number("tolerance", least=0, most=1) or 0.0,
        milestones=_milestones(fields, start, due),
        why=fields.text("why"),
        chosen=fields.text("chosen", most=300),
    )


def _teams(fields: Fields) -> Any:
    expected = "all, a list of team keys, {under: group} or {wave: key}"
    value = fields.get("teams", expected, required=True)
    if value is None or value == "all":
        return value
    if isinstance(value, list) and all(isinstance(key, str | int) for key in value):
        return [str(key) for key in value]
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("under", "wave"):
        return {name: str(key) for name, key in value.items()}
    fields.fault("teams", f"teams is {expected}, not {shown(value)}")
    return None


def _milestones(fields: Fields, start: date | None, due: date | None) -> list[list[Any]]:
    """As [[ISO day, value], …] by day; in the file they are a mapping {2026-06-01: 0.5}."""
    value = fields.value.get("milestones") or {}
    if not isinstance(value, dict):
        fields.fault("milestones", f"milestones is a mapping such as {{2026-06-01: 0.5}}, not {shown(value)}")
        return []
    found = {}
    for when, level in value.items():
        day, number = as_day(when), as_number(level)
        if day is None or number is None or (start and due and not start < day < due):
            fields.fault(
                "milestones", f"a milestone is a day between start and due with a value, not {when}: {shown(level)}"
            )
        else:
            found[day] = number
    return [[day.isoformat(), found[day]] for day in sorted(found)]


def _wave(fields: Fields) -> WaveSpec:
    fields.only(WAVE)
    gate = fields.number("gate", least=0, most=1)
    return WaveSpec(
        line=fields.document.line(fields.path),
        key=fields.key(),
        teams=fields.texts("teams"),
        start=fields.day("start"),
        gate=GATE if gate is None else gate,
        state=fields.choice("state", tuple(Wave.State.values), default=""),
        opened=_opened(fields.mapping("opened")),
    )


def _opened(fields: Fields | None) -> Opened | None:
    if fields is None:
        return None
    fields.only({"day", "by", "why"})
    return Opened(fields.day("day"), fields.email("by"), fields.text("why", most=500))


def _once(top: Fields, name: str, keys: Sequence[str]) -> None:
    for place, key in enumerate(keys):
        if key and key in keys[:place]:
            top.document.fault((name, place), f"{key} stands twice in {name}; it was expected once")

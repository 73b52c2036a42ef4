"""A program as code: the YAML file read into plain specifications, every fault named with its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from program.feeds.batch import shown
from program.rules.cadence import every_of
from program.rules.glidepath import ideal

from . import feeds, metrics, scores
from .feeds import FeedSpec
from .fields import Fields, as_day, as_number
from .marked_yaml import Document
from .metrics import MetricSpec
from .scores import ScoreSpec

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


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


@dataclass(frozen=True, slots=True)
class WaveSpec:
    """A wave: its teams and its start."""

    line: int
    key: str
    teams: Sequence[str]
    start: date | None


@dataclass(frozen=True, slots=True)
class ProgramSpec:
    """A whole file: `charter` holds the Program's own fields, people by e-mail."""

    charter: dict[str, Any]
    sponsor: str
    owners: Sequence[tuple[str, str]]
    metrics: Sequence[MetricSpec]
    goals: Sequence[GoalSpec]
    waves: Sequence[WaveSpec]
    feeds: Sequence[FeedSpec] = ()
    scores: Sequence[ScoreSpec] = ()


def read(document: Document) -> ProgramSpec:
    """Read one document. Faults gather in it; a specification with faults is not to be applied."""
    top = Fields(document)
    top.only({"program", "metrics", "goals", "waves", "nudges", "feeds", "scores"})
    program = top.mapping("program", required=True) or Fields(Document({}, {(): 1}))
    found_metrics = [metrics.read(fields) for fields in top.mappings("metrics")]
    waves = [_wave(fields) for fields in top.mappings("waves")]
    goals = [_goal(fields) for fields in top.mappings("goals")]
    found_feeds = [feeds.read(fields) for fields in top.mappings("feeds")]
    found_scores = [scores.read(fields) for fields in top.mappings("scores")]
    charter, sponsor, owners = _charter(program)
    charter |= _nudges(top.mapping("nudges"))
    _once(top, "metrics", [metric.key for metric in found_metrics])
    _once(top, "waves", [wave.key for wave in waves])
    _once(top, "feeds", [feed.key for feed in found_feeds])
    _once(top, "scores", [score.key for score in found_scores])
    return ProgramSpec(charter, sponsor, owners, found_metrics, goals, waves, found_feeds, found_scores)


def check_improve_by(document: Document, goals: Sequence[GoalSpec], known: dict[str, tuple[str, str]]) -> None:
    """Fault `improve_by` where the metric has no best possible value; `known` gives (aggregation, direction) by key."""
    for place, goal in enumerate(goals):
        if goal.improve_by is not None and goal.metric in known:
            try:
                ideal(*known[goal.metric])
            except ValueError as fault:
                document.fault(("goals", place, "improve_by"), str(fault))


def _charter(program: Fields) -> tuple[dict[str, Any], str, list[tuple[str, str]]]:
    program.only(
        {
            "key", "name", "state", "purpose", "lighter_steps_tried", "sponsor", "owners",
            "start", "end", "stop_if", "review",
        }
    )  # fmt: skip
    charter: dict[str, Any] = {
        "key": program.key(),
        "name": program.text("name", required=True, most=200),
        "state": program.choice("state", ("active", "draft"), default="active"),
        "purpose": program.text("purpose", required=True),
        "lighter_steps_tried": program.texts("lighter_steps_tried"),
        "start": program.day("start"),
        "end": program.day("end"),
        "stop_if": program.text("stop_if"),
    }
    _in_order(program, "start", charter["start"], "end", charter["end"])
    sponsor = program.mapping("sponsor", required=True)
    if sponsor:
        sponsor.only({"email", "mandate"})
    charter["mandate"] = sponsor.text("mandate") if sponsor else ""
    owners = []
    for owner in program.mappings("owners", required=True):
        owner.only({"email", "role"})
        owners.append((owner.email("email", required=True), owner.choice("role", ("technical", "manager"))))
    return (
        charter | _review(program.mapping("review")),
        sponsor.email("email", required=True) if sponsor else "",
        owners,
    )


def _review(review: Fields | None) -> dict[str, Any]:
    found: dict[str, Any] = {"review_every": "", "review_first": None, "review_minutes": 30, "review_zone": "UTC"}
    if review is None:
        return found
    review.only({"every", "first", "duration", "timezone"})
    every = review.text("every", required=True, most=40)
    if every and every_of(every) is None:
        review.fault("every", f"every is a number of weeks or months, such as 6 weeks, not {shown(every)}")
    first: datetime | None = review.wall_time("first", required=True)
    found["review_every"], found["review_first"] = every, first
    found["review_minutes"] = review.minutes("duration", default=30)
    found["review_zone"] = review.zone("timezone")
    return found


def _goal(fields: Fields) -> GoalSpec:
    fields.only({"metric", "teams", "start", "due", "target", "improve_by", "tolerance", "milestones"})
    start, due = fields.day("start"), fields.day("due")
    _in_order(fields, "start", start, "due", due)
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
    )


def _teams(fields: Fields) -> Any:
    expected = "all, a list of team keys, {under: group} or {wave: key}"
    value = fields.get("teams", expected, required=True)
    if value is None or value == "all":
        return value
    if isinstance(value, list) and value and all(isinstance(key, str | int) for key in value):
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
    fields.only({"key", "teams", "start"})
    return WaveSpec(fields.document.line(fields.path), fields.key(), fields.texts("teams"), fields.day("start"))


def _nudges(fields: Fields | None) -> dict[str, Any]:
    found = {
        "nudge_every_weeks": 1, "nudge_weekday": 0, "nudge_hour": 9, "nudge_weekly_maximum": 2, "holdout": 0.0,
    }  # fmt: skip
    if fields is None:
        return found
    fields.only({"every", "weekday", "hour", "max_per_person_per_week", "holdout"})
    weeks, rest = divmod(fields.minutes("every", default=10080), 10080)
    if rest or not weeks:
        fields.fault("every", f"every is whole weeks, such as 1 week, not {shown(fields.value['every'])}")
    found["nudge_every_weeks"] = weeks or 1
    found["nudge_weekday"] = WEEKDAYS.index(fields.choice("weekday", WEEKDAYS, default="monday"))
    found["nudge_hour"] = fields.whole("hour", default=9, least=0, most=23)
    found["nudge_weekly_maximum"] = fields.whole("max_per_person_per_week", default=2, least=1, most=7)
    found["holdout"] = fields.number("holdout", least=0, most=0.9) or 0.0
    return found


def _in_order(fields: Fields, first: str, early: date | None, second: str, late: date | None) -> None:
    if early and late and not early < late:
        fields.fault(second, f"{second} is after {first} ({early}), not {late}")


def _once(top: Fields, name: str, keys: Sequence[str]) -> None:
    for place, key in enumerate(keys):
        if key and key in keys[:place]:
            top.document.fault((name, place), f"{key} stands twice in {name}; it was expected once")

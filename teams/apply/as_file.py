"""A program as its file says it: from the database to plain values in the file's own words and order.

What has its default is left out, so that the same program reads the same wherever it is kept. Credentials, numbers
that arrived, and what was decided about single goals (exemptions, disputes) are no part of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from program.models import Feed, GoalRule, Metric, MetricVersion, Playbook, Program, ScoreVersion, Wave

from . import metrics as metrics_as_code
from .charter import WEEKDAYS
from .program_file import GATE

Said = dict[str, Any]
"""A part of a file: names in the file's order, days as days."""


def of_program(program: Program) -> Said:
    """The whole file of a program. Ten queries, however many goals it has."""
    held: Said = {
        "program": _charter(program),
        "metrics": _metrics(program),
        "goals": [_goal(rule) for rule in program.goal_rules.select_related("metric").order_by("position")],
        "waves": _waves(program),
        "nudges": _nudges(program),
        "feeds": _feeds(program),
        "scores": _scores(program),
    }
    return filled(held)


def referred_to(program: Program) -> dict[str, str]:
    """The metrics of others that a program's file only refers to, each with its program's key ("" if of none)."""
    found = set(program.goal_rules.values_list("metric__key", flat=True)) | {*program.guardrails}
    found |= set(Metric.objects.filter(feeds__program=program).values_list("key", flat=True))
    found |= {part["metric"] for score in _scores(program) for part in score["parts"]}
    rows = Metric.objects.filter(key__in=found).exclude(program=program)
    return {key: owner or "" for key, owner in rows.values_list("key", "program__key")}


def filled(said: Mapping[str, Any]) -> Said:
    """Without what is empty: no text, no list, no mapping, None."""
    return {name: value for name, value in said.items() if value not in ("", None, [], {})}


def number(value: float | None) -> float | int | None:
    """A number as a person would write it: 5 rather than 5.0."""
    if value is None or not float(value).is_integer() or abs(value) >= 1e15:
        return value
    return int(value)


def span(minutes: int) -> str:
    """A span in its largest whole unit: 30m, 2h, 1d."""
    for size, unit in ((1440, "d"), (60, "h")):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


def _charter(program: Program) -> Said:
    probation = program.probation_reviews
    return filled(
        {
            "key": program.key,
            "name": program.name,
            "state": str(program.state),
            "ended": filled({"day": program.ended_on, "why": program.ended_why}) if program.ended_on else {},
            "purpose": program.purpose,
            "why_now": program.why_now,
            "lighter_steps_tried": list(program.lighter_steps_tried),
            "sponsor": filled({"email": program.sponsor.email if program.sponsor else "", "mandate": program.mandate}),
            "owners": [
                {"email": email, "role": role}
                for email, role in program.owners.order_by("-role", "user__email").values_list("user__email", "role")
            ],
            "start": program.start,
            "end": program.end,
            "stop_if": program.stop_if,
            "guardrails": list(program.guardrails),
            "probation_reviews": None if probation == 2 else probation,
            "weekly_hours": number(program.weekly_hours) or None,
            "audience": program.audience,
            "guard_of": program.guard_of.key if program.guard_of else "",
            "review": _review(program),
        }
    )


def _review(program: Program) -> Said:
    first = program.review_first
    if not program.review_every or first is None:
        return {} if program.review_zone == "UTC" else {"timezone": program.review_zone}
    return {
        "every": program.review_every,
        "first": first.replace(tzinfo=None).isoformat(timespec="seconds" if first.second else "minutes"),
        "duration": span(program.review_minutes),
        "timezone": program.review_zone,
    }


def _nudges(program: Program) -> Said:
    weeks = program.nudge_every_weeks
    said = {
        "every": "1 week" if weeks == 1 else f"{weeks} weeks",
        "weekday": WEEKDAYS[program.nudge_weekday],
        "hour": program.nudge_hour,
        "max_per_person_per_week": program.nudge_weekly_maximum,
    }
    said |= {"holdout": number(program.holdout)} if program.holdout else {}
    return said | ({"note": program.nudge_note} if program.nudge_note else {})


def _metrics(program: Program) -> list[Said]:
    versions = MetricVersion.objects.filter(metric__program=program, current=True).select_related("metric")
    playbooks = {
        playbook.metric_id: playbook
        for playbook in Playbook.objects.filter(metric__program=program).select_related("expert")
    }
    return [_metric(version, playbooks.get(version.metric_id)) for version in versions.order_by("metric__key")]


def _metric(version: MetricVersion, playbook: Playbook | None) -> Said:
    metric = version.metric
    said = {
        "key": metric.key,
        "name": metric.name,
        "unit": version.unit,
        "direction": version.direction,
        "aggregation": version.aggregation,
        "fresh_for": f"{metric.fresh_for}d",
        "definition": version.definition,
        "hand_hours": number(metric.hand_hours) or None,
        "sudden": None if metric.sudden == metrics_as_code.SUDDEN else number(metric.sudden),
        "playbook": _playbook(playbook) if playbook else {},
    }
    return filled(said)


def _playbook(playbook: Playbook) -> Said:
    return filled(
        {
            "steps": list(playbook.steps),
            "example": playbook.example,
            "verify": playbook.verify,
            "expert": playbook.expert.email if playbook.expert else "",
            "office_hours": playbook.office_hours,
            "effort": _effort(playbook.effort_hours),
            "item_link": playbook.item_link,
            "tracker": playbook.tracker,
            "tracker_link": playbook.tracker_link,
        }
    )


def _effort(hours: float | None) -> str | float | None:
    """As a span where that says it exactly, else as a number of hours."""
    if hours is None:
        return None
    spans = (metrics_as_code.effort_text(hours), f"{round(hours * 60)}m")
    return next((said for said in spans if metrics_as_code.effort_of(said) == hours), number(hours))


def _goal(rule: GoalRule) -> Said:
    said = {
        "metric": rule.metric.key,
        "teams": rule.teams,
        "start": rule.start,
        "due": rule.due,
        "target": number(rule.target),
        "improve_by": number(rule.improve_by),
        "tolerance": number(rule.tolerance) or None,
        "milestones": {date.fromisoformat(day): number(level) for day, level in rule.milestones},
        "why": rule.why,
        "chosen": rule.chosen,
    }
    return filled(said) | {"teams": rule.teams}


def _waves(program: Program) -> list[Said]:
    return [_wave(wave) for wave in program.waves.select_related("opened_by").prefetch_related("wave_teams__team")]


def _wave(wave: Wave) -> Said:
    by = wave.opened_by.email if wave.opened_by else ""
    opened = {"day": wave.opened_on, "by": by, "why": wave.opened_why} if wave.opened_on else {}
    said = {
        "key": wave.key,
        "teams": sorted(place.team.key for place in wave.wave_teams.all()),
        "start": wave.start,
        "gate": None if wave.gate == GATE else number(wave.gate),
        "state": str(wave.state),
        "opened": filled(opened),
    }
    return filled(said)


def _feeds(program: Program) -> list[Said]:
    return [_feed(feed) for feed in program.feeds.prefetch_related("metrics").order_by("key")]


def _feed(feed: Feed) -> Said:
    measured = set(feed.measures.values())
    said = {
        "key": feed.key,
        "name": feed.name,
        "kind": feed.kind,
        "source": feed.source,
        "scope": feed.scope,
        "every": span(feed.every_minutes) if feed.every_minutes else "",
        "paused": feed.paused or None,
        "settings": _sorted(feed.settings),
        "measures": _sorted(feed.measures),
        "metrics": sorted({metric.key for metric in feed.metrics.all()} - measured),
    }
    return filled(said)


def _sorted(value: Any) -> Any:
    """With the names of every mapping in order: a database may keep them in another one than they were given in."""
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _scores(program: Program) -> list[Said]:
    """The newest version of each score; it goes with the program that defined the metric of its first part."""
    mine = set(program.metrics.values_list("key", flat=True))
    newest = {score.key: score for score in ScoreVersion.objects.order_by("key", "number")}
    return [_score(score) for score in newest.values() if score.parts and score.parts[0]["metric"] in mine]


def _score(score: ScoreVersion) -> Said:
    parts = [
        {
            "metric": part["metric"],
            "weight": number(part["weight"]),
            "zero": number(part["zero"]),
            "full": number(part["full"]),
        }
        for part in score.parts
    ]
    return {"key": score.key, "name": score.name, "parts": parts}

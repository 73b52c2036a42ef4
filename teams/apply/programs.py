"""Make the database say what a program's file says; applying it twice changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from accounts.clock import today
from accounts.models import User
from program.drafts import RESERVED
from program.models import GoalRule, Metric, MetricVersion, Program, ProgramOwner, Wave

from ..goals import make_goals
from ..models import Team, WaveTeam
from . import feeds, metrics, scores
from .changes import Changes
from .charter import ENDED
from .marked_yaml import Document
from .program_file import GoalSpec, ProgramSpec, WaveSpec, check_improve_by

BY_FILE = (Program.State.DRAFT, Program.State.ACTIVE)
DECIDED = ("state", "ended_on", "ended_why")


def check(document: Document, spec: ProgramSpec, beside: Sequence[ProgramSpec] = ()) -> None:
    """Fault what the file says against what is known: teams, groups, waves, metrics and programs it refers to.

    `beside` are the other programs of the same file, which come with it.
    """
    defined = {metric.key: (metric.aggregation, metric.direction) for metric in spec.metrics}
    coming = {metric.key: (metric.aggregation, metric.direction) for other in beside for metric in other.metrics}
    held = MetricVersion.objects.filter(current=True).select_related("metric__program")
    others = {version.metric.key: version for version in held}
    for place, metric in enumerate(spec.metrics):
        owner = others[metric.key].metric.program if metric.key in others else None
        wrong = metrics.check(metric, owner, spec.charter["key"])
        if wrong or metric.key in coming:
            document.fault(("metrics", place, "key"), wrong or f"{metric.key} is defined by two programs of this file")
    known = {key: (version.aggregation, version.direction) for key, version in others.items()} | coming | defined
    leaves = dict(Team.objects.values_list("key", "leaf"))
    for place, goal in enumerate(spec.goals):
        if goal.metric and goal.metric not in known:
            document.fault(("goals", place, "metric"), f"{goal.metric} is no metric of this file or of another program")
        _check_teams(document, ("goals", place, "teams"), goal.teams, leaves, {wave.key for wave in spec.waves})
    for place, wave in enumerate(spec.waves):
        _check_teams(document, ("waves", place, "teams"), list(wave.teams), leaves, set())
    check_improve_by(document, spec.goals, known)
    _check_charter(document, spec, known, leaves, {other.charter["key"] for other in beside})
    for place, feed in enumerate(spec.feeds):
        feeds.check(document, ("feeds", place), feed, known, spec.charter["key"])
    for place, score in enumerate(spec.scores):
        scores.check(document, ("scores", place), score, known)


def _check_charter(
    document: Document,
    spec: ProgramSpec,
    known: Collection[str],
    teams: Collection[str],
    beside: Collection[str],
) -> None:
    for place, key in enumerate(spec.charter["guardrails"]):
        if key not in known:
            document.fault(("program", "guardrails", place), f"{key} is no metric of this file or of another program")
    audience = spec.charter["audience"]
    if audience and audience not in teams:
        document.fault(("program", "audience"), f"group {audience} is not known; apply its Group first")
    key, guarded = spec.charter["key"], spec.guard_of
    if key in RESERVED and not Program.objects.filter(key=key).exists():
        document.fault(("program", "key"), f"another key was expected: {key} is an address of the pages")
    if key and key in beside:
        document.fault(("program", "key"), f"program {key} stands twice in this file; it was expected once")
    there = guarded in beside or Program.objects.filter(key=guarded).exists()
    if guarded and (guarded == key or not there):
        document.fault(("program", "guard_of"), f"{guarded} is no other program; apply its file first")
    held = Program.objects.filter(key=key).values_list("state", flat=True).first() or spec.charter["state"]
    if held not in BY_FILE and not (spec.sponsor and spec.owners):
        document.fault(("program", "state"), f"program {key} is {held}, no draft: a sponsor and owners were expected")


def _check_teams(document: Document, path: Any, teams: Any, leaves: dict[str, bool], waves: set[str]) -> None:
    if isinstance(teams, list):
        for key in teams:
            if not leaves.get(key, False):
                what = "is a group: use {under: …}" if key in leaves else "is not known; apply its Group first"
                document.fault(path, f"team {key} {what}")
    elif isinstance(teams, dict):
        (name, key), *_ = teams.items()
        if name == "under" and key not in leaves:
            document.fault(path, f"group {key} is not known; apply its Group first")
        if name == "wave" and key not in waves:
            document.fault(path, f"wave {key} is not one of this file's waves")


@dataclass(frozen=True, slots=True)
class Begun:
    """A program whose charter and metrics are written; `entering`: it was a draft until now, `over`: it has ended."""

    program: Program
    entering: bool
    over: bool


def begin(spec: ProgramSpec, changes: Changes) -> Begun:
    """Write what other programs may refer to: the program itself with its charter, and its metrics."""
    charter = dict(spec.charter)
    held = Program.objects.filter(key=charter["key"]).first()
    program = held or Program(key=charter["key"])
    if held and not _file_decides(held.state, charter["state"]):
        for name in DECIDED:
            charter.pop(name)
    elif charter["state"] in ENDED and charter["ended_on"] is None:
        charter["ended_on"] = today(charter["review_zone"], changes.now)
    first: datetime | None = charter.pop("review_first")
    charter["review_first"] = first.replace(tzinfo=UTC) if first else None
    if held and not charter["review_every"]:  # what pages keep for when there are reviews again
        del charter["review_first"], charter["review_minutes"]
    charter["sponsor"] = User.objects.named(spec.sponsor) if spec.sponsor else None
    charter["guard_of"] = Program.objects.filter(key=spec.guard_of).first() if spec.guard_of else None
    was_draft = held is not None and held.state == Program.State.DRAFT
    changes.put("program", program.key, program, charter)
    _owners(program, spec, changes)
    for metric in spec.metrics:
        metrics.put(program, metric, changes)
    over = held is not None and program.state in ENDED
    return Begun(program, entering=was_draft and program.state == Program.State.ACTIVE, over=over)


def finish(begun: Begun, spec: ProgramSpec, changes: Changes) -> None:
    """Write the rest of a checked specification, and make the goals."""
    program = begun.program
    if spec.guard_of and program.guard_of is None:  # it stands further down in the same file
        changes.put("program", program.key, program, {"guard_of": Program.objects.get(key=spec.guard_of)})
    for feed in spec.feeds:
        feeds.put(program, feed, changes)
    for score in spec.scores:
        scores.put(score, changes)
    _waves(program, spec, changes)
    _rules(program, spec.goals, changes)
    if not begun.over:
        make_goals(program, changes.now, changes.note, by=changes.actor, entering=begun.entering)


def _file_decides(held: str, said: str) -> bool:
    """Whether a file moves a program that is there to its state: between draft and active only.

    Pausing, resuming and ending are decisions that are made on pages; a file applied again does not undo them.
    """
    return held in BY_FILE and said in BY_FILE


def _owners(program: Program, spec: ProgramSpec, changes: Changes) -> None:
    wanted = {(email, role) for email, role in spec.owners}
    for owner in program.owners.select_related("user"):
        if (owner.user.email, owner.role) in wanted:
            wanted.discard((owner.user.email, owner.role))
        else:
            changes.note("owner", f"{program.key}/{owner.user.email}", {"role": owner.role}, None)
            owner.delete()
    for email, role in sorted(wanted):
        ProgramOwner.objects.create(program=program, user=User.objects.named(email), role=role)
        changes.note("owner", f"{program.key}/{email}", None, {"role": role})


def _waves(program: Program, spec: ProgramSpec, changes: Changes) -> None:
    day = today(program.review_zone, changes.now)
    for wave_spec in spec.waves:
        wave = Wave.objects.filter(program=program, key=wave_spec.key).first()
        wave = wave or Wave(program=program, key=wave_spec.key)
        changes.put("wave", f"{program.key}/{wave_spec.key}", wave, _wave_values(wave, wave_spec, day))
        held = set(wave.wave_teams.values_list("team__key", flat=True))
        wanted = set(wave_spec.teams)
        if held != wanted:
            wave.wave_teams.exclude(team__key__in=wanted).delete()
            new = Team.objects.filter(key__in=wanted - held)
            WaveTeam.objects.bulk_create([WaveTeam(wave=wave, team=team) for team in new])
            changes.note(
                "wave teams", f"{program.key}/{wave_spec.key}", {"teams": sorted(held)}, {"teams": sorted(wanted)}
            )
    kept = {wave.key for wave in spec.waves}
    for wave in program.waves.exclude(key__in=kept):
        changes.note("wave", f"{program.key}/{wave.key}", {"start": wave.start}, None)
        wave.delete()


def _wave_values(wave: Wave, spec: WaveSpec, day: date) -> dict[str, Any]:
    """What a file says of a wave; a new one without a state is open if its start has come, others stay as they are."""
    values: dict[str, Any] = {"start": spec.start, "gate": spec.gate}
    if spec.state:
        values["state"] = spec.state
    elif wave._state.adding:
        begun = spec.start is not None and spec.start <= day
        values["state"] = Wave.State.OPEN if begun else Wave.State.PLANNED
        values["opened_on"] = spec.start if begun else None
    if spec.opened is not None:
        by = User.objects.named(spec.opened.by) if spec.opened.by else None
        values |= {"opened_on": spec.opened.day, "opened_by": by, "opened_why": spec.opened.why}
    elif spec.state == Wave.State.PLANNED:
        values |= {"opened_on": None, "opened_by": None, "opened_why": ""}
    return values


def _rules(program: Program, goals: Any, changes: Changes) -> None:
    held = {metric.key: metric for metric in Metric.objects.filter(key__in={goal.metric for goal in goals})}
    for position, goal in enumerate(goals):
        rule = GoalRule.objects.filter(program=program, position=position).first()
        rule = rule or GoalRule(program=program, position=position)
        changes.put("goal rule", f"{program.key}#{position + 1}", rule, _rule_values(goal, held[goal.metric]))
    for rule in program.goal_rules.filter(position__gte=len(goals)):
        changes.note("goal rule", f"{program.key}#{rule.position + 1}", {"metric": rule.metric.key}, None)
        rule.delete()


def _rule_values(goal: GoalSpec, metric: Metric) -> dict[str, Any]:
    return {
        "metric": metric,
        "teams": goal.teams,
        "start": goal.start,
        "due": goal.due,
        "target": goal.target,
        "improve_by": goal.improve_by,
        "tolerance": goal.tolerance,
        "milestones": goal.milestones,
        "why": goal.why,
        "chosen": goal.chosen,
    }

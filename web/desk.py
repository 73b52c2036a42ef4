"""The owner's desk as a document: each part of a program as prose, with its form, and what is missing beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from django.db.models import Q
from django.urls import NoReverseMatch, reverse

from accounts.models import User
from program import readiness, wording
from program.models import GoalRule, Metric, MetricQuerySet, MetricVersion, Program, Wave
from program.readiness import Missing
from reviews import pulse
from reviews.models import Priority
from teams import charter, lifecycle, limits, waves
from teams.models import Team
from web import desk_words, queue_words
from web.desk_parts import Attempt, Desk, Part, part, read

STATES = {
    Program.State.DRAFT: "A draft, seen by its owners and its sponsor.",
    Program.State.ACTIVE: "It is live",
    Program.State.PAUSED: "It is paused, and nobody is nudged about it",
}


@dataclass(frozen=True)
class MetricLine:
    """A metric of the program."""

    metric: Metric
    version: MetricVersion | None
    has_playbook: bool
    defined_here: bool
    address: str
    """where its owner changes it; empty where that is no page"""


@dataclass(frozen=True)
class GoalLine:
    """A line of goals in words."""

    rule: GoalRule
    said: str
    address: str


@dataclass(frozen=True)
class WaveLine:
    """A wave: its teams, and what became of it or what its gate sees."""

    wave: Wave
    teams: Sequence[Team]
    said: str
    named: bool


@dataclass
class Context:
    """The owner's desk."""

    template: ClassVar[str] = "pages/desk.html"
    here: ClassVar[str] = "programs"
    program: Program
    today: date
    sentence: str
    steps: Sequence[str]
    ended: bool
    guards: Sequence[Program]
    needed: Sequence[Missing]
    advised: Sequence[Missing]
    beside: Mapping[str, Sequence[Missing]]
    parts: Mapping[str, Part]
    ladder: Sequence[tuple[str, str]]
    metrics: Sequence[MetricLine]
    goals: Sequence[GoalLine]
    waves: Sequence[WaveLine]
    queue: Sequence[str]
    teams: Sequence[Team]
    group_choices: Sequence[tuple[str, str]]
    wave_choices: Sequence[tuple[str, str]]
    guardrails: Sequence[Metric]
    placed: Mapping[int, str]
    """by team (id): the key of its wave"""
    people: Sequence[User]
    new_metric: str
    new_goals: str
    attempt: Attempt | None
    messages: Sequence[str]
    priorities: Sequence[Priority]
    pulse: str
    """what the leads said so far, before the next review; empty where nobody was asked"""


def context(
    program: Program,
    now: datetime,
    metrics: MetricQuerySet,
    people: Sequence[User],
    attempt: Attempt | None = None,
    messages: Sequence[str] = (),
) -> Context:
    """The whole desk, for a reader who may see these metrics; with an attempt, the form that was sent is open again.

    `people` are suggested where an e-mail is typed.
    """
    desk = read(program, now)
    known, day = desk.known, desk.day
    ended = lifecycle.has_ended(program)
    lacks = [] if ended else readiness.missing(program, known, day)
    hints = [] if ended else readiness.hints(program, known)
    held = list(program.waves.select_related("opened_by").prefetch_related("wave_teams__team"))
    leaves = [node for node in desk.nodes if node.leaf]
    current = MetricVersion.objects.filter(metric__in=known.metrics, current=True)
    versions = {version.metric_id: version for version in current}
    asked = [rule.metric_id for rule in known.rules]
    choices = Metric.objects.filter(Q(pk__in=metrics.values("pk")) | Q(key__in=program.guardrails))
    return Context(
        program=program,
        today=day,
        sentence=_sentence(desk, lacks),
        steps=lifecycle.steps(program),
        ended=ended,
        guards=list(program.guards.all()) if ended else [],
        needed=[one for one in lacks if one.needed],
        advised=[one for one in (*lacks, *hints) if not one.needed],
        beside=readiness.by_section([*lacks, *hints]),
        parts={name: part(desk, name, attempt) for name in charter.PARTS},
        ladder=charter.LADDER,
        metrics=_metrics(desk, versions),
        goals=_goals(desk, versions, {wave.key: len(wave.wave_teams.all()) for wave in held}),
        waves=_waves(desk, held),
        queue=[] if ended else queue_words.of_program(limits.queue_of(program), day),
        teams=leaves,
        group_choices=[(node.key, node.name) for node in desk.nodes if not node.leaf],
        wave_choices=[(wave.key, wave.key) for wave in held],
        guardrails=list(choices.exclude(pk__in=asked)),
        placed={row.team_id: wave.key for wave in held for row in wave.wave_teams.all()},
        people=people,
        new_metric=address("desk-metric-new", program.key),
        new_goals=address("desk-goals-new", program.key),
        attempt=attempt,
        messages=messages,
        priorities=list(Priority.objects.filter(program=program, over_at=None).select_related("by", "program")),
        pulse=pulse.of_next(program, now),
    )


def address(name: str, *keys: object) -> str:
    """Where a page of the desk is; empty where there is no such page."""
    try:
        return reverse(name, args=keys)
    except NoReverseMatch:
        return ""


def _sentence(desk: Desk, lacks: Sequence[Missing]) -> str:
    program = desk.program
    if lifecycle.has_ended(program):
        return f"It was {program.state} and stands as it was: nothing on it can be changed."
    state = STATES[Program.State(program.state)]
    needed = sum(one.needed for one in lacks)
    if needed and program.state == Program.State.DRAFT:
        return f"{state} {'One thing is' if needed == 1 else f'{needed} things are'} missing before it can go live."
    if program.state == Program.State.DRAFT:
        return f"{state} It has all it needs to go live."
    teams, goals = wording.count(len(desk.goals), "team"), wording.count(sum(desk.goals.values()), "goal")
    return f"{state}: {teams} with {goals}." if desk.goals else f"{state}: no team has a goal yet."


def _metrics(desk: Desk, versions: Mapping[int, MetricVersion]) -> list[MetricLine]:
    known, program = desk.known, desk.program
    return [
        MetricLine(
            metric=metric,
            version=versions.get(pk),
            has_playbook=readiness.helps(metric),
            defined_here=metric.program_id == program.pk,
            address=address("desk-metric", program.key, metric.key) if metric.program_id == program.pk else "",
        )
        for pk, metric in sorted(known.metrics.items(), key=lambda one: one[1].key)
    ]


def _goals(desk: Desk, versions: Mapping[int, MetricVersion], sizes: Mapping[str, int]) -> list[GoalLine]:
    known = desk.known
    lines = []
    for rule in known.rules:
        rule.metric = known.metrics[rule.metric_id]
        wave = rule.teams.get("wave") if isinstance(rule.teams, dict) else None
        teams = desk.of_rule.get(rule.pk, 0) if wave is None else sizes.get(wave, 0)
        said = desk_words.goal(rule, versions.get(rule.metric_id), teams, desk.names)
        lines.append(GoalLine(rule, said, address("desk-goal", desk.program.key, rule.position + 1)))
    return lines


def _waves(desk: Desk, held: Sequence[Wave]) -> list[WaveLine]:
    gates = waves.gates(held)
    named = {rule.teams["wave"] for rule in desk.known.rules if isinstance(rule.teams, dict) and "wave" in rule.teams}
    return [
        WaveLine(
            wave=wave,
            teams=[row.team for row in wave.wave_teams.all()],
            said=desk_words.wave(wave, gates.get(wave.pk), desk.program, desk.day),
            named=wave.key in named,
        )
        for wave in held
    ]

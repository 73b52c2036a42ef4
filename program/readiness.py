"""What a program still lacks, said gently: what going live needs, what is advised, and what looks out of balance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from .models import GoalRule, Metric, Program, ProgramOwner, Wave

MOST_HAND_HOURS = 4.0
"""Hours of hand work a week to measure, beyond which a program wears its owners out."""
FEW_TEAMS = 5


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing a program lacks, in a section of its desk. Without one that is `needed` it cannot go live."""

    section: str
    said: str
    needed: bool = False


@dataclass(slots=True)
class Known:
    """What there is around a program, as far as these rules look at it."""

    owners: list[ProgramOwner] = field(default_factory=list)
    rules: list[GoalRule] = field(default_factory=list)
    metrics: dict[int, Metric] = field(default_factory=dict)
    """those that it defines, and those that its goals are on"""
    waves: list[Wave] = field(default_factory=list)

    def has(self, role: str) -> bool:
        """Whether somebody who can act has this role."""
        return any(one.role == role and one.user.is_active and not one.user.reads_only for one in self.owners)

    @property
    def of_goals(self) -> list[Metric]:
        """The metrics its goals are on; while there are no goals, those it defines."""
        asked = {rule.metric_id for rule in self.rules}
        return [metric for pk, metric in self.metrics.items() if not asked or pk in asked]


def read(programs: Sequence[Program]) -> dict[int, Known]:
    """What is known around these programs, by their id. Five queries, however many they are."""
    found = {program.pk: Known() for program in programs}
    for owner in ProgramOwner.objects.filter(program__in=found).select_related("user"):
        found[owner.program_id].owners.append(owner)
    for rule in GoalRule.objects.filter(program__in=found).order_by("position"):
        found[rule.program_id].rules.append(rule)
    for wave in Wave.objects.filter(program__in=found):
        found[wave.program_id].waves.append(wave)
    metrics = Metric.objects.select_related("playbook")
    asked = metrics.in_bulk({rule.metric_id for known in found.values() for rule in known.rules})
    for metric in metrics.filter(program__in=found):
        found[metric.program_id or 0].metrics[metric.pk] = metric
    for known in found.values():
        known.metrics |= {rule.metric_id: asked[rule.metric_id] for rule in known.rules}
    return found


def missing(program: Program, known: Known, day: date) -> list[Missing]:
    """What it lacks, what going live needs first; section by section."""
    found = [*_charter(program, known, day), *_rest(program, known)]
    return sorted(found, key=lambda one: not one.needed)


def needed(program: Program, known: Known, day: date) -> list[str]:
    """What it cannot go live without."""
    return [one.said for one in missing(program, known, day) if one.needed]


def _charter(program: Program, known: Known, day: date) -> Iterable[Missing]:
    if program.sponsor is None:
        yield Missing("people", "No sponsor yet: without one nobody can change what stands in the way.", needed=True)
    elif not program.sponsor.is_active:
        yield Missing("people", f"{program.sponsor} has left: another sponsor is needed.", needed=True)
    elif not program.mandate.strip():
        yield Missing("people", f"Nothing says what {program.sponsor} can change for the teams.")
    if not known.has(ProgramOwner.Role.TECHNICAL):
        yield Missing("people", "No technical owner yet: somebody has to know whether a number is right.", needed=True)
    if not known.has(ProgramOwner.Role.MANAGER):
        yield Missing("people", "No program manager yet: somebody has to keep asking how it goes.", needed=True)
    if program.end <= day:
        yield Missing("bounds", "Its end has passed: say until when it is worth what it costs.", needed=True)
    if not program.purpose.strip():
        yield Missing("why", "No purpose yet: say what gets better for whom.", needed=True)
    people = {one.user_id for one in known.owners}
    if len(known.owners) > 1 and len(people) == 1:
        yield Missing("people", f"{known.owners[0].user} is both owners: two people see more than one.")
    if not program.why_now.strip():
        yield Missing("why", "Nothing says why now: teams will ask.")
    if not program.lighter_steps_tried:
        yield Missing("steps", "No lighter step is named: a few hot spots fixed may need no program.")
    if not program.stop_if.strip():
        yield Missing("bounds", "Nothing says when to stop: agree on it while nobody has to defend it.")
    if not program.guardrails:
        yield Missing("bounds", "No guardrail: name a metric that must not get worse meanwhile.")
    if not program.weekly_hours:
        yield Missing("bounds", "Nothing says what it costs its owners a week.")


def _rest(program: Program, known: Known) -> Iterable[Missing]:
    if not known.metrics:
        yield Missing("metrics", "No metric yet: say what is measured before anybody is asked to move it.")
    for metric in known.of_goals:
        if not helps(metric):
            yield Missing("metrics", f"{metric.name} has no playbook: its teams are not shown how.")
    if not known.rules:
        yield Missing("goals", "No goals yet: nothing is asked of any team.")
    elif any(not rule.why.strip() for rule in known.rules):
        yield Missing("goals", "A goal does not say why: its teams will ask.")
    if not program.review_every:
        yield Missing("reviews", "No reviews: the sponsor hears nothing, and nothing gets decided.")


def hints(program: Program, known: Known) -> list[Missing]:
    """What looks out of balance, whatever its state."""
    found = []
    helped = any(helps(metric) for metric in known.of_goals)
    if known.rules and not helped:
        found.append(
            Missing(
                "metrics", "All process and no technique: goals and nudges, and nothing that makes the work easier."
            )
        )
    if helped and not known.has(ProgramOwner.Role.MANAGER) and not program.review_every:
        found.append(
            Missing("reviews", "All technique and no process: a way to move the number, and nobody who asks about it.")
        )
    if not known.waves and any(_is_wide(rule) for rule in known.rules):
        found.append(
            Missing(
                "waves",
                "Nobody asked the teams: all start at once. A few engaged ones first show what to change.",
            )
        )
    hours = sum(metric.hand_hours for metric in known.of_goals)
    if hours > MOST_HAND_HOURS:
        found.append(
            Missing("metrics", f"Measuring takes {hours:g} hours of hand work a week: automate it before it wears out.")
        )
    return found


def by_section(found: Iterable[Missing]) -> Mapping[str, list[Missing]]:
    """What is missing beside each section."""
    sections: dict[str, list[Missing]] = {}
    for one in found:
        sections.setdefault(one.section, []).append(one)
    return sections


def helps(metric: Metric) -> bool:
    """Whether a metric has a playbook that says something. It asks nothing of a metric that `read` gave."""
    book = getattr(metric, "playbook", None)
    return book is not None and bool(book.steps or book.example or book.verify)


def _is_wide(rule: GoalRule) -> bool:
    if isinstance(rule.teams, dict):
        return "under" in rule.teams
    return rule.teams == "all" or len(rule.teams) > FEW_TEAMS

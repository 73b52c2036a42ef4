"""Standing guards: a program that keeps what a completed one reached, and speaks only when a team backtracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from accounts.clock import today
from program import wording
from program.drafts import a_year_after, free_key
from program.models import GoalRule, Metric, Program, ProgramOwner
from program.rules.status import Status

from . import standings
from .apply.changes import Changes
from .goals import make_goals
from .models import Goal, Team

AS_BEFORE = (
    "sponsor", "mandate", "audience", "review_zone", "nudge_every_weeks", "nudge_weekday", "nudge_hour",
    "nudge_weekly_maximum", "nudge_note", "holdout",
)  # fmt: skip
"""What a guard has of the program that it guards."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Teams that are at one target on one metric."""

    metric: Metric
    target: float
    tolerance: float
    teams: Sequence[str]


@dataclass(frozen=True, slots=True)
class Gains:
    """What a program reached by a day: lines for a guard, and how many goals are met of all."""

    lines: Sequence[Reached]
    met: int
    goals: int


def gains(program: Program, now: datetime) -> Gains:
    """What the program's goals reached, judged today; a line for each metric and target."""
    judged = standings.on(Goal.objects.filter(program=program, ended_on=None), today(program.review_zone, now))
    found: dict[tuple[int, float, float], list[int]] = {}
    for one in judged:
        if one.judgment.status == Status.MET and one.judgment.target is not None:
            terms = one.on_day.terms
            # Targets that were worked out as a share of the way differ in their last digits.
            key = one.on_day.metric, float(f"{one.judgment.target:.12g}"), terms.tolerance
            found.setdefault(key, []).append(one.on_day.team)
    metrics = Metric.objects.in_bulk({metric for metric, _, _ in found})
    keys = dict(Team.objects.values_list("pk", "key"))
    lines = [
        Reached(metrics[metric], target, tolerance, sorted(keys[team] for team in teams))
        for (metric, target, tolerance), teams in found.items()
    ]
    lines.sort(key=lambda line: (line.metric.key, line.target, line.tolerance))
    return Gains(lines, sum(len(line.teams) for line in lines), len(judged))


def stand_guard(program: Program, reached: Gains, changes: Changes) -> Program:
    """Make the guard of a program that is being completed; in the caller's transaction."""
    day = today(program.review_zone, changes.now)
    guard = Program(key=free_key(f"{program.key[:70]}-guard"))
    values = {name: getattr(program, name) for name in AS_BEFORE}
    values |= {
        "name": f"{program.name[:190]}: guard",
        "state": Program.State.ACTIVE,
        "purpose": f"Keeps what “{program.name}” reached: it speaks only when a team falls back.",
        "start": day,
        "end": a_year_after(day),
        "guard_of": program,
    }
    changes.put("program", guard.key, guard, values)
    for owner in program.owners.select_related("user"):
        ProgramOwner.objects.create(program=guard, user=owner.user, role=owner.role)
        changes.note("owner", f"{guard.key}/{owner.user.email}", None, {"role": owner.role})
    for position, line in enumerate(reached.lines):
        rule = GoalRule(program=guard, position=position)
        changes.put("goal rule", f"{guard.key}#{position + 1}", rule, _rule(program, line, day, guard.end))
    make_goals(guard, changes.now, changes.note, by=changes.actor, reason=f"stands guard over {program.name}")
    return guard


def _rule(program: Program, line: Reached, day: date, end: date) -> dict[str, object]:
    teams = wording.count(len(line.teams), "team")
    return {
        "metric": line.metric,
        "teams": list(line.teams),
        "start": day,
        "due": end,
        "target": line.target,
        "tolerance": line.tolerance,
        "why": f"“{program.name}” reached it, and it should stay so.",
        "chosen": f"the {teams} at this target on {wording.day(day)}",
    }

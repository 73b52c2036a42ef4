"""Another definition of a metric: what it would mean, before anybody keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Max

from program import wording
from program.models import GoalRule, Metric
from program.rules.glidepath import ideal

from .apply.metrics import MetricSpec, defines_anew, is_unused
from .models import Goal

NAMES = {"direction": "direction", "aggregation": "how values are added up", "unit": "unit", "definition": "definition"}


@dataclass(frozen=True, slots=True)
class Opening:
    """The version that a change opens, what differs, and how many goals and programs rest on the one before."""

    number: int
    differs: Mapping[str, tuple[Any, Any]]
    goals: int
    programs: int
    newest: date | None

    def said(self) -> list[str]:
        """What would follow, a sentence each."""
        found = [f"This opens version {self.number}: {_listed(self.differs)}."]
        if self.goals:
            verb = "becomes" if self.goals == 1 else "become"
            whose = f" of {self.programs} programs" if self.programs > 1 else ""
            found.append(
                f"{wording.count(self.goals, 'goal')}{whose} {verb} stale until re-baselined: nobody is nudged for "
                f"{'it' if self.goals == 1 else 'them'} meanwhile."
            )
        if self.newest is not None:
            found.append(
                f"What was measured so far, up to {wording.day(self.newest)}, stays with version {self.number - 1}: "
                "it is never joined to what comes by a line, or subtracted from it. New numbers are of the new version."
            )
        return found


def _listed(differs: Mapping[str, tuple[Any, Any]]) -> str:
    return "; ".join(
        f"{NAMES[name]} was “{before or 'none'}” and is “{after or 'none'}”"
        for name, (before, after) in differs.items()
    )


def opening(metric: Metric, spec: MetricSpec) -> Opening | None:
    """What keeping this would open; None where it opens nothing, since it defines the same or nothing rests on it."""
    current = metric.versions.filter(current=True).first()
    differs = defines_anew(current, spec)
    if current is None or not differs or is_unused(current):
        return None
    goals = Goal.objects.on_scorecards().filter(metric=metric, terms__metric_version=current).distinct()
    newest = current.sources.aggregate(newest=Max("newest"))["newest"]
    programs = len(set(goals.values_list("program_id", flat=True)))
    return Opening(current.number + 1, differs, goals.count(), programs, newest)


def resting_on(metric: Metric) -> tuple[int, int]:
    """How many goals on scorecards are on a metric's current version, and on older ones. Two queries."""
    goals = Goal.objects.on_scorecards().filter(metric=metric)
    older = goals.exclude(terms__metric_version__current=True).count()
    return goals.count() - older, older


def in_the_way(metric: Metric, spec: MetricSpec) -> str:
    """Why this aggregation and direction cannot be: goals ask to improve by a share, and it has no best value."""
    try:
        ideal(spec.aggregation, spec.direction)
    except ValueError:
        asking = GoalRule.objects.filter(metric=metric, improve_by__isnull=False).count()
        if asking:
            verb = "asks" if asking == 1 else "ask"
            return (
                f"{wording.count(asking, 'goal line')} {verb} to improve by a share of the way to the best value, and "
                f"{spec.aggregation} {spec.direction} has none: give {'it' if asking == 1 else 'them'} a target first"
            )
    return ""

"""A team's scorecard: each of its goals on a day, worst first, with the trail back to the path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from program.models import MetricVersion
from program.rules.series import Point, points
from program.rules.status import WORST_FIRST, Judgment, Status, Terms
from program.rules.trail import Crumb

from .models import Goal, Standing, Team
from .series import SourceHistory
from .standings import compute, crumb_facts
from .terms import in_force


@dataclass(frozen=True, slots=True)
class GoalCard:
    """One goal on a scorecard, with what its page, API answer and mail say of it.

    `series` holds the points behind it, as far back as the judgment had to read; it is empty for a kept standing.
    """

    goal: Goal
    version: MetricVersion
    judgment: Judgment
    terms: Terms
    trail: Sequence[Crumb]
    items_short: int
    held: bool = False
    series: Sequence[Point] = ()

    @property
    def status(self) -> Status:
        """The word for where the goal stands."""
        return self.judgment.status

    def facts(self) -> dict[str, Any]:
        """The scorecard contract's entry for this goal."""
        j = self.judgment
        return {
            "program": self.goal.program.key,
            "metric": self.goal.metric.key,
            "status": str(j.status),
            "held": self.held,
            "slipped": j.slipped,
            "value": j.value,
            "as_of": _iso(j.as_of),
            "baseline": j.baseline,
            "target": j.target,
            "expected": j.expected,
            "gap": j.gap,
            "start": _iso(self.terms.start),
            "due": _iso(self.terms.due),
            "forecast": _iso(j.forecast),
            "trail": [crumb_facts(crumb) for crumb in self.trail],
        }


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A team's goals on a day, worst first."""

    team: Team
    on: date
    goals: Sequence[GoalCard]

    def facts(self) -> dict[str, Any]:
        """The scorecard contract."""
        return {"team": self.team.key, "on": self.on.isoformat(), "goals": [card.facts() for card in self.goals]}


def build(team: Team, on: date, among: Any = None) -> Scorecard:
    """The team's scorecard on a day, judged from the observations held now and the terms in force on that day.

    `among` limits it to these goals (those a person may see). Seven queries at most, however many goals.
    """
    goals = Goal.objects.on_scorecards() if among is None else among.on_scorecards()
    mine = goals.filter(team=team)
    by_id = {
        goal.pk: goal
        for goal in mine.select_related("program", "metric", "metric__playbook", "metric__playbook__expert", "team")
    }
    on_days = in_force(mine, lambda _zone: on)
    judged, histories = compute(on_days)
    versions = MetricVersion.objects.in_bulk({g.metric_version for g in on_days})
    cards = [
        GoalCard(
            goal=by_id[j.on_day.goal],
            version=versions[j.on_day.metric_version],
            judgment=j.judgment,
            terms=j.on_day.terms,
            trail=j.trail.crumbs,
            items_short=j.trail.items_short,
            series=_points(j.on_day.terms, histories.get(j.on_day.pair, ()), on),
        )
        for j in judged
        if j.on_day.goal in by_id
    ]
    cards.sort(key=lambda card: (WORST_FIRST[card.status], card.goal.program.key, card.goal.metric.key))
    return Scorecard(team, on, cards)


def as_judged(team: Team, on: date, among: Any = None) -> dict[str, Any]:
    """The scorecard contract with what was said on that day, from the kept standings. One query."""
    goals = Goal.objects.all() if among is None else among
    kept = Standing.objects.filter(goal__in=goals.filter(team=team), day=on).select_related(
        "goal__program", "goal__metric"
    )
    order = sorted(kept, key=lambda s: (WORST_FIRST[Status(s.status)], s.goal.program.key, s.goal.metric.key))
    return {"team": team.key, "on": on.isoformat(), "goals": [standing_facts(s) for s in order]}


def standing_facts(standing: Standing) -> dict[str, Any]:
    """The contract's entry for a kept standing; its goal's program and metric are loaded."""
    return {
        "program": standing.goal.program.key,
        "metric": standing.goal.metric.key,
        "status": standing.status,
        "held": standing.held,
        "slipped": standing.slipped,
        "value": standing.value,
        "as_of": _iso(standing.as_of),
        "baseline": standing.baseline,
        "target": standing.target,
        "expected": standing.expected,
        "gap": standing.gap,
        "start": _iso(standing.start),
        "due": _iso(standing.due),
        "forecast": _iso(standing.forecast),
        "trail": standing.trail,
    }


def _points(terms: Terms, histories: Sequence[SourceHistory], until: date) -> list[Point]:
    return points(terms.aggregation, [history.readings for history in histories], until)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()

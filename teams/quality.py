"""A composite quality score per team, by a definition that is data: to zoom out with, and never without its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from program.models import MetricVersion, ScoreVersion
from program.rules.series import value_on

from .models import Team
from .series import NEWEST, SourceHistory, load


@dataclass(frozen=True, slots=True)
class Part:
    """One metric of a score: the team's value and its points, 0 to 100; None where it has no value."""

    metric: str
    name: str
    unit: str
    aggregation: str
    weight: float
    value: float | None
    points: float | None


@dataclass(frozen=True, slots=True)
class TeamScore:
    """A team's score, the weighted mean of the parts that have a value; None where none has."""

    team: Team
    score: float | None
    parts: Sequence[Part]

    @property
    def missing(self) -> int:
        """Parts without a value: they are left out, and said."""
        return sum(part.points is None for part in self.parts)


def in_force(key: str, day: date) -> ScoreVersion | None:
    """The version of a score on a day: the newest that counts by then, else the first."""
    versions = list(ScoreVersion.objects.filter(key=key).order_by("number"))
    return next((one for one in reversed(versions) if one.effective_from <= day), versions[0] if versions else None)


def points(value: float, zero: float, full: float) -> float:
    """Points from 0 to 100 of a value between the one that gives none and the one that gives all."""
    return 100 * min(1.0, max(0.0, (value - zero) / (full - zero)))


def scores(version: ScoreVersion, teams: Sequence[Team], day: date) -> list[TeamScore]:
    """The scores of teams on a day, best first, those without one last. Constant queries."""
    wanted = {part["metric"]: part for part in version.parts}
    held = MetricVersion.objects.filter(current=True, metric__key__in=wanted).select_related("metric")
    versions = {one.metric.key: one for one in held}
    pairs = {(one.pk, team.pk): day for one in versions.values() for team in teams}
    histories = load(pairs, some=NEWEST)
    found = []
    for team in teams:
        parts = [
            _part(part, versions[key], histories.get((versions[key].pk, team.pk), ()), day)
            for key, part in wanted.items()
            if key in versions
        ]
        counted = [(part.weight, part.points) for part in parts if part.points is not None]
        weight = sum(weight for weight, _ in counted)
        score = sum(weight * number for weight, number in counted) / weight if weight else None
        found.append(TeamScore(team, score, parts))
    return sorted(found, key=lambda one: (one.score is None, -(one.score or 0.0), one.team.key))


def _part(part: dict[str, Any], version: MetricVersion, histories: Sequence[SourceHistory], day: date) -> Part:
    value = value_on(version.aggregation, [history.readings for history in histories], day).value
    return Part(
        version.metric.key, version.metric.name, version.unit, version.aggregation, part["weight"], value,
        None if value is None else points(value, part["zero"], part["full"]),
    )  # fmt: skip

"""Teams by a condition, and a target by the best teams: found once, when a goal line is saved (decision 0009)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from program import wording
from program.models import MetricVersion
from program.rules.numbers import reached
from program.rules.pace import percentile

from .models import Team
from .tracks import Ground

LONGEST = 300


def by_condition(
    held: Ground, teams: Mapping[int, Team], day: date, *, than: float, worse: bool
) -> tuple[list[str], str]:
    """Keys of the teams whose value on a day is worse than a number (or at least as good), and how they were found.

    A team without a value is neither.
    """
    up, version = held.version.direction == MetricVersion.Direction.UP, held.version
    known = {team: value for team, value in held.values(day).items() if team in teams and teams[team].leaf}
    keys = sorted(teams[team].key for team, value in known.items() if reached(value, than, up) != worse)
    side = "worse than" if worse else "at least as good as"
    level = wording.value(than, version.unit, version.aggregation)
    found = f"{len(keys)} of {wording.count(len(known), 'team')} with a value"
    return keys, f"teams {side} {level} on {version.metric.name[:100]} on {wording.day(day)}: {found}"


def as_the_best(held: Ground, teams: Mapping[int, Team], day: date, share: float) -> tuple[float, str] | None:
    """The value that the best share (0 to 1) of teams had on a day, and how it was found; None without any value."""
    up, version = held.version.direction == MetricVersion.Direction.UP, held.version
    values = [value for team, value in held.values(day).items() if team in teams and teams[team].leaf]
    if not values:
        return None
    level = percentile(values, share, up)
    at_it = sum(1 for value in values if reached(value, level, up))
    said = wording.value(level, version.unit, version.aggregation)
    return level, (
        f"target {said}: what the best {wording.share(share)} of teams had on {wording.day(day)}, "
        f"{at_it} of {len(values)}"
    )


def kept_words(before: str, *, teams_changed: bool, target_changed: bool) -> list[str]:
    """Of how a line was chosen before, what still holds once its teams or its target were chosen otherwise."""
    parts = [part for part in before.split("; ") if part]
    return [
        part
        for part in parts
        if not (part.startswith("teams ") and teams_changed) and not (part.startswith("target ") and target_changed)
    ]

"""How hard a goal is: the pace it needs beside the team's own, and beside the fastest that any team ever kept.

All paces are per day and in the metric's better direction: positive is better, whatever the direction.

- **needed**: from the baseline to the target, evenly from start to due; 0 where the target is reached already.
- **own**: the Theil–Sen slope of the team's points within 90 days of its newest one on or before the start, three at
  least (as the forecast takes it, of another day).
- **a record**: the largest move, per day, between any point of a team and the newest point 90 or more days before it.
  Of a sum it is taken as a share of where it began: half of 10 findings is no less than half of 1,000.
- A team is compared with the records of teams that were at least half its size then, and with its own.

`easy`: needs no more than its own pace. `unheard of`: needs more than every record it is compared with. `stretch`: all
else. `unknown`: there is neither an own pace nor a record to compare with.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter

from .forecast import WINDOW_DAYS
from .numbers import equal, reached
from .numbers import whole_days as rounded_up
from .track import Track

DAYS_A_MONTH = 30.4375
LIKE_IN_SIZE = 0.5


class Difficulty(StrEnum):
    """How hard it is to reach a target in time; hardest first."""

    UNHEARD_OF = "unheard of"
    STRETCH = "stretch"
    EASY = "easy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Record:
    """A team's fastest 90 days: how fast, and how large the team was when they began."""

    pace: float
    size: float


def needed(baseline: float, target: float, days: int, up: bool) -> float:
    """The pace from the baseline to the target in so many days."""
    if reached(baseline, target, up):
        return 0.0
    return abs(target - baseline) / days


def own(track: Track, start: int, up: bool) -> float | None:
    """The team's own pace before a day; None with fewer than three points in 90 days."""
    found = track.slope(start)
    return found if up or found is None else -found


Stretch = tuple[int, int, int]
"""Two places in a series, and how many days they are apart."""


def stretches(days: Sequence[int]) -> list[Stretch]:
    """Each point with the newest one 90 or more days before it; most teams are measured on the same days."""
    found, begin = [], 0
    for at, day in enumerate(days):
        if day - days[begin] < WINDOW_DAYS:
            continue
        while days[begin + 1] <= day - WINDOW_DAYS:
            begin += 1
        found.append((begin, at, day - days[begin]))
    return found


def record(track: Track, aggregation: str, up: bool, held: Sequence[Stretch] | None = None) -> Record | None:
    """The team's fastest 90 days; None with a shorter history. A sum that began at 0 has no share to compare.

    `held` are the stretches of the track's days, where they are known already.
    """
    values, sign = track.values, 1 if up else -1
    held = stretches(track.days) if held is None else held
    if aggregation == "sum":
        shares = [(sign * (values[j] - values[i]) / n / abs(values[i]), i) for i, j, n in held if values[i]]
        if not shares:
            return None
        best, began = max(shares, key=itemgetter(0))
        return Record(best, abs(values[began]))
    if not held:
        return None
    return Record(max([sign * (values[j] - values[i]) / n for i, j, n in held]), track.size)


class Records:
    """The fastest pace that teams of at least some size kept; asked once for every team."""

    def __init__(self, records: Iterable[Record]) -> None:
        known = sorted(records, key=lambda one: -one.size)
        self._sizes = [-one.size for one in known]
        self._best: list[float] = []
        for one in known:
            self._best.append(max(one.pace, self._best[-1]) if self._best else one.pace)

    def fastest(self, size: float) -> float | None:
        """The fastest of teams at least half as large; None without one."""
        at = bisect_right(self._sizes, -size * LIKE_IN_SIZE)
        return self._best[at - 1] if at else None


def difficulty(
    needs: float, own_pace: float | None, record_to_beat: float | None, baseline: float, aggregation: str
) -> Difficulty:
    """How hard it is. `record_to_beat` is the fastest of the records the team is compared with; a sum's is a share."""
    if not needs or (own_pace is not None and (needs <= own_pace or equal(needs, own_pace))):
        return Difficulty.EASY
    if record_to_beat is None:
        return Difficulty.UNKNOWN if own_pace is None else Difficulty.STRETCH
    if aggregation == "sum":
        if not baseline:  # a sum that begins at 0 has no share to compare
            return Difficulty.STRETCH
        needs /= abs(baseline)
    return Difficulty.STRETCH if needs <= record_to_beat or equal(needs, record_to_beat) else Difficulty.UNHEARD_OF


def percentile(values: Sequence[float], share: float, up: bool) -> float:
    """The value that the best `share` (0 to 1) of these values reach: the k-th best, k being share × n rounded up."""
    best_first = sorted(values, reverse=up)
    k = rounded_up(len(best_first) * share)
    return best_first[max(1, min(len(best_first), k)) - 1]

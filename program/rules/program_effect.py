"""Did the program move its metric? The value at the newest snapshot minus what it would have been, with its interval.

What it would have been is read off comparison teams, which the program has not begun with, where there are enough: one
change a team, Welch's t, or what lay between the two sides by itself before, where that is more. Otherwise off the
teams' own past, twice: as if each had stayed where it was, and as if each had gone on as before; the interval holds for
both. Its error is the teams' own spread or, where that is larger, the unrest of their common value in the past, with
its autocorrelation, and growing with time where it wandered: what moves all teams at once is no program.
(docs/decisions/0016-what-a-program-is-worth.md, with the rates of false alarms.)

Values are turned so that more is better. Pure: no database and no clock.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from .statistics import Interval, interval, mean, t_quantile, variance

BASE = 3
"""Snapshots before the start that are averaged into a team's base: one alone may be an accident."""
LOOKED_BACK = 24
"""Snapshots before the start that tell how a team moved by itself; what is older is another time."""
LEAST_BEFORE = 6
LEAST_TEAMS = 4
"""Teams below which their own past says nothing: their spread would be a guess."""
LEAST_COMPARED = 3
"""Teams on either side of a comparison."""
LEAST_FREEDOM = 2.0
MOST_CORRELATED = 0.9
MOST_INFLATED = 3.0
"""Of what lies between two sides: correlated snapshots count for a third each at least."""
SPANS = 6
"""Into so many spans the past is cut to see whether a common value wanders."""
WANDERS = 0.5
"""From this share on of what a random walk moves over a span, against its single steps, it is taken for one."""
NOTHING = 1e-9
"""What rounding leaves of a change that is none."""


class Verdict(StrEnum):
    """What the interval says."""

    WORKING = "working"
    HARMFUL = "harmful"
    NOT_SHOWN = "not shown"
    TOO_EARLY = "too early"


class Method(StrEnum):
    """What it would have been is read off."""

    COMPARISON = "comparison teams"
    PAST = "the teams' own past"
    NONE = ""


class Team(NamedTuple):
    """One team's values at the program's snapshots, oldest first, with more being better; None: not measured.

    `start` is the number of the first snapshot under the program; None: it has not begun there. `weight` (> 0) is how
    much the team counts in the program's value: its denominator for a ratio, 1 for a sum.
    """

    values: Sequence[float | None]
    weight: float
    start: int | None


class Found(NamedTuple):
    """The verdict, the effect in the metric's unit, and what it rests on; `why` says what there is too little of.

    `before` and `now` are the plain numbers behind an effect: what the teams that count were at when it began and are
    at; `now - effect.estimate` is what it would have been.
    """

    verdict: Verdict
    effect: Interval | None
    method: Method
    treated: int
    """teams that count"""
    compared: int
    why: str = ""
    before: float | None = None
    now: float | None = None


class _Past(NamedTuple):
    """A team as its own past has it."""

    before: Sequence[float]
    newest: float
    weight: float
    later: int
    """snapshots from the base to the newest one"""


def judge(teams: Sequence[Team]) -> Found:
    """The verdict on a program of these teams."""
    treated = [team for team in teams if team.start is not None and team.values[-1] is not None]
    others = [team for team in teams if team.start is None and team.values[-1] is not None]
    found = _compared(treated, others)
    return found if found is not None else _by_their_past(treated)


def _of(effect: Interval, method: Method, treated: int, compared: int, before: float, now: float) -> Found:
    better, worse = effect.low > NOTHING, effect.high < -NOTHING
    verdict = Verdict.WORKING if better else Verdict.HARMFUL if worse else Verdict.NOT_SHOWN
    return Found(verdict, effect, method, treated, compared, "", before, now)


# -- comparison teams --


def _compared(treated: Sequence[Team], others: Sequence[Team]) -> Found | None:
    """By comparison teams; None where there are too few. Teams whose past was not parallel compare nothing."""
    changes = [change for team in treated if (change := _change(team, team.start or 0)) is not None]
    starts = Counter(team.start or 0 for team in treated if _change(team, team.start or 0) is not None)
    same = [change for team in others if starts and (change := _changes(team, starts)) is not None]
    if len(changes) < LEAST_COMPARED or len(same) < LEAST_COMPARED:
        return None
    ours = [past for team in treated if (past := _drift(team, team.start or 0)) is not None]
    theirs = [past for team in others if (past := _drift(team, min(starts))) is not None]
    if len(ours) < LEAST_COMPARED or len(theirs) < LEAST_COMPARED:
        return None
    before = welch(ours, theirs)
    if before.low > NOTHING or before.high < -NOTHING:
        why = "the teams and those they are compared with moved differently before it began"
        return Found(Verdict.TOO_EARLY, None, Method.COMPARISON, len(changes), len(same), why)
    newest = [team.values[-1] or 0.0 for team in treated if _change(team, team.start or 0) is not None]
    now = mean(newest)
    effect = welch(changes, same)
    half = max(effect.high - effect.estimate, _between(treated, others, min(starts)))
    effect = Interval(effect.estimate, effect.estimate - half, effect.estimate + half, effect.df)
    return _of(effect, Method.COMPARISON, len(changes), len(same), now - mean(changes), now)


def _between(treated: Sequence[Team], others: Sequence[Team], start: int) -> float:
    """Half of an interval by what lay between the two sides before it began: what moves one side at once, such as a
    release of all that is large, shows in no spread between its teams."""
    sides = [[_known(team, team.start or 0) for team in treated], [_known(team, start) for team in others]]
    long = [[known for known in side if len(known) >= LEAST_BEFORE] for side in sides]
    many = min(len(known) for side in long for known in side)
    apart = [mean([k[n - many] for k in long[0]]) - mean([k[n - many] for k in long[1]]) for n in range(many)]
    middle = mean(apart)
    rest = [one - middle for one in apart]
    correlated = autocorrelation(rest)
    inflated = min(MOST_INFLATED, (1.0 + correlated) / (1.0 - correlated))
    squared = math.fsum(one * one for one in rest) / (many - 1)
    freedom = max(LEAST_FREEDOM, (many - 1) / inflated)
    return t_quantile(0.975, freedom) * math.sqrt(squared * (1.0 + inflated / BASE))


def _known(team: Team, start: int) -> list[float]:
    """A team's values before a start, as far as they are looked back on."""
    return [value for value in team.values[:start] if value is not None][-LOOKED_BACK:]


def welch(ours: Sequence[float], theirs: Sequence[float]) -> Interval:
    """The difference of two means with Welch's interval (B. L. Welch, Biometrika 34, 1947); two values a side at
    least."""
    parts = [(variance(side) / len(side), len(side) - 1) for side in (ours, theirs)]
    error = math.fsum(part for part, _ in parts)
    spread = math.fsum(part * part / free for part, free in parts)
    df = error * error / spread if spread > 0.0 else float(len(ours) + len(theirs) - 2)
    return interval(mean(ours) - mean(theirs), math.sqrt(error), df)


def _base(team: Team, start: int) -> float | None:
    """The mean of the last snapshots before a start; None where there are too few."""
    known = [value for value in team.values[:start] if value is not None][-BASE:]
    return mean(known) if len(known) == BASE else None


def _change(team: Team, start: int) -> float | None:
    base, newest = _base(team, start), team.values[-1]
    return None if base is None or newest is None else newest - base


def _changes(team: Team, starts: Counter[int]) -> float | None:
    """A comparison team's change since the starts of those it is compared with, each as often as it occurs."""
    found = [(_change(team, start), times) for start, times in starts.items()]
    if any(change is None for change, _ in found):
        return None
    return math.fsum((change or 0.0) * times for change, times in found) / starts.total()


def _drift(team: Team, start: int) -> float | None:
    """How a team moved in the time before a start: its base less the one as long before as there was."""
    known = _known(team, start)
    if len(known) < LEAST_BEFORE:
        return None
    return mean(known[-BASE:]) - mean(known[:BASE])


# -- the teams' own past --


def _by_their_past(treated: Sequence[Team]) -> Found:
    past = [one for team in treated if (one := _past(team)) is not None]
    count = len(past)
    if count < LEAST_TEAMS:
        why = f"{count} of at least {LEAST_TEAMS} teams were measured {LEAST_BEFORE} times before it began"
        return Found(Verdict.TOO_EARLY, None, Method.NONE, count, 0, why)
    weights = [one.weight for one in past]
    total = math.fsum(weights)
    df = total * total / math.fsum(weight * weight for weight in weights) - 1.0
    if df < LEAST_FREEDOM:
        return Found(Verdict.TOO_EARLY, None, Method.NONE, count, 0, "one team outweighs all others")
    stayed = [one.newest - mean(one.before[-BASE:]) for one in past]
    went_on = [change - _slope(one.before) * one.later for change, one in zip(stayed, past, strict=True)]
    unrest = _Unrest.of(past, total)
    later = math.fsum(one.later * one.weight for one in past) / total
    halves = [
        max(_by_teams(stayed, weights, df), unrest.of_level(later)),
        max(_by_teams(went_on, weights, df), unrest.of_line(later)),
    ]
    middles = [_weighted(values, weights) for values in (stayed, went_on)]
    low = min(middle - half for middle, half in zip(middles, halves, strict=True))
    high = max(middle + half for middle, half in zip(middles, halves, strict=True))
    now = _weighted([one.newest for one in past], weights)
    return _of(Interval(mean(middles), low, high, df), Method.PAST, count, 0, now - middles[0], now)


def _past(team: Team) -> _Past | None:
    """None where a team was measured too rarely before it began."""
    start, newest = team.start or 0, team.values[-1]
    known = [(number, value) for number, value in enumerate(team.values[:start]) if value is not None][-LOOKED_BACK:]
    if len(known) < LEAST_BEFORE or newest is None:
        return None
    base = mean([float(number) for number, _ in known[-BASE:]])
    return _Past([value for _, value in known], newest, team.weight, round(len(team.values) - 1 - base))


def _by_teams(changes: Sequence[float], weights: Sequence[float], df: float) -> float:
    """Half of an interval by the teams' spread."""
    middle, total = _weighted(changes, weights), math.fsum(weights)
    spread = math.fsum(weight * (change - middle) ** 2 for change, weight in zip(changes, weights, strict=True))
    return t_quantile(0.975, df) * math.sqrt(spread / total / df)


def _weighted(values: Sequence[float], weights: Sequence[float]) -> float:
    return math.fsum(v * w for v, w in zip(values, weights, strict=True)) / math.fsum(weights)


class _Unrest(NamedTuple):
    """How the teams' common value moved about its trend before the start."""

    squared: float
    """variance of one snapshot about the trend"""
    inflated: float
    """how many times that of independent snapshots the variance of a mean is"""
    snapshots: int
    wandering: float
    """variance that a snapshot adds for good, if the level wanders; else 0"""

    @classmethod
    def of(cls, past: Sequence[_Past], total: float) -> _Unrest:
        """From the snapshots that all teams have, counted back from their starts."""
        many = min(len(one.before) for one in past)
        common = [
            math.fsum(one.before[len(one.before) - many + n] * one.weight for one in past) / total for n in range(many)
        ]
        slope, middle = _slope(common), mean(common)
        rest = [value - middle - slope * (n - (many - 1) / 2) for n, value in enumerate(common)]
        correlated = autocorrelation(rest)
        squared = math.fsum(one * one for one in rest) / (many - 2)
        return cls(squared, (1.0 + correlated) / (1.0 - correlated), many, _wandering(common, slope))

    @property
    def freedom(self) -> float:
        """Degrees of freedom: correlated snapshots count for fewer."""
        return max(1.0, (self.snapshots - 2) / self.inflated)

    def of_level(self, later: float) -> float:
        """Half of an interval for the newest snapshot less the base, so many snapshots later."""
        return max(self._half(self._level), self._wandered(later))

    def of_line(self, later: float) -> float:
        """The same less the line of the past, which leads astray the more the farther it is drawn."""
        slope = self.squared * self.inflated * later * later / _squares(self.snapshots)
        return max(self._half(self._level + slope), self._wandered(later + later * later / self.snapshots))

    @property
    def _level(self) -> float:
        return self.squared * (1.0 + min(self.inflated, BASE) / BASE)

    def _half(self, squared: float) -> float:
        return t_quantile(0.975, self.freedom) * math.sqrt(squared)

    def _wandered(self, steps: float) -> float:
        return t_quantile(0.975, self.snapshots / _span(self.snapshots)) * math.sqrt(self.wandering * steps)


def _span(many: int) -> int:
    return max(2, many // SPANS)


def _wandering(common: Sequence[float], slope: float) -> float:
    """What a snapshot adds to the variance of a level that wanders, read off its moves over a span; 0 where these are
    too small against its single steps: it then comes back to its line (the variance ratio of A. W. Lo and A. C.
    MacKinlay, Review of Financial Studies 1, 1988)."""
    span = _span(len(common))
    step, moved = (
        mean([(later - one - slope * n) ** 2 for one, later in zip(common, common[n:], strict=False)])
        for n in (1, span)
    )
    return moved / span if moved > WANDERS * span * step else 0.0


def autocorrelation(rest: Sequence[float]) -> float:
    """The correlation of what is left about a trend with itself one step later, from 0 to 0.9.

    What is estimated from n values about a fitted line is too small by about (2 + 4ρ)/n (M. G. Kendall, Biometrika 41,
    1954, for a mean; twice that for a line): that is put back, as too small a number would promise too much.
    """
    many, whole = len(rest), math.fsum(one * one for one in rest)
    if whole <= 0.0 or many <= 4:
        return 0.0 if whole <= 0.0 else MOST_CORRELATED
    plain = math.fsum(one * after for one, after in pairwise(rest)) / whole
    return min(MOST_CORRELATED, max(0.0, (plain * many + 2.0) / (many - 4)))


def _slope(values: Sequence[float]) -> float:
    """Change a snapshot, by least squares."""
    middle, center = mean(values), (len(values) - 1) / 2
    return math.fsum((n - center) * (value - middle) for n, value in enumerate(values)) / _squares(len(values))


def _squares(many: int) -> float:
    """The sum of squares of 0 … many − 1 about their mean."""
    return many * (many * many - 1) / 12

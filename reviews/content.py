"""What a brief holds: every number and text as it was said, in the order in which it is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

VERSION = 1


@dataclass(frozen=True)
class PastAsk:
    """An ask of an earlier review and what became of it."""

    text: str
    of: str
    due: str
    state: str
    outcome: str


@dataclass(frozen=True)
class Count:
    """How many goals have a status, now and in the last brief (null: there was none)."""

    status: str
    shape: str
    now: int
    then: int | None


@dataclass(frozen=True)
class MetricLine:
    """The program's total on one metric: in words, and the numbers behind them for the next brief to compare with."""

    key: str
    name: str
    where: str
    """one sentence: where it stands against its path"""
    value: str
    as_of: str
    then: str
    change: str
    expected: str
    gap: str
    short: bool
    target: str
    due: str
    numbers: dict[str, Any]


@dataclass(frozen=True)
class GoalLine:
    """One goal of one team that is behind."""

    team: str
    team_key: str
    metric: str
    status: str
    shape: str
    value: str
    expected: str
    due: str
    slipped: bool
    item: str
    """the one to begin with; empty where nothing itemized is measured, or where the ask names it"""
    size: str


@dataclass(frozen=True)
class LeaderAsk:
    """What to ask of one leader, and the goals behind it, worst first. Without a leader it is asked of the sponsor."""

    leader: str
    groups: str
    behind: str
    ask: str
    goals: list[GoalLine]
    more: int
    blocked: list[str] = field(default_factory=list)
    """what their teams said that blocks them, and whose priority it needs"""
    history: list[str] = field(default_factory=list)
    """what was tried before the ask was proposed here: lead and leader were told, and nobody answered"""


@dataclass(frozen=True)
class Surprise:
    """Something the sponsor should hear from us first. `kind` is one of a few fixed words."""

    kind: str
    text: str


@dataclass(frozen=True)
class Content:
    """The whole page."""

    program: str
    program_key: str
    sponsor: str
    period: str
    when: str
    minutes: int
    on: str
    on_words: str
    since: str
    """what the numbers are compared with, "the last brief (26 Feb)" or "the start (1 Jan)"; empty: with nothing"""
    headline: str
    subject: str
    asked: str
    past_asks: list[PastAsk]
    verdict: str
    effect: str
    counts: list[Count]
    metrics: list[MetricLine]
    leaders: list[LeaderAsk]
    more_leaders: str
    surprises: list[Surprise]
    waves: list[str]
    nudges: str
    withheld: str
    addresses: str
    decisions: list[str]
    recommendation: str
    version: int = field(default=VERSION)

    def facts(self) -> dict[str, Any]:
        """As it is kept: plain JSON values."""
        return asdict(self)

"""What a brief holds: every number and text as it was said, in the order in which it is read."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any

VERSION = 2


@dataclass(frozen=True)
class PastAsk:
    """An ask of an earlier review and what became of it."""

    text: str
    of: str
    due: str
    state: str
    outcome: str
    effect: str = ""
    """what the teams it was to help have done since: "Api went from 45 % to 51 %"; empty where nothing is measured"""
    pk: int | None = None
    """for the ask's own page"""


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
    guardrail: bool = False
    """it has no goal here: it must not get worse"""
    chart: list[list[Any]] = field(default_factory=list)
    """[day, value or null, expected or null] of the total since the start, for the picture that is kept"""


@dataclass(frozen=True)
class EffectLine:
    """What the program did to one metric: the finding in words, and the numbers behind them."""

    key: str
    name: str
    guardrail: bool
    verdict: str
    said: str
    """one sentence: the number, its interval, and by what it was found; or what there is too little of"""
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
    link: str = ""
    """the path of the goal’s page; empty in briefs of before"""


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
    """what went before: that it was asked already, and who was told before it was proposed here and did not answer"""
    proposal: str = ""
    """the name of the proposal, by which an ask is raised from it once; empty: nothing to raise"""
    person: int | None = None
    """whose ask it is, by id; None: the sponsor's"""
    goal_ids: list[int] = field(default_factory=list)
    """the goals it is to help"""
    collision: str = ""
    """which priority collides with it, in one sentence, as far as anybody said"""
    group_links: list[list[str]] = field(default_factory=list)
    """key and name of each group, for the page of the leader"""
    gains: str = ""
    """what the program gains by it, in one sentence"""


@dataclass(frozen=True)
class Surprise:
    """Something the sponsor should hear from us first. `kind` is one of a few fixed words."""

    kind: str
    text: str
    link: str = ""
    """the path of the page that it comes from; empty in briefs of before"""
    where: str = ""
    """what that page is: "The goal\""""


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
    question: str = ""
    """what has to be asked before all else: whether to cancel"""
    decided: list[str] = field(default_factory=list)
    """what the last review decided"""
    effects: list[EffectLine] = field(default_factory=list)
    finish: str = ""
    """new against closed, and when that ends"""
    priorities: list[str] = field(default_factory=list)
    """changes of priorities that the sponsor noted since the last brief, and those still in force"""
    pulse: list[str] = field(default_factory=list)
    """what the leads said: whether the program helps them, and what stands in the way"""
    cost: list[str] = field(default_factory=list)
    """hours so far by kind, and hours for one unit gained"""
    nothing_asked: str = "Nobody’s teams are behind: there is nothing to ask."
    """why nothing is asked of any leader"""
    health: list[str] = field(default_factory=list)
    """known causes of failure that this program shows"""
    version: int = field(default=VERSION)

    def facts(self) -> dict[str, Any]:
        """As it is kept: plain JSON values."""
        plain: dict[str, Any] = _plain(self)
        return plain


def _plain(held: Any) -> Any:
    """Lines within lists as their fields; all else is plain already, and is not copied."""
    if is_dataclass(held):
        return {one.name: _plain(getattr(held, one.name)) for one in fields(held)}
    return [_plain(one) for one in held] if isinstance(held, list) and held and is_dataclass(held[0]) else held


def read(kept: dict[str, Any]) -> dict[str, Any]:
    """A kept brief for showing: what an older one did not say yet is empty in it, and nothing else is changed."""
    shown = {**_EMPTY, **kept}
    lines = ("past_asks", PastAsk), ("metrics", MetricLine), ("leaders", LeaderAsk), ("surprises", Surprise)
    for name, of in lines:
        shown[name] = [{**_blank(of), **line} for line in shown[name]]
    for leader in shown["leaders"]:
        leader["goals"] = [{**_blank(GoalLine), **line} for line in leader["goals"]]
    return shown


def _blank(of: type) -> dict[str, Any]:
    """What the fields of a line are where nothing is said."""
    found: dict[str, Any] = {}
    for one in fields(of):
        if one.default is not MISSING:
            found[one.name] = one.default
        elif one.default_factory is not MISSING:
            found[one.name] = one.default_factory()
    return found


_EMPTY = _blank(Content)

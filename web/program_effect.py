"""A program's effect and pace as its pages show them: every kept finding in words, and bars of what came and went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from program import wording
from program.models import Program
from reviews import pace_words, verdict_words
from reviews.models import Effect, Pace, holding
from web import charts

BAR = 22
"""Height of the highest bar, in pixels."""


@dataclass(frozen=True)
class Bar:
    """What came and went between two measurements: heights in pixels, and both numbers in words."""

    closed: float
    new: float
    told: str


@dataclass(frozen=True)
class PaceTold:
    """New against closed on one metric: the sentence, the bars, and the counts of whole items."""

    metric: str
    key: str
    sentence: str
    items: str
    bars: Sequence[Bar]
    span: str


@dataclass(frozen=True)
class EffectTold:
    """One finding: what was found, the plain numbers behind it, how, and what is missing."""

    key: str
    name: str
    version: int
    guardrail: bool
    verdict: str
    sentence: str
    effect: str
    between: str
    before: str
    now: str
    expected: str
    as_of: str
    found_on: str
    method: Sequence[str]
    why: str
    missing: str
    caption: str


@dataclass(frozen=True)
class KeptVerdict:
    """A line of the history of verdicts."""

    day: date
    metric: str
    version: int
    guardrail: bool
    verdict: str
    number: str
    between: str
    by: str


@dataclass(frozen=True)
class OnPage:
    """What the program's page says of it: the effect in one line, and the pace of a few metrics."""

    effect: str
    paces: Sequence[PaceTold]
    more: int


def on_page(program: Program, on: date, most: int) -> OnPage:
    """For the program's page, from what is kept. Two queries."""
    effects, every = holding(Effect, program, on), holding(Pace, program, on)
    paces = [one for one in every if one.remaining is not None]
    told = [pace_told(one, program, on, named=len(every) > 1) for one in paces[:most]]
    sentence = verdict_words.program_sentence(effects, on) if effects else ""
    return OnPage(sentence, told, max(0, len(paces) - most))


def effect_told(one: Effect, on: date) -> EffectTold:
    """One finding in words."""
    return EffectTold(
        key=one.metric_version.metric.key,
        name=one.metric_version.metric.name,
        version=one.metric_version.number,
        guardrail=one.guardrail,
        verdict=one.verdict,
        sentence=verdict_words.sentence(one, on),
        effect=verdict_words.number(one) if one.effect is not None else "",
        between=verdict_words.between(one),
        before=verdict_words.plain(one, one.before),
        now=verdict_words.plain(one, one.now),
        expected=verdict_words.plain(one, one.expected),
        as_of=wording.near_day(one.as_of, on) if one.as_of else "",
        found_on=wording.near_day(one.day, on),
        method=verdict_words.method(one),
        missing=verdict_words.missing(one, on),
        why=one.why,
        caption=_caption(one) if one.facts.get("days") else "",
    )


def _caption(one: Effect) -> str:
    """What the chart shows; empty without one."""
    teams = (
        "teams with and without the program" if one.compared
        else "the program’s teams" if one.facts.get("begun") else "the teams before it begins"
    )  # fmt: skip
    mean = "together" if one.metric_version.aggregation in ("ratio", "mean") else "on average"
    return f"{one.metric_version.metric.name}: {teams}, {mean}."


def kept_verdict(one: Effect) -> KeptVerdict:
    """A line of the history."""
    return KeptVerdict(
        day=one.day,
        metric=one.metric_version.metric.name,
        version=one.metric_version.number,
        guardrail=one.guardrail,
        verdict=one.verdict,
        number=verdict_words.number(one) if one.effect is not None else "",
        between=verdict_words.between(one),
        by=one.method or one.why,
    )


def figure(one: Effect) -> Any:
    """The chart of one finding, from what is kept of it."""
    days = [date.fromisoformat(day) for day in one.facts.get("days", ())]
    begun = one.begun_on
    would_be: list[tuple[date, float]] = []
    if one.before is not None and one.expected is not None and begun is not None and days:
        before = [day for day in days if day < begun]
        would_be = [(before[-1] if before else begun, one.before), (days[-1], one.expected)]
    return charts.effect_figure(
        one.metric_version, days, one.facts.get("treated", []), one.facts.get("others", []), begun, would_be
    )


def pace_told(one: Pace, program: Program, on: date, *, named: bool) -> PaceTold:
    """New against closed on one metric, in words and bars."""
    facts = one.facts
    periods = facts.get("periods", [])
    rates = [(period, (_day(period["last"]) - _day(period["first"])).days / 7) for period in periods]
    most = max((max(p["units_closed"], p["units_new"]) / weeks for p, weeks in rates), default=0.0)
    return PaceTold(
        metric=one.metric_version.metric.name,
        key=one.metric_version.metric.key,
        sentence=pace_words.sentence(one, program.end, on, named=named),
        items=pace_words.items(one),
        bars=[_bar(period, weeks, most, on) for period, weeks in rates] if most else [],
        span=f"{wording.near_day(_day(periods[0]['first']), on)} to {wording.near_day(_day(periods[-1]['last']), on)}"
        if periods
        else "",
    )


def _bar(period: dict[str, Any], weeks: float, most: float, on: date) -> Bar:
    closed, new = period["units_closed"] / weeks, period["units_new"] / weeks
    until = f"{wording.near_day(_day(period['first']), on)} to {wording.near_day(_day(period['last']), on)}"
    told = f"{until}: {pace_words.rate(closed)} closed, {pace_words.rate(new)} new a week"
    return Bar(round(closed / most * BAR, 1), round(new / most * BAR, 1), told)


def _day(text: str) -> date:
    return date.fromisoformat(text)

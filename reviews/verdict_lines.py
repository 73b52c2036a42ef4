"""What a brief says of the program's effect, its finish and what to do: the lines it keeps, with their numbers."""

from __future__ import annotations

from datetime import date

from program import wording as say

from . import pace_words, verdict_words
from .content import EffectLine
from .evidence import Evidence
from .models import Effect
from .recommending import CANCEL, CONTINUE, Advice, Judged, recommendation
from .stopping import Watched


def advice(evidence: Evidence) -> Advice:
    """What to recommend, from what was found and how many reviews were held."""
    found = [Judged(one.metric_version.metric.name, one.verdict, one.guardrail) for one in evidence.effects]
    days = [one.facts["again"] for one in evidence.effects if one.facts.get("again")]
    again = say.near_day(date.fromisoformat(min(days)), evidence.on) if days else ""
    advised = recommendation(found, evidence.held, evidence.program.probation_reviews, again)
    return by_its_own_criterion(advised, evidence.stops)


def by_its_own_criterion(advised: Advice, stops: Watched | None) -> Advice:
    """What its charter says itself: a criterion that has come true opens the brief with the question to cancel."""
    if stops is None:
        return advised
    if not stops.true:
        return Advice(advised.word, f"{advised.reason} {stops.said}", advised.question)
    works = f" Against it stands: {advised.reason}" if advised.word == CONTINUE else ""
    return Advice(
        CANCEL, f"its charter says so.{works}", f"{stops.said} {advised.question or 'Should it be canceled?'}"
    )


def effects(evidence: Evidence) -> list[EffectLine]:
    """What was found of each metric, what decides first; guardrails after the outcome."""
    return [_effect(one, evidence.on) for one in verdict_words.in_order(evidence.effects)]


def _effect(one: Effect, on: date) -> EffectLine:
    """What was found of one metric, with every number that its words rest on."""
    numbers = {name: getattr(one, name) for name in ("effect", "low", "high", "before", "now", "expected")}
    numbers |= {"method": one.method, "treated": one.treated, "compared": one.compared}
    numbers |= {"version": one.metric_version.number, "day": one.day.isoformat()}
    numbers |= {"as_of": one.as_of.isoformat() if one.as_of else None}
    return EffectLine(
        key=one.metric_version.metric.key,
        name=one.metric_version.metric.name,
        guardrail=one.guardrail,
        verdict=one.verdict,
        said=verdict_words.evidence_of(one, on),
        numbers=numbers,
    )


def finish(evidence: Evidence) -> str:
    """New against closed, and when that ends: of the metric that takes longest."""
    last = pace_words.last_to_finish(evidence.paces)
    if last is None:
        return ""
    return pace_words.sentence(last, evidence.program.end, evidence.on, named=len(evidence.paces) > 1)

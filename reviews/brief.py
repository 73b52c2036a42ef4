"""The one-page brief: composed once from the facts of its day, and frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from program import wording as say
from program.rules.numbers import reached, shortfall
from program.rules.status import Status
from teams.day_totals import Total

from . import (
    guardrails,
    ledger,
    nudge_sentences,
    priorities,
    pulse,
    sentences,
    standing,
    surprises,
    verdict_lines,
    verdict_words,
)
from .content import Content, Count, MetricLine
from .evidence import Evidence, collect
from .leader_asks import leader_ask, nothing_asked
from .leaders import LEADERS_SHOWN
from .models import Brief, Review


def freeze(review: Review, now: datetime) -> Brief:
    """The review's brief, composed and kept now; a brief that is there already is left as it is."""
    found = Brief.objects.filter(review=review).first()
    if found is not None:
        return found
    return Brief.objects.create(review=review, frozen_at=now, content=compose(collect(review, now)).facts())


def compose(evidence: Evidence) -> Content:
    """All numbers and texts, in the order in which they are read."""
    program, review, on = evidence.program, evidence.review, evidence.on
    names = evidence.goals.names
    before = evidence.before.content if evidence.before else None
    since = _since(evidence, before)
    metrics = [_metric(total, _then(total, evidence, before), evidence) for total in evidence.totals]
    metrics.sort(key=lambda line: -line.numbers["behind"])
    guarded = guardrails.lines(evidence.guarded, on, before)
    shown = evidence.leaders[:LEADERS_SHOWN]
    advice = verdict_lines.advice(evidence)
    start = review.local_start
    return Content(
        program=program.name,
        program_key=program.key,
        sponsor=str(program.sponsor) if program.sponsor else "",
        period=review.period,
        when=f"{say.weekday(start.date())} {start.year}, {start:%H:%M} ({review.zone})",
        minutes=review.minutes,
        on=on.isoformat(),
        on_words=say.day(on),
        since=since,
        headline=sentences.headline(evidence, metrics),
        subject=sentences.subject(evidence, metrics, question=bool(advice.question)),
        asked=sentences.asked(evidence.asks, first=before is None),
        past_asks=[sentences.past_ask(ask, on, evidence.ask_effects.get(ask.pk, "")) for ask in evidence.asks],
        verdict=sentences.verdict(evidence, metrics, since),
        effect=verdict_words.short_verdict(evidence.effects),
        counts=_counts(evidence.goals.counts, before),
        metrics=[*metrics, *guarded],
        leaders=[leader_ask(leader, evidence, names) for leader in shown],
        more_leaders=_more(evidence),
        nothing_asked=nothing_asked(evidence),
        surprises=surprises.lines(evidence, names),
        waves=[*(sentences.wave(wave, on) for wave in evidence.waves), *sentences.waiting(evidence)],
        nudges=_nudges(evidence),
        withheld=nudge_sentences.withheld(evidence.said),
        addresses=nudge_sentences.addresses(evidence.said),
        decisions=sentences.decisions(evidence, len(shown), metrics, since, question=bool(advice.question)),
        recommendation=advice.said,
        question=advice.question,
        effects=verdict_lines.effects(evidence),
        finish=verdict_lines.finish(evidence),
        priorities=priorities.lines(evidence.noted, evidence.since, on),
        pulse=pulse.lines(review, evidence.leads_said),
        decided=list(evidence.decided),
        cost=ledger.sentences(evidence.cost) if evidence.cost else [],
        health=[cause.said for cause in evidence.causes],
    )


def _since(evidence: Evidence, before: Mapping[str, Any] | None) -> str:
    if before:
        return f"the last brief ({say.near_day(date.fromisoformat(before['on']), evidence.on)})"
    measured = any(total.value is not None for total in evidence.at_start)
    return sentences.at_the_start(evidence.program, evidence.on) if measured else ""


def _counts(counts: Mapping[str, int], before: Mapping[str, Any] | None) -> list[Count]:
    """Every status that some goal has or had, worst first."""
    then = {count["status"]: count["now"] for count in before["counts"]} if before else {}
    return [
        Count(str(status), say.status_shape(status), counts[status], then.get(status, 0) if before else None)
        for status in Status
        if counts[status] or then.get(status)
    ]


def _then(total: Total, evidence: Evidence, before: Mapping[str, Any] | None) -> float | None:
    """The value to compare with; none where it was measured by another ruler."""
    if before is not None:
        lines: Sequence[Mapping[str, Any]] = before["metrics"]
        same = [line["numbers"] for line in lines if line["key"] == total.metric.key]
        return next((old["value"] for old in same if old["version"] == total.version.number), None)
    return next((old.value for old in evidence.at_start if old.version == total.version), None)


def _metric(total: Total, then: float | None, evidence: Evidence) -> MetricLine:
    on = evidence.on
    unit, aggregation, up = total.version.unit, total.version.aggregation, total.version.direction == "up"
    value, expected = say.apart(total.value, total.expected, unit, aggregation)
    gap = shortfall(total.value, total.expected, up) if total.value is not None and total.expected is not None else None
    difference = total.value - then if total.value is not None and then is not None else None
    name = total.metric.name
    numbers: dict[str, Any] = {"value": total.value, "expected": total.expected, "version": total.version.number}
    numbers |= {"as_of": total.as_of.isoformat() if total.as_of else None, "target": total.target, "then": then}
    return MetricLine(
        key=total.metric.key,
        name=name,
        where=f"{name} is at {value}{_place(total, gap, up)}",
        value=value,
        as_of=say.near_day(total.as_of, on) if total.as_of else "",
        then=say.value(then, unit, aggregation) if then is not None else "",
        change=say.change(difference, unit, aggregation) if difference is not None else "",
        expected=expected if total.expected is not None else "",
        gap=say.gap(gap, unit, aggregation) if gap else "",
        short=bool(gap),
        target=say.value(total.target, unit, aggregation) if total.target is not None else "",
        due=say.near_day(total.due, on) if total.due else "",
        numbers={**numbers, "behind": standing.behind(total)},
        chart=evidence.charts.get(total.metric.key, []),
    )


def _nudges(evidence: Evidence) -> str:
    """Volume, usefulness, effect."""
    said = nudge_sentences.volume(evidence.said, sentences.evidence_since(evidence))
    more = nudge_sentences.usefulness(evidence.became), nudge_sentences.effect(evidence.nudge_effect)
    return " ".join(filter(None, (said, *more)))


def _place(total: Total, gap: float | None, up: bool) -> str:
    if total.value is not None and total.target is not None and reached(total.value, total.target, up):
        return ", its target"
    if gap is None:
        return ""
    unit, aggregation = total.version.unit, total.version.aggregation
    return f", {say.gap(gap, unit, aggregation)} behind its path" if gap else ", on its path"


def _more(evidence: Evidence) -> str:
    left = evidence.leaders[LEADERS_SHOWN:]
    if not left:
        return ""
    goals = say.count(sum(leader.asked for leader in left), "goal")
    return f"{say.count(len(left), 'more leader')} with {goals} behind: see the program’s page."

"""What might surprise the sponsor, as a brief says it: slips, trouble with numbers, changed terms, exemptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from program import wording as say
from program.rules.program_effect import Verdict
from program.rules.status import Status
from teams.handover import shortened
from teams.models import Exemption

from . import sources, verdict_words
from .content import Surprise
from .evidence import Evidence
from .goals_behind import UNMEASURED
from .sentences import NAMED_AT_MOST, evidence_since, some

OF_A_KIND = 4


def lines(evidence: Evidence, names: Mapping[str, str]) -> list[Surprise]:
    """What the sponsor should hear from us first."""
    found = [
        *_harmed(evidence),
        *_slips(evidence, names),
        *_unmeasured(evidence),
        *_held(evidence),
        *_disputed(evidence),
        *_failing(evidence),
        *_versioned(evidence, names),
    ]
    if evidence.terms_changed:
        many = say.count(evidence.terms_changed, "goal")
        text = f"{many} got other terms or a new baseline since {evidence_since(evidence)}."
        found.append(_told("terms", text, _program(evidence)))
    found += [_exempt(exemption, evidence) for exemption in evidence.exemptions]
    return _one_page(found, _program(evidence))


def _told(kind: str, text: str, where: sources.Where) -> Surprise:
    return Surprise(kind, text, link=where.path, where=where.called)


def _program(evidence: Evidence) -> sources.Where:
    return sources.program(evidence.program, evidence.on)


def _metric(evidence: Evidence, key: str) -> sources.Where:
    """A metric that it has goals on now; who reads a program's brief may not see one that it only had."""
    goaled = any(total.metric.key == key for total in evidence.totals)
    return sources.metric(key) if goaled else _program(evidence)


def _one_page(found: Sequence[Surprise], rest: sources.Where) -> list[Surprise]:
    """The first few of each kind, and how many more there are: a brief stays one page."""
    kept: list[Surprise] = []
    for kind in dict.fromkeys(one.kind for one in found):
        same = [one for one in found if one.kind == kind]
        most = OF_A_KIND if len(same) > OF_A_KIND + 1 else len(same)
        kept += same[:most]
        if len(same) > most:
            kept.append(_told(kind, f"{len(same) - most} more like this: see the program’s page.", rest))
    return kept


def _harmed(evidence: Evidence) -> list[Surprise]:
    """Guardrails that get worse by it."""
    harmed = [one for one in evidence.effects if one.guardrail and one.verdict == Verdict.HARMFUL]
    where = sources.effect(evidence.program)
    return [_told("guardrail", f"A guardrail: {verdict_words.harm(one, evidence.on)}", where) for one in harmed]


def _slips(evidence: Evidence, names: Mapping[str, str]) -> list[Surprise]:
    found = []
    for one in evidence.goals.slipped[:NAMED_AT_MOST]:
        version = evidence.goals.versions[one.metric]
        value, path = say.apart(one.cell.value, one.cell.expected, version.unit, version.aggregation)
        text = f"{one.team.name} slipped off its path on {names[one.metric]}: {value}, path {path}."
        found.append(_told("slipped", text, sources.goal(evidence.program, one.team.key, one.metric)))
    more = evidence.goals.goals_slipped - NAMED_AT_MOST
    if more > 0:
        found.append(_told("slipped", f"{say.count(more, 'more goal')} slipped.", _program(evidence)))
    return found


def _unmeasured(evidence: Evidence) -> list[Surprise]:
    found = []
    for status in UNMEASURED:
        for key, name in evidence.goals.names.items():
            teams = evidence.goals.unmeasured.get((str(status), key))
            if teams:
                word = "is stale" if status == Status.STALE else "has no data"
                text = f"{name} {word} for {some(teams)}; nobody is nudged for it."
                found.append(_told(str(status), text, _metric(evidence, key)))
    return found


def _held(evidence: Evidence) -> list[Surprise]:
    goals = evidence.goals
    held = [f"{one.team.name} ({goals.names[one.metric]})" for one in goals.held]
    if not held:
        return []
    text = f"Nudges rest while the numbers are in question: {some(held, goals.goals_held)}."
    of = {one.metric for one in goals.held}
    alone = goals.goals_held == len(goals.held) and len(of) == 1
    return [_told("held", text, _metric(evidence, of.pop()) if alone else _program(evidence))]


def _disputed(evidence: Evidence) -> list[Surprise]:
    found = []
    for one in evidence.disputes:
        day = say.near_day(one.opened_at.date(), evidence.on)
        text = f"{one.team.name} disputes {one.metric.name} since {day}: “{shortened(one.text)}”."
        found.append(_told("dispute", f"{text} Nobody has answered yet.", _metric(evidence, one.metric.key)))
    return found


def _failing(evidence: Evidence) -> list[Surprise]:
    found = []
    for feed in evidence.failing:
        since = f" since {say.near_day(feed.failing_since.date(), evidence.on)}" if feed.failing_since else ""
        text = f"The feed {feed.name} brings nothing{since}; its last numbers stand."
        found.append(_told("feed", text, sources.feed(feed.key)))
    return found


def _versioned(evidence: Evidence, names: Mapping[str, str]) -> list[Surprise]:
    found = []
    for version in evidence.versions:
        name, day = names.get(version.metric.key, version.metric.name), version.opened_at.date()
        text = f"We changed the ruler on {say.near_day(day, evidence.on)}: {name} is computed in a new way"
        text += ", so its numbers do not compare with those before."
        found.append(_told("definition", text, _metric(evidence, version.metric.key)))
    return found


def _exempt(exemption: Exemption, evidence: Evidence) -> Surprise:
    goal, on = exemption.goal, evidence.on
    until = say.near_day(exemption.until_day, on)
    if exemption.approved_at is None:
        said = f"{goal.team.name} asks to be exempt from {goal.metric.name} until {until}"
    else:
        begins = "" if exemption.from_day <= on else f" from {say.near_day(exemption.from_day, on)}"
        said = f"{goal.team.name} is exempt from {goal.metric.name}{begins} until {until}"
    return _told("exemption", f"{said}: {exemption.said_reason}.", sources.exemptions(evidence.program))

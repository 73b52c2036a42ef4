"""The sentences of a brief: each takes facts and gives the words that page, mail and invite share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from program import wording as say
from program.models import Program, Wave
from program.rules.status import Status
from teams.handover import shortened
from teams.models import Answer

from . import ask_words
from .content import MetricLine, PastAsk
from .evidence import Evidence
from .goals_behind import NAMED, GoalsOnDay, Line
from .models import Ask

NAMED_AT_MOST = NAMED - 1
"""One more is named as well, rather than counted."""


def headline(evidence: Evidence, metrics: Sequence[MetricLine]) -> str:
    """The first line, which says it all."""
    lead, goals = first_of(metrics), evidence.goals
    if lead is not None:
        return f"{lead.where}; {_teams_behind(goals)}{_slipped(evidence)}."
    if not goals.teams:
        return "No team takes part yet."
    if goals.is_measured:
        said = f"{_teams_behind(goals)}{_slipped(evidence)}"
        return f"{said[0].upper()}{said[1:]}; what they measure does not add up to one number."
    wait = "waits for its" if len(goals.teams) == 1 else "wait for their"
    return f"Nothing is measured yet: {say.count(len(goals.teams), 'team')} {wait} first numbers."


def subject(evidence: Evidence, metrics: Sequence[MetricLine], *, question: bool) -> str:
    """The same, as short as a subject has to be; that it is asked whether to cancel surprises nobody who opens it."""
    lead = first_of(metrics)
    if lead is None:
        where = _teams_behind(evidence.goals) if evidence.goals.is_measured else "nothing is measured yet"
    else:
        where = f"{lead.gap} behind its path" if lead.short else f"{lead.value}, on its path"
    start = evidence.review.local_start
    where += ", cancel it?" if question else ""
    return f"{evidence.program.name}: {where} (review on {say.weekday(start.date())})"


def first_of(metrics: Sequence[MetricLine]) -> MetricLine | None:
    """The metric to begin with: the one furthest behind its path, else the first that has a value."""
    measured = [line for line in metrics if line.numbers["value"] is not None]
    return max(measured, key=lambda line: line.numbers["behind"], default=None)


def _teams_behind(goals: GoalsOnDay) -> str:
    behind, many = goals.teams_behind, len(goals.teams)
    if not behind:
        return f"none of {say.count(many, 'team')} is behind"
    return f"{behind} of {say.count(many, 'team')} {'is' if behind == 1 else 'are'} behind"


def _slipped(evidence: Evidence) -> str:
    slipped = evidence.goals.teams_slipped
    return f", {slipped} slipped since the last brief" if slipped and evidence.before else ""


def verdict(evidence: Evidence, metrics: Sequence[MetricLine], since: str) -> str:
    """One sentence: from where to where, and where it should be."""
    lead = first_of(metrics)
    if lead is None and evidence.goals.is_measured:
        return "Each team has its own number: together they have none to judge by."
    if lead is None:
        return "There are no numbers to judge by."
    path = f"its path asks for {lead.expected}" if lead.numbers["expected"] is not None else "it has no path yet"
    if not lead.then:
        return f"{lead.name} is at {lead.value}; {path}."
    if lead.change == "no change":
        moved = f"{lead.name} is at {lead.value}, as it was at {since}"
    elif lead.then == lead.value:
        moved = f"{lead.name} hardly moved since {since}: {lead.value}, {lead.change}"
    else:
        moved = f"{lead.name} went from {lead.then} at {since} to {lead.value}"
    return f"{moved}; {path}{_recovered(evidence)}."


def _recovered(evidence: Evidence) -> str:
    if not evidence.goals.recovered:
        return ""
    return f"; {say.count(evidence.goals.recovered, 'goal')} came back to the path"


def asked(asks: Sequence[Ask], first: bool) -> str:
    """What became of last time's asks, in a sentence."""
    if not asks:
        return (
            "This is the first review: nothing was asked before." if first else "No ask of an earlier review is open."
        )
    by_state = [(state, sum(1 for ask in asks if ask.state == state)) for state in Ask.State.values]
    return f"Of {say.count(len(asks), 'ask')}: {say.listed([f'{n} {state}' for state, n in by_state if n])}."


def past_ask(ask: Ask, on: date, effect: str = "") -> PastAsk:
    """One ask as it is told."""
    return PastAsk(
        text=ask.text,
        of=str(ask.of) if ask.of else "",
        due=ask_words.due(ask, on),
        state="past its day" if ask_words.is_late(ask, on) else ask.state,
        outcome=_ended(ask_words.outcome(ask)),
        effect=effect,
        pk=ask.pk,
    )


def _ended(words: str) -> str:
    """Words that somebody typed, as a sentence that another one can follow."""
    return f"{words}." if words and words[-1] not in ".!?…”" else words


def evidence_since(evidence: Evidence) -> str:
    """Since when things are told: the last brief, or the start of the program."""
    return "the last brief" if evidence.before else "the program began"


def some(words: Sequence[str], many: int | None = None) -> str:
    """The first few by name, the others counted, where there are `many`."""
    every = len(words) if many is None else many
    if every <= NAMED_AT_MOST + 1:
        return say.listed(list(words))
    return f"{', '.join(words[:NAMED_AT_MOST])} and {every - NAMED_AT_MOST} more"


def wave(one: Wave, on: date) -> str:
    """One wave of the roll-out; `teams` was counted."""
    teams = say.count(one.teams, "team")  # type: ignore[attr-defined]
    if one.state == Wave.State.DONE:
        return f"{one.key} ({teams}, done)"
    if one.state == Wave.State.OPEN:
        return f"{one.key} ({teams}, since {say.near_day(one.opened_on or one.start, on)})"
    if one.start > on:
        return f"{one.key} ({teams}, planned for {say.near_day(one.start, on)})"
    return f"{one.key} ({teams}, planned for {say.near_day(one.start, on)}, waits for the wave before it)"


def waiting(evidence: Evidence) -> list[str]:
    """Teams that wait for their turn, as work in progress is limited."""
    if not evidence.waiting:
        return []
    return [f"{say.count(evidence.waiting, 'team')} {'waits' if evidence.waiting == 1 else 'wait'} for a place"]


def decisions(
    evidence: Evidence, leaders: int, metrics: Sequence[MetricLine], since: str, *, question: bool
) -> list[str]:
    """What the sponsor is wanted for; first of all whether it goes on, where that is the question."""
    program, on = evidence.program, evidence.on
    found = []
    if evidence.stops is not None and evidence.stops.true:
        found.append("Stop it, as its charter says, or say why it goes on?")
    elif question:
        found.append("Cancel it, or say what will be done otherwise?")
    if leaders:
        found.append(f"Agree to {'the ask' if leaders == 1 else f'the {leaders} asks'} above, or say what comes first.")
    late = [ask for ask in evidence.asks if ask_words.is_late(ask, on)]
    if late:
        past = "is past its" if len(late) == 1 else "are past their"
        found.append(f"{say.count(len(late), 'ask')} {past} day: keep, move or drop?")
    mine = [one for one in evidence.blocked if one.needs_id is not None and one.needs_id == program.sponsor_id]
    if mine:
        teams = sorted({one.goal.team.name for one in mine})
        needs = "needs" if len(teams) == 1 else "need"
        found.append(f"What comes first? {some(teams)} {needs} your priority for what blocks them.")
    overdue = evidence.goals.counts[Status.OVERDUE]
    if overdue:
        found.append(
            f"{say.count(overdue, 'goal')} {'is' if overdue == 1 else 'are'} past the due day: new days, or no goals?"
        )
    if program.stop_if and evidence.stops is None:
        found.append(f"The charter says: stop if {program.stop_if.rstrip('.')}. {_moved(metrics, since)}")
    if (program.end - on).days < 0:
        found.append(f"Its last day was {say.day(program.end)}: let it end, or extend it?")
    elif (program.end - on).days <= 90:
        found.append(f"The program ends on {say.day(program.end)}: let it end, or extend it?")
    return found


def blocked(one: Answer, program: Program, on: date) -> str:
    """What blocks a goal, and whose priority it needs: "Web is blocked on Coverage until 30 Mar: “the freeze”. …"."""
    goal = one.goal
    until = say.near_day(one.until, on)
    said = f"{goal.team.name} is blocked on {goal.metric.name} until {until}: “{shortened(one.text)}”."
    if one.needs is None:
        return said
    whose = "your" if one.needs_id == program.sponsor_id else f"{one.needs}’s"
    return f"{said} It needs {whose} priority."


def escalated(goals: Sequence[Line], names: Mapping[str, str], evidence: Evidence) -> list[str]:
    """What was tried before an ask was proposed: "Proposed after all else: Api's lead, Alice, was told of … 3 times,
    and Gina heard of it on 20 Apr. Nobody answered.", and of which other goals of hers the same is true."""
    if not goals or (found := goals[0].escalated) is None:
        return []
    first = goals[0]
    who = f"{first.team.name}’s lead, {found.lead}," if found.own else f"{found.lead}, for {first.team.name},"
    heard = "you" if found.leader == evidence.program.sponsor else str(found.leader)
    day = say.near_day(found.day, evidence.on)
    said = [
        f"Proposed after all else: {who} was told of {names[first.metric]} {say.count(found.times, 'time')}, and"
        f" {heard} heard of it on {day}. Nobody answered."
    ]
    others = [
        one.team.name if one.metric == first.metric else f"{one.team.name} ({names[one.metric]})" for one in goals[1:]
    ]
    return [*said, f"Nor did anybody for {some(others)}."] if others else said


def _moved(metrics: Sequence[MetricLine], since: str) -> str:
    lead = first_of(metrics)
    return f"{lead.name}: {lead.change} since {since}." if lead and lead.change and since else "Has that come true?"


def at_the_start(program: Program, on: date) -> str:
    """What the first brief compares with."""
    return f"the start ({say.near_day(program.start, on)})"

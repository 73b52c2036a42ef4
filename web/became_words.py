"""What became of nudges, in words for owners: counts and medians by tone, and how each tone stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from nudges.became import Became
from nudges.models import Restraint
from nudges.policy import TONES
from program import wording
from program.rules.usefulness import LEAST_PEOPLE

NONE = "–"


@dataclass(frozen=True)
class Line:
    """One tone. Visits are counts, and of fewer than five people not even that: who looks at what is theirs."""

    tone: str
    tone_key: str
    said: int
    people: str
    visited: str
    in_week: str
    in_two_weeks: str
    to_act: str
    recovered: str
    useful: str
    state: str
    """empty: as usual"""


@dataclass(frozen=True)
class BecameTold:
    """The section: a sentence, and a line for each tone."""

    sentence: str
    lines: Sequence[Line]


def told(found: Sequence[Became], standing: Sequence[Restraint], days: int) -> BecameTold:
    """What became of each tone; one that stopped before the first of these days has a line still."""
    of_tone: Mapping[str, Restraint] = {row.tone: row for row in standing}
    known = {one.tone: one for one in found}
    lines = [_line(tone, known.get(tone), of_tone.get(tone)) for tone in TONES if tone in known or tone in of_tone]
    return BecameTold(_sentence(found, days), lines)


def _sentence(found: Sequence[Became], days: int) -> str:
    said = sum(one.said for one in found)
    if not said:
        return f"No nudge arrived in the last {days} days."
    acted, old = (sum(one.in_two_weeks[part] for one in found) for part in (0, 1))
    arrived = f"{wording.count(said, 'nudge')} arrived in the last {days} days."
    if not old:
        return f"{arrived} None of them is two weeks old yet: what became of them is not known."
    which = "All of them" if old == said else f"{old} of them"
    verb = "is" if old == 1 else "are"
    return f"{arrived} {which} {verb} two weeks old, and on {acted} of these the team acted within two weeks."


def _line(tone: str, one: Became | None, standing: Restraint | None) -> Line:
    state = f"{standing.state} since {wording.day(standing.since)}" if standing else ""
    if one is None:
        return Line(TONES[tone], tone, 0, "", NONE, NONE, NONE, NONE, NONE, NONE, state)
    return Line(
        tone=TONES[tone],
        tone_key=tone,
        said=one.said,
        people="1 person" if one.people == 1 else f"{one.people} people",
        visited=_visited(one),
        in_week=_part(*one.in_week),
        in_two_weeks=_part(*one.in_two_weeks),
        to_act=span(one.to_act),
        recovered=f"{one.recovered}, in {span(one.to_recovery)}" if one.recovered else "0",
        useful=f"{one.useful} of {wording.count(one.votes, 'vote')}" if one.votes else NONE,
        state=state,
    )


def _visited(one: Became) -> str:
    if one.people < LEAST_PEOPLE:
        return "too few people"
    return f"{one.visited}, in {span(one.to_visit)}" if one.visited else "0"


def _part(number: int, of: int) -> str:
    return f"{number} of {of}" if of else NONE


def span(time: timedelta | None) -> str:
    """A median wait: "40 min", "5 h", "3 days"."""
    if time is None:
        return NONE
    hours = time / timedelta(hours=1)
    if hours < 48:
        return wording.hours(hours if hours < 1 else round(hours))
    return wording.count(round(hours / 24), "day")

"""What a brief says of the nudges: how many, what became of them, whether they help, and what was withheld."""

from __future__ import annotations

from collections.abc import Sequence

from nudges.became import Became
from nudges.effect import Measured, Verdict
from program import wording as say

from .evidence import Said

# Why a nudge was withheld (the rules' names in nudges/policy.py), as a sponsor reads it.
WITHHELD = {
    "back off": "told before and given time",
    "program interval": "told less than the program’s interval ago",
    "new goal first": "the goal was not announced yet",
    "digest waiting": "an earlier mail is still waiting",
    "weekly budget": "enough mail that week",
    "held": "the numbers are in question",
    "not judged today": "no judgment that day",
    "not active": "the person has left",
    "muted": "wants no nudges",
    "program muted": "wants none of this program",
    "address suspended": "the address does not work",
    "promised": "somebody is on it until a later day",
    "blocked": "blocked until a later day",
    "said done": "said to be done, not measured yet",
    "not mine": "said not to be theirs",
    "goal muted": "wants none about this goal",
    "visibly at it": "somebody is visibly at it",
    "slowed": "of a kind that slowed itself down",
    "stopped as of little use": "of a kind that stopped as of little use",
    "comes together": "waited to come in one mail with another",
    "held out": "left alone by lot, to see what nudges do",
    "away": "the person is away",
    "nobody to tell": "nobody leads the team or a group above it",
}


def volume(said: Said, since: str) -> str:
    """How much was said."""
    if not said.nudges:
        return f"No nudges went out since {since}."
    return f"{say.count(said.nudges, 'nudge')} in {say.count(said.mails, 'mail')} since {since}."


def withheld(said: Said) -> str:
    """How much was not, and why; empty when nothing was withheld."""
    if not said.withheld:
        return ""
    reasons = [
        WITHHELD.get(why, why) + (f" ({n})" if len(said.withheld) > 1 else "") for why, n in said.withheld.items()
    ]
    return f"{say.count(sum(said.withheld.values()), 'nudge')} withheld: {', '.join(reasons)}."


def addresses(said: Said) -> str:
    """Addresses that do not work and messages that got stuck; empty when there are none."""
    parts = [f"{person} cannot be reached: {person.address_suspended_reason}" for person in said.suspended]
    parts += [f"{say.count(n, 'message')} {state}" for state, n in sorted(said.stuck.items())]
    return f"{'; '.join(parts)}." if parts else ""


def usefulness(found: Sequence[Became]) -> str:
    """Of those two weeks old, on how many the team acted, and the votes; empty where nothing is known yet."""
    acted, old = (sum(one.in_two_weeks[part] for one in found) for part in (0, 1))
    votes, useful = sum(one.votes for one in found), sum(one.useful for one in found)
    said = f"Teams acted within two weeks on {acted} of the {old} that are old enough to know." if old else ""
    if votes:
        said += f" Readers found {useful} of {say.count(votes, 'digest')} useful."
    return said.strip()


def effect(one: Measured | None) -> str:
    """Whether nudged goals close more of their gap than those left alone by lot."""
    if one is None:
        return ""
    found = one.effect.interval
    if one.verdict == Verdict.TOO_EARLY or found is None:
        return "Whether they help is not known yet: too few goals can be compared."
    opens = {Verdict.HELPS: "They help", Verdict.HARMS: "They do harm"}.get(one.verdict, "That they help is not shown")
    low, high = (f"{round(edge * 100)}".replace("-", say.MINUS) for edge in (found.low, found.high))
    points = say.count(round(abs(found.estimate) * 100), "point")
    which = "more" if found.estimate >= 0 else "less"
    return f"{opens}: nudged goals closed {points} {which} of their gap than those left alone ({low} to {high})."

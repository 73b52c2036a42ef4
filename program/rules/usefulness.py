"""Whether a tone of nudges earns its place: of little use, ignored by most, or fine; and what follows from it.

A tone is one of the ways in which a program speaks of a goal ("behind", "still"…). Both questions need enough evidence
before they are answered: of few votes or few people nothing is known, and what is not known changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

LOOKED_BACK_WEEKS = 12
"""How far back evidence is looked for: a quarter, so that a weekly turn has spoken often enough, and last year's words
do not count against today's."""
FOLLOWED_WITHIN_DAYS = 14
"""How long a nudge has until it counts as ignored: an iteration of most teams, and when the holdout is first read."""
LEAST_VOTES = 10
"""With fewer, three people of a mood decide: of 10 votes a true share of one half is under the line in one of six."""
USEFUL_LINE = 0.4
"""Published bots keep around 70 % useful; under this more readers are annoyed than helped."""
LEAST_SAID = 20
"""Nudges: with fewer, one more that was followed moves the share by over five points."""
LEAST_PEOPLE = 5
"""Different people: what one person ignores is theirs to mute, not the words' fault; and fewer could be told apart."""
FOLLOWED_LINE = 0.2
"""Most goals move a little by themselves: where not even every fifth nudge was followed by anything, it is not read."""
SLOW_FACTOR = 2
"""How much longer a slowed tone waits."""
SLOW_FOR_WEEKS = 4
"""How long a tone is slow before it is looked at again: nudges said in the first two of them can be judged then."""
NEW_PART = 0.5
"""While it is slow it speaks half as often: half of the votes, nudges and people are evidence enough."""


class Finding(StrEnum):
    """What the evidence says of a tone."""

    LITTLE_USE = "of little use"
    IGNORED = "ignored by most"
    FINE = "fine"
    UNKNOWN = "too little to say"


BAD = frozenset({Finding.LITTLE_USE, Finding.IGNORED})


class State(StrEnum):
    """How a tone speaks."""

    NORMAL = "normal"
    SLOWED = "slowed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one tone: votes on digests that it opened, and nudges after which something could have been seen."""

    votes: int = 0
    useful: int = 0
    said: int = 0
    people: int = 0
    followed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.useful <= self.votes and 0 <= self.followed <= self.said and 0 <= self.people <= self.said):
            raise ValueError(f"parts of what was said were expected, not {self}")


def finding(seen: Evidence, part: float = 1.0) -> Finding:
    """What the evidence says, where `part` of the usual votes, nudges and people are enough."""
    votes_count = seen.votes >= LEAST_VOTES * part
    nudges_count = seen.said >= LEAST_SAID * part and seen.people >= LEAST_PEOPLE * part
    if votes_count and seen.useful < USEFUL_LINE * seen.votes:
        return Finding.LITTLE_USE
    if nudges_count and seen.followed < FOLLOWED_LINE * seen.said:
        return Finding.IGNORED
    return Finding.FINE if votes_count or nudges_count else Finding.UNKNOWN


def next_state(state: State, found: Finding, weeks: int) -> State:
    """How a tone speaks from now on, that was found so and is in its state for so many weeks. One that stopped stays
    so: nothing new can be learned of it until an owner starts it again."""
    if state == State.NORMAL:
        return State.SLOWED if found in BAD else State.NORMAL
    if state == State.SLOWED and weeks >= SLOW_FOR_WEEKS:
        if found in BAD:
            return State.STOPPED
        return State.NORMAL if found == Finding.FINE else State.SLOWED
    return state

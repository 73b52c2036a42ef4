"""The effect of nudges in words: one sentence with its evidence, and a difference with its interval."""

from __future__ import annotations

from nudges.effect import WORTH, Measured, Verdict
from program import wording

OPENS = {
    Verdict.HELPS: "Nudges help.",
    Verdict.HARMS: "Nudges do harm.",
    Verdict.NOT_SHOWN: "No effect of the nudges is shown.",
    Verdict.TOO_EARLY: "Not enough data yet.",
}


def points(share: float) -> str:
    """A difference of shares: "25 points"."""
    return wording.count(round(abs(share) * 100), "point")


def percent(share: float | None) -> str:
    """A share of the gap; one that grew is below 0."""
    return wording.NOTHING if share is None else f"{round(share * 100)} %".replace("-", "−")


def difference(one: Measured) -> str:
    """The difference with its interval: "25 points more (9 to 41)"; empty where there are too few goals."""
    found = one.effect.interval
    if found is None:
        return ""
    which = "more" if found.estimate >= 0 else "less"
    low, high = (round(edge * 100) for edge in (found.low, found.high))
    return f"{points(found.estimate)} {which} ({low} to {high})".replace("-", "−")


def sentence(one: Measured, *, held_out: bool) -> str:
    """The whole story of one effect."""
    if not held_out:
        return "Whether the nudges work is not measured: no goal is left alone to compare with."
    if one.verdict == Verdict.TOO_EARLY:
        return f"{OPENS[one.verdict]} {_so_far(one)} {_how_long(one)}".strip()
    told = (
        f"Within {one.days} days the gap of the {one.effect.nudged} nudged goals {_moved(one.effect.closed_nudged)}, "
        f"that of the {one.effect.held} left alone {_moved(one.effect.closed_held)}: {difference(one)}, "
        "95 % interval in parentheses."
    )
    more = (
        "" if one.verdict != Verdict.NOT_SHOWN or one.effect.nudged + one.effect.held >= one.needed else _how_long(one)
    )
    return f"{OPENS[one.verdict]} {told} {more}".strip()


def _moved(closed: float | None) -> str:
    return (
        f"grew by {percent(-closed)}" if closed is not None and round(closed, 2) < 0 else f"shrank by {percent(closed)}"
    )


def _so_far(one: Measured) -> str:
    goals = one.effect.nudged + one.effect.held
    if not goals and not one.waiting:
        return "No goal was drawn yet: a goal is, when a nudge about it would go out."
    waiting = f"; {wording.count(one.waiting, 'goal')} more {'is' if one.waiting == 1 else 'are'} on the way"
    return (
        f"{wording.count(one.effect.nudged, 'goal')} that {'was' if one.effect.nudged == 1 else 'were'} nudged and "
        f"{one.effect.held} left alone can be compared after {one.days} days{waiting if one.waiting else ''}."
    )


def _how_long(one: Measured) -> str:
    """How long until a difference worth knowing would show."""
    asked = f"To see a difference of {points(WORTH)} it takes about {one.needed} goals"
    if one.weeks is None:
        return f"{asked}."
    if one.weeks == 0:
        return f"{asked}: they are there."
    if one.weeks > 520:
        return f"{asked}: more than ten years at the present pace. Hold out a larger share, or measure over more teams."
    return f"{asked}: {wording.count(one.weeks, 'week')} more at the present pace."

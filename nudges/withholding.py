"""Why a nudge was withheld, in words for owners: the rule's sentence, and the facts that were kept with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from program import wording

from .models import Nudge
from .policy import in_words


def why(nudge: Nudge, seen: Collection[str]) -> str:
    """The whole reason. `seen` are the keys of the programs that the reader may see: others are not named."""
    if at_it := nudge.facts.get("at_it"):
        return _at_it(at_it)
    if budget := nudge.facts.get("budget"):
        return _budget(budget, seen)
    return in_words(nudge.reason)


def _at_it(facts: Mapping[str, Any]) -> str:
    if facts["how"] == "taken":
        return f"Somebody is visibly at it: all that closes the gap is taken, by {wording.listed(facts['who'])}."
    reaches = wording.day(date.fromisoformat(facts["reaches"]))
    return f"Somebody is visibly at it: at the pace of its newest two measurements it is there on {reaches}."


def _budget(facts: Mapping[str, Any], seen: Collection[str]) -> str:
    said = [_won(one, seen) for one in facts["won"]]
    most = wording.count(facts["most"], "mail")
    instead = f" Said in this week instead, as worse: {'; '.join(said)}." if said else ""
    return f"A week has room for {most} to this person.{instead}"


def _won(one: Mapping[str, Any], seen: Collection[str]) -> str:
    day = wording.weekday(date.fromisoformat(one["day"]))
    if one["program"] not in seen:
        return f"another program’s goal, {one['status']}, on {day}"
    return f"{one['program_name']}: {one['metric']} of {one['team']}, {one['status']}, on {day}"

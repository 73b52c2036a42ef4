"""A program's effect in words: page, brief and mail say it alike. Sentence first, then the number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from program import wording as say
from program.rules.program_effect import LEAST_BEFORE, LEAST_COMPARED, LEAST_TEAMS, Method, Verdict

from .models import Effect

WEIGHT = (Verdict.HARMFUL, Verdict.WORKING, Verdict.NOT_SHOWN, Verdict.TOO_EARLY)
"""What decides the verdict on a whole program: harm weighs more than good, good more than what does not show."""
OPENS = {
    Verdict.WORKING: "It works",
    Verdict.HARMFUL: "It does harm",
    Verdict.NOT_SHOWN: "No effect is shown",
    Verdict.TOO_EARLY: "Too early to say",
}


def verdict_of(effects: Sequence[Effect]) -> Verdict | None:
    """The verdict on the whole program, of its outcome metrics; None without one."""
    found = {one.verdict for one in effects if not one.guardrail}
    return next((verdict for verdict in WEIGHT if verdict in found), None)


def in_order(effects: Sequence[Effect]) -> list[Effect]:
    """What decides first: harm, then what works, then the rest; guardrails after the outcome."""
    order = {str(verdict): place for place, verdict in enumerate(WEIGHT)}
    return sorted(effects, key=lambda one: (one.guardrail, order.get(one.verdict, len(order))))


def leading(effects: Sequence[Effect]) -> Effect | None:
    """The finding that decides the verdict on the whole program: of those that say the same, the surest."""
    verdict = verdict_of(effects)
    same = [one for one in effects if not one.guardrail and one.verdict == verdict]
    return max(same, key=_sureness, default=None)


def _sureness(one: Effect) -> float:
    """How many half intervals the number is away from zero."""
    if one.effect is None or one.low is None or one.high is None or one.high <= one.low:
        return 0.0 if one.effect is None else float("inf")
    return abs(one.effect) * 2 / (one.high - one.low)


def program_sentence(effects: Sequence[Effect], on: date) -> str:
    """The verdict on the whole program in one sentence, with its number, its interval and its day; and how many of
    several metrics say the same."""
    lead = leading(effects)
    if lead is None:
        return "Whether it works is not judged yet: the first look comes with the next day’s work."
    outcome = [one for one in effects if not one.guardrail]
    same = sum(one.verdict == lead.verdict for one in outcome)
    others = f" The same is found for {same} of {len(outcome)} metrics." if len(outcome) > 1 and same > 1 else ""
    if len(outcome) > 1 and same == 1:
        others = f" That is 1 of {len(outcome)} metrics."
    return f"{sentence(lead, on)}{others}"


FEW = 6
"""Teams on one side of a comparison below which it is said that a check of them is weak."""
NEEDED = (
    f"It takes {LEAST_TEAMS} teams that were measured {LEAST_BEFORE} times before the program began with them; or"
    f" {LEAST_COMPARED} such teams and {LEAST_COMPARED} where it has not begun, to compare with."
)
WHOLE = {
    Verdict.WORKING: "The program works",
    Verdict.HARMFUL: "The program does harm",
    Verdict.NOT_SHOWN: "No effect of the program is shown",
    Verdict.TOO_EARLY: "It is too early to say whether the program works",
}


def short_verdict(effects: Sequence[Effect]) -> str:
    """The verdict on the whole program; its numbers stand beside it: "The program works, on 1 of 2 metrics."."""
    verdict = verdict_of(effects)
    if verdict is None:
        return "Whether the program works is not judged yet."
    outcome = [one for one in effects if not one.guardrail]
    same = sum(one.verdict == verdict for one in outcome)
    return f"{WHOLE[verdict]}{f', on {same} of {len(outcome)} metrics' if len(outcome) > 1 else ''}."


def evidence_of(one: Effect, on: date) -> str:
    """One finding under its verdict: the number, its interval, the plain numbers behind, and by what it was found; or
    what is missing."""
    if one.effect is None:
        return f"{_sentence_case(one.why or 'nothing is measured')}. {missing(one, on)}".strip()
    as_of = f" on {say.near_day(one.as_of, on)}" if one.as_of else ""
    plainly = (
        f"{plain(one, one.now)}{as_of}, {plain(one, one.before)} before it began, and it would have been"
        f" {plain(one, one.expected)} without it"
    )
    teams = (
        f"{_teams(one.treated)} beside {one.compared} without the program"
        if one.compared
        else (f"{_teams(one.treated)} against {'its' if one.treated == 1 else 'their'} own past")
    )
    return f"{_sentence_case(number(one))} ({between(one)}): {plainly}. By {teams}."


def _sentence_case(words: str) -> str:
    return words[:1].upper() + words[1:]


def sentence(one: Effect, on: date) -> str:
    """One finding: "It works: Coverage is 9 points better than it would have been (between 4 and 14 points), as of
    1 Jun."."""
    opens, name = OPENS[Verdict(one.verdict)], one.metric_version.metric.name
    if one.effect is None:
        return f"{opens} for {name}: {one.why or 'nothing is measured'}."
    as_of = f", as of {say.near_day(one.as_of, on)}" if one.as_of else ""
    sure = "" if one.verdict != Verdict.NOT_SHOWN else ", so that it may as well be nothing"
    return f"{opens}: {name} is {number(one)} than it would have been ({between(one)}{sure}){as_of}."


def harm(one: Effect, on: date) -> str:
    """What a guardrail that gets worse says: "Flaky tests must not get worse, and is 3 tests a team worse than …"."""
    name = one.metric_version.metric.name
    as_of = f", as of {say.near_day(one.as_of, on)}" if one.as_of else ""
    return f"{name} must not get worse, and is {number(one)} than it would have been ({between(one)}){as_of}."


def number(one: Effect) -> str:
    """The one number: "9 points better", "2 findings a team worse"; a dash where it is not known."""
    if one.effect is None:
        return say.NOTHING
    unit, aggregation = one.metric_version.unit, one.metric_version.aggregation
    size = say.gap(one.effect, unit, aggregation)
    return f"{size}{_each(aggregation)} {'better' if one.effect >= 0 else 'worse'}"


def _each(aggregation: str) -> str:
    """A ratio and a mean are of all teams together; of anything else it is what one team has on average."""
    return "" if aggregation in ("ratio", "mean") else " a team"


def between(one: Effect) -> str:
    """The interval, in the better direction: "between 4 and 14 points", "between −3 and 5 findings"."""
    if one.low is None or one.high is None:
        return ""
    unit, aggregation = one.metric_version.unit, one.metric_version.aggregation
    low, high = (f"{say.MINUS if edge < 0 else ''}{_plain(edge, unit, aggregation)}" for edge in (one.low, one.high))
    first, _, noun = low.partition(" ")
    return f"between {first if high.endswith(noun) or noun.rstrip('s') in high else low} and {high}"


def _plain(edge: float, unit: str, aggregation: str) -> str:
    return say.gap(edge, unit, aggregation).removeprefix("less than ")


def plain(one: Effect, value: float | None) -> str:
    """A plain number behind an effect, in the metric's unit; a share does not go below none of it."""
    unit, aggregation = one.metric_version.unit, one.metric_version.aggregation
    if value is not None and value < 0 and (one.now or 0) >= 0 and (one.before or 0) >= 0:
        value = 0.0
    return say.value(value, unit, aggregation)


# -- how it was found --


def method(one: Effect) -> list[str]:
    """How it was found and what that assumes, a sentence each, as a sponsor reads it."""
    if one.method == Method.COMPARISON and one.effect is not None:
        few = " With so few teams that sees large differences only." if min(one.treated, one.compared) < FEW else ""
        return [
            f"{_teams(one.treated)} that the program began with {_are(one.treated)} compared with {one.compared}"
            " that it has not begun with: by how much more did the first change since it began?",
            "This assumes that without the program all would have moved alike. Checked: before it began they did."
            f"{few}",
            "Every team counts the same; the interval (95 %) comes from how differently the teams changed (Welch), or"
            " from what lay between both sides by itself before, where that is more.",
        ]
    if one.method == Method.COMPARISON:
        return [
            f"{_teams(one.treated)} and {one.compared} to compare with are there, but they moved differently before the"
            " program began: what differs now may be no more than that.",
        ]
    if one.method == Method.PAST:
        return [
            f"There are too few teams to compare with, so {_teams(one.treated)} {_are(one.treated)} held against their"
            " own past, read twice: as if each had stayed where it was, and as if each had gone on as before.",
            "Neither is quite right. What holds for both is said: the interval (95 %) covers both, and the number"
            " lies between them.",
            "Not checked, for it cannot be: whether something else that came at the same time moved all teams at once.",
        ]
    return [NEEDED]


def _teams(many: int) -> str:
    return say.count(many, "team")


def _are(many: int) -> str:
    return "is" if many == 1 else "are"


def missing(one: Effect, on: date) -> str:
    """What is missing where it is too early, and when it can be judged; empty where it is not."""
    if one.verdict != Verdict.TOO_EARLY:
        return ""
    facts = one.facts
    again = date.fromisoformat(facts["again"]) if facts.get("again") else None
    if not facts.get("begun"):
        begins = "It begins" if one.begun_on and one.begun_on > on else "It began"
        when_begun = f"{begins} on {say.near_day(one.begun_on, on)}" if one.begun_on else "It has not begun"
        first = f"; the first measurement after that is expected about {say.near_day(again, on)}" if again else ""
        return f"{when_begun}{first}. {NEEDED}"
    past = (
        f"Older measurements, of before {say.near_day(one.begun_on, on)}, would help: they can be sent in at any time."
        if one.begun_on
        else ""
    )
    enough = facts.get("enough", 0)
    if enough >= LEAST_TEAMS:
        return "More teams, or more equal ones, would help."
    short = (
        f"{enough} of the {_teams(facts['begun'])} it began with {'was' if enough == 1 else 'were'} measured"
        f" {LEAST_BEFORE} times before; it takes {LEAST_TEAMS}."
    )
    if again is not None:
        return f"{short} More teams follow: look again about {say.near_day(again, on)}. {past}".strip()
    return f"{short} {past}".strip()

"""A program's effect and its pace in words: page, brief and mail say them alike. Sentence first, then the number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from program import wording as say
from program.rules.program_effect import LEAST_BEFORE, LEAST_COMPARED, LEAST_TEAMS, Method, Verdict

from .models import Effect, Pace

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
SOON = 60
"""Days within which a finish is said as a day, not as a month."""
OPENS = {
    Verdict.WORKING: "It works",
    Verdict.HARMFUL: "It does harm",
    Verdict.NOT_SHOWN: "No effect is shown",
    Verdict.TOO_EARLY: "Too early to say",
}


def verdict_of(effects: Sequence[Effect]) -> Verdict | None:
    """The verdict on the whole program, of its outcome metrics: harm anywhere weighs more than good, and good more
    than what does not show yet. None without one."""
    found = {one.verdict for one in effects if not one.guardrail}
    order = (Verdict.HARMFUL, Verdict.WORKING, Verdict.NOT_SHOWN, Verdict.TOO_EARLY)
    return next((verdict for verdict in order if verdict in found), None)


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
    """The one number: "9 points better", "2 findings a team worse"; "hardly other" where it is none."""
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
        return [
            f"{_teams(one.treated)} that the program began with {_are(one.treated)} compared with {one.compared}"
            " that it has not begun with: by how much more did the first change since it began?",
            "This assumes that without the program all would have moved alike. Checked: before it began they did.",
            "Every team counts the same; the interval comes from how differently the teams changed (95 %, Welch).",
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
            "Neither is quite right. What holds for both is said: the interval (95 %) covers both, and its middle"
            " is the number.",
            "Not checked, for it cannot be: whether something else that came at the same time moved all teams.",
        ]
    return [
        f"It takes {LEAST_TEAMS} teams that were measured {LEAST_BEFORE} times before the program began with them; or"
        f" {LEAST_COMPARED} such teams and {LEAST_COMPARED} where it has not begun, to compare with."
    ]


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
        return f"{when_begun}{first}."
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


# -- new against closed, and the finish --


def pace_sentence(one: Pace, end: date, on: date, *, named: bool = False) -> str:
    """ "12 closed and 5 new a week: at this pace it finishes in March 2027 (January to August); it ends on 31 Dec."."""
    name = f"{one.metric_version.metric.name}: " if named else ""
    over = f"the program {'ended' if end < on else 'ends'} on {say.near_day(end, on)}"
    counted = flow(one)
    if one.remaining <= 0:
        return f"{name}{counted + ': ' if counted else ''}{'e' if name or counted else 'E'}very team is at its target."
    return f"{name}{counted + ': ' if counted else ''}{_finish(one, on, opens=not (name or counted))}; {over}."


def flow(one: Pace) -> str:
    """ "12 findings closed and 5 new a week"; "3 closed and 2 new in 22 weeks" where it is little; empty where nothing
    is counted. It counts what items are short of: a large item closes bit by bit."""
    facts = one.facts
    weeks = facts.get("weeks") or 0
    if not weeks:
        return ""
    closed, new = facts["units_closed"], facts["units_new"]
    version = one.metric_version
    what = f" {version.unit}" if version.aggregation == "sum" and version.unit else ""
    if max(closed, new) < weeks:
        return f"{rate(closed)}{what} closed and {rate(new)} new in {say.count(round(weeks), 'week')}"
    return f"{rate(closed / weeks)}{what} closed and {rate(new / weeks)} new a week"


def rate(a_week: float) -> str:
    """How many a week: whole from ten on, else with what counts: "12", "4.3", "0.4"."""
    if a_week >= 10:
        return f"{round(a_week):,}"
    words = f"{a_week:.1f}".rstrip("0").rstrip(".")
    return "under 0.1" if 0 < a_week < 0.05 else words


def _finish(one: Pace, on: date, *, opens: bool) -> str:
    if one.a_day is None:
        return f"{'T' if opens else 't'}oo few measurements in the last half year to say when it finishes"
    at = "At" if opens else "at"
    if one.finishes is None:
        if one.first is None:
            return f"{at} this pace it does not finish in ten years, not even if all goes well"
        return f"{at} this pace it does not finish ({when(one.first, on)} at the earliest, if all goes well)"
    first = when(one.first, on) if one.first else ""
    if one.last is None:
        return f"{at} this pace it finishes {_in(one.finishes, on)} ({first} at the earliest; it may never finish)"
    last = when(one.last, on)
    expected = when(one.finishes, on)
    between = "" if first == last == expected else f" ({_shortened(first, last, expected)})"
    return f"{at} this pace it finishes {_in(one.finishes, on)}{between}"


def _shortened(first: str, last: str, expected: str) -> str:
    """An interval of months; the year is said once where it is that of the expected month."""
    parts = [first, last]
    year = expected.rpartition(" ")[2]
    if year.isdigit():
        parts = [part.removesuffix(f" {year}") for part in parts]
    return f"{parts[0]} to {parts[1]}" if parts[0] != parts[1] else parts[0]


def when(day: date, on: date) -> str:
    """A day to come: near ones as a day, "14 Feb", others as a month, "March 2027"."""
    if abs((day - on).days) <= SOON:
        return say.near_day(day, on)
    return f"{MONTHS[day.month - 1]} {day.year}"


def _in(day: date, on: date) -> str:
    return f"{'on' if abs((day - on).days) <= SOON else 'in'} {when(day, on)}"


def last_to_finish(paces: Sequence[Pace]) -> Pace | None:
    """Of several metrics the one that finishes last: one that never does, else one of which it cannot be said, else
    the latest."""
    open_ones = [one for one in paces if one.remaining > 0]
    return max(open_ones or list(paces), key=_order, default=None)


def _order(one: Pace) -> tuple[int, date]:
    if one.a_day is None:
        return 1, date.min
    return (2, date.min) if one.finishes is None else (0, one.finishes)

"""What stands on the owner's desk in words: each part as prose, and what would follow from what is typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice, takewhile

from accounts.clock import day_of
from accounts.models import User
from nudges import restraint_mail
from nudges.ahead import Ahead
from nudges.models import Restraint
from nudges.policy import TONES
from program import wording
from program.models import GoalRule, MetricVersion, Program, Wave
from program.rules import stopping
from program.rules.cadence import Occurrence, after, cadence_of
from program.rules.recurrence import in_words
from teams.lifecycle import Outlook
from teams.trying import Effect
from teams.waves import Gate, since

SHOWN = 3
NAMED = 4
MANY = 500
"""Reviews to come that are counted at most."""


@dataclass(frozen=True)
class Around:
    """What a part's consequences rest on, beside the program itself."""

    teams: int
    goals: int
    ahead: Ahead
    audience: str = ""
    """the name of the group it is shown to; empty: everyone"""
    readers: int = 0
    """people of that group"""
    outside: Sequence[str] = ()
    """teams with goals that are not of that group"""


def people(number: int) -> str:
    """People, counted."""
    return wording.count(number, "person", "people")


def bounds(program: Program, names: Mapping[str, str], around: Around, today: date) -> list[str]:
    """From when to when, until what, and at what cost."""
    weeks = max(0, (program.end - max(program.start, today)).days // 7)
    said = [
        f"It runs from {wording.day(program.start)} to {wording.day(program.end)}, {wording.count(weeks, 'more week')}."
    ]
    if program.stop_if:
        said.append(f"It stops if {program.stop_if}")
        watched = stopping.read(program.stop_if)
        said.append(
            f"Each brief judges that, after {wording.count(watched.reviews, 'review')} and from then on."
            if watched
            else "No rule can judge these words: each brief asks whether they have come true."
        )
    if program.guardrails:
        said.append(
            f"Meanwhile {wording.listed([names.get(key, key) for key in program.guardrails])} must not get worse."
        )
    if program.probation_reviews:
        reviews = wording.count(program.probation_reviews, "review")
        said.append(f"After {reviews} it has to work, or the next brief asks whether to cancel it.")
    if program.weekly_hours:
        total = program.weekly_hours * weeks
        said.append(f"It costs its owners {program.weekly_hours:g} hours a week, {total:,.0f} more hours in all.")
    if around.audience:
        said.append(f"Only {around.audience} sees it: {people(around.readers)}, its owners and its sponsor.")
        if around.outside:
            verb = "is" if len(around.outside) == 1 else "are"
            said.append(
                f"{_some(around.outside)} {verb} outside of it: they would be told about goals that they cannot see."
            )
    else:
        said.append("Everybody who signs in sees it.")
    return [_sentence(one) for one in said]


def nudges(program: Program, around: Around) -> list[str]:
    """When it speaks, how often, and to how many."""
    day = wording.WEEKDAY_NAMES[program.nudge_weekday]
    every = "a week" if program.nudge_every_weeks == 1 else f"in {program.nudge_every_weeks} weeks"
    most = wording.count(program.nudge_weekly_maximum, "mail")
    listeners = len(around.ahead.first)
    said = [
        f"On {day}s from {program.nudge_hour}:00 of each person's own day, at most once {every} about this program."
    ]
    if listeners:
        said.append(
            f"At most {most} a week to each of {people(listeners)}, fewer where another of their programs says so, "
            "and only while something needs them."
        )
    else:
        said.append("There is nobody to write to yet: no team has a goal.")
    if around.ahead.nobody:
        number = len(around.ahead.nobody)
        said.append(f"{wording.count(number, 'team')} {'has' if number == 1 else 'have'} nobody who could be told.")
    if program.nudge_note:
        said.append(f"Each mail that speaks of it says: “{' '.join(program.nudge_note.split())}”")
    if program.holdout:
        apart = round(around.goals * program.holdout)
        said.append(
            f"{wording.share(program.holdout)} of the goals, about {apart} of {around.goals}, are set apart "
            "to measure what nudges do."
        )
    return said


def restrained(standing: Sequence[Restraint]) -> list[str]:
    """Which kinds of nudge slowed themselves down or stopped, and why."""
    return [
        f"“{TONES[row.tone]}” is {row.state} since {wording.day(row.since)}. {restraint_mail.evidence(row.evidence)} "
        "Under “what was sent” you may start it again."
        for row in standing
    ]


def reviews(program: Program, now: datetime) -> list[str]:
    """How often it is reviewed, when next, and how many times more."""
    first = program.review_first.replace(tzinfo=None) if program.review_first else None
    country = program.sponsor.country if program.sponsor else ""
    calendar = cadence_of(program.review_every, first, program.review_zone, country)
    if calendar is None:
        return ["No reviews are in the calendar."]
    end = datetime(program.end.year, program.end.month, program.end.day, tzinfo=UTC)
    left = list(islice(takewhile(lambda one: one.at <= end, after(calendar, now)), MANY))
    with_whom = f" with {program.sponsor}" if program.sponsor else ""
    minutes = wording.count(program.review_minutes, "minute")
    every = in_words(program.review_every)
    said = [f"{every[0].upper()}{every[1:]} for {minutes}{with_whom}, at {program.review_zone} time."]
    if left:
        days = [_held_on(one) for one in left[:SHOWN]]
        more = f", {len(left) - SHOWN} more until it ends" if len(left) > SHOWN else ""
        said.append(f"The next three: {', '.join(days)}{more}." if len(days) == SHOWN else f"Next: {', '.join(days)}.")
        said.append("Invites go out four weeks ahead, the brief three working days ahead.")
    else:
        said.append("None would be held before it ends.")
    return said


def _held_on(one: Occurrence) -> str:
    """When one is held, and in the stead of which day off."""
    day = one.local.date()
    off = f" in the stead of {wording.weekday(day_of(one.period))}" if day.isoformat() != one.period else ""
    return f"{wording.weekday(day)} {one.local:%H:%M}{off}"


def people_said(program: Program, technical: Sequence[User], managers: Sequence[User]) -> list[str]:
    """Who stands behind it."""
    said = []
    if program.sponsor:
        can = f", who {program.mandate}" if program.mandate else ""
        said.append(f"{program.sponsor} sponsors it{can}")
    if technical:
        does, many = ("answers", "") if len(technical) == 1 else ("answer", "s")
        names = wording.listed([str(one) for one in technical])
        said.append(f"{names} {does} for the numbers, as technical owner{many}")
    if managers:
        does, many = ("keeps", "") if len(managers) == 1 else ("keep", "s")
        said.append(f"{wording.listed([str(one) for one in managers])} {does} it going, as program manager{many}")
    return [_sentence(one) for one in said]


def goal(rule: GoalRule, version: MetricVersion | None, teams: int, names: Mapping[str, str]) -> str:
    """A line of goals: "All teams, 32 of them: Typed functions to 90 % by 31 Dec 2026"."""
    unit, aggregation = (version.unit, version.aggregation) if version else ("", "")
    if rule.target is not None:
        to = f"to {wording.value(rule.target, unit, aggregation)}"
    else:
        to = f"{wording.share(rule.improve_by)} of the way to its best"
    return f"{whom(rule.teams, teams, names)}: {rule.metric.name} {to} by {wording.day(rule.due)}"


def whom(selector: object, teams: int, names: Mapping[str, str]) -> str:
    """The teams that a line of goals means."""
    number = wording.count(teams, "team")
    if selector == "all":
        return f"All teams ({teams})"
    if isinstance(selector, dict) and "wave" in selector:
        return f"The wave {selector['wave']} ({number})"
    if isinstance(selector, dict):
        return f"{names.get(selector.get('under', ''), selector.get('under', ''))} ({number})"
    listed = [names.get(key, key) for key in selector] if isinstance(selector, list) else []
    return _some(listed)


def wave(one: Wave, gate: Gate | None, program: Program, today: date) -> str:
    """What became of a wave, or what its gate sees now."""
    if one.state == Wave.State.DONE:
        return f"Done. It opened on {wording.near_day(since(one), today)}; its goals go on."
    if one.state == Wave.State.OPEN:
        by = f" by {one.opened_by}" if one.opened_by else ""
        why = f": {one.opened_why}" if one.opened_why else ""
        return f"Open since {wording.near_day(since(one), today)}{by}{why}."
    said = _gate(gate, today) if gate else ""
    if program.state == Program.State.DRAFT:
        return f"{said} Nothing opens before the program goes live."
    return f"{said} Nothing opens while it is paused." if program.state == Program.State.PAUSED else said


def _gate(gate: Gate, today: date) -> str:
    start = wording.near_day(gate.wave.start, today)
    if gate.before is None:
        return f"It opens on {start}." if gate.wave.start > today else "It opens within a minute: its start has come."
    before = gate.before.key
    needs = f"{wording.share(gate.wave.gate)} needed"
    if gate.first_day is None:
        return f"It opens after {before}, four weeks after that has begun at the earliest; {needs}."
    day = wording.near_day(gate.first_day, today)
    if not gate.goals:
        return f"{before} has no goals yet, so that its gate sees nothing; {needs}, and not before {day}."
    verb, whose = ("is", "its") if gate.fine == 1 else ("are", "their")
    sees = f"{gate.fine} of {wording.count(gate.goals, 'goal')} of {before} {verb} met or on {whose} path; {needs}"
    if not gate.is_passed:
        early = f", and not before {day}" if gate.first_day > today else ""
        return f"{sees}: it stays shut until that is so{early}."
    return f"{sees}: it opens {'on ' + day if gate.first_day > today else 'within a minute'} unless that changes."


def effect(found: Effect, ahead: Ahead, today: date) -> list[str]:
    """What moving teams or opening a wave would do."""
    said = []
    if found.more_goals:
        number = abs(found.more_goals)
        what = wording.count(number, "goal") if found.more_goals < 0 else wording.count(number, "more goal")
        said.append(f"{what} would {'end today' if found.more_goals < 0 else 'begin today'}.")
    else:
        said.append("No goal would begin or end.")
    if found.more_waiting:
        number = abs(found.more_waiting)
        way = "would begin to wait" if found.more_waiting > 0 else "would wait no more"
        said.append(f"{wording.count(number, 'team')} {way}.")
    return [*said, *first_mails(ahead, today)] if found.new_teams else said


def first_mails(ahead: Ahead, today: date) -> list[str]:
    """Who gets the first mails, and when."""
    said = []
    if ahead.days is not None:
        first, last = (wording.weekday(day, today) for day in ahead.days)
        when = f"on {first}" if first == last else f"between {first} and {last}"
        names = _some([str(one.person) for one in ahead.first])
        number = len(ahead.first)
        said.append(f"{people(number)} {'gets' if number == 1 else 'get'} their first mail {when}: {names}.")
    if ahead.nobody:
        number = len(ahead.nobody)
        said.append(f"{wording.count(number, 'team')} {'has' if number == 1 else 'have'} nobody who could be told.")
    return said


def going_live(found: Outlook, ahead: Ahead, today: date) -> list[str]:
    """What going live would mean."""
    said = []
    if found.goals:
        said.append(f"{wording.count(len(found.teams), 'team')} would have {wording.count(found.goals, 'goal')}.")
        counted = [
            f"{number} {'without data' if status == 'no data' else status}" for status, number in found.counts.items()
        ]
        said.append(f"On day one: {wording.listed(counted)}. {wording.measured(found.ages)}".strip())
    else:
        said.append("Nothing would be asked of any team: it has no goals yet.")
    if found.opened:
        said.append(f"The wave {wording.listed(list(found.opened))} would open at once.")
    for why, words in (
        ("wave", "for their wave to open"),
        ("limit", "for a place: they have as many programs as they may"),
    ):
        number = found.waiting.get(why, 0)
        if number:
            said.append(f"{wording.count(number, 'team')} would wait {words}.")
    mails = first_mails(ahead, today)
    if ahead.days is not None:
        mails.append(
            "The first mail announces goals and says nothing else about them; nudges come a week later at the soonest."
        )
    return said + mails


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _some(words: Sequence[str]) -> str:
    if len(words) <= NAMED + 1:
        return wording.listed(list(words))
    return f"{', '.join(words[:NAMED])} and {len(words) - NAMED} more"

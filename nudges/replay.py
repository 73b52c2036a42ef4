"""A program's mails replayed on the past: whom it would have told what, week by week, by the rules of policy.py.

Goals are pretended to have begun some weeks ago (program/rules/pretended.py) and to have been made at the beginning of
that day, in UTC. Each week's turn opens as it does (hours.py), is taken at once, and is decided by the same rules: a
new goal is announced first, nudges speak of what is short only, after the program's interval and the back-off, within
the person's weekly budget, and thanks are given once.

What is not known of the past is left out: whoever leads today led then and was never away; nothing was held, exempt or
promised; only these goals spoke, so that no other program took from anybody's budget; every mail arrived at once.
Writes nothing. Costs six queries at most.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q

from accounts.models import User
from program.models import Program
from program.rules.pretended import FINE, SHORT, Begun, Place, on_days, turning_days

from . import hours, policy
from .models import Mute
from .people import Addressee, Org, zones

WEEKS = 26
FIRST_WEEKS = 4


@dataclass(frozen=True, slots=True)
class Week:
    """One turn of the program: the week's Monday, and what was sent."""

    monday: date
    mails: int
    nudges: int


@dataclass(slots=True)
class Told:
    """One person: about which teams, in how many mails, with how many nudges."""

    person: User
    teams: Sequence[str]
    mails: int = 0
    nudges: int = 0
    first_mails: int = 0
    """in the first four weeks"""


@dataclass(frozen=True, slots=True)
class Replay:
    """What would have been sent. `nobody` counts the teams about which there is nobody to tell."""

    since: date
    weeks: Sequence[Week]
    people: Sequence[Told]
    nobody: int

    @property
    def mails(self) -> int:
        """Digests, with nudges, announcements or thanks in them."""
        return sum(one.mails for one in self.people)

    @property
    def nudges(self) -> int:
        """Goals spoken of because they were short."""
        return sum(one.nudges for one in self.people)

    @property
    def first_mails(self) -> int:
        """Mails in the first four weeks."""
        return sum(one.first_mails for one in self.people)

    @property
    def first_people(self) -> int:
        """People who got one in the first four weeks."""
        return sum(1 for one in self.people if one.first_mails)


@dataclass(frozen=True, slots=True)
class Turn:
    """One week's turn to speak to people of one zone."""

    due_day: date
    day: date
    """the local day on which it is taken"""
    at: datetime


@dataclass(slots=True)
class _Goal:
    """One goal as it goes through its turns: what it said on each, and what was said of it."""

    states: Sequence[int]
    days: Sequence[int]
    """by turn: the team's day"""
    fine: Sequence[int]
    """the days on which it was fine"""
    announced: bool
    last: policy.Case | None = None
    last_day: int = 0
    thanked: bool = True
    quiet_until: date = date.min

    def recovered(self, turn: int) -> bool:
        """Whether it was fine on some day since it was last spoken of."""
        at = bisect_left(self.fine, self.last_day)
        return at < len(self.fine) and self.fine[at] <= self.days[turn]


@dataclass(slots=True)
class _Listening:
    """One person as they go through the turns."""

    told: Told
    turns: Sequence[Turn]
    goals: Sequence[_Goal]
    listener: policy.Listener
    program_muted: bool
    spoke: date | None = None
    mail_days: list[date] = field(default_factory=list)


def replay(program: Program, begun: Begun, now: datetime) -> Replay:
    """Replay a program's goals on one metric, which are pretended to have begun earlier and run until today."""
    org = Org.read()
    goals = begun.goals
    since = date.fromordinal(begun.course.start)
    whom = {team: org.addressee(team, None) for team in goals}
    of_person: dict[int, list[Addressee]] = defaultdict(list)
    for one in sorted((one for one in whom.values() if one is not None), key=lambda a: a.team.key):
        of_person[one.person.pk].append(one)
    zone_of = zones(one for one in whom.values() if one is not None)
    mutes = _mutes(program)
    calendar = _Calendar(program, since, now.date())
    judged = _Judged(begun, calendar)
    weeks: dict[date, list[int]] = {monday: [0, 0] for monday in calendar.mondays()}
    people = []
    for pk, about in sorted(of_person.items()):
        person = about[0].person
        zone = zone_of[pk]
        listening = _Listening(
            told=Told(person, [one.team.name for one in about]),
            turns=calendar.turns(zone),
            goals=[judged.goal(one, zone, announced=program.guard_of_id is not None) for one in about],
            listener=policy.Listener(
                active=person.is_active,
                address_suspended=bool(person.address_suspended_reason),
                muted_all=(pk, None) in mutes,
                weekly_maximum=program.nudge_weekly_maximum,
            ),
            program_muted=any((pk, of) in mutes for of in (program.pk, program.guard_of_id) if of),
        )
        for turn, nudges in _speak(listening, program.nudge_every_weeks):
            week = weeks[hours.week_of(listening.turns[turn].day)[0]]
            week[0] += 1
            week[1] += nudges
        people.append(listening.told)
    people.sort(key=lambda one: (-one.mails, -one.nudges, str(one.person)))
    return Replay(
        since, [Week(monday, *counts) for monday, counts in weeks.items()], people, list(whom.values()).count(None)
    )


def _mutes(program: Program) -> set[tuple[int, int | None]]:
    """Who wants to hear nothing: of this program, of the one it guards, or of any."""
    of = Q(program=None) | Q(program=program) | Q(program=program.guard_of_id)
    return set(Mute.objects.filter(of).values_list("person", "program"))


def _speak(listening: _Listening, every_weeks: int) -> Iterator[tuple[int, int]]:
    """Go through a person's turns; gives each turn on which a mail went out, with how many nudges were in it."""
    told = listening.told
    for turn, place in enumerate(listening.turns):
        listener = _this_week(listening, place.day)
        alone = policy.Case(listener=listener, due_day=place.due_day)
        silent = bool(policy.withheld_by(alone, policy.OF_THE_PERSON)) or listening.program_muted
        nudges = sum(_nudge(goal, turn, place, listening, listener, every_weeks) for goal in listening.goals)
        notices = 0 if silent else sum(_notice(goal, turn) for goal in listening.goals)
        if not nudges and not notices:
            continue
        if nudges:
            listening.spoke = place.due_day
        listening.mail_days.append(place.day)
        told.mails += 1
        told.nudges += nudges
        told.first_mails += turn < FIRST_WEEKS
        yield turn, nudges


def _this_week(listening: _Listening, day: date) -> policy.Listener:
    monday, _ = hours.week_of(day)
    mails = sum(1 for mailed in listening.mail_days[-7:] if mailed >= monday)
    if not mails:
        return listening.listener
    held = listening.listener
    return policy.Listener(
        active=held.active, address_suspended=held.address_suspended, muted_all=held.muted_all, mails_this_week=mails,
        weekly_maximum=held.weekly_maximum,
    )  # fmt: skip


def _nudge(
    goal: _Goal, turn: int, place: Turn, listening: _Listening, listener: policy.Listener, every_weeks: int
) -> bool:
    """Whether the goal is spoken of on this turn because it is short."""
    if goal.states[turn] != SHORT:
        return False
    recovered = goal.last is not None and goal.recovered(turn)
    if place.due_day < goal.quiet_until and not recovered:  # the wait that policy.next_due gave is not over
        return False
    case = policy.Case(
        listener=listener,
        due_day=place.due_day,
        announced=goal.announced,
        program_muted=listening.program_muted,
        every_weeks=every_weeks,
        program_spoke=listening.spoke,
        last_said=goal.last.due_day if goal.last else None,
        streak=goal.last.streak if goal.last else 0,
        recovered=recovered,
    )
    if policy.withheld_by(case):
        return False
    goal.quiet_until = policy.next_due(case)
    goal.last = policy.Case(listener=None, due_day=place.due_day, streak=policy.next_streak(case))
    goal.last_day, goal.thanked = goal.days[turn], False
    return True


def _notice(goal: _Goal, turn: int) -> bool:
    """Whether the goal is announced on this turn, or its being back on the path is."""
    if not goal.announced:
        goal.announced = True
        return True
    if goal.last is None or goal.thanked or goal.states[turn] != FINE:
        return False
    goal.thanked = True
    return True


class _Calendar:
    """The program's turns by zone, from the beginning of the first day in UTC to the beginning of today."""

    def __init__(self, program: Program, since: date, until: date) -> None:
        self._program = program
        self._made = datetime.combine(since, time(), UTC)
        self._over = datetime.combine(until, time(), UTC)
        self._known: dict[str, list[Turn]] = {}

    def mondays(self) -> list[date]:
        """The weeks in which a turn may open, in any zone."""
        first, _ = hours.week_of(self._made.date() - timedelta(days=1))
        last, _ = hours.week_of(self._over.date() + timedelta(days=1))
        return [first + timedelta(weeks=n) for n in range((last - first).days // 7 + 1)]

    def turns(self, zone: str) -> list[Turn]:
        """The turns as people in a zone have them."""
        if zone not in self._known:
            self._known[zone] = list(self._turns(zone))
        return self._known[zone]

    def _turns(self, zone: str) -> Iterator[Turn]:
        where = hours.zone(zone)
        made = self._made.astimezone(where)
        due_day = hours.due_day(self._program.nudge_weekday, made.date())
        while True:
            day, hour = hours.opens(due_day, self._program.nudge_hour)
            at = datetime.combine(day, time(hour), where)
            if at >= self._over:
                return
            if (made.date(), made.hour) < (day, hour):
                yield Turn(due_day, day, at)
            due_day += timedelta(weeks=1)


class _Judged:
    """The goals judged on the days of their turns, and on the days in between on which they may have been fine."""

    def __init__(self, begun: Begun, calendar: _Calendar) -> None:
        self._begun, self._calendar = begun, calendar
        self._days: dict[tuple[str, str], list[int]] = {}
        self._places: dict[int, Place] = {}

    def goal(self, about: Addressee, zone: str, *, announced: bool) -> _Goal:
        """One team's goal as a person in a zone is told of it."""
        pretended, begun = self._begun.goals[about.team.pk], self._begun
        turns = self._days_of(zone, about.team.time_zone)
        if not turns:
            return _Goal([], [], [], announced)
        between = turning_days(pretended, begun.course, turns[0], turns[-1], begun.fresh_for)
        days = sorted({*turns, *between}) if between else turns
        said = on_days(pretended, [self._place(day) for day in days], begun.fresh_for, up=begun.up)
        if days is turns:
            states: Sequence[int] = said
        else:
            by_day = dict(zip(days, said, strict=True))
            states = [by_day[day] for day in turns]
        return _Goal(states, turns, [d for d, one in zip(days, said, strict=True) if one == FINE], announced)

    def _days_of(self, zone: str, team_zone: str) -> list[int]:
        """The team's day at each turn of people in a zone."""
        key = zone, team_zone
        if key not in self._days:
            where = hours.zone(team_zone)
            self._days[key] = [turn.at.astimezone(where).date().toordinal() for turn in self._calendar.turns(zone)]
        return self._days[key]

    def _place(self, day: int) -> Place:
        if day not in self._places:
            self._places[day] = self._begun.course.place(day)
        return self._places[day]

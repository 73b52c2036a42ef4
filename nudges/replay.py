"""A program's mails replayed on the past: whom it would have told what, week by week, by the rules of policy.py.

Goals are pretended to have begun some weeks ago (program/rules/pretended.py) and to have been made at the beginning of
that day, in UTC. Each week's turn opens as it does (hours.py), is taken at once, and is decided by the same rules: a
new goal is announced first, nudges speak of what is short only, after the program's interval and the back-off, rest
while the newest measurements move fast enough, stay within the person's weekly budget, thanks are given once, and a
leader above hears of a goal once a stretch, a turn after the third nudge in a row.

What is not known of the past is left out: whoever leads today led then and was never away; nothing was held, exempt,
answered or taken; no tone was slowed or stopped; only these goals spoke, so no other program took from a budget; every
mail arrived at once. Writes nothing. Costs six queries at most.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache, partial
from typing import NamedTuple

from django.db.models import Q

from accounts.models import User
from program.models import Program
from program.rules.moving import moving
from program.rules.pretended import FINE, SHORT, Begun, Look, Pretended, looks, on_days, turning_days

from . import hours, policy, routes
from .models import Mute
from .people import Addressee, Org, zones

WEEKS = 26
FIRST_WEEKS = 4
SOME_DAY = date(2000, 1, 3)
NEVER_AGAIN = date.max.toordinal() + 1


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


class Turn(NamedTuple):
    """One week's turn to speak to people of one zone."""

    due_day: date
    day: date
    """the local day on which it is taken"""
    monday: date
    """of that day's week"""
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
    at_it: Callable[[int], bool] = lambda _day: False
    """whether somebody was visibly at it on a day"""
    leader: User | None = None
    """who hears of it next"""
    hears_on: date | None = None
    """due day from which on they do, if it is short still"""
    escalated: bool = False
    """in this stretch"""
    resting_since: tuple[date, int] | None = None
    """due day, and day, from which on it rests because of that"""
    last_said: date | None = None
    streak: int = 0
    thanked: bool = True
    quiet_until: date = date.min
    """the due day before which policy.py lets nothing be said of it, unless it recovers"""

    next_fine: int = NEVER_AGAIN
    """the first day on which it was fine since it was last spoken of"""


@dataclass(slots=True)
class _Listening:
    """One person as they go through the turns."""

    told: Told
    turns: Sequence[Turn]
    goals: list[_Goal]
    listener: policy.Listener
    program_muted: bool
    spoke: date | None = None
    mailed: date = date.min
    """the Monday of the last week with mails"""
    mails_that_week: int = 0
    mailed_on: set[date] = field(default_factory=set)
    """due days"""
    passed_on: list[tuple[User, date]] = field(default_factory=list)
    """which leader hears of a goal on which due day"""


def replay(program: Program, begun: Begun, now: datetime, org: Org | None = None) -> Replay:
    """Replay a program's goals on one metric, which are pretended to have begun earlier and run until today.

    `org` is the tree with its leads, where the caller has read it already.
    """
    org = org or Org.read()
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
    listeners: dict[int, _Listening] = {}
    for pk, about in sorted(of_person.items()):
        zone = zone_of[pk]
        listening = listeners[pk] = _listening(about[0].person, zone, program, calendar, mutes)
        listening.told.teams = [one.team.name for one in about]
        for one in about:
            goal = judged.goal(one, zone, announced=program.guard_of_id is not None)
            goal.leader = org.next_above(one)
            listening.goals.append(goal)
        for turn, nudges in _speak(listening, program.nudge_every_weeks):
            week = weeks[listening.turns[turn].monday]
            week[0] += 1
            week[1] += nudges
    for leader, due_day in [passed for one in list(listeners.values()) for passed in one.passed_on]:
        if leader.pk not in listeners:
            zone = zone_of.get(leader.pk) or org.zone_of_leader(leader)
            listeners[leader.pk] = _listening(leader, zone, program, calendar, mutes)
        heard = _hear(listeners[leader.pk], due_day)
        if heard is not None:
            weeks[heard][0] += 1
    people = [one.told for one in listeners.values() if one.told.teams or one.told.mails]
    people.sort(key=lambda one: (-one.mails, -one.nudges, str(one.person)))
    return Replay(
        since, [Week(monday, *counts) for monday, counts in weeks.items()], people, list(whom.values()).count(None)
    )


def _listening(
    person: User, zone: str, program: Program, calendar: _Calendar, mutes: set[tuple[int, int | None]]
) -> _Listening:
    listener = policy.Listener(
        active=person.is_active,
        address_suspended=routes.is_cut_off(person),
        muted_all=(person.pk, None) in mutes,
        weekly_maximum=program.nudge_weekly_maximum,
    )
    muted = any((person.pk, of) in mutes for of in (program.pk, program.guard_of_id) if of)
    return _Listening(Told(person, []), calendar.turns(zone, person.country), [], listener, muted)


def _hear(leader: _Listening, due_day: date) -> date | None:
    """A leader hears of a goal below, in the digest of that turn if there is one; the Monday of a mail of its own."""
    number = next((n for n, turn in enumerate(leader.turns) if turn.due_day == due_day), None)
    silent = policy.withheld_by(policy.Case(leader.listener, due_day), policy.OF_THE_PERSON) or leader.program_muted
    if number is None or silent or due_day in leader.mailed_on:
        return None
    leader.mailed_on.add(due_day)
    leader.told.mails += 1
    leader.told.first_mails += number < FIRST_WEEKS
    return leader.turns[number].monday


def _mutes(program: Program) -> set[tuple[int, int | None]]:
    """Who wants to hear nothing: of this program, of the one it guards, or of any."""
    of = Q(program=None) | Q(program=program) | Q(program=program.guard_of_id)
    return set(Mute.objects.filter(of, goal=None).values_list("person", "program"))


def _speak(listening: _Listening, every_weeks: int) -> Iterator[tuple[int, int]]:
    """Go through a person's turns; gives each turn on which a mail went out, with how many nudges were in it."""
    told, goals = listening.told, listening.goals
    for number, turn in enumerate(listening.turns):
        if number == 0 or listening.mailed == turn.monday:
            listener = _this_week(listening, turn.monday)
            silent = policy.withheld_by(policy.Case(listener, turn.due_day), policy.OF_THE_PERSON)
        listening.passed_on += _passed_on(goals, number, turn)
        if silent or listening.program_muted:
            continue
        nudges = notices = 0
        spoke = listening.spoke
        for goal in goals:
            state = goal.states[number]
            if not goal.announced:
                goal.announced, notices = True, notices + 1
            elif state == SHORT:
                recovered = goal.next_fine <= goal.days[number]
                if recovered or turn.due_day >= goal.quiet_until:
                    nudges += _nudge(goal, number, turn, spoke, every_weeks, recovered)
            elif state == FINE and not goal.thanked:
                goal.thanked, notices = True, notices + 1
        if not nudges and not notices:
            continue
        if nudges:
            listening.spoke = turn.due_day
        listening.mails_that_week = 1 if listening.mailed != turn.monday else listening.mails_that_week + 1
        listening.mailed = turn.monday
        listening.mailed_on.add(turn.due_day)
        told.mails += 1
        told.nudges += nudges
        told.first_mails += number < FIRST_WEEKS
        yield number, nudges


def _this_week(listening: _Listening, monday: date) -> policy.Listener:
    if listening.mailed != monday:
        return listening.listener
    return replace(listening.listener, mails_this_week=listening.mails_that_week)


def _nudge(goal: _Goal, number: int, turn: Turn, spoke: date | None, every_weeks: int, recovered: bool) -> bool:
    """Whether a goal that is short is spoken of on this turn."""
    decided = _decided(
        every_weeks,
        None if spoke is None else (turn.due_day - spoke).days,
        None if goal.last_said is None else (turn.due_day - goal.last_said).days,
        goal.streak,
        recovered,
    )
    if decided is None:
        return False
    if goal.at_it(goal.days[number]):
        rested = goal.resting_since
        if rested is None or bisect_left(goal.fine, rested[1]) < bisect_right(goal.fine, goal.days[number]):
            rested = goal.resting_since = turn.due_day, goal.days[number]
        if policy.rests(rested[0], turn.due_day):
            return False
    goal.streak, wait = decided
    if goal.streak == 1:
        goal.escalated, goal.hears_on = False, None
    if goal.streak >= policy.ESCALATES_AFTER and not goal.escalated and goal.leader:
        goal.hears_on = policy.escalates_on(turn.due_day, every_weeks)
    goal.quiet_until = turn.due_day + wait
    goal.last_said, goal.thanked, goal.resting_since = turn.due_day, False, None
    after = bisect_left(goal.fine, goal.days[number])
    goal.next_fine = goal.fine[after] if after < len(goal.fine) else NEVER_AGAIN
    return True


def _passed_on(goals: Sequence[_Goal], number: int, turn: Turn) -> Iterator[tuple[User, date]]:
    """The goals of which the leader above hears on this turn: short still, and not recovered since it was announced."""
    for goal in goals:
        if goal.hears_on is None or goal.leader is None or turn.due_day < goal.hears_on:
            continue
        if goal.next_fine <= goal.days[number]:
            goal.hears_on = None
        elif goal.states[number] == SHORT:
            goal.hears_on, goal.escalated = None, True
            yield goal.leader, turn.due_day


@lru_cache(maxsize=4096)
def _decided(
    every_weeks: int, since_spoke: int | None, since_last: int | None, streak: int, recovered: bool
) -> tuple[int, timedelta] | None:
    """What policy.py says of a case by the days since: which nudge in a row it is, and how long nothing more is said;
    None where it withholds it. Half a year of a thousand teams asks the same few hundred cases."""
    case = policy.Case(
        listener=policy.Listener(),
        due_day=SOME_DAY,
        every_weeks=every_weeks,
        program_spoke=None if since_spoke is None else SOME_DAY - timedelta(days=since_spoke),
        last_said=None if since_last is None else SOME_DAY - timedelta(days=since_last),
        streak=streak,
        recovered=recovered,
    )
    return None if policy.withheld_by(case) else (policy.next_streak(case), policy.next_due(case) - SOME_DAY)


class _Calendar:
    """The program's turns by zone, from the beginning of the first day in UTC to the beginning of today."""

    def __init__(self, program: Program, since: date, until: date) -> None:
        self._program = program
        self._made = datetime.combine(since, time(), UTC)
        self._over = datetime.combine(until, time(), UTC)
        self._known: dict[tuple[str, str], list[Turn]] = {}

    def mondays(self) -> list[date]:
        """The weeks in which a turn may open, in any zone."""
        first, _ = hours.week_of(self._made.date() - timedelta(days=1))
        last, _ = hours.week_of(self._over.date() + timedelta(days=1))
        return [first + timedelta(weeks=n) for n in range((last - first).days // 7 + 1)]

    def turns(self, zone: str, country: str) -> list[Turn]:
        """The turns as people in a zone, with the holidays of a country, have them."""
        key = zone, country
        if key not in self._known:
            self._known[key] = list(self._turns(zone, country))
        return self._known[key]

    def _turns(self, zone: str, country: str) -> Iterator[Turn]:
        where = hours.zone(zone)
        made = self._made.astimezone(where)
        due_day = hours.due_day(self._program.nudge_weekday, made.date())
        while True:
            due_day, day, hour = hours.turn_from(due_day, self._program.nudge_hour, country)
            at = datetime.combine(day, time(hour), where)
            if at >= self._over:
                return
            if (made.date(), made.hour) < (day, hour):
                yield Turn(due_day, day, hours.week_of(day)[0], at)
            due_day += timedelta(weeks=1)


class _Judged:
    """The goals judged on the days of their turns, and on the days in between on which they may have been fine."""

    def __init__(self, begun: Begun, calendar: _Calendar) -> None:
        self._begun, self._calendar = begun, calendar
        self._days: dict[tuple[str, str, str], list[int]] = {}
        self._shared: dict[tuple[int, int, int, bool], tuple[list[Look], list[int]]] = {}

    def goal(self, about: Addressee, zone: str, *, announced: bool) -> _Goal:
        """One team's goal as a person in a zone is told of it."""
        pretended, begun = self._begun.goals[about.team.pk], self._begun
        turns = self._days_of(zone, about.person.country, about.team.time_zone)
        if not turns:
            return _Goal([], [], [], announced)
        asked, chosen = self._asked(turns, pretended)
        said = on_days(pretended, asked, up=begun.up)
        fine = [look.day for look, one in zip(asked, said, strict=True) if one == FINE]
        return _Goal([said[at] for at in chosen], turns, fine, announced, partial(self._at_it, pretended))

    def _at_it(self, goal: Pretended, day: int) -> bool:
        """Whether the newest two measurements were fast enough on a day, until the goal was overdue."""
        track, due = goal.track, self._begun.course.due
        until = track.until(day)
        if until < 2 or day > due:
            return False
        days, values = track.days[until - 2 : until], track.values[until - 2 : until]
        target, up = goal.levels[-1], self._begun.up
        return moving((days[0], days[1]), (values[0], values[1]), target, up=up, due=due, today=day) is not None

    def _asked(self, turns: list[int], goal: Pretended) -> tuple[list[Look], list[int]]:
        """All days that a goal is asked about, and which of them are turns; most teams share them."""
        key = id(turns), id(goal.track.steps), id(goal.track.as_of), len(goal.levels) == 2
        if key not in self._shared:
            begun = self._begun
            between = turning_days(goal, begun.course, turns[0], turns[-1], begun.fresh_for)
            days = sorted({*turns, *between})
            places = [begun.course.place(day) for day in days]
            found = looks(goal.track, places, begun.fresh_for), [bisect_left(days, day) for day in turns]
            if len(goal.levels) > 2:  # milestones: which days matter depends on the goal's own levels
                return found
            self._shared[key] = found
        return self._shared[key]

    def _days_of(self, zone: str, country: str, team_zone: str) -> list[int]:
        """The team's day at each turn of people in a zone and country."""
        key = zone, country, team_zone
        if key not in self._days:
            where = hours.zone(team_zone)
            turns = self._calendar.turns(zone, country)
            self._days[key] = [turn.at.astimezone(where).date().toordinal() for turn in turns]
        return self._days[key]

"""What a policy would have sent in the last 90 days: planning itself, gone through day by day on what was judged.

The same turns (turns.py) and the same decisions (decisions.py) as for real, on the standings that are kept, with the
policy that is asked about in place of the program's own. Nothing is written. What is not known of the past is left out:
whoever leads today led then, every mail arrived, and leaders heard nothing of what is below them. What was answered and
taken is as it was (past.py), and what was slowed or stopped is so on the same days (restraint.py), though another
policy might have brought other answers, votes and visits. Other live programs speak by their own policy, so that they
take their part of a person's week.
"""

from __future__ import annotations

import copy
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import NamedTuple

from django.db.models import Max

from accounts.models import User
from program.models import Program
from program.rules.status import FINE
from teams.models import Standing

from . import hours, past, restraint
from .decided import Decided
from .decisions import decide
from .experiments import Lots
from .models import Experiment, Mute, Notice, Nudge
from .people import Org, zones
from .policy import name_of, visibly_at_it
from .situation import REMEMBERED, Last, Situation, StandingRow, at_it_of, goals_of
from .turns import Due, Pair, TakenTurn, addressees, due_of, pairs

DAYS = 90
MOST_GOALS = 5000
"""Goals of all programs that speak to the same people; more than that take too long for a page."""
SEED = 0
AT_IT = name_of(visibly_at_it)


class TooMany(ValueError):
    """There are more goals than a page can go through; the message says how many."""


class Policy(NamedTuple):
    """What an owner may set about nudges, as on the program."""

    weekday: int
    hour: int
    every_weeks: int
    weekly_maximum: int
    holdout: float

    @classmethod
    def of(cls, program: Program) -> Policy:
        """The program's own."""
        return cls(
            program.nudge_weekday, program.nudge_hour, program.nudge_every_weeks, program.nudge_weekly_maximum,
            program.holdout,
        )  # fmt: skip

    def put_on(self, program: Program) -> Program:
        """A copy of the program with this policy, never to be saved."""
        pretended = copy.copy(program)
        pretended.nudge_weekday, pretended.nudge_hour, pretended.nudge_every_weeks = self[:3]
        pretended.nudge_weekly_maximum, pretended.holdout = self[3:]
        return pretended


@dataclass
class Heard:
    """One person: mails by day, and nudges of the program in them."""

    person: User
    mails: list[date] = field(default_factory=list)
    nudges: int = 0


@dataclass
class Simulation:
    """What would have been sent about one program from `first` to `last`, both included."""

    first: date
    last: date
    people: list[Heard]
    """who would have heard of it, most mails first"""
    by_week: Mapping[date, int]
    """mails by the week's Monday"""
    withheld: Mapping[str, int]
    """nudges of the program by the rule that withheld them"""

    @property
    def mails(self) -> int:
        """Digests in which the program spoke."""
        return sum(len(one.mails) for one in self.people)

    @property
    def nudges(self) -> int:
        """Goals of the program spoken of because they were short."""
        return sum(one.nudges for one in self.people)

    @property
    def busiest(self) -> tuple[date, int] | None:
        """The day with most mails, and how many."""
        by_day = Counter(day for one in self.people for day in one.mails)
        return max(by_day.items(), key=lambda found: (found[1], -found[0].toordinal()), default=None)


def simulate(program: Program, policy: Policy, now: datetime, days: int = DAYS, most: int = MOST_GOALS) -> Simulation:
    """Go through the last days with a policy; raises TooMany. A few queries, and a few for each day on which something
    is short, whatever the number of people and goals."""
    return _Run(program, policy, now, days, most).through()


class _Run:
    """The state that planning keeps in its tables, kept in memory."""

    def __init__(self, program: Program, policy: Policy, now: datetime, days: int, most: int) -> None:
        self.program = program
        self.most = most
        self.last = now.date() - timedelta(days=1)
        self.first = self.last - timedelta(days=days - 1)
        live = Program.objects.filter(state=Program.State.ACTIVE).in_bulk()
        self.programs = {**live, program.pk: policy.put_on(program)}
        org = Org.read()
        self.org = Org(org.teams, org.leads, {}, org.places)  # nobody begins to lead: that is no matter of policy
        self.pairs = self._pairs()
        teams = {team for found in self.pairs.values() for team, _program, _since in found}
        self.goals = goals_of(teams, self.programs)
        self.standings, self.fine = self._standings()
        self.past = past.read(teams)
        self.last_said: dict[tuple[int, int], Last] = {}
        self.spoke: dict[tuple[int, int], date] = {}
        self._remember(teams)
        self.told = set(
            Notice.objects.filter(goal__team__in=teams, digest__day__lt=self.first).values_list("kind", "key")
        )
        self.mutes = frozenset(Mute.objects.filter(goal=None).values_list("person", "program"))
        self.muted_goals = frozenset(Mute.objects.exclude(goal=None).values_list("person", "goal"))
        self.mails: dict[int, list[tuple[date, str]]] = defaultdict(list)
        self.taken: set[TakenTurn] = set()
        self.planned: set[tuple[int, date]] = set()
        self.resting: dict[tuple[int, int], date] = {}
        self.restraints = restraint.ever(self.programs)
        self.lots = Lots(self._experiments(), {}, Counter())
        self.numbers = count(-1, -1)  # nudges that were never kept have no numbers of their own
        self.heard: dict[int, Heard] = {}
        self.withheld: Counter[str] = Counter()

    def through(self) -> Simulation:
        """Go through the days; of each, once in every zone, at the end of work: whoever's turn it was has had it."""
        day = self.first
        while day <= self.last:
            self._judged(day)
            for zone, found in self.pairs.items():
                now = datetime.combine(day, time(hours.WORK_ENDS - 1, 59), hours.zone(zone))
                due = due_of(found, now, self.programs, self.org, self.taken, self.planned)
                self._speak(list(due), day)
            day += timedelta(days=1)
        people = sorted(self.heard.values(), key=lambda one: (-len(one.mails), -one.nudges, str(one.person)))
        weeks = Counter(hours.week_of(day)[0] for one in people for day in one.mails)
        return Simulation(self.first, self.last, people, weeks, dict((+self.withheld).most_common()))

    def _pairs(self) -> dict[str, list[Pair]]:
        """By zone, the pairs of the people who are told about this program, in all programs."""
        found = list(pairs(self.programs))
        whom = addressees(found, self.programs, self.org, None)
        mine = {one.person.pk for team, program, _ in found if program == self.program.pk and (one := whom[team])}
        zone_of = zones(one for one in whom.values() if one is not None and one.person.pk in mine)
        by_zone: dict[str, list[Pair]] = defaultdict(list)
        for pair in found:
            one = whom[pair[0]]
            if one is not None and one.person.pk in mine:
                by_zone[zone_of[one.person.pk]].append(pair)
        return by_zone

    def _standings(self) -> tuple[dict[date, dict[int, StandingRow]], dict[int, date]]:
        """What was judged, by day and goal, and the last day before all of them on which a goal was fine."""
        goals = [goal.pk for rows in self.goals.values() for goal in rows]
        if len(goals) > self.most:
            raise TooMany(
                f"{len(goals):,} goals speak to the people of this program; at most {self.most:,} can be gone through"
            )
        found: dict[date, dict[int, StandingRow]] = defaultdict(dict)
        judged = Standing.objects.filter(goal__in=goals).order_by()
        fields = ("pk", "goal_id", "day", "status", "slipped", "held", "gap", "target", "baseline", "as_of")
        for pk, goal, day, *rest in judged.filter(day__gte=self.first, day__lte=self.last).values_list(*fields):
            status, slipped, held, *numbers = rest
            found[day][goal] = StandingRow(pk, goal, day, status, slipped, held, True, *numbers)
        before = judged.filter(day__lt=self.first, day__gte=self.first - REMEMBERED, status__in=list(FINE))
        return found, dict(before.values("goal").annotate(newest=Max("day")).values_list("goal", "newest"))

    def _remember(self, teams: Collection[int]) -> None:
        """What had been said before the first day."""
        said = Nudge.objects.said().filter(
            goal__team__in=teams, day__lt=self.first, day__gte=self.first - REMEMBERED, person__isnull=False
        )
        fields = ("pk", "person_id", "goal_id", "goal__program_id", "day", "due_day", "streak")
        for pk, person, goal, program, day, due_day, streak in said.order_by("due_day").values_list(*fields):
            self.last_said[person, goal] = Last(pk, day, due_day, streak)
            self.spoke[person, program] = due_day

    def _experiments(self) -> dict[int, Experiment]:
        """One for each program that holds goals out, drawing on all days, from a seed of its own."""
        return {
            pk: Experiment(
                pk=pk, program=one, seed=SEED, share=one.holdout, first_day=self.first, last_day=self.last
            )
            for pk, one in self.programs.items()
            if one.holdout
        }  # fmt: skip

    def _judged(self, day: date) -> None:
        """Begin a day."""
        for goal, row in self.standings[day].items():
            if row.status in FINE:
                self.fine[goal] = day
                for key in [key for key in self.resting if key[1] == goal]:
                    del self.resting[key]

    def _speak(self, due: Sequence[Due], day: date) -> None:
        """Decide for these people as planning would, and keep what it would keep."""
        if not due:
            return
        standings = self.standings[day]
        goals = {team: [goal for goal in rows if goal.created_at.date() <= day] for team, rows in self.goals.items()}
        known = Situation(
            programs=self.programs, goals=goals, standings=standings, last=self.last_said, spoke=self.spoke,
            fine_on=self.fine, told=frozenset(self.told), mutes=self.mutes, mails=self.mails, ending={},
            muted_goals=self.muted_goals, answers=self.past.answers_on(day), handed_over=frozenset(),
            at_it=at_it_of(due, goals, standings, self.last_said, self.fine, self.past.taken_on(day)),
            resting=self.resting, lots=self.lots, restraints=self._restraints(day),
        )  # fmt: skip
        for one in due:
            decided = decide(one, known)
            if decided is not None:
                self._keep(decided, day)

    def _restraints(self, day: date) -> dict[tuple[int, str], str]:
        """What was slowed or stopped when a day's work began."""
        found = {}
        for row in self.restraints:
            zone = hours.zone(self.programs[row.program_id].review_zone)
            at = datetime.combine(day, time(hours.WORK_BEGINS), zone)
            if row.decided_at <= at and (row.ended_at is None or row.ended_at > at):
                found[row.program_id, row.tone] = row.state
        return found

    def _keep(self, decided: Decided, day: date) -> None:
        person = decided.due.person
        self.planned.add((person.pk, day))
        self.taken.update((person.pk, program, due_day) for program, due_day in decided.due.turns.items())
        if decided.says_something:
            self.mails[person.pk].append((day, "sent"))
        program_of = {goal.pk: goal.program for team in decided.due.teams for goal in self.goals.get(team, ())}
        spoke_of_it = nudges = 0
        for row in decided.rows:
            program = program_of[row.goal_id or 0]
            if isinstance(row, Notice):
                self.told.add((row.kind, row.key))
                spoke_of_it += program == self.program.pk
            elif not row.reason:
                self.last_said[person.pk, row.goal_id] = Last(next(self.numbers), day, row.due_day, row.streak)
                self.spoke[person.pk, program] = row.due_day
                self.resting.pop((person.pk, row.goal_id), None)
                nudges += program == self.program.pk
            else:
                if row.reason == AT_IT:
                    self.resting.setdefault((person.pk, row.goal_id), row.due_day)
                self.withheld[row.reason] += program == self.program.pk
        if spoke_of_it or nudges:
            heard = self.heard.setdefault(person.pk, Heard(person))
            heard.mails.append(day)
            heard.nudges += nudges

"""What planning must know before it decides, read for many people at once in a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Max, Q

from program.models import Program
from program.rules.status import FINE, SHORT
from teams import answering
from teams.answering import Said
from teams.exemption_ledger import SOON
from teams.models import Answer, Exemption, Goal, Standing, Team

from . import at_it, escalation, hours, kinds, notices, policy, restraint
from .experiments import Lots
from .models import Delivery, Digest, Mute, Notice, Nudge
from .turns import Due

# A goal nobody was told about for this long starts afresh: longer than any wait the back-off knows.
REMEMBERED = timedelta(weeks=60)
RESTED = timedelta(weeks=12)


class GoalRow(NamedTuple):
    """One live goal, lightly."""

    pk: int
    program: int
    metric: int
    team: int
    metric_key: str
    team_key: str
    created_at: datetime


class StandingRow(NamedTuple):
    """Where a goal stands, lightly; the trail is read only for what is said."""

    pk: int
    goal: int
    day: date
    status: str
    slipped: bool
    held: bool
    judged_today: bool
    gap: float | None
    target: float | None
    baseline: float | None
    as_of: date | None = None

    @property
    def severity(self) -> float:
        """How much of the whole way is missing."""
        return policy.severity(self.gap, self.target, self.baseline)


class Last(NamedTuple):
    """The last nudge about a goal that was said to a person."""

    pk: int
    day: date
    due_day: date
    streak: int

    @property
    def quiet_until(self) -> date:
        """The due day before which the back-off lets nothing more be said."""
        return self.due_day + timedelta(weeks=policy.wait_after(self.streak))


@dataclass(frozen=True)
class Situation:
    """Everything decisions rest on, for the people of one part of a plan."""

    programs: Mapping[int, Program]
    goals: Mapping[int, Sequence[GoalRow]]
    """by team"""
    standings: Mapping[int, StandingRow]
    """by goal: today's, else yesterday's"""
    last: Mapping[tuple[int, int], Last]
    """by person and goal"""
    spoke: Mapping[tuple[int, int], date]
    """by person and program: due day of its last nudge to them"""
    fine_on: Mapping[int, date]
    """by goal: the last day it was on track or met"""
    told: frozenset[tuple[str, str]]
    """kind and key of notices that were given"""
    mutes: frozenset[tuple[int, int | None]]
    """by person and program; None: all"""
    muted_goals: frozenset[tuple[int, int]]
    """by person and goal"""
    answers: Mapping[int, Sequence[Said]]
    """by goal: what was answered and stands"""
    mails: Mapping[int, Sequence[tuple[date, str]]]
    """by person: day and delivery state of the digests of the last two weeks"""
    ending: Mapping[int, int]
    """by goal: the exemption (id) that it rests on and that ends within two weeks, with none after it"""
    handed_over: frozenset[str]
    """keys of the handovers these people were told of"""
    taken: at_it.Taken = field(default_factory=dict)
    """what somebody is on"""
    at_it: Mapping[int, Any] = field(default_factory=dict)
    """by goal that may be spoken of and at which somebody is visibly: how, as facts"""
    resting: Mapping[tuple[int, int], date] = field(default_factory=dict)
    """by person and goal: due day from which on it rests because of that"""
    heard: Mapping[int, escalation.Heard] = field(default_factory=dict)
    """by goal: which leader heard of it last"""
    off_since: Mapping[int, date] = field(default_factory=dict)
    """by goal of which a leader is to hear: since when it is short"""
    lots: Lots = field(default_factory=Lots)
    """who is held out of a running experiment"""
    restraints: Mapping[tuple[int, str], str] = field(default_factory=dict)
    """by program and tone: slowed or stopped"""


def read(due: Sequence[Due], programs: Mapping[int, Program], now: datetime) -> Situation:
    """Fifteen queries, whatever the number of people, teams and goals, five more where something is short, two
    where a program holds some out."""
    warned = [one for row in due for one, _above in row.hears.values()]
    teams = {team for one in due for team in one.teams} | {one.team for one in warned}
    teams |= {one.team for row in due for one in row.took.values()}
    people = [one.person.pk for one in due]
    last, spoke = _last_said(people, now)
    mutes = list(Mute.objects.filter(person__in=people).values_list("person", "program", "goal"))
    goals, standings = goals_of(teams, programs), _standings(teams, programs, now)
    fine_on = _fine_on(teams, now) if last or warned else {}
    taken = at_it.taken(teams, now)
    return Situation(
        programs=programs,
        goals=goals,
        standings=standings,
        last=last,
        spoke=spoke,
        fine_on=fine_on,
        told=frozenset(Notice.objects.filter(goal__team__in=teams).values_list("kind", "key")),
        mutes=frozenset((person, program) for person, program, goal in mutes if goal is None),
        muted_goals=frozenset((person, goal) for person, _, goal in mutes if goal is not None),
        answers=answering.standing(Answer.objects.filter(goal__team__in=teams, goal__ended_on=None)),
        mails=_mails(people, now),
        ending=_ending(teams, programs, now),
        handed_over=frozenset(
            Notice.objects.filter(kind=notices.HANDOVER, person__in=people).values_list("key", flat=True)
        ),
        taken=taken,
        at_it=at_it_of(due, goals, standings, last, fine_on, taken),
        resting=_resting(people, last, fine_on, now),
        heard=escalation.heard(teams),
        off_since=escalation.off_since(warned, fine_on),
        lots=Lots.read([goal.pk for rows in goals.values() for goal in rows], programs),
        restraints=restraint.in_force(programs),
    )


def at_it_of(
    due: Sequence[Due],
    goals: Mapping[int, Sequence[GoalRow]],
    standings: Mapping[int, StandingRow],
    last: Mapping[tuple[int, int], Last],
    fine_on: Mapping[int, date],
    taken: at_it.Taken,
) -> dict[int, Any]:
    """Of the goals whose back-off is over: at which somebody is visibly. What rests anyway need not be asked."""
    asked: dict[int, tuple[int, str]] = {}
    pairs: dict[int, tuple[int, int]] = {}
    for one in due:
        for goal in (goal for team in one.teams for goal in goals.get(team, ()) if goal.program in one.turns):
            standing = standings.get(goal.pk)
            if standing is None or standing.held or not standing.judged_today or standing.status not in SHORT:
                continue
            said = last.get((one.person.pk, goal.pk))
            recovered = said is not None and fine_on.get(goal.pk, date.min) >= said.day
            if said is None or recovered or said.quiet_until <= one.turns[goal.program]:
                asked[goal.pk] = standing.pk, standing.status
                pairs[goal.pk] = goal.metric, goal.team
    return at_it.visibly(asked, taken, pairs) if asked else {}


def _resting(
    people: Sequence[int], last: Mapping[tuple[int, int], Last], fine_on: Mapping[int, date], now: datetime
) -> dict[tuple[int, int], date]:
    """Since when a goal rests for these people; what was said of it since, or a recovery, ended that."""
    rows = Nudge.objects.filter(
        person__in=people, reason=policy.name_of(policy.visibly_at_it), day__gte=(now - RESTED).date()
    )
    found: dict[tuple[int, int], date] = {}
    for person, goal, day, due_day in rows.order_by("due_day").values_list("person_id", "goal_id", "day", "due_day"):
        said = last.get((person, goal))
        if (said is None or said.due_day < due_day) and fine_on.get(goal, date.min) < day:
            found.setdefault((person, goal), due_day)
    return found


def _ending(teams: Iterable[int], programs: Iterable[int], now: datetime) -> dict[int, int]:
    """Exemptions that end soon. Days are each team's own; of two that follow each other the later one counts."""
    day = now.date()
    rows = Exemption.objects.approved().filter(goal__team__in=teams, goal__program__in=programs, goal__ended_on=None)
    by_goal: dict[int, list[Exemption]] = defaultdict(list)
    for row in rows.filter(until_day__gte=day - timedelta(days=1)).select_related("goal__team"):
        by_goal[row.goal_id].append(row)
    found = {}
    for goal, held in by_goal.items():
        today = now.astimezone(hours.zone(held[0].goal.team.time_zone)).date()
        last = max((row.last_day for row in held if row.from_day <= today <= row.last_day), default=None)
        while last is not None and (further := _after(held, last)) is not None:
            last = further
        if last is not None and last <= today + SOON:
            found[goal] = next(row.pk for row in held if row.last_day == last)
    return found


def _after(held: Iterable[Exemption], day: date) -> date | None:
    """The last day of an exemption that goes on where another ends."""
    following = [row.last_day for row in held if row.from_day <= day + timedelta(days=1) and row.last_day > day]
    return max(following, default=None)


def goals_of(teams: Iterable[int], programs: Mapping[int, Program]) -> dict[int, list[GoalRow]]:
    """The goals on scorecards of these teams, by team. One query."""
    found: dict[int, list[GoalRow]] = defaultdict(list)
    rows = Goal.objects.on_scorecards().filter(team__in=teams, program__in=programs).order_by("pk")
    fields = ("pk", "program_id", "metric_id", "team_id", "metric__key", "team__key", "created_at")
    for row in rows.values_list(*fields):
        goal = GoalRow(*row)
        found[goal.team].append(goal)
    return found


def _standings(teams: Iterable[int], programs: Mapping[int, Program], now: datetime) -> dict[int, StandingRow]:
    """The standings of each team's today, and yesterday's where today's is not there."""
    zones = list(Team.objects.filter(pk__in=teams).order_by().values_list("time_zone", flat=True).distinct())
    zones_by_day: dict[date, list[str]] = defaultdict(list)
    for name in zones:
        zones_by_day[now.astimezone(hours.zone(name)).date()].append(name)
    of_days = Q(pk__in=[])
    for day, names in zones_by_day.items():
        of_days |= Q(goal__team__time_zone__in=names, day__in=(day, day - timedelta(days=1)))
    today_in = {name: day for day, names in zones_by_day.items() for name in names}
    rows = Standing.objects.filter(of_days, goal__team__in=teams, goal__program__in=programs, goal__ended_on=None)
    found: dict[int, StandingRow] = {}
    fields = (
        "pk", "goal_id", "day", "status", "slipped", "held", "goal__team__time_zone", "gap", "target", "baseline",
        "as_of",
    )  # fmt: skip
    for pk, goal, day, status, slipped, held, zone, *numbers in rows.order_by("day").values_list(*fields):
        found[goal] = StandingRow(pk, goal, day, status, slipped, held, day == today_in[zone], *numbers)
    return found


def _last_said(people: Sequence[int], now: datetime) -> tuple[dict[tuple[int, int], Last], dict[tuple[int, int], date]]:
    said = Nudge.objects.said().filter(person__in=people, day__gte=(now - REMEMBERED).date())
    newest = said.order_by().values("person", "goal").annotate(newest=Max("pk")).values("newest")
    last: dict[tuple[int, int], Last] = {}
    spoke: dict[tuple[int, int], date] = {}
    fields = ("person_id", "goal_id", "goal__program_id", "pk", "day", "due_day", "streak")
    rows = Nudge.objects.filter(pk__in=newest).order_by("due_day")
    for person, goal, program, pk, day, due_day, streak in rows.values_list(*fields):
        last[person, goal] = Last(pk, day, due_day, streak)
        spoke[person, program] = due_day
    return last, spoke


def _fine_on(teams: Iterable[int], now: datetime) -> dict[int, date]:
    fine = Standing.objects.filter(goal__team__in=teams, status__in=list(FINE), day__gte=(now - REMEMBERED).date())
    return dict(fine.order_by().values("goal").annotate(newest=Max("day")).values_list("goal", "newest"))


def _mails(people: Sequence[int], now: datetime) -> dict[int, list[tuple[date, str]]]:
    found: dict[int, list[tuple[date, str]]] = defaultdict(list)
    recent = Digest.objects.filter(
        person__in=people, day__gte=(now - timedelta(days=15)).date(), delivery__isnull=False
    )
    for person, day, state in recent.values_list("person", "day", "delivery__state"):
        if state not in Delivery.NEVER_ARRIVED:
            found[person].append((day, state))
    others = Delivery.objects.reached().filter(
        person__in=people, kind__in=kinds.in_budget(), created_at__gte=now - timedelta(days=15)
    )
    for person, at, zone in others.order_by().values_list("person", "created_at", "person__time_zone"):
        # It has its place in the week, but no digest waits for it.
        found[person or 0].append((at.astimezone(hours.zone(zone)).date(), Delivery.State.SENT))
    return found


def nudges_to_nobody(teams: Sequence[Team], programs: Mapping[int, Program], now: datetime) -> list[Nudge]:
    """Withheld nudges for goals that are short where neither team nor groups have a lead. Three queries."""
    by_id = {team.pk: team for team in teams}
    goals = {goal.pk: goal for rows in goals_of(by_id, programs).values() for goal in rows}
    found = []
    for standing in _standings(by_id, programs, now).values():
        goal = goals[standing.goal]
        program = programs[goal.program]
        local = now.astimezone(hours.zone(by_id[goal.team].time_zone))
        due_day = hours.due_day(program.nudge_weekday, local.date())
        if not standing.judged_today or not policy.worth_saying(standing.status, standing.slipped):
            continue
        if hours.has_come(local, due_day, program.nudge_hour):
            case = policy.Case(listener=None, due_day=due_day)
            found.append(
                Nudge(
                    goal_id=goal.pk,
                    day=local.date(),
                    due_day=due_day,
                    state=Nudge.State.WITHHELD,
                    reason=policy.withheld_by(case),
                    facts={"status": standing.status},
                    decided_at=now,
                )
            )
    return found

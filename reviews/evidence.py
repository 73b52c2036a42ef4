"""Collects the facts a brief rests on, in a constant number of queries; it judges and words nothing."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q

from accounts.clock import today
from accounts.models import User
from nudges import notices
from nudges.became import Became
from nudges.effect import Measured
from nudges.experiments import left_alone
from nudges.models import Delivery, Notice, Nudge
from nudges.people import Org
from nudges.policy import severity, worst_first
from program.models import Feed, MetricVersion, Program, Wave
from program.rules.series import value_on, weight_of
from program.rules.status import BEHIND_OR_OVERDUE, FINE, SHORT
from teams.boards import Board, Cell, Trend, board, totals
from teams.day_totals import Total
from teams.models import LONG_AGO, Answer, Dispute, Exemption, Goal, GoalTerms, Proposal, Standing, Team
from teams.series import NEWEST, load
from teams.standings import on as judge_on

from . import asked_before, background, followed, guardrails, health, ledger
from .asked_before import Earlier
from .guardrails import Guarded
from .health import Cause
from .ledger import Ledger
from .models import Ask, Brief, Effect, Pace, Priority, Review, holding
from .stopping import Watched, watch

LINES_A_LEADER = 3
LEADERS_SHOWN = 6


@dataclass(frozen=True)
class Escalated:
    """That a leader heard of a goal, after whom else, and that the brief was announced as the next step."""

    leader: User
    day: date
    lead: str
    own: bool
    """they were told as the team's lead"""
    times: int


@dataclass(slots=True)
class Short:
    """A goal that is behind or overdue. `trail` is read only for those that are shown."""

    team: Team
    metric: str
    cell: Cell
    slipped: bool
    trail: list[dict[str, Any]] = field(default_factory=list)
    items_short: int = 0
    escalated: Escalated | None = None

    @property
    def goal(self) -> int:
        """Its goal (id)."""
        return self.cell.goal

    @property
    def due(self) -> date:
        """The day by which it was to reach its target."""
        return self.cell.due

    def order(self) -> tuple[Any, ...]:
        """Its place in lists, the worst first, as in a digest."""
        cell = self.cell
        return worst_first(cell.status, severity(cell.gap, cell.target, cell.baseline), self.team.key, self.metric)


@dataclass
class Leader:
    """Who leads the groups of some teams that are behind, with their goals, worst first; None: nobody does."""

    person: User | None
    groups: list[Team]
    teams: int
    """how many teams of these groups are in the program"""
    short: list[Short]
    """what is worth an ask"""
    teams_behind: int = 0
    behind: int = 0
    """how many of these teams, and how many goals of theirs, are behind or overdue, worth an ask or not"""


@dataclass
class Said:
    """What went out since the last brief."""

    nudges: int = 0
    mails: int = 0
    withheld: dict[str, int] = field(default_factory=dict)
    stuck: dict[str, int] = field(default_factory=dict)
    """messages that never arrived, or may not have, by state"""
    suspended: list[User] = field(default_factory=list)


@dataclass
class Evidence:
    """Everything of one review."""

    review: Review
    program: Program
    on: date
    before: Brief | None
    board: Board
    totals: Sequence[Total]
    at_start: Sequence[Total]
    leaders: Sequence[Leader]
    slipped: Sequence[Short]
    recovered: int
    asks: Sequence[Ask]
    versions: Sequence[MetricVersion]
    terms_changed: int
    exemptions: Sequence[Exemption]
    waves: Sequence[Wave]
    said: Said
    blocked: Sequence[Answer] = ()
    """what teams said that blocks their goals until a later day"""
    waiting: int = 0
    """teams that wait for a place: their limit of work in progress is reached, or their wave has not begun"""
    trends: Mapping[str, Trend] = field(default_factory=dict)
    """of the metrics whose picture is drawn, by key"""
    became: Sequence[Became] = ()
    """what became of the nudges since the last brief, by tone"""
    nudge_effect: Measured | None = None
    disputes: Sequence[Dispute] = ()
    """disputes that nobody answered yet"""
    failing: Sequence[Feed] = ()
    """feeds that bring nothing"""
    effects: Sequence[Effect] = ()
    paces: Sequence[Pace] = ()
    held: int = 0
    """how many reviews were held before this one"""
    ask_effects: Mapping[int, str] = field(default_factory=dict)
    """by ask: what the teams that it was to help did since"""
    decided: Sequence[str] = ()
    """by the last review"""
    asked_before: Mapping[int, Sequence[Earlier]] = field(default_factory=dict)
    """by person: what they were asked, the oldest first"""
    priorities: Sequence[Priority] = ()
    """changes of priorities that the sponsor noted and that stand, the newest first"""
    guarded: Sequence[Guarded] = ()
    cost: Ledger | None = None
    causes: Sequence[Cause] = ()
    """known causes of failure that show"""
    reaches: Mapping[int, float] = field(default_factory=dict)
    """by goal, of the first asked of each leader: what all teams together come to once it is back on its path"""
    stops: Watched | None = None
    """what became of the charter's stop criterion; None where its words hold nothing that can be measured"""

    @property
    def since(self) -> datetime | None:
        """The moment of the last brief."""
        return self.before.frozen_at if self.before else None


def collect(review: Review, now: datetime) -> Evidence:
    """All facts for a review's brief, as they stand now."""
    program = review.program
    on = today(review.zone, now)
    before = Brief.objects.before(review).select_related("review").order_by("-review__starts_at").first()
    since = before.frozen_at if before else None
    its_board, its_totals = board(program, on, on), totals(program, on)
    start = ledger.at_start(program, on)
    then = _statuses_then(program, before)
    every_short = _all_short(its_board, then)
    short = _worth_an_ask(every_short, program, on)
    _read_escalated(program, short, on, before.content["on"] if before else "")
    leaders = _leaders(short, its_board)
    asks = _asks(program, since)
    _read_trails([one for leader in leaders[:LEADERS_SHOWN] for one in leader.short[:LINES_A_LEADER]], on)
    fine_now = {cell.goal for row in its_board.rows for cell in row.cells.values() if cell.status in FINE}
    return Evidence(
        review=review,
        program=program,
        on=on,
        before=before,
        board=its_board,
        totals=its_totals,
        at_start=start if before is None else (),
        leaders=leaders,
        slipped=[one for one in every_short if one.slipped],
        recovered=sum(1 for goal, status in then.items() if goal in fine_now and status in SHORT),
        asks=asks,
        versions=_new_versions(program, since),
        terms_changed=_terms_changed(program, since),
        exemptions=_exemptions(program, on, since),
        waves=list(program.waves.annotate(teams=Count("wave_teams")).order_by("start", "key")),
        said=_said(program, since, now),
        blocked=_blocked(program, on),
        waiting=program.waiting.count(),
        trends=background.trends(its_board, on),
        became=background.what_became(program, since, now),
        nudge_effect=background.nudge_effect(program, now),
        disputes=background.disputes(program),
        failing=background.failing(program),
        effects=holding(Effect, program, on),
        paces=holding(Pace, program, on),
        held=Review.objects.filter(
            program=program, state=Review.State.HELD, starts_at__lt=min(now, review.starts_at)
        ).count(),
        ask_effects=followed.effects(asks, now),
        decided=followed.decided(review),
        asked_before=asked_before.read(program),
        priorities=list(Priority.objects.filter(program=program, over_at=None).select_related("by", "program")),
        guarded=guardrails.measured(program, on),
        cost=ledger.reckoned(program, on, its_totals, start),
        causes=health.of_program(program, now),
        reaches=_reaches([leader.short[0] for leader in leaders[:LEADERS_SHOWN]], its_totals, on),
        stops=watch(program, review, on, its_totals),
    )


def _statuses_then(program: Program, before: Brief | None) -> dict[int, str]:
    """By goal: the status that was kept on the day of the last brief."""
    if before is None:
        return {}
    kept = Standing.objects.filter(goal__program=program, goal__ended_on=None, day=before.content["on"])
    return dict(kept.order_by().values_list("goal_id", "status"))


def _all_short(its_board: Board, then: Mapping[int, str]) -> list[Short]:
    """Every goal that is off its path, by team and metric: it slipped if it was fine then, or just before today."""
    return [
        Short(row.team, key, cell, slipped=cell.slipped or then.get(cell.goal) in FINE)
        for row in its_board.rows
        for key, cell in row.cells.items()
        if cell.status in SHORT
    ]


def _worth_an_ask(every: Sequence[Short], program: Program, on: date) -> list[Short]:
    """The worst first; nudges rest on a goal that is held and on one that is held out, and so do asks."""
    alone = left_alone(program, on)
    found = [
        one for one in every if one.cell.status in BEHIND_OR_OVERDUE and not one.cell.held and one.goal not in alone
    ]
    return sorted(found, key=Short.order)


def _leaders(short: Sequence[Short], its_board: Board) -> list[Leader]:
    """By leader of the group above: the first that has a lead, going up. What was escalated comes before all else,
    then the leader with the worst goal."""
    org = Org.read()
    teams: Counter[int | None] = Counter()
    teams_behind: Counter[int | None] = Counter()
    behind: Counter[int | None] = Counter()
    above: dict[int, tuple[User | None, Team | None]] = {}
    for row in its_board.rows:
        above[row.team.pk] = person, _ = org.leader_above(row.team.pk)
        key, many = person.pk if person else None, sum(c.status in BEHIND_OR_OVERDUE for c in row.cells.values())
        teams[key] += 1
        teams_behind[key] += many > 0
        behind[key] += many
    found: dict[int | None, Leader] = {}
    for one in sorted(short, key=lambda one: one.escalated is None):
        person, group = above[one.team.pk]
        key = person.pk if person else None
        leader = found.setdefault(key, Leader(person, [], teams[key], [], teams_behind[key], behind[key]))
        leader.short.append(one)
        if group is not None and group not in leader.groups:
            leader.groups.append(group)
    return list(found.values())


def _read_escalated(program: Program, short: Sequence[Short], on: date, before: str) -> None:
    """Mark what a leader heard of and was told would come here, once, in the first brief from the announced day on:
    nobody answered since, and it was never fine. One query."""
    since = {"goal": OuterRef("goal")}
    heard = Notice.objects.filter(kind=notices.ESCALATED, goal__program=program, facts__has_key="brief")
    heard = heard.exclude(
        Exists(Answer.objects.filter(**since, at__gte=OuterRef("said_at")))
        | Exists(Proposal.objects.filter(**since, made_at__gte=OuterRef("said_at")))
        | Exists(Standing.objects.filter(**since, status__in=list(FINE), day__gte=OuterRef("digest__day")))
    )
    by_goal = {one.goal: one for one in short}
    for row in heard.select_related("person", "digest").order_by("digest__day", "pk"):
        facts = row.facts
        announced = facts["brief"].get("on")
        if row.goal_id in by_goal and announced and before < announced <= on.isoformat():
            by_goal[row.goal_id].escalated = Escalated(
                row.person, row.digest.day, facts["lead"], bool(facts["lead_own"]), facts["times"]
            )


def _read_trails(shown: Iterable[Short], on: date) -> None:
    by_goal = {one.goal: one for one in shown}
    kept = Standing.objects.filter(goal__in=by_goal, day=on, goal__judge_due_at=None)
    left = dict(by_goal)
    for goal, trail, items_short in kept.order_by().values_list("goal_id", "trail", "items_short"):
        by_goal[goal].trail, by_goal[goal].items_short = trail, items_short
        left.pop(goal)
    for judged in judge_on(Goal.objects.filter(pk__in=left), on) if left else ():
        one = by_goal[judged.on_day.goal]
        one.trail = [dict(crumb._asdict()) for crumb in judged.trail.crumbs]
        one.items_short = judged.trail.items_short


def _reaches(first: Sequence[Short], its_totals: Sequence[Total], on: date) -> dict[int, float]:
    """By goal: its metric's total once its gap is closed; without those whose teams are not added up. One query."""
    by_metric = {total.metric.key: total for total in its_totals if total.weight and total.value is not None}
    asked = [one for one in first if one.metric in by_metric and one.cell.gap]
    histories = load({(by_metric[one.metric].version.pk, one.team.pk): on for one in asked}, some=NEWEST)
    found = {}
    for one in asked:
        total, kind = by_metric[one.metric], by_metric[one.metric].version.aggregation
        sources = [held.readings for held in histories.get((total.version.pk, one.team.pk), ())]
        closes = (one.cell.gap or 0.0) * weight_of(kind, value_on(kind, sources, on)) / total.weight
        if closes:
            found[one.goal] = (total.value or 0.0) + (closes if total.version.direction == "up" else -closes)
    return found


def _asks(program: Program, since: datetime | None) -> list[Ask]:
    """Asks still open, and those closed since the last brief; open ones first, by due day."""
    recent = Q(state=Ask.State.OPEN) | (Q(closed_at__gt=since) if since else Q())
    found = list(Ask.objects.filter(recent, program=program).select_related("of", "review"))
    return sorted(found, key=lambda ask: (ask.state != Ask.State.OPEN, ask.due or date.max, ask.pk))


def _new_versions(program: Program, since: datetime | None) -> list[MetricVersion]:
    """Versions opened since the last brief (or since the program began) of metrics it has goals on."""
    since = since or datetime.combine(program.start, time(), UTC)
    opened = MetricVersion.objects.filter(metric__goals__program=program, number__gt=1)
    opened = opened.filter(opened_at__gt=since).select_related("metric").distinct()
    return list(opened.order_by("metric__key", "number"))


def _terms_changed(program: Program, since: datetime | None) -> int:
    """How many goals got other terms, or were re-baselined, since the last brief."""
    changed = GoalTerms.objects.filter(goal__program=program, goal__ended_on=None).exclude(effective_from=LONG_AGO)
    if since:
        changed = changed.filter(set_at__gt=since)
    return changed.values("goal").distinct().count()


def _exemptions(program: Program, on: date, since: datetime | None) -> list[Exemption]:
    """Those in force today, those approved since the last brief, and those asked for and not decided."""
    wanted = Q(approved_at__isnull=False, from_day__lte=on, until_day__gte=on)
    wanted |= Q(approved_at__isnull=True, declined_at__isnull=True, until_day__gte=on)
    if since:
        wanted |= Q(approved_at__gt=since)
    rows = Exemption.objects.filter(wanted, goal__program=program, goal__ended_on=None, revoked_at=None)
    return list(rows.select_related("goal__team", "goal__metric").order_by("until_day", "goal__team__key"))


def _blocked(program: Program, on: date) -> list[Answer]:
    """Standing answers "blocked until a later day", the first day first."""
    rows = Answer.objects.standing().filter(kind=Answer.Kind.BLOCKED, until__gt=on, person__is_active=True)
    mine = rows.filter(goal__program=program, goal__ended_on=None)
    return list(mine.select_related("goal__team", "goal__metric", "needs").order_by("until", "goal__team__key", "pk"))


def _said(program: Program, since: datetime | None, now: datetime) -> Said:
    said = Said()
    span = Q(decided_at__lte=now) & (Q(decided_at__gt=since) if since else Q())
    nudges = Nudge.objects.filter(span, goal__program=program).order_by()
    withheld: dict[str, int] = defaultdict(int)
    for state, reason, count, mails in nudges.values_list("state", "reason").annotate(
        Count("pk"), Count("digest", distinct=True)
    ):
        if state == Nudge.State.SAID:
            said.nudges += count
            said.mails += mails
        else:
            withheld[reason] += count
    said.withheld = dict(sorted(withheld.items(), key=lambda pair: (-pair[1], pair[0])))
    states = (*Delivery.NEVER_ARRIVED[1:], Delivery.State.IN_DOUBT, Delivery.State.HELD)
    stuck = Delivery.objects.of_program(program).filter(state__in=states, created_at__lte=now).order_by()
    if since:
        stuck = stuck.filter(created_at__gt=since)
    said.stuck = dict(stuck.values_list("state").annotate(Count("pk", distinct=True)))
    theirs = Q(memberships__team__goals__program=program, memberships__role="lead")
    theirs |= Q(owned__program=program) | Q(sponsored=program)
    said.suspended = list(User.objects.filter(theirs, is_active=True).exclude(address_suspended_reason="").distinct())
    return said

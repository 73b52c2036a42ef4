"""Collects the facts a brief rests on, in a constant number of queries; it judges and words nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from django.db.models import Count, Q

from accounts.clock import today
from accounts.models import User
from nudges import effect
from nudges.became import Became
from nudges.effect import Measured
from nudges.experiments import left_alone
from nudges.models import Delivery, Nudge
from nudges.people import Org
from program.models import Feed, MetricVersion, Program, Wave
from program.rules.series import value_on, weight_of
from teams.day_totals import Total
from teams.models import LONG_AGO, Answer, Dispute, Exemption, GoalTerms
from teams.series import NEWEST, load

from . import (
    asked_before,
    background,
    course,
    followed,
    goals_read,
    guardrails,
    health,
    leaders,
    ledger,
    priorities,
    pulse,
)
from .asked_before import Earlier
from .course import Chart
from .goals_behind import GoalsOnDay, Line
from .guardrails import Guarded
from .health import Cause
from .leaders import LEADERS_SHOWN, Leader
from .ledger import Ledger
from .models import Ask, Brief, Effect, Pace, Priority, Review, holding
from .stopping import Watched, watch


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
    goals: GoalsOnDay
    totals: Sequence[Total]
    at_start: Sequence[Total]
    leaders: Sequence[Leader]
    asks: Sequence[Ask]
    versions: Sequence[MetricVersion]
    terms_changed: int
    exemptions: Sequence[Exemption]
    waves: Sequence[Wave]
    said: Said
    leads_said: pulse.Said
    """whether the program helps, and what stands in the way"""
    blocked: Sequence[Answer] = ()
    """what teams said that blocks their goals until a later day"""
    waiting: int = 0
    """teams that wait for a place: their limit of work in progress is reached, or their wave has not begun"""
    charts: Mapping[str, Chart] = field(default_factory=dict)
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
    noted: Sequence[Priority] = ()
    """every change of priorities that the sponsor noted, the newest first"""
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

    @property
    def priorities(self) -> list[Priority]:
        """Those that stand."""
        return [one for one in self.noted if one.over_at is None]


def collect(review: Review, now: datetime) -> Evidence:
    """All facts for a review's brief, as they stand now."""
    program = review.program
    on = today(review.zone, now)
    before = Brief.objects.before(review).select_related("review").order_by("-review__starts_at").first()
    since = before.frozen_at if before else None
    org, blocked = Org.read(), _blocked(program, on)
    last = before.content["on"] if before else ""
    lots, nudge_effects = effect.of_program(program, now)
    alone, heard = left_alone((one.lot for one in lots), on), leaders.escalated(program, on, last)
    said_blocked = {one.goal_id for one in blocked}
    try:
        goals = goals_read.kept(program, on, org.teams, last, alone)
        found = leaders.of(goals, org, heard, said_blocked, on)
    except goals_read.Moved:
        org = Org.read()
        goals = goals_read.anew(program, on, org.teams, last, alone)
        found = leaders.of(goals, org, heard, said_blocked, on)
    known = {version.pk: version for version in goals.versions.values()}
    its_course = course.on(program, on, known)
    its_totals, start = its_course.now, its_course.start
    every_ask, said = _every_ask(program), _said(program, since, now)
    asks = [ask for ask in every_ask if _is_told(ask, since)]
    noted = priorities.every(program)
    reviews, costs = list(program.reviews.all()), ledger.costs(program)
    return Evidence(
        review=review,
        program=program,
        on=on,
        before=before,
        goals=goals,
        totals=its_totals,
        at_start=start if before is None else (),
        leaders=found,
        asks=asks,
        versions=_new_versions(goals, program, since),
        terms_changed=_terms_changed(program, since),
        exemptions=_exemptions(program, on, since),
        waves=list(program.waves.annotate(teams=Count("wave_teams")).order_by("start", "key")),
        said=said,
        leads_said=pulse.said(review),
        blocked=blocked,
        waiting=program.waiting.count(),
        charts=its_course.charts,
        became=background.what_became(program, since, now) if said.nudges else (),
        nudge_effect=nudge_effects[-1] if lots else None,
        disputes=background.disputes(program),
        failing=background.failing(program),
        effects=holding(Effect, program, on, known),
        paces=holding(Pace, program, on, known),
        held=sum(one.state == Review.State.HELD and one.starts_at < min(now, review.starts_at) for one in reviews),
        ask_effects=followed.effects(asks, now),
        decided=followed.decided(review, reviews),
        asked_before=asked_before.by_person(program, every_ask),
        noted=noted,
        guarded=guardrails.measured(program, on),
        cost=ledger.reckoned(program, on, its_totals, start, goals.metrics, costs),
        causes=health.of_program(program, now, health.Seen(reviews, [total.metric for total in its_totals], costs)),
        reaches=_reaches([leader.first[0] for leader in found[:LEADERS_SHOWN]], its_totals, on),
        stops=watch(program, review, on, its_totals),
    )


def _reaches(first: Sequence[Line], its_totals: Sequence[Total], on: date) -> dict[int, float]:
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


def _every_ask(program: Program) -> list[Ask]:
    """All asks of a program with their goals; open ones first, by due day. Two queries."""
    found = Ask.objects.filter(program=program).select_related("of", "review").prefetch_related("goals")
    return sorted(found, key=lambda ask: (ask.state != Ask.State.OPEN, ask.due or date.max, ask.pk))


def _is_told(ask: Ask, since: datetime | None) -> bool:
    """Whether a brief says what became of it: it is open, or was closed since the last one."""
    return ask.state == Ask.State.OPEN or (since is not None and ask.closed_at is not None and ask.closed_at > since)


def _new_versions(goals: GoalsOnDay, program: Program, since: datetime | None) -> list[MetricVersion]:
    """Versions opened since the last brief (or since the program began) of metrics it has goals on."""
    since = since or datetime.combine(program.start, time(), UTC)
    return [version for version in goals.every_version if version.number > 1 and version.opened_at > since]


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

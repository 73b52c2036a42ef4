"""One goal's page put together: where it stands, why it is the team's, its terms, what is open, and its history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.clock import today
from accounts.models import User
from program import wording
from program.models import MetricVersion, Program
from teams import answer_words, answering, exempting, goal_history, proposing, renegotiating, roles
from teams.goal_facts import GoalFacts, goals_on
from teams.goal_history import Event, Run
from teams.goal_why import Why, groups_named, of_goal, owners_of
from teams.goal_words import anchor, sentence
from teams.models import Answer, Exemption, Goal, GoalTerms, Proposal, Team
from teams.renegotiating import Meaning
from teams.typed import Unfit
from web import access, replying
from web.goals import chart_told
from web.render import page
from web.replying import Replies

ANSWERS_TOLD = 12
A_MONTH = 30.44
"""Days in a month, as paces are told."""
BEFORE_THE_START, AFTER_THE_DUE_DAY = timedelta(days=120), timedelta(days=14)


@dataclass(frozen=True)
class Stretch:
    """Days of one status on the strip: from where to where, as shares of its width in percent."""

    run: Run
    x: float
    width: float


@dataclass(frozen=True)
class Strip:
    """How the goal stood over time, with the days on which its terms changed."""

    stretches: Sequence[Stretch]
    marks: Sequence[tuple[date, float]]
    first: date
    last: date


@dataclass(frozen=True)
class May:
    """What the reader may do here."""

    propose: bool = False
    ask: bool = False
    answer: bool = False
    end: bool = False
    say: bool = False


@dataclass(frozen=True)
class AnswerLine:
    """One answer, for who may read it: who said what on which day, and whether it stands."""

    day: date
    by: str
    said: str
    stands: bool
    end: int
    """its id, where an owner may ask again"""


@dataclass
class Context:
    """The page of a goal. `form` is the one that was refused, `problem` why, `typed` what stood in it."""

    template: ClassVar[str] = "pages/goal.html"
    here: ClassVar[str] = "teams"
    team: Team
    goal: Goal
    program: Program
    version: MetricVersion
    today: date
    facts: GoalFacts | None
    sentence: str
    chart: str
    chart_told: str
    why: Why
    terms: GoalTerms
    asks: str
    proposal: Proposal | None
    proposed: str
    proposal_means: str
    asked: Exemption | None
    exemption: Exemption | None
    may: May
    reasons: Sequence[tuple[str, str]]
    is_share: bool
    free_from: date
    latest: date
    strip: Strip | None
    events: Sequence[Event]
    anchor: str
    messages: Sequence[str]
    replies: Replies | None
    answers: Sequence[AnswerLine]
    form: str = ""
    problem: str = ""
    means: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)


def may(user: User, goal: Goal, exemption: Exemption | None = None) -> May:
    """What somebody may do about a goal: propose for the team, ask for it, answer as an owner, end its exemption."""
    role, owner = roles.of(user, goal.team), roles.runs(user, goal.program)
    ends = exemption is not None and exempting.may_end(exemption, user, role, owner=owner)
    say = role in roles.SPEAKS or answering.stands_in(user, goal.team)
    return May(role in roles.SPEAKS, role in roles.ACTS, owner, ends, say)


def answer(request: HttpRequest, goal: Goal, moment: datetime, *, status: int = 200, form: str = "",
           problem: str = "", means: str = "", typed: Mapping[str, str] | None = None) -> HttpResponse:  # fmt: skip
    """The page of a goal, as it is or with a form that was refused or asks what it would mean."""
    context = _context(request, goal, moment)
    if form == "say" and context.replies is not None:
        sent = typed or {}
        context.replies = replace(context.replies, chosen=sent.get("do", ""), problem=problem, typed=sent)
    context.form, context.problem, context.means = form, problem, means
    context.typed = typed or {}
    return page(request, context, status=status)


def _context(request: HttpRequest, goal: Goal, moment: datetime) -> Context:
    team, program, user = goal.team, goal.program, access.person(request)
    present = today(team.time_zone, moment)
    facts = next(iter(goals_on(team, present, present, access.goals(request).filter(pk=goal.pk))), None)
    terms = renegotiating.newest_terms(goal)
    version = terms.metric_version
    proposal = goal.proposals.waiting().select_related("made_by").first()
    events = goal_history.history(goal, moment)
    rows = goal.exemptions.approved().filter(until_day__gte=present).exclude(ended_on__lte=present)
    exemption = rows.select_related("asked_by", "approved_by").order_by("from_day").first()
    allowed = may(user, goal, exemption) if _is_live(goal) else May()
    return Context(
        team=team,
        goal=goal,
        program=program,
        version=version,
        today=present,
        facts=facts,
        sentence=_sentence(goal, facts),
        chart=_chart(goal, terms, present) if facts and facts.as_of else "",
        chart_told=chart_told(facts) if facts else "",
        why=_why(goal),
        terms=terms,
        asks=goal_history.asks(terms),
        proposal=proposal,
        proposed=proposing.said(proposal, version.unit, version.aggregation) if proposal else "",
        proposal_means=_means(goal, proposal, moment) if proposal else "",
        asked=goal.exemptions.waiting().select_related("asked_by").first(),
        exemption=exemption,
        may=allowed,
        reasons=[(str(key), str(words)) for key, words in Exemption.Reason.choices],
        is_share=wording.is_percent(version.unit, version.aggregation),
        free_from=exempting.free_from(goal, present),
        latest=present + timedelta(days=exempting.MOST_DAYS),
        strip=_strip(goal_history.strip(goal), events, present),
        events=events,
        anchor=anchor(goal.metric.key, program.key),
        messages=[str(message) for message in messages.get_messages(request)],
        replies=replying.replies(goal, user, facts, moment) if allowed.say else None,
        answers=_answers(goal, user, present),
    )


def _answers(goal: Goal, user: User, present: date) -> list[AnswerLine]:
    """What was answered, the newest first, for who may read it: its team, who leads above it, owners."""
    rows = Answer.objects.filter(goal=goal).visible_to(user).select_related("person", "whose_team", "needs", "goal")
    return [
        AnswerLine(
            day=today(goal.team.time_zone, one.at),
            by=str(one.person),
            said=answer_words.said(one, present),
            stands=one.ended_at is None,
            end=one.pk if one.ended_at is None and one.person_id != user.pk and _asks_again(one, user) else 0,
        )
        for one in rows[:ANSWERS_TOLD]
    ]


def _asks_again(one: Answer, user: User) -> bool:
    return one.kind == Answer.Kind.NOT_MINE and answering.may_take_back(one, user)


def _is_live(goal: Goal) -> bool:
    """Whether there is anything to ask and answer: an ended goal only has its history."""
    return goal.ended_on is None and goal.program.state in Program.ON_SCORECARDS


def _sentence(goal: Goal, facts: GoalFacts | None) -> str:
    if facts is not None:
        return sentence(facts)
    if goal.ended_on is not None:
        return f"This goal ended on {wording.day(goal.ended_on)}."
    if goal.program.state == Program.State.DRAFT:
        return "The program is a draft: nothing is judged yet."
    return f"The program is {goal.program.state}: this goal is on no scorecard any more."


def _chart(goal: Goal, terms: GoalTerms, present: date) -> str:
    first, last = terms.start - BEFORE_THE_START, max(terms.due, present) + AFTER_THE_DUE_DAY
    return f"{reverse('team', args=[goal.team.key])}charts/{goal.pk}.json?from={first}&until={last}"


def _why(goal: Goal) -> Why:
    rule = goal.rule
    return of_goal(
        goal.team,
        selector=rule.teams if rule else None,
        why=rule.why if rule else "",
        chosen=rule.chosen if rule else "",
        purpose=goal.program.purpose,
        owners=owners_of([goal.program_id]).get(goal.program_id, []),
        groups=groups_named([rule.teams] if rule else []),
    )


def _means(goal: Goal, proposal: Proposal, moment: datetime) -> str:
    try:
        return meaning_said(goal, renegotiating.meaning(goal, moment, target=proposal.target, due=proposal.due))
    except Unfit as unfit:  # its day has passed meanwhile
        return str(unfit)


def meaning_said(goal: Goal, found: Meaning) -> str:
    """What other terms would mean, in words: where the goal would stand today, and the pace that they ask."""
    j, terms, version = found.judgment, found.terms, found.version
    unit, aggregation = version.unit, version.aggregation
    if j.reason:
        said = f"By these terms it could not be judged today: {j.reason}."
    else:
        said = f"By these terms {goal.team.name} would be {j.status} today"
        if j.value is not None and j.expected is not None and j.status not in ("met", "upcoming"):
            value, path = wording.apart(j.value, j.expected, unit, aggregation)
            said += f": {value}, where {path} is expected"
        said += "."
    if found.pace and j.baseline is not None and j.target is not None:
        per_month = _a_month(found.pace, version)
        begin = f"{wording.value(j.baseline, unit, aggregation)} on {wording.day(terms.start)}"
        said += f" The path from {begin} to {wording.value(j.target, unit, aggregation)} by {wording.day(terms.due)}"
        said += f" asks {per_month} a month"
        if found.pace_now is not None:
            said += f"; the last 90 days brought {_a_month(found.pace_now, version)} a month"
        said += "."
    if late := renegotiating.after_the_end(goal.program, terms.due):
        said += f" {late}"
    if found.milestones_left_out:
        number = wording.count(found.milestones_left_out, "milestone")
        said += f" {number} no longer {'fits' if found.milestones_left_out == 1 else 'fit'} and would be left out."
    return said


def _a_month(pace: float, version: MetricVersion) -> str:
    """A pace per day as one per month; points with a decimal, since paces are compared."""
    if not wording.is_percent(version.unit, version.aggregation):
        return wording.change(pace * A_MONTH, version.unit, version.aggregation)
    points = round(pace * A_MONTH * 100, 1)
    return f"{points:+.1f} points".replace("-", wording.MINUS) if points else "no change"


def _strip(runs: Sequence[Run], events: Sequence[Event], present: date) -> Strip | None:
    if not runs:
        return None
    first, days = runs[0].first, max(1, (present - runs[0].first).days + 1)

    def at(day: date) -> float:
        return 100 * (day - first).days / days

    ends = [run.first for run in runs[1:]] + [present + timedelta(days=1)]
    return Strip(
        stretches=[Stretch(run, at(run.first), at(end) - at(run.first)) for run, end in zip(runs, ends, strict=True)],
        marks=sorted({(event.day, at(event.day)) for event in events if event.terms and first < event.day <= present}),
        first=first,
        last=present,
    )

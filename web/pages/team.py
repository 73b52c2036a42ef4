"""A team's scorecard: worst first, each goal with its path, its trail and how to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.clock import now, today
from accounts.models import User
from nudges.models import Nudge
from program import wording
from program.models import Program
from teams import answer_words, answering, roles, taking
from teams.goal_facts import arrivals, goals_on
from teams.goal_why import of_goals
from teams.goal_words import anchor, needs
from teams.limits import waits_of
from teams.models import Dispute, GoalQuerySet, Membership, Standing, TakenItem, Team
from teams.open_matters import Matter, open_matters
from web import access, goal_charts, queue_words, sharing
from web.crumbs import CrumbView, Reader
from web.figures import figure_answer
from web.goals import GoalView, goal_views, start_here
from web.render import page

TOLD = 6


@dataclass
class Context:
    """The scorecard page. `kept` says that standings of this past day are kept, `differ` how many say
    otherwise; `addresses` are the programs', by their id."""

    template: ClassVar[str] = "pages/team.html"
    here: ClassVar[str] = "teams"
    team: Team
    on: date
    today: date
    lead: User | None
    sentence: str
    start: tuple[GoalView, CrumbView, str] | None
    goals: Sequence[GoalView]
    addresses: Mapping[int, str]
    kept: bool
    differ: int
    told: Sequence[Nudge]
    messages: Sequence[str]
    disputes: Sequence[Dispute]
    reader: Reader
    may_share: bool
    waits: Sequence[tuple[Program, str]]


@require_safe
def team(request: HttpRequest, key: str) -> HttpResponse:
    """The scorecard on a day: today, or the one in ?on=."""
    found = access.team(request, key)
    present = today(found.time_zone)
    on = access.day(request, present)
    user = access.person(request)
    people = list(found.memberships.select_related("user"))
    mine = any(membership.user_id == user.pk for membership in people)
    goals = goals_on(found, on, present, access.goals(request))
    kept = {} if on == present else {row.goal_id: row for row in Standing.objects.filter(goal__team=found, day=on)}
    programs = {goal.program: goal.program_key for goal in goals}
    reader = _reader(found, user) if on == present else Reader()
    ids = [goal.pk for goal in goals]
    matters = _matters(ids, user, on) if on == present else _answered_then(ids, user, on, found)
    views = goal_views(found, on, goals, arrivals(found, goals), kept, reader, of_goals(found, goals), matters)
    context = Context(
        team=found,
        on=on,
        today=present,
        lead=next((one.user for one in people if one.role == Membership.Role.LEAD), None),
        sentence=needs(goals, whom="you" if mine else "the team", then=on < present),
        start=start_here(views),
        goals=views,
        addresses={pk: reverse("program", args=[key]) for pk, key in programs.items()},
        kept=bool(kept),
        differ=sum(view.said_then is not None for view in views),
        told=_told(found, on, access.goals(request), None if mine else user),
        messages=[str(message) for message in messages.get_messages(request)],
        disputes=_disputes(request, found, on),
        reader=reader,
        may_share=on == present and (reader.speaks or sharing.runs_a_goal_of(user, found)),
        waits=_waits(found, user, present) if on == present else [],
    )
    return page(request, context)


@require_safe
def chart(request: HttpRequest, key: str, goal: int) -> HttpResponse:
    """The figure of one goal as JSON; unchanged, it is not sent again."""
    found = access.team(request, key)
    on = access.day(request, today(found.time_zone))
    mine = access.goals(request).on_scorecards().filter(team=found, pk=goal)
    get_object_or_404(mine)
    figure = goal_charts.figure(
        goal, on, first=access.day(request, on, "from") if "from" in request.GET else None,
        last=access.day(request, on, "until") if "until" in request.GET else None,
    )  # fmt: skip
    return figure_answer(request, figure)


def _matters(goals: Sequence[int], user: User, on: date) -> Mapping[int, Sequence[Matter]]:
    """What is open about these goals, and what was answered, for who may read it. Two queries."""
    found = open_matters(goals, on)
    for goal, answers in answering.shown(goals, user, on).items():
        found[goal] += [Matter("answer", answer_words.told(one, on)) for one in answers]
    return found


def _answered_then(goals: Sequence[int], user: User, on: date, found: Team) -> Mapping[int, Sequence[Matter]]:
    """What had been answered about these goals by the end of a past day, for who may read it. One query."""
    stood = answering.shown_on(goals, user, on, found.time_zone)
    return {goal: [Matter("answer", answer_words.told(one, on)) for one in answers] for goal, answers in stood.items()}


def _waits(found: Team, user: User, present: date) -> Sequence[tuple[Program, str]]:
    """The programs that this team waits for, with why and since when."""
    waiting = waits_of(found, Program.objects.visible_to(user))
    return [(one.row.program, queue_words.of_team(one, present)) for one in waiting]


def _reader(found: Team, user: User) -> Reader:
    """What the reader may do with the items of today, and who is on which of them. Two or three queries."""
    role = roles.of(user, found)
    taken = taking.of_team(found, now())
    return Reader(user, role in roles.ACTS, role in roles.SPEAKS, taken, role in roles.LEADS_ABOVE)


@require_POST
def take(request: HttpRequest, key: str, metric_key: str) -> HttpResponse:
    """“I'm on it”: take an item of the trail, for who acts in the team."""
    found, metric = access.team(request, key), access.metric(request, metric_key)
    user, present = access.person(request), today(found.time_zone)
    if not roles.acts_in(user, found):
        raise Http404
    goals = goals_on(found, present, present, access.goals(request))
    wanted = request.POST.get("item", "")
    goal, crumb = next(
        (
            (goal, crumb)
            for goal in goals
            if goal.metric == metric.pk
            for crumb in goal.trail
            if taking.digest_of(crumb.source, crumb.item) == wanted
        ),
        (None, None),
    )
    if goal is None or crumb is None:
        messages.info(request, "That item is not on the trail any more: nothing was taken.")
        return redirect("team", found.key)
    try:
        taking.take(found, metric, crumb.source, crumb.item, by=user, now=now(), via="page")
        said = f"You are on it: {wording.item(crumb.item)}. Your team sees it here."
    except taking.TakenByAnother as other:
        since = wording.day(today(found.time_zone, other.row.at))
        said = f"{other.row.by} is on {wording.item(crumb.item)} since {since}."
    messages.info(request, said)
    return redirect(f"{reverse('team', args=[found.key])}#{anchor(goal.metric_key, goal.program_key)}")


@require_POST
def release(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Let an item go: for who took it, and for who speaks for the team."""
    found = access.team(request, key)
    row = get_object_or_404(TakenItem.objects.select_related("by", "team", "metric"), team=found, pk=pk)
    if not taking.may_release(row, access.person(request)):
        raise Http404
    gone = taking.release(row, by=access.person(request), now=now(), via="page")
    name = wording.item(row.item)
    messages.info(request, f"Let go: {name}." if gone else f"{name} was let go before.")
    return redirect(f"{reverse('team', args=[found.key])}#goal-{row.metric.key}")


def _disputes(request: HttpRequest, found: Team, on: date) -> Sequence[Dispute]:
    """What was said to be wrong in the eight weeks up to a day, with its answer."""
    lately = Dispute.objects.filter(
        metric__in=access.metrics(request),
        team=found,
        opened_at__date__lte=on,
        opened_at__date__gte=on - timedelta(weeks=8),
    )
    return list(lately.select_related("metric", "opened_by", "answered_by")[:TOLD])


def _told(found: Team, on: date, goals: GoalQuerySet, stranger: User | None) -> Sequence[Nudge]:
    """What was said of this team's goals up to a day, to those who may read it: the receivers, their mates, owners."""
    said = (
        Nudge.objects.said()
        .filter(goal__in=goals.filter(team=found), day__lte=on)
        .select_related("person", "goal__metric")
    )
    if stranger is not None:
        said = said.visible_to(stranger)
    return list(said.order_by("-day", "goal__metric__key")[:TOLD])

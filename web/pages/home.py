"""Home: what waits on this person, their teams and their programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from django.db.models import Count, Max, Min, Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.clock import now, today
from accounts.models import User
from nudges.models import Delivery
from program import wording
from program.models import Program
from program.rules.status import SHORT, WORST_FIRST
from reviews.models import Ask, Review
from teams.models import Membership, Standing, Team
from web import access, lines
from web.lines import ProgramLine, TeamLine
from web.render import page

WAITS_AT_MOST = 8


@dataclass(frozen=True)
class Wait:
    """One thing that waits on the reader: in words, where to go, and since when (a day, oldest first)."""

    said: str
    address: str
    since: date
    status: str = ""


@dataclass
class Context:
    """The home page."""

    template: ClassVar[str] = "pages/home.html"
    here: ClassVar[str] = "home"
    sentence: str
    waits: Sequence[Wait]
    more: int
    teams: Sequence[TeamLine]
    programs: Sequence[ProgramLine]
    reviews: Sequence[Review]
    asks: Sequence[Ask]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What waits on me, my teams, my programs."""
    user = access.person(request)
    led = list(Team.objects.filter(memberships__user=user, memberships__role=Membership.Role.LEAD, leaf=True))
    member_of = list(Team.objects.filter(memberships__user=user, leaf=True).select_related("parent"))
    mine = Program.objects.visible_to(user).filter(Q(owners__user=user) | Q(sponsor=user))
    of_my_teams = Program.objects.visible_to(user).live().filter(goals__team__in=member_of, goals__ended_on=None)
    programs = list((mine.distinct() | of_my_teams.distinct()).select_related("sponsor"))
    waits = sorted([*_goals(request, led), *_deliveries(user)], key=lambda wait: (wait.since, wait.said))
    upcoming = Review.objects.visible_to(user).filter(state=Review.State.SCHEDULED, starts_at__gte=now())
    context = Context(
        sentence=_sentence(waits),
        waits=waits[:WAITS_AT_MOST],
        more=max(0, len(waits) - WAITS_AT_MOST),
        teams=lines.of_teams(member_of, access.goals(request), {team.pk: today(team.time_zone) for team in member_of}),
        programs=lines.of_programs(programs, {one.pk: today(one.review_zone) for one in programs}),
        reviews=list(upcoming.select_related("program").order_by("starts_at")[:4]),
        asks=list(Ask.objects.visible_to(user).open().select_related("program")[:6]),
    )
    return page(request, context)


def _sentence(waits: Sequence[Wait]) -> str:
    if not waits:
        return "Nothing waits on you."
    return f"{wording.count(len(waits), 'thing')} {'waits' if len(waits) == 1 else 'wait'} on you."


def _goals(request: HttpRequest, led: Sequence[Team]) -> list[Wait]:
    """Goals of the teams I lead that are short today, each since the day after it last was not. Three queries."""
    days = {team.pk: today(team.time_zone) for team in led}
    goals = access.goals(request).on_scorecards().filter(team__in=led)
    kept = Standing.objects.filter(goal__in=goals)
    fine = dict(kept.exclude(status__in=SHORT).order_by().values_list("goal").annotate(Max("day")))
    first = dict(kept.order_by().values_list("goal").annotate(Min("day")))
    short = kept.filter(day__in=set(days.values()), status__in=SHORT)
    found = []
    for standing in short.select_related("goal__team", "goal__metric", "goal__program"):
        team, metric = standing.goal.team, standing.goal.metric
        if standing.day == days[team.pk]:
            address = f"{reverse('team', args=[team.key])}#goal-{metric.key}"
            last_fine = fine.get(standing.goal_id)
            since = last_fine + timedelta(days=1) if last_fine else first[standing.goal_id]
            found.append(Wait(f"{team.name}: {metric.name}", address, since, standing.status))
    return sorted(found, key=lambda wait: WORST_FIRST[wait.status])


def _deliveries(user: User) -> list[Wait]:
    """For owners: mails that are held, in doubt or failed and need a decision."""
    found = []
    for program in Program.objects.run_by(user):
        stuck = Delivery.objects.of_program(program).filter(
            state__in=(Delivery.State.HELD, Delivery.State.IN_DOUBT, Delivery.State.FAILED)
        )
        for row in stuck.values("state").annotate(n=Count("pk", distinct=True)).order_by("state"):
            oldest = stuck.filter(state=row["state"]).order_by("created_at").first()
            if oldest:
                said = f"{wording.count(row['n'], 'mail')} of {program.name} {row['state']}"
                found.append(Wait(said, reverse("program-nudges", args=[program.key]), oldest.created_at.date()))
    return found

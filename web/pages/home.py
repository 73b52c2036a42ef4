"""Home: what waits on this person, their teams, groups and programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import ClassVar

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.clock import now, today
from accounts.models import User
from program import readiness
from program.models import Program
from reviews import priorities
from reviews.models import Ask, Priority, Review
from teams import taking
from teams.models import Membership, TakenItem, Team
from web import access, ask_lines, lines, waiting, waits
from web import sponsored as lines_of_sponsor
from web.ask_lines import AskLine
from web.groups import children_of, teams_below
from web.lines import ProgramLine, TeamLine
from web.render import page
from web.sponsored import SponsoredLine
from web.waits import Wait

WAITS_AT_MOST = 8
PRIORITIES_AT_MOST = 6
ASKS_AT_MOST = 8


@dataclass(frozen=True)
class GroupLine:
    """One group that the reader leads, its teams worst first."""

    group: Team
    teams: Sequence[TeamLine]
    said: str


@dataclass(frozen=True)
class OnIt:
    """One item that the reader is on, since a day of its team."""

    row: TakenItem
    since: date


@dataclass
class Context:
    """The home page."""

    template: ClassVar[str] = "pages/home.html"
    here: ClassVar[str] = "home"
    sentence: str
    waits: Sequence[Wait]
    more: int
    taken: Sequence[OnIt]
    teams: Sequence[TeamLine]
    groups: Sequence[GroupLine]
    programs: Sequence[ProgramLine]
    lacks: Mapping[int, str]
    """by program (id), of the drafts that the reader runs: what is missing, in words"""
    reviews: Sequence[Review]
    asks: Sequence[AskLine]
    sponsored: Sequence[SponsoredLine]
    priorities: Sequence[Priority]


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What waits on me, my teams, my groups, my programs."""
    user, moment, goals = access.person(request), now(), access.goals(request)
    memberships = list(user.memberships.select_related("team__parent"))
    teams = [one.team for one in memberships if one.team.leaf]
    led = [one.team for one in memberships if one.role == Membership.Role.LEAD]
    days = {team.pk: today(team.time_zone, moment) for team in teams}
    waited = waiting.upon(user, goals, memberships, moment)
    sponsored = lines_of_sponsor.of_sponsor(user, moment)
    shown_above = {one.program.pk for one in sponsored}
    programs = [one for one in _programs(user, teams) if one.pk not in shown_above]
    context = Context(
        sentence=waits.sentence(waited),
        waits=waited[:WAITS_AT_MOST],
        more=max(0, len(waited) - WAITS_AT_MOST),
        taken=[OnIt(row, today(row.team.time_zone, row.at)) for row in taking.of_person(user)],
        teams=lines.of_teams(teams, goals, days),
        groups=_groups(request, [team for team in led if not team.leaf], moment),
        programs=lines.of_programs(programs, {one.pk: today(one.review_zone, moment) for one in programs}),
        lacks=_lacks(user, programs, moment),
        reviews=list(Review.objects.visible_to(user).to_come(moment).select_related("program", "brief")[:4]),
        asks=ask_lines.of_many_programs(
            Ask.objects.visible_to(user).open().exclude(of=user).select_related("program", "of")[:ASKS_AT_MOST], moment
        ),
        sponsored=sponsored,
        priorities=list(priorities.standing(user)[:PRIORITIES_AT_MOST]),
    )
    return page(request, context)


def _programs(user: User, teams: Sequence[Team]) -> Sequence[Program]:
    """Those they sponsor or own, and live ones with a goal for their teams."""
    seen = Program.objects.visible_to(user)
    of_my_teams = seen.live().filter(goals__team__in=teams, goals__ended_on=None)
    mine = Q(owners__user=user) | Q(sponsor=user) | Q(pk__in=of_my_teams.values("pk"))
    return list(seen.filter(mine).distinct().select_related("sponsor"))


def _lacks(user: User, programs: Sequence[Program], moment: datetime) -> Mapping[int, str]:
    """What their drafts need before they go live. Six queries where there is one, else none."""
    drafts = [one for one in programs if one.state == Program.State.DRAFT]
    if not drafts:
        return {}
    run = set(Program.objects.run_by(user).filter(pk__in=[one.pk for one in drafts]).values_list("pk", flat=True))
    known = readiness.read([one for one in drafts if one.pk in run])
    found = {}
    for one in drafts:
        if one.pk in run:
            needed = readiness.needed(one, known[one.pk], today(one.review_zone, moment))
            found[one.pk] = " ".join(needed) or "It has all it needs to go live."
    return found


def _groups(request: HttpRequest, groups: Sequence[Team], moment: datetime) -> list[GroupLine]:
    """The groups they lead. Two queries, whatever their number."""
    if not groups:
        return []
    children = children_of(Team.objects.visible_to(access.person(request)))
    below = {group.pk: teams_below(group, children) for group in groups}
    every = {team.pk: team for teams in below.values() for team in teams}
    days = {pk: today(team.time_zone, moment) for pk, team in every.items()}
    shown = lines.of_teams(list(every.values()), access.goals(request), days)
    found = []
    for group in groups:
        ids = {team.pk for team in below[group.pk]}
        mine = [line for line in shown if line.team.pk in ids]
        found.append(GroupLine(group, mine, lines.said_of_teams(mine)))
    return found

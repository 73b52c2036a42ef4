"""What may be shown by a link to who does not sign in, who may make such a link, and which ones there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from accounts.models import ShareLink, User
from program.models import Program
from teams import roles
from teams.models import Goal, Team


@dataclass(frozen=True)
class Thing:
    """Something that can be shown by a link: its scope, and what it is in words."""

    scope: str
    means: str


def of_program(program: Program) -> list[Thing]:
    """A program's page."""
    return [Thing(f"program:{program.key}", "this page, read only and without names of persons")]


def of_team(team: Team) -> list[Thing]:
    """A team's scorecard. What a program shows to one group only is shown by no link of a team."""
    return [Thing(f"team:{team.key}", "this scorecard, read only and without names of persons")]


def badges_of(team: Team) -> list[Thing]:
    """Badges of a team and of its goals, as far as everybody who signs in may see them."""
    goals = Goal.objects.shared_widely().on_scorecards().filter(team=team)
    named = goals.order_by("program__key", "metric__key").values_list("program__key", "metric__key", "metric__name")
    each = [
        Thing(f"badge:goal:{program}/{metric}/{team.key}", f"{name} ({program})") for program, metric, name in named
    ]
    return [Thing(f"badge:team:{team.key}", "all goals of the team"), *each]


def may_share(user: User, team: Team) -> bool:
    """Whether a person may make links of a team: who speaks for it, and who runs a program that it has a goal of."""
    return roles.speaks_for(user, team) or runs_a_goal_of(user, team)


def runs_a_goal_of(user: User, team: Team) -> bool:
    """Whether a person runs a program that a team has a goal of. One query."""
    mine = Program.objects.run_by(user)
    return Goal.objects.on_scorecards().filter(team=team, program__in=mine).exists()


def links_of(things: Sequence[Thing]) -> list[ShareLink]:
    """The links to these things, newest first."""
    return list(ShareLink.objects.filter(scope__in=[one.scope for one in things]).select_related("created_by"))


def links_of_team(team: Team) -> list[ShareLink]:
    """Every link and badge of a team, also of goals that it has no more."""
    mine = Q(scope__in=[f"team:{team.key}", f"badge:team:{team.key}"])
    goals = Q(scope__startswith="badge:goal:", scope__endswith=f"/{team.key}")
    return list(ShareLink.objects.filter(mine | goals).select_related("created_by"))


def may_revoke(user: User, link: ShareLink) -> bool:
    """Whether a person may end a link: who made it, who may make another one like it, an administrator."""
    if user.reads_only:
        return False
    if user.is_superuser or link.created_by_id == user.pk:
        return True
    kind, _, key = link.scope.removeprefix("badge:").partition(":")
    if kind == "program":
        return Program.objects.run_by(user).filter(key=key).exists()
    team = Team.objects.leaves().filter(key=key.rpartition("/")[2]).first()
    return team is not None and may_share(user, team)

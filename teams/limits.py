"""The work-in-progress limit: how many live programs a team may have at once, and which teams wait for a place."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import record
from accounts.models import User
from program.models import Program

from .models import Goal, Membership, Team, WaitingTeam
from .roles import ancestors, parents

MOST = 99
LIMIT = WaitingTeam.Why.LIMIT


def limit_of(team: Team, teams: Mapping[int, Team]) -> int | None:
    """The team's own limit, or that of the nearest group above that has one; None: no limit."""
    setter = set_by(team, teams)
    return None if setter is None else setter.program_limit


def set_by(team: Team, teams: Mapping[int, Team]) -> Team | None:
    """The team or the group above whose limit holds for a team; None where nobody set one."""
    at: Team | None = teams[team.pk]
    met: set[int] = set()
    while at is not None and at.pk not in met:
        if at.program_limit is not None:
            return at
        met.add(at.pk)
        at = teams.get(at.parent_id) if at.parent_id else None
    return None


def without_place(program: Program, newcomers: Collection[int], teams: Mapping[int, Team]) -> set[int]:
    """Those of these teams (ids) that cannot take this program on yet; `teams` is the whole tree.

    A place that gets free belongs to the program that waits longest for it. Two queries, none where nobody has a
    limit.
    """
    if all(team.program_limit is None for team in teams.values()):
        return set()
    limits = {team: limit for team in newcomers if (limit := limit_of(teams[team], teams)) is not None}
    if not limits:
        return set()
    taken = places_taken(besides=program)
    queues = _queues()
    found = set()
    for team, limit in limits.items():
        queue = queues.get(team, [])
        ahead = queue.index(program.pk) if program.pk in queue else len(queue)
        if limit - taken[team] <= ahead:
            found.add(team)
    return found


def places_taken(besides: Program | None = None) -> Counter[int]:
    """By team (id): in how many live programs it has goals, standing guards aside. One query."""
    live = Goal.objects.on_scorecards().filter(program__guard_of=None)
    if besides is not None:
        live = live.exclude(program=besides)
    return Counter(team for team, _ in live.order_by().values_list("team_id", "program_id").distinct())


def _queues() -> dict[int, list[int]]:
    """By team (id): the live programs (ids) that wait for a place there, in the order in which they get it."""
    found: dict[int, list[int]] = defaultdict(list)
    waiting = WaitingTeam.objects.filter(why=LIMIT, program__state__in=Program.ON_SCORECARDS)
    for team, program in waiting.order_by("since", "pk").values_list("team_id", "program_id"):
        found[team].append(program)
    return found


def programs_with_a_place() -> list[int]:
    """The programs (ids) of which a waiting team could be let in now, whoever waits longest first."""
    queues = _queues()
    if not queues:
        return []
    teams = Team.objects.in_bulk()
    taken = places_taken()
    first: dict[int, None] = {}
    for team, queue in queues.items():
        limit = limit_of(teams[team], teams)
        free = len(queue) if limit is None else max(0, limit - taken[team])
        first |= dict.fromkeys(queue[:free])
    return list(first)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a limit means for the teams below a node: how many have more, or just as many, live programs; who waits."""

    teams: int
    over: Sequence[Team]
    full: Sequence[Team]
    waiting: Sequence[WaitingTeam]
    let_in: Sequence[WaitingTeam]
    """those that would get a place"""


def outlook(node: Team, limit: int | None) -> Outlook:
    """What would follow if a team or group had this limit. Nothing is changed. Four queries."""
    teams = Team.objects.in_bulk()
    teams[node.pk].program_limit = limit
    above = parents()
    below = [team for team in teams.values() if team.leaf and node.pk in ancestors(team.pk, above)]
    taken = places_taken()
    limits = {team.pk: limit_of(team, teams) for team in below}
    waiting = list(waiting_for_a_place().filter(team__in=below))
    free = {pk: limit - taken[pk] for pk, limit in limits.items() if limit is not None}
    let_in = []
    for row in waiting:
        if row.team_id not in free or free[row.team_id] > 0:
            let_in.append(row)
            free[row.team_id] = free.get(row.team_id, len(waiting)) - 1
    return Outlook(
        teams=len(below),
        over=[team for team in below if team.pk in free and taken[team.pk] > (limits[team.pk] or 0)],
        full=[team for team in below if team.pk in free and taken[team.pk] == limits[team.pk]],
        waiting=waiting,
        let_in=let_in,
    )


@dataclass(frozen=True, slots=True)
class Queued:
    """A team that waits, with how many live programs it has and may have where it waits for a place."""

    row: WaitingTeam
    taken: int
    limit: int | None


def queue_of(program: Program) -> list[Queued]:
    """Who waits for a program, for a place first, oldest first. One query, and two where somebody waits for a place."""
    rows = list(program.waiting.select_related("team", "wave").order_by("why", "since", "team__key"))
    return _with_places(rows)


def waits_of(team: Team, programs: QuerySet[Program]) -> list[Queued]:
    """What a team waits for, of these programs that are live; as many queries."""
    rows = WaitingTeam.objects.filter(team=team, program__in=programs.filter(state__in=Program.ON_SCORECARDS))
    return _with_places(list(rows.select_related("team", "program", "wave").order_by("why", "since", "pk")))


def _with_places(rows: Sequence[WaitingTeam]) -> list[Queued]:
    if not any(row.why == LIMIT for row in rows):
        return [Queued(row, 0, None) for row in rows]
    teams, taken = Team.objects.in_bulk(), places_taken()
    return [Queued(row, taken[row.team_id], limit_of(teams[row.team_id], teams)) for row in rows]


def waiting_for_a_place() -> QuerySet[WaitingTeam]:
    """Teams that wait for a place, oldest first, with team and program."""
    live = WaitingTeam.objects.filter(why=LIMIT, program__state__in=Program.ON_SCORECARDS)
    return live.select_related("team", "program").order_by("since", "pk")


def may_set(user: User, node: Team) -> bool:
    """Whether a person may set the limit of a team or group: administrators, and whoever leads that group or one above.

    A team does not decide itself how much may be asked of it; its group's leader does.
    """
    if not user.is_active or user.reads_only:
        return False
    if user.is_superuser:
        return True
    led = set(user.memberships.filter(role=Membership.Role.LEAD, team__leaf=False).values_list("team_id", flat=True))
    return bool(led) and not led.isdisjoint(ancestors(node.pk, parents()))


def set_limit(
    node: Team, limit: int | None, *, now: datetime, by: User | None, reason: str = "", via: str = ""
) -> None:
    """Limit the live programs of a team, or of each team below a group; None: as the group above says."""
    if limit is not None and not 0 <= limit <= MOST:
        raise ValueError(f"a number of programs from 0 to {MOST} was expected, not {limit}")
    with transaction.atomic():
        before = Team.objects.select_for_update(no_key=True).get(pk=node.pk).program_limit
        if before == limit:
            return
        Team.objects.filter(pk=node.pk).update(program_limit=limit)
        node.program_limit = limit
        record(
            "program limit", node.key, at=now, actor=by, via=via, reason=reason,
            before={"limit": before}, after={"limit": limit},
        )  # fmt: skip

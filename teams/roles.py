"""What a person is to a team: member, lead, leader of a group above, owner of a program; and what that lets them do.

Everyone who may see a team reads its scorecard; these say who may change what on it. A viewer changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from accounts.models import Place, User
from program.models import Program

from .models import Membership, Team


class Role(StrEnum):
    """From the most to the least: what somebody is to one team."""

    ADMIN = "admin"
    GROUP_LEADER = "group leader"
    LEAD = "lead"
    MEMBER = "member"
    NONE = "none"


SPEAKS = frozenset({Role.ADMIN, Role.GROUP_LEADER, Role.LEAD})
"""May ask and answer for a team: counter-propose, ask for an exemption."""
ACTS = SPEAKS | {Role.MEMBER}
"""May act in a team: take an item, release one, dispute a number."""
LEADS_ABOVE = frozenset({Role.ADMIN, Role.GROUP_LEADER})
"""May say how much is asked of a team at once."""


def of(user: User, team: Team) -> Role:
    """What a person is to a team. One query; two for who leads something else as well."""
    if not user.is_active or user.reads_only:
        return Role.NONE
    if user.is_superuser:
        return Role.ADMIN
    held = dict(user.memberships.values_list("team_id", "role"))
    own = held.pop(team.pk, None)
    if Membership.Role.LEAD in held.values():  # of a group above it, perhaps
        above = ancestors(team.pk, parents())[1:]
        if any(held.get(group) == Membership.Role.LEAD for group in above):
            return Role.GROUP_LEADER
    return Role(own) if own else Role.NONE


def speaks_for(user: User, team: Team) -> bool:
    """Whether a person may ask and answer for a team: its lead, a leader above it, an administrator."""
    return of(user, team) in SPEAKS


def acts_in(user: User, team: Team) -> bool:
    """Whether a person may act in a team: whoever speaks for it, and its members."""
    return of(user, team) in ACTS


def runs(user: User, program: Program) -> bool:
    """Whether a person may change a program: its owners and administrators."""
    return not user.reads_only and Program.objects.run_by(user).filter(pk=program.pk).exists()


def parents() -> dict[int, int | None]:
    """The parent of every node of the org tree, by id. One query."""
    return dict(Team.objects.order_by().values_list("pk", "parent_id"))


def ancestors(team: int, above: Mapping[int, int | None]) -> list[int]:
    """The team itself, the group above it, and so on to the top (ids); a ring ends where it closes."""
    found: list[int] = []
    at: int | None = team
    while at is not None and at not in found:
        found.append(at)
        at = above.get(at)
    return found


def keep_places() -> None:
    """Bring everybody's places in step with the org tree; call it in the transaction of whatever changed the tree.

    A person's places are the nodes they are in, all above those, and all below what they lead. Three queries, and
    two to write the difference.
    """
    above = parents()
    keys = dict(Team.objects.order_by().values_list("pk", "key"))
    below: dict[int, list[int]] = {node: [] for node in above}
    for node in above:
        for up in ancestors(node, above):
            below[up].append(node)
    wanted: set[tuple[int, str]] = set()
    for user, team, role in Membership.objects.order_by().values_list("user_id", "team_id", "role"):
        nodes = set(ancestors(team, above)) | set(below[team] if role == Membership.Role.LEAD else ())
        wanted |= {(user, keys[node]) for node in nodes}
    held = {(user, key): pk for pk, user, key in Place.objects.order_by().values_list("pk", "user_id", "key")}
    gone = [pk for pair, pk in held.items() if pair not in wanted]
    for first in range(0, len(gone), 500):
        Place.objects.filter(pk__in=gone[first : first + 500]).delete()
    Place.objects.bulk_create(
        [Place(user_id=user, key=key) for user, key in sorted(wanted - held.keys())], batch_size=500
    )

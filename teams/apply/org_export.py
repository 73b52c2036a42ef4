"""Groups, people and components written down as the Backstage entities that `apply` takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from accounts.models import User

from ..models import Membership, OwnedComponent, Team
from . import yaml_text
from .as_file import filled
from .org_file import COUNTRY, HANDLE, LEAD, LIMIT, LONGEST_NAME, SOURCE, ZONE

HEAD = """\
# Groups, people and components, as Backstage entities.
#   python manage.py apply org.yaml --plan   # what it would change
#   python manage.py apply org.yaml          # apply it, whole or not at all
# Passwords, tokens and who administers the service are never in a file; CODEOWNERS are files of their own.
"""


def export_org() -> str:
    """The whole organization: the same bytes for the same state. Four queries."""
    people = list(User.objects.filter(is_active=True).order_by("email"))
    names = _names(people)
    teams = {team.pk: team for team in Team.objects.order_by("key")}
    roles: dict[int, dict[str, list[str]]] = {pk: {"lead": [], "member": []} for pk in teams}
    for team, user, role in Membership.objects.order_by("user__email").values_list("team_id", "user_id", "role"):
        if user in names:
            roles[team][role].append(names[user])
    entities = [_group(team, teams, roles[team.pk]) for team in _from_the_top(teams)]
    entities += [_user(person, names[person.pk]) for person in people]
    entities += _components()
    return HEAD + "---\n".join(yaml_text.write(entity) for entity in entities)


def _names(people: Iterable[User]) -> dict[int, str]:
    """What each person is called in the file: the first part of the address, the whole where two would be the same."""
    found: dict[int, str] = {}
    taken: set[str] = set()
    for person in people:
        local = person.email.partition("@")[0]
        plain = (_fit(text) for text in (local, person.email, *(f"{local}-{n}" for n in range(2, 10_000))))
        found[person.pk] = next(name for name in plain if name and name not in taken)
        taken.add(found[person.pk])
    return found


def _fit(text: str) -> str:
    """A text as a name of Backstage: ASCII letters and digits with '.', '_' or '-' between."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text, flags=re.ASCII)[:LONGEST_NAME].strip("._-")


def _from_the_top(teams: Mapping[int, Team]) -> Iterator[Team]:
    """Each group before those in it."""
    below: dict[int | None, list[Team]] = {}
    for team in teams.values():
        below.setdefault(team.parent_id, []).append(team)
    waiting = list(reversed(below.get(None, [])))
    while waiting:
        team = waiting.pop()
        yield team
        waiting += reversed(below.get(team.pk, []))


def _metadata(key: str, annotations: Mapping[str, Any]) -> dict[str, Any]:
    """A key longer than a name may be came with its namespace."""
    namespace, _, name = key.partition(".") if len(key) > LONGEST_NAME else ("", "", key)
    return filled({"name": name, "namespace": namespace, "annotations": filled(annotations)})


def _reference(key: str) -> str:
    return key.replace(".", "/", 1) if len(key) > LONGEST_NAME else key


def _group(team: Team, teams: Mapping[int, Team], roles: Mapping[str, list[str]]) -> dict[str, Any]:
    annotations = {
        LEAD: ", ".join(roles[Membership.Role.LEAD]),
        ZONE: "" if team.time_zone == "UTC" else team.time_zone,
        HANDLE: team.handle,
        LIMIT: "" if team.program_limit is None else str(team.program_limit),
    }
    spec = {
        "type": "team" if team.leaf else "group",
        "profile": {"displayName": team.name} if team.name != team.key else {},
        "parent": _reference(teams[team.parent_id].key) if team.parent_id else "",
        "members": roles[Membership.Role.MEMBER],
    }
    return _entity("Group", _metadata(team.key, annotations), filled(spec))


def _user(person: User, name: str) -> dict[str, Any]:
    annotations = {ZONE: person.time_zone, COUNTRY: person.country}
    profile = filled({"displayName": person.name, "email": person.email})
    return _entity("User", _metadata(name, annotations), {"profile": profile})


def _components() -> list[dict[str, Any]]:
    """Who owns each component now; owners of the past are not in a file."""
    newest = {row.key: row for row in OwnedComponent.objects.select_related("team").order_by("key", "effective_from")}
    return [
        _entity(
            "Component",
            _metadata(row.key, {SOURCE: row.source}),
            filled({"type": "service", "owner": _reference(row.team.key) if row.team else ""}),
        )
        for row in newest.values()
    ]


def _entity(kind: str, metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}

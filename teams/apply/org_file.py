"""Teams and people as code: Backstage Group and User entities, read with every fault named and put in place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from accounts.clock import today
from accounts.models import User
from program.feeds.batch import shown

from ..models import LONG_AGO, Membership, OwnedComponent, Team
from ..roles import keep_places
from .changes import Changes
from .fields import Fields
from .marked_yaml import Document

LONGEST_NAME = 63
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
LEAD, ZONE, COUNTRY = "technical-quality/lead", "technical-quality/time-zone", "technical-quality/country"
HANDLE, SOURCE = "technical-quality/codeowners", "technical-quality/source"
LIMIT = "technical-quality/program-limit"
SLUGS = ("github.com/project-slug", "gitlab.com/project-slug", "bitbucket.org/project-slug")
"""Annotations that name a component's repository, unless technical-quality/source does."""
READ = ("Group", "User", "Component")
LEFT_ALONE = ("API", "Resource", "System", "Domain", "Location", "Template")


@dataclass(slots=True)
class GroupSpec:
    """A Group entity; names are keys of teams and people."""

    document: Document
    key: str
    name: str
    zone: str
    leads: Sequence[str]
    handle: str
    limit: int | None
    parent: str
    children: Sequence[str]
    members: set[str] = field(default_factory=set)


@dataclass(slots=True)
class UserSpec:
    """A User entity; `key` is its entity name, by which groups refer to it."""

    document: Document
    key: str
    name: str
    email: str
    zone: str
    country: str
    member_of: Sequence[str]


@dataclass(slots=True)
class ComponentSpec:
    """A Component entity: who owns it, and its repository where the file says it."""

    document: Document
    key: str
    owner: str
    source: str


@dataclass(slots=True)
class OrgSpec:
    """All entities of a file, by key; `left_alone` counts kinds that say nothing about teams."""

    groups: dict[str, GroupSpec] = field(default_factory=dict)
    users: dict[str, UserSpec] = field(default_factory=dict)
    components: dict[str, ComponentSpec] = field(default_factory=dict)
    left_alone: int = 0


def read(documents: Sequence[Document]) -> OrgSpec:
    """Read entities; faults gather in their documents, also where one entity refers to another that is not there."""
    org = OrgSpec()
    for document in documents:
        _entity(document, org)
    _resolve(org)
    return org


def _entity(document: Document, org: OrgSpec) -> None:
    top = Fields(document)
    kind = top.choice("kind", (*READ, *LEFT_ALONE))
    if kind in LEFT_ALONE:
        org.left_alone += 1
    if kind not in READ:
        return
    metadata, spec = top.mapping("metadata", required=True), top.mapping("spec")
    if metadata is None:
        return
    key = _name(metadata)
    by_kind: dict[str, Mapping[str, object]] = {"Group": org.groups, "User": org.users, "Component": org.components}
    known = by_kind[kind]
    if key in known:
        metadata.fault("name", f"{kind} {key} stands twice; it was expected once")
    spec = spec or Fields(Document({}, {(): document.line(())}))
    annotations = metadata.mapping("annotations") or Fields(Document({}, {(): document.line(())}))
    if kind == "Group":
        org.groups[key] = _group(document, key, metadata, spec, annotations)
    elif kind == "Component":
        org.components[key] = ComponentSpec(document, key, entity_name(spec.text("owner")), _source(annotations))
    else:
        org.users[key] = _user(document, key, metadata, spec, annotations)


def _name(metadata: Fields) -> str:
    name = metadata.text("name", required=True, most=63)
    if name and not NAME.fullmatch(name):
        metadata.fault(
            "name", f"name is letters and digits with '.', '_' or '-' between, at most 63, not {shown(name)}"
        )
    namespace = metadata.text("namespace", most=63)
    return name if namespace in ("", "default") else f"{namespace}.{name}"


def _shown_name(profile: Fields | None, metadata: Fields) -> str:
    """What a team or a person is called, on one line as in mails and lists."""
    name = (profile.text("displayName", most=200) if profile else "") or metadata.text("title", most=200)
    return " ".join(name.split())


def _group(document: Document, key: str, metadata: Fields, spec: Fields, annotations: Fields) -> GroupSpec:
    profile = spec.mapping("profile")
    return GroupSpec(
        document=document,
        key=key,
        name=_shown_name(profile, metadata) or key,
        zone=annotations.zone(ZONE, default=""),
        leads=[entity_name(lead) for lead in annotations.text(LEAD).split(",") if lead.strip()],
        handle=annotations.text(HANDLE, most=200).lstrip("@"),
        limit=_limit(annotations),
        parent=entity_name(spec.text("parent")),
        children=[entity_name(child) for child in spec.texts("children")],
        members={entity_name(member) for member in spec.texts("members")},
    )


def _limit(annotations: Fields) -> int | None:
    """How many live programs a team may have at once; None where the file says nothing. Backstage has texts only."""
    text = annotations.text(LIMIT)
    if text and not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= 100 and len(text) <= 3):
        annotations.fault(LIMIT, f"{LIMIT} is a whole number from 1 to 100, not {shown(text)}")
        return None
    return int(text) if text else None


def _source(annotations: Fields) -> str:
    return next((found for name in (SOURCE, *SLUGS) if (found := annotations.text(name, most=300))), "")


def _user(document: Document, key: str, metadata: Fields, spec: Fields, annotations: Fields) -> UserSpec:
    profile = spec.mapping("profile", required=True)
    return UserSpec(
        document=document,
        key=key,
        name=_shown_name(profile, metadata),
        email=profile.email("email", required=True) if profile else "",
        zone=annotations.zone(ZONE, default=""),
        country=annotations.text(COUNTRY, most=2).upper(),
        member_of=[entity_name(group) for group in spec.texts("memberOf")],
    )


def entity_name(reference: str) -> str:
    """The key behind a Backstage reference: `team-a`, `group:default/team-a` and `default/team-a` are the same."""
    name = reference.strip().partition(":")[2] or reference.strip()
    namespace, _, plain = name.rpartition("/")
    return plain if namespace in ("", "default") else f"{namespace}.{plain}"


def _resolve(org: OrgSpec) -> None:
    """Check that every reference leads to an entity of the file or to a known team, and that no ring is made."""
    known = set(Team.objects.values_list("key", flat=True))
    for user in org.users.values():
        for name in user.member_of:
            if name in org.groups:
                org.groups[name].members.add(user.key)
            elif name not in known:
                user.document.fault(
                    ("spec", "memberOf"), f"group {name} is not known: a Group of that name was expected"
                )
    for group in org.groups.values():
        relatives = [("parent", group.parent), *(("children", child) for child in group.children)]
        for name, child in relatives:
            if child and child not in org.groups and child not in known:
                group.document.fault(("spec", name), f"group {child} is not known: a Group of that name was expected")
        for member in sorted({*group.members, *group.leads}):
            if member not in org.users:
                path = ("metadata", "annotations", LEAD) if member in group.leads else ("spec", "members")
                group.document.fault(path, f"user {member} is not known: a User of that name was expected in the file")
    for component in org.components.values():
        if component.owner and component.owner not in org.groups and component.owner not in known:
            component.document.fault(
                ("spec", "owner"), f"group {component.owner} is not known: a Group of that name was expected"
            )
    for group in org.groups.values():
        for child in group.children:
            if child in org.groups and not org.groups[child].parent:
                org.groups[child].parent = group.key
    _check_rings(org)


def _check_rings(org: OrgSpec) -> None:
    above = dict(Team.objects.exclude(parent=None).values_list("key", "parent__key"))
    above |= {group.key: group.parent for group in org.groups.values() if group.parent}
    for group in org.groups.values():
        seen, at = {group.key}, above.get(group.key)
        while at:
            if at in seen:
                group.document.fault(("spec", "parent"), f"{group.key} stands under itself by way of {at}")
                break
            seen.add(at)
            at = above.get(at)


def apply(org: OrgSpec, changes: Changes) -> None:
    """Put people, groups and memberships in place. Who and what the file does not name stays as it is."""
    people = {user.key: _put_user(user, changes) for user in org.users.values()}
    teams = {team.key: team for team in Team.objects.all()}
    for group in org.groups.values():
        team = teams.setdefault(group.key, Team(key=group.key))
        given = {"time_zone": group.zone, "handle": group.handle, "program_limit": group.limit}
        values = {"name": group.name} | {name: value for name, value in given.items() if value}
        changes.put("team", group.key, team, values)
    for group in org.groups.values():
        parent = teams[group.parent] if group.parent else None
        if teams[group.key].parent != parent:
            changes.put("team", group.key, teams[group.key], {"parent": parent})
        for child in group.children:
            if child not in org.groups:
                changes.put("team", child, teams[child], {"parent": teams[group.key]})
    _mark_leaves(teams.values())
    for group in org.groups.values():
        _put_members(teams[group.key], group, people, changes)
    keep_places()
    for component in org.components.values():
        _put_component(component, teams, changes)


def _put_component(spec: ComponentSpec, teams: Mapping[str, Team], changes: Changes) -> None:
    """An owner counts from today on; the first one that is known, from the beginning."""
    rows = OwnedComponent.objects.filter(key=spec.key).select_related("team").order_by("effective_from")
    held = rows.last()
    team = teams.get(spec.owner)
    if held is not None and (held.team, held.source) == (team, spec.source):
        return
    since = LONG_AGO if held is None else today("UTC", changes.now)
    OwnedComponent.objects.update_or_create(
        key=spec.key, effective_from=since, defaults={"team": team, "source": spec.source, "set_at": changes.now}
    )
    before = None if held is None else {"owner": held.team.key if held.team else "", "source": held.source}
    changes.note("component", spec.key, before, {"owner": spec.owner, "source": spec.source})


def _put_user(spec: UserSpec, changes: Changes) -> User:
    user = User.objects.filter(email=spec.email).first()
    if user is None:
        user = User(email=spec.email)
        user.set_unusable_password()
    values = {"name": spec.name, "time_zone": spec.zone, "country": spec.country}
    changes.put(
        "person", spec.email, user, {name: value for name, value in values.items() if value or user._state.adding}
    )
    return user


def _mark_leaves(teams: Iterable[Team]) -> None:
    parents = {team.parent_id for team in teams if team.parent_id}
    Team.objects.filter(pk__in=parents).update(leaf=False)
    Team.objects.exclude(pk__in=parents).update(leaf=True)


def _put_members(team: Team, group: GroupSpec, people: Mapping[str, User], changes: Changes) -> None:
    wanted = {people[member].pk: Membership.Role.MEMBER for member in group.members if member in people}
    wanted |= {people[lead].pk: Membership.Role.LEAD for lead in group.leads if lead in people}
    held = {m.user_id: m for m in team.memberships.select_related("user")}
    names = {person.pk: person.email for person in people.values()} | {m.user_id: m.user.email for m in held.values()}
    for user, role in sorted(wanted.items()):
        before = held.get(user)
        if before is None or before.role != role:
            values = {"role": role, "since": changes.now}
            Membership.objects.update_or_create(team=team, user_id=user, defaults=values)
            was = None if before is None else {"role": str(before.role)}
            changes.note("membership", f"{team.key}/{names[user]}", was, {"role": str(role)})
    for user in sorted(held.keys() - wanted.keys()):
        changes.note("membership", f"{team.key}/{names[user]}", {"role": str(held[user].role)}, None)
        held[user].delete()

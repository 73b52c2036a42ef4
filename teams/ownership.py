"""Ownership: which team an item belongs to on a day, by patterns set by hand, CODEOWNERS, and catalog components."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from django.db.models import Q

from program.rules import codeowners
from program.rules.codeowners import CodeOwners

from .models import Membership, OwnedComponent, OwnershipFile, OwnershipPattern, Team

BY_HAND, BY_FILE, BY_COMPONENT, BY_NOTHING = "pattern", "CODEOWNERS", "component", ""


@dataclass(frozen=True, slots=True)
class Place:
    """The team (row id) that an item belongs to, and which rule says so. No team: nobody's."""

    team: int | None
    by: str
    rule: str = ""


NOWHERE = Place(None, BY_NOTHING)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern set by hand, as it is in force."""

    pattern: str
    source: str
    any_source: bool
    team: int
    effective_from: date
    ended_on: date | None


@dataclass(slots=True)
class Owners:
    """The ownership rules of some sources, all their days. Asking twice for the same item costs a look-up."""

    files: Mapping[str, Sequence[tuple[date, CodeOwners]]]
    patterns: Sequence[Pattern]
    components: Sequence[tuple[date, str, str, int | None]]
    handles: Mapping[str, int]
    _found: dict[tuple[str, str, date], Place] = field(default_factory=dict)
    _by_hand: dict[tuple[str, date], CodeOwners | None] = field(default_factory=dict)
    _of_components: dict[date, tuple[dict[str, int | None], dict[str, int | None]]] = field(default_factory=dict)

    def team_of(self, source: str, item: str, day: date) -> int | None:
        """The team of an item on a day; None: no rule places it, or one says that it is nobody's."""
        return self.place(source, item, day).team

    def place(self, source: str, item: str, day: date) -> Place:
        """The team of an item on a day, and why."""
        key = (source, item, day)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._place(source, item, day)
        return found

    def _place(self, source: str, item: str, day: date) -> Place:
        path = path_of(item)
        by_hand = self._patterns(source, day)
        rule = by_hand.match(path) if by_hand else None
        if rule:
            return Place(int(rule.owners[0].lstrip("@")), BY_HAND, rule.pattern)
        file = self._file(source, day)
        rule = file.match(path) if file else None
        if rule:
            return Place(self.team_named(rule.owners), BY_FILE, rule.pattern)
        by_name, by_source = self._components(day)
        if item in by_name:
            return Place(by_name[item], BY_COMPONENT, item)
        if source and source in by_source:
            return Place(by_source[source], BY_COMPONENT, source)
        return NOWHERE

    def _patterns(self, source: str, day: date) -> CodeOwners | None:
        """The patterns in force as one list, of which the last that matches wins."""
        if not self.patterns:
            return None
        key = (source, day)
        if key not in self._by_hand:
            lines = [
                f"{one.pattern} @{one.team}"
                for one in self.patterns
                if (one.any_source or one.source == source)
                and one.effective_from <= day
                and (one.ended_on is None or day < one.ended_on)
            ]
            self._by_hand[key] = parsed("\n".join(lines), "github") if lines else None
        return self._by_hand[key]

    def _file(self, source: str, day: date) -> CodeOwners | None:
        return next((file for since, file in reversed(self.files.get(source, ())) if since <= day), None)

    def _components(self, day: date) -> tuple[dict[str, int | None], dict[str, int | None]]:
        if day not in self._of_components:
            newest = {key: (source, team) for since, key, source, team in self.components if since <= day}
            self._of_components[day] = (
                {key: team for key, (_, team) in newest.items()},
                {source: team for source, team in newest.values() if source},
            )
        return self._of_components[day]

    def team_named(self, owners: Iterable[str]) -> int | None:
        """The first of these owners that is a team: by its handle, its key, or a person of one team only."""
        for owner in owners:
            name = owner.lstrip("@").lower()
            for handle in (name, name.rpartition("/")[2]):
                if handle in self.handles:
                    return self.handles[handle]
        return None

    def teams_of(self, source: str, day: date) -> set[int]:
        """All teams that the rules of a source name on a day: whom a report of it covers."""
        found = set()
        file, by_hand = self._file(source, day), self._patterns(source, day)
        for rule in file.rules if file else ():
            found.add(self.team_named(rule.owners))
        for rule in by_hand.rules if by_hand else ():
            found.add(int(rule.owners[0].lstrip("@")))
        _, by_source = self._components(day)
        found.add(by_source.get(source) if source else None)
        return {team for team in found if team is not None}


def path_of(item: str) -> str:
    """What a pattern is matched against: the file of an item such as tests/test_api.py::test_get."""
    return item.partition("::")[0].lstrip("/")


def load(sources: Collection[str]) -> Owners:
    """The rules of these sources. Five queries, whatever the number of rules."""
    files: dict[str, list[tuple[date, CodeOwners]]] = defaultdict(list)
    held = OwnershipFile.objects.filter(source__in=sources).order_by("effective_from")
    for source, since, flavor, text in held.values_list("source", "effective_from", "flavor", "text"):
        files[source].append((since, parsed(text, flavor)))
    patterns = OwnershipPattern.objects.filter(Q(any_source=True) | Q(source__in=sources)).order_by("pk")
    rows = patterns.values_list("pattern", "source", "any_source", "team", "effective_from", "ended_on")
    components = OwnedComponent.objects.order_by("effective_from", "key")
    return Owners(
        files,
        [Pattern(*row) for row in rows],
        list(components.values_list("effective_from", "key", "source", "team")),
        handles(),
    )


@lru_cache(maxsize=64)
def parsed(text: str, flavor: str) -> CodeOwners:
    """A file read once for all the batches that ask for it."""
    return codeowners.parse(text, flavor)


def handles() -> dict[str, int]:
    """Teams (row ids) by the names that CODEOWNERS may call them: keys, handles, and people of one team only."""
    found: dict[str, int] = {}
    of_people: dict[str, set[int]] = defaultdict(set)
    leads: dict[str, set[int]] = defaultdict(set)
    rows = Membership.objects.filter(team__leaf=True).order_by()
    for email, team, role in rows.values_list("user__email", "team", "role"):
        of_people[email.lower()].add(team)
        if role == Membership.Role.LEAD:
            leads[email.lower()].add(team)
    for email, teams in of_people.items():
        of_one = leads[email] if len(leads[email]) == 1 else teams
        if len(of_one) == 1:
            (found[email],) = of_one
    for pk, key, handle in Team.objects.leaves().values_list("pk", "key", "handle"):
        found[key.lower()] = pk
        if handle:
            found[handle.lstrip("@").lower()] = pk
    return found

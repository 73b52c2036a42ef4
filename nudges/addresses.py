"""Addresses that the mail server refused for good: whose, what a program loses by it, and which owners know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from accounts.models import AuditRow, User
from program import wording
from program.models import Program, ProgramOwner
from teams.models import Membership

from .models import RefusedTold


@dataclass(frozen=True)
class Refused:
    """Somebody whom mail of a program does not reach: what they are to it, since when, and what the server said."""

    person: User
    program: Program
    leads: tuple[str, ...]
    """teams with a goal of the program that they lead"""
    role: str
    """sponsors it, runs it; empty for a lead"""
    since: datetime | None

    @property
    def what(self) -> str:
        """In a line: "Alice's address is refused: 550 no such user"."""
        return f"{self.person}’s address is refused: {self.person.address_suspended_reason}"

    @property
    def means(self) -> str:
        """What does not arrive."""
        if self.leads:
            teams = wording.listed(list(self.leads))
            return f"{self.person} leads {teams}; digests go to whoever leads above, or to nobody."
        return f"{self.person} {self.role} {self.program.name}: no invitation, brief or digest arrives."


def refused(programs: Collection[Program]) -> list[Refused]:
    """Who of these programs' leads, owners and sponsors cannot be reached, by program and name. One query where
    everybody can be, else four more."""
    suspended = {one.pk: one for one in User.objects.filter(is_active=True).exclude(address_suspended_reason="")}
    if not suspended or not programs:
        return []
    leads: dict[tuple[int, int], list[str]] = defaultdict(list)
    led = Membership.objects.filter(user__in=suspended, role=Membership.Role.LEAD, team__goals__ended_on=None)
    led = led.filter(team__goals__program__in=programs).order_by("team__name").distinct()
    for program, person, team in led.values_list("team__goals__program", "user", "team__name"):
        leads[program, person].append(team)
    runs = set(ProgramOwner.objects.filter(user__in=suspended).values_list("program", "user"))
    since = _since(suspended.values())
    found = []
    for one in programs:
        for pk, person in suspended.items():
            role = "sponsors" if one.sponsor_id == pk else "runs" if (one.pk, pk) in runs else ""
            teams = tuple(leads.get((one.pk, pk), ()))
            if teams or role:
                found.append(Refused(person, one, teams, role, since.get(pk)))
    return sorted(found, key=lambda one: (one.program.key, str(one.person), one.person.pk))


def _since(people: Iterable[User]) -> dict[int, datetime]:
    """When the newest refusal of each was put down, as the log of changes has it. One query."""
    by_email = {one.email: one.pk for one in people}
    rows = AuditRow.objects.filter(kind="person", key__in=by_email, via="mail server").order_by("at", "pk")
    return {by_email[key]: at for key, at in rows.values_list("key", "at")}


def untold(programs: Collection[Program]) -> list[tuple[User, Refused]]:
    """Owners, and what they were not told yet, each piece once however many of their programs it is about. Two queries
    more than `refused` where somebody cannot be reached."""
    found = [one for one in refused(programs) if one.since is not None]
    if not found:
        return []
    about = {one.person.pk for one in found}
    rows = RefusedTold.objects.filter(about__in=about).values_list("person", "about", "refused_at")
    known: set[tuple[int, int, datetime | None]] = set(rows)
    owners: dict[int, list[User]] = defaultdict(list)
    for row in ProgramOwner.objects.filter(program__in=programs).select_related("user").order_by("pk"):
        owners[row.program_id].append(row.user)
    told = []
    for one in found:
        for owner in owners[one.program.pk]:
            key = owner.pk, one.person.pk, one.since
            if owner.pk != one.person.pk and key not in known:
                known.add(key)
                told.append((owner, one))
    return told

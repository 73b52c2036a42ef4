"""Who is in no team any more once a file of teams and people is applied; letting them go is a choice of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts import roles
from accounts.models import AuditRow, User
from program.models import Program

from ..models import Membership
from . import org_file
from .changes import Change
from .marked_yaml import Document

MEMBERSHIP = "membership"


@dataclass(frozen=True, slots=True)
class Leaver:
    """Somebody who was in a team once, is in none now, and whom the file does not name as a User."""

    person: User
    was_in: Sequence[str]
    keeps: str

    def __str__(self) -> str:
        kept = f"; {self.keeps}" if self.keeps else ""
        return f"in no team any more: {self.person.email} (was in {', '.join(self.was_in)}{kept})"


def leavers(documents: Sequence[Document], changes: Iterable[Change]) -> list[Leaver]:
    """The leavers of a file of teams and people, by e-mail; `changes` are those of its plan or of its apply.

    Six queries. Whoever left with an earlier file is one as long as they may still enter. `keeps` says what else
    somebody holds: who runs or sponsors a live program, or looks after everything, may well belong to no team.
    """
    if not any(isinstance(document.value, dict) and "kind" in document.value for document in documents):
        return []
    was_in, after = _moves(changes)
    named = {user.email for user in org_file.read(documents).users.values()}
    gone = [email for email in was_in if email not in after and email not in named]
    people = User.objects.filter(email__in=gone, is_active=True).order_by("email")
    holds = _holds(people)
    return [Leaver(person, sorted(was_in[person.email]), holds.get(person.pk, "")) for person in people]


def let_go(found: Iterable[Leaver], by: User | None, now: datetime, via: str) -> list[User]:
    """Deactivate leavers; whoever cannot be (the last administrator, oneself) stays. Returns those who were."""
    done = []
    for leaver in found:
        try:
            with transaction.atomic():
                if roles.deactivate(leaver.person, by, now, via=via, reason="in no team any more"):
                    done.append(leaver.person)
        except roles.Refused:
            continue
    return done


def _moves(changes: Iterable[Change]) -> tuple[dict[str, set[str]], set[str]]:
    """The teams that people once left, and who is in one afterwards. Whether the changes are made yet is the same."""
    was_in: dict[str, set[str]] = defaultdict(set)
    held = set(Membership.objects.order_by().values_list("team__key", "user__email"))
    for change in changes:
        if change.kind == MEMBERSHIP:
            team, _, email = change.key.partition("/")
            if change.after is None:
                held.discard((team, email))
                was_in[email].add(team)
            else:
                held.add((team, email))
    before = AuditRow.objects.filter(kind=MEMBERSHIP, after__isnull=True).order_by()
    for key in before.values_list("key", flat=True).distinct():
        team, _, email = key.partition("/")
        was_in[email].add(team)
    return was_in, {email for _, email in held}


def _holds(people: Collection[User]) -> dict[int, str]:
    """What people hold beside teams, in words."""
    found = {person.pk: "administrator" for person in people if person.is_superuser}
    live = Program.objects.exclude(state__in=(Program.State.COMPLETED, Program.State.CANCELED))
    held = live.filter(Q(sponsor__in=people) | Q(owners__user__in=people)).distinct()
    for program in held.select_related("sponsor").prefetch_related("owners"):
        for owner in program.owners.all():
            found.setdefault(owner.user_id, f"runs {program.name}")
        if program.sponsor_id:
            found.setdefault(program.sponsor_id, f"sponsors {program.name}")
    return found

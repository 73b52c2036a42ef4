"""The list of people: who they are, what they may do, and how far each is from signing in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Lower, NullIf

from accounts import roles
from accounts.models import AuditRow, EntryLink, User
from program import wording
from teams.models import Membership

A_PAGE = 50
UNUSABLE = Q(password="") | Q(password__startswith="!")  # noqa: S106 - Django's mark for none
SIGNS_IN = Q(is_active=True) & (~UNUSABLE | Q(last_login__isnull=False))
SHOWN = {
    "": "everybody",
    "sign-in": "who sign in",
    "invited": "invited",
    "none": "not invited yet",
    "no-team": "in no team",
    "admins": "administrators",
    "viewers": "viewers",
    "gone": "deactivated",
}
"""What an administrator may narrow the list to."""


@dataclass(frozen=True)
class Line:
    """One person of the list."""

    person: User
    role: str
    state: str
    memberships: Sequence[Membership]
    second_factor: bool


def people(reader: User, q: str, show: str, now: datetime) -> QuerySet[User]:
    """Those whom a reader sees, narrowed to a word in name, e-mail or team, and to a state."""
    found = User.objects.visible_to(reader)
    if q and "\0" not in q:
        found = found.filter(
            Q(name__icontains=q)
            | Q(email__icontains=q)
            | Exists(Membership.objects.filter(user=OuterRef("pk"), team__name__icontains=q))
        )
    live = EntryLink.objects.filter(
        user=OuterRef("pk"), purpose=EntryLink.Purpose.INVITATION, used_at=None, revoked_at=None, expires_at__gt=now
    )
    narrowed = {
        "sign-in": SIGNS_IN,
        "invited": Q(is_active=True) & ~SIGNS_IN & Exists(live),
        "none": Q(is_active=True) & ~SIGNS_IN & ~Exists(live),
        "no-team": Q(is_active=True) & ~Exists(Membership.objects.filter(user=OuterRef("pk"))),
        "admins": Q(is_superuser=True, reads_only=False),
        "viewers": Q(reads_only=True),
        "gone": Q(is_active=False),
    }
    return found.filter(narrowed[show]) if show in narrowed and reader.is_superuser else found


def a_page(found: QuerySet[User], number: str | None) -> Page[User]:
    """One page of them, by what they are called."""
    called = Lower(Coalesce(NullIf("name", Value("")), "email"))
    return Paginator(found.order_by(called, "email"), A_PAGE).get_page(number)


def lines(people: Sequence[User], now: datetime) -> list[Line]:
    """What the list says of each. Three queries."""
    teams: dict[int, list[Membership]] = {person.pk: [] for person in people}
    for membership in Membership.objects.filter(user__in=people).select_related("team").order_by("role", "team__name"):
        teams[membership.user_id].append(membership)
    invitations: dict[int, EntryLink] = {}
    for link in EntryLink.objects.filter(user__in=people, purpose=EntryLink.Purpose.INVITATION).order_by("pk"):
        invitations[link.user_id] = link
    guarded = set(
        Authenticator.objects.filter(user__in=people, type=Authenticator.Type.TOTP).values_list("user", flat=True)
    )
    return [
        Line(
            person,
            str(roles.of(person)),
            _state(person, invitations.get(person.pk), now),
            teams[person.pk],
            person.pk in guarded,
        )
        for person in people
    ]


def sentence(reader: User) -> str:
    """The list's first line. One query."""
    if not reader.is_superuser:
        return f"{wording.count(User.objects.visible_to(reader).count(), 'person', 'people')} may enter here."
    counts = User.objects.aggregate(
        every=Count("pk"), sign_in=Count("pk", filter=SIGNS_IN), gone=Count("pk", filter=Q(is_active=False))
    )
    able, rest = counts["sign_in"], counts["every"] - counts["sign_in"] - counts["gone"]
    said = [f"{able} sign{'s' if able == 1 else ''} in", f"{rest} {'does' if rest == 1 else 'do'} not yet"]
    if counts["gone"]:
        said.append(f"{counts['gone']} {'is' if counts['gone'] == 1 else 'are'} deactivated")
    return f"{wording.count(counts['every'], 'person', 'people')}: {wording.listed(said)}."


def told(row: AuditRow) -> str:
    """What one change of a person says, in words."""
    if not isinstance(row.after, dict):
        return str(row.after or "")
    held = {name: value for name, value in row.after.items() if value not in ("", None) or row.before}
    return ", ".join(f"{name.replace('_', ' ')}: {_in_words(value)}" for name, value in held.items())


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value in ("", None) else str(value)


def _state(person: User, invitation: EntryLink | None, now: datetime) -> str:
    if not person.is_active:
        return "deactivated"
    if person.last_login is not None:
        return f"last signed in {wording.day(person.last_login.date())}"
    if person.has_usable_password():
        return "has a password, never signed in"
    if invitation is None or invitation.revoked_at is not None:
        return "known, not invited yet"
    if invitation.is_live(now):
        return f"invited, until {wording.day(invitation.expires_at.date())}"
    return f"invitation ended {wording.day(invitation.expires_at.date())}"

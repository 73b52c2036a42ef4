"""Roles across the whole organization: administrator, member, viewer; who may give them, and who may enter at all."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from django.db import transaction
from django.db.models import F, Q

from . import audit
from .models import AccessToken, EntryLink, ShareLink, User


class Role(StrEnum):
    """From the most to the least."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


MEANS = {
    Role.ADMIN: "may change everything, and says who may enter",
    Role.MEMBER: "sees what is shared, and changes what their roles in teams and programs let them",
    Role.VIEWER: "sees what members see, and changes nothing",
}
"""What each role means, beside its word."""


class Refused(Exception):
    """It was not done, and why, in words for whoever asked."""


def of(person: User) -> Role:
    """What somebody is in the whole organization."""
    if person.reads_only:
        return Role.VIEWER
    return Role.ADMIN if person.is_superuser else Role.MEMBER


def fields(role: Role) -> dict[str, bool]:
    """How a role is kept."""
    admin = role == Role.ADMIN
    return {"is_superuser": admin, "is_staff": admin, "reads_only": role == Role.VIEWER}


def give(person: User, role: Role, by: User | None, now: datetime, *, via: str = "page", reason: str = "") -> bool:
    """Give a role; False if they have it already. A viewer's tokens that write stop at once. Raises Refused."""
    with transaction.atomic():
        held = _locked(person)
        before = of(held)
        if before == role:
            return False
        if before == Role.ADMIN:
            _refuse_the_last(held, by, "demote")
        User.objects.filter(pk=held.pk).update(**fields(role))
        stopped = _stop_tokens(held, now, writing_only=True) if role == Role.VIEWER else 0
        if role == Role.VIEWER:
            _stands_in_no_more(held, by, now, via, "only reads now")
        after = {"role": str(role)} | ({"tokens revoked": stopped} if stopped else {})
        _record(held, by, now, via, {"role": str(before)}, after, reason)
    person.refresh_from_db()
    return True


def deactivate(person: User, by: User | None, now: datetime, *, via: str = "page", reason: str = "") -> bool:
    """Let somebody enter no more, at once: sessions, tokens and links end. False if it is so already. Raises Refused.

    Memberships, programs and what they wrote stay as they are: they are history. Letting them in again
    (`reactivate`) brings back none of what ended here.
    """
    with transaction.atomic():
        held = _locked(person)
        if not held.is_active:
            return False
        _refuse_the_last(held, by, "deactivate")
        User.objects.filter(pk=held.pk).update(is_active=False, session_round=F("session_round") + 1)
        after = {
            "active": False,
            "tokens revoked": _stop_tokens(held, now),
            "share links revoked": ShareLink.objects.filter(created_by=held, revoked_at=None).update(revoked_at=now),
        }
        EntryLink.objects.filter(user=held, used_at=None, revoked_at=None).update(revoked_at=now)
        _stands_in_no_more(held, by, now, via, "may not enter any more")
        _record(held, by, now, via, {"active": True}, after, reason)
    person.refresh_from_db()
    return True


def reactivate(person: User, by: User | None, now: datetime, *, via: str = "page", reason: str = "") -> bool:
    """Let somebody enter again; False if they may already."""
    with transaction.atomic():
        done = User.objects.filter(pk=person.pk, is_active=False).update(is_active=True)
        if done:
            _record(person, by, now, via, {"active": False}, {"active": True}, reason)
    person.refresh_from_db()
    return bool(done)


def sign_out_everywhere(person: User, by: User | None, now: datetime, via: str = "page") -> None:
    """End all of somebody's sessions."""
    with transaction.atomic():
        User.objects.filter(pk=person.pk).update(session_round=F("session_round") + 1)
        _record(person, by, now, via, None, "signed out everywhere", "")
    person.refresh_from_db()


def live_tokens(person: User) -> list[AccessToken]:
    """Access tokens that would stop with their maker."""
    return list(AccessToken.objects.filter(created_by=person, revoked_at=None))


def live_share_links(person: User) -> list[ShareLink]:
    """Share links that would stop with their maker."""
    return list(ShareLink.objects.filter(created_by=person, revoked_at=None))


def _locked(person: User) -> User:
    """The person, and every administrator, locked: two of them cannot take the role from one another at once."""
    administrators = Q(is_superuser=True, is_active=True)
    rows = User.objects.select_for_update().filter(administrators | Q(pk=person.pk)).order_by("pk")
    return next(row for row in rows if row.pk == person.pk)


def _refuse_the_last(person: User, by: User | None, what: str) -> None:
    if by is not None and by.pk == person.pk:
        raise Refused(f"Nobody can {what} themselves: ask another administrator.")
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=person.pk)
    if person.is_superuser and not others.exists():
        raise Refused(f"{person} is the last administrator: make somebody else one first.")


def _stop_tokens(person: User, now: datetime, *, writing_only: bool = False) -> int:
    """Revoke somebody's live tokens; returns how many."""
    mine = AccessToken.objects.filter(created_by=person, revoked_at=None)
    stop = [token.pk for token in mine if not writing_only or any(":read" not in scope for scope in token.scopes)]
    return AccessToken.objects.filter(pk__in=stop).update(revoked_at=now)


def _stands_in_no_more(person: User, by: User | None, now: datetime, via: str, why: str) -> None:
    """Whoever named them as their deputy has none any more; each of those is on record."""
    for other in User.objects.filter(deputy=person).order_by("pk"):
        User.objects.filter(pk=other.pk).update(deputy=None)
        _record(other, by, now, via, {"deputy": person.email}, {"deputy": None}, f"{person.email} {why}")


def _record(person: User, by: User | None, now: datetime, via: str, before: object, after: object, reason: str) -> None:
    audit.record("person", person.email, at=now, actor=by, via=via, before=before, after=after, reason=reason)

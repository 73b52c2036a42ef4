"""Ways in: invitations, and links by which a person sets a password, once; who may sign in by single sign-on."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from . import audit, roles, throttle
from .models import EntryLink, PasswordAsk, User
from .roles import Refused, Role
from .tokens import digest

INVITATION_LASTS, PASSWORD_LINK_LASTS = timedelta(days=7), timedelta(hours=1)
LONGEST_EMAIL, LONGEST_NAME, LONGEST_PASSWORD = 254, 200, 1000
EMAIL = re.compile(r"[^@\s<>\"',;:\\()\[\]\x00-\x1f\x7f]{1,64}@[^@\s<>\"',;:\\()\[\]\x00-\x1f\x7f]{1,190}")
JOINERS = {0x200C: None, 0x200D: None}
"""They stand inside names of some scripts; every other invisible character is refused."""
Purpose = EntryLink.Purpose


@dataclass(frozen=True)
class Opened:
    """A new link, with the token that is in its address and is not kept."""

    link: EntryLink
    token: str


@dataclass(frozen=True)
class Identity:
    """Who a provider of single sign-on says somebody is."""

    email: str
    verified: bool
    name: str = ""


def as_email(text: str) -> str:
    """An e-mail address as it is kept, in lower case. Raises Refused."""
    email = text.strip().lower()
    if len(email) > LONGEST_EMAIL or not EMAIL.fullmatch(email):
        raise Refused(f"An e-mail address such as sam@example.com was expected, not {email[:60]!a}.")
    return email


def as_name(text: str) -> str:
    """A person's name, on one line. Raises Refused."""
    name = " ".join(text.split())
    if len(name) > LONGEST_NAME or not name.translate(JOINERS).isprintable():
        raise Refused(f"A name of at most {LONGEST_NAME} characters on one line was expected.")
    return name


def can_sign_in(person: User) -> bool:
    """Whether somebody has a way in already: a password, or a sign-in before."""
    return person.has_usable_password() or person.last_login is not None


def invite(
    email: str,
    role: Role | None,
    by: User | None,
    now: datetime,
    *,
    name: str = "",
    via: str = "page",
    reason: str = "",
) -> Opened:
    """A link by which somebody sets a password; the person is made if nobody has this e-mail yet. Raises Refused.

    Somebody known already keeps their name; their role too, unless one is given. Only administrators (and commands)
    give one; without, a new person is a member.
    """
    email, name = as_email(email), as_name(name)
    if role not in (None, Role.MEMBER) and by is not None and not by.is_superuser:
        raise Refused(f"Only an administrator may invite somebody as {role}.")
    with transaction.atomic():
        person, made = _known(email, name, role or Role.MEMBER)
        if made:
            after = {"name": name, "role": str(role or Role.MEMBER), "invited": True}
            audit.record("person", email, at=now, actor=by, via=via, after=after, reason=reason)
            return _open(person, Purpose.INVITATION, by, now, INVITATION_LASTS)
        if not person.is_active:
            raise Refused(f"{person} was deactivated: an administrator has to let them in again first.")
        if can_sign_in(person):
            raise Refused(f"{person} can sign in already; who forgot a password asks for a new one at sign-in.")
        if role is not None and (by is None or by.is_superuser):
            roles.give(person, role, by, now, via=via, reason=reason)
        if name and not person.name:
            person.name = name
            person.save(update_fields=["name"])
        audit.record("person", email, at=now, actor=by, via=via, after={"invited": True}, reason=reason)
        return _open(person, Purpose.INVITATION, by, now, INVITATION_LASTS)


def ask(email: str, now: datetime) -> None:
    """Write down that a new password was asked for; the same work whoever is known. A job answers it."""
    PasswordAsk.objects.create(email=email.strip().lower().replace("\0", "")[:LONGEST_EMAIL], asked_at=now)


def answer_asks(now: datetime, most: int = 200) -> list[Opened]:
    """Links for those who asked and have a password to forget; what was asked is answered then. In a transaction."""
    asks = list(PasswordAsk.objects.order_by("pk")[:most])
    taken = [one for one in asks if PasswordAsk.objects.filter(pk=one.pk).delete()[0]]
    people = User.objects.in_bulk({one.email for one in taken}, field_name="email")
    able = [person for person in people.values() if person.is_active and person.has_usable_password()]
    return [_open(person, Purpose.PASSWORD, None, now, PASSWORD_LINK_LASTS) for person in able]


def find(token: str, now: datetime) -> EntryLink | None:
    """The live link with this token; looking changes nothing."""
    link = EntryLink.objects.filter(digest=digest(token)).select_related("user", "created_by").first()
    return link if link is not None and link.is_live(now) and link.user.is_active else None


def password_faults(password: str, person: User) -> Sequence[str]:
    """What is wrong with a new password, in sentences."""
    if len(password) > LONGEST_PASSWORD:
        return [f"A password of at most {LONGEST_PASSWORD:,} characters was expected."]
    if password.strip().lower() == person.email:
        return ["The password is the e-mail address; another one was expected."]
    try:
        validate_password(password, person)
    except ValidationError as fault:
        return list(fault.messages)
    return []


def use(token: str, password: str, now: datetime, *, name: str = "") -> User | None:
    """Set the password that a link allows to, once; None if it is no live link. It signs nobody in.

    Whoever was signed in with the old password is no more, and other links of this person stop.
    """
    with transaction.atomic():
        link = find(token, now)
        if link is None:
            return None
        if not EntryLink.objects.filter(pk=link.pk, used_at=None, revoked_at=None).update(used_at=now):
            return None
        person = link.user
        EntryLink.objects.filter(user=person, used_at=None, revoked_at=None).update(revoked_at=now)
        if link.purpose == Purpose.INVITATION and name:
            person.name = name
        _set_password(person, password, now, f"{link.purpose} link")
        throttle.forget(throttle.SIGN_IN, person.email)
    return person


def change_password(person: User, password: str, now: datetime) -> None:
    """Set another password for somebody who proved to have the old one; their other sessions end with it."""
    with transaction.atomic():
        EntryLink.objects.filter(user=person, used_at=None, revoked_at=None).update(revoked_at=now)
        _set_password(person, password, now, "page")


def admit(who: Identity, now: datetime, *, domains: Sequence[str], create: bool, provider: str) -> User:
    """The person that a provider of single sign-on vouches for, found by verified e-mail only. Raises Refused."""
    email = as_email(who.email)
    if not who.verified:
        raise Refused(f"{provider} does not say that {email} is verified as yours; only a verified e-mail lets you in.")
    allowed = {domain.strip().lower().lstrip("@") for domain in domains}
    if allowed and email.rpartition("@")[2] not in allowed:
        raise Refused(f"{email} is of no domain that may sign in here.")
    person = User.objects.filter(email=email).first()
    if person is not None and not person.is_active:
        raise Refused(f"{email} may not sign in here any more. Ask an administrator if that is a mistake.")
    if person is not None:
        return person
    if not create:
        raise Refused(
            f"Nobody here is known as {email}. Ask an administrator or an owner of your program to invite you."
        )
    name = " ".join(who.name.split())[:LONGEST_NAME]
    with transaction.atomic():
        person, made = _known(email, name if name.translate(JOINERS).isprintable() else "", Role.MEMBER)
        if made:
            after = {"name": person.name, "role": str(Role.MEMBER)}
            audit.record("person", email, at=now, via="single sign-on", after=after)
    return person


def _known(email: str, name: str, role: Role) -> tuple[User, bool]:
    """The person with this e-mail, and whether they were made just now; somebody else may make them meanwhile."""
    person = User.objects.filter(email=email).first()
    if person is not None:
        return person, False
    try:
        with transaction.atomic():
            return User.objects.create_user(email, None, name=name, **roles.fields(role)), True
    except IntegrityError:
        return User.objects.get(email=email), False


def _open(person: User, purpose: str, by: User | None, now: datetime, lasts: timedelta) -> Opened:
    """A new link; earlier ones of the same purpose stop."""
    EntryLink.objects.filter(user=person, purpose=purpose, used_at=None, revoked_at=None).update(revoked_at=now)
    token = secrets.token_urlsafe(32)
    link = EntryLink.objects.create(
        purpose=purpose, user=person, digest=digest(token), created_by=by, created_at=now, expires_at=now + lasts
    )
    return Opened(link, token)


def _set_password(person: User, password: str, now: datetime, via: str) -> None:
    person.set_password(password)
    person.save(update_fields=["password", "name"])
    audit.record("person", person.email, at=now, actor=person, via=via, after="password set")

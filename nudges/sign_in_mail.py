"""Mail about signing in: invitations, links for a new password, word of a change. Private: erased once it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts import entry
from accounts.entry import Opened
from accounts.models import EntryLink, PasswordAsk, User

from . import outbox, words
from .kinds import Kind
from .models import Delivery
from .outbox import Letter

INVITATION, RESET, CHANGED = "invitation", "password-reset", "sign-in-changed"
PASSWORD, SECOND_FACTOR, FACTOR_REMOVED = "password", "second factor", "factor removed"
"""What may have changed."""


def address(opened: Opened) -> str:
    """Where a link leads."""
    return f"{settings.SITE_URL}{reverse('set-password-link', args=[opened.token])}"


def invite(opened: Opened, now: datetime) -> Delivery:
    """Put an invitation in the outbox; call it in the transaction that made its link."""
    return _put(INVITATION, opened, now)


def answer_asks(now: datetime) -> int:
    """Put in the outbox what answers those who asked for a new password. Returns how many letters."""
    sent = 0
    while True:
        with transaction.atomic():
            opened = entry.answer_asks(now)
            for one in opened:
                _put(RESET, one, now)
        sent += len(opened)
        if not PasswordAsk.objects.filter(asked_at__lte=now).exists():
            return sent


def tell_of_change(person: User, what: str, now: datetime, by: User | None = None) -> Delivery:
    """Tell somebody that how they sign in was changed; if it was not them, they should know."""
    context = {"person": person, "what": what, "by": by if by != person else None, "at": now, "site": settings.SITE_URL}
    subject, text, html = words.fill(CHANGED, context)
    key = f"{person.pk}:{what}:{now.isoformat()}"
    return outbox.put(Letter(CHANGED, key, person.email, subject, text, html, person=person, private=True), now)


def _put(kind: str, opened: Opened, now: datetime) -> Delivery:
    link = opened.link
    context = {
        "person": link.user,
        "by": link.created_by,
        "address": address(opened),
        "until": link.expires_at,
        "single_sign_on": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
        "site": settings.SITE_URL,
    }
    subject, text, html = words.fill(kind, context)
    letter = Letter(
        kind, str(link.pk), link.user.email, subject, text, html, person=link.user, private=True,
        not_after=link.expires_at,
    )  # fmt: skip
    return outbox.put(letter, now)


def prefetch(rows: Sequence[Delivery], _now: datetime) -> None:
    """The links that letters carry. One query."""
    links = EntryLink.objects.select_related("user").in_bulk([int(row.key) for row in rows])
    for row in rows:
        row.loaded = links.get(int(row.key))  # type: ignore[attr-defined]


def still_wanted(row: Delivery, now: datetime) -> str | None:
    """Whether the link still opens something."""
    link = row.loaded  # type: ignore[attr-defined]
    if link is None or not link.user.is_active:
        return "the person has left"
    return None if link.is_live(now) else "its link was used, or another one came after it"


KINDS = (
    Kind(INVITATION, still_wanted=still_wanted, prefetch=prefetch, breaker=False),
    Kind(RESET, still_wanted=still_wanted, prefetch=prefetch, breaker=False),
    Kind(CHANGED, breaker=False),
)

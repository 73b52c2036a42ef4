"""Access tokens: made once, shown once, recognized by their digest, and limited to their scopes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from .audit import record
from .models import AccessToken, User

PREFIX = "tqp_"
USE_RECORDED_EVERY = timedelta(minutes=5)


def issue(
    label: str,
    scopes: Iterable[str],
    *,
    created_by: User | None = None,
    expires_at: datetime | None = None,
    via: str = "command",
) -> tuple[AccessToken, str]:
    """Make a token; returns the row and the secret, which is not kept and cannot be shown again."""
    secret = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = AccessToken.objects.create(
            label=label,
            digest=digest(secret),
            prefix=secret[:10],
            scopes=sorted(set(scopes)),
            created_by=created_by,
            expires_at=expires_at,
        )
        after = {"label": label, "scopes": token.scopes, "expires": expires_at.date().isoformat() if expires_at else ""}
        record("token", token.prefix, at=token.created_at, actor=created_by, via=via, after=after)
    return token, secret


def digest(secret: str) -> str:
    """The SHA-256 under which a token is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def recognize(secret: str, now: datetime) -> AccessToken | None:
    """The live token with this secret, its use recorded; None if unknown, expired or revoked.

    A token ends with the account of whoever made it: a person who leaves may have kept a copy.
    """
    token = AccessToken.objects.filter(digest=digest(secret)).select_related("created_by").first()
    if token is None or state_of(token, now) != LIVE:
        return None
    # Writing at every request would make each read a write; a use within five minutes says nothing new.
    if token.last_used_at is None or now - token.last_used_at > USE_RECORDED_EVERY:
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


LIVE, REVOKED, EXPIRED, ORPHANED = "works", "revoked", "expired", "stopped: its maker was deactivated"


def state_of(token: AccessToken, now: datetime) -> str:
    """Whether a token works, or why it does not."""
    if token.revoked_at is not None:
        return REVOKED
    if token.expires_at is not None and token.expires_at <= now:
        return EXPIRED
    if token.created_by is not None and not token.created_by.is_active:
        return ORPHANED
    return LIVE


def end(token: AccessToken, *, by: User | None, now: datetime, via: str = "page") -> bool:
    """Revoke a token: it stops working at once. False if it was revoked before."""
    with transaction.atomic():
        done = AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)
        if done:
            before = {"label": token.label, "scopes": token.scopes}
            record("token", token.prefix, at=now, actor=by, via=via, before=before, after={"revoked": True})
    return bool(done)


def revoke(label: str, now: datetime, *, via: str = "command") -> int:
    """Revoke the live tokens of a label; they stop working at once. Returns how many."""
    live = AccessToken.objects.filter(label=label, revoked_at=None)
    return sum(end(token, by=None, now=now, via=via) for token in live)

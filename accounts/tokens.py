"""Access tokens: made once, shown once, recognized by their digest, and limited to their scopes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from .models import AccessToken, User

PREFIX = "tqp_"
USE_RECORDED_EVERY = timedelta(minutes=5)


def issue(
    label: str, scopes: Iterable[str], *, created_by: User | None = None, expires_at: datetime | None = None
) -> tuple[AccessToken, str]:
    """Make a token; returns the row and the secret, which is not kept and cannot be shown again."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = AccessToken.objects.create(
        label=label,
        digest=digest(secret),
        prefix=secret[:10],
        scopes=sorted(set(scopes)),
        created_by=created_by,
        expires_at=expires_at,
    )
    return token, secret


def digest(secret: str) -> str:
    """The SHA-256 under which a token is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def recognize(secret: str, now: datetime) -> AccessToken | None:
    """The live token with this secret, its use recorded; None if unknown, expired or revoked.

    A token ends with the account of whoever made it: a person who leaves may have kept a copy.
    """
    token = AccessToken.objects.filter(digest=digest(secret), revoked_at=None).select_related("created_by").first()
    if token is None or (token.expires_at is not None and token.expires_at <= now):
        return None
    if token.created_by is not None and not token.created_by.is_active:
        return None
    # Writing at every request would make each read a write; a use within five minutes says nothing new.
    if token.last_used_at is None or now - token.last_used_at > USE_RECORDED_EVERY:
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def revoke(label: str, now: datetime) -> int:
    """Revoke the live tokens of a label; they stop working at once. Returns how many."""
    return AccessToken.objects.filter(label=label, revoked_at=None).update(revoked_at=now)

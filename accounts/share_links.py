"""Share links: made once, shown once, recognized by their digest; each shows one thing until it ends."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from .audit import record
from .models import ShareLink, User
from .tokens import USE_RECORDED_EVERY, digest

PREFIX = "tqs_"
DAYS, MOST_DAYS = 30, 366


def make(
    label: str, scope: str, *, by: User | None, now: datetime, days: int = DAYS, via: str = "page"
) -> tuple[ShareLink, str]:
    """Make a link; returns the row and the secret, which is not kept and cannot be shown again."""
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(f"1 to {MOST_DAYS} days were expected, not {days}")
    secret = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        link = ShareLink.objects.create(
            label=label, scope=scope, digest=digest(secret), prefix=secret[:10], created_by=by, created_at=now,
            expires_at=now + timedelta(days=days),
        )  # fmt: skip
        after = {
            "label": label,
            "scope": scope,
            "expires": link.expires_at.date().isoformat() if link.expires_at else "",
        }
        record("share link", link.prefix, at=now, actor=by, via=via, after=after)
    return link, secret


def recognize(secret: str, now: datetime) -> ShareLink | None:
    """The live link with this secret, its use recorded; None if there is none, or it is over."""
    link = ShareLink.objects.filter(digest=digest(secret)).select_related("created_by").first()
    if link is None or not is_live(link, now):
        return None
    if link.last_used_at is None or now - link.last_used_at > USE_RECORDED_EVERY:
        ShareLink.objects.filter(pk=link.pk).update(last_used_at=now)
    return link


def still(pk: int, now: datetime) -> ShareLink | None:
    """A link that somebody holds, if it is still live: asked at each request, so that revoking works at once."""
    link = ShareLink.objects.filter(pk=pk).select_related("created_by").first()
    return link if link is not None and is_live(link, now) else None


def is_live(link: ShareLink, now: datetime) -> bool:
    """Whether a link shows anything: not revoked, not expired, and its maker not deactivated."""
    ended = link.revoked_at is not None or (link.expires_at is not None and link.expires_at <= now)
    return not ended and (link.created_by is None or link.created_by.is_active)


def revoke(link: ShareLink, *, by: User | None, now: datetime, via: str = "page") -> bool:
    """End a link at once; False if it was ended before."""
    with transaction.atomic():
        done = ShareLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=now)
        if done:
            before = {"label": link.label, "scope": link.scope}
            record("share link", link.prefix, at=now, actor=by, via=via, before=before, after={"revoked": True})
    return bool(done)

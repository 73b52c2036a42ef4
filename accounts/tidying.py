"""Lets go what signing in leaves behind: ended sessions, tries that count no more, links for passwords long over."""

from __future__ import annotations

from datetime import datetime, timedelta
from importlib import import_module

from django.conf import settings

from . import throttle
from .models import EntryLink

LINKS_KEPT = timedelta(days=30)
"""Invitations are kept: the list of people says when they ended."""


def tidy(now: datetime) -> None:
    """Let go what is over, some of it at a time."""
    throttle.tidy(now)
    EntryLink.objects.filter(purpose=EntryLink.Purpose.PASSWORD, expires_at__lt=now - LINKS_KEPT).delete()
    # By the real clock, as sessions end by it.
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()

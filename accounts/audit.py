"""The audit log: one row a change, written in the change's own transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .models import AuditRow, User


def record(
    kind: str,
    key: str,
    *,
    at: datetime,
    before: Any = None,
    after: Any = None,
    actor: User | None = None,
    via: str = "",
    reason: str = "",
) -> AuditRow:
    """Write down one change; before and after are plain JSON values. Call it inside the change's transaction."""
    return AuditRow.objects.create(
        at=at, actor=actor, via=via, kind=kind, key=key, before=before, after=after, reason=reason
    )

"""What the sponsor asks in a review: raised, and later kept, missed or withdrawn; each on record."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from accounts import audit
from accounts.models import User

from .models import Ask, Review


def raise_ask(
    review: Review,
    text: str,
    now: datetime,
    *,
    of: User | None = None,
    due: date | None = None,
    actor: User | None = None,
) -> Ask:
    """Note an ask made in a review."""
    with transaction.atomic():
        ask = Ask.objects.create(program=review.program, review=review, text=text, of=of, due=due, raised_at=now)
        audit.record("ask", f"{review.key}/{ask.pk}", at=now, actor=actor, after=text)
    return ask


def close(ask: Ask, state: str, now: datetime, *, outcome: str = "", actor: User | None = None) -> bool:
    """Say what became of an open ask; False if somebody has said so before. Raises ValueError on another state."""
    if state not in (Ask.State.KEPT, Ask.State.MISSED, Ask.State.WITHDRAWN):
        raise ValueError(f"an ask ends as kept, missed or withdrawn, not {state!r}")
    with transaction.atomic():
        changed = Ask.objects.filter(pk=ask.pk, state=Ask.State.OPEN).update(
            state=state, outcome=outcome, closed_at=now
        )
        if changed:
            audit.record(
                "ask", f"{ask.review.key}/{ask.pk}", at=now, actor=actor, before="open", after=state, reason=outcome
            )
            ask.refresh_from_db()
    return bool(changed)

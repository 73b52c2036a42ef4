"""Two brakes on the whole outbox: a storm of messages, and a database that is not this service's own."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from statistics import median

from django.conf import settings
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate

from accounts import audit
from accounts.models import User

from . import kinds
from .models import Delivery, Instance

AT_LEAST = 20
TIMES_THE_USUAL = 3
WEEKS_REMEMBERED = 8
RUN = timedelta(hours=20)
State = Delivery.State


def hold(now: datetime) -> int:
    """Hold what must not go out unseen; returns how many messages were held now."""
    return hold_foreign(now) or hold_storm(now)


def hold_foreign(now: datetime) -> int:
    """Hold every waiting message if the database belongs to another instance: it was restored or cloned."""
    here = instance_here()
    if not here:
        return 0
    row, _new = Instance.objects.get_or_create(pk=1, defaults={"name": here, "since": now})
    if row.name == here:
        return 0
    reason = f"the database is of instance {row.name!r}, this is {here!r}: restored or cloned?"
    return _hold(Delivery.objects.filter(state=State.PENDING), reason)


def adopt(now: datetime, actor: User | None = None) -> bool:
    """Say that this database is this instance's own from now on; held mail stays held until it is released."""
    here = instance_here()
    if not here:
        return False
    before = Instance.objects.filter(pk=1).values_list("name", flat=True).first()
    Instance.objects.update_or_create(pk=1, defaults={"name": here, "since": now})
    audit.record("instance", "name", at=now, actor=actor, before=before, after=here)
    return True


def instance_here() -> str:
    """The environment's instance id; empty: the guard is off."""
    return str(getattr(settings, "INSTANCE_ID", "") or "")


def hold_storm(now: datetime) -> int:
    """Hold the run if it is more than max(20, 3 × the usual) messages; what a person released is not counted.

    A run is what is due now with what was sent in the hours before it: a storm that comes in drops is one too.
    """
    counted = Delivery.objects.filter(kind__in=kinds.held_by_breaker(), released_at=None)
    due = counted.filter(state=State.PENDING, next_at__lte=now)
    size = due.count()
    if size == 0:
        return 0
    size += counted.filter(sent_at__gt=now - RUN).count()
    if size <= AT_LEAST:
        return 0
    most = max(AT_LEAST, TIMES_THE_USUAL * usual(now))
    if size <= most:
        return 0
    return _hold(due, f"{size} messages in one run, where at most {most} are expected: held until released")


def usual(now: datetime) -> int:
    """The median, over the last weeks with any mail, of the messages of the week's busiest day."""
    until = now - RUN
    days: list[tuple[date, int]] = list(
        Delivery.objects.filter(sent_at__gt=now - timedelta(weeks=WEEKS_REMEMBERED), sent_at__lte=until)
        .annotate(day=TruncDate("sent_at"))
        .values_list("day")
        .annotate(messages=Count("pk"))
        .order_by("day")
    )
    busiest: Counter[int] = Counter()
    for day, messages in days:
        week = (until.date() - day).days // 7
        busiest[week] = max(busiest[week], messages)
    return int(median(busiest.values())) if busiest else 0


def _hold(rows: QuerySet[Delivery], reason: str) -> int:
    return rows.filter(state=State.PENDING).update(state=State.HELD, reason=reason[:300])

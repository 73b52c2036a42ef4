"""Throttles: how often something may be tried, counted in the database, so that every process counts together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.crypto import salted_hmac

from .models import Attempt

KEEP = timedelta(days=2)
"""Longer than any limit's time: what is older counts for nothing."""


@dataclass(frozen=True)
class Limit:
    """At most so many tries within a time, for each one that it is about."""

    name: str
    most: int
    within: timedelta


QUARTER = timedelta(minutes=15)
SIGN_IN = Limit("sign-in by address", 10, QUARTER)
SIGN_IN_CLIENT = Limit("sign-in by client", 50, QUARTER)
CODE = Limit("second factor", 6, QUARTER)
CODES_A_DAY = Limit("second factor a day", 30, timedelta(days=1))
ASK = Limit("new password by address", 3, timedelta(hours=1))
ASK_CLIENT = Limit("new password by client", 20, timedelta(hours=1))
ANSWER = Limit("answers by receiver", 60, QUARTER)
CALENDAR = Limit("calendar address, guessed by client", 120, QUARTER)
INVITE = Limit("invitation by inviter", 100, timedelta(hours=1))


@dataclass(frozen=True)
class Taken:
    """What one try counted against; `wait` says how long to wait if it was one too many."""

    rows: Sequence[int]
    wait: timedelta | None = None

    def give_back(self) -> None:
        """It was no failure: it does not count."""
        Attempt.objects.filter(pk__in=self.rows).delete()


def take(*limits: tuple[Limit, str], now: datetime) -> Taken:
    """Count one try against each limit, for the one it is about. One too many is not counted, so that waiting ends it.

    The try is written down before it is made and before it is counted: of many at once, no more get through.
    """
    rows = [Attempt(bucket=_bucket(limit, whom), at=now) for limit, whom in limits]
    Attempt.objects.bulk_create(rows)
    mine = [row.pk for row in rows]
    waits = [wait for limit, whom in limits if (wait := _wait(limit, whom, mine, now)) is not None]
    if not waits:
        return Taken(mine)
    Attempt.objects.filter(pk__in=mine).delete()
    return Taken((), max(waits))


def forget(limit: Limit, whom: str) -> None:
    """Begin anew for one."""
    Attempt.objects.filter(bucket=_bucket(limit, whom)).delete()


def tidy(now: datetime, most: int = 5000) -> int:
    """Let go tries that count for nothing any more, some at a time. Returns how many."""
    old = list(Attempt.objects.filter(at__lt=now - KEEP).order_by("at").values_list("pk", flat=True)[:most])
    return Attempt.objects.filter(pk__in=old).delete()[0] if old else 0


def _wait(limit: Limit, whom: str, mine: Sequence[int], now: datetime) -> timedelta | None:
    """How long until one more fits; None if this one does. The demo's calendar may jump: tries ahead of it count."""
    before = Attempt.objects.filter(bucket=_bucket(limit, whom), at__gt=now - limit.within).exclude(pk__in=mine)
    newest = list(before.order_by("-at", "-pk").values_list("at", flat=True)[: limit.most])
    if len(newest) < limit.most:
        return None
    return max(newest[-1] + limit.within - now, timedelta(seconds=1))


def _bucket(limit: Limit, whom: str) -> str:
    return salted_hmac(f"accounts.throttle.{limit.name}", whom, algorithm="sha256").hexdigest()

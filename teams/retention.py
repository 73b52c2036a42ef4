"""Retention: how long payloads and the items of old snapshots are kept, and what it costs to let them go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum

from .models import Payload, Run, Snapshot
from .statements import fetch

AT_A_TIME = 2000


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was, or would be, let go; sizes in bytes as stored."""

    payloads: int = 0
    payload_bytes: int = 0
    snapshots: int = 0

    def costs(self) -> list[str]:
        """What is lost with it, in words."""
        said = []
        if self.payloads:
            said.append(
                f"{self.payloads} payloads ({self.payload_bytes:,} bytes before compression): the numbers they brought "
                "stand, and can be reproduced no more"
            )
        if self.snapshots:
            said.append(
                f"items of {self.snapshots} snapshots: values, paths and trends stand; scorecards of those days have "
                "no trail, and a new ownership cannot restate them"
            )
        return said


def plan(now: datetime) -> Pruned:
    """What is older than the settings allow; nothing is changed."""
    payloads = Payload.objects.filter(pk__in=_old_payloads(now))
    size = payloads.aggregate(size=Sum("size"))["size"] or 0
    return Pruned(payloads.count(), size, len(_old_snapshots(now, None)))


def prune(now: datetime, most: int = AT_A_TIME) -> Pruned:
    """Let go what is older than the settings allow, some at a time. What is 0 in the settings is kept for good."""
    with transaction.atomic():
        old = _old_payloads(now)[:most]
        size = Payload.objects.filter(pk__in=old).aggregate(size=Sum("size"))["size"] or 0
        Run.objects.filter(payload__in=old).update(payload=None)
        Payload.objects.filter(pk__in=old).delete()
        snapshots = _old_snapshots(now, most)
        Snapshot.objects.filter(pk__in=snapshots).update(items={})
    return Pruned(len(old), size, len(snapshots))


def _old_payloads(now: datetime) -> list[str]:
    """Digests of payloads of which every arrival is older than PAYLOAD_DAYS."""
    if not settings.PAYLOAD_DAYS:
        return []
    edge = now - timedelta(days=settings.PAYLOAD_DAYS)
    old = set(Run.objects.filter(received_at__lt=edge, payload__isnull=False).values_list("payload", flat=True))
    young = set(Run.objects.filter(received_at__gte=edge, payload__in=old).values_list("payload", flat=True))
    return sorted(old - young)


OLD_ITEMS = """
SELECT s.id FROM teams_snapshot s JOIN teams_source src ON src.id = s.source_id
WHERE s.as_of < %s AND s.count > 0 AND {held} AND s.as_of < COALESCE(
  (SELECT n.as_of FROM teams_snapshot n WHERE n.source_id = s.source_id ORDER BY n.as_of DESC LIMIT 1 OFFSET 1),
  s.as_of) ORDER BY s.id {limit}
"""
"""The newest two of each source keep their items, however old: the trail is made of them."""


def _old_snapshots(now: datetime, most: int | None) -> list[int]:
    if not settings.ITEM_DAYS:
        return []
    edge = (now - timedelta(days=settings.ITEM_DAYS)).date()
    held = "s.items <> '{}'::jsonb" if connection.vendor == "postgresql" else "s.items <> '{}'"
    statement = OLD_ITEMS.format(held=held, limit="" if most is None else f"LIMIT {int(most)}")
    return [pk for (pk,) in fetch(statement, [edge.isoformat()])]


def were_let_go(count: int, items: object) -> bool:
    """Whether a snapshot's items were let go: it counted some, and has none."""
    return count > 0 and not items

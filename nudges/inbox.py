"""A person's inbox: every message that was said to them, kept for good, and which of them they have opened."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from accounts.models import User
from program.models import Program

from . import budget, delivery, notices, policy
from .models import Delivery, DeliveryQuerySet, Digest, Notice, Nudge, Opened
from .outbox import State

OUT = (State.SENT, State.HANDING, State.IN_DOUBT)
"""It went out, or may have."""
ENDED = {State.FAILED: "the mail server refused it", State.EXPIRED: "it could not be sent in time"}
WISHES = {
    policy.name_of(policy.muted): "you stopped all nudges", policy.name_of(policy.away): "you were away",
}  # fmt: skip
"""Rules for which a message that had its words already was not mailed after all."""


def of(person: User) -> DeliveryQuerySet:
    """What was said to a person, newest first: what was mailed, and what has words and was not because of their
    address or their wish. A digest that was withheld before it was written is no message: its goals still wait."""
    refused = Q(reason__startswith=delivery.SUSPENDED) | Q(reason__in=WISHES)
    kept = Q(state__in=ENDED) | (Q(state=State.SUPPRESSED) & refused)
    shown = Q(state__in=OUT) | (kept & (Q(private=True) | ~Q(text="")))
    return Delivery.objects.filter(shown, person=person).order_by("-created_at", "-pk")


def unread(rows: DeliveryQuerySet) -> DeliveryQuerySet:
    """Those that were not opened. One whose words are erased cannot be, so it never waits."""
    return rows.filter(opened=None, private=False)


def about(rows: DeliveryQuerySet, program: Program) -> DeliveryQuerySet:
    """Those that speak of a program: its own, and digests with a line about one of its goals."""
    said = Nudge.objects.said().filter(goal__program=program).values("digest")
    told = Notice.objects.filter(goal__program=program).values("digest")
    digests = Digest.objects.filter(Q(pk__in=said) | Q(pk__in=told)).values("delivery")
    return rows.filter(Q(program=program) | Q(pk__in=digests.filter(delivery__isnull=False)))


def programs_of(person: User) -> set[int]:
    """Programs (ids) that any of a person's messages speaks of. Three queries."""
    mine = Digest.objects.filter(person=person, delivery__in=of(person).order_by().values("pk")).values("pk")
    said = Nudge.objects.said().filter(digest__in=mine).order_by().values_list("goal__program", flat=True)
    told = Notice.objects.filter(digest__in=mine, goal__isnull=False).order_by()
    own = of(person).filter(program__isnull=False).order_by().values_list("program", flat=True)
    found = [*said.distinct(), *told.values_list("goal__program", flat=True).distinct(), *own.distinct()]
    return {pk for pk in found if pk is not None}


def not_mailed(row: Delivery) -> str:
    """Why a message stands in the inbox only; empty for one that was mailed."""
    if row.state in OUT:
        return ""
    return WISHES.get(row.reason) or ENDED.get(State(row.state), "") or row.reason


def goals_of(row: Delivery) -> list[Nudge | Notice]:
    """What of a digest its receiver may answer, worst first: its nudges, then the answers whose day had come. Two
    queries, none for another kind of message."""
    digest = Digest.objects.filter(delivery=row).first()
    if digest is None:
        return []
    with_goal = ("goal__team", "goal__program__sponsor", "goal__metric", "goal__rule")
    nudges = list(Nudge.objects.said().filter(digest=digest).select_related(*with_goal))
    nudges.sort(key=budget.worst_first)
    told = Notice.objects.filter(digest=digest, kind=notices.ANSWER_DUE, goal__isnull=False)
    goals = {nudge.goal_id for nudge in nudges}
    return [*nudges, *(one for one in told.select_related(*with_goal) if one.goal_id not in goals)]


def read(row: Delivery, now: datetime) -> bool:
    """Note that its receiver opened a message; False if they had before, or if it has no words any more."""
    if row.private:
        return False
    _, made = Opened.objects.get_or_create(delivery=row, defaults={"at": now})
    return made


def put_back(row: Delivery) -> bool:
    """Let a message count as unread again; False if it does."""
    gone, _ = Opened.objects.filter(delivery=row).delete()
    return bool(gone)


def read_all(person: User, now: datetime) -> int:
    """Let everything in a person's inbox count as read. Returns how many messages were not."""
    rows = list(unread(of(person)).values_list("pk", flat=True))
    Opened.objects.bulk_create([Opened(delivery_id=pk, at=now) for pk in rows], batch_size=500, ignore_conflicts=True)
    return len(rows)

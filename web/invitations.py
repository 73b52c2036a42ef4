"""Invitations that nobody has followed yet, and how the mail of each stands, for who may invite."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import EntryLink, User
from nudges.models import Delivery
from nudges.sign_in_mail import INVITATION
from program import wording

State = Delivery.State
SHOWN, READ = 20, 200


@dataclass(frozen=True)
class Invitation:
    """Whom it invites, and how its mail stands in words; `is_out` once the mail server took it."""

    person: User
    said: str
    is_out: bool


def of_person(person: User, now: datetime) -> Invitation | None:
    """The invitation of somebody that still opens something. Two queries."""
    return next(iter(_read(EntryLink.objects.filter(user=person), now)), None)


def open_to(reader: User, now: datetime) -> list[Invitation]:
    """Those that still open something, not sent first: to their makers, to administrators all. Two queries."""
    links = EntryLink.objects.all() if reader.is_superuser else EntryLink.objects.filter(created_by=reader)
    return sorted(_read(links, now), key=lambda one: one.is_out)


def _read(links: QuerySet[EntryLink], now: datetime) -> list[Invitation]:
    live = links.filter(purpose=EntryLink.Purpose.INVITATION, used_at=None, revoked_at=None, expires_at__gt=now)
    newest = list(live.filter(user__is_active=True).select_related("user").order_by("-pk")[:READ])
    rows = {row.key: row for row in Delivery.objects.filter(kind=INVITATION, key__in=[str(one.pk) for one in newest])}
    mails = [(link.user, rows.get(str(link.pk))) for link in newest]
    return [Invitation(user, _said(row), row is not None and row.state == State.SENT) for user, row in mails]


def _said(row: Delivery | None) -> str:
    if row is None:
        return "no mail was sent: its link was printed on the server"
    because = f": {row.reason}" if row.reason else ""
    match row.state:
        case State.SENT:
            return f"the mail was sent on {wording.moment(row.sent_at)}"
        case State.PENDING | State.CLAIMED | State.HANDING if row.reason:
            return f"the mail has waited since {wording.moment(row.created_at)}, and could not be sent so far{because}"
        case State.PENDING | State.CLAIMED | State.HANDING:
            return f"the mail has waited to be sent since {wording.moment(row.created_at)}"
        case State.HELD:
            return f"the mail is held in the outbox{because}"
        case State.IN_DOUBT:
            return f"the mail may have arrived or not{because}"
    return f"the mail could not be sent{because}"

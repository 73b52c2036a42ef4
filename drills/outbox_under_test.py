"""A full outbox for drills, what time does to it, and the reckoning with what the mail server accepted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet

from accounts import clock
from drills.mail_server import MailServer
from nudges.models import Delivery
from nudges.outbox import Letter, put_all

State = Delivery.State
SETTLED = (State.SENT, State.IN_DOUBT, State.FAILED, State.EXPIRED, State.SUPPRESSED, State.HELD)


@dataclass(frozen=True)
class Reckoning:
    """Outbox against server. Lost without a word: said to be sent, and never accepted."""

    messages: int
    states: dict[str, int]
    duplicates: int
    lost: int
    unsettled: int
    unexpected: int
    """accepted, though the outbox says it was not"""


def fill(messages: int, first: int = 0) -> None:
    """Put messages in, beside a past that makes their number usual, so that the storm breaker lets them go."""
    now = clock.now()
    put_all([_letter(f"message {n}", n) for n in range(first, first + messages)], now)
    past = put_all([_letter(f"past {n}", n) for n in range(messages // 2)], now)
    Delivery.objects.filter(pk__in=[row.pk for row in past]).update(state=State.SENT, sent_at=now - timedelta(days=8))


def _letter(key: str, n: int) -> Letter:
    return Letter(
        kind="drill",
        key=key,
        address=f"person{n}@example.com",
        subject=f"Drill: {key}",
        text=f"This is {key}.\n.A line that begins with a dot.\n",
        html=f"<p>This is {key}.</p>",
    )


def rows() -> QuerySet[Delivery]:
    """The messages of the drill, without their past."""
    return Delivery.objects.filter(key__startswith="message ")


def let_time_pass() -> None:
    """Let every lease run out and every wait be over, as some minutes would."""
    long_ago = clock.now() - timedelta(seconds=1)
    rows().filter(state__in=(State.CLAIMED, State.HANDING)).update(lease_until=long_ago)
    rows().filter(state=State.PENDING).update(next_at=long_ago)


def waiting() -> int:
    """How many messages are not settled yet."""
    return rows().exclude(state__in=SETTLED).count()


def reckon(server: MailServer) -> Reckoning:
    """Compare what the outbox says with what the server has."""
    accepted = server.counts()
    held = list(rows().values_list("message_id", "state"))
    states = Counter(state for _message, state in held)
    return Reckoning(
        messages=len(held),
        states=dict(sorted(states.items())),
        duplicates=sum(times - 1 for times in accepted.values()),
        lost=sum(state == State.SENT and message not in accepted for message, state in held),
        unsettled=sum(state not in SETTLED for _message, state in held),
        unexpected=sum(message in accepted and state not in (State.SENT, State.IN_DOUBT) for message, state in held),
    )

"""A sender with one of its guards taken out, in its own process only: the drill must see the harm it does."""

from __future__ import annotations

import sys
from datetime import datetime

import django


def resend() -> None:
    """What was being handed over when its sender died simply goes back to pending: sent twice."""
    from nudges import delivery
    from nudges.models import Delivery

    guarded = delivery.sweep
    state = Delivery.State

    def sweep(now: datetime) -> None:
        Delivery.objects.filter(state=state.HANDING, lease_until__lte=now).update(state=state.PENDING, lease="")
        guarded(now)

    delivery.sweep = sweep


def mark_first() -> None:
    """`sent` is put on record before the text is handed over: lost without a word."""
    from nudges.channels import email
    from nudges.models import Delivery

    guarded = email.EmailSession.send

    def send(self, sealed, address, handing):  # type: ignore[no-untyped-def]
        def marked() -> bool:
            going = bool(handing())
            Delivery.objects.filter(state=Delivery.State.HANDING, address=address).update(state=Delivery.State.SENT)
            return going

        guarded(self, sealed, address, marked)

    email.EmailSession.send = send  # type: ignore[method-assign]


def give_up() -> None:
    """A mail server that cannot be reached is taken for one that took everything: lost without a word."""
    from nudges import delivery
    from nudges.channels.registry import ChannelError
    from nudges.models import Delivery

    guarded = delivery._send_all

    def send_all(name, waiting, token, now, batch, until):  # type: ignore[no-untyped-def]
        try:
            with delivery.channel(name).open():
                pass
        except ChannelError:
            Delivery.objects.filter(lease=token).update(state=Delivery.State.SENT, sent_at=now)
            return
        guarded(name, waiting, token, now, batch, until)

    delivery._send_all = send_all


SABOTAGES = {"resend": resend, "mark-first": mark_first, "give-up": give_up}


def main() -> None:
    """python -m drills.sabotaged NAME: take the guard out and deliver."""
    from django.core.management import call_command

    django.setup()
    SABOTAGES[sys.argv[1]]()
    call_command("deliver")


if __name__ == "__main__":
    main()

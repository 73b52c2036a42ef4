"""`manage.py deliver`: send what is due in the outbox, now."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand

from accounts import clock
from nudges import delivery, sign_in_mail


class Command(BaseCommand):
    """Sends what is due, and says what became of it."""

    help = "Send what is due in the outbox. Safe to run at any time, by hand or several at once."

    def handle(self, *_args: Any, **_options: Any) -> None:
        sign_in_mail.answer_asks(clock.now())
        ended: Counter[str] = Counter()
        while True:
            batch = delivery.deliver_batch(clock.now())
            ended.update(batch.ended)
            if not batch.more:
                break
        said = ", ".join(f"{number} {state}" for state, number in sorted(ended.items()))
        self.stdout.write(said or "nothing is due")
        if batch.stopped:
            self.stderr.write(f"stopped: {batch.stopped}")

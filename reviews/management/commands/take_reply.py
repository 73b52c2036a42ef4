"""`manage.py take_reply`: takes one mailed reply to an invite from standard input, as a mail server's pipe gives it."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from accounts.clock import now
from reviews import replies


class Command(BaseCommand):
    """Ends with 0 also where a mail is no reply that counts: nobody gets a bounce for what a stranger sent."""

    help = "Take one reply to an invite (a whole mail with METHOD:REPLY) from standard input."

    def handle(self, *_args: Any, **_options: Any) -> None:
        message = sys.stdin.buffer.read(replies.LARGEST + 1)
        try:
            said = replies.take(message, now())
        except replies.NotTaken as why:
            said = f"Not taken: {why}"
        self.stdout.write(said)

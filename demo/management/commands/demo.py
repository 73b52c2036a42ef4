"""manage.py demo: load the demo (once), then run web, worker, beat and a mailbox until Ctrl-C."""

from __future__ import annotations

import os
import time
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from accounts.clock import now
from demo import play, smtp
from demo.mailbox import folder


class Command(BaseCommand):
    """The service on loopback with a real program in it."""

    help = "Run the demo: real measurements, played in order, with a mailbox of what was sent."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--load-only", action="store_true", help="load and play the past, then stop")

    def handle(self, *_args: Any, **options: Any) -> None:
        began = time.monotonic()
        if not play.marker().exists():
            play.begin_anew()
        call_command("migrate", verbosity=0)
        with smtp.serving() as port:
            settings.EMAIL_HOST, settings.EMAIL_PORT = smtp.HOST, port
            os.environ |= {
                "EMAIL_HOST": smtp.HOST,
                "EMAIL_PORT": str(port),
                "SITE_URL": f"http://127.0.0.1:{options['port']}",
            }
            settings.SITE_URL = os.environ["SITE_URL"]
            if not play.marker().exists():
                play.load(now().date(), self._say)
            mails = sum(1 for _ in folder().glob("*.eml"))
            self._say(f"Ready after {time.monotonic() - began:.0f} s, {mails} mails in the mailbox.")
            if not options["load_only"]:
                call_command("up", port=options["port"], first_page="/demo/")

    def _say(self, line: str) -> None:
        """At once, also where the output is a pipe."""
        self.stdout.write(line)
        self.stdout.flush()

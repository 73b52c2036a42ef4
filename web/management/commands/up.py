"""manage.py up: migrate, then run web, worker and beat together until Ctrl-C."""

from __future__ import annotations

import os
import shlex
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from web.processes import Command as Process
from web.processes import Family

PROCFILE = Path(settings.BASE_DIR) / "Procfile"


class Command(BaseCommand):
    """Runs what the Procfile lists, as child processes with prefixed output."""

    help = "Run the whole service in one terminal. Ends with a non-zero code when one of its processes dies."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--first-page", default="/", help="where to send the reader once it is up")

    def handle(self, *_args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        address = f"http://127.0.0.1:{options['port']}"
        environment = {
            **os.environ,
            "PORT": str(options["port"]),
            "BIND": "127.0.0.1",
            "WEB_CONCURRENCY": os.environ.get("WEB_CONCURRENCY", "1"),
            "SITE_URL": os.environ.get("SITE_URL", address),
        }
        family = Family(processes(environment), environment, sys.stdout)
        code = family.run(
            ready=lambda: answers(f"{address}/readyz"),
            when_ready=lambda: self._say(f"Up. Open {address}{options['first_page']}  (Ctrl-C ends all of it)"),
        )
        if code:
            sys.exit(code)
        self._say("Ended.")

    def _say(self, line: str) -> None:
        """At once, also where the output is a pipe."""
        self.stdout.write(self.style.SUCCESS(line))
        self.stdout.flush()


def processes(environment: dict[str, str]) -> list[Process]:
    """The Procfile's processes, with this Python and these settings put in."""
    found = []
    for line in PROCFILE.read_text(encoding="utf-8").splitlines():
        name, colon, command = line.partition(":")
        if colon and not line.startswith("#"):
            argv = [_filled(word, environment) for word in shlex.split(command)]
            found.append(Process(name, [sys.executable, "-m", *argv]))
    return found


def _filled(word: str, environment: dict[str, str]) -> str:
    for name in ("BIND", "PORT", "WEB_CONCURRENCY"):
        word = word.replace("${" + name + "}", environment[name])
    return word


def answers(url: str) -> bool:
    """Whether the address answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False

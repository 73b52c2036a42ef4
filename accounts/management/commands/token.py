"""manage.py token LABEL --scope …: make an access token and print it once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.clock import now
from accounts.tokens import issue, revoke

SCOPES = "observations:program:KEY, observations:feed:KEY or scorecards:read"


class Command(BaseCommand):
    """Makes a token, or revokes those of a label."""

    help = f"Make an access token with scopes such as {SCOPES}. It is printed once and not kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("label", help="what it is for")
        parser.add_argument("--scope", action="append", default=[], help=f"{SCOPES}; may be given again")
        parser.add_argument("--days", type=int, help="days until it expires; without it, it does not")
        parser.add_argument("--revoke", action="store_true", help="revoke the tokens of this label instead")

    def handle(self, *_args: Any, **options: Any) -> None:
        label, scopes, days = options["label"], options["scope"], options["days"]
        if options["revoke"]:
            self.stdout.write(f"{revoke(label, now())} tokens revoked")
            return
        wrong = [scope for scope in scopes if not _is_scope(scope)]
        if wrong or not scopes:
            raise CommandError(f"--scope {SCOPES} was expected" + (f", not {wrong[0]!r}" if wrong else ""))
        _, secret = issue(label, scopes, expires_at=now() + timedelta(days=days) if days else None)
        self.stdout.write(secret)


def _is_scope(scope: str) -> bool:
    kind, _, rest = scope.partition(":")
    what, _, key = rest.partition(":")
    return scope == "scorecards:read" or (kind == "observations" and what in ("program", "feed") and bool(key))

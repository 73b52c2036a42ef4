"""manage.py invite EMAIL: print a link by which somebody sets a password; how the first administrator gets in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.urls import reverse

from accounts import entry
from accounts.clock import now
from accounts.roles import Refused, Role


class Command(BaseCommand):
    """Makes the person, if nobody has this e-mail yet, and a link that works once, for a week."""

    help = "Print a link by which somebody sets a password. It works once, for a week; no mail is sent."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="how to call them")
        parser.add_argument("--role", choices=[str(role) for role in Role], help="member unless given")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            opened = entry.invite(
                options["email"], options["role"] and Role(options["role"]), None, now(), name=options["name"],
                via="command",
            )  # fmt: skip
        except Refused as refused:
            raise CommandError(str(refused)) from None
        person = opened.link.user
        self.stdout.write(f"{settings.SITE_URL}{reverse('set-password-link', args=[opened.token])}")
        self.stderr.write(f"For {person.email}: it works once, until {opened.link.expires_at:%Y-%m-%d %H:%M} UTC.")

"""Where a person's digests go: one place of their own choice, and what becomes of it when it is refused."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import User
from accounts.secrets import seal
from program.fetch import FetchFailed, check

from .models import Delivery, Route

EMAIL, SLACK, SLACK_DIRECT, TEAMS, WEBHOOK, INBOX = "email", "slack", "slack-direct", "teams", "webhook", "inbox"
AS_MAIL = (EMAIL, INBOX)
"""Places for which the words of the mail do."""
NEEDS_URL = (SLACK, TEAMS, WEBHOOK)
LONGEST_URL = 2000
ADDRESS = re.compile(r"route ([0-9]{1,18})(?: at .*)?")
RETIRED = (".webhook.office.com", "outlook.office.com", "outlook.office365.com")
"""Teams' old connectors, which Microsoft has switched off."""


class NotKept(Exception):
    """A place that cannot be used; nothing was changed. Says what was expected."""


@dataclass(frozen=True)
class Chosen:
    """A place that was kept; `secret` is what a webhook's messages are signed with, and is told this once."""

    route: Route | None
    secret: str = ""


def of(person: User) -> Route | None:
    """The person's own choice, or None: e-mail. No query where it was selected with the person."""
    try:
        return person.route
    except Route.DoesNotExist:
        return None


def place(person: User) -> tuple[str, str]:
    """Channel and address that a digest to this person goes to now."""
    route = of(person)
    if route is None or route.suspended_at is not None:
        return EMAIL, person.email
    return route.kind, route.address


def is_cut_off(person: User) -> bool:
    """Whether the mail server refused the person's address, and they have no other place."""
    return bool(person.address_suspended_reason) and place(person)[0] == EMAIL


def refused(person: User) -> dict[str, Any] | None:
    """What a mail that goes in the stead of another place says about that; None if there is nothing to say."""
    route = of(person)
    if route is None or route.suspended_at is None:
        return None
    return {
        "kind": route.kind, "host": route.host, "reason": route.suspended_reason, "page": f"{settings.SITE_URL}/me/",
    }  # fmt: skip


def kinds_on_offer() -> Sequence[str]:
    """The places one may choose here."""
    direct = [SLACK_DIRECT] if settings.SLACK_BOT_TOKEN else []
    return [EMAIL, SLACK, *direct, TEAMS, WEBHOOK, INBOX]


def of_address(address: str) -> Route | None:
    """The route that an address of the outbox names, while it is in use."""
    found = ADDRESS.fullmatch(address)
    if found is None:
        return None
    return Route.objects.select_related("person").filter(pk=int(found.group(1)), suspended_at=None).first()


def choose(person: User, kind: str, url: str, now: datetime) -> Chosen:
    """Keep one place for a person's digests, in the stead of the one before. Raises NotKept."""
    if kind not in kinds_on_offer():
        raise NotKept(f"One of {', '.join(kinds_on_offer())} was expected.")
    url = url.strip()
    host = _checked(kind, url) if kind in NEEDS_URL else {SLACK_DIRECT: "slack.com"}.get(kind, "")
    secret = _new_secret() if kind == WEBHOOK else ""
    with transaction.atomic():
        # Of two at once the later one stands: a person's row is there to be locked, whether or not they have a place.
        User.objects.select_for_update().only("pk").get(pk=person.pk)
        before = _forget(person)
        route = None
        if kind != EMAIL:
            route = Route.objects.create(
                person=person,
                kind=kind,
                host=host,
                url=seal(url) if kind in NEEDS_URL else "",
                secret=seal(secret) if secret else "",
                since=now,
            )
        after = {"digests go to": kind, "host": host} if host else {"digests go to": kind}
        audit.record("person", person.email, at=now, actor=person, via="page", before=before, after=after)
    person.refresh_from_db(fields=["email"])
    return Chosen(route, secret)


def suspend(row: Delivery, reason: str, now: datetime) -> None:
    """A place was refused for good: put that on record. Call it in the transaction that sends the message elsewhere."""
    found = ADDRESS.fullmatch(row.address)
    if found is None or row.person is None:
        return
    mine = Route.objects.filter(pk=int(found.group(1)), person=row.person, suspended_at=None)
    if mine.update(suspended_at=now, suspended_reason=reason[:300]):
        after = {"digests go to": EMAIL, "not to": row.shown_address}
        audit.record("person", row.person.email, at=now, via=row.channel, after=after, reason=reason)


def _forget(person: User) -> dict[str, str]:
    """Delete the person's choice; returns it for the audit log."""
    held = Route.objects.filter(person=person).first()
    if held is None:
        return {"digests go to": EMAIL}
    held.delete()
    person._state.fields_cache.pop("route", None)
    return {"digests go to": held.kind, "host": held.host} if held.host else {"digests go to": held.kind}


def _new_secret() -> str:
    """As Standard Webhooks has them: 32 random bytes in base64 behind "whsec_"."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def _checked(kind: str, url: str) -> str:
    """The host of a URL that may be used for this kind. Raises NotKept with what was expected."""
    expected = EXPECTED[kind]
    if not url:
        raise NotKept(f"An address was expected: {expected}.")
    if len(url) > LONGEST_URL:
        raise NotKept(f"An address of at most {LONGEST_URL} characters was expected: {expected}.")
    try:
        host = check(url)
    except FetchFailed as fault:
        raise NotKept(f"{fault.reason} Expected: {expected}.") from None
    parts = urlsplit(url)
    if parts.scheme != "https":
        raise NotKept(f"An address that begins with https:// was expected: {expected}.")
    if kind == TEAMS and host.endswith(RETIRED):
        raise NotKept(f"{host} is an old connector of Teams, which Microsoft has switched off. Expected: {expected}.")
    known = {SLACK: settings.SLACK_HOSTS, TEAMS: settings.TEAMS_HOSTS}.get(kind)
    if known is not None and not any(host == one or (one.startswith(".") and host.endswith(one)) for one in known):
        raise NotKept(f"A host that ends in {' or '.join(known)} was expected, not {host}: {expected}.")
    if kind in (SLACK, TEAMS) and parts.path in ("", "/"):
        raise NotKept(f"The whole address was expected, with what comes after the host: {expected}.")
    return host


EXPECTED = {
    SLACK: "the address of an incoming webhook, as https://hooks.slack.com/services/T…/B…/…",
    TEAMS: "the address of a workflow “Post to a channel when a webhook request is received”",
    WEBHOOK: "an https address of yours that takes a POST",
}

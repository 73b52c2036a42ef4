"""A second factor: codes of an authenticator app that work once each, and recovery codes for when it is lost."""

from __future__ import annotations

import io
from base64 import b64encode
from datetime import datetime
from urllib.parse import quote

import qrcode
from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.db import transaction
from qrcode.image.svg import SvgPathFillImage

from . import audit
from .models import User
from .secrets import Unreadable, seal, unseal

TOTP, RECOVERY = Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES
LONGEST = 40
COUNTER = "counter"
"""The last time step whose code was used: neither it nor an earlier one works again, in whatever process."""


def is_set(user: User) -> bool:
    """Whether this person is asked for a code at sign-in."""
    return Authenticator.objects.filter(user=user, type=TOTP).exists()


def since(user: User) -> datetime | None:
    """When it was set; None if it is not."""
    return Authenticator.objects.filter(user=user, type=TOTP).values_list("created_at", flat=True).first()


def new_secret() -> str:
    """A secret for an authenticator app, sealed as it may be kept until it is confirmed."""
    return seal(generate_totp_secret())


def readable(sealed: str) -> str:
    """The secret in groups of four, for typing it in. Raises Unreadable."""
    secret = unseal(sealed)
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def picture(user: User, sealed: str) -> str:
    """The secret as a QR code: an SVG in a data: address, black on white in any color scheme. Raises Unreadable."""
    image = qrcode.make(get_adapter().build_totp_url(user, unseal(sealed)), image_factory=SvgPathFillImage)
    drawn = io.BytesIO()
    image.save(drawn)
    return f"data:image/svg+xml;base64,{quote(b64encode(drawn.getvalue()).decode())}"


def confirm(user: User, sealed: str, code: str, now: datetime, via: str = "page") -> list[str] | None:
    """Set the factor if the code is the secret's; returns its recovery codes, or None. Raises Unreadable."""
    secret = unseal(sealed)
    counter = _counter_of(secret, code)
    if counter is None:
        return None
    with transaction.atomic():
        _forget(user)
        Authenticator.objects.create(user=user, type=TOTP, data={"secret": seal(secret), COUNTER: counter})
        codes: list[str] = RecoveryCodes.activate(user).generate_codes()
        _record(user, user, now, via, None, "second factor set")
    return codes


def check(user: User, code: str, now: datetime) -> bool:
    """Whether a code is one of this person's: of the app, or a recovery code. Either works once."""
    with transaction.atomic():
        held = {row.type: row for row in Authenticator.objects.select_for_update().filter(user=user)}
        try:
            return _takes(held.get(TOTP), code, now) or _takes_recovery(held.get(RECOVERY), code, now, user)
        except Unreadable:
            return False


def recovery_codes_left(user: User) -> int:
    """How many recovery codes were not used yet."""
    row = Authenticator.objects.filter(user=user, type=RECOVERY).first()
    try:
        return len(RecoveryCodes(row).get_unused_codes()) if row else 0
    except Unreadable:
        return 0


def new_recovery_codes(user: User, now: datetime) -> list[str]:
    """Other recovery codes; the old ones work no more."""
    with transaction.atomic():
        Authenticator.objects.filter(user=user, type=RECOVERY).delete()
        codes: list[str] = RecoveryCodes.activate(user).generate_codes()
        _record(user, user, now, "page", None, "new recovery codes")
    return codes


def remove(user: User, by: User | None, now: datetime, *, via: str = "page", reason: str = "") -> bool:
    """Take the factor away; False if there was none."""
    with transaction.atomic():
        if not _forget(user):
            return False
        _record(user, by, now, via, "second factor set", "second factor removed", reason)
    return True


def _forget(user: User) -> int:
    return int(Authenticator.objects.filter(user=user, type__in=(TOTP, RECOVERY)).delete()[0])


def _record(
    user: User, by: User | None, now: datetime, via: str, before: str | None, after: str, reason: str = ""
) -> None:
    audit.record("person", user.email, at=now, actor=by, via=via, before=before, after=after, reason=reason)


def _counter_of(secret: str, code: str) -> int | None:
    """The time step of which this is the code; None if it is of none near now."""
    for counter in yield_hotp_counters_from_time():
        if compare_user_code(actual=code[:LONGEST], expected=format_hotp_value(hotp_value(secret, counter))):
            return int(counter)
    return None


def _takes(row: Authenticator | None, code: str, now: datetime) -> bool:
    if row is None:
        return False
    counter = _counter_of(unseal(row.data["secret"]), code)
    if counter is None or counter <= row.data.get(COUNTER, 0):
        return False
    row.data[COUNTER], row.last_used_at = counter, now
    row.save(update_fields=["data", "last_used_at"])
    return True


def _takes_recovery(row: Authenticator | None, code: str, now: datetime, user: User) -> bool:
    if row is None or not RecoveryCodes(row).validate_code(code[:LONGEST]):
        return False
    Authenticator.objects.filter(pk=row.pk).update(last_used_at=now)
    _record(user, user, now, "sign-in", None, "recovery code used")
    return True

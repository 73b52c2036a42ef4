"""What people say about themselves: name, time zone, country, when they are away, and who stands in for them then."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction

from . import audit
from .clock import day_of
from .entry import as_name
from .models import User
from .roles import Refused

COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)
FIELDS = ("name", "time_zone", "country", "absent_from", "absent_until", "deputy")


class NotKept(Exception):
    """What was typed is not as expected; nothing of it was kept."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@cache
def zones() -> tuple[str, ...]:
    """Names of time zones that can be chosen, in order."""
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


def change(person: User, typed: Mapping[str, str], now: datetime) -> bool:
    """Keep what somebody typed about themselves; False if nothing is new. Raises NotKept with every fault."""
    faults: list[str] = []
    values = {name: _read(name, typed.get(name, ""), faults) for name in FIELDS if name != "deputy"}
    values["deputy"] = _deputy(person, typed.get("deputy", "").strip(), faults)
    since, until = values["absent_from"], values["absent_until"]
    if isinstance(since, date) and isinstance(until, date) and until < since:
        faults.append(f"The last day away ({until}) is before the first ({since}).")
    if faults:
        raise NotKept(faults)
    changed = {name: value for name, value in values.items() if getattr(person, name) != value}
    if not changed:
        return False
    before = {name: _plain(getattr(person, name)) for name in changed}
    with transaction.atomic():
        for name, value in changed.items():
            setattr(person, name, value)
        person.save(update_fields=list(changed))
        after = {name: _plain(value) for name, value in changed.items()}
        audit.record("person", person.email, at=now, actor=person, via="page", before=before, after=after)
    return True


def as_typed(person: User) -> dict[str, str]:
    """What is kept, as a form shows it."""
    return {name: str(_plain(getattr(person, name)) or "") for name in FIELDS}


def resume_mail(person: User, now: datetime, by: User | None = None) -> bool:
    """Let mail go again to an address that the mail server once refused, by its person or whoever misses them; False
    if it does already."""
    with transaction.atomic():
        done = (
            User.objects.filter(pk=person.pk).exclude(address_suspended_reason="").update(address_suspended_reason="")
        )
        if done:
            audit.record("person", person.email, at=now, actor=by or person, via="page", after="address in use again")
    return bool(done)


def _read(name: str, text: str, faults: list[str]) -> Any:
    text = text.strip()
    if name == "name":
        try:
            return as_name(text)
        except Refused as refused:
            faults.append(str(refused))
    elif name == "time_zone" and text and text not in zones():
        faults.append(f"A time zone such as Europe/Riga was expected, not {text[:40]!a}.")
    elif name == "country" and text and not COUNTRY.fullmatch(text.upper()):
        faults.append(f"A country as two letters, such as LV, was expected, not {text[:40]!a}.")
    elif name == "country":
        return text.upper()
    elif name.startswith("absent"):
        return _day(text, faults)
    return text


def _deputy(person: User, email: str, faults: list[str]) -> User | None:
    """Who is told in the person's place: somebody else who may enter and change things."""
    if not email:
        return None
    found = None if "\0" in email else User.objects.filter(email=email.lower(), is_active=True).first()
    if found is None:
        faults.append(f"The e-mail of somebody known here was expected as your deputy, not {email[:80]!a}.")
    elif found.pk == person.pk:
        faults.append("Somebody else was expected as your deputy: while you are away you are told nothing.")
    elif found.reads_only:
        faults.append(f"{found} only reads: somebody who may answer was expected as your deputy.")
    return found


def _day(text: str, faults: list[str]) -> date | None:
    try:
        day = day_of(text) if text else None
    except ValueError:
        day = date.min
    if day is None or EARLIEST <= day <= LATEST:
        return day
    faults.append(f"A day from {EARLIEST} to {LATEST}, as 2026-01-31, was expected, not {text[:40]!a}.")
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, User):
        return value.email
    return value.isoformat() if isinstance(value, date) else value

"""A new program: a draft with a name, a purpose, an owner and an end."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import User

from .models import Program, ProgramOwner
from .typed_in import TypedIn

LONGEST_KEY = 80
RESERVED = {"new", "apply"}
"""Keys that an address of the pages has already."""


def key_of(name: str) -> str:
    """A key for a name: "Every function typed" is every-function-typed. Empty where no letter can be kept."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_KEY].strip("-")


def free_key(wanted: str) -> str:
    """The key that was wanted, or the first that is free with a number behind it."""
    taken = set(Program.objects.filter(key__startswith=wanted).values_list("key", flat=True)) | RESERVED
    key, number = wanted, 1
    while key in taken:
        number += 1
        key = f"{wanted[: LONGEST_KEY - 4]}-{number}"
    return key


def a_year_after(day: date) -> date:
    """The same day a year on; of 29 February, the 28th."""
    try:
        return day.replace(year=day.year + 1)
    except ValueError:
        return day.replace(year=day.year + 1, day=28)


def may_start(user: User) -> bool:
    """Any member may start a draft: it is seen by its owners and its sponsor only, and asks nothing of anybody."""
    return user.is_active and not user.reads_only


def start(typed: TypedIn, *, day: date, now: datetime, by: User, via: str = "") -> Program | None:
    """A draft of what was typed (name, key, purpose), owned by its maker, for a year. None where it has faults."""
    name = typed.text("name", "a name", most=200, required=True)
    purpose = typed.text("purpose", "what gets better for whom", required=True)
    key = typed.key("key") if typed["key"].strip() else free_key(key_of(name)) if key_of(name) else ""
    if name and not key and "key" not in typed.faults:
        typed.fault("key", "a key of letters and digits was expected: none could be made of this name")
    elif key in RESERVED or Program.objects.filter(key=key).exists():
        typed.fault("key", f"another key was expected: {key} is taken")
    if typed.faults:
        return None
    with transaction.atomic():
        made = Program.objects.create(
            key=key, name=name, purpose=purpose, state=Program.State.DRAFT, start=day, end=a_year_after(day)
        )
        ProgramOwner.objects.create(program=made, user=by, role=ProgramOwner.Role.TECHNICAL)
        after = {"name": name, "state": str(made.state), "end": made.end.isoformat(), "technical owner": by.email}
        record("program", key, at=now, actor=by, via=via, after=after)
    return made

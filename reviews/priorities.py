"""A change of priorities that the sponsor notes at any time: the owners are told at once, until it is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.clock import today
from accounts.models import User
from nudges.models import Delivery
from nudges.outbox import Letter, put_all
from program import wording as say
from program.models import Program, ProgramOwner
from teams.lifecycle import has_ended
from teams.typed import Unfit

from . import words
from .models import Priority, PriorityQuerySet

KIND = "priority"
LONGEST = 500


def may_note(user: User, program: Program) -> bool:
    """Whether a person may note one and say that it is over: the sponsor, or an administrator, while the program
    lives."""
    if user.reads_only or not user.is_active or has_ended(program):
        return False
    return user.is_superuser or (program.sponsor_id is not None and program.sponsor_id == user.pk)


def note(program: Program, text: str, now: datetime, *, by: User, via: str = "page") -> Priority:
    """Keep a change and tell the owners. Raises Unfit."""
    said = text.strip()
    if not said or len(said) > LONGEST or "\0" in said:
        raise Unfit(f"A change of priorities in 1 to {LONGEST} characters was expected, without a null character.")
    with transaction.atomic():
        made = Priority.objects.create(program=program, text=said, by=by, at=now)
        audit.record("priority", f"{program.key}/{made.pk}", at=now, actor=by, via=via, after=said)
        _tell(made, now)
    return made


def end(priority: Priority, now: datetime, *, by: User, via: str = "page") -> bool:
    """Say that it is over; False if somebody did before."""
    with transaction.atomic():
        changed = Priority.objects.filter(pk=priority.pk, over_at=None).update(over_at=now)
        if changed:
            key = f"{priority.program.key}/{priority.pk}"
            audit.record("priority", key, at=now, actor=by, via=via, before=priority.text, after="over")
    return bool(changed)


def standing(user: User) -> PriorityQuerySet:
    """What a person may see of it and is not over, the newest first, with program and who said it."""
    return Priority.objects.visible_to(user).filter(over_at=None).select_related("program", "by").order_by("-at", "-pk")


def of_program(user: User, program: Program) -> list[Priority]:
    """Those of one program that stand, for who may see them. One query."""
    return list(standing(user).filter(program=program))


def every(program: Program) -> list[Priority]:
    """All that were ever noted, with who said it, in their order. One query."""
    return list(Priority.objects.filter(program=program).select_related("by", "program"))


def lines(noted: Sequence[Priority], since: datetime | None, on: date) -> list[str]:
    """What the brief says of a program's: all that stand, and those noted or over since the last brief."""
    return [_line(one, on) for one in noted if one.over_at is None or since is None or one.over_at > since]


def _line(one: Priority, on: date) -> str:
    zone = one.program.review_zone
    over = f" Over since {say.near_day(today(zone, one.over_at), on)}." if one.over_at else ""
    return f"{say.near_day(today(zone, one.at), on)}, {one.by}: “{' '.join(one.text.split())}”{over}"


def _tell(made: Priority, now: datetime) -> None:
    """At once, whatever the hour: what changes the program's direction does not wait for a digest."""
    program = made.program
    owners = ProgramOwner.objects.filter(program=program, user__is_active=True).exclude(user=made.by)
    people = list(
        {owner.user_id: owner.user for owner in owners.select_related("user").order_by("-role", "pk")}.values()
    )
    subject, text, html = words.fill(KIND, of_priority(made))
    letters = [
        Letter(
            KIND, f"{program.key}/{made.pk}", person.email, subject, text, html, person=person, program=program,
            headers=words.of_list() | {"Reply-To": made.by.email},
        )
        for person in people
    ]  # fmt: skip
    put_all(letters, now)


def of_priority(made: Priority) -> dict[str, object]:
    """What the mail says."""
    site, key = settings.SITE_URL, made.program.key
    return {
        "program": made.program,
        "by": made.by,
        "sponsors": made.program.sponsor_id == made.by_id,
        "said": made.text,
        "desk": f"{site}/programs/{key}/desk/",
        "link": f"{site}/programs/{key}/priorities/",
    }


def prefetch(rows: Sequence[Delivery], _now: datetime) -> None:
    """Load the changes of these deliveries onto them, in one query."""
    held = Priority.objects.in_bulk([int(row.key.rsplit("/", 1)[1]) for row in rows])
    for row in rows:
        row.priority = held.get(int(row.key.rsplit("/", 1)[1]))  # type: ignore[attr-defined]


def still_wanted(row: Delivery, _now: datetime) -> str | None:
    """None to send it; else why not."""
    priority: Priority | None = row.priority  # type: ignore[attr-defined]
    if priority is None:
        return "it is gone"
    return "it is over already" if priority.over_at is not None else None

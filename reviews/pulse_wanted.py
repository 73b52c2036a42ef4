"""Asks again, before a pulse goes out, whether it can still be answered; one that never arrived counts as not asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from nudges import hours
from nudges.kinds import Later
from nudges.models import Delivery, Mute
from nudges.people import Org
from program.models import Program

from .models import Brief, Pulse, Review


def prefetch(rows: Sequence[Delivery], _now: datetime) -> None:
    """Load pulses, mutes and zones of these deliveries onto them, in a constant number of queries."""
    found = _pulses(rows)
    reviews = {pulse.review_id for pulse in found.values()}
    frozen = set(Brief.objects.filter(review__in=reviews).values_list("review", flat=True))
    mutes = Mute.objects.filter(Q(program__in={row.program_id for row in rows}) | Q(program=None), goal=None)
    muted = set(mutes.values_list("person", "program"))
    org = Org.read()
    for row in rows:
        pulse = found.get(_names(row))
        row.pulse = pulse  # type: ignore[attr-defined]
        row.frozen = pulse is not None and pulse.review_id in frozen  # type: ignore[attr-defined]
        row.muted = bool({(row.person_id, None), (row.person_id, row.program_id)} & muted)  # type: ignore[attr-defined]
        row.zone = org.zone_of(pulse.person) if pulse else ""  # type: ignore[attr-defined]


def still_wanted(row: Delivery, now: datetime) -> str | Later | None:
    """None to send it; else why not, or when."""
    pulse: Pulse | None = row.pulse  # type: ignore[attr-defined]
    if pulse is None:
        return "its review is gone"
    if pulse.review.state != Review.State.SCHEDULED:
        return f"the review is {pulse.review.state}"
    if pulse.review.program.state != Program.State.ACTIVE:
        return f"the program is {pulse.review.program.state}"
    if row.frozen:  # type: ignore[attr-defined]
        return "the brief is frozen"
    if pulse.answered_at is not None:
        return "it was answered"
    if not pulse.person.is_active:
        return "the person is not active any more"
    if row.muted:  # type: ignore[attr-defined]
        return "the person stopped mail of this program"
    zone: str = row.zone  # type: ignore[attr-defined]
    local = now.astimezone(hours.zone(zone))
    if pulse.person.is_away(local.date()):
        return "the person is away"
    if not hours.is_working(local, pulse.person.country):
        return Later(hours.next_working(now, zone, pulse.person.country), "outside working hours")
    return None


def never_arrived(rows: Sequence[Delivery], _now: datetime) -> None:
    """Who got no question was not asked, unless they answered on their home page."""
    found = _pulses(rows)
    gone = [pulse.pk for row in rows if (pulse := found.get(_names(row))) is not None]
    Pulse.objects.filter(pk__in=gone, answered_at=None).delete()


def _pulses(rows: Sequence[Delivery]) -> dict[tuple[int | None, str, int | None], Pulse]:
    periods = {row.key.split("/")[1] for row in rows}
    held = Pulse.objects.filter(
        person__in={row.person_id for row in rows}, review__program__in={row.program_id for row in rows},
        review__period__in=periods,
    ).select_related("review__program", "person")  # fmt: skip
    return {(one.review.program_id, one.review.period, one.person_id): one for one in held}


def _names(row: Delivery) -> tuple[int | None, str, int | None]:
    return row.program_id, row.key.split("/")[1], row.person_id

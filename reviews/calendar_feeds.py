"""A person's private calendar: the address that a calendar program reads, and all the reviews they sit in, to come too.

Of the address, 32 random bytes, only the SHA-256 is kept. Entries have the UIDs of the invites. What is still a plan,
the program's calendar beyond the next review, stands there as tentative and under a UID of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile

import icalendar
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from accounts import audit
from accounts.models import User
from accounts.tokens import USE_RECORDED_EVERY, digest
from nudges.outbox import sender_domain
from program.models import Program

from . import invites, schedule
from .models import Attendance, CalendarFeed, Review

BACK, AHEAD = timedelta(days=90), timedelta(days=370)
MOST_PLANNED = 60
"""Of one program: a review a week, and then some."""
State = Review.State


def make(person: User, now: datetime, via: str = "page") -> str:
    """Make a person's address, in the stead of one they had; returns it. It is not kept and cannot be shown again."""
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        kept = {"digest": digest(secret), "created_at": now, "last_used_at": None}
        _, new = CalendarFeed.objects.update_or_create(person=person, defaults=kept)
        said = "made" if new else "replaced"
        audit.record("calendar address", person.email, at=now, actor=person, via=via, after=said)
    return f"{settings.SITE_URL}{reverse('calendar-feed', args=[secret])}"


def end(person: User, now: datetime, via: str = "page") -> bool:
    """End a person's address at once; False if they had none."""
    with transaction.atomic():
        done, _ = CalendarFeed.objects.filter(person=person).delete()
        if done:
            audit.record("calendar address", person.email, at=now, actor=person, via=via, after="ended")
    return bool(done)


def recognize(secret: str, now: datetime) -> CalendarFeed | None:
    """The feed of this address, its use recorded; None if there is none, or its person is here no more."""
    feed = CalendarFeed.objects.filter(digest=digest(secret)).select_related("person").first()
    if feed is None or not feed.person.is_active:
        return None
    if feed.last_used_at is None or now - feed.last_used_at > USE_RECORDED_EVERY:
        CalendarFeed.objects.filter(pk=feed.pk).update(last_used_at=now)
    return feed


def render(person: User, now: datetime) -> str:
    """The file. It differs only where a review does: nothing in it says when it was asked for."""
    mine = Program.objects.filter(Q(sponsor=person) | Q(owners__user=person)).order_by().values("pk")
    programs = list(Program.objects.filter(pk__in=mine).select_related("sponsor").order_by("key"))
    invited = Q(invitations__person=person, invitations__withdrawn_at=None)
    span = Review.objects.filter(starts_at__gte=now - BACK, starts_at__lte=now + AHEAD)
    rows = span.filter(Q(program__in=programs) | invited).distinct().select_related("program__sponsor", "brief")
    reviews = list(rows.prefetch_related("invitations").order_by("starts_at", "pk"))
    said = {
        row.review_id: row
        for row in Attendance.objects.filter(person=person, review__in=reviews).exclude(reply=Attendance.Reply.NONE)
    }
    events = [_event(review, person, said.get(review.pk)) for review in reviews]
    held: dict[int, list[Review]] = {program.pk: [] for program in programs}
    for review in Review.objects.filter(program__in=programs):
        held[review.program_id].append(review)
    events += [event for program in programs for event in _planned(program, held[program.pk], now)]
    return invites.calendar_of(events, (now - BACK, now + AHEAD), name="Program reviews")


def _event(review: Review, person: User, said: Attendance | None) -> icalendar.Event:
    told = {row.person_id: row for row in review.invitations.all()}.get(person.pk)
    frozen = review.brief.frozen_at if hasattr(review, "brief") else review.created_at
    stamp = max(review.created_at, frozen, told.at if told else review.created_at)
    event = invites.event_of(review, stamp)
    takes_place = review.state in (State.SCHEDULED, State.HELD)
    declined = (
        said is not None and said.reply == Attendance.Reply.DECLINED
        and told is not None and (said.reply_sequence or 0) >= told.sequence
    )  # fmt: skip
    event.add("status", "CONFIRMED" if takes_place else "CANCELLED")
    event.add("transp", "TRANSPARENT" if declined else "OPAQUE")
    return event


def _planned(program: Program, held: Sequence[Review], now: datetime) -> Iterator[icalendar.Event]:
    """What the calendar of an active program holds beyond its rows, until the program ends."""
    if program.state != Program.State.ACTIVE or program.cadence is None:
        return
    periods = {review.period for review in held if review.state == State.SCHEDULED}
    until = min(now + AHEAD, datetime.combine(program.end + timedelta(days=1), datetime.min.time(), UTC))
    coming = schedule.to_hold(program.cadence, held, now)
    for number, one in enumerate(takewhile(lambda one: one.at < until, coming)):
        if number >= MOST_PLANNED:
            return
        if one.period in periods:
            continue
        review = Review(
            program=program, period=one.period, starts_at=one.at, minutes=program.review_minutes,
            zone=program.review_zone, uid="", created_at=program.created_at,
        )  # fmt: skip
        uid = f"planned-{program.pk}-{one.period}@{sender_domain()}"
        event = invites.event_of(review, program.created_at, uid=uid, summary="Planned: review of ")
        event.add("status", "TENTATIVE")
        event.add("transp", "TRANSPARENT")
        yield event


def since(person: User) -> date | None:
    """Since when a person has an address; None if they have none."""
    feed = CalendarFeed.objects.filter(person=person).first()
    return feed.created_at.date() if feed else None

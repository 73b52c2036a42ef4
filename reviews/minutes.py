"""The end of a review: its minutes, once, to whoever sat in it, and to each person what was asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from accounts import audit
from accounts.clock import today
from accounts.models import User
from nudges.kinds import Kind
from nudges.models import Delivery
from nudges.outbox import Letter, put_all
from program import wording as say
from program.models import Program
from program.rules.working_days import working_days_after
from teams.typed import Unfit

from . import ask_mail, ask_words, days, room, words
from .apart import apart
from .invites import attendees
from .models import Ask, Attendance, Decision, Review

KIND = "minutes"
LONGEST_IN_MAIL = 20_000
"""Characters of the notes; mail programs cut off what is much longer."""
LONG_AFTER = timedelta(days=14)
"""Minutes that nobody sent by then are news to nobody."""
HELD_IN = (Review.State.SCHEDULED, Review.State.HELD)


@dataclass(frozen=True)
class Minutes:
    """What stands in them, as it is now. Of a decision and an ask: whether it came after the minutes were sent."""

    there: Sequence[str]
    missing: Sequence[str]
    decisions: Sequence[tuple[Decision, bool]]
    asks: Sequence[tuple[Ask, bool]]
    notes: str
    notes_later: bool


def of(review: Review) -> Minutes:
    """The minutes of a review as it stands now.

    Once anybody is said to be there, whoever was invited and is not was not.
    """
    sent = review.minutes_sent_at
    people = room.expected(review)
    there = [str(one.person) for one in people if one.present]
    asks = Ask.objects.filter(review=review).select_related("of", "program", "review").prefetch_related("goals__team")
    return Minutes(
        there=there,
        missing=[str(one.person) for one in people if not one.present] if there else [],
        decisions=[(one, sent is not None and one.at > sent) for one in Decision.objects.filter(review=review)],
        asks=[(one, sent is not None and one.raised_at > sent) for one in asks.order_by("pk")],
        notes=review.notes,
        notes_later=review.minutes_version is not None and review.notes_version != review.minutes_version,
    )


def too_early(review: Review, now: datetime) -> str:
    """Why its minutes cannot be sent, in a sentence; empty: they can."""
    if review.minutes_sent_at is not None:
        return "The minutes were sent already."
    if review.state not in HELD_IN:
        return "This review does not take place: it has no minutes."
    if review.starts_at > now:
        start = review.local_start
        return f"It begins on {say.weekday(start.date())} at {start:%H:%M}: minutes come after that."
    return ""


def send_due(now: datetime) -> int:
    """Send the minutes that nobody sent: at nine of the working day after a review of which anything was written down,
    so that what is asked is told. Returns of how many reviews."""
    ended = Review.objects.filter(state__in=HELD_IN, minutes_sent_at=None, starts_at__range=(now - LONG_AFTER, now))
    written = Q(notes_version__gt=0) | Q(decisions__isnull=False) | Q(asks__isnull=False)
    found = list(ended.filter(written).select_related("program__sponsor").distinct())
    return apart((one for one in found if _due_at(one) <= now), lambda one: _end_alone(one, now))


def _end_alone(review: Review, now: datetime) -> bool:
    try:
        end(review, now, by=None)
    except Unfit:  # somebody, or another beat, ended it a moment ago
        return False
    return True


def _due_at(review: Review) -> datetime:
    day = working_days_after(review.ends_at.astimezone(review.local_start.tzinfo).date(), 1, days.country(review))
    return datetime.combine(day, days.HOUR, review.local_start.tzinfo)


def end(review: Review, now: datetime, *, by: User | None) -> int:
    """End the meeting and send its minutes; of several at once, one does it. Returns to how many. Raises Unfit.

    Without anybody who ends it, it is the day after that does.
    """
    with transaction.atomic():
        mine = Review.objects.filter(pk=review.pk, minutes_sent_at=None, state__in=HELD_IN, starts_at__lte=now)
        if not mine.update(minutes_sent_at=now, minutes_version=F("notes_version"), state=Review.State.HELD):
            held = Review.objects.get(pk=review.pk)
            raise Unfit(too_early(held, now) or "The minutes were sent already.")
        before = {"state": review.state}
        review.refresh_from_db(fields=["minutes_sent_at", "minutes_version", "state", "notes", "notes_version"])
        after = {"state": review.state, "notes": review.minutes_version}
        audit.record("minutes", review.key, at=now, actor=by, before=before, after=after)
        return _put(review, now)


def _put(review: Review, now: datetime) -> int:
    """Write the mails: the minutes to whoever was invited or there, and to the others what is asked of them."""
    minutes = of(review)
    present = Attendance.objects.filter(review=review, present=True).select_related("person").order_by("pk")
    invited = attendees(review)
    people = {one.pk: one for one in [*invited, *(row.person for row in present)] if one.is_active}
    asked: dict[int, list[Ask]] = {}
    for ask, _later in minutes.asks:
        if ask.of_id and ask.state == Ask.State.OPEN:
            asked.setdefault(ask.of_id, []).append(ask)
    may_see = {one.pk for one in invited}
    put_all(
        [_letter(review, one, minutes, asked.get(one.pk, []), one.pk in may_see, now) for one in people.values()], now
    )
    others = [asks for pk, asks in asked.items() if pk not in people]
    for asks in others:
        if asks[0].of is not None:
            ask_mail.put_asked(review, asks[0].of, asks, now)
    return len(people) + len(others)


def _letter(
    review: Review, person: User, minutes: Minutes, asked: Sequence[Ask], may_see: bool, now: datetime
) -> Letter:
    context = words.of_review(review) | facts(review, person, minutes, asked, may_see, now)
    subject, text, html = words.fill(KIND, context)
    return Letter(
        KIND, review.key, person.email, subject, text, html, person=person, program=review.program,
        headers=words.headers(review, words.answer_to(review.program)), not_after=now + timedelta(days=7),
    )  # fmt: skip


def facts(
    review: Review, person: User, minutes: Minutes, asked: Sequence[Ask], may_see: bool, now: datetime
) -> dict[str, Any]:
    """What the mail says, to one person."""
    on = today(review.zone, now)
    notes = minutes.notes.strip()[:LONGEST_IN_MAIL]
    return {
        "headline": headline(review.program, minutes),
        "there": minutes.there,
        "missing": minutes.missing,
        "decisions": [one.text for one, _later in minutes.decisions if one.struck_at is None],
        "asks": [(ask.text, _of_and_when(ask, on)) for ask, _later in minutes.asks],
        "yours": [ask_mail.line(ask, person, on) for ask in asked],
        "notes": notes.split("\n") if notes else [],
        "cut": len(minutes.notes.strip()) > LONGEST_IN_MAIL,
        "page": f"{words.link(review)}minutes/" if may_see else "",
        "because": words.because(review, person) if may_see else "You get this because you were there.",
    }


def headline(program: Program, minutes: Minutes) -> str:
    """The first line: how much was decided, and how much is asked."""
    decided = sum(one.struck_at is None for one, _later in minutes.decisions)
    parts = [say.count(decided, "decision")] if decided else ["Nothing was decided"]
    parts.append(say.count(len(minutes.asks), "ask") if minutes.asks else "nothing is asked of anybody")
    return f"{' and '.join(parts) if decided and minutes.asks else ', '.join(parts)}: {program.name}."


def _of_and_when(ask: Ask, on: date) -> str:
    """Of whom and by when: "Gina, by 30 Apr"."""
    return f"{ask.of or 'nobody yet'}, {ask_words.by_when(ask, on) or 'no day'}"


def still_wanted(row: Delivery, _now: datetime) -> str | None:
    """Minutes are wanted however late: they say what was, for as long as the review is here."""
    found = Review.objects.filter(program=row.program_id, period=row.key.split("/")[1]).exists()
    return None if found else "its review is gone"


MINUTES = Kind(KIND, still_wanted=still_wanted, breaker=False)

"""What a person does to the calendar: skip a review, move it to another time, bring it forward on a red flag.

A moved review keeps its period and its calendar entry; the program's calendar moves it no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts import audit
from accounts.models import User
from program import wording
from program.rules.cadence import moment_of
from teams.lifecycle import has_ended
from teams.typed import Unfit

from . import red_flags, schedule
from .days import earliest
from .models import Ask, Decision, Review

State = Review.State
LONGEST_WHY = 300
FARTHEST = timedelta(days=366)


@dataclass(frozen=True)
class Forward:
    """That a review may be brought forward: to which wall time in its zone, and why."""

    to: datetime
    why: str


@dataclass(frozen=True)
class Room:
    """Between which reviews one may be moved: after the day of the one before it, before the day of the next."""

    after: date | None
    before: date | None


def may(user: User, review: Review) -> bool:
    """Whether a person may change a review's time: its sponsor, its owners, an administrator; no viewer."""
    return not user.reads_only and Review.objects.visible_to(user).filter(pk=review.pk).exists()


def is_to_come(review: Review, now: datetime) -> bool:
    """Whether there is anything to change about its time."""
    return review.state == State.SCHEDULED and review.starts_at > now and not has_ended(review.program)


def is_in_doubt(review: Review, now: datetime) -> bool:
    """Whether its time is over and nothing was written down: only people know if it took place."""
    over = review.state in (State.SCHEDULED, State.HELD) and review.ends_at <= now
    return over and not has_ended(review.program) and review.minutes_sent_at is None and not is_written(review)


def is_written(review: Review) -> bool:
    """Whether anything of it was written down: notes, decisions, asks."""
    rows = (Decision.objects.filter(review=review), Ask.objects.filter(review=review))
    return bool(review.notes_version) or any(found.exists() for found in rows)


def missed(review: Review, why: str, *, by: User, now: datetime, via: str = "page") -> None:
    """Say of a review whose time is over that it did not take place. Nobody is told: they were there, or not.
    Raises Unfit."""
    if not is_in_doubt(review, now):
        raise Unfit("A review whose time is over, of which nothing is written down, was expected.")
    before, reason = {"state": review.state}, _reason(why)
    with transaction.atomic():
        same = Review.objects.filter(pk=review.pk, state=review.state, sequence=review.sequence, notes_version=0)
        if not same.update(state=State.SKIPPED, why=reason):
            raise Unfit("Somebody else changed this review at the same time: look at it again.")
        after = {"state": State.SKIPPED}
        audit.record("review", review.key, at=now, actor=by, via=via, before=before, after=after, reason=reason)
    review.refresh_from_db()


def skip(review: Review, why: str, *, by: User, now: datetime, via: str = "page") -> None:
    """Take a review out of the calendar for good, with a reason; people who were invited are told. Raises Unfit."""
    _must_come(review, now)
    reason = _reason(why)
    if not reason:
        raise Unfit("Why it is skipped was expected, in a few words: everybody who was invited reads it.")
    _change(review, {"state": State.SKIPPED}, reason, by=by, now=now, via=via)


def move(review: Review, to: datetime, why: str, *, by: User, now: datetime, via: str = "page") -> None:
    """Hold a review at another wall time (naive) in its zone. Raises Unfit."""
    _must_come(review, now)
    at = _moment(review, to)
    if at <= now:
        raise Unfit(f"A time to come was expected; {_said(to)} is over ({review.zone}).")
    if at == review.starts_at:
        raise Unfit(f"Another time was expected: it is on {_said(to)} already.")
    bounds = room(review, now)
    if bounds.before and to.date() >= bounds.before:
        raise Unfit(f"A day before {wording.weekday(bounds.before)} was expected: that is when the next review is.")
    if bounds.after and to.date() <= bounds.after:
        raise Unfit(f"A day after {wording.weekday(bounds.after)} was expected: that is when the review before it is.")
    if at > now + FARTHEST:
        raise Unfit(f"A time within a year was expected, not {wording.day(to.date())} {to.year}.")
    _change(review, {"starts_at": at, "fixed": True}, _reason(why), by=by, now=now, via=via)


def forward(review: Review, now: datetime) -> Forward | None:
    """The offer to bring a review forward, if the program raised a red flag and an earlier day fits; else None."""
    if not is_to_come(review, now):
        return None
    to = earliest(review, now)
    bounds = room(review, now)
    if bounds.after and to.date() <= bounds.after:
        return None
    if to.date() >= review.local_start.date():
        return None
    flags = red_flags.of_program(review.program, now)
    return Forward(to, " ".join(flags)) if flags else None


def bring_forward(review: Review, *, by: User, now: datetime, via: str = "page") -> Forward:
    """Take the offer. Raises Unfit where there is none any more."""
    _must_come(review, now)
    offer = forward(review, now)
    if offer is None:
        raise Unfit("It cannot be brought forward: no red flag is up now, or no earlier day leaves time for the brief.")
    move(review, offer.to, f"Brought forward: {offer.why}"[:LONGEST_WHY], by=by, now=now, via=via)
    return offer


def room(review: Review, now: datetime) -> Room:
    """Where a review may be moved to. Two queries."""
    held = list(Review.objects.filter(program=review.program_id))
    others = [one for one in held if one.pk != review.pk and one.state in (State.SCHEDULED, State.HELD)]
    before = [one.local_start.date() for one in others if one.period < review.period]
    later = [one.local_start.date() for one in others if one.period > review.period and one.starts_at > now]
    calendar = review.program.cadence
    if calendar is not None:
        coming = islice(schedule.to_hold(calendar, held, now), 50)
        later += [one.local.date() for one in coming if one.period > review.period][:1]
    return Room(max(before, default=None), min(later, default=None))


def _must_come(review: Review, now: datetime) -> None:
    if has_ended(review.program):
        raise Unfit("This program is over: its reviews do not take place any more.")
    if review.state != State.SCHEDULED:
        raise Unfit(f"This review is {review.state}: there is nothing to change any more.")
    if review.starts_at <= now:
        raise Unfit("This review has begun: there is nothing to change any more.")


def _moment(review: Review, to: datetime) -> datetime:
    at = moment_of(to, review.zone)
    there = at.astimezone(ZoneInfo(review.zone)).replace(tzinfo=None)
    if there != to:
        raise Unfit(f"{_said(to)} does not exist in {review.zone}: the clocks go forward then. {there:%H:%M} does.")
    return at


def _reason(why: str) -> str:
    said = " ".join(why.split())
    if "\0" in said or len(said) > LONGEST_WHY:
        raise Unfit(f"Why was expected in at most {LONGEST_WHY} characters.")
    return said


def _said(to: datetime) -> str:
    return f"{wording.weekday(to.date())} {to.year}, {to:%H:%M}"


def _change(review: Review, facts: dict[str, object], why: str, *, by: User, now: datetime, via: str) -> None:
    before = {"state": review.state, "starts_at": review.starts_at.isoformat()}
    with transaction.atomic():
        if not schedule.change(review, facts | {"why": why}, now):
            raise Unfit("Somebody else changed this review at the same time: look at it again.")
        after = {"state": review.state, "starts_at": review.starts_at.isoformat()}
        audit.record("review", review.key, at=now, actor=by, via=via, before=before, after=after, reason=why)

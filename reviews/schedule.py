"""Keeps the reviews that programs' calendars ask for: the next one as a row, moved and canceled with its calendar.

A review to which a person gave its time stays there (`fixed`), also if the calendar changes: it then stands for the
calendar's nearest one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from program.models import Program
from program.rules.cadence import Cadence, Occurrence, after

from . import invites
from .models import Review, new_uid

State = Review.State


def schedule(now: datetime) -> int:
    """Bring the reviews in line with the programs' calendars: returns how many rows were made or changed.

    Running it twice, late, or three times at once changes nothing more. It makes the next review only, and none in
    the past: what downtime swallowed is not made up for.
    """
    done = _settle(now)
    programs = Program.objects.filter(
        Q(state=Program.State.ACTIVE) & ~Q(review_every="") | Q(reviews__starts_at__gt=now)
    )
    programs = programs.select_related("sponsor")
    held: dict[int, dict[str, Review]] = {}
    for review in Review.objects.filter(program__in=programs.values("pk")).select_related("program"):
        held.setdefault(review.program_id, {})[review.period] = review
    for program in programs.distinct():
        done += _keep(program, held.get(program.pk, {}), now)
    return done


def change(review: Review, facts: Mapping[str, Any], now: datetime) -> bool:
    """Change a review and tell those who were invited, in one transaction; of several at once, one does it."""
    with transaction.atomic():
        mine = Review.objects.filter(pk=review.pk, sequence=review.sequence, state__in=_TAKES_PLACE)
        if not mine.update(**facts, sequence=F("sequence") + 1):
            return False
        review.refresh_from_db()
        invites.tell(review, now)
    return True


def to_hold(calendar: Cadence, held: Collection[Review], now: datetime) -> Iterator[Occurrence]:
    """What is still to be held of a calendar, in order: neither over, begun or skipped, nor stood for by another."""
    taken = {
        one.period for one in held if one.state not in _TAKES_PLACE or _has_begun(one, now)
    } | _stood_for(calendar, held, now)  # fmt: skip
    return (one for one in after(calendar, now) if one.period not in taken)


def _settle(now: datetime) -> int:
    """Reviews whose time is over: held if people were invited, else they cannot have taken place."""
    begun = Review.objects.filter(state=State.SCHEDULED, starts_at__lte=now)
    over = [review.pk for review in begun if review.ends_at <= now]
    if not over:
        return 0
    # Where notes were taken it took place, invited or not.
    done = begun.filter(pk__in=over, invited_at__isnull=True, notes_version=0).update(state=State.SKIPPED)
    return done + begun.filter(pk__in=over).update(state=State.HELD)


def _keep(program: Program, held: Mapping[str, Review], now: datetime) -> int:
    calendar = program.cadence if program.state in Program.ON_SCORECARDS else None
    done = sum(change(review, {"state": State.CANCELED}, now) for review in _dropped(calendar, held, now))
    if calendar is None or program.state != Program.State.ACTIVE:
        return done
    coming = next(to_hold(calendar, held.values(), now), None)
    if coming is None:
        return done
    facts = {"starts_at": coming.at, "minutes": program.review_minutes, "zone": program.review_zone}
    if coming.period not in held:
        return done + _create(program, coming, facts, now)
    review = held[coming.period]
    if review.fixed and review.state == State.SCHEDULED:
        return done
    facts |= {"state": State.SCHEDULED, "fixed": False, "why": ""}
    changed = {name: value for name, value in facts.items() if getattr(review, name) != value}
    return done + (change(review, changed, now) if changed else 0)


_TAKES_PLACE = (State.SCHEDULED, State.CANCELED)


def _has_begun(review: Review, now: datetime) -> bool:
    return review.state == State.SCHEDULED and review.starts_at <= now


NEAR = timedelta(days=70)


def _between(calendar: Cadence, since: datetime, until: datetime) -> list[Occurrence]:
    return list(takewhile(lambda one: one.at < until, after(calendar, since)))


def _stood_for(calendar: Cadence, held: Collection[Review], now: datetime) -> set[str]:
    """The calendar's nearest one to each review that keeps a time which a person gave it, and that the calendar does
    not have any more: a change of the calendar doubles none."""
    found: set[str] = set()
    for review in held:
        if not review.fixed or review.state not in (State.SCHEDULED, State.HELD) or review.starts_at < now - NEAR:
            continue
        period = datetime.combine(date.fromisoformat(review.period), time(), UTC)
        since, until = min(review.starts_at, period) - NEAR, max(review.starts_at, period) + NEAR
        around = _between(calendar, since, until)
        if around and all(one.period != review.period for one in around):
            apart = [abs(one.at - review.starts_at) for one in around]
            found.add(around[apart.index(min(apart))].period)
    return found


def _dropped(calendar: Cadence | None, held: Mapping[str, Review], now: datetime) -> Sequence[Review]:
    """Reviews to come that the calendar does not have any more."""
    coming = [review for review in held.values() if review.state == State.SCHEDULED and review.starts_at > now]
    if calendar is None or not coming:
        return coming
    coming = [review for review in coming if not review.fixed]
    if not coming:
        return coming
    last = max(review.period for review in coming)
    periods = {one.period for one in takewhile(lambda one: one.period <= last, after(calendar, now))}
    return [review for review in coming if review.period not in periods]


def _create(program: Program, coming: Occurrence, facts: Mapping[str, Any], now: datetime) -> int:
    fresh = {**facts, "uid": new_uid(), "created_at": now}
    _, made = Review.objects.get_or_create(program=program, period=coming.period, defaults=fresh)
    return int(made)

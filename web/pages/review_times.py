"""A review's time: who replied what, and for its sponsor and owners to move it, skip it, or bring it forward; or to say
afterwards that it did not take place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.clock import now
from program import wording
from program.rules.cadence import BRIEF_AHEAD
from program.typed_in import TypedIn
from reviews import invites, moving
from reviews.days import away, freeze_at
from reviews.models import Review
from teams.typed import Unfit
from web import access
from web.render import page

REPLIED = {"accepted": "comes", "tentative": "comes perhaps", "declined": "cannot come"}


@dataclass(frozen=True)
class Seat:
    """One person who sits in the review: what they replied, and whether they are away that day."""

    name: str
    said: str
    away: bool


@dataclass(frozen=True)
class Offer:
    """That it may be brought forward, and why."""

    to: str
    why: str


@dataclass
class Context:
    """The page. `part` names the form that was refused, `fault` says what was expected."""

    template: ClassVar[str] = "pages/review-schedule.html"
    here: ClassVar[str] = "programs"
    review: Review
    day: str
    sentence: str
    seats: Sequence[Seat]
    invited: str
    brief: str
    bounds: str
    may_change: bool
    in_doubt: bool
    """its time is over, nothing was written down, and who looks may say that it did not take place"""
    offer: Offer | None
    part: str = ""
    fault: str = ""
    typed: dict[str, str] = field(default_factory=dict)
    messages: Sequence[str] = ()


@require_safe
def schedule(request: HttpRequest, pk: int) -> HttpResponse:
    """When it is, who comes, and what may be changed about it."""
    return _show(request, _found(request, pk))


@require_POST
def change(request: HttpRequest, pk: int, do: str) -> HttpResponse:
    """Move it, skip it, bring it forward, or say that it did not take place."""
    review, user = _found(request, pk), access.person(request)
    if do not in ("move", "skip", "forward", "missed") or not moving.may(user, review):
        raise Http404
    typed = access.typed(request)
    why = typed.text("why", most=moving.LONGEST_WHY)
    try:
        if typed.faults:
            raise Unfit(typed.faults["why"])
        if do == "skip":
            moving.skip(review, why, by=user, now=now())
        elif do == "missed":
            moving.missed(review, why, by=user, now=now())
        elif do == "move":
            moving.move(review, _to(typed), why, by=user, now=now())
        else:
            moving.bring_forward(review, by=user, now=now())
    except Unfit as unfit:
        values = {name: typed[name][:1000].replace("\0", "") for name in ("to", "why")}
        return _show(request, review, do, str(unfit), values)
    told = " Everybody who was invited is told." if review.invited_at else ""
    if do == "missed":
        messages.info(request, "On record: it did not take place.")
    else:
        messages.info(
            request, f"It does not take place.{told}" if do == "skip" else f"It is on {_when(review)} now.{told}"
        )
    return redirect("review-schedule", review.pk)


def _to(typed: TypedIn) -> datetime:
    moment = typed.moment("to")
    if moment is None:
        raise Unfit(typed.faults["to"])
    return moment


def _found(request: HttpRequest, pk: int) -> Review:
    rows = Review.objects.visible_to(access.person(request)).select_related("program__sponsor", "brief")
    return get_object_or_404(rows, pk=pk)


def _show(
    request: HttpRequest, review: Review, part: str = "", fault: str = "", typed: dict[str, str] | None = None
) -> HttpResponse:
    user, moment = access.person(request), now()
    comes = moving.is_to_come(review, moment)
    may_change = comes and not user.reads_only  # whoever sees it sits in it
    offer = moving.forward(review, moment) if may_change else None
    start = review.local_start
    context = Context(
        review=review,
        day=_day(start),
        sentence=_sentence(review, comes=comes),
        seats=_seats(review),
        invited=_invited(review) if comes else "",
        brief=_brief(review) if comes else "",
        bounds=_bounds(moving.room(review, moment)) if may_change else "",
        may_change=may_change,
        in_doubt=not user.reads_only and moving.is_in_doubt(review, moment),
        offer=Offer(f"{_day(offer.to)} at {offer.to:%H:%M}", offer.why) if offer else None,
        part=part,
        fault=fault,
        messages=[str(message) for message in messages.get_messages(request)],
        typed=typed or {"to": f"{start:%Y-%m-%dT%H:%M}", "why": ""},
    )
    return page(request, context, status=400 if fault else 200)


def _seats(review: Review) -> list[Seat]:
    people = invites.attendees(review)
    said = invites.replies(review)
    gone = {person.pk for person in away(review, people)}
    sponsor = review.program.sponsor_id
    return [
        Seat(f"{person}{' (sponsor)' if person.pk == sponsor else ''}",
             REPLIED.get(said.get(person.pk, ""), "has not replied"), person.pk in gone)
        for person in people
    ]  # fmt: skip


def _sentence(review: Review, *, comes: bool) -> str:
    if comes:
        return f"The review is on {_when(review)} ({review.zone}), for {wording.count(review.minutes, 'minute')}."
    if review.state == Review.State.SKIPPED:
        return "This review does not take place."
    if review.state == Review.State.CANCELED:
        return "This review is canceled: the program's calendar does not have it any more."
    return f"This review was on {_when(review)} ({review.zone})."


def _invited(review: Review) -> str:
    if review.invited_at is None:
        on = (review.starts_at - invites.AHEAD).astimezone(review.local_start.tzinfo)
        return f"Invites go out on {_day(on)}, four weeks ahead."
    return "A change is told at once to everybody who was invited: their calendars move it."


def _brief(review: Review) -> str:
    if hasattr(review, "brief"):
        on = wording.weekday(review.brief.frozen_at.astimezone(review.local_start.tzinfo).date())
        return f"The brief was frozen on {on} and stays, whenever the review is."
    due = freeze_at(review)
    ahead = f"{BRIEF_AHEAD} working days ahead"
    return f"The brief is frozen on {_day(due)} at {due:%H:%M}, {ahead}; it moves with the review."


def _bounds(room: moving.Room) -> str:
    last = f"after the review of {wording.weekday(room.after)}" if room.after else ""
    following = f"before that of {wording.weekday(room.before)}" if room.before else ""
    return f"To a day {' and '.join(one for one in (last, following) if one) or 'to come'}."


def _when(review: Review) -> str:
    return f"{_day(review.local_start)} at {review.local_start:%H:%M}"


def _day(when: datetime) -> str:
    return f"{wording.weekday(when.date())} {when.year}"

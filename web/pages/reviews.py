"""Reviews: the list of a program's, one with its brief as it was frozen, and the brief as it would read today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

from django.core.cache import caches
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_safe

from accounts.clock import now, today
from accounts.models import User
from program import wording
from program.models import Program
from program.rules.recurrence import in_words
from reviews import followed, moving, room
from reviews.brief import compose
from reviews.content import read
from reviews.days import freeze_at, is_off
from reviews.evidence import collect
from reviews.invites import attendees, attending, replied
from reviews.models import Ask, Brief, Review
from reviews.pictures import Picture, drawn
from web import access, ask_lines, beside_brief, freshness, pulse_told
from web.ask_lines import AskLine
from web.pulse_told import PulseTold
from web.render import page

State = Review.State
DRAFT_KEPT = 60
BECAME = {
    State.SCHEDULED: "scheduled",
    State.HELD: "held",
    State.SKIPPED: "did not take place",
    State.CANCELED: "canceled",
}


@dataclass(frozen=True)
class ReviewLine:
    """One review of the list: its day in words, what became of it, and what its brief said first."""

    pk: int
    day: str
    became: str
    headline: str
    followed: str
    """what was decided and asked, and what became of it"""
    notes: Sequence[str]
    """who is away that day or declined, why it was moved"""


@dataclass
class ListContext:
    """All reviews of a program."""

    template: ClassVar[str] = "pages/reviews.html"
    here: ClassVar[str] = "programs"
    program: Program
    sentence: str
    every: str
    lines: Sequence[ReviewLine]
    open_asks: Sequence[AskLine]
    closed_asks: Sequence[AskLine]
    pulse: PulseTold | None


@dataclass
class Context:
    """One review. `brief` is its frozen content, None before it is frozen; `why` then says when or why not."""

    template: ClassVar[str] = "pages/review.html"
    here: ClassVar[str] = "programs"
    review: Review
    day: str
    hours: str
    became: str
    people: Sequence[str]
    brief: dict[str, Any] | None
    corrected: Mapping[str, str]
    newer: Sequence[str]
    """what is newer than the brief, until the review is over"""
    pictures: Mapping[str, Picture | None]
    why: Sequence[str]
    notes: Sequence[str]
    may_change: bool
    may_draft: bool
    """its brief is to come, and who looks may see it as it would read today"""
    room: bool
    """it can be run from its page, or could"""
    minutes: bool
    followed: str
    raised: Sequence[AskLine]
    open_asks: Sequence[AskLine]
    pulse: PulseTold | None


@dataclass
class DraftContext:
    """The brief of a review to come as it would read if it were frozen now."""

    template: ClassVar[str] = "pages/review-draft.html"
    here: ClassVar[str] = "programs"
    review: Review
    day: str
    frozen: str
    """when it will be"""
    brief: dict[str, Any]
    pictures: Mapping[str, Picture | None]
    corrected: Mapping[str, str] = field(default_factory=dict)
    draft: bool = True


@require_safe
def reviews(request: HttpRequest, key: str) -> HttpResponse:
    """The program's reviews, for those who sit in them."""
    user = access.person(request)
    program = access.reviewed_program(request, key)
    moment = now()
    found = list(Review.objects.visible_to(user).filter(program=program).select_related("brief", "program__sponsor"))
    asks = Ask.objects.visible_to(user).filter(program=program).select_related("of")
    on = today(program.review_zone, moment)
    became = followed.in_one_line([one.pk for one in found])
    notes = _notes(found, attending(found), moment)
    context = ListContext(
        program=program,
        sentence=_sentence(program, found, moment),
        every=in_words(program.review_every),
        lines=[_line(one, moment, became.get(one.pk, ""), notes[one.pk]) for one in found],
        open_asks=ask_lines.lines(asks.open(), on),
        closed_asks=ask_lines.lines(asks.exclude(state=Ask.State.OPEN).order_by("-closed_at", "-pk"), on),
        pulse=pulse_told.newest(user, program),
    )
    return page(request, context)


@require_safe
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """One review, and its brief."""
    user, moment = access.person(request), now()
    found = get_object_or_404(Review.objects.visible_to(user).select_related("program__sponsor", "brief"), pk=pk)
    frozen: Brief | None = getattr(found, "brief", None)
    kept = read(frozen.content) if frozen else None
    beside = beside_brief.of(frozen, moment)
    people = attendees(found)
    asks = Ask.objects.visible_to(user).in_or_open(found).select_related("of")
    on = today(found.zone, moment)
    start = found.local_start
    until = found.ends_at.astimezone(start.tzinfo)
    context = Context(
        review=found,
        day=_day(start.date()),
        hours=f"{start:%H:%M} to {until:%H:%M} ({found.zone})",
        became=_became(found, moment),
        people=[_person(found, person) for person in people],
        brief=kept,
        corrected=beside.corrected,
        newer=beside.newer,
        pictures={line["key"]: drawn(line) for line in kept["metrics"]} if kept else {},
        why=() if frozen else _no_brief(found, moment),
        notes=_notes([found], {found.pk: people}, moment)[found.pk],
        may_change=moving.is_to_come(found, moment) and not user.reads_only,
        may_draft=frozen is None and moving.is_to_come(found, moment) and access.owns(user, found.program),
        room=not room.closed(found),
        minutes=found.minutes_sent_at is not None,
        followed=followed.in_one_line([found.pk]).get(found.pk, ""),
        raised=ask_lines.lines((ask for ask in asks if ask.review_id == found.pk), on),
        open_asks=ask_lines.lines((ask for ask in asks if ask.review_id != found.pk), on),
        pulse=pulse_told.of_review(user, found),
    )
    return page(request, context)


@require_safe
def draft(request: HttpRequest, pk: int) -> HttpResponse:
    """The brief as it would read if it were frozen now, for who runs the program; nothing is kept or sent."""
    user, moment = access.person(request), now()
    found = get_object_or_404(Review.objects.visible_to(user).select_related("program__sponsor"), pk=pk)
    if not access.owns(user, found.program):
        raise Http404
    if not moving.is_to_come(found, moment) or Brief.objects.filter(review=found).exists():
        return redirect("review", pk=pk)
    due = freeze_at(found)
    composed = _composed(found, moment)
    context = DraftContext(
        review=found,
        day=_day(found.local_start.date()),
        frozen=f"{_day(due.date())} at {due:%H:%M}" if due > moment else "the worker’s next round",
        brief=composed,
        pictures={line["key"]: drawn(line) for line in composed["metrics"]},
    )
    return page(request, context)


def _composed(review: Review, moment: datetime) -> dict[str, Any]:
    """Composed anew after a minute, or when any number has changed."""
    name = freshness.short(["draft", review.pk, today(review.zone, moment), freshness.newest()])
    said: dict[str, Any] | None = caches["pages"].get(name)
    if said is None:
        said = read(compose(collect(review, moment)).facts())
        caches["pages"].set(name, said, DRAFT_KEPT)
    return said


def _sentence(program: Program, found: Sequence[Review], moment: datetime) -> str:
    """The list's first line: when the next one is, and how many there were."""
    coming = [one for one in found if one.state == State.SCHEDULED and one.starts_at > moment]
    if coming:
        first = min(coming, key=lambda one: one.starts_at)
        start = first.local_start
        sponsor = f" with {program.sponsor}" if program.sponsor else ""
        said = f"The next review{sponsor} is on {_day(start.date())} at {start:%H:%M} ({first.zone})."
    else:
        said = "No review is to come."
    held = sum(one.state == State.HELD for one in found)
    skipped = sum(one.state == State.SKIPPED for one in found)
    if held or skipped:
        said += f" {wording.count(held, 'review')} held{f', {skipped} did not take place' if skipped else ''}."
    return said


def _line(review: Review, moment: datetime, became: str, notes: Sequence[str]) -> ReviewLine:
    brief = getattr(review, "brief", None)
    return ReviewLine(
        review.pk,
        _day(review.local_start.date()),
        _became(review, moment),
        brief.content["headline"] if brief else "",
        became,
        notes,
    )


def _notes(reviews: Sequence[Review], people: Mapping[int, Sequence[User]], moment: datetime) -> dict[int, list[str]]:
    """By review: why it is on another day or skipped, and of those to come, who of its people will not be there. Two
    queries, none where none is to come."""
    coming = [one for one in reviews if one.state == State.SCHEDULED and one.starts_at > moment]
    said = replied(coming) if coming else {}
    found: dict[int, list[str]] = {}
    for review in reviews:
        why = f"{'Skipped' if review.state == State.SKIPPED else 'Another time'}: {review.why}"
        notes = found[review.pk] = [why] if review.why else []
        for person in people[review.pk] if review in coming else ():
            if person.is_away(review.local_start.date()):
                notes.append(f"{person} is away that day.")
            elif said[review.pk].get(person.pk) == "declined":
                notes.append(f"{person} cannot come.")
        if review in coming and is_off(review):
            notes.append("It is on a day off.")
    return found


def _became(review: Review, moment: datetime) -> str:
    if review.state == State.SCHEDULED and review.starts_at <= moment:
        return "takes place now" if review.ends_at > moment else "its time has come"
    return BECAME[State(review.state)]


def _no_brief(review: Review, moment: datetime) -> Sequence[str]:
    """Why there is no brief, and what comes next."""
    if review.state != State.SCHEDULED:
        return f"This review {_past(review)}: no brief was written for it.", ""
    due = freeze_at(review)
    if due <= moment:
        return (
            "The brief is due.",
            "The worker freezes and mails it with its next round. Today's numbers stand on the page of",
        )
    return (
        f"The brief is frozen and mailed on {_day(due.date())} at {due:%H:%M}.",
        "Three working days ahead, to the sponsor and the owners. Today's numbers stand on the page of",
    )


def _past(review: Review) -> str:
    return {State.HELD: "was held", State.SKIPPED: "did not take place"}.get(State(review.state), "was canceled")


def _person(review: Review, person: Any) -> str:
    return f"{person} (sponsor)" if person.pk == review.program.sponsor_id else str(person)


def _day(when: date) -> str:
    """A day with its weekday and year: "Tue 5 Jan 2027"."""
    return f"{wording.weekday(when)} {when.year}"

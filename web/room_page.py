"""The page that a review is run from, put together: agenda with what each point needs, and what is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from accounts.clock import today
from accounts.models import User
from program import wording
from program.typed_in import TypedIn
from reviews import agenda, followed, minutes, proposals, room
from reviews.agenda import Boxed, Point
from reviews.content import read
from reviews.models import Ask, Attendance, Brief, Decision, Review
from reviews.proposals import Proposal
from reviews.room import Clash
from teams.models import Goal, Team
from web import access, ask_lines, beside_brief
from web.ask_lines import AskLine
from web.render import page

TEAMS_NAMED = 300


@dataclass
class Context:
    """The room. `clash` is what two people wrote at once; `faults` stand beside what was typed into `form`."""

    template: ClassVar[str] = "pages/room.html"
    here: ClassVar[str] = "programs"
    review: Review
    day: str
    hours: str
    sentence: str
    writes: bool
    why_not: str
    too_early: str
    boxes: Sequence[Boxed]
    on_now: int
    """which box is open: the one that is on, else the first"""
    zone_start: datetime
    brief: dict[str, Any] | None
    newer: Sequence[str]
    """what is newer than the brief"""
    earlier: Sequence[AskLine]
    proposals: Mapping[str, Proposal]
    notes: str
    base: str
    version: int
    clash: Clash | None
    seen: str
    decisions: Sequence[tuple[Decision, bool]]
    asks: Sequence[AskLine]
    people: Sequence[Attendance]
    sponsor: int | None
    suggested: Sequence[User]
    teams: Sequence[tuple[str, str]]
    due: date
    messages: Sequence[str]
    form: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    points: Sequence[Point | Mapping[str, str]] = ()


def answer(
    request: HttpRequest,
    review: Review,
    now: datetime,
    *,
    form: str = "",
    typed: TypedIn | None = None,
    clash: Clash | None = None,
    notes: str | None = None,
    began: tuple[int, str] | None = None,
    points: Sequence[Mapping[str, str]] | None = None,
) -> HttpResponse:
    """The page; with what was typed and refused in one of its forms, or with what two people wrote at once.

    `began` is the version and the text from which `notes` were typed, where they are not the ones that are kept.
    """
    user = access.person(request)
    frozen = Brief.objects.filter(review=review).select_related("review__program").first()
    brief = read(frozen.content) if frozen else None
    held = minutes.of(review)
    planned = agenda.of(review, brief)
    boxes = agenda.boxed(planned, review.local_start)
    on = today(review.zone, now)
    version, base = began or (review.notes_version, review.notes)
    if clash:
        version, base = clash.version, clash.theirs
    context = Context(
        review=review,
        day=day_words(review),
        hours=hours_words(review),
        sentence=_sentence(review, boxes, now),
        writes=room.may_write(user, review) and not room.closed(review),
        why_not=room.closed(review),
        too_early=minutes.too_early(review, now),
        boxes=boxes,
        on_now=next((n for n, box in enumerate(boxes) if box.is_on(now)), 0),
        zone_start=review.local_start,
        brief=brief,
        newer=beside_brief.of(frozen, now).newer,
        earlier=_earlier(review, now),
        proposals=proposals.of(review, brief),
        notes=clash.both if clash else review.notes if notes is None else notes,
        base=base,
        version=version,
        clash=clash,
        seen=seen(review),
        decisions=held.decisions,
        asks=[ask_lines.line(one, on, later=later) for one, later in held.asks],
        people=room.expected(review),
        sponsor=review.program.sponsor_id,
        suggested=access.suggested(request),
        teams=_teams(review),
        due=proposals.due_day(review, now),
        messages=[str(message) for message in messages.get_messages(request)],
        form=form,
        values=typed.values if typed else {},
        faults=typed.faults if typed else {},
        points=points if points is not None else planned,
    )
    status = 409 if clash else 400 if context.faults else 200
    return page(request, context, status=status)


def seen(review: Review) -> str:
    """What the page shows of decisions and asks, as one word that changes with them. Two queries."""
    decisions = Decision.objects.filter(review=review)
    asks = Ask.objects.filter(review=review)
    return f"{decisions.count()}-{decisions.filter(struck_at=None).count()}-{asks.count()}"


def day_words(review: Review) -> str:
    """Its day: "Tue 5 Jan 2027"."""
    start = review.local_start.date()
    return f"{wording.weekday(start)} {start.year}"


def hours_words(review: Review) -> str:
    """From when to when: "10:00 to 10:30 (Europe/Riga)"."""
    start = review.local_start
    return f"{start:%H:%M} to {review.ends_at.astimezone(start.tzinfo):%H:%M} ({review.zone})"


def clock_words(review: Review, now: datetime) -> str:
    """The hour on the wall of the review's zone."""
    return f"{now.astimezone(review.local_start.tzinfo):%H:%M}"


def _sentence(review: Review, boxes: Sequence[Boxed], now: datetime) -> str:
    """What is on now, or when it begins, or what is to be done after it."""
    if review.minutes_sent_at is not None:
        at = review.minutes_sent_at.astimezone(review.local_start.tzinfo)
        when = f"{wording.weekday(at.date())} at {at:%H:%M}"
        return f"The minutes were sent on {when}. What is changed now comes after them."
    if closed := room.closed(review):
        return closed
    if review.starts_at > now:
        return f"It begins on {day_words(review)} at {review.local_start:%H:%M}."
    for n, box in enumerate(boxes):
        if box.is_on(now):
            then = f" Then: {boxes[n + 1].point.title}." if n + 1 < len(boxes) else ""
            return f"Now, until {box.ends:%H:%M}: {box.point.title}.{then}"
    if review.ends_at > now:
        return f"The points are through; it goes on until {review.ends_at.astimezone(review.local_start.tzinfo):%H:%M}."
    return "Its time is over. End it, and the minutes go to everybody who was there."


def _earlier(review: Review, now: datetime) -> list[AskLine]:
    """Asks of earlier reviews as they are now: those still open, and those that were ended since the review before."""
    before = Review.objects.filter(program=review.program, state=Review.State.HELD, starts_at__lt=review.starts_at)
    last = before.order_by("-starts_at").values_list("starts_at", flat=True).first()
    rows = Ask.objects.filter(program=review.program).exclude(review=review).select_related("of", "program", "review")
    found = list(rows.open()) + (list(rows.filter(closed_at__gt=last)) if last else [])
    return ask_lines.lines(found, today(review.zone, now), followed.effects(found, now))


def _teams(review: Review) -> list[tuple[str, str]]:
    """Teams that the program has goals for, by key and name, as many as a list can hold."""
    theirs = Goal.objects.filter(program=review.program, ended_on=None).values("team")
    rows = Team.objects.filter(pk__in=theirs).order_by("name", "key").values_list("key", "name")
    return [("", "no one team"), *rows[:TEAMS_NAMED]]

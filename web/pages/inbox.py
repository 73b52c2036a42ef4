"""The inbox: what waits on the reader, and every message that was said to them, mailed or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.clock import now
from accounts.models import User
from nudges import answer_links, hours, routes
from nudges import inbox as kept
from nudges.digest import ANSWERS
from nudges.models import Delivery, Digest
from program import wording
from program.models import Program
from teams import answering
from teams.goal_words import sentence
from teams.models import Goal
from web import access, framed, replying, waiting, waits
from web.render import page
from web.replying import Replies
from web.waits import Wait

LINES = 50
KINDS = {
    "digest": "digest", "trouble": "numbers in doubt", "invite": "invitation to a review", "brief": "brief of a review",
    "test": "test", "invitation": "invitation to sign in", "password-reset": "link for a new password",
    "sign-in-changed": "word on how you sign in",
}  # fmt: skip
"""What each kind of message is called; any other goes by its name."""


@dataclass(frozen=True)
class Line:
    """One message: when it came, in the reader's zone, what it is called, and why it was not mailed, if it was not.

    `opens` is false for one whose words are erased.
    """

    row: Delivery
    when: str
    title: str
    kind: str
    unread: bool
    opens: bool
    not_mailed: str


@dataclass
class Context:
    """The inbox. `query` keeps the filters in the addresses of other pages."""

    template: ClassVar[str] = "pages/inbox.html"
    here: ClassVar[str] = "inbox"
    sentence: str
    waits: Sequence[Wait]
    lines: Sequence[Line]
    pages: Page[Delivery]
    unread: int
    every: int
    programs: Sequence[Program]
    program: str
    only_unread: bool
    query: str
    zone: str
    messages: Sequence[str]


@dataclass(frozen=True)
class Asked:
    """A goal of a digest that its reader may answer: its choices as the mail names them, each with its address."""

    goal: Goal
    choices: Sequence[tuple[str, str]]


@dataclass
class MessageContext:
    """One message. `goal` is the one that is answered here, with its `replies`; none where it is over, or another's."""

    template: ClassVar[str] = "pages/message.html"
    here: ClassVar[str] = "inbox"
    line: Line
    zone: str
    asked: Sequence[Asked]
    goal: Goal | None
    sentence: str
    replies: Replies | None
    vote: str
    useful: bool | None
    messages: Sequence[str]


@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    """What waits, then the messages: ?program= one program's, ?unread=1 those not opened."""
    user, moment = access.person(request), now()
    every = kept.of(user)
    programs = list(Program.objects.visible_to(user).filter(pk__in=kept.programs_of(user)).order_by("name"))
    chosen = next((one for one in programs if one.key == request.GET.get("program")), None)
    only_unread = request.GET.get("unread") == "1"
    rows = kept.about(every, chosen) if chosen else every
    rows = kept.unread(rows) if only_unread else rows
    light = rows.select_related("opened").defer("text", "html", "attachments", "headers")
    pages = Paginator(light, LINES).get_page(request.GET.get("page"))
    waited = waiting.upon(user, access.goals(request), list(user.memberships.select_related("team__parent")), moment)
    filters = {"program": chosen.key} if chosen else {}
    query = urlencode(filters | ({"unread": "1"} if only_unread else {}))
    context = Context(
        sentence=waits.sentence(waited),
        waits=waited,
        lines=[_line(row, user) for row in pages],
        pages=pages,
        unread=kept.unread(every).count(),
        every=every.count(),
        programs=programs,
        program=chosen.key if chosen else "",
        only_unread=only_unread,
        query=f"{query}&" if query else "",
        zone=user.time_zone or "UTC",
        messages=[str(message) for message in messages.get_messages(request)],
    )
    return page(request, context)


@framed.host
@require_safe
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """One message; of a digest, ?goal= is the goal to answer and ?choice= the choice that is open."""
    user, row, moment = access.person(request), _row(request, pk), now()
    told = [one.goal for one in kept.goals_of(row) if one.goal is not None]
    chosen = told[0] if len(told) == 1 else next((g for g in told if str(g.pk) == request.GET.get("goal")), None)
    choice = request.GET.get("choice", "")
    facts = replying.facts_of(chosen, moment) if chosen else None
    replies = None
    if chosen is not None and replying.is_live(chosen) and answering.may_answer(user, chosen.team):
        replies = replying.replies(chosen, user, facts, moment, chosen=choice if choice in ANSWERS else "")
    vote, useful = _vote(row, user, moment)
    context = MessageContext(
        line=_line(row, user),
        zone=user.time_zone or "UTC",
        asked=[Asked(goal, _choices(row, goal)) for goal in told],
        goal=chosen,
        sentence=sentence(facts) if facts else "",
        replies=replies,
        vote=vote,
        useful=useful,
        messages=[str(said) for said in messages.get_messages(request)],
    )
    return page(request, context)


@framed.own_document
@require_safe
def html(request: HttpRequest, pk: int) -> HttpResponse:
    """The HTML part as a document of its own."""
    row = _row(request, pk)
    if not row.html:
        raise Http404
    return HttpResponse(framed.followed(row.html))


@require_POST
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a message as read, or as unread again."""
    row = _row(request, pk)
    if request.POST.get("do") == "unread":
        kept.put_back(row)
        return redirect("inbox")
    kept.read(row, now())
    return redirect("message", row.pk)


@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark all messages as read."""
    done = kept.read_all(access.person(request), now())
    messages.info(request, f"{wording.count(done, 'message')} marked as read." if done else "All were read before.")
    return redirect("inbox")


def _row(request: HttpRequest, pk: int) -> Delivery:
    """A message in the reader's own inbox that has its words, or 404."""
    return get_object_or_404(kept.of(access.person(request)).filter(private=False).select_related("opened"), pk=pk)


def _line(row: Delivery, reader: User) -> Line:
    at = (row.sent_at or row.handed_at or row.created_at).astimezone(hours.zone(reader.time_zone))
    kind = KINDS.get(row.kind, row.kind)
    unread = not row.private and not hasattr(row, "opened")
    when = f"{wording.day(at.date())}, {at:%H:%M}"
    title = row.subject or kind.capitalize()
    if row.channel != routes.EMAIL:
        kind += " · kept here only" if row.channel == routes.INBOX else f" · to {Delivery.PLACES[row.channel]}"
    return Line(row, when, title, kind, unread, not row.private, kept.not_mailed(row))


def _choices(row: Delivery, goal: Goal) -> list[tuple[str, str]]:
    here = reverse("message", args=[row.pk])
    return [(words, f"{here}?goal={goal.pk}&choice={choice}#answer") for choice, words in ANSWERS.items()]


def _vote(row: Delivery, reader: User, moment: datetime) -> tuple[str, bool | None]:
    """Where a digest is called useful or not, and what was said of it; nowhere once its links are over."""
    digest = Digest.objects.filter(delivery=row, person=reader).select_related("vote").first()
    if digest is None or moment.date() > digest.day + answer_links.LIVES:
        return "", None
    held = getattr(digest, "vote", None)
    return reverse("vote", args=[answer_links.write_vote(digest.pk, reader.pk)]), held.useful if held else None

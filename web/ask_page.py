"""The page of one ask, put together: how it goes, what it did, what happened to it, and what may be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

from accounts.clock import today
from accounts.models import AuditRow, User
from program import wording
from program.typed_in import TypedIn
from reviews import asks, followed
from reviews.models import Ask, Review
from teams.models import Goal
from web import access, ask_lines
from web.ask_lines import AskLine
from web.render import page


@dataclass(frozen=True)
class Event:
    """One thing that happened to an ask."""

    at: datetime
    who: str
    what: str
    why: str


@dataclass
class Context:
    """One ask. `review` is None where its reader does not sit in reviews; `form` is the one that was refused."""

    template: ClassVar[str] = "pages/ask.html"
    here: ClassVar[str] = "programs"
    ask: Ask
    line: AskLine
    sentence: str
    review: Review | None
    effect: str
    goals: Sequence[Goal]
    history: Sequence[Event]
    settles: bool
    says: bool
    suggested: Sequence[User]
    messages: Sequence[str]
    form: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)


def answer(
    request: HttpRequest, ask: Ask, now: datetime, *, form: str = "", typed: TypedIn | None = None
) -> HttpResponse:
    """The page; with what was typed and refused in one of its forms."""
    user = access.person(request)
    on = today(ask.program.review_zone, now)
    goals = access.goals(request)
    settles = asks.may_settle(user, ask)
    context = Context(
        ask=ask,
        line=ask_lines.line(ask, on),
        sentence=sentence(ask, on),
        review=Review.objects.visible_to(user).filter(pk=ask.review_id).select_related("program").first(),
        effect=followed.effects([ask], now, goals).get(ask.pk, ""),
        goals=list(goals.filter(asks=ask).select_related("team", "metric", "program").order_by("team__name", "pk")),
        history=[_event(row) for row in asks.history(ask)],
        settles=settles,
        says=asks.may_say(user, ask),
        suggested=access.suggested(request) if settles else (),
        messages=[str(message) for message in messages.get_messages(request)],
        form=form,
        values=typed.values if typed else {},
        faults=typed.faults if typed else {},
    )
    return page(request, context, status=400 if context.faults else 200)


def sentence(ask: Ask, on: date) -> str:
    """Where it stands, in a sentence."""
    line = ask_lines.line(ask, on)
    who = f"of {ask.of}" if ask.of else "of nobody yet"
    if ask.state != Ask.State.OPEN:
        closed = today(ask.program.review_zone, ask.closed_at) if ask.closed_at else None
        became = f"{wording.status(ask.state)}{f' on {wording.near_day(closed, on)}' if closed else ''}"
        return f"{became}{f': {ask.outcome}' if ask.outcome else ''}."
    when = f", and {line.due}" if line.late else f", {line.due}" if line.due else ", without a day"
    said = f" {line.outcome}." if ask.said else ""
    return f"Open: asked {who}{when}.{said}"


def _event(row: AuditRow) -> Event:
    return Event(row.at, str(row.actor) if row.actor else "", _what(row.before, row.after), row.reason)


def _what(before: Any, after: Any) -> str:
    """One change in words."""
    if before is None:
        return f"asked: {after}"
    if not isinstance(after, dict):
        return "open again" if after == "open" else str(after)
    if "said" in after:
        return "cannot be done" if after["said"] == Ask.Said.CANNOT else "not done yet"
    if "due" in after:
        was = f" from {wording.day(date.fromisoformat(before['due']))}" if before.get("due") else ""
        return f"moved{was} to {wording.day(date.fromisoformat(after['due']))}"
    changed = []
    if before.get("text") != after.get("text"):
        changed.append(f"worded anew: {after.get('text')}")
    if before.get("of") != after.get("of"):
        changed.append(f"asked of {after.get('of') or 'nobody'} instead of {before.get('of') or 'nobody'}")
    if before.get("goals") != after.get("goals"):
        changed.append("for other goals")
    return ", ".join(changed)

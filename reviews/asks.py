"""What the sponsor asks in a review: raised, moved, answered, and at last kept, missed or withdrawn; each on record."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts import audit
from accounts.models import AuditRow, User
from program.models import Program
from teams import typed
from teams.lifecycle import has_ended
from teams.models import Goal
from teams.typed import Unfit

from . import ask_mail
from .models import Ask, Review, programs_reviewed_by

ENDS = (Ask.State.KEPT, Ask.State.MISSED, Ask.State.WITHDRAWN)
State = Ask.State
LONGEST = 500


def raise_ask(
    review: Review,
    text: str,
    now: datetime,
    *,
    of: User | None = None,
    due: date | None = None,
    actor: User | None = None,
    goals: Collection[int] = (),
    proposed: str = "",
) -> Ask:
    """Note an ask made in a review, to help goals (by id). A proposal that was raised in it already is given back.

    Raises Unfit where the program is over: nobody could keep it any more.
    """
    if has_ended(review.program):
        raise Unfit("This program is over: nothing is asked for it any more.")
    with transaction.atomic():
        Review.objects.select_for_update().get(pk=review.pk)  # of two who press at once, one raises it
        held = Ask.objects.filter(review=review, proposed=proposed).first() if proposed else None
        if held is not None:
            return held
        ask = Ask.objects.create(
            program=review.program, review=review, text=text, of=of, due=due, raised_at=now, proposed=proposed
        )
        ask.goals.set(Goal.objects.filter(pk__in=goals, program=review.program_id))
        audit.record("ask", key_of(ask), at=now, actor=actor, after=text)
        _tell(ask, now)
    return ask


def _tell(ask: Ask, now: datetime) -> None:
    """What is asked in the room is told with its minutes; what is asked after them by a mail of its own."""
    if ask.of is not None and ask.review.minutes_sent_at is not None:
        ask_mail.put_asked(ask.review, ask.of, [ask], now)


def key_of(ask: Ask) -> str:
    """What an ask is called in the audit log."""
    return f"{ask.review.key}/{ask.pk}"


def history(ask: Ask) -> list[AuditRow]:
    """All that happened to it, the first first."""
    return list(AuditRow.objects.filter(kind="ask", key=key_of(ask)).select_related("actor").order_by("at", "pk"))


def may_settle(user: User, ask: Ask) -> bool:
    """Whether somebody may do everything with an ask: whoever sits in the program's reviews."""
    can = user.is_active and not user.reads_only and not has_ended(ask.program)
    return can and programs_reviewed_by(user).filter(pk=ask.program_id).exists()


def may_say(user: User, ask: Ask) -> bool:
    """Whether somebody may say how it goes, and that it is kept: whoever it is asked of."""
    return user.pk == ask.of_id and user.is_active and not user.reads_only and not has_ended(ask.program)


def waiting(person: User) -> list[Ask]:
    """Open asks of somebody, in programs that are not over, the one due first leading."""
    mine = Ask.objects.filter(of=person, program__state__in=(Program.State.DRAFT, *Program.ON_SCORECARDS))
    return list(mine.open().select_related("program", "review"))


def close(ask: Ask, state: str, now: datetime, *, outcome: str = "", actor: User | None = None, via: str = "") -> bool:
    """Say what became of an open ask; False if somebody has said so before. Raises ValueError on another state."""
    if state not in ENDS:
        raise ValueError(f"an ask ends as kept, missed or withdrawn, not {state!r}")
    facts: dict[str, Any] = {"state": state, "closed_at": now, "said": "", "outcome": outcome}
    return _change(ask, facts, now, "open", str(state), outcome, actor, via)


def reopen(ask: Ask, now: datetime, *, reason: str, actor: User) -> bool:
    """Take back what was said to have become of it; False if it is open."""
    was = ask.state
    with transaction.atomic():
        changed = Ask.objects.filter(pk=ask.pk, state=was).exclude(state=State.OPEN)
        if not changed.update(state=State.OPEN, closed_at=None):
            return False
        audit.record("ask", key_of(ask), at=now, actor=actor, before=was, after="open", reason=reason)
    ask.refresh_from_db()
    return True


def say(ask: Ask, said: str, text: str, now: datetime, *, actor: User, via: str = "") -> bool:
    """Say how an open ask goes: not yet, or that it cannot be kept; False if it is closed."""
    if said not in Ask.Said.values:
        raise ValueError(f"an open ask is kept not yet, or cannot be, not {said!r}")
    facts = {"said": said, "outcome": text}
    return _change(ask, facts, now, {"said": ask.said, "outcome": ask.outcome}, facts, text, actor, via)


def answer(ask: Ask, said: str, text: str, now: datetime, *, actor: User, via: str) -> str:
    """What whoever was asked says of an ask: kept, not yet or cannot; what to tell them. Raises Unfit."""
    words = " ".join(typed.text(text, "why it cannot be done", required=said == Ask.Said.CANNOT).split())
    if len(words) > LONGEST or any("\ud800" <= sign <= "\udfff" for sign in words):
        raise Unfit(f"A text of at most {LONGEST} characters was expected.")
    if said == State.KEPT:
        done = close(ask, said, now, outcome=words, actor=actor, via=via)
    elif said in Ask.Said.values:
        done = say(ask, said, words, now, actor=actor, via=via)
    else:
        raise Unfit("Kept, not yet or cannot was expected.")
    if not done:
        ask.refresh_from_db()
        return f"It was {ask.state} already: nothing was changed."
    return "On record: kept. Thank you." if said == State.KEPT else "On record. Who asked it reads it."


def move(ask: Ask, due: date, now: datetime, *, on: date, reason: str, actor: User) -> bool:
    """Give an open ask another day, `on` a day; False if somebody moved or closed it meanwhile. Raises Unfit."""
    if due < on:
        raise Unfit("A day from today on was expected.")
    if due == ask.due:
        raise Unfit("Another day than the one it has was expected.")
    facts: dict[str, Any] = {"due": due}
    if ask.due is not None:  # a first day is no move
        facts |= {"first_due": ask.first_due or ask.due, "moves": F("moves") + 1}
    before, after = {"due": ask.due.isoformat() if ask.due else None}, {"due": due.isoformat()}
    return _change(ask, facts, now, before, after, reason, actor, "", due=ask.due, moves=ask.moves)


def edit(
    ask: Ask, now: datetime, *, text: str, of: User | None, goals: Collection[int] | None = None, actor: User
) -> bool:
    """Word an open ask anew, or ask it of somebody else, or for other goals (by id); False where nothing changed."""
    with transaction.atomic():
        held = Ask.objects.select_for_update(of=("self",)).select_related("of").filter(pk=ask.pk, state=State.OPEN)
        row = held.first()
        if row is None:
            return False
        before: dict[str, Any] = _terms(row)
        after: dict[str, Any] = {"text": text, "of": of.email if of else ""}
        if goals is not None:
            after["goals"] = sorted(
                Goal.objects.filter(pk__in=goals, program=ask.program_id).values_list("pk", flat=True)
            )
        else:
            before.pop("goals")
        if before == after:
            return False
        facts: dict[str, Any] = {"text": text, "of": of} | ({"said": "", "outcome": ""} if of != row.of else {})
        Ask.objects.filter(pk=ask.pk).update(**facts)
        if goals is not None:
            row.goals.set(after["goals"])
        audit.record("ask", key_of(ask), at=now, actor=actor, before=before, after=after)
        ask.refresh_from_db()
        if row.of != of:
            _tell(ask, now)
    return True


def _terms(ask: Ask) -> dict[str, Any]:
    goals = sorted(ask.goals.order_by().values_list("pk", flat=True))
    return {"text": ask.text, "of": ask.of.email if ask.of else "", "goals": goals}


def _change(
    ask: Ask, facts: dict[str, Any], now: datetime, before: Any, after: Any, reason: str, actor: User | None, via: str,
    **still: Any,
) -> bool:  # fmt: skip
    """Change an ask that is open, and as it was read; of several at once, one does it."""
    with transaction.atomic():
        if not Ask.objects.filter(pk=ask.pk, state=State.OPEN, **still).update(**facts):
            return False
        audit.record("ask", key_of(ask), at=now, actor=actor, before=before, after=after, reason=reason, via=via)
    ask.refresh_from_db()
    return True

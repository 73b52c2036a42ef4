"""Mails about an ask, to whoever it is asked of: that it was asked, before its day, and once after it.

They come in the person's working hours, not while they are away, and never once it is closed. Nobody stands in: a
deputy may not see what a sponsor asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q

from accounts.models import User
from nudges import hours
from nudges.kinds import Kind, Later
from nudges.models import Delivery
from nudges.outbox import Letter, put_all
from program import wording as say
from program.models import Program
from program.rules.working_days import working_days_after, working_days_before
from teams.handover import shortened
from teams.lifecycle import has_ended

from . import ask_links, words
from .models import Ask, Review

KIND = "ask"
ASKED, BEFORE, AFTER = "asked", "before", "after"
AHEAD, LATER = 3, 2
"""So many working days before its day, and after it, an open ask is reminded of."""
LONG_AFTER = timedelta(days=60)
"""From then on a reminder that was never said helps nobody."""


def put_asked(review: Review, person: User, asks: Sequence[Ask], now: datetime) -> None:
    """Tell somebody what a review asked of them; call it in the transaction of what is told."""
    if person.is_active and asks:
        put_all([_letter(review, person, asks, ASKED, now)], now)


def remind_due(now: datetime) -> int:
    """Write the reminders whose day has come, each once for a due day. Returns how many. Two queries where none is."""
    day = now.date()
    near = Q(due__range=(day - LONG_AFTER, day + timedelta(days=15)))  # three working days, holidays between
    live = Ask.objects.filter(near, state=Ask.State.OPEN, of__is_active=True, program__state__in=Program.ON_SCORECARDS)
    due = []
    for ask in live.select_related("of", "program__sponsor", "review__program").order_by("pk"):
        what = _what_is_due(ask, now)
        if what:
            due.append((ask, what, _key(ask, what)))
    known = Delivery.objects.filter(kind=KIND, key__in=[key for *_, key in due]).values_list("key", flat=True)
    held = set(known) if due else set()
    letters = [_letter(ask.review, ask.of, [ask], what, now) for ask, what, key in due if key not in held and ask.of]
    put_all(letters, now)
    return len(letters)


def _what_is_due(ask: Ask, now: datetime) -> str:
    """Which reminder a person may be given now: in their hours, and while they are here; empty for none."""
    person, due = ask.of, ask.due
    if person is None or due is None:
        return ""
    local = now.astimezone(_zone(person, ask.program))
    on, country = local.date(), person.country
    if person.is_away(on) or not hours.is_working(local, country):
        return ""
    if on >= working_days_after(due, LATER, country):
        return AFTER if on <= due + LONG_AFTER else ""
    first = working_days_before(due, AHEAD, country)
    asked_since = ask.raised_at.astimezone(local.tzinfo).date() >= first  # it was only just asked
    return BEFORE if first <= on <= due and not asked_since else ""


def _key(ask: Ask, what: str) -> str:
    """What the mail is called in the outbox: a moved ask is reminded of anew."""
    due = f"/{ask.due.isoformat()}" if ask.due and what != ASKED else ""
    return f"{ask.review.key}/{ask.pk}/{what}{due}"


def _letter(review: Review, person: User, asks: Sequence[Ask], what: str, now: datetime) -> Letter:
    program = review.program
    context = words.of_review(review) | {"what": what, **facts(program, person, asks, now)}
    subject, text, html = words.fill(KIND, context)
    when = hours.next_working(now, _zone_name(person, program), person.country)
    return Letter(
        KIND, _key(asks[0], what), person.email, subject, text, html, person=person, program=program,
        headers=words.headers(review, words.answer_to(program)), not_before=when,
    )  # fmt: skip


def facts(program: Program, person: User, asks: Sequence[Ask], now: datetime) -> dict[str, Any]:
    """What the mail says of each ask."""
    on = now.astimezone(_zone(person, program)).date()
    asker = str(program.sponsor) if program.sponsor and program.sponsor_id != person.pk else ""
    return {
        "asks": [line(ask, person, on) for ask in asks],
        "asker": asker,
        "because": f"You get this because it is asked of you in the reviews of {program.name}.",
    }


def line(ask: Ask, person: User, on: date) -> dict[str, str]:
    """One ask for a mail: its words, its day, whom it is to help, and the link to say how it goes."""
    return {
        "text": ask.text,
        "short": shortened(ask.text.split(". ")[0]),
        "due": say.weekday(ask.due, on) if ask.due else "",
        "helps": helps(ask),
        "reply": ask_links.address(ask_links.write(ask.pk, person.pk, on)),
        "page": f"{settings.SITE_URL}/asks/{ask.pk}/",
        "said": f"You said: {ask.outcome or ask.said}" if ask.said else "",
    }


def helps(ask: Ask) -> str:
    """The teams that it is to help, the first three by name."""
    teams = sorted({goal.team.name for goal in ask.goals.all()})
    return say.listed([*teams[:3], f"{len(teams) - 3} more"] if len(teams) > 4 else teams)


def _zone_name(person: User, program: Program) -> str:
    return person.time_zone or program.review_zone


def _zone(person: User, program: Program) -> Any:
    return hours.zone(_zone_name(person, program))


def prefetch(rows: Sequence[Delivery], _now: datetime) -> None:
    """Load the ask that each of these letters names, in one query."""
    found = Ask.objects.select_related("program").in_bulk([_ask_of(row) for row in rows])
    for row in rows:
        row.ask = found.get(_ask_of(row))  # type: ignore[attr-defined]


def _ask_of(row: Delivery) -> int:
    return int(row.key.split("/")[2])


def still_wanted(row: Delivery, now: datetime) -> str | Later | None:
    """None to send it; a reason why not; or when, if their hours or days are others."""
    ask: Ask | None = row.ask  # type: ignore[attr-defined]
    if ask is None or row.person is None:
        return "its ask is gone"
    _program, _period, _pk, what, *due = row.key.split("/")
    if ask.state != Ask.State.OPEN:
        return f"the ask is {ask.state}"
    if ask.of_id != row.person_id:
        return "it is asked of somebody else now"
    if has_ended(ask.program):
        return "the program is over"
    if due and (ask.due is None or ask.due.isoformat() != due[0]):
        return "it has another day now"
    zone, country = _zone_name(row.person, ask.program), row.person.country
    local = now.astimezone(hours.zone(zone))
    if what == BEFORE and ask.due is not None and local.date() > ask.due:
        return "its day is over"
    if row.person.is_away(local.date()):
        return Later(_back(row.person, local, zone), "away")
    if not hours.is_working(local, country):
        return Later(hours.next_working(now, zone, country), "outside working hours")
    return None


def _back(person: User, local: datetime, zone: str) -> datetime:
    """When somebody who is away works again; where they did not say, it is asked again on the next day."""
    day = (person.absent_until or local.date()) + timedelta(days=1)
    begins = datetime.combine(day, time(0), hours.zone(zone)).astimezone(UTC)
    return hours.next_working(begins, zone, person.country)


ASK = Kind(KIND, still_wanted=still_wanted, prefetch=prefetch, breaker=False)

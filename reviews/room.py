"""In the room: notes that two people may write at once, decisions, and who is there; until the minutes and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts import audit
from accounts.models import AuditRow, User
from teams import typed
from teams.lifecycle import has_ended
from teams.typed import Unfit

from .invites import attendees
from .merging import merge
from .models import Attendance, Decision, Review, programs_reviewed_by

DAY = timedelta(days=1)
LONGEST_NOTES = 100_000
LONGEST_LINE = 500
State = Review.State


@dataclass(frozen=True)
class Saved:
    """The notes are kept as they were typed, and this is their version now."""

    version: int


@dataclass(frozen=True)
class Clash:
    """Somebody else wrote meanwhile, and nothing was kept: both texts, and one with every line of both."""

    version: int
    """of theirs"""
    theirs: str
    mine: str
    both: str
    clean: bool
    """each changed lines of their own"""
    who: str


def may_write(user: User, review: Review) -> bool:
    """Whether somebody may take part in writing: whoever sits in it, viewers not."""
    return user.is_active and not user.reads_only and programs_reviewed_by(user).filter(pk=review.program_id).exists()


def closed(review: Review) -> str:
    """Why nothing can be written about a review any more, in a sentence; empty: it can."""
    if review.state == State.CANCELED:
        return "This review was canceled."
    if review.state == State.SKIPPED:
        return "This review did not take place."
    if has_ended(review.program) and (review.minutes_sent_at is not None or not _ended_in(review)):
        return "This program is over: its record stays as it is."
    return ""


def _ended_in(review: Review) -> bool:
    """Whether the program may have ended in this review, which is then written to its end."""
    over = review.program.ended_on
    return over is None or review.local_start.date() >= over - DAY


def notes_of(text: str) -> str:
    """Notes as they are kept, every space where it was typed. Raises Unfit."""
    found = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in found or any("\ud800" <= sign <= "\udfff" for sign in found):
        raise Unfit("A text was expected, without null bytes.")
    if len(found) > LONGEST_NOTES:
        raise Unfit(f"Notes of at most {LONGEST_NOTES:,} characters were expected, not {len(found):,}.")
    return found


def write_notes(review: Review, text: str, version: int, base: str, now: datetime, *, by: User) -> Saved | Clash:
    """Keep the notes if they are still what the writer began from, by its version; else nothing is kept, and both are
    given back, with one text of both. `base` is the text of that version."""
    with transaction.atomic():
        if Review.objects.filter(pk=review.pk, notes_version=version, notes=text).exists():
            return Saved(version)
        changed = Review.objects.filter(pk=review.pk, notes_version=version).update(
            notes=text, notes_version=F("notes_version") + 1
        )
        if changed:
            lines = {"version": version + 1, "lines": len(text.split("\n"))}
            audit.record("notes", review.key, at=now, actor=by, before={"version": version}, after=lines)
            return Saved(version + 1)
    held = Review.objects.get(pk=review.pk)
    if held.notes == text:
        return Saved(held.notes_version)
    merged = merge(base, held.notes, text)
    row = AuditRow.objects.filter(kind="notes", key=review.key).select_related("actor").order_by("-pk").first()
    who = str(row.actor) if row and row.actor else "Somebody"
    return Clash(held.notes_version, held.notes, text, merged.text, merged.clean, who)


def decide(review: Review, text: str, now: datetime, *, by: User) -> Decision:
    """Put a decision on record."""
    with transaction.atomic():
        made = Decision.objects.create(review=review, text=sentence_of(text, "what was decided"), by=by, at=now)
        audit.record("decision", f"{review.key}/{made.pk}", at=now, actor=by, after=made.text)
    return made


def strike(decision: Decision, now: datetime, *, by: User) -> bool:
    """Take a decision back: it stays, struck. False if it was struck before."""
    with transaction.atomic():
        changed = Decision.objects.filter(pk=decision.pk, struck_at=None).update(struck_at=now)
        if changed:
            key = f"{decision.review.key}/{decision.pk}"
            audit.record("decision", key, at=now, actor=by, before=decision.text, after="struck")
    return bool(changed)


def expected(review: Review) -> list[Attendance]:
    """Whoever is invited, and whoever else was said to be there; each with what is known. Not all are rows yet."""
    held = {one.person_id: one for one in Attendance.objects.filter(review=review).select_related("person")}
    people = attendees(review)
    invited = [held.get(one.pk) or Attendance(review=review, person=one) for one in people]
    known = {one.pk for one in people}
    return [*invited, *(one for one in held.values() if one.present is not None and one.person_id not in known)]


def attend(review: Review, there: Mapping[int, bool], now: datetime, *, by: User) -> int:
    """Say who is there and who is not, by id, of people who are expected. Returns how many changed."""
    people = {one.person_id: one for one in expected(review)}
    changed = 0
    with transaction.atomic():
        for pk, present in there.items():
            if pk in people and people[pk].present != present:
                _note(review, people[pk].person, present, now, by)
                changed += 1
    return changed


def bring(review: Review, email: str, now: datetime, *, by: User) -> User:
    """Note that somebody else is there, by their e-mail. Raises Unfit."""
    person = User.objects.visible_to(by).filter(email=email.strip().lower()[:254].replace("\0", "")).first()
    if person is None:
        raise Unfit("The e-mail of somebody who is known here was expected.")
    with transaction.atomic():
        _note(review, person, True, now, by)
    return person


def _note(review: Review, person: User, present: bool, now: datetime, by: User) -> None:
    Attendance.objects.update_or_create(review=review, person=person, defaults={"present": present})
    said = "there" if present else "not there"
    audit.record("attendance", f"{review.key}/{person.email}", at=now, actor=by, after=said)


def sentence_of(text: str, what: str) -> str:
    """A sentence that fits. Raises Unfit."""
    found = " ".join(typed.text(text.replace("\r\n", "\n"), what).split())
    if len(found) > LONGEST_LINE:
        raise Unfit(f"At most {LONGEST_LINE} characters were expected: {what}.")
    if any("\ud800" <= sign <= "\udfff" for sign in found):
        raise Unfit(f"A text was expected: {what}.")
    return found

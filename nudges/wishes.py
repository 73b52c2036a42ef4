"""What receivers wish of the mail itself: no more about one goal, and whether a digest was useful."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.models import User
from teams.models import Goal

from .models import Digest, Mute, Vote


def mute(goal: Goal, person: User, now: datetime, via: str) -> bool:
    """No more nudges about a goal to this person; False if it was so before."""
    with transaction.atomic():
        if muted(goal, person):
            return False
        row = Mute(person=person, program=goal.program, goal=goal, created_at=now, via=via)
        Mute.objects.bulk_create([row], ignore_conflicts=True)
        _recorded(goal, person, now, via, "no nudges")
    return True


def unmute(goal: Goal, person: User, now: datetime, via: str) -> bool:
    """Let nudges about a goal come again; False if nothing stopped them."""
    with transaction.atomic():
        gone, _ = Mute.objects.filter(person=person, goal=goal).delete()
        if gone:
            _recorded(goal, person, now, via, "nudges")
    return bool(gone)


def muted(goal: Goal, person: User) -> bool:
    """Whether a person hears no more of a goal."""
    return Mute.objects.filter(person=person, goal=goal).exists()


def vote(digest: Digest, *, useful: bool, now: datetime, via: str) -> bool:
    """Its receiver's word on a digest; another word takes the place of the first. False if it was said before."""
    with transaction.atomic():
        before = Vote.objects.filter(digest=digest).first()
        if before is not None and before.useful == useful:
            return False
        Vote.objects.update_or_create(
            digest=digest, defaults={"person": digest.person, "useful": useful, "at": now}
        )  # fmt: skip
        said = None if before is None else _said(before.useful)
        audit.record("nudges", _key(digest), at=now, actor=digest.person, via=via, before=said, after=_said(useful))
    return True


def unvote(digest: Digest, now: datetime, via: str) -> bool:
    """Take the word back; False if there was none."""
    with transaction.atomic():
        before = Vote.objects.filter(digest=digest).first()
        if before is None:
            return False
        before.delete()
        audit.record("nudges", _key(digest), at=now, actor=digest.person, via=via, before=_said(before.useful))
    return True


def _recorded(goal: Goal, person: User, now: datetime, via: str, after: str) -> None:
    audit.record("nudges", f"{person.email} {goal}", at=now, actor=person, via=via, after=after)


def _key(digest: Digest) -> str:
    return f"{digest.person.email} digest of {digest.day}"


def _said(useful: bool) -> str:
    return "useful" if useful else "not useful"

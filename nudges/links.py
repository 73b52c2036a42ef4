"""Signed links in mails: each lets its holder do one thing, signs nobody in, and changes nothing until a POST."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from accounts import audit
from accounts.models import User
from program.models import Program

from .models import Mute, Nudge

STOP, START = "stop", "start"
_SALTS = {STOP: "nudges.stop", START: "nudges.start"}


class BadLink(Exception):
    """The link was not made by this service, was cut short in the mail, or speaks of somebody who is gone."""


@dataclass(frozen=True)
class Intent:
    """What a link is for: to stop (or start again) a person's nudges, of one program or of all (None)."""

    person: User
    program: Program | None = None
    action: str = STOP

    def narrowed(self, program: Program) -> Intent:
        """The same for one program only: less than the link allows, never more."""
        if self.program is not None and self.program != program:
            raise BadLink("this link is about another program")
        return replace(self, program=program)

    def reversed(self) -> Intent:
        """What undoes it."""
        return replace(self, action=START if self.action == STOP else STOP)


def write(intent: Intent) -> str:
    """The token of a link."""
    what = [intent.person.pk, intent.program.pk if intent.program else None]
    # No timestamp: the same link each time, and it does not expire.
    return signing.Signer(salt=_SALTS[intent.action]).sign_object(what)


def address(intent: Intent) -> str:
    """The whole address of a link, for a mail."""
    return f"{settings.SITE_URL}{reverse('unsubscribe', args=[write(intent)])}"


def read(token: str) -> Intent:
    """What a token is for; raises BadLink. It does not expire: people unsubscribe from old mails."""
    for action, salt in _SALTS.items():
        try:
            person_id, program_id = signing.Signer(salt=salt).unsign_object(token)
        except (signing.BadSignature, ValueError, TypeError):
            continue
        person = User.objects.filter(pk=person_id).first()
        program = Program.objects.filter(pk=program_id).first() if program_id is not None else None
        if person is None or (program_id is not None and program is None):
            raise BadLink("what this link was about is not here any more")
        return Intent(person, program, action)
    raise BadLink("this link is not whole")


def act(intent: Intent, now: datetime, via: str = "mail page") -> bool:
    """Do it; True if it changed anything. Doing it twice is the same as once."""
    with transaction.atomic():
        if intent.action == STOP:
            mute = Mute(person=intent.person, program=intent.program, created_at=now, via=via)
            held = Mute.objects.filter(person=intent.person, program=intent.program, goal=None).exists()
            Mute.objects.bulk_create([mute], ignore_conflicts=True)
            changed = not held
        else:
            changed = bool(Mute.objects.filter(person=intent.person, program=intent.program, goal=None).delete()[0])
        if changed:
            what = intent.program.key if intent.program else "all"
            after = "no nudges" if intent.action == STOP else "nudges"
            audit.record("nudges", f"{intent.person.email} {what}", at=now, actor=intent.person, via=via, after=after)
    return changed


def programs_heard(person: User) -> list[Program]:
    """Live programs that ever spoke to this person or may: those whose nudges or notices they got, by name."""
    spoke = Nudge.objects.filter(person=person).values("goal__program")
    told = person.notices.values("goal__program")
    live = Program.objects.live().order_by("name")
    return list((live.filter(pk__in=spoke) | live.filter(pk__in=told)).distinct())

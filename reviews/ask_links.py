"""Signed links with which whoever was asked says how an ask goes: kept, not yet, cannot; nothing else.

A link names the ask, its receiver and the day of its mail. It signs nobody in, a GET of it changes nothing, and it is
over after 90 days, when the ask is asked of somebody else, and when its program is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

from accounts.clock import day_of
from accounts.models import User
from nudges.answer_links import Over
from nudges.links import BadLink
from program import wording
from teams.lifecycle import has_ended

from .models import Ask

LIVES = timedelta(days=90)
_SALT = "reviews.ask"


@dataclass(frozen=True)
class Asked:
    """What a link is about: an ask, and of whom it is."""

    ask: Ask
    person: User
    day: date

    @property
    def last_day(self) -> date:
        """The last day on which it works."""
        return self.day + LIVES


def write(ask: int, person: int, day: date) -> str:
    """The token of an ask's link: the same each time, so that a mail sent again is the same mail."""
    return signing.Signer(salt=_SALT).sign_object([ask, person, day.isoformat()])


def address(token: str) -> str:
    """The whole address of its page."""
    return f"{settings.SITE_URL}{reverse('asked', args=[token])}"


def read(token: str, now: datetime) -> Asked:
    """What a token is about. Raises BadLink, or Over with the reason."""
    try:
        found = signing.Signer(salt=_SALT).unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        raise BadLink("this link is not whole") from None
    if not isinstance(found, list) or len(found) != 3:
        raise BadLink("this link is not whole")
    ask = Ask.objects.select_related("program__sponsor", "review__program", "of").filter(pk=found[0]).first()
    person = User.objects.filter(pk=found[1]).first()
    if ask is None or person is None:
        raise BadLink("what this link was about is not here any more")
    asked = Asked(ask, person, day_of(found[2]))
    if now.date() > asked.last_day:
        raise Over(f"This link is of {wording.day(asked.day)}; links of mails work for {LIVES.days} days.")
    if has_ended(ask.program):
        raise Over(f"{ask.program.name} is over: nothing is asked any more.")
    if ask.of_id != person.pk or not person.is_active:
        raise Over(f"This is not asked of {person} any more.")
    return asked

"""Signed links with which a receiver answers for one goal, or says whether one digest was useful; nothing else.

A link names the goal (or the digest), its receiver and its day. It signs nobody in, a GET of it changes nothing, and
it is over after 90 days, when the goal ended, and when its receiver does not answer for the team any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.urls import reverse

from accounts.clock import day_of
from accounts.models import User
from program import wording
from program.models import Program
from teams.answering import may_answer
from teams.models import Goal

from .links import BadLink
from .models import Digest

LIVES = timedelta(days=90)
CHOICES = ("on-it", "blocked", "done", "not-mine", "wrong", "mute")
"""What a link of a goal may open its page on."""
_GOAL, _DIGEST = "nudges.answer", "nudges.vote"


class Over(Exception):
    """The link was good and is not any more; the text says why, in a sentence."""


@dataclass(frozen=True)
class Asked:
    """What a link is about: a goal told to a person on a day."""

    goal: Goal
    person: User
    day: date

    @property
    def last_day(self) -> date:
        """The last day on which it works."""
        return self.day + LIVES


def write(goal: int, person: int, day: date) -> str:
    """The token of a goal's links: the same each time, so that a mail sent again is the same mail."""
    return signing.Signer(salt=_GOAL).sign_object([goal, person, day.isoformat()])


def address(token: str, choice: str = "") -> str:
    """The whole address of the page of choices, perhaps opened on one of them."""
    return f"{settings.SITE_URL}{path(token, choice)}"


def path(token: str, choice: str = "") -> str:
    """The same without the site."""
    return reverse("answer-choice", args=[token, choice]) if choice else reverse("answer", args=[token])


def write_vote(digest: int, person: int) -> str:
    """The token of a digest's links."""
    return signing.Signer(salt=_DIGEST).sign_object([digest, person])


def vote_address(token: str, choice: str) -> str:
    """The whole address of the page that asks whether the digest was useful: "yes" or "no"."""
    return f"{settings.SITE_URL}{reverse('vote-choice', args=[token, choice])}"


def read(token: str, now: datetime) -> Asked:
    """What a token is about. Raises BadLink, or Over with the reason."""
    goal_id, person_id, said = _unsigned(token, _GOAL, 3)
    goal = Goal.objects.select_related("program__sponsor", "metric", "team", "rule").filter(pk=goal_id).first()
    person = User.objects.filter(pk=person_id).first()
    if goal is None or person is None:
        raise BadLink("what this link was about is not here any more")
    asked = Asked(goal, person, day_of(said))
    if now.date() > asked.last_day:
        raise Over(f"This link is of {wording.day(asked.day)}; links of mails work for {LIVES.days} days.")
    if goal.ended_on is not None or goal.program.state not in Program.ON_SCORECARDS:
        raise Over("This goal is over: there is nothing to answer any more.")
    if not may_answer(person, goal.team):
        raise Over(f"{person} does not answer for {goal.team.name} any more.")
    return asked


def read_vote(token: str, now: datetime) -> Digest:
    """The digest that a token is about. Raises BadLink, or Over with the reason."""
    digest_id, person_id = _unsigned(token, _DIGEST, 2)
    digest = Digest.objects.select_related("person").filter(pk=digest_id, person=person_id).first()
    if digest is None:
        raise BadLink("what this link was about is not here any more")
    if now.date() > digest.day + LIVES:
        raise Over(f"This link is of {wording.day(digest.day)}; links of mails work for {LIVES.days} days.")
    if not digest.person.is_active:
        raise Over(f"{digest.person} is not active here any more.")
    return digest


def _unsigned(token: str, salt: str, length: int) -> list[Any]:
    try:
        found = signing.Signer(salt=salt).unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        raise BadLink("this link is not whole") from None
    if not isinstance(found, list) or len(found) != length:
        raise BadLink("this link is not whole")
    return found

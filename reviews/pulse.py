"""The two-question pulse: the signed link that answers it, what an answer changes, and what the brief says of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from accounts import audit
from accounts.models import User
from nudges.answer_links import Over
from nudges.links import BadLink
from program import wording as say
from program.models import Program, ProgramOwner
from teams.typed import Unfit

from .models import Brief, Pulse, Review

LONGEST = 500
QUOTED = 5
HELPS = {Pulse.Helps.YES: "it helps", Pulse.Helps.PARTLY: "it partly helps", Pulse.Helps.NO: "it does not help"}
NOBODY = "Nobody was asked."
ELSEWHERE = "Nobody was asked this time: the leads were asked about another program shortly before."
LATELY = timedelta(days=30)
_SALT = "reviews.pulse"


@dataclass(frozen=True)
class Readers:
    """Who reads the answers by name: the sponsor and who runs the program."""

    sponsor: User | None
    owners: Sequence[User]

    @property
    def said(self) -> str:
        """As whoever is asked is told, before they answer."""
        owners = say.listed([str(person) for person in self.owners])
        run = f"who run{'s' if len(self.owners) == 1 else ''} it"
        named = [f"{self.sponsor}, who sponsors the program"] if self.sponsor else []
        named += [f"{owners}, {run}"] if owners else []
        who = ", and ".join(named) or "the program’s owners"
        return (
            f"Your answer is read under your name by {who}. The brief of the review counts the answers, and quotes up"
            f" to {QUOTED} without a name. Administrators can see it; nobody else does."
        )


def readers_of(program: Program) -> Readers:
    """Who will read the answers. One query."""
    owners = ProgramOwner.objects.filter(program=program, user__is_active=True).select_related("user")
    people = {owner.user_id: owner.user for owner in owners.order_by("-role", "pk")}
    sponsor = program.sponsor if program.sponsor and program.sponsor.is_active else None
    return Readers(sponsor, [person for pk, person in people.items() if sponsor is None or pk != sponsor.pk])


def write(pulse: Pulse) -> str:
    """The token of a pulse's links: the same each time, so that a mail sent again is the same mail."""
    return signing.Signer(salt=_SALT).sign_object([pulse.pk, pulse.person_id])


def path(pulse: Pulse, choice: str = "") -> str:
    """Where it is answered, perhaps opened on one answer."""
    token = write(pulse)
    return reverse("pulse-choice", args=[token, choice]) if choice else reverse("pulse", args=[token])


def address(pulse: Pulse, choice: str = "") -> str:
    """The same with the site, for a mail."""
    return f"{settings.SITE_URL}{path(pulse, choice)}"


def read(token: str) -> Pulse:
    """The pulse that a token is about, while it can be answered. Raises BadLink, or Over with the reason."""
    try:
        pulse_id, person_id = signing.Signer(salt=_SALT).unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        raise BadLink("this link is not whole") from None
    rows = Pulse.objects.select_related("person", "review__program__sponsor")
    pulse = rows.filter(pk=pulse_id, person=person_id).first()
    if pulse is None:
        raise BadLink("what this link was about is not here any more")
    if not pulse.person.is_active:
        raise Over(f"{pulse.person} is not active here any more.")
    if pulse.person.reads_only:
        raise Over(f"{pulse.person} only reads here by now.")
    if closed := why_closed(pulse.review):
        raise Over(closed)
    return pulse


def why_closed(review: Review) -> str:
    """Why nothing can be answered any more, in a sentence; empty while it can. One query."""
    brief = Brief.objects.filter(review=review).first()
    if brief is not None:
        start = review.local_start
        day = say.near_day(brief.frozen_at.astimezone(start.tzinfo).date(), start.date())
        return f"The brief of this review was frozen on {day}: what was answered by then stands in it."
    if review.state != Review.State.SCHEDULED:
        return f"This review is {review.state}: its two questions are over."
    return ""


def answer(pulse: Pulse, helps: str, in_the_way: str, now: datetime, *, via: str) -> None:
    """Note an answer, or another one in its place. Raises Unfit, or Over when the brief was frozen meanwhile."""
    words = in_the_way.strip()
    if helps not in Pulse.Helps.values:
        raise Unfit("One answer was expected: yes, partly or no.")
    if len(words) > LONGEST or "\0" in words:
        raise Unfit(f"A text of at most {LONGEST} characters was expected, and no null character.")
    _keep(pulse, helps, words, now, now, via)


def take_back(pulse: Pulse, now: datetime, *, via: str) -> None:
    """As if nothing had been answered. Raises Over."""
    _keep(pulse, "", "", None, now, via)


def _keep(pulse: Pulse, helps: str, words: str, answered_at: datetime | None, now: datetime, via: str) -> None:
    with transaction.atomic():
        # The freeze locks the review too: an answer is in the brief, or it is told that it came too late.
        review = Review.objects.select_for_update(of=("self",)).select_related("program").get(pk=pulse.review_id)
        if closed := why_closed(review):
            raise Over(closed)
        held = Pulse.objects.select_for_update(of=("self",)).get(pk=pulse.pk)
        before = held.helps
        held.helps, held.in_the_way, held.answered_at = helps, words, answered_at
        held.save(update_fields=["helps", "in_the_way", "answered_at"])
        # What stands in the way is for a few to read: the log says that there was an answer, not its words.
        audit.record(
            "pulse", f"{review.key}/{pulse.person.email}", at=now, actor=pulse.person, via=via, before=before,
            after=helps,
        )  # fmt: skip


@dataclass(frozen=True)
class Said:
    """All pulses of one review."""

    asked: int
    answered: Sequence[Pulse]
    """those who do not find help first, then who does partly; in the order of their answers"""
    silent: Sequence[Pulse] = ()

    @property
    def sentence(self) -> str:
        """ "9 of 14 leads answered: it helps 5, it partly helps 3, it does not help 1." """
        if not self.asked:
            return NOBODY
        if not self.answered:
            return f"No lead answered; {self.asked} {'was' if self.asked == 1 else 'were'} asked."
        counts = Counter(pulse.helps for pulse in self.answered)
        parts = [f"{words} {counts[helps]}" for helps, words in HELPS.items() if counts[helps]]
        return f"{len(self.answered)} of {say.count(self.asked, 'lead')} answered: {', '.join(parts)}."

    @property
    def hindered(self) -> set[int]:
        """Who (ids) said what stands in the way."""
        return {pulse.person_id for pulse in self.answered if pulse.in_the_way}

    @property
    def quotes(self) -> list[str]:
        """What stands in the way, without names, the worst first, and how many more there are."""
        words = [pulse.in_the_way for pulse in self.answered if pulse.in_the_way]
        said = [f"“{' '.join(text.split())}”" for text in words[:QUOTED]]
        more = len(words) - QUOTED
        return [*said, f"and {more} more, with names, below the brief on the page of the review"] if more > 0 else said


_ORDER = {Pulse.Helps.NO: 0, Pulse.Helps.PARTLY: 1, Pulse.Helps.YES: 2}


def said(review: Review) -> Said:
    """What the leads said before a review. One query; none for one that is not kept."""
    rows = list(Pulse.objects.filter(review=review).select_related("person")) if review.pk else []
    answered = [row for row in rows if row.answered_at is not None]
    answered.sort(key=lambda row: (_ORDER[Pulse.Helps(row.helps)], row.answered_at, row.pk))
    return Said(len(rows), answered, [row for row in rows if row.answered_at is None])


def of_next(program: Program, now: datetime) -> str:
    """What was said so far before the next review; empty where nobody was asked yet. Two queries."""
    coming = Review.objects.to_come(now).filter(program=program).first()
    if coming is None or not (found := said(coming)).asked:
        return ""
    return f"Before the review of {say.weekday(coming.local_start.date())}: {found.sentence}"


def lines(review: Review, found: Said) -> list[str]:
    """What the brief says of what was said before a review: the count, then what stands in the way."""
    if not found.asked and review.pk:
        leads = User.objects.filter(memberships__role="lead", memberships__team__goals__program=review.program_id)
        asked = Pulse.objects.filter(person__in=leads, asked_at__range=(review.starts_at - LATELY, review.starts_at))
        if asked.exclude(review__program=review.program_id).exists():
            return [ELSEWHERE]
    return [found.sentence, *found.quotes]

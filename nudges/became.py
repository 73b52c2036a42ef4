"""What became of nudges: whether their links were followed, whether the team acted, and whether the goal recovered.

Only of nudges whose mail the mail server took. What is held out by lot is never said, so it is not here: nothing in
this file knows of the experiment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from django.db.models import Exists, F, FloatField, OuterRef, QuerySet, Subquery
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from program.models import Program
from program.rules.status import FINE, SHORT
from program.rules.usefulness import FOLLOWED_WITHIN_DAYS
from teams.models import Answer, Dispute, Standing, TakenItem

from . import notices, policy
from .models import Delivery, Notice, Nudge, Visit, Vote

LESS_BY_A_TENTH = 0.9
FOLLOWED_WITHIN = timedelta(days=FOLLOWED_WITHIN_DAYS)
_TONE = ("facts__status", "facts__slipped", "facts__since__status")


@dataclass(frozen=True, slots=True)
class Fate:
    """One nudge that arrived, and the first of each thing that came after it, however late."""

    tone: str
    person: int
    day: date
    sent_at: datetime
    visited: datetime | None
    answered: datetime | None
    taken: datetime | None
    disputed: datetime | None
    recovered: date | None
    """the first day on which the goal was on track or met"""
    less: date | None
    """the first day on which its gap was less by a tenth"""
    measured: date | None
    """the first day that rests on a measurement of a later day than the nudge's"""

    @property
    def acted(self) -> datetime | None:
        """When the team first did something about the goal: took an item, answered, said that the number is wrong."""
        return min((one for one in (self.answered, self.taken, self.disputed) if one), default=None)

    @property
    def tells(self) -> bool:
        """Whether anything was measured in time: else a gap that was closed could not have been seen."""
        return _within(self.measured, self.day)

    @property
    def followed(self) -> bool:
        """Whether anything at all followed in time: a visit, an act, a smaller gap or a recovery."""
        seen = any(one is not None and one - self.sent_at <= FOLLOWED_WITHIN for one in (self.visited, self.acted))
        return seen or _within(self.recovered, self.day) or _within(self.less, self.day)


def _within(day: date | None, said: date) -> bool:
    return day is not None and day - said <= FOLLOWED_WITHIN


def of_program(program: Program, first: date, last: date) -> list[Fate]:
    """The nudges of a program said on these days, both included, oldest first. One query."""
    rows = _said(first, last).filter(goal__program=program, digest__delivery__state=Delivery.State.SENT)
    sent, goal = OuterRef("digest__delivery__sent_at"), OuterRef("goal")
    of_team = {"metric": OuterRef("goal__metric"), "team": OuterRef("goal__team")}
    later = Standing.objects.filter(goal=goal, day__gt=OuterRef("day"))
    tenth = Cast(KeyTextTransform("gap", "facts"), FloatField()) * LESS_BY_A_TENTH
    found = rows.annotate(nearly=tenth).annotate(
        visited=_first(Visit.objects.filter(digest=OuterRef("digest"), goal=goal), "at"),
        answered=_first(Answer.objects.filter(goal=goal, at__gt=sent), "at"),
        taken=_first(TakenItem.objects.filter(**of_team, at__gt=sent), "at"),
        disputed=_first(Dispute.objects.filter(**of_team, opened_at__gt=sent), "opened_at"),
        recovered=_first(later.filter(status__in=list(FINE)), "day"),
        less=_first(later.filter(status__in=list(SHORT), gap__lte=OuterRef("nearly")), "day"),
        measured=_first(later.filter(as_of__gt=OuterRef("day")), "day"),
    )
    fields = ("person_id", "day", "digest__delivery__sent_at", "visited", "answered", "taken", "disputed", "recovered",
              "less", "measured")  # fmt: skip
    return [
        Fate(_tone(status, slipped, before), *rest)
        for status, slipped, before, *rest in found.order_by("day", "pk").values_list(*_TONE, *fields)
    ]


def _said(first: date, last: date) -> QuerySet[Nudge]:
    return Nudge.objects.said().filter(day__gte=first, day__lte=last, person__isnull=False)


def _first(rows: QuerySet[Any], field: str) -> Subquery:
    return Subquery(rows.order_by(field).values(field)[:1])


def _tone(status: str, slipped: bool | None, before: str | None) -> str:
    return policy.tone(status, bool(slipped), told=before in SHORT)


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote on a digest that a tone of the program opened, with the digest's day."""

    tone: str
    day: date
    useful: bool


def votes(program: Program, first: date, last: date) -> list[Ballot]:
    """Votes on the digests of these days in which a nudge of the program stood first: of what stood further down, a
    word on the whole mail says little. One query."""
    spoke = Nudge.objects.said().filter(digest=OuterRef("digest"), goal__program=program)
    voted = Vote.objects.filter(Exists(spoke), digest__day__gte=first, digest__day__lte=last)
    handed = Notice.objects.filter(digest=OuterRef("digest"), kind=notices.HANDOVER)
    rows = Nudge.objects.said().filter(digest__in=voted.values("digest")).exclude(Exists(handed))
    numbers = ("facts__gap", "facts__target", "facts__baseline")
    names = ("goal__program__key", "facts__metric_name", "facts__team_name")
    leads: dict[int, tuple[Any, int, Ballot]] = {}
    told = rows.order_by("pk").annotate(useful=F("digest__vote__useful"))
    for digest, of_program, day, useful, status, slipped, before, *rest in told.values_list(
        "digest_id", "goal__program_id", "digest__day", "useful", *_TONE, *numbers, *names
    ):
        rank = policy.worst_first(status, policy.severity(*rest[:3]), *(name or "" for name in rest[3:]))
        if digest not in leads or rank < leads[digest][0]:
            leads[digest] = rank, of_program, Ballot(_tone(status, slipped, before), day, useful)
    return [ballot for _rank, of_program, ballot in leads.values() if of_program == program.pk]


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a tone's nudges. Shares are of those that were said long enough ago to know."""

    tone: str
    said: int
    people: int
    visited: int
    in_week: tuple[int, int]
    """acted within 7 days, of how many"""
    in_two_weeks: tuple[int, int]
    to_visit: timedelta | None
    """the median of those that were visited; so below, of those that acted and recovered"""
    to_act: timedelta | None
    recovered: int
    to_recovery: timedelta | None
    votes: int
    useful: int


def by_tone(fates: Iterable[Fate], ballots: Iterable[Ballot], now: datetime) -> list[Became]:
    """Summed up by tone, in the order of TONES; tones that nothing is known of are left out."""
    of_tone: Mapping[str, list[Fate]] = defaultdict(list)
    for one in fates:
        of_tone[one.tone].append(one)
    voted: Mapping[str, list[bool]] = defaultdict(list)
    for ballot in ballots:
        voted[ballot.tone].append(ballot.useful)
    return [_became(tone, of_tone[tone], voted[tone], now) for tone in policy.TONES if of_tone[tone] or voted[tone]]


def _became(tone: str, fates: Sequence[Fate], voted: Sequence[bool], now: datetime) -> Became:
    visits = [one.visited - one.sent_at for one in fates if one.visited]
    acts = [one.acted - one.sent_at for one in fates if one.acted]
    recoveries = [one.recovered - one.day for one in fates if one.recovered]
    return Became(
        tone=tone, said=len(fates), people=len({one.person for one in fates}), visited=len(visits),
        in_week=_acted(fates, timedelta(days=7), now), in_two_weeks=_acted(fates, FOLLOWED_WITHIN, now),
        to_visit=_median(visits), to_act=_median(acts), recovered=len(recoveries), to_recovery=_median(recoveries),
        votes=len(voted), useful=sum(voted),
    )  # fmt: skip


def _acted(fates: Iterable[Fate], within: timedelta, now: datetime) -> tuple[int, int]:
    old = [one for one in fates if now - one.sent_at >= within]
    return sum(1 for one in old if one.acted and one.acted - one.sent_at <= within), len(old)


def _median(spans: Collection[timedelta]) -> timedelta | None:
    return timedelta(seconds=median(span.total_seconds() for span in spans)) if spans else None

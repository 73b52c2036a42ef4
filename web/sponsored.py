"""What a sponsor sees of each program they sponsor, in one line: where it stands, verdict, asks, next review."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.cache import caches
from django.db.models import OuterRef, Subquery

from accounts.clock import today
from accounts.models import User
from program import wording
from program.models import Program
from reviews import standing
from reviews.models import Ask, Effect, Review
from reviews.verdict_words import OPENS, verdict_of
from teams.boards import totals_of
from web import freshness

KEPT = 3600
AHEAD = timedelta(days=400)


@dataclass(frozen=True)
class SponsoredLine:
    """One program in a line."""

    program: Program
    where: str
    verdict: str
    asks: str
    late: bool
    review: Review | None
    day: str
    has_brief: bool


def of_sponsor(user: User, moment: datetime) -> list[SponsoredLine]:
    """The live programs that a person sponsors, by name. A constant number of queries, one where they sponsor none."""
    programs = list(Program.objects.filter(sponsor=user, state__in=Program.ON_SCORECARDS).order_by("name", "key"))
    if not programs:
        return []
    days = {one.pk: today(one.review_zone, moment) for one in programs}
    where, verdicts = _where(programs, days), _verdicts(programs)
    coming, asks = _coming(programs, moment), _asks(programs)
    return [_line(one, days[one.pk], where, verdicts, coming.get(one.pk), asks[one.pk]) for one in programs]


def _line(
    program: Program, on: date, where: Mapping[int, str], verdicts: Mapping[int, str], review: Review | None,
    asks: Sequence[date | None],
) -> SponsoredLine:  # fmt: skip
    late = sum(due is not None and due < on for due in asks)
    said = wording.count(len(asks), "open ask") if asks else "no open ask"
    return SponsoredLine(
        program=program,
        where=where[program.pk],
        verdict=verdicts.get(program.pk, ""),
        asks=f"{said}, {late} late" if late else said,
        late=bool(late),
        review=review,
        day=wording.weekday(review.local_start.date(), on) if review else "",
        has_brief=review is not None and getattr(review, "brief", None) is not None,
    )


def _where(programs: Sequence[Program], days: Mapping[int, date]) -> dict[int, str]:
    """Value against path in a sentence, worked out anew only when anything it rests on has changed."""
    newest = freshness.newest()
    names = {one.pk: freshness.short(["sponsored", one.pk, days[one.pk], newest]) for one in programs}
    held = caches["pages"].get_many(list(names.values()))
    found = {pk: held[name] for pk, name in names.items() if name in held}
    for day in sorted(set(days.values())):
        missing = [one for one in programs if days[one.pk] == day and one.pk not in found]
        if missing:
            found |= {pk: standing.sentence(totals) for pk, totals in totals_of(missing, day).items()}
    caches["pages"].set_many({names[pk]: said for pk, said in found.items()}, KEPT)
    return found


def _verdicts(programs: Sequence[Program]) -> dict[int, str]:
    """The word on each whole program, of the newest findings. One query."""
    rows = Effect.objects.filter(program__in=programs, ended_on=None)
    newest = rows.filter(program=OuterRef("program"), metric_version=OuterRef("metric_version")).order_by("-day")
    held: dict[int, list[Effect]] = defaultdict(list)
    for one in rows.filter(day=Subquery(newest.values("day")[:1])):
        held[one.program_id].append(one)
    return {pk: OPENS[verdict] for pk, effects in held.items() if (verdict := verdict_of(effects)) is not None}


def _coming(programs: Sequence[Program], moment: datetime) -> dict[int, Review]:
    """The next review of each, with its brief. One query."""
    rows = Review.objects.to_come(moment).filter(program__in=programs, starts_at__lt=moment + AHEAD)
    found: dict[int, Review] = {}
    for one in rows.select_related("brief"):
        found.setdefault(one.program_id, one)
    return found


def _asks(programs: Sequence[Program]) -> dict[int, list[date | None]]:
    """The days of the open asks of each. One query."""
    found: dict[int, list[date | None]] = defaultdict(list)
    for program, due in Ask.objects.open().filter(program__in=programs).values_list("program_id", "due"):
        found[program].append(due)
    return found

"""Whether a program's nudges work: the lots, the effect with its interval, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.clock import now, today
from accounts.models import User
from nudges import became, effect, restraint
from nudges.effect import Measured, Outcome
from nudges.experiments import HELD_FOR
from nudges.models import Experiment, Lot
from program.models import Program
from web import access, became_words, effect_words
from web.became_words import BecameTold
from web.render import page

SHOWN = 200
DAYS = 90
"""So long what became of nudges is looked back on."""


@dataclass(frozen=True)
class Line:
    """The effect so many days on, in words."""

    measured: Measured
    nudged: str
    alone: str
    difference: str


@dataclass
class Context:
    """The effect of one program's nudges, and of all programs that the reader runs."""

    template: ClassVar[str] = "pages/nudge-effect.html"
    here: ClassVar[str] = "programs"
    program: Program
    sentence: str
    running: Experiment | None
    lines: Sequence[Line]
    overall: str
    lots: Sequence[Outcome]
    more: int
    alone: int
    broken: int
    weeks: int
    became: BecameTold
    runs: bool
    """they may open its outbox and its desk"""
    closed: Callable[[float | None], str] = effect_words.percent


@require_safe
def nudge_effect(request: HttpRequest, key: str) -> HttpResponse:
    """For who sits in the program's reviews, whose briefs tell of it."""
    program = access.reviewed_program(request, key)
    moment = now()
    found, measured = effect.of_program(program, moment)
    run = _run(access.person(request))
    context = Context(
        program=program,
        sentence=effect_words.sentence(measured[-1], held_out=bool(program.holdout or found)),
        running=Experiment.objects.filter(program=program, ended_at=None).first(),
        lines=[_line(one) for one in measured] if found else [],
        overall=_overall([pk for pk, lots in run.items() if lots], program, moment),
        lots=found[:SHOWN],
        more=max(0, len(found) - SHOWN),
        alone=sum(one.lot.held_out for one in found),
        broken=effect.spoke_of_held_out([program.pk]) if found else 0,
        weeks=HELD_FOR.days // 7,
        became=_became(program, moment),
        runs=program.pk in run,
    )
    return page(request, context)


def _became(program: Program, moment: datetime) -> BecameTold:
    """What became of the nudges of the last 90 days. Three queries."""
    last = today(program.review_zone, moment)
    first = last - timedelta(days=DAYS)
    fates, ballots = became.of_program(program, first, last), became.votes(program, first, last)
    return became_words.told(became.by_tone(fates, ballots, moment), restraint.standing(program), DAYS)


def _line(one: Measured) -> Line:
    nudged, alone = effect_words.percent(one.effect.closed_nudged), effect_words.percent(one.effect.closed_held)
    return Line(one, nudged, alone, effect_words.difference(one))


def _run(user: User) -> dict[int, bool]:
    """The programs (ids) that a person runs, and whether lots were drawn in each. One query."""
    lots = Exists(Lot.objects.filter(experiment__program=OuterRef("pk")))
    return dict(Program.objects.run_by(user).order_by().annotate(lots=lots).values_list("pk", "lots"))


def _overall(drawn: Sequence[int], program: Program, moment: datetime) -> str:
    """The effect of all programs with lots (ids), where there are others than this one."""
    if set(drawn) <= {program.pk}:
        return ""
    return effect_words.sentence(effect.measure(effect.outcomes(drawn, moment), effect.DAYS[-1], moment), held_out=True)

"""What other settings of a program's nudges would have sent in the last 90 days: asked in the address, kept nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.clock import now
from nudges.models import Delivery, Digest, Nudge
from nudges.policy import in_words
from nudges.simulator import DAYS, Heard, Policy, Simulation, TooMany, simulate
from program import wording
from program.models import Program
from program.typed_in import TypedIn
from teams import charter
from web import access
from web.render import page

TALLEST = 25
SHOWN = 50
NAMES = ("weekday", "hour", "every", "maximum", "holdout")


@dataclass(frozen=True)
class Bar:
    """One week: its Monday, and mails as they would have been and as they were."""

    monday: date
    mails: int
    height: int


@dataclass
class Context:
    """The policy that is tried, and what came of it."""

    template: ClassVar[str] = "pages/nudge-simulator.html"
    here: ClassVar[str] = "programs"
    program: Program
    values: dict[str, str]
    faults: dict[str, str]
    sentence: str
    really: str
    found: Simulation | None
    bars: Sequence[Bar]
    people: Sequence[Heard]
    more: int
    reasons: Sequence[tuple[int, str]]
    problem: str


@require_safe
def simulator(request: HttpRequest, key: str) -> HttpResponse:
    """For the program's owners: the policy in the address, or the program's own."""
    program = access.owned_program(request, key)
    shown = charter.shown(program, "nudges")
    typed = TypedIn({name: request.GET.get(name, shown[name]) for name in NAMES}, {})
    read = charter.read(program, "nudges", typed)
    found, problem = None, ""
    if not typed.faults:
        policy = Policy(*(read[name] for name in _FIELDS))
        try:
            found = simulate(program, policy, now())
        except TooMany as fault:
            problem = f"{fault}."
    weeks = _weeks(found) if found else []
    context = Context(
        program=program,
        values=dict(typed.values),
        faults=dict(typed.faults),
        sentence=_sentence(found) if found else "",
        really=_really(program, found) if found else "",
        found=found,
        bars=weeks,
        people=found.people[:SHOWN] if found else [],
        more=max(0, len(found.people) - SHOWN) if found else 0,
        reasons=[(number, in_words(reason)) for reason, number in found.withheld.items()] if found else [],
        problem=problem,
    )
    return page(request, context, status=400 if typed.faults else 200)


_FIELDS = ("nudge_weekday", "nudge_hour", "nudge_every_weeks", "nudge_weekly_maximum", "holdout")


def _weeks(found: Simulation) -> list[Bar]:
    most = max(found.by_week.values(), default=0)
    monday = found.first - timedelta(days=found.first.weekday())
    bars = []
    while monday <= found.last:
        mails = found.by_week.get(monday, 0)
        bars.append(Bar(monday, mails, round(TALLEST * mails / most) if most else 0))
        monday += timedelta(weeks=1)
    return bars


def _sentence(found: Simulation) -> str:
    span = f"In the {DAYS} days to {wording.day(found.last)}"
    if not found.people:
        return f"{span} nobody would have heard of it: nothing was judged, or nothing was short."
    mails, nudges = wording.count(found.mails, "mail"), wording.count(found.nudges, "nudge")
    people = "1 person" if len(found.people) == 1 else f"{len(found.people)} people"
    most = max(len(one.mails) for one in found.people)
    day = f", at most {found.busiest[1]} on one day ({wording.day(found.busiest[0])})" if found.busiest else ""
    return f"{span} it would have sent {mails} to {people}, with {nudges} in them: at most {most} to one of them{day}."


def _really(program: Program, found: Simulation) -> str:
    """How many digests that spoke of the program really went out meanwhile: with a nudge or a notice of it."""
    said = Q(nudges__state=Nudge.State.SAID, nudges__goal__program=program) | Q(notices__goal__program=program)
    sent = Digest.objects.filter(said, delivery__state=Delivery.State.SENT, day__gte=found.first, day__lte=found.last)
    really = sent.distinct().count()
    return f"{wording.count(really, 'mail')} that spoke of it really went out in these days."

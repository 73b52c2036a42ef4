"""The last mail of a program: that it ended, what was learned, and thanks, to whoever sponsored, ran and carried it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.models import Place, User
from nudges.hours import next_working
from nudges.models import Delivery, Mute
from nudges.outbox import Letter, put_all, sender_domain
from program import wording as say
from program.models import Program
from teams import lifecycle
from teams.closed import closed
from teams.day_totals import at_start, measured_on
from teams.models import Answer, Goal, Membership, TakenItem

from . import words

KIND = "ended"
TOLD_WITHIN = timedelta(days=14)
"""A program that ended longer ago, before anybody looked, is told of to nobody: they know by then."""
NAMED_AT_MOST = 4


@dataclass(frozen=True)
class Reader:
    """One who is told, and why."""

    person: User
    because: str


def tell_due(now: datetime) -> int:
    """Write the last mail of each program that ended and has none; returns how many programs it was."""
    since = (now - TOLD_WITHIN).date()
    ended = Program.objects.filter(state__in=lifecycle.ENDED, ended_on__gte=since).select_related("sponsor")
    told = set(Delivery.objects.filter(kind=KIND, program__in=ended).values_list("key", flat=True))
    return sum(_tell(program, now) for program in ended if _key(program) not in told)


def _key(program: Program) -> str:
    return f"{program.key}/{program.ended_on}"


def _tell(program: Program, now: datetime) -> bool:
    readers = of_program(program)
    if not readers:
        return False
    facts = _facts(program, now)
    letters = []
    for one in readers:
        subject, text, html = words.fill(KIND, facts | {"because": one.because})
        letters.append(
            Letter(
                KIND, _key(program), one.person.email, subject, text, html, person=one.person, program=program,
                headers={"List-Id": f"Reviews <reviews.{sender_domain()}>"},
                not_before=next_working(now, one.person.time_zone or program.review_zone, one.person.country),
                not_after=now + TOLD_WITHIN,
            )
        )  # fmt: skip
    with transaction.atomic():
        put_all(letters, now)
    return True


def of_program(program: Program) -> list[Reader]:
    """Who hears of its end: sponsor, owners, the leads of its teams, and whoever took an item or said that one is done.

    Of one that asked nothing of any team, those who made it know. Each once, by the nearest reason. Who neither
    sponsored nor ran it is not told if they may not see it, or stopped its mail.
    """
    found: dict[int, Reader] = {}

    def add(people: Sequence[User], because: str) -> None:
        for person in people:
            if person.is_active and not person.address_suspended_reason:
                found.setdefault(person.pk, Reader(person, f"You get this because you {because}."))

    goals = Goal.objects.filter(program=program)
    teams = goals.order_by().values("team")
    if not goals.exists():
        return []
    add([program.sponsor] if program.sponsor else [], f"sponsored {program.name}")
    add([one.user for one in program.owners.select_related("user")], f"ran {program.name}")
    told = _told(program)
    leads = Membership.objects.filter(role=Membership.Role.LEAD, team__in=teams).select_related("user", "team")
    for one in leads.order_by("team__key", "pk"):
        add(told([one.user]), f"lead {one.team.name}")
    taken = TakenItem.objects.filter(team__in=teams, metric__in=goals.order_by().values("metric")).values("by")
    done = Answer.objects.filter(goal__program=program, kind=Answer.Kind.DONE).values("person")
    add(told(User.objects.filter(Q(pk__in=taken) | Q(pk__in=done)).order_by("email")), "worked on its items")
    return list(found.values())


def _told(program: Program) -> Callable[[Iterable[User]], list[User]]:
    """Keeps those of some people who may see the program and hear of it. Two queries."""
    muted = set(Mute.objects.filter(Q(program=program) | Q(program=None), goal=None).values_list("person", flat=True))
    places = Place.objects.filter(key=program.audience).values_list("user", flat=True)
    shown_to = set(places) if program.audience else None

    def told(people: Iterable[User]) -> list[User]:
        return [
            one for one in people
            if one.pk not in muted and (shown_to is None or one.is_superuser or one.pk in shown_to)
        ]  # fmt: skip

    return told


@dataclass(frozen=True)
class Preview:
    """Who would hear of its end, in one sentence, and the mail as the first of them would read it; empty for nobody."""

    told: str
    mail: str


def preview(program: Program, now: datetime) -> Preview:
    """What would be said before the words of its end are written."""
    readers = of_program(program)
    if not readers:
        return Preview("Nobody is written to: it asked nothing of any team yet.", "")
    people = [str(one.person) for one in readers]
    more = len(people) - NAMED_AT_MOST
    named = f"{', '.join(people[:NAMED_AT_MOST])} and {more} more" if more > 1 else say.listed(people)
    told = (
        f"{say.count(len(people), 'person', 'people')} hear of it once, in their working hours, with thanks: {named}."
    )
    facts = _facts(program, now) | {"because": readers[0].because, "why": "… what you write below …"}
    return Preview(told, words.fill(KIND, facts)[1])


def _facts(program: Program, now: datetime) -> dict[str, Any]:
    on = program.ended_on or now.date()
    goals = Goal.objects.filter(program=program, ended_on=None)
    teams = goals.order_by().values("team").distinct().count()
    items = sum(closed(program, on).values())
    guard = program.guards.first()
    return {
        "program": program,
        "word": "completed" if program.state == Program.State.COMPLETED else "canceled",
        "day": say.day(on),
        "why": program.ended_why,
        "goals": f"{say.count(goals.count(), 'goal')} of {say.count(teams, 'team')}",
        "gains": _gains(program, now),
        "items": say.count(items, "item") if items else "",
        "guard": guard,
        "link": f"{settings.SITE_URL}/programs/{program.key}/",
        "site": settings.SITE_URL,
    }


def _gains(program: Program, now: datetime) -> list[str]:
    """From where to where each metric went while it ran, where both can be compared."""
    on = program.ended_on or now.date()
    then = {one.version.pk: one for one in at_start(program, on)}
    found = []
    for one in measured_on(program, on):
        old = then.get(one.version.pk)
        if old is None or old.value is None or one.value is None:
            continue
        before, after = say.apart(old.value, one.value, one.version.unit, one.version.aggregation)
        moved = f"went from {before} to {after}" if before != after else f"stayed at {after}"
        found.append(f"{one.metric.name} {moved}.")
    return found

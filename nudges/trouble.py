"""Trouble told to owners: a feed that fails, a value that moved too sharply, a dispute, an address that is refused;
once each, a mail a day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import User
from program import wording
from program.models import Program, ProgramOwner
from teams.models import Hold

from . import addresses, hours, outbox, words
from .addresses import Refused
from .kinds import Kind, Later, Words
from .models import Delivery, RefusedTold, Trouble
from .outbox import Letter

NAME = "trouble"
LINES = 12
OLD_NEWS = timedelta(days=14)


@dataclass(frozen=True)
class Line:
    """One piece of trouble as the mail says it."""

    what: str
    about: str
    address: str
    program: Program


def plan(now: datetime) -> int:
    """Put in the outbox what owners do not know yet, in their working hours. Returns how many mails were put in."""
    holds = list(
        Hold.objects.filter(until=None, since__gte=now - OLD_NEWS).select_related("metric__program", "feed__program")
    )
    owners = _owners({program.pk for hold in holds if (program := _program(hold)) is not None})
    known = set(Trouble.objects.filter(hold__in=holds).values_list("person", "hold"))
    told: dict[User, list[Hold]] = defaultdict(list)
    unreached: dict[User, list[Refused]] = defaultdict(list)
    for person, one in addresses.untold(Program.objects.filter(state=Program.State.ACTIVE)):
        if _can_be_told(person, now.astimezone(hours.zone(person.time_zone))):
            unreached[person].append(one)
    for hold in holds:
        program = _program(hold)
        for person in owners.get(program.pk, ()) if program else ():
            local = now.astimezone(hours.zone(person.time_zone))
            if (person.pk, hold.pk) not in known and _can_be_told(person, local):
                told[person].append(hold)
    everybody = told.keys() | unreached.keys()
    for person in sorted(everybody, key=lambda one: one.pk):
        _put(person, told.get(person, []), unreached.get(person, []), now)
    return len(everybody)


def _put(person: User, holds: Sequence[Hold], unreached: Sequence[Refused], now: datetime) -> None:
    """Today's mail to an owner, and what it tells."""
    day = now.astimezone(hours.zone(person.time_zone)).date()
    program = _program(holds[0]) if holds else unreached[0].program
    with transaction.atomic():
        row = outbox.put(Letter(NAME, f"{person.pk}:{day}", person.email, person=person, program=program), now)
        if row.state != Delivery.State.PENDING:
            return  # today's is on its way: what came after it is told tomorrow
        Trouble.objects.bulk_create(
            [Trouble(person=person, hold=hold, delivery=row, told_at=now) for hold in holds], ignore_conflicts=True
        )
        RefusedTold.objects.bulk_create(
            [
                RefusedTold(person=person, about=one.person, refused_at=one.since, delivery=row, told_at=now)
                for one in unreached
                if one.since is not None
            ],
            ignore_conflicts=True,
        )


def _program(hold: Hold) -> Program | None:
    """Whose owners are told: the program that defined the metric, else that of the feed."""
    return hold.metric.program or (hold.feed.program if hold.feed else None)


def _owners(programs: Iterable[int]) -> dict[int, list[User]]:
    found: dict[int, list[User]] = defaultdict(list)
    for owner in ProgramOwner.objects.filter(program__in=list(programs)).select_related("user").order_by("pk"):
        if owner.user not in found[owner.program_id]:
            found[owner.program_id].append(owner.user)
    return found


def _can_be_told(person: User, local: datetime) -> bool:
    reached = person.is_active and not person.address_suspended_reason and not person.is_away(local.date())
    return reached and hours.is_working(local, person.country)


def prefetch(rows: Sequence[Delivery], _now: datetime) -> None:
    """The trouble each letter tells. Two queries, more where an address is refused."""
    found: dict[int, list[Hold]] = defaultdict(list)
    of_rows = Trouble.objects.filter(delivery__in=rows).select_related(
        "hold__metric__program", "hold__team", "hold__feed__program", "hold__dispute"
    )
    for one in of_rows.order_by("hold__why", "hold__metric__key", "pk"):
        if one.delivery_id is not None:
            found[one.delivery_id].append(one.hold)
    unreached = _unreached(rows)
    for row in rows:
        row.loaded = found[row.pk]  # type: ignore[attr-defined]
        row.unreached = unreached[row.pk]  # type: ignore[attr-defined]


def _unreached(rows: Sequence[Delivery]) -> dict[int, list[Refused]]:
    """By letter: whose address it tells of that is refused still, as far as it is its reader's program."""
    found: dict[int, list[Refused]] = defaultdict(list)
    told = list(RefusedTold.objects.filter(delivery__in=rows))
    if not told:
        return found
    owners = {one.person_id for one in told}
    run = defaultdict(set)
    for program, owner in ProgramOwner.objects.filter(user__in=owners).values_list("program", "user"):
        run[owner].add(program)
    now_refused = addresses.refused(Program.objects.filter(state=Program.State.ACTIVE))
    for one in told:
        found[one.delivery_id or 0] += [
            each
            for each in now_refused
            if each.person.pk == one.about_id and each.since == one.refused_at and each.program.pk in run[one.person_id]
        ]
    return found


def still_wanted(row: Delivery, now: datetime) -> str | Later | None:
    """Whether some of it is trouble still, and the hour is theirs."""
    person = row.person
    if person is None or not person.is_active:
        return "the person has left"
    if not row.unreached and not any(hold.until is None for hold in row.loaded):  # type: ignore[attr-defined]
        return "it was settled before it was told"
    if not hours.is_working(now.astimezone(hours.zone(person.time_zone)), person.country):
        return Later(hours.next_working(now, person.time_zone, person.country), "outside working hours")
    return None


def render(row: Delivery, now: datetime) -> Words:
    """The mail's words."""
    numbers = list(lines_of([hold for hold in row.loaded if hold.until is None]))  # type: ignore[attr-defined]
    people = list(lines_of_people(row.unreached))  # type: ignore[attr-defined]
    lines = [*numbers, *people]
    context: Mapping[str, object] = {
        "numbers": len(numbers),
        "people": len(people),
        "person": row.person,
        "today": now.date(),
        "lines": lines[:LINES],
        "more": max(0, len(lines) - LINES),
        "programs": sorted({line.program.name for line in lines}),
    }
    subject, text, html = words.fill(NAME, dict(context))
    return Words(subject, text, html)


def lines_of(holds: Sequence[Hold]) -> Iterable[Line]:
    """One line a failing feed, a dispute and a metric whose values moved too sharply."""
    by_feed: dict[int, list[Hold]] = defaultdict(list)
    by_metric: dict[int, list[Hold]] = defaultdict(list)
    for hold in holds:
        if hold.why == Hold.Why.FAILING and hold.feed is not None:
            by_feed[hold.feed.pk].append(hold)
        elif hold.why == Hold.Why.SUDDEN:
            by_metric[hold.metric.pk].append(hold)
    for held in by_feed.values():
        feed = held[0].feed
        if feed is not None:
            metrics = ", ".join(sorted(hold.metric.name for hold in held))
            said = f"{feed.last_error} Nudges about {metrics} rest until it brings its numbers again."
            since = feed.failing_since or held[0].since
            address = f"{settings.SITE_URL}/feeds/{feed.key}/"
            yield Line(
                f"The feed {feed.name} is failing since {wording.day(since.date())}", said, address, feed.program
            )
    for hold in holds:
        if hold.why == Hold.Why.DISPUTED and hold.metric.program is not None:
            where = f"{hold.metric.name} of {hold.team}" if hold.team else hold.metric.name
            text = hold.dispute.text if hasattr(hold, "dispute") else hold.reason
            yield Line(f"{where}: “this number is wrong”", text, _of_metric(hold), hold.metric.program)
    for held in by_metric.values():
        first = held[0]
        if first.metric.program is not None:
            more = f", and of {len(held) - 1} more teams" if len(held) > 1 else ""
            what = f"{first.metric.name} of {first.team}{more} moved too sharply"
            said = f"{first.reason[:1].upper()}{first.reason[1:]}. If it is right, say so on the metric's page."
            yield Line(what, said, _of_metric(first), first.metric.program)


def lines_of_people(unreached: Iterable[Refused]) -> Iterable[Line]:
    """One line for each person who cannot be reached, and program that misses them."""
    for one in unreached:
        address = f"{settings.SITE_URL}/programs/{one.program.key}/nudges/#addresses"
        yield Line(one.what, f"{one.means} If it works again, say so there.", address, one.program)


def _of_metric(hold: Hold) -> str:
    return f"{settings.SITE_URL}/metrics/{hold.metric.key}/"


def never_arrived(rows: Sequence[Delivery], _now: datetime) -> None:
    """What nobody got was not told: it may be told another day."""
    Trouble.objects.filter(delivery__in=rows).delete()
    RefusedTold.objects.filter(delivery__in=rows).delete()


KIND = Kind(NAME, still_wanted=still_wanted, render=render, prefetch=prefetch, never_arrived=never_arrived)

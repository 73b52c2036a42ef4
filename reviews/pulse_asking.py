"""Asks the leads two questions before a review: whom, when, and the mail; each person once a review.

Asked is who leads a team of the program, or who stands in for a lead that is away; not who runs or sponsors the
program, only reads, or stopped its mail. In their own working hours, from the eighth working day before the review
until its brief is frozen, never twice within two weeks whichever program it is, and in a week that has room for one
more mail. Where no such week comes, it goes on the last working day before the brief: once a review, the sponsor is
to hear them. The mail takes its place in the week's room, so that fewer nudges follow it (kinds.py, `in_budget`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max, Min, Q

from accounts.models import Place, User
from nudges import hours, links
from nudges.models import Delivery, Digest, Mute
from nudges.outbox import Letter, put_all
from nudges.people import Addressee, Org, can_be_told
from program import wording as say
from program.models import Program, ProgramOwner
from program.rules.working_days import working_days_before
from teams.models import Goal, Membership

from . import pulse, words
from .days import country, freeze_at
from .models import Brief, Pulse, Review

KIND = "pulse"
DAYS_AHEAD = 8
"""So many working days before the review asking begins."""
REST = timedelta(days=14)
"""So long nobody is asked again, by whichever program."""
HOUR = time(9)
NEAR = timedelta(days=30)


@dataclass(frozen=True)
class Asked:
    """One person to be asked before one review, and of which teams' goals they are told."""

    review: Review
    person: User
    because: Sequence[Addressee]

    @property
    def zone(self) -> str:
        """The zone of their working hours."""
        return min(self.because, key=lambda one: one.leads.key).zone


def opens_at(review: Review) -> datetime:
    """From when on leads are asked: nine o'clock of the eighth working day before it, in its zone."""
    day = working_days_before(review.local_start.date(), DAYS_AHEAD, country(review))
    return datetime.combine(day, HOUR, ZoneInfo(review.zone))


def ask_due(now: datetime) -> int:
    """Ask whom it is time to ask, each once however often and late this runs. Returns how many were asked."""
    coming = Review.objects.to_come(now).filter(
        brief=None, starts_at__lt=now + NEAR, program__state=Program.State.ACTIVE
    )
    coming = coming.select_related("program__sponsor")
    near = [review for review in coming if opens_at(review) <= now + REST and now < freeze_at(review)]
    if not any(opens_at(review) <= now for review in near):
        return 0
    with transaction.atomic():
        # Of several at once, one goes on; the brief's freeze waits or was first.
        locked = Review.objects.select_for_update(of=("self",)).filter(pk__in=[review.pk for review in near])
        held = locked.filter(state=Review.State.SCHEDULED).select_related("program__sponsor")
        frozen = set(Brief.objects.filter(review__in=near).values_list("review", flat=True))
        chosen = _chosen([one for one in held.order_by("starts_at", "pk") if one.pk not in frozen], now)
        fresh = [Pulse(review=one.review, person=one.person, asked_at=now) for one in chosen]
        Pulse.objects.bulk_create(fresh, ignore_conflicts=True)
        if chosen:
            _put(chosen, now)
    return len(chosen)


def _chosen(reviews: Sequence[Review], now: datetime) -> list[Asked]:
    """Who is asked now, of all who might be. A constant number of queries.

    Somebody whom several programs would ask within two weeks is asked by the one that waited longest for it, also
    where its turn comes a little later, so that no program's sponsor never hears them.
    """
    might = _might(reviews, now)
    people = {one.person.pk for one in might}
    if not people:
        return []
    done = set(Pulse.objects.filter(review__in=reviews).values_list("review", "person"))
    tried = _tried(reviews)
    turn: dict[int, Asked] = {}
    last = _last_asked(people)
    for one in sorted(might, key=lambda one: (last.get(_pair(one), ""), one.review.starts_at)):
        if (one.review.pk, one.person.pk) not in done and _key(one) not in tried:
            turn.setdefault(one.person.pk, one)
    resting = set(Pulse.objects.filter(person__in=people, asked_at__gt=now - REST).values_list("person", flat=True))
    ready = [one for pk, one in turn.items() if pk not in resting and _is_time(one, now)]
    full = _full(ready, now) if ready else ()
    return [one for one in ready if one.person.pk not in full or _is_last_day(one, now)]


def _is_time(one: Asked, now: datetime) -> bool:
    return opens_at(one.review) <= now and hours.is_working(_local(one, now), one.person.country)


def _pair(one: Asked) -> tuple[int, int]:
    return one.person.pk, one.review.program_id


def _might(reviews: Sequence[Review], now: datetime) -> list[Asked]:
    """Everybody whom a review is to hear, asked already or not."""
    if not reviews:
        return []
    org, programs = Org.read(), {review.program_id for review in reviews}
    teams: dict[int, set[int]] = defaultdict(set)
    on = Goal.objects.filter(program__in=programs, ended_on=None).order_by()
    for program, team in on.values_list("program", "team").distinct():
        teams[program].add(team)
    run = set(ProgramOwner.objects.filter(program__in=programs).values_list("program", "user"))
    run |= {(review.program_id, review.program.sponsor_id) for review in reviews if review.program.sponsor_id}
    muted = set(
        Mute.objects.filter(Q(program__in=programs) | Q(program=None), goal=None).values_list("person", "program")
    )
    kept_to = {review.program.audience for review in reviews} - {""}
    places = set(Place.objects.filter(key__in=kept_to).values_list("user", "key")) if kept_to else set()
    found = []
    for review in reviews:
        told: dict[int, list[Addressee]] = defaultdict(list)
        people: dict[int, User] = {}
        for team in sorted(teams[review.program_id]):
            one = org.addressee(team, now, [review.program.audience])
            # Who leads a group above hears of goals where a team has no lead; the two questions are the lead's own.
            if one is not None and one.leads.pk == team and _can_be_asked(one, now):
                told[one.person.pk].append(one)
                people[one.person.pk] = one.person
        for pk, because in told.items():
            sees = not review.program.audience or people[pk].is_superuser or (pk, review.program.audience) in places
            silent = bool({(pk, None), (pk, review.program_id)} & muted)
            if sees and not silent and (review.program_id, pk) not in run:
                found.append(Asked(review, people[pk], because))
    return found


def _can_be_asked(one: Addressee, now: datetime) -> bool:
    person = one.person
    return can_be_told(one, now) and not person.reads_only and not person.address_suspended_reason


def _tried(reviews: Sequence[Review]) -> set[str]:
    """Keys of the mails that were written before these reviews, those that never arrived too: nobody is asked over
    and over."""
    programs = {review.program_id for review in reviews}
    since = min(review.created_at for review in reviews)
    rows = Delivery.objects.filter(kind=KIND, program__in=programs, created_at__gte=since)
    return set(rows.values_list("key", flat=True))


def _last_asked(people: Collection[int]) -> Mapping[tuple[int, int], str]:
    """By person and program: when they were asked last. Of two programs the one that waited longer goes first."""
    rows = Pulse.objects.filter(person__in=people).order_by().values_list("person", "review__program")
    return {(person, program): at.isoformat() for person, program, at in rows.annotate(Max("asked_at"))}


def _full(might: Sequence[Asked], now: datetime) -> set[int]:
    """Those whose week has no room for one more mail. Two queries."""
    people = {one.person.pk: one for one in might}
    led = Goal.objects.on_scorecards().filter(
        team__memberships__user__in=people, team__memberships__role=Membership.Role.LEAD
    )
    most = dict(led.order_by().values_list("team__memberships__user").annotate(Min("program__nudge_weekly_maximum")))
    mails: dict[int, int] = defaultdict(int)
    recent = Digest.objects.filter(
        person__in=people, day__gt=(now - timedelta(days=8)).date(), delivery__isnull=False
    ).exclude(delivery__state__in=Delivery.NEVER_ARRIVED)
    for person, day in recent.values_list("person", "day"):
        monday, sunday = hours.week_of(_local(people[person], now).date())
        mails[person] += monday <= day <= sunday
    return {
        pk for pk, number in mails.items() if number >= most.get(pk, people[pk].review.program.nudge_weekly_maximum)
    }


def _is_last_day(one: Asked, now: datetime) -> bool:
    """Whether no working day of the person begins any more before the brief is frozen."""
    following = hours.next_working(now, one.zone, one.person.country, not_today=True)
    return following >= freeze_at(one.review)


def _local(one: Asked, now: datetime) -> datetime:
    return now.astimezone(hours.zone(one.zone))


def _key(one: Asked) -> str:
    return f"{one.review.key}/{one.person.pk}"


def _put(chosen: Sequence[Asked], now: datetime) -> None:
    """Write the mails into the outbox."""
    rows = Pulse.objects.filter(
        review__in={one.review.pk for one in chosen}, person__in={one.person.pk for one in chosen}
    )
    made = {(row.review_id, row.person_id): row for row in rows}
    readers = {one.review.pk: one.review for one in chosen}
    known = {pk: pulse.readers_of(review.program) for pk, review in readers.items()}
    letters = []
    for one in chosen:
        row, program = made[one.review.pk, one.person.pk], one.review.program
        row.review, row.person = one.review, one.person
        subject, text, html = words.fill(KIND, of_pulse(row, because(one), known[one.review.pk]))
        letters.append(
            Letter(
                KIND, _key(one), one.person.email, subject, text, html, person=one.person, program=program,
                headers=words.headers(one.review, known[one.review.pk].owners), not_after=freeze_at(one.review),
            )
        )  # fmt: skip
    put_all(letters, now)


def of_pulse(row: Pulse, why: str, readers: pulse.Readers) -> dict[str, object]:
    """What the mail says."""
    until = freeze_at(row.review)
    return words.of_review(row.review) | {
        "answers": [(choice.label.lower(), pulse.address(row, choice.value)) for choice in Pulse.Helps],
        "readers": readers.said,
        "until_day": f"{say.weekday(until.date())}",
        "until_time": f"{until:%H:%M}",
        "because": why,
        "stop": links.address(links.Intent(row.person, row.review.program)),
    }


def because(one: Asked) -> str:
    """Why this person is asked."""
    own = [found.leads.name for found in one.because if found.stands_in_for is None]
    parts = [f"lead {say.listed(own)}"] if own else []
    for found in one.because:
        if found.stands_in_for is not None:
            parts.append(f"stand in for {found.stands_in_for}, who leads {found.leads.name} and is away")
    return f"You get this because you {say.listed(parts[:4])}."

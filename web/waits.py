"""What waits on a person, oldest first: goals of teams they lead, briefs to read, asks to keep, mails to decide on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, F, Max, Min, Q
from django.urls import reverse

from accounts.clock import today
from accounts.models import User
from nudges import addresses
from nudges.models import Delivery
from program import wording
from program.models import Feed, Metric, Program
from program.rules.status import SHORT
from reviews import ask_words, asks, pulse, replies
from reviews.models import Pulse, Review
from teams.goal_words import anchor
from teams.models import GoalQuerySet, Hold, Standing

STUCK = (Delivery.State.HELD, Delivery.State.IN_DOUBT, Delivery.State.FAILED)


@dataclass(frozen=True)
class Wait:
    """One thing that waits: in words, where to go, since when (a day), what to begin with, and what is to be done
    there."""

    said: str
    address: str
    since: date
    status: str = ""
    begin: str = ""
    do: str = "Answer it"


def upon(user: User, goals: GoalQuerySet, days: Mapping[int, date], moment: datetime) -> list[Wait]:
    """All that waits on a person. `days` is today of each team they lead, `goals` are those they may see."""
    found = [
        *_goals(goals, days),
        *_briefs(user, moment),
        *_declined(user, moment),
        *_asks(user, moment),
        *_pulses(user, moment),
        *_mails(user),
        *_doubts(user),
    ]
    found += [*_addresses(user, moment), *_ends(user, moment)]
    return oldest_first(found)


def oldest_first(found: Sequence[Wait]) -> list[Wait]:
    """What waits longest comes first."""
    return sorted(found, key=lambda wait: (wait.since, wait.said))


def _goals(goals: GoalQuerySet, days: Mapping[int, date]) -> list[Wait]:
    """Goals that are short today, each since the day after it last was not. Three queries."""
    kept = Standing.objects.filter(goal__in=goals.on_scorecards().filter(team__in=days))
    fine = dict(kept.exclude(status__in=SHORT).order_by().values_list("goal").annotate(Max("day")))
    first = dict(kept.order_by().values_list("goal").annotate(Min("day")))
    short = kept.filter(day__in=set(days.values()), status__in=SHORT)
    found = []
    for standing in short.select_related("goal__team", "goal__metric", "goal__program"):
        team, metric = standing.goal.team, standing.goal.metric
        if standing.day == days[team.pk]:
            last_fine = fine.get(standing.goal_id)
            found.append(
                Wait(
                    said=f"{team.name}: {metric.name}",
                    address=f"{reverse('team', args=[team.key])}#{anchor(metric.key, standing.goal.program.key)}",
                    since=last_fine + timedelta(days=1) if last_fine else first[standing.goal_id],
                    status=standing.status,
                    begin=wording.item(standing.trail[0]["item"]) if standing.trail else "",
                    do="See what to do",
                )
            )
    return found


def _briefs(user: User, moment: datetime) -> list[Wait]:
    """Frozen briefs of reviews to come."""
    coming = Review.objects.visible_to(user).to_come(moment).filter(brief__isnull=False)
    return [
        Wait(
            said=f"Brief of {review.program.name}, for the review on {wording.weekday(review.local_start.date())}",
            address=reverse("review", args=[review.pk]),
            since=review.brief.frozen_at.date(),
            do="Read it",
        )
        for review in coming.select_related("program", "brief")
    ]


def _declined(user: User, moment: datetime) -> list[Wait]:
    """For owners: reviews to come to which their sponsor cannot come. One query."""
    return [
        Wait(
            said=f"{one.person} cannot come to the review of {one.review.program.name} on "
            f"{wording.weekday(one.review.local_start.date())}",
            address=reverse("review-schedule", args=[one.review_id]),
            since=(one.replied_at or moment).date(),
            do="Move it",
        )
        for one in replies.declined_by_sponsors(Program.objects.run_by(user), moment)
    ]


def _asks(user: User, moment: datetime) -> list[Wait]:
    """What a review asked of this person."""
    found = []
    for ask in asks.waiting(user):
        when = ask_words.by_when(ask, today(ask.program.review_zone, moment))
        found.append(
            Wait(
                said=f"Asked of you: {ask.text}" + (f", {when}" if when else ""),
                address=reverse("ask", args=[ask.pk]),
                since=ask.raised_at.date(),
                do="Say how it goes",
            )
        )
    return found


def _pulses(user: User, moment: datetime) -> list[Wait]:
    """Two questions before a review that they did not answer yet. One query."""
    open_ones = Pulse.objects.filter(
        person=user, answered_at=None, review__brief=None, review__state=Review.State.SCHEDULED,
        review__starts_at__gt=moment,
    )  # fmt: skip
    return [
        Wait(
            said=f"Does {one.review.program.name} help you? Two questions before its review",
            address=pulse.path(one),
            since=one.asked_at.date(),
        )
        for one in open_ones.select_related("review__program")
    ]


def _mails(user: User) -> list[Wait]:
    """For owners: mails that are held, in doubt or failed and need a decision. Three queries."""
    run = {program.pk: program for program in Program.objects.run_by(user)}
    stuck = Delivery.objects.filter(state__in=STUCK, private=False).order_by()
    through = "digest__nudges__goal__program"
    numbers: dict[tuple[int, str], int] = defaultdict(int)
    oldest: dict[tuple[int, str], date] = {}
    for field, rows in (
        ("program", stuck.filter(program__in=run)),
        # A digest is every program's whose goals it speaks of.
        (through, stuck.filter(**{f"{through}__in": run}).exclude(program=F(through))),
    ):
        counted = rows.values_list(field, "state").annotate(Count("pk", distinct=True), Min("created_at"))
        for program, state, number, since in counted:
            if program not in run:  # a digest speaks of programs of others too
                continue
            numbers[program, state] += number
            oldest[program, state] = min(oldest.get((program, state), since.date()), since.date())
    return [
        Wait(
            said=f"{wording.count(number, 'mail')} of {run[program].name} {state}",
            address=reverse("program-nudges", args=[run[program].key]),
            since=oldest[program, state],
            do="Decide",
        )
        for (program, state), number in numbers.items()
    ]


def _doubts(user: User) -> list[Wait]:
    """For owners: numbers that somebody disputes or that moved too sharply, and feeds that fail. Two queries."""
    asked = Q(why=Hold.Why.SUDDEN) | Q(dispute__isnull=False, dispute__answered_at=None)
    doubted = Hold.objects.filter(asked, until=None, metric__in=Metric.objects.run_by(user))
    feeds = Feed.objects.filter(program__in=Program.objects.run_by(user), failures__gt=0)
    return [
        *(_doubt(one) for one in doubted.select_related("metric", "team")),
        *(
            Wait(
                f"The feed {one.name} is failing", reverse("feed", args=[one.key]), one.failing_since.date(),
                do="See why",
            )
            for one in feeds
            if one.failing_since is not None
        ),
    ]  # fmt: skip


def _doubt(hold: Hold) -> Wait:
    of = f"{hold.metric.name}{f' of {hold.team.name}' if hold.team else ''}"
    address, day = reverse("metric", args=[hold.metric.key]), hold.since.date()
    if hold.why == Hold.Why.DISPUTED:
        return Wait(f"“This number is wrong”: {of}", address, day)
    return Wait(f"Is it right? {of}: {hold.reason}", address, day, do="Confirm it")


def _addresses(user: User, moment: datetime) -> list[Wait]:
    """Their own address that is refused; and for owners, those of people whom their programs need. Two queries, more
    where one is."""
    found = []
    for person, one in {one.person.pk: one for one in addresses.refused(list(Program.objects.run_by(user)))}.items():
        if person != user.pk:
            where = f"{reverse('program-nudges', args=[one.program.key])}#addresses"
            found.append(Wait(one.what, where, (one.since or moment).date(), do="Settle it"))
    if user.address_suspended_reason:
        said = f"Your mail server refused your address: {user.address_suspended_reason}"
        found.append(Wait(said, reverse("me"), moment.date(), do="Use it again"))
    return found


def _ends(user: User, moment: datetime) -> list[Wait]:
    """For owners: programs that run on past their last day. One query."""
    over = Program.objects.run_by(user).live().filter(end__lt=moment.date(), owners__user=user)
    return [
        Wait(
            said=f"{program.name} was to end on {wording.day(program.end)}: let it end, or extend it",
            address=reverse("desk", args=[program.key]),
            since=program.end + timedelta(days=1),
            do="Decide",
        )
        for program in over
    ]


def sentence(waits: Sequence[Wait]) -> str:
    """The first line of home and inbox."""
    if not waits:
        return "Nothing waits on you."
    return f"{wording.count(len(waits), 'thing')} {'waits' if len(waits) == 1 else 'wait'} on you."

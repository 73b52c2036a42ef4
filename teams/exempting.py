"""Exemptions: a team asks that one goal rests for a reason and until a day, an owner answers, either may end it early.

When one is over the goal is judged as ever, without anybody doing anything: the status rule looks at the days.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import record
from accounts.clock import today
from accounts.models import User
from program import wording
from program.models import Program

from .models import Exemption, Goal
from .renegotiating import judge_again, locked
from .roles import ACTS, SPEAKS, Role
from .typed import Unfit

MOST_DAYS = 184
"""About six months: what takes longer is no pause."""


def ask(
    goal: Goal, *, reason: str, text: str, until: date | None, from_day: date | None, by: User, now: datetime
) -> Exemption:  # fmt: skip
    """Ask that a goal rests until a day (inclusive), from today unless another day is given. Raises Unfit.

    One request at a time waits; where the goal is exempt already, the new one begins when that ends.
    """
    with transaction.atomic():
        goal = locked(goal)
        if goal.ended_on is not None or goal.program.state not in Program.ON_SCORECARDS:
            raise Unfit("This goal is on no scorecard now: there is nothing to be exempt from.")
        if Exemption.objects.waiting().filter(goal=goal).exists():
            raise Unfit("A request for this goal waits for its answer already: withdraw it first.")
        day = today(goal.team.time_zone, now)
        if reason not in Exemption.Reason.values:
            words = [str(label) for label in Exemption.Reason.labels]
            raise Unfit(f"One of these reasons was expected: {wording.listed(words)}.")
        first, last = _days(goal, from_day, until, day)
        made = Exemption.objects.create(
            goal=goal, from_day=first, until_day=last, reason=reason, text=text, asked_by=by, asked_at=now
        )
        record("exemption", str(goal), at=now, actor=by, via="page", reason=text,
               after={"asked": reason, "from": first.isoformat(), "until": last.isoformat()})  # fmt: skip
    return made


def open_requests(programs: QuerySet[Program]) -> list[Exemption]:
    """What waits for the answer of these programs' owners, oldest first. One query."""
    live = Goal.objects.on_scorecards().filter(program__in=programs)
    rows = Exemption.objects.waiting().filter(goal__in=live).order_by("asked_at", "pk")
    return list(rows.select_related("asked_by", "goal__team", "goal__metric", "goal__program"))


def _days(goal: Goal, from_day: date | None, until: date | None, day: date) -> tuple[date, date]:
    """The days that are asked for, checked."""
    latest = day + timedelta(days=MOST_DAYS)
    if until is None or not day <= until <= latest:
        raise Unfit(f"The last day is from today to {wording.day(latest)}, six months ahead at most.")
    if from_day is not None and not day <= from_day <= until:
        raise Unfit(f"The first day is from today to the last day ({wording.day(until)}).")
    first = free_from(goal, from_day or day)
    if first > until:
        raise Unfit(f"It is exempt until {wording.day(first - timedelta(days=1))} already: a later day was expected.")
    if from_day is not None and first != from_day:
        raise Unfit(f"It is exempt until {wording.day(first - timedelta(days=1))} already: leave the first day out.")
    return first, until


def free_from(goal: Goal, day: date) -> date:
    """The first day from this one on that no approved exemption covers."""
    while (covered := Exemption.objects.covering(day).filter(goal=goal).first()) is not None:
        day = covered.last_day + timedelta(days=1)
    return day


def approve(made: Exemption, *, until: date | None, text: str, by: User, now: datetime) -> None:
    """Say yes, from today on at the earliest; the owner may shorten it. Raises Unfit."""
    with transaction.atomic():
        goal, held = locked(made.goal), _held(made)
        day = today(goal.team.time_zone, now)
        if held.state_on(day) != "waiting":
            raise Unfit("This request is not open any more: somebody answered it or took it back.")
        last = until or held.until_day
        if not day <= last <= held.until_day:
            span = f"from today to the day that was asked for, {wording.day(held.until_day)}"
            late = "That day has passed: decline it. " if held.until_day < day else ""
            raise Unfit(f"{late}The last day is {span}.")
        first = free_from(goal, max(held.from_day, day))
        if first > last:
            raise Unfit(f"It is exempt until {wording.day(first - timedelta(days=1))} already: decline it.")
        held.from_day, held.until_day = first, last
        held.asked_until = made.until_day if last != made.until_day else None
        held.approved_by, held.approved_at, held.answer = by, now, text
        held.save()
        record("exemption", str(goal), at=now, actor=by, via="page", reason=text, before={"state": "waiting"},
               after={"state": "approved", "from": first.isoformat(), "until": last.isoformat()})  # fmt: skip
        judge_again(goal, now)


def decline(made: Exemption, *, text: str, by: User, now: datetime) -> None:
    """Say no, with words. Raises Unfit when it does not wait any more."""
    with transaction.atomic():
        goal = locked(made.goal)
        asked = Exemption.objects.waiting().filter(pk=made.pk)
        if not asked.update(declined_by=by, declined_at=now, answer=text):
            raise Unfit("This request is not open any more: somebody answered it or took it back.")
        record("exemption", str(goal), at=now, actor=by, via="page", reason=text, before={"state": "waiting"},
               after={"state": "declined"})  # fmt: skip


def may_end(made: Exemption, user: User, role: Role, *, owner: bool) -> bool:
    """Whether somebody may withdraw a request or end an exemption: an owner, who speaks for the team, who asked.

    A request that waits may be withdrawn by anybody who acts in the team; an owner declines it instead.
    """
    if made.approved_at is None:
        return role in ACTS
    return owner or role in SPEAKS or (role in ACTS and made.asked_by_id == user.pk)


def end(made: Exemption, *, text: str, by: User, now: datetime) -> str:
    """Withdraw a request, or end an exemption before its last day: it counts no more from today on.

    Returns where it was before. Raises Unfit when it is over already.
    """
    with transaction.atomic():
        goal, held = locked(made.goal), _held(made)
        day = today(goal.team.time_zone, now)
        was = held.state_on(day)
        if was not in ("waiting", "to come", "in force"):
            raise Unfit("This exemption is over already.")
        held.revoked_by, held.revoked_at = by, now
        if was == "in force":
            held.ended_on = day
        held.save()
        before = {"state": was, "until": held.until_day.isoformat()}
        after = {"state": held.state_on(day)}
        record("exemption", str(goal), at=now, actor=by, via="page", reason=text, before=before, after=after)
        judge_again(goal, now)
    return was


def _held(made: Exemption) -> Exemption:
    """The exemption as it is now, locked."""
    return Exemption.objects.select_for_update().get(pk=made.pk)

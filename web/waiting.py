"""All that waits on a person, of every kind, as home and the inbox list it: the oldest first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta

from django.urls import reverse

from accounts.clock import today
from accounts.models import User
from nudges import notices
from nudges.models import Opened
from program import wording
from program.rules.status import FINE
from teams.answering import SHOWN_FOR, WITH_A_DAY
from teams.models import Answer, GoalQuerySet, Membership, Standing
from web import answering, room_waits, waits
from web.answering import called, page_of, with_goal
from web.waits import Wait

NEW_FOR = timedelta(days=14)
"""So long a team that somebody began to lead waits to be looked at."""


def upon(user: User, goals: GoalQuerySet, memberships: Sequence[Membership], moment: datetime) -> list[Wait]:
    """Everything: of the goals that a person may see, and the teams they are in."""
    led = [one for one in memberships if one.role == Membership.Role.LEAD and one.team.leaf]
    days = {one.team_id: today(one.team.time_zone, moment) for one in led}
    return waits.oldest_first(
        [
            *_promises(user, goals, moment),
            *_handovers(user, goals, led, moment),
            *waits.upon(user, goals, days, moment),
            *answering.upon(user, goals, days, moment),
            *room_waits.upon(user, moment),
        ]
    )


def _promises(user: User, goals: GoalQuerySet, moment: datetime) -> list[Wait]:
    """Their own answers whose day has come while the goal is short still. One query, two where there are any."""
    day = moment.date()
    rows = Answer.objects.standing().filter(person=user, kind__in=WITH_A_DAY, goal__in=goals.on_scorecards())
    recent = rows.filter(until__range=(day - SHOWN_FOR, day + timedelta(days=1)))
    come = [
        (one, one.until)
        for one in recent.select_related(*with_goal("goal__"))
        if one.until is not None and one.until <= today(one.goal.team.time_zone, moment)
    ]
    fine = _fine({one.goal_id for one, _until in come}, day)
    return [
        Wait(f"You said “{one.kind} until {wording.day(until)}”, and that day has come: {called(one.goal)}",
             f"{page_of(one.goal)}#answer", until, do="Say how it went")
        for one, until in come
        if one.goal_id not in fine
    ]  # fmt: skip


def _fine(goals: Collection[int], day: date) -> set[int]:
    """Those of these goals that were on track or met when they were judged last. One query, none for no goal."""
    if not goals:
        return set()
    near = Standing.objects.filter(goal__in=goals, day__gte=day - timedelta(days=7)).order_by("day")
    newest: Mapping[int, str] = dict(near.values_list("goal", "status"))
    return {goal for goal, status in newest.items() if status in FINE}


def _handovers(user: User, goals: GoalQuerySet, led: Sequence[Membership], moment: datetime) -> list[Wait]:
    """Teams with goals that they lead since less than two weeks, until they opened the message that hands it over. Two
    queries, none where there is no such team."""
    new = {one.team_id: (one, one.since) for one in led if one.since is not None and one.since >= moment - NEW_FOR}
    if not new:
        return []
    keys = {notices.handover_key(user.pk, team, since) for team, (_one, since) in new.items()}
    opened = Opened.objects.filter(delivery__digest__notices__kind=notices.HANDOVER)
    seen = set(opened.filter(delivery__person=user).values_list("delivery__digest__notices__key", flat=True)) & keys
    found: dict[int, int] = {}
    for team, made in goals.on_scorecards().filter(team__in=new).values_list("team", "created_at"):
        found[team] = found.get(team, 0) + (made < new[team][1])
    return [
        Wait(f"You lead {one.team.name} now: {wording.count(found[team], 'goal')} to take over",
             reverse("team", args=[one.team.key]), today(one.team.time_zone, since), do="See its goals")
        for team, (one, since) in new.items()
        if found.get(team) and notices.handover_key(user.pk, team, since) not in seen
    ]  # fmt: skip

"""What people answer about a goal: on it, blocked, done, not theirs; one stands a person and goal, the next ends it.

A promise rests the goal's nudges for everybody until its day; "not mine" only those to who said it. nudges/policy.py
holds the rules; here stand who may answer, what an answer needs, and which of them stand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.audit import record
from accounts.clock import today
from accounts.models import User
from program import wording
from program.models import Program

from . import roles
from .models import Answer, AnswerQuerySet, Goal, Membership, Team
from .typed import Unfit, text

Kind = Answer.Kind
LONGEST_AHEAD = timedelta(weeks=8)
"""A promise reaches no further: what takes longer is an exemption or another due day."""
DONE_RESTS = timedelta(weeks=2)
"""So long a goal that somebody called done waits for a measurement that shows it."""
SHOWN_FOR = timedelta(weeks=4)
"""So long after its day an answer stands on the scorecard."""
GOAL = ("goal__team", "goal__program", "goal__metric")
WITH_A_DAY = frozenset({Kind.ON_IT, Kind.BLOCKED})


class Said(NamedTuple):
    """A standing answer, lightly. `day` is its team's on which it was given."""

    pk: int
    goal: int
    person: int
    by: str
    kind: str
    until: date | None
    text: str
    day: date


def may_answer(user: User, team: Team) -> bool:
    """Whether a person may answer for a team: who speaks for it, and the deputy of somebody who does."""
    return roles.speaks_for(user, team) or stands_in(user, team)


def stands_in(user: User, team: Team) -> bool:
    """Whether a person is the deputy of somebody who leads a team or a group above it. One query, two for deputies."""
    if not user.is_active or user.reads_only:
        return False
    led = Membership.objects.filter(user__deputy=user, user__is_active=True, role=Membership.Role.LEAD)
    teams = set(led.values_list("team_id", flat=True))
    return bool(teams) and not teams.isdisjoint(roles.ancestors(team.pk, roles.parents()))


def answer(
    goal: Goal, kind: str, *, by: User, now: datetime, via: str, until: date | None = None, words: str = "",
    whose_team: Team | None = None, needs: User | None = None,
) -> Answer:  # fmt: skip
    """Keep what somebody answers about a goal; the same again changes nothing. Raises Unfit."""
    made = Answer(
        goal=goal,
        person=by,
        kind=_kind(kind),
        until=_until(until, goal, now) if kind in WITH_A_DAY else None,
        text=text(words, "what blocks it" if kind == Kind.BLOCKED else "a word", required=kind == Kind.BLOCKED),
        whose_team=_other(whose_team, goal) if kind == Kind.NOT_MINE else None,
        needs=needs if kind == Kind.BLOCKED else None,
        via=via,
        at=now,
    )
    with transaction.atomic():
        Goal.objects.select_for_update(no_key=True).get(pk=goal.pk)  # of two answers at once one follows the other
        before = goal.answers.standing().filter(person=by).select_related("whose_team", "needs").first()
        if before is not None:
            if _facts(before) == _facts(made):
                return before
            Answer.objects.filter(pk=before.pk).update(ended_at=now)
        made.save(force_insert=True)
        record("answer", str(goal), at=now, actor=by, via=via, reason=made.text,
               before=_facts(before) if before else None, after=_facts(made))  # fmt: skip
    return made


def may_take_back(made: Answer, user: User) -> bool:
    """Whether a person may end an answer: whose it is; and that a goal is not theirs, who runs the program."""
    if user.reads_only or not user.is_active:
        return False
    return made.person_id == user.pk or (made.kind == Kind.NOT_MINE and roles.runs(user, made.goal.program))


def take_back(made: Answer, *, by: User, now: datetime, via: str) -> bool:
    """End an answer: what it silenced speaks again. False if it stood no more."""
    with transaction.atomic():
        if not Answer.objects.standing().filter(pk=made.pk).update(ended_at=now):
            return False
        after = {"taken back": True}
        record("answer", str(made.goal), at=now, actor=by, via=via, before=_facts(made), after=after)
    return True


def standing(rows: AnswerQuerySet) -> Mapping[int, Sequence[Said]]:
    """By goal: those of these answers that stand and count, the newest first. One query.

    Who is not active any more promised nothing that still counts.
    """
    found: dict[int, list[Said]] = defaultdict(list)
    fields = (
        "pk", "goal_id", "person_id", "person__name", "person__email", "kind", "until", "text", "at",
        "goal__team__time_zone",
    )  # fmt: skip
    live = rows.standing().filter(person__is_active=True).order_by("-at", "-pk")
    for pk, goal, person, name, email, kind, until, words, at, zone in live.values_list(*fields):
        day = at.astimezone(ZoneInfo(zone)).date()
        found[goal].append(Said(pk, goal, person, name or email, kind, until, words, day))
    return found


def shown(goals: Sequence[int], user: User, on: date) -> dict[int, list[Answer]]:
    """By goal (ids): the standing answers of late that a person may read, the newest first. One query."""
    found: dict[int, list[Answer]] = defaultdict(list)
    if goals:
        rows = Answer.objects.standing().visible_to(user).filter(goal__in=goals)
        for one in rows.select_related("person", "whose_team", "needs"):
            if is_of_late(one, on):
                found[one.goal_id].append(one)
    return found


def shown_on(goals: Sequence[int], user: User, on: date, zone: str) -> dict[int, list[Answer]]:
    """The same of a past day: by goal, the answers that stood at its end where their team is. One query."""
    found: dict[int, list[Answer]] = defaultdict(list)
    if goals:
        end = datetime.combine(on + timedelta(days=1), time(), ZoneInfo(zone))
        rows = Answer.objects.visible_to(user).filter(goal__in=goals, at__lt=end)
        stood = rows.filter(Q(ended_at=None) | Q(ended_at__gte=end))
        for one in stood.select_related("person", "whose_team", "needs"):
            if is_of_late(one, on):
                found[one.goal_id].append(one)
    return found


def is_of_late(made: Answer, on: date) -> bool:
    """Whether an answer is still worth showing on a day: four weeks from its day on; "not mine" until it is settled."""
    return made.kind == Kind.NOT_MINE or (made.until or made.at.date()) >= on - SHOWN_FOR


def not_mine(programs: QuerySet[Program]) -> list[Answer]:
    """Standing answers that a goal of these programs is not theirs: its owners settle whose it is. One query."""
    rows = Answer.objects.standing().filter(kind=Kind.NOT_MINE, goal__program__in=programs, goal__ended_on=None)
    return list(rows.filter(person__is_active=True).select_related("person", *GOAL).order_by("at", "pk"))


def first_day(goal: Goal, now: datetime) -> date:
    """The first day that may be promised: tomorrow, where the team is."""
    return today(goal.team.time_zone, now) + timedelta(days=1)


def last_day(goal: Goal, now: datetime) -> date:
    """The last day that may be promised."""
    return today(goal.team.time_zone, now) + LONGEST_AHEAD


def _kind(kind: str) -> Kind:
    if kind not in Kind.values:
        raise Unfit(f"One of {', '.join(Kind.values)} was expected, not “{kind[:40]}”.")
    return Kind(kind)


def _until(until: date | None, goal: Goal, now: datetime) -> date:
    first, last = first_day(goal, now), last_day(goal, now)
    if until is None or not first <= until <= last:
        raise Unfit(
            f"A day from {wording.day(first)} to {wording.day(last)} was expected: from tomorrow on, and within eight"
            " weeks. What takes longer is an exemption, or another due day."
        )
    return until


def _other(team: Team | None, goal: Goal) -> Team | None:
    if team is not None and team.pk == goal.team_id:
        raise Unfit(f"Another team than {team.name} was expected.")
    return team


def _facts(made: Answer) -> dict[str, object]:
    facts: dict[str, object] = {"answer": str(made.kind)}
    if made.until:
        facts["until"] = made.until.isoformat()
    if made.text:
        facts["text"] = made.text
    if made.whose_team:
        facts["whose"] = made.whose_team.key
    if made.needs:
        facts["needs"] = made.needs.email
    return facts

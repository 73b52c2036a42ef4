"""A tone of a program's nudges that is of little use, or that most ignore, slows itself down, then stops.

Once a week each live program's nudges are looked at, tone by tone (program/rules/usefulness.py says what is enough to
judge by). A tone that does badly waits twice as long; one that still does, four weeks later and by what was said since,
is not said any more, until an owner starts it again. One that does well again is as usual, by itself. Owners get a
mail about each turn for the worse.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from accounts.audit import record
from accounts.clock import today
from accounts.models import User
from program.models import Program
from program.rules import usefulness
from program.rules.usefulness import Evidence, State

from . import became, policy, restraint_mail
from .became import Ballot, Fate
from .models import Look, Restraint, period_of

LOOKED_BACK = timedelta(weeks=usefulness.LOOKED_BACK_WEEKS)


def in_force(programs: Iterable[int]) -> dict[tuple[int, str], str]:
    """What is slowed or stopped now. One query."""
    standing = Restraint.objects.filter(program__in=programs, ended_at=None).order_by()
    return {(program, tone): state for program, tone, state in standing.values_list("program_id", "tone", "state")}


def look(now: datetime) -> int:
    """Look at each live program that was not looked at this week; how many. One query where there is none."""
    looked = dict(
        Look.objects.filter(at__gt=now - timedelta(days=9)).values_list("program_id", "period").order_by("at")
    )
    done = 0
    for program in Program.objects.filter(state=Program.State.ACTIVE).order_by("pk"):
        day = today(program.review_zone, now)
        if looked.get(program.pk) == period_of(day):
            continue
        try:
            with transaction.atomic():
                row = Look.objects.create(program=program, period=period_of(day), at=now)
                row.found = _look_at(program, day, now)
                row.save(update_fields=["found"])
                done += 1
        except IntegrityError:
            continue  # another run looks at it
    return done


def _look_at(program: Program, day: date, now: datetime) -> dict[str, Any]:
    """Judge each tone of a program, and change what follows from it. Four queries where nothing changes."""
    last = day - became.FOLLOWED_WITHIN
    history: dict[str, Restraint] = {}
    for row in Restraint.objects.filter(program=program).order_by("decided_at", "pk"):
        history[row.tone] = row
    fates, ballots = became.of_program(program, day - LOOKED_BACK, last), became.votes(program, day - LOOKED_BACK, last)
    found = {}
    for tone in policy.TONES:
        newest = history.get(tone)
        standing = newest if newest is not None and newest.ended_at is None else None
        seen = evidence(tone, fates, ballots, _counts_from(newest))
        judged = usefulness.finding(seen, usefulness.NEW_PART if standing else 1.0)
        state = State(standing.state) if standing else State.NORMAL
        after = usefulness.next_state(state, judged, (day - standing.since).days // 7 if standing else 0)
        said = {"found": str(judged), **asdict(seen)}
        if seen != Evidence():
            found[tone] = said
        if after != state:
            _change(program, tone, standing, after, said, day, now)
    return found


def evidence(tone: str, fates: Iterable[Fate], ballots: Iterable[Ballot], since: date) -> Evidence:
    """What is known of a tone since a day: nudges after which nothing was measured in time tell nothing."""
    told = [one for one in fates if one.tone == tone and one.day >= since and one.tells]
    voted = [one.useful for one in ballots if one.tone == tone and one.day >= since]
    return Evidence(
        votes=len(voted), useful=sum(voted), said=len(told), people=len({one.person for one in told}),
        followed=sum(one.followed for one in told),
    )  # fmt: skip


def _counts_from(newest: Restraint | None) -> date:
    """From which day on evidence counts: since the tone was last slowed, or started again by an owner."""
    if newest is None:
        return date.min
    return newest.resumed_on or newest.since


def _change(
    program: Program,
    tone: str,
    standing: Restraint | None,
    after: State,
    said: dict[str, Any],
    day: date,
    now: datetime,
) -> None:
    """End what stands, begin what follows, and tell the owners of what is worse than before."""
    if standing is not None:
        Restraint.objects.filter(pk=standing.pk, ended_at=None).update(ended_at=now)
    record(
        "program", program.key, at=now, via="planning", reason=f"nudges “{policy.TONES[tone]}”: {said['found']}",
        before={"tone": tone, "state": standing.state if standing else str(State.NORMAL)},
        after={"tone": tone, "state": str(after), **said},
    )  # fmt: skip
    if after == State.NORMAL:
        return
    row = Restraint.objects.create(
        program=program, tone=tone, state=str(after), since=day, evidence=said, decided_at=now
    )
    restraint_mail.tell_owners(row, now)


def resume(row: Restraint, *, by: User, now: datetime, via: str = "page") -> bool:
    """Start a tone again, as an owner; its evidence counts anew from today. False if it was not slowed any more."""
    day = today(row.program.review_zone, now)
    with transaction.atomic():
        standing = Restraint.objects.filter(pk=row.pk, ended_at=None)
        if not standing.update(ended_at=now, resumed_by=by, resumed_on=day):
            return False
        record(
            "program", row.program.key, at=now, actor=by, via=via, reason="nudges started again by an owner",
            before={"tone": row.tone, "state": row.state}, after={"tone": row.tone, "state": str(State.NORMAL)},
        )  # fmt: skip
    return True


def standing(program: Program) -> list[Restraint]:
    """What is slowed or stopped in a program, the latest first. One query."""
    return list(Restraint.objects.filter(program=program, ended_at=None).select_related("program"))


def ever(programs: Iterable[int]) -> list[Restraint]:
    """What was ever slowed or stopped in these programs. One query."""
    return list(Restraint.objects.filter(program__in=programs))

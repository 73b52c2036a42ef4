"""Planning: what each person whose turn has come is told or not, and the rows that say so.

It may run twice, late, by hand or three times at once: a digest is unique by person and local day, a turn by
person, program and week, and whoever makes the digest's row writes everything that hangs on it, in one transaction.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from program.models import Program
from teams.upsert import upsert

from . import experiments, facts, outbox
from .decided import Decided
from .decisions import decide, leave_alone_by_lot
from .models import Digest, Lot, Notice, Nudge, Turn
from .people import Org
from .situation import nudges_to_nobody, read
from .turns import Due, due_people

log = logging.getLogger(__name__)

PEOPLE_AT_A_TIME = 250
NUDGES_AT_A_TIME = 500
STORED = ("person", "goal", "day", "due_day", "digest", "state", "reason", "streak", "facts", "decided_at")


@dataclass
class Plan:
    """What one planning run wrote."""

    digests: int = 0
    said: int = 0
    notices: int = 0
    withheld: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def plan(now: datetime) -> Plan:
    """Plan every digest whose turn has come, 250 people at a time, each part in the same number of queries."""
    done = Plan()
    programs = Program.objects.filter(state=Program.State.ACTIVE).in_bulk()
    if not programs:
        return done
    experiments.keep_in_step(programs, now)
    org = Org.read()
    due = list(due_people(now, programs, org))
    for start in range(0, len(due), PEOPLE_AT_A_TIME):
        part = due[start : start + PEOPLE_AT_A_TIME]
        try:
            _plan_part(part, programs, now, done)
        except IntegrityError:
            # Another run got in between reading and writing; its rows stand, and the next tick sees them.
            log.warning("a part of the plan was made by another run", exc_info=True)
    _note_teams_without_a_lead(now, programs, org, done)
    return done


def _plan_part(due: Sequence[Due], programs: Mapping[int, Program], now: datetime, done: Plan) -> None:
    """Decide for some people and write it down, in constant queries."""
    situation = read(due, programs, now)
    decided = [d for d in (decide(one, situation) for one in due) if d is not None]
    leave_alone_by_lot(decided, situation)
    facts.attach(decided, situation, now)
    with transaction.atomic():
        token = secrets.token_hex(16)
        Digest.objects.bulk_create([_digest(d, token, now) for d in decided], ignore_conflicts=True)
        mine = {digest.person_id: digest for digest in Digest.objects.filter(plan=token)}
        ours = [d for d in decided if d.due.person.pk in mine]
        _write(ours, mine, now)
        spoken = {nudge.goal_id for d in ours for nudge in d.nudges}
        Lot.objects.bulk_create([lot for goal, lot in situation.lots.drawn.items() if goal in spoken], batch_size=500)
    for d in ours:
        done.digests += d.says_something
        done.notices += len(d.notices)
        done.said += sum(1 for nudge in d.nudges if not nudge.reason)
        for nudge in d.nudges:
            if nudge.reason:
                done.withheld[nudge.reason] += 1


def _digest(d: Decided, token: str, now: datetime) -> Digest:
    return Digest(
        person=d.due.person,
        day=d.due.day,
        time_zone=d.due.zone,
        planned_at=now,
        plan=token,
        next_day=d.next_day,
    )


def _write(decided: Sequence[Decided], digests: Mapping[int, Digest], now: datetime) -> None:
    """Turns, nudges and notices of these people's digests, and a delivery for each that says something."""
    turns, nudges, notices = [], [], []
    for d in decided:
        digest = digests[d.due.person.pk]
        for program, day in d.due.turns.items():
            turns.append(Turn(person=d.due.person, program_id=program, due_day=day, digest=digest))
        for nudge in d.nudges:
            nudge.day, nudge.decided_at = d.due.day, now
            nudge.digest = digest if nudge.person_id == d.due.person.pk else None
            nudges.append(nudge)
        for notice in d.notices:
            notice.digest, notice.said_at = digest, now
            notices.append(notice)
    Turn.objects.bulk_create(turns, batch_size=500)
    for start in range(0, len(nudges), NUDGES_AT_A_TIME):
        upsert(Nudge, STORED, [_stored(nudge) for nudge in nudges[start : start + NUDGES_AT_A_TIME]])
    Notice.objects.bulk_create(notices, batch_size=200)
    speaking = [d for d in decided if d.says_something]
    rows = outbox.put_all([d.letter() for d in speaking], now)
    for d, row in zip(speaking, rows, strict=True):
        digests[d.due.person.pk].delivery = row
    Digest.objects.bulk_update([digests[d.due.person.pk] for d in speaking], ["delivery"], batch_size=200)


def _stored(nudge: Nudge) -> tuple[Any, ...]:
    """A nudge as its row: there are thousands of them a part, and model instances are what inserting them costs."""
    return (
        nudge.person_id, nudge.goal_id, nudge.day, nudge.due_day, nudge.digest_id, str(nudge.state), nudge.reason,
        nudge.streak, json.dumps(nudge.facts, allow_nan=False), nudge.decided_at,
    )  # fmt: skip


def _note_teams_without_a_lead(now: datetime, programs: Mapping[int, Program], org: Org, done: Plan) -> None:
    """Keep on record, once a week, what could be told to nobody."""
    alone = [team for team in org.teams.values() if team.leaf and org.addressee(team.pk, now) is None]
    if not alone:
        return
    rows = nudges_to_nobody(alone, programs, now)
    known = set(Nudge.objects.filter(person=None, goal__in=[n.goal_id for n in rows]).values_list("goal", "due_day"))
    new = [row for row in rows if (row.goal_id, row.due_day) not in known]
    Nudge.objects.bulk_create(new, ignore_conflicts=True)
    for row in new:
        done.withheld[row.reason] += 1

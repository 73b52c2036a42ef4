"""What is open about goals: a proposal or a request that waits, an exemption in force; by goal and by program."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from program import wording
from program.models import Program

from .models import Exemption
from .statements import among, as_day, fetch

OPEN = """
SELECT goal_id, 'proposal', made_at, NULL, NULL, NULL, '' FROM teams_proposal WHERE state = 'open' AND {goals}
UNION ALL
SELECT goal_id, CASE WHEN approved_at IS NULL THEN 'asked' ELSE 'rests' END, asked_at, from_day, until_day, ended_on,
  reason FROM teams_exemption
WHERE {goals} AND ((approved_at IS NULL AND declined_at IS NULL AND revoked_at IS NULL)
  OR (approved_at IS NOT NULL AND (revoked_at IS NULL OR ended_on > from_day) AND from_day <= %s AND until_day >= %s))
ORDER BY 3
"""


COUNTED = """
SELECT
  (SELECT COUNT(*) FROM teams_proposal p JOIN teams_goal g ON g.id = p.goal_id
    WHERE g.program_id = %s AND g.ended_on IS NULL AND p.state = 'open'),
  (SELECT COUNT(*) FROM teams_exemption a JOIN teams_goal g ON g.id = a.goal_id
    WHERE g.program_id = %s AND g.ended_on IS NULL AND a.approved_at IS NULL AND a.declined_at IS NULL
      AND a.revoked_at IS NULL),
  (SELECT COUNT(DISTINCT r.goal_id) FROM teams_exemption r JOIN teams_goal g ON g.id = r.goal_id
    WHERE g.program_id = %s AND g.ended_on IS NULL AND r.approved_at IS NOT NULL
      AND (r.revoked_at IS NULL OR r.ended_on > r.from_day) AND r.from_day <= %s AND r.until_day >= %s
      AND (r.ended_on IS NULL OR r.ended_on > %s))
"""


def open_of(program: Program, on: date) -> str:
    """What is open between a live program and its teams, in words; empty where nothing is. One query."""
    if program.state not in Program.ON_SCORECARDS:
        return ""
    day = on.isoformat()
    ((proposals, requests, rests),) = fetch(COUNTED, [program.pk, program.pk, program.pk, day, day, day])
    parts = []
    if proposals:
        parts.append(f"{wording.count(proposals, 'proposal')} {_wait(proposals)} for an answer")
    if requests:
        parts.append(f"{wording.count(requests, 'request')} for an exemption {_wait(requests)} for an answer")
    if rests:
        parts.append(f"{wording.count(rests, 'goal')} {'is' if rests == 1 else 'are'} exempt")
    said = wording.listed(parts)
    return f"{said}." if said else ""


def _wait(number: int) -> str:
    return "waits" if number == 1 else "wait"


class Matter(NamedTuple):
    """One open matter: "proposal", "asked" or "rests", and in words."""

    kind: str
    said: str


def open_matters(goals: Sequence[int], on: date) -> dict[int, list[Matter]]:
    """What is open about each of these goals (ids) today, oldest first. One query."""
    found: dict[int, list[Matter]] = defaultdict(list)
    if not goals:
        return found
    condition, parameters = among("goal_id", goals)
    day = on.isoformat()
    rows = fetch(OPEN.format(goals=condition), [*parameters, *parameters, day, day])
    for goal, what, _, first, last, ended, reason in rows:
        if what == "proposal":
            found[goal].append(Matter(what, "other terms are proposed and wait for an answer"))
        elif what == "asked":
            found[goal].append(Matter(what, "an exemption is asked for and waits for an answer"))
        else:
            first_day, last_day = as_day(first), as_day(last)
            if first_day is None or last_day is None:
                continue
            row = Exemption(from_day=first_day, until_day=last_day, ended_on=as_day(ended), reason=reason)
            if row.last_day >= on:
                found[goal].append(Matter(what, f"exempt until {wording.day(row.last_day)}: {row.said_reason}"))
    return found

"""When a program was last looked at, what was known then, and what has arrived or changed since."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import NamedTuple

from django.db import models
from django.db.models.expressions import RawSQL

from program.models import Program
from teams.statements import among, fetch

RUNS, CHANGES = 1000, 10_000
"""So many of the last ones are watched: one with a smaller number may arrive after one with a larger."""
MOVE_NOTHING = (
    "agenda", "answer", "ask", "attendance", "calendar address", "cost", "decision", "dispute", "exemption",
    "feed credential", "hold", "instance", "invite", "membership", "minutes", "notes", "nudges", "outbox", "owner",
    "person", "playbook", "priority", "program limit", "pulse", "review", "score", "share link", "sponsor",
    "taken item", "token",
)  # fmt: skip
"""Kinds of changes that move no number of a look; one that is not named here is taken for one that does."""
# A run that waits in the queue is there before its measurements are.
ARRIVED = f"""(
SELECT COALESCE(newest.id, 0) || '/' ||
  (SELECT count(*) FROM teams_run WHERE id > newest.id - {RUNS} AND state <> 'received') || '/' ||
  (SELECT count(*) FROM teams_run WHERE state = 'received')
FROM (SELECT max(id) AS id FROM teams_run) newest
)"""  # noqa: S608 - fixed words
MOVING = f"kind NOT IN ({', '.join(repr(kind) for kind in MOVE_NOTHING)})"
CHANGED = f"""(
SELECT COALESCE(newest.id, 0) || '/' ||
  (SELECT count(*) FROM accounts_auditrow WHERE id > newest.id - {CHANGES} AND {MOVING})
FROM (SELECT max(id) AS id FROM accounts_auditrow WHERE {MOVING}) newest
)"""  # noqa: S608 - fixed words
KNOWN = f"""
SELECT {ARRIVED}, {CHANGED}, run.id, run.state
FROM (SELECT 1) one LEFT JOIN (
  SELECT id, state FROM teams_run WHERE id > (SELECT max(id) FROM teams_run) - {RUNS} OR state = 'received'
) run ON 1 = 1
"""  # noqa: S608 - fixed words
MEASURED_SINCE = """
SELECT DISTINCT src.metric_version_id FROM teams_snapshot s JOIN teams_source src ON src.id = s.source_id
WHERE s.run_id > %s OR {late}
"""


class Known(NamedTuple):
    """What there was at a moment: the last run and the last change, each in a word that is another one after the next,
    and by which runs measurements may yet come."""

    arrived: str
    changed: str
    last_run: int
    late_runs: list[int]
    """those that wait in the queue, however long, and numbers before the last run's of which none is there (yet)"""


def known() -> Known:
    """What there is now. One query."""
    rows = fetch(KNOWN, [])
    state_of = {run: state for _, _, run, state in rows if run is not None}
    last = max(state_of, default=0)
    waiting = {run for run, state in state_of.items() if state == "received"}
    missing = set(range(max(1, last - RUNS + 1), last)) - state_of.keys()
    return Known(rows[0][0], rows[0][1], last, sorted(waiting | missing))


class EffectLookQuerySet(models.QuerySet["EffectLook"]):
    """Looks beside what there is now."""

    def of(self, program: Program) -> EffectLook | None:
        """A program's, with what there is now in `arrived_now` and `changed_now`. One query."""
        now = {"arrived_now": RawSQL(ARRIVED, []), "changed_now": RawSQL(CHANGED, [])}  # noqa: S611 - fixed words
        return self.filter(program=program).annotate(**now).first()


class EffectLook(models.Model):
    """When a program was last looked at, what was known then, and what its teams came to together."""

    program = models.OneToOneField(Program, on_delete=models.CASCADE, related_name="effect_look")
    looked_on = models.DateField()
    arrived = models.CharField(max_length=80, default="", help_text="the last run, in a word")
    changed = models.CharField(max_length=80, default="", help_text="the last change that moves a number, in a word")
    last_run = models.BigIntegerField(default=0)
    late_runs = models.JSONField(default=list, help_text="runs that had brought nothing yet: see known")
    totals = models.JSONField(null=True, help_text="now, at the start and over time: see reviews/course.py")

    arrived_now: str
    changed_now: str
    """what `known` says now; only of one that `of` gave, as what follows"""

    objects = EffectLookQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.program.key} on {self.looked_on}"

    def holds(self, day: date) -> bool:
        """Whether it is of that day, and nothing has arrived or changed since."""
        return not self._is_over(day) and self.arrived == self.arrived_now

    def measured_since(self, day: date) -> Collection[int] | None:
        """Metric versions (ids) of which something was measured since; None where all is to be looked at again: it is
        of another day, or something changed. One query, none where nothing arrived."""
        if self._is_over(day):
            return None
        if self.arrived == self.arrived_now:
            return ()
        late, parameters = among("s.run_id", self.late_runs) if self.late_runs else ("FALSE", [])
        return {version for (version,) in fetch(MEASURED_SINCE.format(late=late), [self.last_run, *parameters])}

    def _is_over(self, day: date) -> bool:
        return self.looked_on != day or self.changed != self.changed_now

"""The holdout: a random share of the goals worth a nudge is left alone for four weeks, to see what nudges are good for.

An experiment draws for eight weeks. A goal is drawn once in it, on the first day on which every rule would let a nudge
about it go; whether it is held out follows from the recorded seed (program/rules/lots.py). Four weeks after the last
lot the experiment ends and the next one begins with another seed.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Count

from accounts.audit import record
from accounts.clock import today
from program.models import Program
from program.rules.lots import is_held_out

from .models import Experiment, Lot

DRAWS_FOR = timedelta(weeks=8)
HELD_FOR = timedelta(days=28)
"""How long a goal that was held out is left alone; the effect is read on its 14th and 28th day."""


def keep_in_step(programs: Mapping[int, Program], now: datetime) -> None:
    """Begin and end experiments as the programs' shares and days ask. One query where nothing changes."""
    running = {one.program_id: one for one in Experiment.objects.filter(ended_at=None).select_related("program")}
    for pk, one in running.items():
        program = programs.get(pk, one.program)
        day = today(program.review_zone, now)
        if program.holdout != one.share:
            _end(one, now, f"the share was set to {program.holdout:.0%}" if program.holdout else "nothing is held out")
        elif day > one.last_day + HELD_FOR:
            _end(one, now, "its time is over")
    for pk, program in programs.items():
        before = running.get(pk)
        if program.holdout and (before is None or before.ended_at is not None):
            _begin(program, now)


def _begin(program: Program, now: datetime) -> None:
    day = today(program.review_zone, now)
    with transaction.atomic():
        made = Experiment(
            program=program, seed=secrets.randbits(62), share=program.holdout, first_day=day,
            last_day=day + DRAWS_FOR - timedelta(days=1), started_at=now,
        )  # fmt: skip
        # Of several that begin it at once, one does.
        Experiment.objects.bulk_create([made], ignore_conflicts=True)
        if Experiment.objects.filter(program=program, ended_at=None, seed=made.seed).exists():
            record(
                "program", program.key, at=now, via="planning", reason="a holdout begins",
                after={"seed": made.seed, "share": made.share, "draws_until": made.last_day.isoformat()},
            )  # fmt: skip


def _end(one: Experiment, now: datetime, why: str) -> None:
    with transaction.atomic():
        if Experiment.objects.filter(pk=one.pk, ended_at=None).update(ended_at=now):
            record("program", one.program.key, at=now, via="planning", reason=f"a holdout ends: {why}")
    one.ended_at = now


@dataclass
class Lots:
    """The lots of some goals, and those that are drawn now; planning writes `drawn` beside what it decides."""

    experiments: Mapping[int, Experiment] = field(default_factory=dict)
    """running ones, by program"""
    held: Mapping[int, Lot] = field(default_factory=dict)
    """by goal: its lot in the running experiment"""
    places: Counter[tuple[int, str]] = field(default_factory=Counter)
    """by experiment and stratum: the next free place"""
    drawn: dict[int, Lot] = field(default_factory=dict)
    """by goal"""

    @classmethod
    def read(cls, goals: Collection[int], programs: Iterable[int]) -> Lots:
        """Three queries, and one where nothing is held out."""
        running = {one.program_id: one for one in Experiment.objects.filter(ended_at=None, program__in=programs)}
        if not running:
            return cls()
        mine = Lot.objects.filter(goal__in=goals, experiment__in=running.values())
        taken = Lot.objects.filter(experiment__in=running.values()).order_by().values_list("experiment_id", "stratum")
        places: Counter[tuple[int, str]] = Counter()
        for experiment, stratum, count in taken.annotate(Count("pk")):
            places[experiment, stratum] = count
        return cls(running, {lot.goal_id: lot for lot in mine}, places)

    def leave_alone(self, goal: int, day: date) -> bool:
        """Whether a goal's lot leaves it alone on a day: neither nudged nor passed on."""
        lot = self.held.get(goal) or self.drawn.get(goal)
        return lot is not None and lot.held_out and day < lot.drawn_on + HELD_FOR

    def draw(self, goal: int, program: int, stratum: str, gap: float | None, day: date) -> bool:
        """Draw the lot of a goal of which a nudge would be said, if it has none; whether it is left alone from now on.

        Once for each goal and experiment, while it draws.
        """
        experiment = self.experiments.get(program)
        if goal in self.held or goal in self.drawn:
            return False
        if experiment is None or day > experiment.last_day or not gap:
            return False
        place = self.places[experiment.pk, stratum]
        self.places[experiment.pk, stratum] += 1
        lot = Lot(
            experiment=experiment, goal_id=goal, stratum=stratum, place=place, drawn_on=day,
            held_out=is_held_out(experiment.seed, stratum, place, experiment.share), gap=gap,
        )  # fmt: skip
        self.drawn[goal] = lot
        return lot.held_out


def left_alone(lots: Iterable[Lot], day: date) -> set[int]:
    """The goals (ids) that their lots, with their experiments, leave alone on a day: no nudge, no escalation, no
    ask."""
    held_out = (lot for lot in lots if lot.held_out and lot.experiment.ended_at is None)
    return {lot.goal_id for lot in held_out if lot.drawn_on <= day < lot.drawn_on + HELD_FOR}

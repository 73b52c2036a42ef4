"""Who is let in: waves whose time has come, and teams that wait for a place under their limit."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from program.models import Program

from . import limits, waves
from .apply.changes import Changes
from .goals import make_goals, take_turn

VIA = "the calendar"


def admit_due(now: datetime) -> int:
    """Open the waves that are due and give free places to those who wait longest. Returns how many of both.

    It may run twice, late, or three times at once: a wave is opened by one, and goals are made by one at a time.
    """
    opened = waves.open_due(now)
    return opened + sum(_let_in(program, now) for program in limits.programs_with_a_place())


def _let_in(program_id: int, now: datetime) -> int:
    """Give the goals of a program to the teams that have a place for it now."""
    with transaction.atomic():
        take_turn()
        program = Program.objects.live().filter(pk=program_id).first()
        if program is None:
            return 0
        before = program.waiting.count()
        make_goals(program, now, Changes(now, VIA).note, reason="a place got free")
        return before - program.waiting.count()

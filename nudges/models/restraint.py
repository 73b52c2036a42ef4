"""Restraint: that a tone of a program's nudges slowed itself down or stopped; and the weekly looks at their use."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import User
from program.models import Program


class Restraint(models.Model):
    """A tone of a program's nudges that is slowed or stopped, since when and on what evidence; ended, it is history."""

    class State(models.TextChoices):
        SLOWED = "slowed"
        STOPPED = "stopped"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="restraints")
    tone = models.CharField(max_length=12, help_text="a name in nudges/policy.py: TONES")
    state = models.CharField(max_length=7, choices=State.choices)
    since = models.DateField(help_text="in the program's review zone")
    evidence = models.JSONField(default=dict, help_text="what was found, and the counts it rests on")
    decided_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, help_text="it stopped, went on as usual, or was resumed")
    resumed_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="the owner who resumed it"
    )
    resumed_on = models.DateField(null=True, blank=True, help_text="from which day on evidence counts anew")

    class Meta:
        ordering = ["-decided_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["program", "tone", "since"], name="one_restraint_a_day"),
            models.UniqueConstraint(
                fields=["program", "tone"], condition=Q(ended_at__isnull=True), name="one_standing_restraint"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.program.key}, {self.tone}: {self.state} since {self.since}"


class Look(models.Model):
    """A week in which it was looked at what a program's nudges are good for, and what was found by tone."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="looks")
    period = models.CharField(max_length=8, help_text="2026-W48, in the program's review zone")
    found = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["program", "period"], name="one_look_a_week")]

    def __str__(self) -> str:
        return f"{self.program.key} in {self.period}"

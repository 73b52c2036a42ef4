"""Experiments: which goals are left alone by lot."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from program.models import Program
from teams.models import Goal


class Experiment(models.Model):
    """A period in which a share of a program's goals is drawn by lot to be neither nudged nor escalated.

    The lots follow from `seed`, the stratum and the order in which goals became worth a nudge: anybody can draw again.
    """

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="experiments")
    seed = models.BigIntegerField()
    share = models.FloatField(help_text="held out, above 0 and below 1")
    first_day = models.DateField()
    last_day = models.DateField(help_text="inclusive; goals are drawn until then")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, help_text="ended early, by an owner")

    class Meta:
        ordering = ["-first_day", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["program"], condition=Q(ended_at__isnull=True), name="one_running_experiment"
            ),
            models.CheckConstraint(condition=Q(share__gt=0, share__lt=1), name="experiment_share"),
            models.CheckConstraint(condition=Q(first_day__lte=models.F("last_day")), name="experiment_days"),
        ]

    def __str__(self) -> str:
        return f"{self.program.key} from {self.first_day}"


class Lot(models.Model):
    """One goal drawn in an experiment when it was first worth a nudge: held out or not, with its gap that day."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="lots")
    goal = models.ForeignKey(Goal, on_delete=models.CASCADE, related_name="lots")
    stratum = models.CharField(max_length=100, help_text="metric and status on that day")
    place = models.PositiveIntegerField(help_text="its turn in the stratum, from 0")
    held_out = models.BooleanField()
    drawn_on = models.DateField(help_text="the team's local day")
    gap = models.FloatField(help_text="on that day, in the metric's unit, above 0")

    class Meta:
        ordering = ["experiment", "stratum", "place"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "goal"], name="one_lot_a_goal"),
            models.UniqueConstraint(fields=["experiment", "stratum", "place"], name="one_lot_a_place"),
        ]

    def __str__(self) -> str:
        return f"{self.goal}: {'held out' if self.held_out else 'nudged'}"

"""What was found of a program's effect and of its pace, a row for each day on which something new was found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TypeVar

from django.db import models
from django.db.models import OuterRef, Q, Subquery

from accounts.models import User
from program.models import MetricVersion, Program


class EffectQuerySet(models.QuerySet["Effect"]):
    """Findings by who may see them."""

    def visible_to(self, user: User) -> EffectQuerySet:
        """Whoever sees the program sees what is known of it."""
        return self.filter(program__in=Program.objects.visible_to(user))


class PaceQuerySet(models.QuerySet["Pace"]):
    """Paces by who may see them."""

    def visible_to(self, user: User) -> PaceQuerySet:
        """Whoever sees the program sees what is known of it."""
        return self.filter(program__in=Program.objects.visible_to(user))


class Effect(models.Model):
    """Whether a program moved a metric, by one version of it, as it was found on a day.

    `effect`, `low` and `high` are in the metric's unit and in its better direction; `before`, `now` and `expected` are
    plain values in its own direction. A finding holds until there is a newer one.
    """

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="effects")
    metric_version = models.ForeignKey(MetricVersion, on_delete=models.CASCADE, related_name="+")
    day = models.DateField(help_text="the day it was found on, in the program's review zone")
    at = models.DateTimeField()
    guardrail = models.BooleanField(default=False, help_text="it is only not to get worse")
    verdict = models.CharField(max_length=10)
    effect = models.FloatField(null=True, blank=True)
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)
    method = models.CharField(max_length=20, blank=True)
    treated = models.PositiveIntegerField(default=0)
    compared = models.PositiveIntegerField(default=0)
    why = models.CharField(max_length=300, blank=True, help_text="what there is too little of")
    before = models.FloatField(null=True, blank=True)
    now = models.FloatField(null=True, blank=True)
    expected = models.FloatField(null=True, blank=True, help_text="what it would have been")
    begun_on = models.DateField(null=True, blank=True, help_text="with the first team")
    as_of = models.DateField(null=True, blank=True, help_text="of the newest measurement")
    ended_on = models.DateField(null=True, blank=True, help_text="asked no more from this day: another version")
    facts = models.JSONField(default=dict, help_text="the means over time, and what is missing: see reviews/effects.py")

    objects = EffectQuerySet.as_manager()

    class Meta:
        ordering = ["program", "-day", "metric_version"]
        constraints = [
            models.UniqueConstraint(fields=["program", "metric_version", "day"], name="one_effect_a_day"),
            models.CheckConstraint(
                condition=Q(effect__isnull=True, low__isnull=True, high__isnull=True)
                | Q(effect__isnull=False, low__isnull=False, high__isnull=False),
                name="effect_with_its_interval",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.program.key}/{self.metric_version} on {self.day}: {self.verdict}"


class Pace(models.Model):
    """What came and what went on a program's goals on a metric, and when nothing remains at that pace."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="paces")
    metric_version = models.ForeignKey(MetricVersion, on_delete=models.CASCADE, related_name="+")
    day = models.DateField(help_text="the day it was found on, in the program's review zone")
    at = models.DateTimeField()
    remaining = models.FloatField(
        null=True, blank=True, help_text="until every team is at its target; null: no team has both value and target"
    )
    a_day = models.FloatField(null=True, blank=True, help_text="how that changes a day; null: too few measurements")
    finishes = models.DateField(null=True, blank=True)
    first = models.DateField(null=True, blank=True, help_text="if all goes well")
    last = models.DateField(null=True, blank=True, help_text="null: it may never finish")
    as_of = models.DateField(null=True, blank=True)
    ended_on = models.DateField(null=True, blank=True, help_text="asked no more from this day: another version")
    facts = models.JSONField(default=dict, help_text="what came and went by period: see reviews/effects.py")

    objects = PaceQuerySet.as_manager()

    class Meta:
        ordering = ["program", "-day", "metric_version"]
        constraints = [models.UniqueConstraint(fields=["program", "metric_version", "day"], name="one_pace_a_day")]

    def __str__(self) -> str:
        return f"{self.program.key}/{self.metric_version} on {self.day}"


Finding = TypeVar("Finding", Effect, Pace)


def holding(
    kind: type[Finding], program: Program, day: date, known: Mapping[int, MetricVersion] | None = None
) -> list[Finding]:
    """The newest finding of each metric version that was asked on a day, by metric, the newest version first. One
    query, and one more where `known`, versions that were read already by id, lacks one."""
    rows = kind._default_manager.filter(program=program, day__lte=day)
    newest = rows.filter(metric_version=OuterRef("metric_version")).order_by("-day").values("day")[:1]
    held = rows.filter(Q(ended_on=None) | Q(ended_on__gt=day), day=Subquery(newest)).order_by()
    found = list(held.select_related("metric_version__metric") if known is None else held)
    if known is not None:
        lacking = {one.metric_version_id for one in found} - known.keys()
        versions = {**known, **(MetricVersion.objects.select_related("metric").in_bulk(lacking) if lacking else {})}
        for one in found:
            one.metric_version = versions[one.metric_version_id]
    return sorted(found, key=lambda one: (one.metric_version.metric.key, -one.metric_version.number))

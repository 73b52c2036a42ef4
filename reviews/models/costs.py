"""The cost ledger: hours that a program took, beside those that are reckoned from its charter and items."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import User
from program.models import Program

from .meetings import programs_reviewed_by


class CostQuerySet(models.QuerySet["Cost"]):
    """Entries by who may see them."""

    def visible_to(self, user: User) -> CostQuerySet:
        """Sponsor, owners, administrators."""
        return self.filter(program__in=programs_reviewed_by(user).values("pk"))


class Cost(models.Model):
    """Hours that somebody noted; one that was wrong is struck, not deleted."""

    class Kind(models.TextChoices):
        OWNERS = "owners"
        TEAMS = "teams"
        HAND = "hand work"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="costs")
    day = models.DateField(help_text="the last day of what it covers")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    hours = models.FloatField()
    note = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()
    struck_at = models.DateTimeField(null=True, blank=True)

    objects = CostQuerySet.as_manager()

    class Meta:
        ordering = ["program", "-day", "-pk"]
        constraints = [models.CheckConstraint(condition=Q(hours__gt=0, hours__lte=100000), name="cost_is_some_hours")]

    def __str__(self) -> str:
        return f"{self.hours} h of {self.kind}"

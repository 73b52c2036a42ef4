"""Visits: that a link of a digest was followed into the product by its receiver."""

from __future__ import annotations

from django.db import models

from teams.models import Goal

from .said import Digest


class Visit(models.Model):
    """The first time that a digest's receiver, signed in, followed one of its links about a goal.

    Shown as counts only, to nobody by name: what somebody looks at is theirs, unlike what they answer. It is gone
    after half a year (nudges/visits.py).
    """

    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="visits")
    goal = models.ForeignKey(Goal, on_delete=models.CASCADE, related_name="visits")
    at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["digest", "goal"], name="one_visit")]

    def __str__(self) -> str:
        return f"{self.goal} from a digest of {self.digest.day}"

"""What receivers wish of the mail itself: mutes, and votes on digests."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import User
from program.models import Program
from teams.models import Goal

from .said import Digest


class Mute(models.Model):
    """A person's wish to hear no more nudges: of one program, or of all."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mutes")
    program = models.ForeignKey(
        Program,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="mutes",
        help_text="null: all nudges",
    )
    goal = models.ForeignKey(
        Goal, null=True, blank=True, on_delete=models.CASCADE, related_name="mutes", help_text="of this goal only"
    )
    created_at = models.DateTimeField()
    via = models.CharField(max_length=40, help_text="mail page, one click, profile")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "program"], condition=Q(goal__isnull=True), name="one_mute_a_program"
            ),
            models.UniqueConstraint(
                fields=["person"], condition=Q(program__isnull=True, goal__isnull=True), name="one_mute_of_all"
            ),
            models.UniqueConstraint(fields=["person", "goal"], condition=Q(goal__isnull=False), name="one_mute_a_goal"),
        ]

    def __str__(self) -> str:
        return f"{self.person} hears no more of {self.program or 'anything'}"


class Vote(models.Model):
    """A receiver's word on one digest: useful or not."""

    digest = models.OneToOneField(Digest, on_delete=models.CASCADE, related_name="vote")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="votes")
    useful = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.digest}: {'useful' if self.useful else 'not useful'}"

"""An ask: something concrete that was asked in a review, and what became of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import User
from program.models import Program
from teams.models import Goal

from .meetings import Review, programs_reviewed_by


class AskQuerySet(models.QuerySet["Ask"]):
    """Asks by who may see them and whether they are open."""

    def visible_to(self, user: User) -> AskQuerySet:
        """Sponsor, owners, administrators, and whoever it was asked of."""
        return self.filter(Q(of=user) | Q(program__in=programs_reviewed_by(user).values("pk")))

    def open(self) -> AskQuerySet:
        """Not kept, missed or withdrawn yet; the one due first leads."""
        return self.filter(state=Ask.State.OPEN)._due_first()

    def in_or_open(self, review: Review) -> AskQuerySet:
        """Raised in a review, or open at its program; the one due first leads."""
        return self.filter(Q(review=review) | Q(state=Ask.State.OPEN), program=review.program_id)._due_first()

    def _due_first(self) -> AskQuerySet:
        return self.order_by(models.F("due").asc(nulls_last=True), "pk")


class Ask(models.Model):
    """Something concrete that was asked in a review: of whom, by when, and what became of it."""

    class State(models.TextChoices):
        OPEN = "open"
        KEPT = "kept"
        MISSED = "missed"
        WITHDRAWN = "withdrawn"

    class Said(models.TextChoices):
        """What whoever it was asked of said of it last, while it is open."""

        NOT_YET = "not yet"
        CANNOT = "cannot"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="asks")
    review = models.ForeignKey(Review, on_delete=models.RESTRICT, related_name="asks", help_text="raised in it")
    text = models.CharField(max_length=500)
    of = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="asks", help_text="who is to do it"
    )
    due = models.DateField(null=True, blank=True)
    first_due = models.DateField(null=True, blank=True, help_text="the day it had at first, where it was moved")
    moves = models.PositiveSmallIntegerField(default=0, help_text="how often its day was moved")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    outcome = models.CharField(max_length=500, blank=True, help_text="what became of it, in a few words")
    said = models.CharField(max_length=7, choices=Said.choices, blank=True, help_text="how it goes, while it is open")
    goals = models.ManyToManyField(Goal, blank=True, related_name="asks", help_text="of the teams it is to help")
    proposed = models.CharField(
        max_length=100,
        blank=True,
        editable=False,
        help_text="which proposal of the brief it was, so that it is raised once",
    )
    raised_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = AskQuerySet.as_manager()

    class Meta:
        ordering = ["program", "due", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True) | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="ask_closed_when_not_open",
            ),
            models.UniqueConstraint(
                fields=["review", "proposed"], condition=~Q(proposed=""), name="one_ask_of_a_proposal"
            ),
        ]

    def __str__(self) -> str:
        return self.text

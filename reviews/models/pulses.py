"""What leads and the sponsor say between reviews: the two-question pulse, and a change of priorities."""

from __future__ import annotations

from django.db import models

from accounts.models import User
from program.models import Program

from .meetings import Review, programs_reviewed_by


class PulseQuerySet(models.QuerySet["Pulse"]):
    """Pulses by who may see what was answered."""

    def visible_to(self, user: User) -> PulseQuerySet:
        """Sponsor, owners, administrators, and whoever was asked: those whom the question names as its readers."""
        read = programs_reviewed_by(user).values("pk")
        return self.filter(models.Q(person=user) | models.Q(review__program__in=read))

    def answered(self) -> PulseQuerySet:
        return self.filter(answered_at__isnull=False)


class Pulse(models.Model):
    """One lead asked two questions before one review: does the program help you, and what stands in the way."""

    class Helps(models.TextChoices):
        YES = "yes"
        PARTLY = "partly"
        NO = "no"

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="pulses")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="pulses")
    asked_at = models.DateTimeField()
    helps = models.CharField(max_length=6, choices=Helps.choices, blank=True)
    in_the_way = models.CharField(max_length=500, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = PulseQuerySet.as_manager()

    class Meta:
        ordering = ["review", "pk"]
        constraints = [models.UniqueConstraint(fields=["review", "person"], name="one_pulse")]

    def __str__(self) -> str:
        return f"pulse of {self.person} before {self.review}"


class PriorityQuerySet(models.QuerySet["Priority"]):
    """Changes of priorities by who may see them."""

    def visible_to(self, user: User) -> PriorityQuerySet:
        """Sponsor, owners, administrators."""
        return self.filter(program__in=programs_reviewed_by(user).values("pk"))


class Priority(models.Model):
    """A change of priorities that the sponsor noted, at any time; the owners are told at once."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="priorities")
    text = models.CharField(max_length=500)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    over_at = models.DateTimeField(null=True, blank=True, help_text="when it was said to be over")

    objects = PriorityQuerySet.as_manager()

    class Meta:
        ordering = ["program", "-at", "-pk"]

    def __str__(self) -> str:
        return self.text


class Sponsorship(models.Model):
    """Who sponsors a program since when; a new one is handed over what is open."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="sponsorships")
    sponsor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="sponsorships")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    handed_over_at = models.DateTimeField(null=True, blank=True, help_text="when the handover brief was written")

    class Meta:
        ordering = ["program", "-since", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["program"], condition=models.Q(until__isnull=True), name="one_sponsor_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.sponsor} sponsors {self.program}"

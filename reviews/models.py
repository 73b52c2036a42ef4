"""What we say to the sponsor: reviews, the frozen brief of each, and what the sponsor was asked to do."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q

from accounts.models import User
from program.models import Program


def programs_reviewed_by(user: User) -> models.QuerySet[Program]:
    """Programs whose reviews a person may see: those they sponsor or own, and to an administrator all."""
    if user.is_superuser:
        return Program.objects.all()
    return Program.objects.filter(Q(sponsor=user) | Q(owners__user=user)).order_by()


class ReviewQuerySet(models.QuerySet["Review"]):
    """Reviews by who may see them and whether they are still to come."""

    def visible_to(self, user: User) -> ReviewQuerySet:
        """Sponsor, owners, administrators."""
        return self.filter(program__in=programs_reviewed_by(user).values("pk"))

    def to_come(self, now: datetime) -> ReviewQuerySet:
        """Scheduled and not begun, the next one first."""
        return self.filter(state=Review.State.SCHEDULED, starts_at__gt=now).order_by("starts_at", "pk")


class Review(models.Model):
    """One meeting with the sponsor. Its period is the local day of the program's calendar that it stands for."""

    class State(models.TextChoices):
        SCHEDULED = "scheduled"
        HELD = "held"  # its time came and people were invited; until minutes are taken that is all that is known
        SKIPPED = "skipped"  # it was in the calendar and did not take place; stays so
        CANCELED = "canceled"  # the program's calendar does not have it any more; comes back if the calendar has it

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="reviews")
    period = models.CharField(max_length=10, help_text="ISO day in the program's calendar, whenever it is held")
    starts_at = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField()
    zone = models.CharField(max_length=64, help_text="IANA name")
    uid = models.CharField(max_length=100, unique=True, editable=False, help_text="of its calendar entry")
    sequence = models.PositiveIntegerField(default=0, help_text="one more with each change of its calendar entry")
    state = models.CharField(max_length=10, choices=State.choices, default=State.SCHEDULED)
    invited_at = models.DateTimeField(null=True, blank=True, help_text="when the first invites were written")
    created_at = models.DateTimeField()

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["program", "period"], name="one_review_a_period")]
        indexes = [models.Index(fields=["state", "starts_at"], name="review_due")]

    def __str__(self) -> str:
        return f"review {self.key}"

    @property
    def key(self) -> str:
        """What it is called in the outbox and in the audit log: "typing/2026-03-03"."""
        return f"{self.program.key}/{self.period}"

    @property
    def ends_at(self) -> datetime:
        """When it is over."""
        return self.starts_at + timedelta(minutes=self.minutes)

    @property
    def local_start(self) -> datetime:
        """Its beginning on the wall clock of its zone."""
        return self.starts_at.astimezone(ZoneInfo(self.zone))


def new_uid() -> str:
    """A calendar UID that no other entry has."""
    return f"review-{uuid.uuid4()}"


class BriefQuerySet(models.QuerySet["Brief"]):
    """Briefs by who may see them."""

    def visible_to(self, user: User) -> BriefQuerySet:
        """Sponsor, owners, administrators."""
        return self.filter(review__in=Review.objects.visible_to(user).values("pk"))


class Brief(models.Model):
    """The page of one review, frozen when it was sent: every number and text as it was said."""

    review = models.OneToOneField(Review, on_delete=models.CASCADE, related_name="brief")
    frozen_at = models.DateTimeField()
    content = models.JSONField(help_text="see reviews/content.py")

    objects = BriefQuerySet.as_manager()

    class Meta:
        ordering = ["-frozen_at", "-pk"]

    def __str__(self) -> str:
        return f"brief of {self.review}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise ValueError("a brief is frozen; corrections stand beside it, never in it")
        super().save(*args, **kwargs)


class AskQuerySet(models.QuerySet["Ask"]):
    """Asks by who may see them and whether they are open."""

    def visible_to(self, user: User) -> AskQuerySet:
        """Sponsor, owners, administrators, and whoever it was asked of."""
        return self.filter(Q(of=user) | Q(program__in=programs_reviewed_by(user).values("pk")))

    def open(self) -> AskQuerySet:
        """Not kept, missed or withdrawn yet; the one due first leads."""
        return self.filter(state=Ask.State.OPEN).order_by(models.F("due").asc(nulls_last=True), "pk")


class Ask(models.Model):
    """Something concrete that was asked in a review: of whom, by when, and what became of it."""

    class State(models.TextChoices):
        OPEN = "open"
        KEPT = "kept"
        MISSED = "missed"
        WITHDRAWN = "withdrawn"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="asks")
    review = models.ForeignKey(Review, on_delete=models.RESTRICT, related_name="asks", help_text="raised in it")
    text = models.CharField(max_length=500)
    of = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="asks", help_text="who is to do it"
    )
    due = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    outcome = models.CharField(max_length=500, blank=True, help_text="what became of it, in a few words")
    raised_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = AskQuerySet.as_manager()

    class Meta:
        ordering = ["program", "due", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="open", closed_at__isnull=True) | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="ask_closed_when_not_open",
            )
        ]

    def __str__(self) -> str:
        return self.text

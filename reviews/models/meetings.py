"""A review: one meeting with the sponsor, its place in the calendar, its notes, and who may see it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
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
    fixed = models.BooleanField(
        default=False, help_text="a person gave it its time: the program's calendar does not move it any more"
    )
    why = models.CharField(max_length=300, blank=True, help_text="why it was moved or skipped")
    invited_at = models.DateTimeField(null=True, blank=True, help_text="when the first invites were written")
    agenda = models.JSONField(
        default=list, blank=True, help_text="[{title, minutes, about}, …]; empty: the usual one (reviews/agenda.py)"
    )
    notes = models.TextField(blank=True, help_text="what was said, as it was typed in the room")
    notes_version = models.PositiveIntegerField(
        default=0, help_text="one more with each change of the notes, so that of two who write nobody loses a line"
    )
    minutes_sent_at = models.DateTimeField(null=True, blank=True)
    minutes_version = models.PositiveIntegerField(
        null=True, blank=True, help_text="of the notes that the minutes were sent with"
    )
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

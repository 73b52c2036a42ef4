"""A person's private calendar address, from which a calendar program reads the reviews they sit in."""

from __future__ import annotations

from django.db import models

from accounts.models import User


class CalendarFeed(models.Model):
    """32 random bytes in an address, of which only the SHA-256 is kept; one a person, replaced at will."""

    person = models.OneToOneField(User, on_delete=models.CASCADE, related_name="calendar_feed")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["person"]

    def __str__(self) -> str:
        return f"calendar of {self.person}"

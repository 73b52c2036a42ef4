"""An invitation: which state of a review one person was told last, so that each change is told to whom it concerns."""

from __future__ import annotations

from django.db import models

from accounts.models import User

from .meetings import Review


class Invitation(models.Model):
    """One person invited to one review. A reply counts that answers this sequence or a later one."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="invitations")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="invitations")
    sequence = models.PositiveIntegerField(help_text="of the calendar entry as this person was told it last")
    at = models.DateTimeField(help_text="when that was")
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="they do not sit in it any more")
    answered_stamp = models.DateTimeField(
        null=True,
        blank=True,
        help_text="of the newest reply that was taken; one that was written before does not count",
    )

    class Meta:
        ordering = ["review", "pk"]
        constraints = [models.UniqueConstraint(fields=["review", "person"], name="one_invitation")]

    def __str__(self) -> str:
        return f"{self.person} to {self.review}"

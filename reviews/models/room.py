"""What happens in the room: who replied and who came, and what was decided."""

from __future__ import annotations

from django.db import models

from accounts.models import User

from .meetings import Review


class Attendance(models.Model):
    """One person and one review: what they replied to the invite, and whether they were there."""

    class Reply(models.TextChoices):
        NONE = "no reply"
        ACCEPTED = "accepted"
        TENTATIVE = "tentative"
        DECLINED = "declined"

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="attendances")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="attendances")
    reply = models.CharField(max_length=10, choices=Reply.choices, default=Reply.NONE)
    reply_sequence = models.PositiveIntegerField(
        null=True, blank=True, help_text="of the invite that was answered; a reply to an older one does not count"
    )
    replied_at = models.DateTimeField(null=True, blank=True)
    present = models.BooleanField(null=True, blank=True, help_text="null: nobody said")

    class Meta:
        ordering = ["review", "pk"]
        constraints = [models.UniqueConstraint(fields=["review", "person"], name="one_attendance")]

    def __str__(self) -> str:
        return f"{self.person} at {self.review}"


class DecisionQuerySet(models.QuerySet["Decision"]):
    """Decisions by who may see them."""

    def visible_to(self, user: User) -> DecisionQuerySet:
        """Sponsor, owners, administrators."""
        return self.filter(review__in=Review.objects.visible_to(user).values("pk"))


class Decision(models.Model):
    """What was decided in a review, in one sentence; a decision taken back is struck, not deleted."""

    review = models.ForeignKey(Review, on_delete=models.CASCADE, related_name="decisions")
    text = models.CharField(max_length=500)
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()
    struck_at = models.DateTimeField(null=True, blank=True)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["review", "pk"]

    def __str__(self) -> str:
        return self.text

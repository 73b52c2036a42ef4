"""A brief: the page of one review, frozen when it was sent."""

from __future__ import annotations

from typing import Any

from django.db import models

from accounts.models import User

from .meetings import Review


class BriefQuerySet(models.QuerySet["Brief"]):
    """Briefs by who may see them."""

    def visible_to(self, user: User) -> BriefQuerySet:
        """Sponsor, owners, administrators."""
        return self.filter(review__in=Review.objects.visible_to(user).values("pk"))

    def before(self, review: Review) -> BriefQuerySet:
        """Those of the program's earlier reviews; one that did not take place decided nothing, and ends no span."""
        away = (Review.State.SKIPPED, Review.State.CANCELED)
        mine = self.filter(review__program=review.program_id, review__starts_at__lt=review.starts_at)
        return mine.exclude(review__state__in=away)


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

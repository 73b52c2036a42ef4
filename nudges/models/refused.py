"""What owners were told once about an address: that the mail server refuses somebody whom their program needs."""

from __future__ import annotations

from django.db import models

from accounts.models import User

from .outbox import Delivery


class RefusedTold(models.Model):
    """An owner was told that somebody's address is refused since a moment; refused again later, they are told again."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", help_text="the owner")
    about = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", help_text="whose address it is")
    refused_at = models.DateTimeField()
    delivery = models.ForeignKey(Delivery, null=True, on_delete=models.SET_NULL, related_name="refused_told")
    told_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "refused told"
        ordering = ["-told_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["person", "about", "refused_at"], name="one_refusal_an_owner")]

    def __str__(self) -> str:
        return f"{self.person} told that {self.about} cannot be reached"

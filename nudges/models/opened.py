"""When receivers opened their messages in the inbox: nobody else's business, and so on no log and no other page."""

from __future__ import annotations

from django.db import models

from .outbox import Delivery


class Opened(models.Model):
    """A message that its receiver has read, since when; without this row it is unread."""

    delivery = models.OneToOneField(Delivery, on_delete=models.CASCADE, related_name="opened")
    at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "opened"
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.delivery} opened"

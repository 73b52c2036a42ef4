"""Where a person wants their digests: one place, or the e-mail address that everybody has."""

from __future__ import annotations

from django.db import models

from accounts.models import User


class Route(models.Model):
    """A person's own choice of one place for their digests. Without a row they go by e-mail."""

    person = models.OneToOneField(User, on_delete=models.CASCADE, related_name="route")
    kind = models.CharField(max_length=20, help_text="a name in nudges/channels/registry.py")
    host = models.CharField(max_length=255, blank=True, help_text="all that is shown of the address")
    url = models.TextField(blank=True, help_text="sealed (accounts/secrets.py): who knows it can write there")
    secret = models.TextField(blank=True, help_text="sealed: what a webhook's messages are signed with")
    since = models.DateTimeField()
    suspended_at = models.DateTimeField(null=True, blank=True)
    suspended_reason = models.CharField(
        max_length=300,
        blank=True,
        help_text="why it was refused for good: digests go by e-mail until it is chosen anew",
    )

    def __str__(self) -> str:
        return f"digests of {self.person}: {self.address}"

    @property
    def address(self) -> str:
        """What the outbox keeps as an address: names the row, holds no secret."""
        return f"route {self.pk} at {self.host}" if self.host else f"route {self.pk}"

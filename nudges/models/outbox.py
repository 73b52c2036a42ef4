"""The outbox every message rides, and which running service the database belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.db.models import Q

from accounts.models import User
from program.models import Program


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Messages by who may see them and by where they stand."""

    def visible_to(self, user: User) -> DeliveryQuerySet:
        """A person's own messages, and to an owner those of the programs they run, but never private ones."""
        if user.is_superuser:
            return self.exclude(Q(private=True) & ~Q(person=user))
        run = Program.objects.run_by(user).values("pk")
        of_mine = Q(program__in=run) | Q(digest__nudges__goal__program__in=run)
        return self.filter(Q(person=user) | (of_mine & Q(private=False))).distinct()

    def of_program(self, program: Program) -> DeliveryQuerySet:
        """Messages of one program, with the digests that speak of one of its goals."""
        return self.filter(Q(program=program) | Q(digest__nudges__goal__program=program)).distinct()

    def reached(self) -> DeliveryQuerySet:
        """Messages that went out, are on their way, or may have gone out."""
        return self.exclude(state__in=Delivery.NEVER_ARRIVED)


class Delivery(models.Model):
    """One message to one address: the outbox. Every change of state is a conditional UPDATE (see delivery.py)."""

    class State(models.TextChoices):
        PENDING = "pending"
        CLAIMED = "claimed"
        HANDING = "handing"
        SENT = "sent"
        IN_DOUBT = "in doubt"
        HELD = "held"
        SUPPRESSED = "suppressed"
        EXPIRED = "expired"
        FAILED = "failed"

    # Nobody has read a message that ended like this, so nothing in it counts as said.
    NEVER_ARRIVED = (State.SUPPRESSED, State.EXPIRED, State.FAILED)

    PLACES: ClassVar[Mapping[str, str]] = {
        "email": "E-mail", "slack": "Slack", "slack-direct": "Slack, direct message", "teams": "Teams",
        "webhook": "Webhook", "inbox": "Kept here, sent nowhere",
    }  # fmt: skip
    """What channels are called."""

    kind = models.CharField(max_length=60, help_text="a name in nudges/kinds.py")
    key = models.CharField(max_length=200, help_text="what it is about: the same key is never sent twice")
    channel = models.CharField(max_length=20, default="email", help_text="a name in nudges/channels/registry.py")
    address = models.CharField(max_length=320)
    person = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="deliveries")
    program = models.ForeignKey(Program, null=True, blank=True, on_delete=models.CASCADE, related_name="deliveries")
    subject = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    card = models.JSONField(
        default=dict, blank=True, help_text="the same for places that lay it out themselves (nudges/cards.py)"
    )
    attachments = models.JSONField(default=list, blank=True, help_text="calendar parts: content, method, filename")
    headers = models.JSONField(default=dict, blank=True)
    private = models.BooleanField(default=False, help_text="the body is erased once it is sent")
    message_id = models.CharField(max_length=200, unique=True)

    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    reason = models.CharField(max_length=300, blank=True, help_text="why it stands where it stands")
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(help_text="not before")
    not_after = models.DateTimeField(help_text="expired from then on")
    lease = models.CharField(max_length=32, blank=True, help_text="token of the sender that holds it")
    lease_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    handed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(
        null=True, blank=True, help_text="a person let it go, so no breaker holds it again"
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["kind", "key", "channel", "address"], name="one_delivery")]
        indexes = [
            models.Index(fields=["state", "next_at"], name="delivery_due"),
            models.Index(
                fields=["lease_until"],
                condition=Q(state__in=["claimed", "handing"]),
                name="delivery_leased",
            ),
            models.Index(fields=["sent_at"], name="delivery_sent"),
            models.Index(fields=["lease"], condition=~Q(lease=""), name="delivery_lease"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} to {self.address}: {self.state}"

    @property
    def shown_address(self) -> str:
        """Where it goes, in words: an e-mail address, or the kind of a place and its host."""
        if self.channel == "email":
            return self.address
        name, host = self.PLACES.get(self.channel, self.channel), self.address.partition(" at ")[2]
        return f"{name}, {host}" if host else name


class Instance(models.Model):
    """Which running service this database belongs to: a single row, compared with the environment's."""

    name = models.CharField(max_length=100)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

"""What was said to a person on a day, or not and why: digests, the nudges and notices in them, turns and troubles."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q

from accounts.models import User
from program.models import Program
from teams.models import Goal, Hold

from .outbox import Delivery


class Digest(models.Model):
    """A person's local day on which it was decided what to tell them; without a delivery, nothing was said."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="digests")
    day = models.DateField()
    time_zone = models.CharField(max_length=64, help_text="whose calendar and working hours it keeps to")
    planned_at = models.DateTimeField()
    plan = models.CharField(max_length=32, help_text="the run that made it: of several at once, one owns the row")
    next_day = models.DateField(null=True, blank=True, help_text="when the next one may come, as it said")
    delivery = models.OneToOneField(Delivery, null=True, blank=True, on_delete=models.SET_NULL, related_name="digest")

    class Meta:
        ordering = ["-day", "person"]
        constraints = [models.UniqueConstraint(fields=["person", "day"], name="one_digest_a_day")]

    def __str__(self) -> str:
        return f"digest of {self.person} on {self.day}"


class Turn(models.Model):
    """A program's weekly turn to speak to a person, taken once however often planning runs."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="turns")
    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="turns")
    due_day = models.DateField(help_text="the program's weekday in the person's calendar")
    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="turns")

    class Meta:
        ordering = ["-due_day", "person", "program"]
        constraints = [models.UniqueConstraint(fields=["person", "program", "due_day"], name="one_turn")]

    def __str__(self) -> str:
        return f"{self.program.key} to {self.person}, {self.period}"

    @property
    def period(self) -> str:
        """The local calendar label of the week: "2026-W48"."""
        return period_of(self.due_day)


class NudgeQuerySet(models.QuerySet["Nudge"]):
    """Nudges by whether they were said and by who may see them."""

    def said(self) -> NudgeQuerySet:
        """Those that went out in a digest (one that never arrived has its nudges withheld again)."""
        return self.filter(state=Nudge.State.SAID)

    def visible_to(self, user: User) -> NudgeQuerySet:
        """A person's own, and to an owner those of the programs they run."""
        if user.is_superuser:
            return self
        return self.filter(Q(person=user) | Q(goal__program__in=Program.objects.run_by(user).values("pk")))


class Nudge(models.Model):
    """What one person's digest said of one goal, or why it did not, with its own copy of the facts."""

    class State(models.TextChoices):
        SAID = "said"
        WITHHELD = "withheld"

    person = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="nudges",
        help_text="null: there was nobody to tell",
    )
    goal = models.ForeignKey(Goal, on_delete=models.CASCADE, related_name="nudges")
    day = models.DateField(help_text="the person's local day")
    due_day = models.DateField(help_text="the day of the program's turn it belongs to")
    digest = models.ForeignKey(Digest, null=True, blank=True, on_delete=models.CASCADE, related_name="nudges")
    state = models.CharField(max_length=8, choices=State.choices)
    reason = models.CharField(
        max_length=60, blank=True, help_text="name of the rule in nudges/policy.py that withheld it"
    )
    streak = models.PositiveSmallIntegerField(
        default=0, help_text="how many in a row this person got for this goal without it recovering"
    )
    facts = models.JSONField(default=dict)
    decided_at = models.DateTimeField()

    objects = NudgeQuerySet.as_manager()

    class Meta:
        ordering = ["-day", "person", "goal"]
        constraints = [
            models.UniqueConstraint(fields=["person", "goal", "day"], name="one_nudge_a_day"),
            models.UniqueConstraint(
                fields=["goal", "due_day"], condition=Q(person__isnull=True), name="one_nudge_to_nobody"
            ),
        ]
        indexes = [models.Index(fields=["goal", "state", "day"], name="nudge_goal")]

    def __str__(self) -> str:
        return f"{self.goal} to {self.person} on {self.day}: {self.reason or self.state}"


class Notice(models.Model):
    """Something told once per event inside a digest: a new goal, thanks for one back on its path."""

    kind = models.CharField(max_length=40, help_text="a name in nudges/notices.py")
    key = models.CharField(max_length=200, help_text="the event: the same one is never told twice")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    goal = models.ForeignKey(Goal, null=True, blank=True, on_delete=models.CASCADE, related_name="notices")
    digest = models.ForeignKey(Digest, on_delete=models.CASCADE, related_name="notices")
    facts = models.JSONField(default=dict)
    said_at = models.DateTimeField()

    class Meta:
        ordering = ["digest", "kind", "pk"]
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="one_notice_an_event")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.key} to {self.person}"


class Trouble(models.Model):
    """What an owner was told once: that standings on a metric are held, and why."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    hold = models.ForeignKey(Hold, on_delete=models.CASCADE, related_name="told")
    delivery = models.ForeignKey(Delivery, null=True, on_delete=models.SET_NULL, related_name="troubles")
    told_at = models.DateTimeField()

    class Meta:
        ordering = ["-told_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["person", "hold"], name="one_trouble_a_person")]

    def __str__(self) -> str:
        return f"{self.hold} to {self.person}"


def period_of(due_day: date) -> str:
    """The ISO week of a day as a label."""
    year, week, _ = due_day.isocalendar()
    return f"{year}-W{week:02d}"

"""What we say to people: the outbox every mail rides, digests and the nudges in them, notices and mutes."""

from __future__ import annotations

from datetime import date

from django.db import models
from django.db.models import Q

from accounts.models import User
from program.models import Program
from teams.models import Goal, Hold


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

    kind = models.CharField(max_length=60, help_text="a name in nudges/kinds.py")
    key = models.CharField(max_length=200, help_text="what it is about: the same key is never sent twice")
    channel = models.CharField(max_length=20, default="email", help_text="a name in nudges/channels/registry.py")
    address = models.CharField(max_length=320)
    person = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="deliveries")
    program = models.ForeignKey(Program, null=True, blank=True, on_delete=models.CASCADE, related_name="deliveries")
    subject = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)
    html = models.TextField(blank=True)
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


class Instance(models.Model):
    """Which running service this database belongs to: a single row, compared with the environment's."""

    name = models.CharField(max_length=100)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


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


class Mute(models.Model):
    """A person's wish to hear no more nudges: of one program, or of all."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mutes")
    program = models.ForeignKey(
        Program,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="mutes",
        help_text="null: all nudges",
    )
    goal = models.ForeignKey(
        Goal, null=True, blank=True, on_delete=models.CASCADE, related_name="mutes", help_text="of this goal only"
    )
    created_at = models.DateTimeField()
    via = models.CharField(max_length=40, help_text="mail page, one click, profile")

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["person", "program"], condition=Q(goal__isnull=True), name="one_mute_a_program"
            ),
            models.UniqueConstraint(
                fields=["person"], condition=Q(program__isnull=True, goal__isnull=True), name="one_mute_of_all"
            ),
            models.UniqueConstraint(fields=["person", "goal"], condition=Q(goal__isnull=False), name="one_mute_a_goal"),
        ]

    def __str__(self) -> str:
        return f"{self.person} hears no more of {self.program or 'anything'}"


class Experiment(models.Model):
    """A period in which a share of a program's goals is drawn by lot to be neither nudged nor escalated.

    The lots follow from `seed`, the stratum and the order in which goals became worth a nudge: anybody can draw again.
    """

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="experiments")
    seed = models.BigIntegerField()
    share = models.FloatField(help_text="held out, above 0 and below 1")
    first_day = models.DateField()
    last_day = models.DateField(help_text="inclusive; goals are drawn until then")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, help_text="ended early, by an owner")

    class Meta:
        ordering = ["-first_day", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["program"], condition=Q(ended_at__isnull=True), name="one_running_experiment"
            ),
            models.CheckConstraint(condition=Q(share__gt=0, share__lt=1), name="experiment_share"),
            models.CheckConstraint(condition=Q(first_day__lte=models.F("last_day")), name="experiment_days"),
        ]

    def __str__(self) -> str:
        return f"{self.program.key} from {self.first_day}"


class Lot(models.Model):
    """One goal drawn in an experiment when it was first worth a nudge: held out or not, with its gap that day."""

    experiment = models.ForeignKey(Experiment, on_delete=models.CASCADE, related_name="lots")
    goal = models.ForeignKey(Goal, on_delete=models.CASCADE, related_name="lots")
    stratum = models.CharField(max_length=100, help_text="metric and status on that day")
    place = models.PositiveIntegerField(help_text="its turn in the stratum, from 0")
    held_out = models.BooleanField()
    drawn_on = models.DateField(help_text="the team's local day")
    gap = models.FloatField(help_text="on that day, in the metric's unit, above 0")

    class Meta:
        ordering = ["experiment", "stratum", "place"]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "goal"], name="one_lot_a_goal"),
            models.UniqueConstraint(fields=["experiment", "stratum", "place"], name="one_lot_a_place"),
        ]

    def __str__(self) -> str:
        return f"{self.goal}: {'held out' if self.held_out else 'nudged'}"


class Vote(models.Model):
    """A receiver's word on one digest: useful or not."""

    digest = models.OneToOneField(Digest, on_delete=models.CASCADE, related_name="vote")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="votes")
    useful = models.BooleanField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.digest}: {'useful' if self.useful else 'not useful'}"


def period_of(due_day: date) -> str:
    """The ISO week of a day as a label."""
    year, week, _ = due_day.isocalendar()
    return f"{year}-W{week:02d}"

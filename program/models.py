"""What we want: programs and their charters, metrics and their versions, feeds, playbooks, goal rules, waves."""

from __future__ import annotations

import shlex

from django.db import models
from django.db.models import Q

from accounts.models import Place, User

from .rules.cadence import Cadence, cadence_of


class ProgramQuerySet(models.QuerySet["Program"]):
    """Which programs a person may see: live ones are shared widely or with a group, drafts with those who run them."""

    def visible_to(self, user: User) -> ProgramQuerySet:
        if user.is_superuser:
            return self
        mine = Q(sponsor=user) | Q(owners__user=user)
        shared = Q(audience="") | Q(audience__in=Place.objects.filter(user=user).values("key"))
        return self.filter(mine | (~Q(state=Program.State.DRAFT) & shared)).distinct()

    def shared_widely(self) -> ProgramQuerySet:
        """Those that everybody who signs in may see: no drafts, and none that is shown to one group."""
        return self.filter(audience="").exclude(state=Program.State.DRAFT)

    def run_by(self, user: User) -> ProgramQuerySet:
        """Programs that this person may change: owners theirs, administrators all, viewers none."""
        if user.reads_only:
            return self.none()
        return self if user.is_superuser else self.filter(owners__user=user).distinct()

    def live(self) -> ProgramQuerySet:
        """Programs whose goals stand on scorecards: active and paused."""
        return self.filter(state__in=Program.ON_SCORECARDS)


class Program(models.Model):
    """A technical quality program: its charter, nudge policy and review cadence, all as data."""

    class State(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        PAUSED = "paused"
        COMPLETED = "completed"
        CANCELED = "canceled"

    ON_SCORECARDS = (State.ACTIVE, State.PAUSED)

    key = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=State.choices, default=State.ACTIVE)
    purpose = models.TextField()
    why_now = models.TextField(blank=True)
    lighter_steps_tried = models.JSONField(default=list, blank=True)
    sponsor = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="sponsored")
    mandate = models.TextField(blank=True, help_text="what the sponsor can change")
    start = models.DateField()
    end = models.DateField()
    stop_if = models.TextField(blank=True)
    guardrails = models.JSONField(default=list, blank=True, help_text="keys of metrics that must not get worse")
    probation_reviews = models.PositiveSmallIntegerField(
        default=2, help_text="after so many reviews it has to be working, or is asked whether to cancel"
    )
    weekly_hours = models.FloatField(default=0.0, help_text="what it costs its owners a week, in hours")
    audience = models.CharField(
        max_length=100, blank=True, help_text="key of the group it is shown to; empty: to everyone who signs in"
    )
    ended_on = models.DateField(null=True, blank=True)
    ended_why = models.TextField(blank=True, help_text="what was learned")
    guard_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="guards",
        help_text="the ended program whose gains it guards: it speaks only when a team backtracks",
    )
    applied = models.JSONField(null=True, blank=True, help_text="what the file said that was applied last")
    applied_at = models.DateTimeField(null=True, blank=True)

    review_every = models.CharField(
        max_length=200,
        blank=True,
        help_text='"6 weeks", "1 month" or a rule such as "FREQ=MONTHLY;BYDAY=2TU"; empty: no reviews',
    )
    review_first = models.DateTimeField(
        null=True,
        blank=True,
        help_text="the first one's wall time in the review zone, kept as if it were UTC",
    )
    review_minutes = models.PositiveSmallIntegerField(default=30)
    review_zone = models.CharField(max_length=64, default="UTC")

    nudge_every_weeks = models.PositiveSmallIntegerField(default=1)
    nudge_weekday = models.PositiveSmallIntegerField(default=0, help_text="0 is Monday")
    nudge_hour = models.PositiveSmallIntegerField(default=9, help_text="of the person's day, 0 to 23")
    nudge_weekly_maximum = models.PositiveSmallIntegerField(
        default=2, help_text="mails a person may get a week; the smallest among their programs counts"
    )
    nudge_note = models.TextField(blank=True, help_text="the owner's words in each digest that speaks of it")
    holdout = models.FloatField(default=0.0, help_text="share of (team, goal) pairs not nudged, to measure by")

    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProgramQuerySet.as_manager()

    class Meta:
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(condition=Q(start__lt=models.F("end")), name="program_ends_after_start"),
            models.CheckConstraint(condition=Q(holdout__gte=0, holdout__lt=1), name="program_holdout_is_share"),
            models.CheckConstraint(condition=Q(nudge_weekday__lte=6), name="program_weekday_exists"),
            models.CheckConstraint(condition=Q(nudge_hour__lte=23), name="program_hour_exists"),
            models.CheckConstraint(condition=Q(nudge_every_weeks__gte=1), name="program_nudge_interval"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def cadence(self) -> Cadence | None:
        """Its calendar of reviews, which minds the holidays of the sponsor's country; None where it has none."""
        # The first wall time is kept as if it were UTC (see the field).
        first = self.review_first.replace(tzinfo=None) if self.review_first else None
        country = self.sponsor.country if self.sponsor else ""
        return cadence_of(self.review_every, first, self.review_zone, country)


class ProgramOwner(models.Model):
    """A person who runs a program, as its technical owner or its manager."""

    class Role(models.TextChoices):
        TECHNICAL = "technical"
        MANAGER = "manager"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="owners")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="owned")
    role = models.CharField(max_length=12, choices=Role.choices)

    class Meta:
        ordering = ["program", "-role", "pk"]
        constraints = [models.UniqueConstraint(fields=["program", "user", "role"], name="one_owner_role")]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class MetricQuerySet(models.QuerySet["Metric"]):
    """Metrics by who may see and change them."""

    def visible_to(self, user: User) -> MetricQuerySet:
        """Those of no program, of programs this person may see, and those that such a program's goals refer to."""
        programs = Program.objects.visible_to(user)
        return self.filter(Q(program=None) | Q(program__in=programs) | Q(goal_rules__program__in=programs)).distinct()

    def run_by(self, user: User) -> MetricQuerySet:
        """Those that this person may change."""
        if user.is_superuser and not user.reads_only:
            return self
        return self.filter(program__in=Program.objects.run_by(user))


class Metric(models.Model):
    """A named definition, global by its key; how it is computed lives in its versions."""

    key = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    program = models.ForeignKey(
        Program,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="metrics",
        help_text="the program that defined it and may change it",
    )
    fresh_for = models.PositiveIntegerField(help_text="days after which a value is stale")
    hand_hours = models.FloatField(default=0.0, help_text="hours of hand work a week to measure it")
    sudden = models.FloatField(
        default=6.0, help_text="a move is sudden beyond this many times the usual one; 0: never asked"
    )

    objects = MetricQuerySet.as_manager()

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name


class MetricVersion(models.Model):
    """How a metric is computed from some day on; another definition, aggregation, direction or unit is another one."""

    class Direction(models.TextChoices):
        UP = "up"
        DOWN = "down"

    class Aggregation(models.TextChoices):
        SUM = "sum"
        RATIO = "ratio"
        MEAN = "mean"
        MAX = "max"
        LATEST = "latest"

    metric = models.ForeignKey(Metric, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    current = models.BooleanField(default=True, help_text="the newest version of its metric")
    direction = models.CharField(max_length=4, choices=Direction.choices)
    aggregation = models.CharField(max_length=8, choices=Aggregation.choices)
    unit = models.CharField(max_length=40, blank=True, help_text="as shown; a ratio is stored as a fraction")
    definition = models.TextField(blank=True)
    query = models.JSONField(default=dict, blank=True, help_text="by feed: what it asks its source for this metric")
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ["metric", "number"]
        constraints = [
            models.UniqueConstraint(fields=["metric", "number"], name="one_metric_version"),
            models.UniqueConstraint(fields=["metric"], condition=Q(current=True), name="one_current_version"),
        ]

    def __str__(self) -> str:
        return f"{self.metric.key} v{self.number}"


class Playbook(models.Model):
    """How to move a metric: steps, a golden example, a command to verify, an expert to ask."""

    class Tracker(models.TextChoices):
        GITHUB = "github", "GitHub"
        GITLAB = "gitlab", "GitLab"
        JIRA = "jira", "Jira"

    metric = models.OneToOneField(Metric, on_delete=models.CASCADE, related_name="playbook")
    steps = models.JSONField(default=list, blank=True)
    example = models.URLField(max_length=500, blank=True)
    verify = models.CharField(max_length=300, blank=True, help_text="a command; {item} stands for the item")
    expert = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    office_hours = models.CharField(max_length=200, blank=True, help_text="when the expert can be asked: Tue 14-15")
    effort_hours = models.FloatField(null=True, blank=True, help_text="what one item usually takes, in hours")
    tracker = models.CharField(max_length=10, choices=Tracker.choices, blank=True)
    tracker_link = models.CharField(
        max_length=500, blank=True, help_text="where issues are made: the repository's or the project's address"
    )
    item_link = models.CharField(
        max_length=500,
        blank=True,
        help_text="an address where an item is to be seen; {item} stands for the item",
    )

    def __str__(self) -> str:
        return f"playbook of {self.metric.key}"

    def verify_for(self, item: str) -> str:
        """The command that verifies one item, which is quoted where a shell would read more than a name in it."""
        return self.verify.replace("{item}", shlex.quote(item))


class FeedQuerySet(models.QuerySet["Feed"]):
    """Feeds by who may see them: whoever sees the program sees how its numbers arrive."""

    def visible_to(self, user: User) -> FeedQuerySet:
        return self.filter(program__in=Program.objects.visible_to(user))


class Feed(models.Model):
    """How observations of some metrics arrive; a token may be limited to one feed.

    `kind` names what is read (empty: whatever is recognized). `measures` maps what a report measures to a metric's
    key, `settings` has the kind's dials, `source` is where within the feed it comes from, usually a repository.
    A pulled feed has `every_minutes` and is due at `next_due_at`.
    """

    OWNERS = "owners"

    key = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=200)
    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="feeds")
    metrics = models.ManyToManyField(Metric, related_name="feeds")
    kind = models.CharField(max_length=20, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    measures = models.JSONField(default=dict, blank=True)
    source = models.CharField(max_length=300, blank=True)
    scope = models.JSONField(
        default=str,
        blank=True,
        help_text='whom a report covers: "" or "owners" (teams that own something of the source), "all" or team keys',
    )
    every_minutes = models.PositiveIntegerField(null=True, blank=True)
    next_due_at = models.DateTimeField(null=True, blank=True)
    paused = models.BooleanField(default=False)
    failures = models.PositiveIntegerField(default=0, help_text="runs in a row that brought nothing")
    failing_since = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    secret = models.TextField(blank=True, help_text="the credential, encrypted")
    secret_host = models.CharField(max_length=300, blank=True, help_text="the only host it is ever sent to")

    objects = FeedQuerySet.as_manager()

    class Meta:
        ordering = ["key"]
        indexes = [models.Index(fields=["next_due_at"], condition=Q(next_due_at__isnull=False), name="feed_due")]

    def __str__(self) -> str:
        return self.name


class ScoreVersion(models.Model):
    """A composite score as data: which metrics count how much, and from which value to which; a change is a version.

    `parts` is a list of {"metric", "weight", "zero", "full"}: a team's value at `zero` gives no points, at `full` all.
    """

    key = models.SlugField(max_length=80)
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    parts = models.JSONField()
    effective_from = models.DateField(help_text="scores of earlier days keep the version of their time")

    class Meta:
        ordering = ["key", "number"]
        constraints = [models.UniqueConstraint(fields=["key", "number"], name="one_score_version")]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"


class GoalRule(models.Model):
    """One line of a program's goals: a metric, which teams, by when, how far. Team goals are made from it."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="goal_rules")
    position = models.PositiveSmallIntegerField(help_text="order in the program's file; a later line wins")
    metric = models.ForeignKey(Metric, on_delete=models.PROTECT, related_name="goal_rules")
    teams = models.JSONField(help_text='"all", a list of team keys, {"under": key} or {"wave": key}')
    start = models.DateField()
    due = models.DateField()
    target = models.FloatField(null=True, blank=True)
    improve_by = models.FloatField(null=True, blank=True)
    tolerance = models.FloatField(default=0.0)
    milestones = models.JSONField(default=list, blank=True, help_text="[[day, value], …]")
    why = models.TextField(blank=True, help_text="why these teams, by then, so far: shown to them")
    chosen = models.CharField(
        max_length=300, blank=True, help_text="how teams or target were found when it was saved, in words"
    )

    class Meta:
        ordering = ["program", "position"]
        constraints = [
            models.UniqueConstraint(fields=["program", "position"], name="one_goal_rule_a_line"),
            models.CheckConstraint(condition=Q(start__lt=models.F("due")), name="goal_rule_due_after_start"),
        ]

    def __str__(self) -> str:
        return f"{self.program.key}: {self.metric.key} #{self.position}"


class Wave(models.Model):
    """A step of the roll-out; which teams are in it is kept in the teams room."""

    class State(models.TextChoices):
        PLANNED = "planned"
        OPEN = "open"
        DONE = "done"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="waves")
    key = models.SlugField(max_length=80)
    start = models.DateField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.PLANNED)
    gate = models.FloatField(
        default=0.6, help_text="share of the wave before at its target or on its path that opens this one"
    )
    opened_on = models.DateField(null=True, blank=True)
    opened_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="null: its gate or its file"
    )
    opened_why = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["program", "start", "key"]
        constraints = [models.UniqueConstraint(fields=["program", "key"], name="one_wave_key")]

    def __str__(self) -> str:
        return f"{self.program.key}/{self.key}"

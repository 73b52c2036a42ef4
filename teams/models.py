"""Where each team stands: the org tree, goals and their terms, what arrived, and how each goal was judged."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import models
from django.db.models import Exists, OuterRef, Q

from accounts.models import AccessToken, Place, User
from program.models import Feed, GoalRule, Metric, MetricVersion, Program, Wave

LONG_AGO = date.min


class TeamQuerySet(models.QuerySet["Team"]):
    """Teams by place in the tree and by who may see them."""

    def visible_to(self, user: User) -> TeamQuerySet:
        """Every signed-in member sees every team: scorecards are shared widely."""
        return self if user.is_active else self.none()

    def leaves(self) -> TeamQuerySet:
        """Teams proper; the inner nodes are groups."""
        return self.filter(leaf=True)


class Team(models.Model):
    """A node of the org tree: a leaf is a team, an inner node a group."""

    key = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children")
    leaf = models.BooleanField(default=True, help_text="no children; kept by whatever changes the tree")
    time_zone = models.CharField(max_length=64, default="UTC")
    program_limit = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="live programs a team may have at once; empty: as the group above says"
    )
    handle = models.CharField(
        max_length=200, blank=True, help_text="its name in CODEOWNERS where that is not its key, such as org/api-team"
    )

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person's place in a team or group."""

    class Role(models.TextChoices):
        LEAD = "lead"
        MEMBER = "member"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role.choices, default=Role.MEMBER)
    since = models.DateTimeField(null=True, blank=True, help_text="in this role; null: before that was kept")

    class Meta:
        ordering = ["team", "role", "user"]
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_membership")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team} ({self.role})"


class WaveTeam(models.Model):
    """A team's place in a wave."""

    wave = models.ForeignKey(Wave, on_delete=models.CASCADE, related_name="wave_teams")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="wave_teams")

    class Meta:
        ordering = ["wave", "team"]
        constraints = [models.UniqueConstraint(fields=["wave", "team"], name="one_wave_team")]

    def __str__(self) -> str:
        return f"{self.team} in {self.wave}"


class WaitingTeam(models.Model):
    """A team that a program wants and that waits: for its wave to open, or for a place under its limit."""

    class Why(models.TextChoices):
        WAVE = "wave", "its wave is not open yet"
        LIMIT = "limit", "it has as many live programs as it may have"

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="waiting")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="waiting")
    why = models.CharField(max_length=8, choices=Why.choices)
    wave = models.ForeignKey(Wave, null=True, blank=True, on_delete=models.CASCADE, related_name="waiting")
    since = models.DateTimeField()

    class Meta:
        ordering = ["since", "pk"]
        constraints = [models.UniqueConstraint(fields=["program", "team"], name="one_waiting_team")]

    def __str__(self) -> str:
        return f"{self.team} waits for {self.program}: {self.get_why_display()}"


class GoalQuerySet(models.QuerySet["Goal"]):
    """Goals by whether they count and who may see them."""

    def on_scorecards(self) -> GoalQuerySet:
        """Live goals of active and paused programs."""
        return self.filter(ended_on=None, program__state__in=Program.ON_SCORECARDS)

    def visible_to(self, user: User) -> GoalQuerySet:
        return self.filter(program__in=Program.objects.visible_to(user))

    def shared_widely(self) -> GoalQuerySet:
        """Those that everybody who signs in may see."""
        return self.filter(program__in=Program.objects.shared_widely())


class Goal(models.Model):
    """What one team should reach on one metric for one program; the terms are rows with an effective day."""

    program = models.ForeignKey(Program, on_delete=models.CASCADE, related_name="goals")
    metric = models.ForeignKey(Metric, on_delete=models.PROTECT, related_name="goals")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="goals")
    rule = models.ForeignKey(GoalRule, null=True, blank=True, on_delete=models.SET_NULL, related_name="goals")
    created_at = models.DateTimeField()
    ended_on = models.DateField(null=True, blank=True, help_text="no longer part of the program from this day")
    judged_on = models.DateField(null=True, blank=True, help_text="the newest day with a standing")
    judge_due_at = models.DateTimeField(
        null=True, blank=True, help_text="something it rests on changed and it is not judged again yet"
    )

    objects = GoalQuerySet.as_manager()

    class Meta:
        ordering = ["program", "metric", "team"]
        constraints = [models.UniqueConstraint(fields=["program", "metric", "team"], name="one_goal")]
        indexes = [
            models.Index(fields=["metric", "team"]),
            models.Index(fields=["judge_due_at"], condition=Q(judge_due_at__isnull=False), name="goal_judge_due"),
        ]

    def __str__(self) -> str:
        return f"{self.program.key}/{self.metric.key}/{self.team.key}"


class GoalTerms(models.Model):
    """A goal's terms from a day on. The first row is in force from the beginning of time."""

    goal = models.ForeignKey(Goal, on_delete=models.CASCADE, related_name="terms")
    effective_from = models.DateField(default=LONG_AGO)
    metric_version = models.ForeignKey(MetricVersion, on_delete=models.PROTECT, related_name="+")
    start = models.DateField()
    due = models.DateField()
    target = models.FloatField(null=True, blank=True)
    improve_by = models.FloatField(null=True, blank=True)
    tolerance = models.FloatField(default=0.0)
    milestones = models.JSONField(default=list, blank=True, help_text="[[ISO day, value], …]")
    baseline = models.FloatField(null=True, blank=True, help_text="recorded once, by the first daily judgment")
    baseline_as_of = models.DateField(null=True, blank=True)
    baseline_recorded_at = models.DateTimeField(null=True, blank=True)
    set_at = models.DateTimeField()
    set_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["goal", "effective_from"]
        constraints = [
            models.UniqueConstraint(fields=["goal", "effective_from"], name="one_terms_a_day"),
            models.CheckConstraint(condition=Q(start__lt=models.F("due")), name="terms_due_after_start"),
            models.CheckConstraint(condition=Q(tolerance__gte=0, tolerance__lte=1), name="terms_tolerance"),
            models.CheckConstraint(
                condition=Q(target__isnull=True, improve_by__isnull=False)
                | Q(target__isnull=False, improve_by__isnull=True),
                name="terms_target_or_improve_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.goal} from {self.effective_from}"


class ExemptionQuerySet(models.QuerySet["Exemption"]):
    """Exemptions by where they are: waiting, in force on a day; and by who may see them."""

    def visible_to(self, user: User) -> ExemptionQuerySet:
        return self.filter(goal__in=Goal.objects.visible_to(user))

    def waiting(self) -> ExemptionQuerySet:
        """Asked for and neither answered nor withdrawn."""
        return self.filter(approved_at=None, declined_at=None, revoked_at=None)

    def approved(self) -> ExemptionQuerySet:
        """Approved and not taken back before they counted; some are over, some are to come."""
        return self.filter(Q(revoked_at=None) | Q(ended_on__gt=models.F("from_day")), approved_at__isnull=False)

    def covering(self, day: date) -> ExemptionQuerySet:
        """Approved ones that count on a day."""
        on = Q(from_day__lte=day, until_day__gte=day) & (Q(ended_on=None) | Q(ended_on__gt=day))
        return self.approved().filter(on)


class Exemption(models.Model):
    """A reasoned, approved pause of one goal; both days are inclusive."""

    class Reason(models.TextChoices):
        GOES_AWAY = "goes-away", "the code goes away"
        FROZEN = "frozen", "frozen by agreement"
        NOT_OURS = "not-ours", "not ours to change"
        PRIORITY = "priority", "another priority was agreed"
        UNFIT = "unfit", "the metric does not fit here"

    goal = models.ForeignKey(Goal, on_delete=models.CASCADE, related_name="exemptions")
    from_day = models.DateField()
    until_day = models.DateField()
    reason = models.CharField(max_length=60)
    text = models.TextField(blank=True)
    asked_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField()
    asked_until = models.DateField(null=True, blank=True, help_text="the last day asked for, where less was approved")
    approved_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    declined_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    declined_at = models.DateTimeField(null=True, blank=True)
    answer = models.TextField(blank=True, help_text="what the owner said to it")
    revoked_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    revoked_at = models.DateTimeField(null=True, blank=True, help_text="withdrawn, or ended early")
    ended_on = models.DateField(null=True, blank=True, help_text="ended early: counts no more from this day")

    objects = ExemptionQuerySet.as_manager()

    class Meta:
        ordering = ["goal", "from_day"]
        constraints = [
            models.CheckConstraint(condition=Q(from_day__lte=models.F("until_day")), name="exemption_days_in_order")
        ]

    def __str__(self) -> str:
        return f"{self.goal} exempt {self.from_day} to {self.until_day}"

    @property
    def said_reason(self) -> str:
        """The reason in words; one that is not on the list is its own word."""
        return dict(self.Reason.choices).get(self.reason, self.reason)

    @property
    def last_day(self) -> date:
        """The last day that it counts on, or would have."""
        return self.until_day if self.ended_on is None else min(self.until_day, self.ended_on - timedelta(days=1))

    @property
    def counts_again(self) -> date:
        """The day from which on the goal is judged as ever."""
        return self.last_day + timedelta(days=1)

    def state_on(self, day: date) -> str:
        """Where it is: waiting, declined, withdrawn, to come, in force, ended, ended early or taken back."""
        if self.declined_at is not None:
            return "declined"
        if self.approved_at is None:
            return "waiting" if self.revoked_at is None else "withdrawn"
        if self.revoked_at is not None and (self.ended_on is None or self.ended_on <= self.from_day):
            return "taken back"
        if self.last_day < day:
            return "ended" if self.ended_on is None else "ended early"
        return "to come" if day < self.from_day else "in force"


class ProposalQuerySet(models.QuerySet["Proposal"]):
    """Proposals by whether they wait, and by who may see them."""

    def visible_to(self, user: User) -> ProposalQuerySet:
        return self.filter(goal__in=Goal.objects.visible_to(user))

    def waiting(self) -> ProposalQuerySet:
        """Those that an owner has not answered."""
        return self.filter(state=Proposal.State.OPEN)


class Proposal(models.Model):
    """A lead's counter-proposal to a goal: another target or day with a reason, and what the owner answered."""

    class State(models.TextChoices):
        OPEN = "open"
        ACCEPTED = "accepted"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"

    goal = models.ForeignKey(Goal, on_delete=models.CASCADE, related_name="proposals")
    target = models.FloatField(null=True, blank=True)
    due = models.DateField(null=True, blank=True)
    reason = models.TextField()
    made_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    made_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    answer = models.TextField(blank=True)
    answered_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(target__isnull=False) | Q(due__isnull=False), name="proposal_proposes_something"
            ),
            models.UniqueConstraint(fields=["goal"], condition=Q(state="open"), name="one_open_proposal"),
        ]

    def __str__(self) -> str:
        return f"proposal for {self.goal}: {self.state}"


class AnswerQuerySet(models.QuerySet["Answer"]):
    """Answers by whether they stand."""

    def standing(self) -> AnswerQuerySet:
        """Those not taken back and not followed by a later one of the same person for the same goal."""
        return self.filter(ended_at=None)

    def visible_to(self, user: User) -> AnswerQuerySet:
        """A person's own, to a team and who leads above it theirs, to an owner those of their programs."""
        if user.is_superuser:
            return self
        of_team = Exists(Place.objects.filter(user=user, key=OuterRef("goal__team__key")))
        run = Program.objects.run_by(user).values("pk")
        return self.filter(Q(person=user) | of_team | Q(goal__program__in=run))


class Answer(models.Model):
    """What somebody answered about a goal: done, on it, blocked, not mine; it silences what its words say.

    "This number is wrong" is a Dispute, "useful" a vote on what was said, "mute" a mute: these stand elsewhere.
    """

    class Kind(models.TextChoices):
        DONE = "done", "done"
        ON_IT = "on it", "on it"
        BLOCKED = "blocked", "blocked"
        NOT_MINE = "not mine", "not mine"

    goal = models.ForeignKey(Goal, on_delete=models.CASCADE, related_name="answers")
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="answers")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    until = models.DateField(null=True, blank=True, help_text="the promised day; on it they are asked how it went")
    text = models.TextField(blank=True, help_text="what blocks, or any other word")
    whose_team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", help_text="not mine: theirs"
    )
    needs = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="blocked: whose priority it needs",
    )
    via = models.CharField(max_length=20, help_text="mail or page")
    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, help_text="taken back, or followed by another")

    objects = AnswerQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["goal", "person"], condition=Q(ended_at__isnull=True), name="one_standing_answer"
            )
        ]
        indexes = [models.Index(fields=["goal", "-at"])]

    def __str__(self) -> str:
        return f"{self.person} on {self.goal}: {self.kind}"


class TakenItem(models.Model):
    """An item of a trail that somebody is on, until they or who speaks for the team release it, or it is closed.

    `done_on` is the day of the measurement that found it closed; then it is released as well.
    """

    metric = models.ForeignKey(Metric, on_delete=models.CASCADE, related_name="taken")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="taken")
    source = models.CharField(max_length=300, blank=True)
    item = models.CharField(max_length=1000, blank=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of source and item: too long for an index themselves")
    by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="taken")
    at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)
    done_on = models.DateField(null=True, blank=True, help_text="as_of of the snapshot that found it closed")

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "team", "digest"], condition=Q(released_at__isnull=True), name="one_taker"
            )
        ]
        indexes = [models.Index(fields=["team", "metric"])]

    def __str__(self) -> str:
        return f"{self.item or 'the whole team'} taken by {self.by}"


class Payload(models.Model):
    """The bytes of an arrival, compressed, under their SHA-256: kept once however often they came."""

    digest = models.CharField(max_length=64, primary_key=True)
    size = models.PositiveBigIntegerField(help_text="bytes before compression")
    data = models.BinaryField(help_text="zlib")

    def __str__(self) -> str:
        return self.digest[:12]


class Run(models.Model):
    """One arrival: from where, when, of which bytes, read how, and what it changed; also one that was refused.

    `asked` is how its payload was read (kind, measures, settings, as_of, source), so that it can be read again.
    """

    class Kind(models.TextChoices):
        FILE = "file"
        API = "api"
        PULL = "pull"

    class State(models.TextChoices):
        RECEIVED = "received"
        STORED = "stored"
        REFUSED = "refused"
        FAILED = "failed"

    kind = models.CharField(max_length=8, choices=Kind.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.STORED)
    came_from = models.CharField(max_length=300, help_text="file name, the token's label, or the address")
    format = models.CharField(max_length=20)
    asked = models.JSONField(default=dict, blank=True)
    scope = models.JSONField(default=dict, blank=True, help_text="metric versions, source and day of a report")
    feed = models.ForeignKey(Feed, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")
    token = models.ForeignKey(AccessToken, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs")
    by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    digest = models.CharField(max_length=64, blank=True, db_index=True, help_text="SHA-256 of the bytes")
    payload = models.ForeignKey(
        Payload, null=True, blank=True, on_delete=models.SET_NULL, related_name="runs", help_text="while it is kept"
    )
    received_at = models.DateTimeField(db_index=True)
    taken_until = models.DateTimeField(null=True, blank=True, help_text="a worker has it until then")
    tries = models.PositiveSmallIntegerField(default=0)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)
    faults = models.JSONField(default=list, blank=True, help_text="[[line, what was expected], …]")
    notes = models.JSONField(default=list, blank=True, help_text="what was left out of it and why")
    idempotency_key = models.CharField(max_length=200, blank=True)
    observations = models.PositiveIntegerField(default=0)
    snapshots = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0, help_text="observations not held before")
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    gone = models.PositiveIntegerField(default=0, help_text="held before, not in the snapshot any more")
    unplaced = models.PositiveIntegerField(default=0, help_text="with no team: on the unowned page")

    class Meta:
        ordering = ["-received_at", "-pk"]
        indexes = [
            models.Index(fields=["feed", "-received_at"]),
            models.Index(fields=["received_at", "id"], condition=Q(state="received"), name="run_waits"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["token", "idempotency_key"],
                condition=~Q(idempotency_key=""),
                name="one_run_an_idempotency_key",
            )
        ]

    def __str__(self) -> str:
        return f"run {self.pk} from {self.came_from}"


class Source(models.Model):
    """Where a team's observations of one metric version come from, usually a repository; '' by default.

    A null team holds what no ownership rule places. `newest` and `carry` bound what a judgment of today must
    read, so that its cost does not grow with history.
    """

    metric_version = models.ForeignKey(MetricVersion, on_delete=models.CASCADE, related_name="sources")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="sources")
    name = models.CharField(max_length=300, blank=True, default="")
    retired_on = models.DateField(null=True, blank=True, help_text="counts no more from this day")
    newest = models.DateField(null=True, blank=True, help_text="as_of of its newest snapshot")
    carry = models.DateField(
        default=LONG_AGO, help_text="as_of of the newest snapshot more than 90 days older than the newest"
    )

    class Meta:
        ordering = ["metric_version", "team", "name"]
        constraints = [
            models.UniqueConstraint(fields=["metric_version", "team", "name"], name="one_source"),
            models.UniqueConstraint(
                fields=["metric_version", "name"], condition=Q(team__isnull=True), name="one_unowned_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric_version} of {self.team or 'nobody'} from {self.name or 'the default source'}"


FINITE = 1.7976931348623157e308


def _finite(field: str) -> Q:
    """NaN and the infinities fail this on both databases (PostgreSQL sorts NaN above all numbers)."""
    return Q(**{f"{field}__gte": -FINITE, f"{field}__lte": FINITE})


class Snapshot(models.Model):
    """All observations of one (metric version, team, source, as_of), with their totals; replaced whole.

    `items` maps an item to its numerator, or to [numerator, denominator] for a ratio; docs/decisions says why
    the observations of a snapshot live in its row.
    """

    # Without an index of its own: that of one_snapshot begins with it, and one beside it is read in its place, all of a
    # source's history, where the newest few are wanted.
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="snapshots", db_index=False)
    as_of = models.DateField()
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="written")
    count = models.PositiveIntegerField(help_text="observations in it")
    numerator = models.FloatField(help_text="sum of numerators")
    denominator = models.FloatField(help_text="sum of denominators; 0 where the metric is no ratio")
    maximum = models.FloatField(null=True, blank=True, help_text="largest numerator; none when empty")
    items = models.JSONField()
    placed = models.BooleanField(default=False, help_text="by ownership: a new rule may move its items to other teams")
    placed_items = models.JSONField(
        null=True, blank=True, help_text="the items placed by ownership, where others were sent with the team's name"
    )

    class Meta:
        ordering = ["source", "as_of"]
        constraints = [
            models.UniqueConstraint(fields=["source", "as_of"], name="one_snapshot"),
            models.CheckConstraint(condition=_finite("numerator"), name="snapshot_numerator_finite"),
            models.CheckConstraint(
                condition=Q(denominator__gte=0, denominator__lte=FINITE), name="snapshot_denominator_finite"
            ),
            models.CheckConstraint(
                condition=Q(maximum__isnull=True) | _finite("maximum"), name="snapshot_maximum_finite"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} as of {self.as_of}"


class Standing(models.Model):
    """A goal judged on a day, as it was said that day."""

    goal = models.ForeignKey(Goal, on_delete=models.CASCADE, related_name="standings")
    day = models.DateField()
    status = models.CharField(max_length=10)
    reason = models.CharField(max_length=200, blank=True, help_text="why stale, held or without data, in words")
    held = models.BooleanField(default=False)
    slipped = models.BooleanField(default=False)
    value = models.FloatField(null=True, blank=True)
    as_of = models.DateField(null=True, blank=True)
    baseline = models.FloatField(null=True, blank=True)
    target = models.FloatField(null=True, blank=True)
    expected = models.FloatField(null=True, blank=True)
    gap = models.FloatField(help_text="in the metric's unit, positive when short, else 0", null=True, blank=True)
    start = models.DateField()
    due = models.DateField()
    forecast = models.DateField(null=True, blank=True)
    trail = models.JSONField(default=list)
    items_short = models.PositiveIntegerField(default=0, help_text="items with a contribution, in the trail or not")
    judged_at = models.DateTimeField()

    class Meta:
        ordering = ["goal", "day"]
        constraints = [models.UniqueConstraint(fields=["goal", "day"], name="one_standing")]
        indexes = [models.Index(fields=["day", "status"])]

    def __str__(self) -> str:
        return f"{self.goal} on {self.day}: {self.status}"


class OwnershipFile(models.Model):
    """A CODEOWNERS file of one source, in force from a day on until the next one of that source."""

    source = models.CharField(max_length=300, blank=True)
    effective_from = models.DateField(default=LONG_AGO)
    flavor = models.CharField(max_length=8)
    text = models.TextField()
    set_at = models.DateTimeField()
    set_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["source", "effective_from"]
        constraints = [models.UniqueConstraint(fields=["source", "effective_from"], name="one_ownership_file_a_day")]

    def __str__(self) -> str:
        return f"CODEOWNERS of {self.source or 'the default source'} from {self.effective_from}"


class OwnershipPattern(models.Model):
    """A pattern set by hand, from a day on until the day it ended; the newest that matches wins over any file."""

    pattern = models.CharField(max_length=1000, help_text="as in CODEOWNERS: /src/api/, *.sql, docs/*")
    source = models.CharField(max_length=300, blank=True)
    any_source = models.BooleanField(default=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="ownership_patterns")
    effective_from = models.DateField(default=LONG_AGO)
    ended_on = models.DateField(null=True, blank=True, help_text="in force no more from this day")
    set_at = models.DateTimeField()
    set_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.pattern} → {self.team.key}"


class OwnedComponent(models.Model):
    """A Backstage Component's owner from a day on: its repository's items, and the item of its name, are the team's."""

    key = models.CharField(max_length=150)
    source = models.CharField(max_length=300, blank=True, help_text="its repository, where the catalog says it")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="components")
    effective_from = models.DateField(default=LONG_AGO)
    set_at = models.DateTimeField()

    class Meta:
        ordering = ["key", "effective_from"]
        constraints = [models.UniqueConstraint(fields=["key", "effective_from"], name="one_component_owner_a_day")]

    def __str__(self) -> str:
        return f"{self.key} of {self.team or 'nobody'}"


class Hold(models.Model):
    """Why standings on a metric (of one team, or of all) are held: nudges rest until somebody or a good run ends it."""

    class Why(models.TextChoices):
        FAILING = "failing"
        SUDDEN = "sudden"
        DISPUTED = "disputed"

    metric = models.ForeignKey(Metric, on_delete=models.CASCADE, related_name="holds")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="holds")
    why = models.CharField(max_length=8, choices=Why.choices)
    feed = models.ForeignKey(Feed, null=True, blank=True, on_delete=models.CASCADE, related_name="holds")
    reason = models.CharField(max_length=200)
    as_of = models.DateField(null=True, blank=True, help_text="of the value that moved")
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-since", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "feed"],
                condition=Q(until__isnull=True, why="failing"),
                name="one_open_hold_a_failing_feed",
            ),
            models.UniqueConstraint(
                fields=["metric", "team", "as_of"], condition=Q(why="sudden"), name="one_hold_a_sudden_move"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric.key} of {self.team or 'all'} held: {self.reason}"


class Dispute(models.Model):
    """Somebody's "this number is wrong" about a value, and what the metric's owner answered."""

    class Answer(models.TextChoices):
        RIGHT = "right", "the number is right"
        MENDED = "mended", "it was wrong and is mended"
        WRONG = "wrong", "it is wrong and stays so for now"

    metric = models.ForeignKey(Metric, on_delete=models.CASCADE, related_name="disputes")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="disputes")
    item = models.CharField(max_length=1000, blank=True)
    value = models.FloatField(null=True, blank=True)
    as_of = models.DateField(null=True, blank=True)
    text = models.TextField()
    hold = models.OneToOneField(Hold, null=True, on_delete=models.SET_NULL, related_name="dispute")
    opened_at = models.DateTimeField()
    opened_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    answer = models.CharField(max_length=8, choices=Answer.choices, blank=True)
    answer_text = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-opened_at", "-pk"]
        indexes = [models.Index(fields=["metric", "team"])]

    def __str__(self) -> str:
        return f"{self.metric.key} of {self.team.key} disputed {self.opened_at:%Y-%m-%d}"

"""What the ingest drill sends, and the reckoning: what the database holds against what was sent and answered."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from accounts.clock import now
from accounts.tokens import issue
from program.models import Metric, MetricVersion, Program
from teams.models import Goal, GoalTerms, Run, Snapshot, Standing, Team

METRICS = 10
ITEMS = 10
POSTS = 3
PER_BATCH = METRICS * ITEMS


@dataclass(frozen=True, slots=True)
class Post:
    """One body to be sent: a batch of whole snapshots, in one of three wordings, maybe with an idempotency key."""

    batch: int
    wording: int
    body: bytes
    key: str

    @property
    def digest(self) -> str:
        """Under which the service keeps it."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx as the client read it."""

    post: Post
    run: int
    digest: str
    observations: int


@dataclass(slots=True)
class Ground:
    """A program with a team a batch, its goals, and the posts to be sent about it."""

    program: Program
    token: str
    posts: list[Post] = field(default_factory=list)


@dataclass(slots=True)
class Reckoning:
    """What is held after the drill; all but `rows` should be 0."""

    rows: int
    wrong_rows: int
    torn: int
    lost: int
    doubled: int
    misjudged: int


def prepare(name: str, batches: int) -> Ground:
    """A team for each batch, ten metrics with ten items each, a goal on every one; half of the posts have a key."""
    moment = now()
    day = moment.date() - timedelta(days=1)
    program = Program.objects.create(
        key=name, name="Drill", purpose="to be fed", start=day - timedelta(days=90), end=day + timedelta(days=300)
    )
    teams = Team.objects.bulk_create([Team(key=f"{name}-team-{n}", name=f"Team {n}") for n in range(batches)])
    for m in range(METRICS):
        metric = Metric.objects.create(key=f"{name}-metric-{m}", name=f"Metric {m}", program=program, fresh_for=45)
        version = MetricVersion.objects.create(
            metric=metric, number=1, direction="down", aggregation="sum", unit="findings", opened_at=moment
        )
        goals = Goal.objects.bulk_create(
            [Goal(program=program, metric=metric, team=team, created_at=moment) for team in teams]
        )
        GoalTerms.objects.bulk_create(
            [
                GoalTerms(
                    goal=goal, metric_version=version, start=program.start, due=program.end, set_at=moment,
                    target=1.0, baseline=100_000.0, baseline_as_of=program.start,
                )
                for goal in goals
            ]
        )  # fmt: skip
    _, secret = issue(name, [f"observations:program:{name}"])
    ground = Ground(program, secret)
    for batch in range(batches):
        for wording in range(POSTS):
            body = _body(name, batch, wording, day)
            key = f"{name}-{batch}-{wording}" if (batch + wording) % 2 else ""
            ground.posts.append(Post(batch, wording, body, key))
    return ground


def _number(batch: int, metric: int, item: int, wording: int) -> int:
    """Tells the wordings apart, in every item."""
    return (batch * 31 + metric * 7 + item * 3) % 90 + 100 * (wording + 1)


def _body(name: str, batch: int, wording: int, day: date) -> bytes:
    observations = [
        {
            "metric": f"{name}-metric-{m}",
            "team": f"{name}-team-{batch}",
            "item": f"item-{i}",
            "as_of": day.isoformat(),
            "numerator": _number(batch, m, i, wording),
        }
        for m in range(METRICS)
        for i in range(ITEMS)
    ]
    return json.dumps({"observations": observations}).encode()


def reckon(ground: Ground, answers: Sequence[Answer]) -> Reckoning:
    """Count what is held, and hold it against what was sent and answered."""
    rows = wrong = 0
    wordings: dict[str, set[int]] = {}
    totals: dict[tuple[str, str], float] = {}
    held = Snapshot.objects.filter(source__metric_version__metric__program=ground.program).values_list(
        "source__team__key", "source__metric_version__metric__key", "items", "run__payload", "numerator"
    )
    sent = {post.digest: post for post in ground.posts}
    for team, metric, items, digest, total in held:
        rows += len(items)
        totals[team, metric] = total
        batch, m = int(team.rpartition("-")[2]), int(metric.rpartition("-")[2])
        post = sent.get(digest)
        wordings.setdefault(team, set()).add(post.wording if post else -1)
        for i in range(ITEMS):
            expected = None if post is None else _number(batch, m, i, post.wording)
            wrong += items.get(f"item-{i}") != expected
    return Reckoning(
        rows=rows,
        wrong_rows=wrong,
        torn=sum(1 for found in wordings.values() if len(found) != 1),
        lost=_lost(answers),
        doubled=_doubled(ground, answers),
        misjudged=_misjudged(ground, totals),
    )


def _lost(answers: Sequence[Answer]) -> int:
    """2xx answers whose run is not on record with that payload and all its observations."""
    runs = {
        pk: (digest, observations)
        for pk, digest, observations in Run.objects.filter(payload__size__gt=0).values_list(
            "pk", "payload", "observations"
        )
    }
    expected = ((a, (a.post.digest, PER_BATCH)) for a in answers)
    return sum(
        1
        for answer, wanted in expected
        if runs.get(answer.run) != wanted or (answer.digest, answer.observations) != wanted
    )


def _doubled(ground: Ground, answers: Sequence[Answer]) -> int:
    """Idempotency keys that stand for more than one run, in the answers or in the database."""
    named: dict[str, set[int]] = {}
    for answer in answers:
        if answer.post.key:
            named.setdefault(answer.post.key, set()).add(answer.run)
    kept = Counter(
        Run.objects.filter(idempotency_key__startswith=f"{ground.program.key}-").values_list(
            "idempotency_key", flat=True
        )
    )
    return sum(1 for key in named.keys() | kept.keys() if len(named.get(key, ())) > 1 or kept[key] > 1)


def _misjudged(ground: Ground, totals: dict[tuple[str, str], float]) -> int:
    """Goals that are not due and whose newest standing says another value than their snapshot."""
    said = {
        (team, metric): value
        for team, metric, value in Standing.objects.filter(goal__program=ground.program)
        .order_by("day")
        .values_list("goal__team__key", "goal__metric__key", "value")
    }
    settled = Goal.objects.filter(program=ground.program, judge_due_at=None).values_list("team__key", "metric__key")
    return sum(1 for pair in settled if said.get(pair) != totals.get(pair))

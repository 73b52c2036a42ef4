"""Trust: standings are held while their feed is failing, their value moved too sharply, or somebody disputes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q

from accounts.audit import record
from accounts.clock import latest_today
from accounts.models import User
from program import wording
from program.models import Feed, Metric, MetricVersion
from program.rules.series import points, with_value
from program.rules.sudden import sudden_move

from .models import Dispute, Goal, Hold, Team
from .series import LATEST, Pair, load
from .statements import among, as_day, fetch

HOLDS = """
SELECT metric_id, team_id, why, reason, since, until FROM teams_hold WHERE {among} AND (until IS NULL OR until >= %s)
ORDER BY since, id
"""
Holds = Mapping[int, Sequence[tuple[int | None, str, date, date | None]]]
"""By metric: (team or None for all, reason, first day, day on which it is no more or None)."""


def holds_of(metrics: Iterable[int], since: date) -> Holds:
    """The holds on these metrics (row ids) that were open on some day from `since` on. One query."""
    wanted = sorted(set(metrics))
    found: dict[int, list[tuple[int | None, str, date, date | None]]] = defaultdict(list)
    if wanted:
        condition, parameters = among("metric_id", wanted)
        for metric, team, _, reason, first, last in fetch(
            HOLDS.format(among=condition), [*parameters, since.isoformat()]
        ):
            began = as_day(first if isinstance(first, str) else first.date())
            if began is not None:
                over = None if last is None else as_day(last if isinstance(last, str) else last.date())
                found[metric].append((team, reason, began, over))
    return found


def held_reason(holds: Holds, metric: int, team: int, day: date) -> str:
    """Why a team's standing on a metric is held on a day, in words; empty if it is not."""
    for of_team, reason, first, last in holds.get(metric, ()):
        if of_team in (None, team) and first <= day and (last is None or day < last):
            return reason
    return ""


def feed_failed(feed: Feed, error: str, now: datetime) -> None:
    """A run of a feed brought nothing: it is failing from the first such run on, and what rests on it is held."""
    with transaction.atomic():
        feed.failures += 1
        feed.failing_since = feed.failing_since or now
        feed.last_error = error[:1000]
        feed.save(update_fields=["failures", "failing_since", "last_error"])
        reason = f"the feed {feed.key} is failing since {wording.day(feed.failing_since.date())}"
        metrics = list(feed.metrics.all())
        held = set(Hold.objects.filter(feed=feed, until=None, why=Hold.Why.FAILING).values_list("metric", flat=True))
        Hold.objects.bulk_create(
            [
                Hold(metric=metric, feed=feed, why=Hold.Why.FAILING, reason=reason[:200], since=now)
                for metric in metrics
                if metric.pk not in held
            ],
            ignore_conflicts=True,
        )
        _judge_again(Goal.objects.filter(metric__in=metrics), now)


def feed_succeeded(feed: Feed, now: datetime) -> None:
    """A run of a feed brought its numbers: what was held for it goes on."""
    if not feed.failures and feed.failing_since is None:
        return
    feed.failures, feed.failing_since, feed.last_error = 0, None, ""
    feed.save(update_fields=["failures", "failing_since", "last_error"])
    ended = Hold.objects.filter(feed=feed, until=None, why=Hold.Why.FAILING)
    metrics = set(ended.values_list("metric", flat=True))
    ended.update(until=now)
    _judge_again(Goal.objects.filter(metric__in=metrics), now)


OPEN_SUDDEN = """
SELECT id, metric_id, team_id, as_of FROM teams_hold WHERE why = 'sudden' AND until IS NULL AND {metrics} AND {teams}
"""


def note_sudden(pairs: Collection[Pair], now: datetime) -> None:
    """Hold what moved too sharply with its newest snapshot; end that when a newer one is no such move.

    Three queries, for series that something was just written to; thirteen snapshots of each are looked at.
    """
    versions = MetricVersion.objects.filter(pk__in={version for version, _ in pairs})
    rules = {
        pk: (aggregation, times, metric)
        for pk, aggregation, times, metric in versions.values_list("pk", "aggregation", "metric__sudden", "metric")
    }
    day = latest_today(now)
    histories = load(dict.fromkeys(pairs, day), some=LATEST)
    of_metrics, first = among("metric_id", sorted({metric for _, _, metric in rules.values()}))
    of_teams, second = among("team_id", sorted({team for _, team in pairs}))
    open_now = {
        (metric, team): (pk, as_day(as_of))
        for pk, metric, team, as_of in fetch(OPEN_SUDDEN.format(metrics=of_metrics, teams=of_teams), [*first, *second])
    }
    new, over = [], []
    for version, team in pairs:
        aggregation, times, metric = rules[version]
        series = with_value(points(aggregation, [h.readings for h in histories.get((version, team), ())], day))
        held, of_day = open_now.get((metric, team), (None, None))
        if held is not None and series and of_day is not None and series[-1][0] > of_day:
            over.append(held)
        move = sudden_move(series, times, counted=aggregation not in ("ratio", "mean"))
        if move is not None and (held is None or held in over):
            said = f"{wording.value(move.before, '', aggregation)} to {wording.value(move.after, '', aggregation)}"
            reason = f"the value moved from {said} on {wording.day(move.day)}, far more than it ever does"
            new.append(
                Hold(metric_id=metric, team_id=team, why=Hold.Why.SUDDEN, reason=reason, as_of=move.day, since=now)
            )
    if over:
        Hold.objects.filter(pk__in=over).update(until=now)
    if new:  # one a move: what an owner confirmed is not held again
        Hold.objects.bulk_create(new, ignore_conflicts=True)


def confirm(hold: Hold, by: User, now: datetime) -> None:
    """An owner says that the numbers behind a hold are right: it ends, and what rested on it is judged again."""
    with transaction.atomic():
        if not Hold.objects.filter(pk=hold.pk, until=None).update(until=now, ended_by=by):
            return
        record(
            "hold", str(hold), at=now, before={"open": True}, after={"open": False}, actor=by, reason=hold.reason,
            via="page",
        )  # fmt: skip
        goals = Goal.objects.filter(metric=hold.metric_id)
        _judge_again(goals if hold.team_id is None else goals.filter(team=hold.team_id), now)


def dispute(
    metric: Metric, team: Team, *, text: str, by: User, now: datetime, item: str = "",
    value: float | None = None, as_of: date | None = None, via: str = "page",
) -> Dispute:  # fmt: skip
    """Somebody says that a number is wrong: nudges on it rest until the metric's owner answers.

    Once a person and value: saying it again before the answer changes nothing.
    """
    with transaction.atomic():
        open_now = Dispute.objects.filter(metric=metric, team=team, opened_by=by, answered_at=None).first()
        if open_now is not None:
            return open_now
        said = f"somebody says that the number is wrong ({wording.day(now.date())})"
        hold = Hold.objects.create(metric=metric, team=team, why=Hold.Why.DISPUTED, reason=said[:200], since=now)
        made = Dispute.objects.create(
            metric=metric, team=team, item=item[:1000], value=value, as_of=as_of, text=text, hold=hold, opened_at=now,
            opened_by=by,
        )  # fmt: skip
        record("dispute", f"{metric.key}/{team.key}", at=now, after={"item": item, "text": text}, actor=by, via=via)
        _judge_again(Goal.objects.filter(metric=metric, team=team), now)
    return made


def answer(made: Dispute, *, what: str, text: str, by: User, now: datetime) -> bool:
    """Answer a dispute; False if somebody answered before. Nudges go on, unless the number stays wrong."""
    with transaction.atomic():
        changed = Dispute.objects.filter(pk=made.pk, answered_at=None).update(
            answer=what, answer_text=text, answered_at=now, answered_by=by
        )
        if not changed:
            return False
        if what != Dispute.Answer.WRONG:  # what stays wrong stays held
            Hold.objects.filter(dispute=made, until=None).update(until=now, ended_by=by)
        key = f"{made.metric.key}/{made.team.key}"
        record(
            "dispute", key, at=now, before={"answer": ""}, after={"answer": what, "text": text}, actor=by, via="page"
        )
        _judge_again(Goal.objects.filter(metric=made.metric_id, team=made.team_id), now)
    return True


def withdraw(made: Dispute, *, by: User, now: datetime) -> bool:
    """Who opened a dispute says that the number is right after all; False if it was answered before."""
    return answer(made, what=Dispute.Answer.RIGHT, text="Taken back.", by=by, now=now)


def open_holds(metric: Metric) -> list[Hold]:
    """What holds standings on a metric now, newest first."""
    return list(Hold.objects.filter(Q(until=None), metric=metric).select_related("team", "feed"))


def _judge_again(goals: object, now: datetime) -> None:
    goals.on_scorecards().update(judge_due_at=now)  # type: ignore[attr-defined]

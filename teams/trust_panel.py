"""The trust panel of a metric: how fresh, complete and undisputed its numbers are, and what holds its nudges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

from django.db import transaction
from django.db.models import Count, Q

from accounts.audit import record
from accounts.clock import today
from accounts.models import User
from program.models import Feed, FeedQuerySet, Metric, MetricVersion

from . import trust
from .models import Dispute, Goal, GoalQuerySet, GoalTerms, Hold, Run, Source
from .statements import fetch

RUNS = 8
WEEKS = 8


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One source of a metric, and whether it is silent for longer than its numbers stay fresh."""

    source: Source
    late: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """What is to be known before a metric is believed. Ages in days, times to answer in hours."""

    metric: Metric
    version: MetricVersion
    versions: Sequence[MetricVersion]
    feeds: Sequence[Feed]
    newest: date | None
    teams_wanted: int
    teams_fresh: int
    teams_stale: int
    items_placed: int
    items_unplaced: int
    runs: Sequence[Run]
    refused: int
    arrived: int
    holds: Sequence[Hold]
    disputes: Sequence[Dispute]
    answered: Sequence[Dispute]
    hours_to_answer: float | None
    sources: Sequence[SourceLine]
    outdated_goals: int

    @property
    def teams_silent(self) -> int:
        """Teams with a goal and no snapshot at all."""
        return self.teams_wanted - self.teams_fresh - self.teams_stale


def panel(metric: Metric, now: datetime, seen: FeedQuerySet) -> Panel:
    """The trust panel of a metric at a moment, with the feeds that its reader may see.

    Only live goals say which teams are expected. Constant queries.
    """
    versions = list(metric.versions.order_by("-number"))
    version = next(one for one in versions if one.current)
    day = today("UTC", now)
    feeds = list(seen.filter(metrics=metric).select_related("program"))
    sources = list(Source.objects.filter(metric_version=version).select_related("team").order_by("name", "team__key"))
    live = [one for one in sources if one.retired_on is None or one.retired_on > day]
    wanted = set(Goal.objects.on_scorecards().filter(metric=metric).order_by().values_list("team", flat=True))
    oldest_fresh = day - timedelta(days=metric.fresh_for)
    newest: dict[int, date] = {}
    for one in live:
        if one.team_id is not None and one.newest is not None:
            newest[one.team_id] = min(newest.get(one.team_id, one.newest), one.newest)
    held = {team: since for team, since in newest.items() if team in wanted}
    placed, unplaced = _items(version, day)
    since = now - timedelta(weeks=WEEKS)
    written = Q(written__source__metric_version=version) & (Q(feed=None) | Q(feed__in=seen))
    runs = Run.objects.filter(Q(feed__in=feeds) | written).distinct()
    newest_runs = runs.select_related("feed", "token", "by").order_by("-received_at", "-pk")[: RUNS * 5]
    lately = Run.objects.filter(feed__in=feeds, received_at__gte=since).aggregate(
        refused=Count("pk", filter=Q(state__in=(Run.State.REFUSED, Run.State.FAILED))), arrived=Count("pk")
    )
    disputes = list(metric.disputes.select_related("team", "opened_by", "answered_by"))
    answered = [one for one in disputes if one.answered_at is not None]
    hours = [(one.answered_at - one.opened_at).total_seconds() / 3600 for one in answered if one.answered_at]
    return Panel(
        metric=metric,
        version=version,
        versions=versions,
        feeds=feeds,
        newest=max((one.newest for one in live if one.newest), default=None),
        teams_wanted=len(wanted),
        teams_fresh=sum(1 for last in held.values() if last >= oldest_fresh),
        teams_stale=sum(1 for last in held.values() if last < oldest_fresh),
        items_placed=placed,
        items_unplaced=unplaced,
        runs=[run for run in newest_runs if _speaks_of(run, metric)][:RUNS],
        refused=lately["refused"],
        arrived=lately["arrived"],
        holds=trust.open_holds(metric),
        disputes=[one for one in disputes if one.answered_at is None],
        answered=answered[:RUNS],
        hours_to_answer=median(hours) if hours else None,
        sources=[
            SourceLine(one, one in live and one.newest is not None and one.newest < oldest_fresh) for one in sources
        ],
        outdated_goals=_outdated(metric).count(),
    )


def _speaks_of(run: Run, metric: Metric) -> bool:
    """Whether a run brought something of the metric, or nothing at all where it should have."""
    return run.state != Run.State.STORED or metric.key in run.scope.get("versions", {metric.key: 1})


def _items(version: MetricVersion, day: date) -> tuple[int, int]:
    """Items in the newest snapshots: those of teams, and those that no rule places."""
    rows = fetch(
        """SELECT CASE WHEN src.team_id IS NULL THEN 0 ELSE 1 END, SUM(s.count)
        FROM teams_source src JOIN teams_snapshot s ON s.source_id = src.id AND s.as_of = src.newest
        WHERE src.metric_version_id = %s AND (src.retired_on IS NULL OR src.retired_on > %s) GROUP BY 1""",
        [version.pk, day.isoformat()],
    )
    found = {kind: int(number or 0) for kind, number in rows}
    return found.get(1, 0), found.get(0, 0)


def _outdated(metric: Metric) -> GoalQuerySet:
    """Live goals whose newest terms are of an older version of the metric."""
    goals = Goal.objects.on_scorecards().filter(metric=metric)
    return goals.exclude(terms__metric_version__current=True)


def rebaseline(metric: Metric, *, by: User, reason: str, now: datetime) -> int:
    """Put the goals of older versions on the current one, from their team's today on. Returns how many.

    The baseline is taken anew by the next daily judgment, of the current version's snapshots; what was judged before
    stays as it was.
    """
    current = metric.versions.get(current=True)
    changed = 0
    with transaction.atomic():
        for goal in _outdated(metric).select_related("team", "program").distinct():
            terms = goal.terms.order_by("-effective_from").first()
            if terms is None:
                continue
            day = today(goal.team.time_zone, now)
            GoalTerms.objects.filter(goal=goal, effective_from__gte=day).delete()
            terms.pk = None
            terms.effective_from, terms.metric_version = day, current
            terms.baseline = terms.baseline_as_of = terms.baseline_recorded_at = None
            terms.set_at, terms.set_by, terms.reason = now, by, reason
            terms.save()
            changed += 1
        Goal.objects.on_scorecards().filter(metric=metric).update(judge_due_at=now, judged_on=None)
        record(
            "re-baseline", metric.key, at=now, actor=by, via="page", reason=reason,
            after={"version": current.number, "goals": changed},
        )  # fmt: skip
    return changed

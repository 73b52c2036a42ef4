"""Standings: goals judged on a day, when observations arrive, daily, and on demand; kept per goal and day."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from accounts.clock import today
from program.rules.status import Judgment, judge
from program.rules.trail import NO_TRAIL, Crumb, Trail, needs_items, trail

from . import taking, trust
from .models import Goal, GoalTerms, Standing, Team
from .series import Histories, SnapshotIds, load, load_items, snapshot_ids, trail_items
from .statements import among, change, fetch
from .terms import DayOf, GoalOnDay, in_force
from .upsert import upsert

TEAMS_AT_A_TIME = 250
STORED = (
    "goal", "day", "status", "reason", "held", "slipped", "value", "as_of", "baseline", "target", "expected", "gap",
    "start", "due", "forecast", "trail", "items_short", "judged_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Judged:
    """A goal on a day with its judgment and its trail."""

    on_day: GoalOnDay
    judgment: Judgment
    trail: Trail
    held: str = ""
    """why nudges rest, in words"""

    @property
    def reason(self) -> str:
        """Why it is stale, without data or held, in words."""
        return "; ".join(said for said in (self.judgment.reason, self.held) if said)[:200]


def compute(on_days: Sequence[GoalOnDay]) -> tuple[list[Judged], Histories]:
    """Judge goals from the observations held now, storing nothing; also gives the series that were read. Three queries.

    Each goal's day may be another; `on_days` names a series once, or several times with the same day.
    """
    wanted = {g.pair: g.day for g in on_days}
    histories = load(wanted, whole=[g.pair for g in on_days if g.terms.baseline is None])
    judgments = []
    behind_trails: dict[int, SnapshotIds] = {}
    for position, g in enumerate(on_days):
        sources = histories.get(g.pair, ())
        judgment = judge(g.terms, [source.readings for source in sources], g.day)
        judgments.append(judgment)
        if needs_items(g.terms, judgment):
            behind_trails[position] = snapshot_ids(sources, g.day)
    needed = {pk for ids in behind_trails.values() for pk in (*ids.newest.values(), *ids.previous.values())}
    held = load_items(needed) if needed else {}
    holds = trust.holds_of({g.metric for g in on_days}, min(wanted.values())) if on_days else {}
    judged = []
    for position, (g, judgment) in enumerate(zip(on_days, judgments, strict=True)):
        ids = behind_trails.get(position)
        found = trail(g.terms, judgment, *trail_items(ids, held)) if ids else NO_TRAIL
        judged.append(Judged(g, judgment, found, trust.held_reason(holds, g.metric, g.team, g.day)))
    return judged, histories


def on(goals: QuerySet[Goal], day: date) -> list[Judged]:
    """Judge goals on one given day, storing nothing."""
    return compute(in_force(list(goals.order_by().values_list("pk", flat=True)), lambda _zone: day))[0]


def as_if_not_exempt(goals: Sequence[int], now: datetime) -> list[Judged]:
    """How these goals (ids) would stand on their team's today if they were not exempt; nothing is stored."""
    return compute(in_force(goals, _today_at(now), exempt=False))[0]


def judge_goals(goals: QuerySet[Goal], now: datetime, *, daily: bool = False) -> int:
    """Judge goals on their team's today, and keep the standings; the daily judgment also records baselines.

    Cost is in proportion to the goals, not to history. Judges 250 teams a transaction, so that a killed worker loses
    at most one such part, which is due still. Returns the number of standings written.
    """
    day_of = _today_at(now)
    written = 0
    for part in _parts(goals):
        with transaction.atomic():
            ids = _locked(part)
            judged, histories = compute(in_force(ids, day_of))
            if daily:
                record_baselines(judged, now)
            written += store(judged, now)
            taking.finish(judged, histories, now)
            _done(ids, judged, daily=daily)
    return written


def _locked(ids: Sequence[int]) -> list[int]:
    """Those of these goals that are still there, locked in order: two judgments of a goal take turns."""
    condition, parameters = among("id", ids)
    wait = " FOR UPDATE" if connection.vendor == "postgresql" else ""  # SQLite has one writer at a time anyway
    return [pk for (pk,) in fetch(f"SELECT id FROM teams_goal WHERE {condition} ORDER BY id{wait}", parameters)]  # noqa: S608


def _done(ids: Sequence[int], judged: Sequence[Judged], *, daily: bool) -> None:
    """Nothing of these goals is due any more; a daily judgment is noted with its day."""
    parts: dict[date | None, list[int]] = {None: list(ids)}
    if daily:
        parts = {}
        for j in judged:
            parts.setdefault(j.on_day.day, []).append(j.on_day.goal)
    for day, goals in parts.items():
        condition, parameters = among("id", goals)
        noted = "judged_on = %s, " if day else ""
        first = [day.isoformat()] if day else []
        change(f"UPDATE teams_goal SET {noted}judge_due_at = NULL WHERE {condition}", [*first, *parameters])  # noqa: S608


def judge_due(now: datetime) -> int:
    """Judge what is due: goals without today's daily judgment, and goals that something touched. Returns how many."""
    live = Goal.objects.on_scorecards()
    zones = Team.objects.leaves().order_by().values_list("time_zone", flat=True).distinct()
    not_yet = Q(pk__in=[])
    for zone in zones:
        day = today(zone, now)
        not_yet |= Q(team__time_zone=zone) & (Q(judged_on=None) | Q(judged_on__lt=day))
    written = judge_goals(live.filter(not_yet), now, daily=True)
    return written + judge_goals(live.filter(judge_due_at__isnull=False), now)


def fill_past_day(goals: QuerySet[Goal], day: date, now: datetime) -> int:
    """Keep standings for a past day where none was kept then; what was said at the time is never overwritten."""
    missing = goals.exclude(standings__day=day)
    written = 0
    for part in _parts(missing):
        with transaction.atomic():
            written += store(compute(in_force(part, lambda _zone: day))[0], now)
    return written


def record_baselines(judged: Iterable[Judged], now: datetime) -> None:
    """Record the baselines that a daily judgment of an active program found; each is recorded once."""
    for j in judged:
        if j.on_day.recordable and j.judgment.baseline is not None:
            GoalTerms.objects.filter(pk=j.on_day.terms_row, baseline=None).update(
                baseline=j.judgment.baseline, baseline_as_of=j.judgment.baseline_as_of, baseline_recorded_at=now
            )


def store(judged: Sequence[Judged], now: datetime) -> int:
    """Keep standings, one a goal and day; a later judgment of the same day replaces it."""
    rows = [
        (
            j.on_day.goal, j.judgment.day, str(j.judgment.status), j.reason, bool(j.held), j.judgment.slipped,
            j.judgment.value, j.judgment.as_of, j.judgment.baseline, j.judgment.target, j.judgment.expected,
            j.judgment.gap, j.on_day.terms.start, j.on_day.terms.due, j.judgment.forecast, trail_json(j.trail),
            j.trail.items_short, now,
        )
        for j in judged
    ]  # fmt: skip
    upsert(Standing, STORED, rows, unique=("goal", "day"))
    return len(rows)


def trail_json(found: Trail) -> str:
    """A trail as it is kept: the contract's four facts a crumb, and the source where it is not the default one."""
    if not found.crumbs:
        return "[]"
    return json.dumps([crumb_facts(crumb) for crumb in found.crumbs], separators=(",", ":"))


def crumb_facts(crumb: Crumb) -> dict[str, object]:
    """One crumb as plain values, in the contract's order."""
    facts = crumb._asdict()
    if not facts["source"]:
        del facts["source"]
    return facts


def _today_at(now: datetime) -> DayOf:
    @cache
    def day_of(zone: str) -> date:
        return today(zone, now)

    return day_of


def _parts(goals: QuerySet[Goal]) -> Iterator[list[int]]:
    """The goals' ids in parts of some teams each, so that memory and transactions stay small."""
    by_team: dict[int, list[int]] = {}
    for pk, team in goals.order_by().values_list("pk", "team_id"):
        by_team.setdefault(team, []).append(pk)
    teams = sorted(by_team)
    for first in range(0, len(teams), TEAMS_AT_A_TIME):
        yield sorted(pk for team in teams[first : first + TEAMS_AT_A_TIME] for pk in by_team[team])

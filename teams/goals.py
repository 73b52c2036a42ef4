"""Goals made from a program's rules: one for each team a rule selects; other terms start a new row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.clock import today
from accounts.models import User
from program.models import GoalRule, MetricVersion, Program, Wave

from . import limits
from .models import LONG_AGO, Goal, GoalTerms, Team, WaitingTeam
from .statements import fetch

Note = Callable[..., None]
ASKED = ("start", "due", "target", "improve_by", "tolerance", "milestones")
"""What a rule asks; the recorded baseline and the metric version stay when these change."""
BASELINE = ("baseline", "baseline_as_of", "baseline_recorded_at")
FILE_CHANGED = "the program's file was changed"
TURN = 8_214_731
"""The number of the lock under which goals are made."""
Pair = tuple[int, int]
"""A metric and a team, by their ids."""


def take_turn() -> None:
    """Wait until nobody else makes goals, until the transaction ends: whether a team has a place is asked and answered
    by one at a time. SQLite has one writer at a time anyway."""
    if connection.vendor == "postgresql":
        fetch("SELECT pg_advisory_xact_lock(%s)", [TURN])


def make_goals(
    program: Program,
    now: datetime,
    note: Note,
    *,
    by: User | None = None,
    reason: str = FILE_CHANGED,
    entering: bool = False,
) -> None:
    """Bring a program's goals in step with its rules. Runs in the caller's transaction; cost is a few bulk statements.

    A team that a rule newly selects gets a goal; one that no rule selects any more has its goal ended today; a rule
    that asks something else gives new terms from today on (of a draft, it changes the only terms there are). A team
    whose wave is not open, or that has as many live programs as it may, waits instead. `entering` says that the
    program was a draft until now: every team has to find its place, and goals count from now.
    """
    take_turn()
    teams = Team.objects.in_bulk()
    wanted, planned = _wanted(program, teams)
    held = {(goal.metric_id, goal.team_id): goal for goal in program.goals.select_related("team", "metric")}
    placed = set() if entering else {team for (_, team), goal in held.items() if goal.ended_on is None}
    full: set[int] = set()
    if program.state in Program.ON_SCORECARDS and program.guard_of_id is None:
        full = limits.without_place(program, {team for _, team in wanted} - placed, teams)
    wanted = {pair: rule for pair, rule in wanted.items() if pair[1] not in full}
    _keep_waiting(program, {**planned, **dict.fromkeys(full)}, teams, now, note)
    if entering:
        held = _enter(program, held, full, now)
    _make(program, {pair: rule for pair, rule in wanted.items() if pair not in held}, len(held), now, note, by)
    _return_and_end(program, held, wanted, now, note)
    rules = {goal.pk: wanted[key] for key, goal in held.items() if key in wanted}
    change_terms(program, rules, now, note, by=by, reason=reason)


def _make(
    program: Program, new: Mapping[Pair, GoalRule], held: int, now: datetime, note: Note, by: User | None
) -> None:
    """A goal with its first terms for each pair that has none."""
    versions = dict(
        MetricVersion.objects.filter(metric__in={metric for metric, _ in new}, current=True).values_list("metric", "pk")
    )
    goals = Goal.objects.bulk_create(
        [
            Goal(program=program, metric_id=m, team_id=t, rule=r, created_at=now, judge_due_at=now)
            for (m, t), r in new.items()
        ]
    )
    GoalTerms.objects.bulk_create(
        [
            GoalTerms(goal=g, metric_version_id=versions[g.metric_id], set_at=now, set_by=by, **asked_by(g.rule))
            for g in goals
            if g.rule
        ]
    )
    if goals:
        note("goals", program.key, {"goals": held}, {"goals": held + len(goals)})


def _wanted(program: Program, teams: Mapping[int, Team]) -> tuple[dict[Pair, GoalRule], dict[int, Wave | None]]:
    """What each rule asks of whom (of two rules for one pair, the later line), and the teams that a rule wants once
    their wave is open, with the wave."""
    planned = {wave.key: wave for wave in program.waves.filter(state=Wave.State.PLANNED)}
    wanted: dict[Pair, GoalRule] = {}
    later: dict[int, Wave | None] = {}
    for rule in program.goal_rules.select_related("metric").order_by("position"):
        wave = planned.get(rule.teams["wave"]) if isinstance(rule.teams, dict) and "wave" in rule.teams else None
        for team in select_teams(program, rule.teams, teams):
            if wave is None:
                wanted[rule.metric_id, team] = rule
            else:
                soonest = later.get(team)
                later[team] = wave if soonest is None or _order(wave) < _order(soonest) else soonest
    return wanted, later


def _order(wave: Wave) -> tuple[Any, str]:
    return wave.start, wave.key


def _keep_waiting(
    program: Program, waits: Mapping[int, Wave | None], teams: Mapping[int, Team], now: datetime, note: Note
) -> None:
    """Bring who waits in step: teams (ids) with the wave they wait for, or None where they wait for a place."""
    held = {row.team_id: row for row in program.waiting.all()}
    gone = held.keys() - waits.keys()
    new, changed = [], []
    for team, wave in sorted(waits.items(), key=lambda one: teams[one[0]].key):
        why = WaitingTeam.Why.LIMIT if wave is None else WaitingTeam.Why.WAVE
        row = held.get(team)
        if row is None:
            new.append(WaitingTeam(program=program, team_id=team, why=why, wave=wave, since=now))
        elif (row.why, row.wave_id) != (why, wave.pk if wave else None):
            row.since = row.since if row.why == why else now
            row.why, row.wave = why, wave
            changed.append(row)
    if gone:
        program.waiting.filter(team__in=gone).delete()
    WaitingTeam.objects.bulk_create(new)
    WaitingTeam.objects.bulk_update(changed, ["why", "wave", "since"], batch_size=500)
    if gone or new or changed:
        note("waiting teams", program.key, _told(held.values(), teams), _told(program.waiting.all(), teams))


def _told(rows: Iterable[WaitingTeam], teams: Mapping[int, Team]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(f"for {row.why}", []).append(teams[row.team_id].key)
    return {why: sorted(keys) for why, keys in sorted(found.items())}


def _enter(program: Program, held: Mapping[Pair, Goal], full: Collection[int], now: datetime) -> dict[Pair, Goal]:
    """A draft goes live: its goals count from now, and goals that nobody ever saw of teams without a place go."""
    unseen = [goal.pk for (_, team), goal in held.items() if team in full and goal.judged_on is None]
    for first in range(0, len(unseen), 500):
        Goal.objects.filter(pk__in=unseen[first : first + 500]).delete()
    gone = set(unseen)
    kept = {pair: goal for pair, goal in held.items() if goal.pk not in gone}
    program.goals.filter(ended_on=None).update(created_at=now, judge_due_at=now)
    return kept


def select_teams(program: Program, selector: Any, teams: Mapping[int, Team]) -> list[int]:
    """Ids of the teams that a rule's selector means: "all", a list of keys, {"under": group} or {"wave": key}."""
    leaves = [team for team in teams.values() if team.leaf]
    if selector == "all":
        return [team.pk for team in leaves]
    if isinstance(selector, list):
        return [team.pk for team in leaves if team.key in selector]
    if "wave" in selector:
        wave = program.waves.filter(key=selector["wave"]).first()
        return list(wave.wave_teams.values_list("team_id", flat=True)) if wave else []
    return [team.pk for team in leaves if is_under(team, selector["under"], teams)]


def is_under(team: Team, group: str, teams: Mapping[int, Team]) -> bool:
    """Whether a team stands below the group of this key (or is it)."""
    above: Team | None = team
    for _ in range(len(teams) + 1):
        if above is None or above.key == group:
            break
        above = teams.get(above.parent_id) if above.parent_id else None
    return above is not None and above.key == group


def asked_by(rule: GoalRule | GoalTerms) -> dict[str, Any]:
    """What a rule, or terms made from one, ask."""
    return {name: getattr(rule, name) for name in ASKED}


def _return_and_end(
    program: Program,
    held: Mapping[tuple[int, int], Goal],
    wanted: Mapping[tuple[int, int], GoalRule],
    now: datetime,
    note: Note,
) -> None:
    """End the goals that no rule asks any more, and bring back ended ones that a rule asks again."""
    ended = [goal.pk for key, goal in held.items() if key not in wanted and goal.ended_on is None]
    back = [goal.pk for key, goal in held.items() if key in wanted and goal.ended_on is not None]
    if ended:
        Goal.objects.filter(pk__in=ended).update(ended_on=today(program.review_zone, now))
        note("goals", program.key, {"ended": 0}, {"ended": len(ended)})
    if back:
        Goal.objects.filter(pk__in=back).update(ended_on=None, judge_due_at=now)
        note("goals", program.key, {"returned": 0}, {"returned": len(back)})


def change_terms(
    program: Program,
    rules: Mapping[int, GoalRule],
    now: datetime,
    note: Note,
    *,
    by: User | None = None,
    reason: str = FILE_CHANGED,
    baseline_anew: bool = False,
) -> None:
    """Give the goals (by id) whose rule asks something else new terms; what was in force before stays on record.

    With `baseline_anew` every goal gets new terms, on the metric's present version, whose baseline the next daily
    judgment takes.
    """
    latest: dict[int, GoalTerms] = {}
    terms = GoalTerms.objects.filter(goal__in=rules).order_by("goal", "effective_from")
    for row in terms.select_related("goal__team", "goal__metric"):
        latest[row.goal_id] = row
    moved = {
        pk: row
        for pk, row in latest.items()
        if baseline_anew or any(getattr(row, name) != getattr(rules[pk], name) for name in ASKED)
    }
    draft = program.state == Program.State.DRAFT
    for pk, row in moved.items():
        before = asked_by(row)
        day = today(row.goal.team.time_zone, now)
        effective = row.effective_from if draft else day
        values = asked_by(rules[pk]) | {"set_at": now, "set_by": by, "reason": reason}
        if baseline_anew:
            current = MetricVersion.objects.get(metric=row.goal.metric_id, current=True)
            values |= dict.fromkeys(BASELINE) | {"metric_version_id": current.pk}
        elif effective != row.effective_from:
            values |= {name: getattr(row, name) for name in ("metric_version_id", *BASELINE)}
        GoalTerms.objects.update_or_create(goal_id=pk, effective_from=effective or LONG_AGO, defaults=values)
        after = {name: value for name, value in asked_by(rules[pk]).items() if value != before[name]}
        note("goal terms", str(row.goal), {name: before[name] for name in after}, after)
    touched = Goal.objects.filter(pk__in=moved)
    touched.update(judge_due_at=now, **({"judged_on": None} if baseline_anew else {}))
    _relink(rules)


def _relink(rules: Mapping[int, GoalRule]) -> None:
    """Let each goal name the rule that now asks it (rules may have changed places in the file)."""
    for rule in set(rules.values()):
        Goal.objects.filter(pk__in=[pk for pk, r in rules.items() if r == rule]).exclude(rule=rule).update(rule=rule)

"""Goals made from a program's rules: one for each team a rule selects; other terms start a new row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from accounts.clock import today
from accounts.models import User
from program.models import GoalRule, Program, Wave

from . import goal_rows, limits
from .goal_rows import ASKED, Held, Moved, Pair
from .models import Goal, GoalTerms, Team, WaitingTeam
from .statements import fetch

Note = Callable[..., None]
FILE_CHANGED = "the program's file was changed"
TURN = 8_214_731
"""The number of the lock under which goals are made."""


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
    held = goal_rows.held(program)
    placed = set() if entering else {team for (_, team), goal in held.items() if goal.ended_on is None}
    full: set[int] = set()
    if program.state in Program.ON_SCORECARDS and program.guard_of_id is None:
        full = limits.without_place(program, {team for _, team in wanted} - placed, teams)
    wanted = {pair: rule for pair, rule in wanted.items() if pair[1] not in full}
    waits = {} if program.ended_on else {**planned, **dict.fromkeys(full)}
    _keep_waiting(program, waits, teams, now, note)
    if entering:
        held = _enter(program, held, full, now)
    new = {pair: rule for pair, rule in wanted.items() if pair not in held}
    if new:
        goal_rows.add(program, new, now, by)
        note("goals", program.key, {"goals": len(held)}, {"goals": len(held) + len(new)})
    _return_and_end(program, held, wanted, now, note)
    goal_rows.relink(held, wanted)
    rules = {goal.pk: wanted[pair] for pair, goal in held.items() if pair in wanted}
    _change(goal_rows.otherwise(program, rules, now), program, now, note, by=by, reason=reason)


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


def _enter(program: Program, held: Mapping[Pair, Held], full: Collection[int], now: datetime) -> dict[Pair, Held]:
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
        keys = set(selector)
        return [team.pk for team in leaves if team.key in keys]
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
    program: Program, held: Mapping[Pair, Held], wanted: Mapping[Pair, GoalRule], now: datetime, note: Note
) -> None:
    """End the goals that no rule asks any more, and bring back ended ones that a rule asks again."""
    ended = [goal.pk for pair, goal in held.items() if pair not in wanted and goal.ended_on is None]
    back = [goal.pk for pair, goal in held.items() if pair in wanted and goal.ended_on is not None]
    if ended:
        goal_rows.update(ended, "ended_on = %s", [today(program.review_zone, now).isoformat()])
        note("goals", program.key, {"ended": 0}, {"ended": len(ended)})
    if back:
        goal_rows.update(back, "ended_on = NULL, judge_due_at = %s", [goal_rows.moment(now)])
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
    judgment takes; so does a goal whose start day is another: a baseline is that of the start day.
    """
    for rule in set(rules.values()):
        goal_rows.update([pk for pk, one in rules.items() if one == rule], "rule_id = %s", [rule.pk])
    moved = goal_rows.otherwise(program, rules, now, every=baseline_anew)
    _change(moved, program, now, note, by=by, reason=reason, baseline_anew=baseline_anew)


def _change(
    moved: Sequence[Moved],
    program: Program,
    now: datetime,
    note: Note,
    *,
    by: User | None,
    reason: str,
    baseline_anew: bool = False,
) -> None:
    draft = program.state == Program.State.DRAFT
    anew = [one for one in moved if baseline_anew or (not draft and "start" in one.differs)]
    rest = [one for one in moved if not (baseline_anew or (not draft and "start" in one.differs))]
    for some, again in ((anew, True), (rest, False)):
        goal_rows.change(some, draft=draft, now=now, by=by, reason=reason, baseline_anew=again)
        judged = "judge_due_at = %s" + (", judged_on = NULL" if again else "")
        goal_rows.update([one.goal for one in some], judged, [goal_rows.moment(now)])
    for one in moved:
        note("goal terms", one.key, {name: one.before[name] for name in one.differs}, one.differs)

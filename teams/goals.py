"""Goals made from a program's rules: one for each team a rule selects; other terms start a new row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from accounts.clock import today
from program.models import GoalRule, MetricVersion, Program

from .models import LONG_AGO, Goal, GoalTerms, Team

Note = Callable[..., None]
ASKED = ("start", "due", "target", "improve_by", "tolerance", "milestones")
"""What a rule asks; the recorded baseline and the metric version stay when these change."""


def make_goals(program: Program, now: datetime, note: Note) -> None:
    """Bring a program's goals in step with its rules. Runs in the caller's transaction; cost is a few bulk statements.

    A team that a rule newly selects gets a goal; one that no rule selects any more has its goal ended today; a rule
    that asks something else gives new terms from today on (of a draft, it changes the only terms there are).
    """
    wanted = _wanted(program)
    held = {(goal.metric_id, goal.team_id): goal for goal in program.goals.select_related("team", "metric")}
    versions = dict(
        MetricVersion.objects.filter(metric__in={metric for metric, _ in wanted}, current=True).values_list(
            "metric", "pk"
        )
    )
    new = {key: rule for key, rule in wanted.items() if key not in held}
    goals = Goal.objects.bulk_create(
        [
            Goal(program=program, metric_id=m, team_id=t, rule=r, created_at=now, judge_due_at=now)
            for (m, t), r in new.items()
        ]
    )
    GoalTerms.objects.bulk_create(
        [
            GoalTerms(goal=g, metric_version_id=versions[g.metric_id], set_at=now, **_asked(g.rule))
            for g in goals
            if g.rule
        ]
    )
    if goals:
        note("goals", program.key, {"goals": len(held)}, {"goals": len(held) + len(goals)})
    _return_and_end(program, held, wanted, now, note)
    _change_terms(program, {goal.pk: wanted[key] for key, goal in held.items() if key in wanted}, now, note)


def _wanted(program: Program) -> dict[tuple[int, int], GoalRule]:
    """(metric id, team id) → the rule that asks it; of two rules for one, the later line."""
    leaves = {team.pk: team for team in Team.objects.all()}
    wanted: dict[tuple[int, int], GoalRule] = {}
    for rule in program.goal_rules.select_related("metric").order_by("position"):
        for team in select_teams(program, rule.teams, leaves):
            wanted[rule.metric_id, team] = rule
    return wanted


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


def _asked(rule: GoalRule) -> dict[str, Any]:
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


def _change_terms(program: Program, rules: Mapping[int, GoalRule], now: datetime, note: Note) -> None:
    """Give the goals whose rule asks something else new terms; what was in force before stays on record."""
    latest: dict[int, GoalTerms] = {}
    terms = GoalTerms.objects.filter(goal__in=rules).order_by("goal", "effective_from")
    for row in terms.select_related("goal__team", "goal__metric"):
        latest[row.goal_id] = row
    moved = {pk: row for pk, row in latest.items() if any(getattr(row, n) != getattr(rules[pk], n) for n in ASKED)}
    draft = program.state == Program.State.DRAFT
    for pk, row in moved.items():
        before = {name: getattr(row, name) for name in ASKED}
        day = today(row.goal.team.time_zone, now)
        effective = row.effective_from if draft or row.effective_from == day else day
        values = _asked(rules[pk]) | {"set_at": now, "reason": "the program's file was changed"}
        if not draft and effective != row.effective_from:
            values |= {
                "metric_version_id": row.metric_version_id,
                "baseline": row.baseline,
                "baseline_as_of": row.baseline_as_of,
                "baseline_recorded_at": row.baseline_recorded_at,
            }
        GoalTerms.objects.update_or_create(goal_id=pk, effective_from=effective or LONG_AGO, defaults=values)
        after = {name: value for name, value in _asked(rules[pk]).items() if value != before[name]}
        note("goal terms", str(row.goal), {name: before[name] for name in after}, after)
    Goal.objects.filter(pk__in=moved).update(judge_due_at=now)
    _relink(rules)


def _relink(rules: Mapping[int, GoalRule]) -> None:
    """Let each goal name the rule that now asks it (rules may have changed places in the file)."""
    for rule in set(rules.values()):
        Goal.objects.filter(pk__in=[pk for pk, r in rules.items() if r == rule]).exclude(rule=rule).update(rule=rule)

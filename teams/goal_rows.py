"""Rows of goals and their terms, written in bulk: a few statements, however many teams a program has."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import connection

from accounts.clock import today
from accounts.models import User
from program.models import GoalRule, MetricVersion, Program

from .models import LONG_AGO, Goal, GoalTerms
from .statements import among, as_day, as_json, fetch
from .statements import change as execute
from .upsert import upsert

Pair = tuple[int, int]
"""A metric and a team, by their ids: a program has one goal for each."""
ASKED = ("start", "due", "target", "improve_by", "tolerance", "milestones")
"""What a rule asks; the recorded baseline and the metric version stay when these change."""
KEPT = ("metric_version_id", "baseline", "baseline_as_of", "baseline_recorded_at")
FIRST_TERMS = """
INSERT INTO teams_goalterms (goal_id, effective_from, metric_version_id, start, due, target, improve_by,
  tolerance, milestones, set_at, set_by_id, reason)
SELECT {id}, %s, %s, r.start, r.due, r.target, r.improve_by, r.tolerance, r.milestones, %s, CAST(%s AS bigint), ''
FROM {ids} CROSS JOIN program_goalrule r WHERE r.id = %s
"""
"""The goals' ids are given, so that no plan has to find rows that the statement itself is about to write."""
IDS = {
    "postgresql": {"id": "ids.id", "ids": "unnest(%s::bigint[]) AS ids(id)"},
    "sqlite": {"id": "ids.value", "ids": "json_each(%s) AS ids"},
}
AT_A_TIME = 20_000
FEW = 5_000
"""Parameters of one statement: SQLite takes 32,766 at most."""


class Held(NamedTuple):
    """A goal that is there."""

    pk: int
    rule: int | None
    ended_on: date | None
    judged_on: date | None


def held(program: Program) -> dict[Pair, Held]:
    """The program's goals, ended ones too. One query."""
    columns = "metric_id, team_id, id, rule_id, ended_on, judged_on"
    rows = fetch(f"SELECT {columns} FROM teams_goal WHERE program_id = %s", [program.pk])  # noqa: S608
    return {
        (metric, team): Held(pk, rule, as_day(ended), as_day(judged)) for metric, team, pk, rule, ended, judged in rows
    }


def add(program: Program, new: Mapping[Pair, GoalRule], now: datetime, by: User | None) -> None:
    """Make goals, with what their rule asks as their first terms: a statement for every 20,000 goals and every rule."""
    rows = [(program.pk, metric, team, rule.pk, now, now) for (metric, team), rule in new.items()]
    fields = ("program", "metric", "team", "rule", "created_at", "judge_due_at")
    for first in range(0, len(rows), AT_A_TIME):
        upsert(Goal, fields, rows[first : first + AT_A_TIME], unique=("program", "metric", "team"))
    if not rows:
        return
    of_rule: dict[int, list[int]] = defaultdict(list)
    for pair, goal in held(program).items():
        if pair in new:
            of_rule[new[pair].pk].append(goal.pk)
    versions = {rule.pk: rule.metric_id for rule in new.values()}
    current = dict(
        MetricVersion.objects.filter(metric__in=set(versions.values()), current=True).values_list("metric", "pk")
    )
    long_ago, by_id = connection.ops.adapt_datefield_value(LONG_AGO), None if by is None else by.pk
    statement = FIRST_TERMS.format(**IDS[connection.vendor])
    for rule_id, ids in of_rule.items():
        packed = ids if connection.vendor == "postgresql" else json.dumps(ids)
        execute(statement, [long_ago, current[versions[rule_id]], moment(now), by_id, packed, rule_id])


def relink(goals: Mapping[Pair, Held], wanted: Mapping[Pair, GoalRule]) -> None:
    """Let each goal name the rule that now asks it (rules may have changed pairs in the file)."""
    moved: dict[int, list[int]] = defaultdict(list)
    for pair, goal in goals.items():
        if pair in wanted and wanted[pair].pk != goal.rule:
            moved[wanted[pair].pk].append(goal.pk)
    for rule, ids in moved.items():
        update(ids, "rule_id = %s", [rule])


def update(goals: Sequence[int], what: str, parameters: Sequence[Any]) -> None:
    """Set the same columns of many goals."""
    for first in range(0, len(goals), FEW):
        condition, ids = among("id", goals[first : first + FEW])
        execute(f"UPDATE teams_goal SET {what} WHERE {condition}", [*parameters, *ids])  # noqa: S608


def moment(now: datetime) -> Any:
    """A moment as the database wants it in a plain statement."""
    return connection.ops.adapt_datetimefield_value(now)


@dataclass(frozen=True, slots=True)
class Moved:
    """A goal that gets other terms than its newest ones."""

    goal: int
    key: str
    rule: GoalRule
    effective_from: date
    today: date
    """the team's"""
    before: dict[str, Any]
    kept: dict[str, Any]

    @property
    def differs(self) -> dict[str, Any]:
        """What the rule asks otherwise."""
        return {name: getattr(self.rule, name) for name in ASKED if getattr(self.rule, name) != self.before[name]}


def otherwise(program: Program, rules: Mapping[int, GoalRule], now: datetime, *, every: bool = False) -> list[Moved]:
    """Those of these goals (by id, with their rules, which they are linked to) that are asked something else than in
    their newest terms; or every one. One query."""
    if not rules:
        return []
    same = "IS NOT DISTINCT FROM" if connection.vendor == "postgresql" else "IS"
    other = "TRUE" if every else " OR ".join(f"NOT (t.{name} {same} r.{name})" for name in ASKED)
    condition, ids = among("g.id", list(rules)) if len(rules) < FEW else ("g.program_id = %s", [program.pk])
    found = []
    zone_today = cache(lambda zone: today(zone, now))
    for goal, metric, team, zone, effective_from, *terms in fetch(
        f"""SELECT g.id, m.key, team.key, team.time_zone, t.effective_from,
          {", ".join(f"t.{name}" for name in (*ASKED, *KEPT))}
        FROM teams_goal g JOIN program_goalrule r ON r.id = g.rule_id JOIN teams_team team ON team.id = g.team_id
          JOIN program_metric m ON m.id = g.metric_id JOIN teams_goalterms t ON t.goal_id = g.id
            AND t.effective_from = (SELECT MAX(o.effective_from) FROM teams_goalterms o WHERE o.goal_id = g.id)
        WHERE {condition} AND ({other}) ORDER BY m.key, team.key""",  # noqa: S608
        ids,
    ):
        rule = rules.get(goal)
        if rule is None:
            continue
        asked = dict(zip(ASKED, terms, strict=False))
        asked |= {"start": as_day(asked["start"]), "due": as_day(asked["due"])}
        asked |= {"milestones": as_json(asked["milestones"])}
        kept = dict(zip(KEPT, terms[len(ASKED) :], strict=True)) | {"baseline_as_of": as_day(terms[-2])}
        key = f"{program.key}/{metric}/{team}"
        one = Moved(goal, key, rule, as_day(effective_from) or LONG_AGO, zone_today(zone), asked, kept)
        if every or one.differs:  # JSON that says the same may be written otherwise
            found.append(one)
    return found


def change(
    goals: Sequence[Moved], *, draft: bool, now: datetime, by: User | None, reason: str, baseline_anew: bool
) -> None:
    """Give goals the terms that their rule asks, from their team's today on; what was in force before stays on record.

    Of a draft, and of terms that began today, the row itself is changed. A baseline is kept, or with `baseline_anew`
    left to the next daily judgment, on the metric's present version.
    """
    current: dict[int, int] = {}
    if baseline_anew:
        metrics = {one.rule.metric_id for one in goals}
        current = dict(MetricVersion.objects.filter(metric__in=metrics, current=True).values_list("metric", "pk"))
    rows = []
    for one in goals:
        kept = dict.fromkeys(KEPT) | {KEPT[0]: current[one.rule.metric_id]} if baseline_anew else one.kept
        rule = one.rule
        rows.append(
            (one.goal, one.effective_from if draft else max(one.effective_from, one.today), rule.start, rule.due,
             rule.target, rule.improve_by, rule.tolerance, json.dumps(rule.milestones), now,
             None if by is None else by.pk, reason, *kept.values())
        )  # fmt: skip
    fields = ("goal", "effective_from", *ASKED, "set_at", "set_by", "reason", "metric_version", *KEPT[1:])
    for first in range(0, len(rows), AT_A_TIME):
        upsert(GoalTerms, fields, rows[first : first + AT_A_TIME], unique=("goal", "effective_from"))

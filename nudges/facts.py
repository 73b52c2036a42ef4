"""The facts a nudge or notice keeps as its own copy, so that what was said can be read again as it was said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from program.models import MetricVersion, Program
from teams import goal_why
from teams.answering import Said
from teams.handover import shortened
from teams.models import Answer, Exemption, Goal, GoalTerms, Standing
from teams.standings import as_if_not_exempt, crumb_facts

from . import at_it, budget, escalation, handovers, notices, policy, takers
from .decided import Decided
from .decisions import because
from .models import Notice, Nudge
from .situation import Situation

CRUMBS_KEPT = 20
AT_IT, BUDGET = policy.name_of(policy.visibly_at_it), policy.name_of(policy.weekly_budget)


def attach(decided: Sequence[Decided], situation: Situation, now: datetime) -> None:
    """Give each row its facts. Six queries, whatever the number of people, and more where somebody begins to lead a
    team or an exemption ends."""
    handovers.attach([n for d in decided for n in d.notices if n.kind == notices.HANDOVER], now)
    spoken = {row.goal_id for d in decided for row in d.rows if row.goal_id is not None}
    goals = {goal.pk: goal for goal in Goal.objects.filter(pk__in=spoken).select_related("metric", "team", "rule")}
    standings = Standing.objects.in_bulk([row.pk for d in decided for row in d.standings.values()])
    versions = _versions(spoken, {row.goal: row.day for d in decided for row in d.standings.values()})
    earlier = _earlier(decided, situation)
    ending = _ending(decided, now)
    asked = _asked(decided, goals)
    spent = budget.spent({d.due.person.pk: d.due.day for d in decided if not d.won and _over_budget(d)})
    for d in decided:
        for row in d.rows:
            if row.goal_id is None:
                continue
            goal = goals[row.goal_id]
            light = d.standings.get(goal.pk)
            last = situation.last.get((d.due.person.pk, goal.pk))
            program = situation.programs[goal.program_id]
            row.facts = of_goal(goal, program, versions.get(goal.pk), standings[light.pk] if light else None)
            row.facts |= _team_counts(goal.team_id, situation)
            row.facts |= _why(row, goal, d, situation)
            row.facts["trail"] = _who_is_on(row.facts.get("trail", ()), goal, d, situation)
            if isinstance(row, Nudge) and row.reason == AT_IT:
                row.facts["at_it"] = situation.at_it[goal.pk]
            if isinstance(row, Nudge) and row.reason == BUDGET:
                row.facts["budget"] = {
                    "mails": d.listener.mails_this_week,
                    "most": d.listener.weekly_maximum,
                    "won": d.won or spent.get(d.due.person.pk, []),
                }
            row.facts["since"] = _since(earlier.get(last.pk) if last else None, row.facts)
            row.facts |= _answered(row, d, situation)
            if isinstance(row, Notice):
                row.facts |= ending.get(row.goal_id, {}) if row.kind == notices.EXEMPTION_ENDING else {}
                row.facts |= asked.get(row.goal_id, {}) if row.kind == notices.NEW_GOAL else {}


def _why(row: Nudge | Notice, goal: Goal, d: Decided, situation: Situation) -> dict[str, Any]:
    """Why this person, and who hears next."""
    if isinstance(row, Notice) and row.kind == notices.ESCALATED:
        one, above = d.due.hears[goal.pk]
        since = situation.off_since.get(goal.pk, one.day)
        program = situation.programs[goal.program_id]
        return escalation.told(one, since, d.due.day, above.name, goal.team.name, program)
    if isinstance(row, Notice) and row.kind == notices.TAKEN:
        return takers.told(d.due.took[goal.pk], row.facts, goal.team.name)
    addressee = d.due.teams[goal.team_id]
    facts = {"because": because(addressee, d.due.day)}
    if isinstance(row, Notice) or row.reason:
        return facts
    heard, fine_on = situation.heard.get(goal.pk), situation.fine_on.get(goal.pk)
    program = situation.programs[goal.program_id]
    return facts | escalation.announced(row, addressee, program, heard, fine_on)


def _over_budget(d: Decided) -> bool:
    return any(nudge.reason == BUDGET for nudge in d.nudges)


def _who_is_on(
    trail: Sequence[Mapping[str, Any]], goal: Goal, d: Decided, situation: Situation
) -> list[dict[str, Any]]:
    """The crumbs, with who took which of them."""
    known = situation.taken.get((goal.metric_id, goal.team_id), {})
    found = []
    for crumb in trail:
        one = at_it.of_crumb(crumb, known) if known else None
        whom = (
            {"by": "you" if one.person == d.due.person.pk else one.who, "by_since": one.since.isoformat()}
            if one
            else {}
        )
        found.append({**crumb, **whom})
    return found


def _ending(decided: Sequence[Decided], now: datetime) -> dict[int, dict[str, Any]]:
    """By goal: until when and why it rests, and how it would stand today if it did not. None where none ends."""
    told = {n.goal_id or 0: int(n.key) for d in decided for n in d.notices if n.kind == notices.EXEMPTION_ENDING}
    if not told:
        return {}
    rows = Exemption.objects.in_bulk(told.values())
    found: dict[int, dict[str, Any]] = {}
    for judged in as_if_not_exempt(sorted(told), now):
        goal, one = judged.on_day.goal, judged.judgment
        row = rows[told[goal]]
        found[goal] = _judged(
            Standing(
                day=one.day, status=str(one.status), slipped=one.slipped, value=one.value, as_of=one.as_of,
                baseline=one.baseline, target=one.target, expected=one.expected, gap=one.gap,
                start=judged.on_day.terms.start, due=judged.on_day.terms.due, forecast=one.forecast,
                trail=[crumb_facts(crumb) for crumb in judged.trail.crumbs], items_short=judged.trail.items_short,
            )
        ) | {"exempt_until": row.last_day.isoformat(), "exempt_why": row.said_reason}  # fmt: skip
    return found


def _asked(decided: Sequence[Decided], goals: Mapping[int, Goal]) -> dict[int, dict[str, Any]]:
    """By goal that is new: why it is its team's. One query, none where none is new."""
    new = [goals[n.goal_id] for d in decided for n in d.notices if n.kind == notices.NEW_GOAL and n.goal_id]
    rules = {goal.pk: goal.rule for goal in new}
    groups = goal_why.groups_named(rule.teams for rule in rules.values() if rule) if new else {}
    found = {}
    for goal in new:
        rule = rules[goal.pk]
        if rule is None:
            continue
        why = goal_why.of_goal(
            goal.team, selector=rule.teams, why=rule.why, chosen=rule.chosen, purpose="", owners=[], groups=groups
        )
        found[goal.pk] = {"why": why.why, "asked_of": why.asked_of, "chosen": why.chosen}
    return found


def _answered(row: Nudge | Notice, d: Decided, situation: Situation) -> dict[str, Any]:
    """What was answered last and is past, or not shown by a measurement; of a notice, the answer it asks about."""
    said = [one for one in situation.answers.get(row.goal_id or 0, ()) if one.kind != Answer.Kind.NOT_MINE]
    if isinstance(row, Notice):
        said = [one for one in said if row.kind == notices.ANSWER_DUE and str(one.pk) == row.key]
    return {"answered": _said(said[0], d)} if said else {}


def _said(one: Said, d: Decided) -> dict[str, Any]:
    return {
        "by": one.by,
        "own": one.person == d.due.person.pk,
        "kind": one.kind,
        "until": _iso(one.until),
        "text": shortened(one.text),
        "day": one.day.isoformat(),
    }


def _team_counts(team: int, situation: Situation) -> dict[str, int]:
    """How many goals the team has, and how many of them are short, said here or not."""
    goals = [goal.pk for goal in situation.goals.get(team, ())]
    standings = [situation.standings[goal] for goal in goals if goal in situation.standings]
    short = sum(policy.worth_saying(standing.status, standing.slipped) for standing in standings)
    return {"goals": len(goals), "short": short}


def _earlier(decided: Sequence[Decided], situation: Situation) -> dict[int, dict[str, Any]]:
    """By nudge: the facts that were last said to these people about these goals."""
    pks = {
        last.pk
        for d in decided
        for row in d.rows
        if (last := situation.last.get((d.due.person.pk, row.goal_id or 0))) is not None
    }
    rows = Nudge.objects.filter(pk__in=pks).values_list("pk", "day", "facts")
    return {pk: {**facts, "day": day.isoformat()} for pk, day, facts in rows}


def _versions(goals: Iterable[int], day_of: dict[int, date]) -> dict[int, MetricVersion]:
    """By goal: the metric version of its terms in force on the day of its standing."""
    in_force: dict[int, int] = {}
    terms = GoalTerms.objects.filter(goal__in=goals).order_by("goal", "effective_from")
    for goal, effective_from, version in terms.values_list("goal_id", "effective_from", "metric_version_id"):
        if goal not in in_force or effective_from <= day_of.get(goal, date.max):
            in_force[goal] = version
    versions = MetricVersion.objects.in_bulk(set(in_force.values()))
    return {goal: versions[version] for goal, version in in_force.items()}


def of_goal(goal: Goal, program: Program, version: MetricVersion | None, standing: Standing | None) -> dict[str, Any]:
    """What is said of a goal, whoever it is said to."""
    facts: dict[str, Any] = {
        "program": program.key,
        "program_name": program.name,
        "metric": goal.metric.key,
        "metric_name": goal.metric.name,
        "team": goal.team.key,
        "team_name": goal.team.name,
        "unit": version.unit if version else "",
        "aggregation": version.aggregation if version else "",
        "direction": version.direction if version else "up",
        "metric_version": version.number if version else None,
    }
    return facts | (_judged(standing) if standing else {"status": None})


def _judged(standing: Standing) -> dict[str, Any]:
    """Where a goal stands."""
    return {
        "day": standing.day.isoformat(),
        "status": standing.status,
        "slipped": standing.slipped,
        "value": standing.value,
        "as_of": _iso(standing.as_of),
        "baseline": standing.baseline,
        "target": standing.target,
        "expected": standing.expected,
        "gap": standing.gap,
        "start": _iso(standing.start),
        "due": _iso(standing.due),
        "forecast": _iso(standing.forecast),
        "trail": standing.trail[:CRUMBS_KEPT],
        "trail_length": len(standing.trail),
        "items_short": standing.items_short,
    }


def _since(before: dict[str, Any] | None, now: dict[str, Any]) -> dict[str, Any] | None:
    """What changed since the last message about the goal; values of two versions are never subtracted."""
    if before is None:
        return None
    since: dict[str, Any] = {"day": before["day"], "status": before.get("status"), "as_of": before.get("as_of")}
    if before.get("metric_version") != now["metric_version"]:
        return since | {"ruler_changed": True}
    value, earlier = now.get("value"), before.get("value")
    since["value"] = earlier
    since["change"] = value - earlier if value is not None and earlier is not None else None
    then, here = _items(before), _items(now)
    since["new_items"] = [item for item in here if item not in then and len(then) < CRUMBS_KEPT]
    # What left a long trail may only have moved below its cut; of a short one it is known.
    whole = now.get("trail_length", 0) <= CRUMBS_KEPT
    since["gone_items"] = [item for item in then if item not in here and whole]
    return since


def _items(facts: dict[str, Any]) -> list[str]:
    return [crumb["item"] for crumb in facts.get("trail", ())]


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()

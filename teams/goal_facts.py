"""A team's goals with all that their page says of them, flat: from kept standings in one query, else judged anew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from accounts.models import User
from program.models import Playbook, Program
from program.rules.status import WORST_FIRST
from program.rules.trail import Crumb

from .models import GoalQuerySet, Team
from .scorecards import GoalCard, build
from .statements import among, as_day, as_json, fetch

KEPT = """
SELECT g.id, p.id, p.key, p.name, m.id, m.key, m.name, v.id, v.unit, v.aggregation, v.definition,
  s.status, s.reason, s.held, s.slipped, s.value, s.as_of, s.baseline, t.baseline_as_of, s.target, s.expected, s.gap,
  s.start, s.due, s.forecast, s.trail, s.items_short,
  p.purpose, r.teams, r.why, r.chosen, g.judge_due_at, b.id, b.steps, b.example, b.verify, b.item_link, b.office_hours,
  b.effort_hours, b.tracker, b.tracker_link, e.id, e.name, e.email
FROM teams_goal g JOIN program_program p ON p.id = g.program_id JOIN program_metric m ON m.id = g.metric_id
  LEFT JOIN teams_goalterms t ON t.goal_id = g.id AND t.effective_from = (
    SELECT MAX(o.effective_from) FROM teams_goalterms o WHERE o.goal_id = g.id AND o.effective_from <= %s)
  LEFT JOIN program_metricversion v ON v.id = t.metric_version_id
  LEFT JOIN teams_standing s ON s.goal_id = g.id AND s.day = %s
  LEFT JOIN program_goalrule r ON r.id = g.rule_id
  LEFT JOIN program_playbook b ON b.metric_id = m.id
  LEFT JOIN accounts_user e ON e.id = b.expert_id
WHERE g.team_id = %s AND g.ended_on IS NULL AND {live} AND {seen}
"""
ARRIVED = """
SELECT src.metric_version_id, s.as_of, CASE WHEN p.audience <> '' THEN 'a feed' ELSE r.came_from END,
  r.received_at, r.digest, r.id
FROM teams_source src JOIN teams_snapshot s ON s.source_id = src.id JOIN teams_run r ON r.id = s.run_id
  LEFT JOIN program_feed f ON f.id = r.feed_id LEFT JOIN program_program p ON p.id = f.program_id
WHERE src.team_id = %s AND {versions} AND {days} ORDER BY r.received_at, r.id
"""


@dataclass(frozen=True, slots=True)
class GoalFacts:
    """One goal on a day: whose it is, how its metric is said, how it stands, and how to go on."""

    pk: int
    program: int
    program_key: str
    program_name: str
    metric: int
    metric_key: str
    metric_name: str
    version: int
    unit: str
    aggregation: str
    definition: str
    status: str
    reason: str
    held: bool
    slipped: bool
    value: float | None
    as_of: date | None
    baseline: float | None
    baseline_as_of: date | None
    target: float | None
    expected: float | None
    gap: float | None
    start: date
    due: date
    forecast: date | None
    trail: Sequence[Crumb]
    items_short: int
    purpose: str
    selector: Any
    why: str
    chosen: str
    playbook: Playbook | None


class Arrival(NamedTuple):
    """With what a value came: the file or token, when, and the digest of its bytes."""

    came_from: str
    received_at: datetime
    digest: str
    run: int


def goals_on(team: Team, on: date, today: date, seen: GoalQuerySet) -> list[GoalFacts]:
    """The team's goals on a day, worst first. `today` is the team's; `seen` are the goals that the reader may see.

    Today's standings are kept as they are judged, so that two queries are enough when none is due; any other day, and
    a day on which something is still to be judged, is judged anew. The API decides alike.
    """
    if on == today:
        kept = _kept(team, on, seen)
        if kept is not None:
            return sorted(kept, key=lambda goal: (WORST_FIRST[goal.status], goal.program_key, goal.metric_key))
    return [_of_card(card) for card in build(team, on, seen).goals]


def arrivals(team: Team, goals: Iterable[GoalFacts]) -> dict[tuple[int, date], Arrival]:
    """The arrival that each goal's value came with, by metric version and as_of. One query.

    Feeds of a program that is shown to one group are not named: they may bring numbers of metrics that all may see.
    """
    wanted = {(goal.version, goal.as_of) for goal in goals if goal.as_of}
    if not wanted:
        return {}
    versions, numbers = among("src.metric_version_id", sorted({version for version, _ in wanted}))
    as_ofs = sorted({day.isoformat() for _, day in wanted if day})
    days = f"s.as_of IN ({', '.join(['%s'] * len(as_ofs))})"
    rows = fetch(ARRIVED.format(versions=versions, days=days), [team.pk, *numbers, *as_ofs])
    return {
        (version, day): Arrival(came_from, received_at, digest, run)
        for version, held, came_from, received_at, digest, run in rows
        if (day := as_day(held)) is not None
    }


def _kept(team: Team, on: date, seen: GoalQuerySet) -> list[GoalFacts] | None:
    """From today's standings; None where one is missing or due, or says less than the page does."""
    ids = list(seen.filter(team=team).order_by().values_list("pk", flat=True))
    live, states = among("p.state", Program.ON_SCORECARDS)
    among_seen, parameters = among("g.id", ids or [0])
    day = on.isoformat()
    statement = KEPT.format(live=live, seen=among_seen)
    rows = fetch(statement, [day, day, team.pk, *states, *parameters])
    found = [_of_row(row) for row in rows]
    return None if None in found else [goal for goal in found if goal is not None]


def _of_row(row: Sequence[Any]) -> GoalFacts | None:
    (goal, program, program_key, program_name, metric, metric_key, metric_name, version, unit, aggregation, definition,
     status, reason, held, slipped, value, as_of, baseline, baseline_as_of, target, expected, gap, start, due,
     forecast, trail, items_short, purpose, selector, why, chosen, judge_due, book, steps, example, verify, item_link,
     office_hours, effort,
     tracker, tracker_link, expert, name, email,
     ) = row  # fmt: skip
    first, last, measured_from = as_day(start), as_day(due), as_day(baseline_as_of)
    if judge_due is not None or first is None or last is None or (baseline is not None and measured_from is None):
        return None
    playbook = None
    if book is not None:
        playbook = Playbook(
            pk=book, steps=as_json(steps), example=example, verify=verify, item_link=item_link,
            office_hours=office_hours, effort_hours=effort, tracker=tracker, tracker_link=tracker_link,
        )  # fmt: skip
        if expert is not None:
            playbook.expert = User(pk=expert, name=name, email=email)
    return GoalFacts(
        goal, program, program_key, program_name, metric, metric_key, metric_name, version, unit, aggregation,
        definition, status, reason, bool(held), bool(slipped), value, as_day(as_of), baseline,
        measured_from if baseline is not None else None, target, expected, gap, first, last, as_day(forecast),
        [Crumb(**facts) for facts in as_json(trail)], items_short, purpose, as_json(selector), why or "", chosen or "",
        playbook,
    )  # fmt: skip


def _of_card(card: GoalCard) -> GoalFacts:
    goal, version, j, rule = card.goal, card.version, card.judgment, card.goal.rule
    return GoalFacts(
        goal.pk, goal.program_id, goal.program.key, goal.program.name, goal.metric_id, goal.metric.key,
        goal.metric.name, version.pk, version.unit, version.aggregation, version.definition, str(j.status), card.reason,
        card.held, j.slipped, j.value, j.as_of, j.baseline, j.baseline_as_of, j.target, j.expected, j.gap,
        card.terms.start, card.terms.due, j.forecast, card.trail, card.items_short, goal.program.purpose,
        rule.teams if rule else None, rule.why if rule else "", rule.chosen if rule else "",
        getattr(goal.metric, "playbook", None),
    )  # fmt: skip

"""You lead this team now: what a new lead takes over, told once, and how a mail says it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Place, User
from program import wording
from program.models import Program
from teams.handover import Handover, TakenOver, of_teams, shortened
from teams.models import Team

from . import notices, policy, stories
from .models import Notice
from .situation import Situation
from .turns import Due

NEWS_FOR = timedelta(days=60)
"""Somebody who leads longer than this knows it."""
GOALS_TOLD, ITEMS_TOLD = 10, 5


def due_to(due: Due, situation: Situation) -> list[Notice]:
    """A notice for each team that this person began to lead after it had goals, and was not told of."""
    found = []
    for team, addressee in due.teams.items():
        since = addressee.since
        if since is None or since.date() < due.day - NEWS_FOR:
            continue
        key = notices.handover_key(due.person.pk, team, since)
        had_goals = any(goal.created_at < since for goal in situation.goals.get(team, ()))
        if had_goals and key not in situation.handed_over:
            found.append(Notice(kind=notices.HANDOVER, key=key, person=due.person, facts={"team_id": team}))
    return found


def attach(told: Sequence[Notice], now: datetime) -> None:
    """Give handovers their facts. Twelve queries, none where nothing is handed over."""
    if not told:
        return
    teams = of_teams({notice.facts["team_id"] for notice in told}, now)
    seen = _seen({notice.person for notice in told}, _programs(teams.values()))
    for notice in told:
        notice.facts = _facts(teams[notice.facts["team_id"]], seen[notice.person_id])


def facts_of(team: Team, person: User, now: datetime) -> dict[str, Any]:
    """What somebody would be told if they began to lead a team now."""
    handover = of_teams([team.pk], now)[team.pk]
    return _facts(handover, _seen([person], _programs([handover]))[person.pk])


def _programs(handovers: Iterable[Handover]) -> list[Program]:
    return list({one.goal.program_id: one.goal.program for handover in handovers for one in handover.goals}.values())


def _seen(people: Collection[User], programs: Sequence[Program]) -> dict[int, set[int]]:
    """Which of these programs each of these people may see: the same as `visible_to`, for many people at once."""
    places = set(Place.objects.filter(user__in=people).values_list("user_id", "key"))
    run = set(Program.objects.filter(owners__user__in=people).values_list("owners__user_id", "pk"))
    found: dict[int, set[int]] = {}
    for person in people:
        found[person.pk] = {
            program.pk
            for program in programs
            if person.is_superuser
            or not program.audience
            or (person.pk, program.audience) in places
            or (person.pk, program.pk) in run
            or program.sponsor_id == person.pk
        }
    return found


def _facts(handover: Handover, seen: Collection[int]) -> dict[str, Any]:
    goals = [one for one in handover.goals if one.goal.program_id in seen]
    metrics = {one.goal.metric_id for one in goals}
    disputes = [dispute for dispute in handover.disputes if dispute.metric_id in metrics]
    taken = [item for item in handover.taken if item.metric_id in metrics]
    return {
        "team": handover.team.key,
        "team_name": handover.team.name,
        "led_by": handover.led_by,
        "programs": sorted({one.goal.program.key for one in goals}),
        "goals": [_goal(one) for one in goals[:GOALS_TOLD]],
        "count": len(goals),
        "short": sum(
            one.standing is not None and policy.worth_saying(one.standing.status, one.standing.slipped) for one in goals
        ),
        "taken": [
            {"item": item.item, "by": str(item.by), "metric_name": item.metric.name} for item in taken[:ITEMS_TOLD]
        ],
        "more_taken": max(0, len(taken) - ITEMS_TOLD),
        "disputes": [
            {"metric_name": dispute.metric.name, "text": shortened(dispute.text)} for dispute in disputes[:ITEMS_TOLD]
        ],
        "more_disputes": max(0, len(disputes) - ITEMS_TOLD),
    }


def _goal(one: TakenOver) -> dict[str, Any]:
    standing = one.standing
    facts: dict[str, Any] = {
        "program_name": one.goal.program.name,
        "metric_name": one.goal.metric.name,
        "unit": one.unit,
        "aggregation": one.aggregation,
        "status": standing.status if standing else "no data",
        "open": one.open,
    }
    if standing is not None:
        facts |= {name: getattr(standing, name) for name in ("value", "expected", "target")}
        facts["due"] = standing.due.isoformat()
    return facts


@dataclass(frozen=True, slots=True)
class GoalLine:
    """One goal of a handover, in words."""

    metric: str
    program: str
    status: str
    shape: str
    numbers: str
    open: Sequence[str]


@dataclass(frozen=True, slots=True)
class HandoverStory:
    """A team that somebody leads now, as a mail tells it."""

    team: str
    led_by: str
    scorecard: str
    goals: Sequence[GoalLine]
    more: int
    """goals that are not named"""
    count: int
    short: int
    taken: Sequence[Mapping[str, str]]
    more_taken: int
    disputes: Sequence[Mapping[str, str]]
    more_disputes: int
    because: Mapping[str, Any] = field(default_factory=dict)


def tell(facts: Mapping[str, Any]) -> HandoverStory:
    """The story of a handover from its kept facts."""
    return HandoverStory(
        team=facts["team_name"],
        led_by=facts["led_by"],
        scorecard=stories.scorecard(facts["team"]),
        goals=[_line(goal) for goal in facts["goals"]],
        more=facts["count"] - len(facts["goals"]),
        count=facts["count"],
        short=facts["short"],
        taken=[item | {"item": wording.item(item["item"])} for item in facts["taken"]],
        more_taken=facts["more_taken"],
        disputes=facts["disputes"],
        more_disputes=facts["more_disputes"],
        because={"leads": facts["team_name"], "team": facts["team_name"], "own": True},
    )


def _line(goal: Mapping[str, Any]) -> GoalLine:
    unit, aggregation, status = goal["unit"], goal["aggregation"], goal["status"]
    said = []
    if goal.get("value") is not None:
        said.append(wording.value(goal["value"], unit, aggregation))
        if status in ("behind", "at risk") and goal.get("expected") is not None:
            said.append(f"should be {wording.value(goal['expected'], unit, aggregation)} today")
    if goal.get("target") is not None:
        due = stories.day_of(goal.get("due"))
        said.append(f"target {wording.value(goal['target'], unit, aggregation)} by {wording.day(due)}")
    return GoalLine(
        metric=goal["metric_name"],
        program=goal["program_name"],
        status=status,
        shape=wording.status_shape(status),
        numbers=", ".join(said),
        open=goal["open"],
    )

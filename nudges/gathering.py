"""When each goal may be spoken of next, and that what was told before waits a little to come with another: one mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from program.rules.status import Status

from . import hours, policy
from .cases import case_of
from .decided import Decided
from .models import Nudge
from .situation import GoalRow, Situation
from .turns import Due


def gather(decided: Decided, goals: Sequence[GoalRow], situation: Situation) -> None:
    """Say nothing today if all there is was told before and can wait a little for another goal: one mail, not two."""
    due, said = decided.due, {nudge.goal_id for nudge in decided.said}
    until, weekdays = date.max, set()
    for goal in goals:
        if goal.pk in said:
            standing = decided.standings[goal.pk]
            case = case_of(decided.listener, goal, standing, due, situation, due.turns[goal.program])
            until = min(until, due.day if standing.status == Status.OVERDUE else policy.patient_until(case))
            weekdays.add(situation.programs[goal.program].nudge_weekday)
    if until <= due.day:
        return
    others = (g for g in goals if g.pk not in said and {situation.programs[g.program].nudge_weekday} == weekdays)
    days = (_free_on(goal, decided.listener, due, situation) for goal in others)
    if any(day is not None and day <= until for day in days):
        for nudge in decided.said:
            nudge.state, nudge.reason, nudge.streak = Nudge.State.WITHHELD, policy.name_of(policy.comes_together), 0


def look_ahead(decided: Decided, goals: Sequence[GoalRow], situation: Situation) -> None:
    """When each goal that is short may be spoken of next, if it stays so: told of today or not, of any program."""
    due, said = decided.due, {nudge.goal_id for nudge in decided.said}
    spoke = {goal.program for goal in goals if goal.pk in said}
    for goal in goals:
        day = _free_on(goal, decided.listener, due, situation, said=goal.pk in said, spoke=goal.program in spoke)
        if day is not None:
            decided.next_days.append(day)


def _free_on(
    goal: GoalRow, listener: policy.Listener, due: Due, situation: Situation, *, said: bool = False, spoke: bool = False
) -> date | None:
    """The first day after today on which a goal may be spoken of, if it stays short; None where that waits for news.

    `said`: it is spoken of today. `spoke`: its program speaks today.
    """
    standing = situation.standings.get(goal.pk)
    if standing is None or not policy.worth_saying(standing.status, standing.slipped):
        return None
    program = situation.programs[goal.program]
    turn = hours.turn_after(program.nudge_weekday, program.nudge_hour, due.day, due.person.country)[0]
    case = case_of(listener, goal, standing, due, situation, due.turns.get(goal.program, turn))
    if said:
        free = policy.next_due(case)
    elif policy.withheld_by(case, policy.SILENT):
        return None
    else:
        free = policy.free_from(case)
        if spoke:
            free = max(free, case.due_day + timedelta(weeks=policy.slow_factor(case) * case.every_weeks))
    return hours.turn_from(max(turn, free), program.nudge_hour, due.person.country)[1]

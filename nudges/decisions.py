"""What one person is told on their day: a nudge said or withheld for each goal that is short, and notices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from program.rules.status import SHORT

from . import answered, budget, escalation, handovers, hours, notices, policy, takers
from .cases import case_of, listener_of, person_only, why_not
from .decided import Decided
from .gathering import gather, look_ahead
from .models import Notice, Nudge
from .people import Addressee
from .situation import GoalRow, Situation, StandingRow
from .turns import Due


def decide(due: Due, situation: Situation) -> Decided | None:
    """What to tell this person today; None while none of their goals is judged today: the news is not in yet."""
    goals = [goal for team in due.teams for goal in situation.goals.get(team, ())]
    mine = [goal for goal in goals if goal.program in due.turns]
    standings = [situation.standings.get(goal.pk) for goal in mine]
    below = [situation.standings.get(goal) for goal in (*due.hears, *due.took)]
    if not any(standing is not None and standing.judged_today for standing in (*standings, *below)):
        return None
    heard_of = {one.program for one, _above in due.hears.values()} | {one.program for one in due.took.values()}
    decided = Decided(due, listener_of(due, {goal.program for goal in goals} | heard_of, situation))
    of_person = policy.withheld_by(person_only(decided.listener), policy.OF_THE_PERSON)
    for goal, standing in zip(mine, standings, strict=True):
        due_day = due.turns[goal.program]
        case = case_of(decided.listener, goal, standing, due, situation, due_day)
        if standing is not None and policy.worth_saying(standing.status, standing.slipped):
            _nudge(decided, goal, standing, case)
        if of_person or case.program_muted or case.answered.goal_muted or case.answered.not_mine:
            continue
        for kind, key in _events(goal, standing, case, due, situation):
            decided.notices.append(Notice(kind=kind, key=key, person=due.person, goal_id=goal.pk))
            if standing is not None:
                decided.standings[goal.pk] = standing
    if not of_person:
        decided.notices += handovers.due_to(due, situation)
        _hear(decided, situation)
        _ask_takers(decided, situation)
        _carry_news(decided, goals, situation)
    if decided.said and not decided.notices:
        _leave_room(decided, goals, situation)
        gather(decided, goals, situation)
    _hold_out(decided, goals, situation)
    if decided.says_something:
        look_ahead(decided, goals, situation)
    return decided


def _hear(decided: Decided, situation: Situation) -> None:
    """What this person hears as a leader of teams below: goals that are short still, as was announced."""
    due = decided.due
    for goal, (one, _above) in due.hears.items():
        standing = situation.standings.get(goal)
        if standing is None or standing.held or not standing.judged_today:
            continue
        if situation.lots.leave_alone(goal, due.day):
            continue
        fine_on = situation.fine_on.get(goal)
        recovered = fine_on is not None and fine_on >= one.day
        muted = (due.person.pk, one.program) in situation.mutes or (due.person.pk, goal) in situation.muted_goals
        if standing.status in SHORT and not recovered and not muted:
            decided.notices.append(
                Notice(kind=notices.ESCALATED, key=escalation.key(one), person=due.person, goal_id=goal)
            )
            decided.standings[goal] = standing


def _carry_news(decided: Decided, goals: Sequence[GoalRow], situation: Situation) -> None:
    """Announce in a mail that goes out anyway the new goals of other programs whose own day has no room this week.

    Where the week has room for one mail, the program of its first day would else have it for as long as it has
    something to say, and nobody would hear of the others' goals.
    """
    due, listener = decided.due, decided.listener
    if not decided.says_something:
        return
    turns = budget.later_this_week(due, goals, situation)
    room = listener.weekly_maximum - listener.mails_this_week - 1
    for goal in goals:
        if goal.program in due.turns or (room > 0 and goal.program in turns):
            continue
        case = case_of(listener, goal, situation.standings.get(goal.pk), due, situation, due.day)
        if case.announced or case.program_muted or case.answered.goal_muted or case.answered.not_mine:
            continue
        key = notices.new_goal_key(goal.pk)
        decided.notices.append(Notice(kind=notices.NEW_GOAL, key=key, person=due.person, goal_id=goal.pk))
        program = situation.programs[goal.program]
        opening = hours.turn_after(program.nudge_weekday, program.nudge_hour, due.day, due.person.country)[1]
        decided.next_days.append(opening)
        standing = situation.standings.get(goal.pk)
        if standing is not None:
            decided.standings[goal.pk] = standing


def _ask_takers(decided: Decided, situation: Situation) -> None:
    """Whether this person is still on what they took long ago; of a goal they are told of anyway, its crumbs say so."""
    due, told = decided.due, {nudge.goal_id for nudge in decided.said}
    person = due.person.pk
    for goal, one in due.took.items():
        standing = situation.standings.get(goal)
        if standing is None or standing.held or not standing.judged_today or standing.status not in SHORT:
            continue
        said = answered.silences(
            situation.answers.get(goal, ()), person, due.day, standing.as_of,
            muted=(person, goal) in situation.muted_goals,
        )  # fmt: skip
        silent = said != policy.NOT_ANSWERED or (person, one.program) in situation.mutes
        if goal not in told and not silent and not situation.lots.leave_alone(goal, due.day):
            decided.notices.append(Notice(kind=notices.TAKEN, key=takers.key(one), person=due.person, goal_id=goal))
            decided.standings[goal] = standing


def _hold_out(decided: Decided, goals: Sequence[GoalRow], situation: Situation) -> None:
    """Draw a lot for each goal that is spoken of now and has none: some are left alone from today on."""
    of_goal = {goal.pk: goal for goal in goals}
    for nudge in decided.said:
        goal, standing = of_goal[nudge.goal_id], decided.standings[nudge.goal_id]
        stratum = f"{goal.metric_key} {standing.status}"
        if situation.lots.draw(goal.pk, goal.program, stratum, standing.gap, decided.due.day):
            nudge.state, nudge.reason, nudge.streak = Nudge.State.WITHHELD, policy.name_of(policy.held_out), 0


def leave_alone_by_lot(decided: Sequence[Decided], situation: Situation) -> None:
    """Take back what is said to others (who took an item, who leads above) of goals whose lot fell right now: whoever
    was decided for before the goal's lead could not know."""
    for one in decided:
        one.notices = [
            notice for notice in one.notices
            if notice.kind not in (notices.ESCALATED, notices.TAKEN) or notice.goal_id is None
            or not situation.lots.leave_alone(notice.goal_id, one.due.day)
        ]  # fmt: skip


def _leave_room(decided: Decided, goals: Sequence[GoalRow], situation: Situation) -> None:
    """Say nothing today if the week's mails that are left are of more use on later days, to other programs.

    A day with a notice keeps its mail: what is new is told, and the nudges are in the same mail.
    """
    due, listener = decided.due, decided.listener
    room = listener.weekly_maximum - listener.mails_this_week
    turns = budget.later_this_week(due, goals, situation)
    if len({day for _turn, day in turns.values()}) < room:
        return
    later = []
    for goal in goals:
        standing = situation.standings.get(goal.pk)
        if goal.program not in turns or standing is None:
            continue
        turn, day = turns[goal.program]
        case = case_of(listener, goal, standing, due, situation, turn)
        if policy.worth_saying(standing.status, standing.slipped) and not policy.withheld_by(case, policy.AHEAD):
            later.append(budget.claim(goal, standing, day))
    of_goal = {goal.pk: goal for goal in goals}
    today = [budget.claim(of_goal[n.goal_id], decided.standings[n.goal_id], due.day) for n in decided.said]
    winners = budget.better(today, later, room)
    if winners:
        decided.won = budget.won(winners, situation)
        for nudge in decided.said:
            nudge.state, nudge.reason, nudge.streak = Nudge.State.WITHHELD, policy.name_of(policy.weekly_budget), 0


def _nudge(decided: Decided, goal: GoalRow, standing: StandingRow, case: policy.Case) -> None:
    """One row for the person and, where somebody above stands in, one for whom they stand in for."""
    due = decided.due
    reason = policy.withheld_by(case)
    decided.nudges.append(
        Nudge(
            person=due.person,
            goal_id=goal.pk,
            due_day=case.due_day,
            state=Nudge.State.WITHHELD if reason else Nudge.State.SAID,
            reason=reason,
            streak=0 if reason else policy.next_streak(case),
        )
    )
    decided.standings[goal.pk] = standing
    instead = due.teams[goal.team].instead
    if instead is not None:
        decided.nudges.append(
            Nudge(
                person=instead,
                goal_id=goal.pk,
                due_day=case.due_day,
                state=Nudge.State.WITHHELD,
                reason=why_not(instead, due.day),
            )
        )


def _events(
    goal: GoalRow, standing: StandingRow | None, case: policy.Case, due: Due, situation: Situation
) -> list[tuple[str, str]]:
    """Kind and key of what happened with a goal and was not told yet."""
    if not case.announced:
        return [(notices.NEW_GOAL, notices.new_goal_key(goal.pk))]
    if goal.pk in situation.ending:
        ending = notices.EXEMPTION_ENDING, notices.exemption_ending_key(situation.ending[goal.pk])
        return [] if ending in situation.told else [ending]
    if standing is None or not case.judged_today or case.held:
        return []
    if policy.worth_saying(standing.status, standing.slipped):
        if policy.withheld_by(case, policy.OF_ANSWERS):
            return []
        come = answered.whose_day_came(situation.answers.get(goal.pk, ()), due.day)
        keys = [(notices.ANSWER_DUE, notices.answer_due_key(one.pk)) for one in come]
        return [key for key in keys if key not in situation.told]
    last = situation.last.get((due.person.pk, goal.pk))
    if last is None or not policy.is_fine(standing.status):
        return []
    thanks = notices.BACK_ON_THE_PATH, notices.back_on_the_path_key(last.pk)
    return [thanks] if thanks not in situation.told else []


def because(addressee: Addressee, day: date) -> dict[str, Any]:
    """Why this person is told about this team, as facts."""
    facts = {
        "leads": addressee.leads.name,
        "team": addressee.team.name,
        "own": addressee.leads.pk == addressee.team.pk and addressee.instead is None,
    }
    if addressee.stands_in_for is not None:
        until = addressee.stands_in_for.absent_until
        facts["stands_in_for"] = str(addressee.stands_in_for)
        facts["away_until"] = until.isoformat() if until else None
    if addressee.instead is not None:
        facts["instead"] = str(addressee.instead)
        facts["instead_why"] = why_not(addressee.instead, day)
    return facts

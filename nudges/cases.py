"""What the rules are asked: one goal and the person to tell, put together from what a plan has read."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from accounts.models import User
from program.rules.usefulness import State

from . import answered, hours, notices, policy, routes
from .models import Delivery
from .situation import GoalRow, Situation, StandingRow
from .turns import Due

WAITING = (Delivery.State.PENDING, Delivery.State.CLAIMED, Delivery.State.HELD)


def case_of(
    listener: policy.Listener,
    goal: GoalRow,
    standing: StandingRow | None,
    due: Due,
    situation: Situation,
    due_day: date,
) -> policy.Case:
    """One goal and the person, on a due day of its program."""
    person = due.person.pk
    last = situation.last.get((person, goal.pk))
    fine_on = situation.fine_on.get(goal.pk)
    guarded = situation.programs[goal.program].guard_of_id
    tone = policy.tone(standing.status, standing.slipped, told=last is not None) if standing else ""
    after = policy.tone(standing.status, slipped=False, told=True) if standing else ""
    return policy.Case(
        listener=listener,
        due_day=due_day,
        held=standing is not None and standing.held,
        judged_today=standing is not None and standing.judged_today,
        # A standing guard has nothing new to announce, and who muted the program that it guards meant this too.
        announced=guarded is not None or (notices.NEW_GOAL, notices.new_goal_key(goal.pk)) in situation.told,
        program_muted=any((person, program) in situation.mutes for program in (goal.program, guarded) if program),
        every_weeks=situation.programs[goal.program].nudge_every_weeks,
        program_spoke=situation.spoke.get((person, goal.program)),
        last_said=last.due_day if last else None,
        streak=last.streak if last else 0,
        recovered=last is not None and fine_on is not None and fine_on >= last.day,
        restraint=situation.restraints.get((goal.program, tone), State.NORMAL),
        slow_next=situation.restraints.get((goal.program, after)) == State.SLOWED,
        held_out=situation.lots.leave_alone(goal.pk, due.day),
        at_it=goal.pk in situation.at_it,
        resting_since=situation.resting.get((person, goal.pk)),
        answered=answered.silences(
            situation.answers.get(goal.pk, ()), person, due.day, standing.as_of if standing else None,
            muted=(person, goal.pk) in situation.muted_goals,
        ),
    )  # fmt: skip


def listener_of(due: Due, programs: Collection[int], situation: Situation) -> policy.Listener:
    """What the rules know of a person who is told of these programs."""
    person = due.person
    monday, sunday = hours.week_of(due.day)
    mails = situation.mails.get(person.pk, ())
    return policy.Listener(
        active=person.is_active,
        away=person.is_away(due.day),
        address_suspended=routes.is_cut_off(person),
        muted_all=(person.pk, None) in situation.mutes,
        digest_waiting=any(state in WAITING for _day, state in mails),
        mails_this_week=sum(monday <= day <= sunday for day, _state in mails),
        weekly_maximum=min(situation.programs[p].nudge_weekly_maximum for p in programs),
    )


def person_only(listener: policy.Listener) -> policy.Case:
    """A case that asks of the person alone, whatever the goal."""
    return policy.Case(listener=listener, due_day=date.min)


def why_not(person: User, day: date) -> str:
    """Why somebody was passed over, in the name of the rule that would have withheld it."""
    listener = policy.Listener(
        active=person.is_active, away=person.is_away(day), address_suspended=routes.is_cut_off(person)
    )
    return policy.withheld_by(person_only(listener), policy.OF_THE_PERSON) or policy.name_of(policy.away)

"""When a nudge is said: small rules, each with a name that is kept as the reason when it withholds one.

Pure: no database and no clock. A rule takes a case and answers whether it withholds the nudge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from program.rules.status import FINE, SHORT, WORST_FIRST, Status
from program.rules.usefulness import SLOW_FACTOR, State

BACK_OFF_WEEKS = (1, 2, 4, 8)
ESCALATES_AFTER = 3
"""So many nudges in a row about one goal without its recovery, and a leader above hears of it."""
AT_IT_WEEKS = 4
"""A goal at which somebody is visibly rests for so many weeks in a row at most."""

TONES = {
    "overdue": "Overdue", "slipped": "Slipped back", "still": "Still behind", "behind": "Fell behind",
    "at risk": "At risk",
}  # fmt: skip
"""The ways in which a nudge speaks of a goal, each with words of its own, and what owners call them."""


@dataclass(frozen=True, slots=True)
class Listener:
    """What the rules know of the person, whatever the goal."""

    active: bool = True
    away: bool = False
    address_suspended: bool = False
    muted_all: bool = False
    digest_waiting: bool = False
    mails_this_week: int = 0
    weekly_maximum: int = 2


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered about a goal and still silences it (nudges/answered.py reads it)."""

    promised: bool = False
    blocked: bool = False
    said_done: bool = False
    not_mine: bool = False
    goal_muted: bool = False


NOT_ANSWERED = Answered()


@dataclass(frozen=True, slots=True)
class Case:
    """One goal whose status is worth speaking of, and the person to tell; None: there is nobody."""

    listener: Listener | None
    due_day: date
    held: bool = False
    judged_today: bool = True
    announced: bool = True
    """the notice of the new goal went out before"""
    program_muted: bool = False
    every_weeks: int = 1
    program_spoke: date | None = None
    """due day of the program's last nudge to this person"""
    last_said: date | None = None
    """due day of the last nudge about this goal to this person"""
    streak: int = 0
    """how many in a row they got by then without the goal recovering"""
    recovered: bool = False
    """since the last one"""
    at_it: bool = False
    """somebody is visibly at it (at_it.py says who)"""
    resting_since: date | None = None
    """due day from which on it rests because somebody is"""
    answered: Answered = NOT_ANSWERED
    gathers: bool = False
    """another goal of this person comes up before this one has waited too long (gathering.py says when)"""
    restraint: str = State.NORMAL
    """how the program's tone that would speak of it stands: it may be slowed or stopped"""
    slow_next: bool = False
    """whether the tone that would speak of it after this one is slowed"""
    held_out: bool = False
    """its lot in the program's experiment leaves it alone"""


def worth_saying(status: str, slipped: bool) -> bool:
    """Whether a standing is worth a nudge at all: short of where it should be, or slipped."""
    return status in SHORT or slipped


def tone(status: str, slipped: bool, *, told: bool) -> str:
    """The way in which a nudge speaks of a goal. `told`: its person was told of it before, when it was short."""
    if status == Status.OVERDUE:
        return "overdue"
    if slipped:
        return "slipped"
    return "still" if told else str(status)


def is_fine(status: str) -> bool:
    """Whether a standing ends a row of nudges: on track or met."""
    return status in FINE


def nobody_to_tell(case: Case) -> bool:
    """The team has no lead, nor has any group above it, who could be told."""
    return case.listener is None


def not_active(case: Case) -> bool:
    """The person has left."""
    return case.listener is not None and not case.listener.active


def address_suspended(case: Case) -> bool:
    """The mail server refused the person's address for good."""
    return case.listener is not None and case.listener.address_suspended


def away(case: Case) -> bool:
    """The person said to be absent."""
    return case.listener is not None and case.listener.away


def muted(case: Case) -> bool:
    """The person wants no nudges."""
    return case.listener is not None and case.listener.muted_all


def program_muted(case: Case) -> bool:
    """The person wants no nudges of this program."""
    return case.program_muted


def goal_muted(case: Case) -> bool:
    """The person wants no nudges about this goal."""
    return case.answered.goal_muted


def not_mine(case: Case) -> bool:
    """The person said that the goal is not theirs."""
    return case.answered.not_mine


def held(case: Case) -> bool:
    """The feed is failing, moved too sharply or is disputed: nudges rest."""
    return case.held


def not_judged_today(case: Case) -> bool:
    """The goal has no standing of the team's today: yesterday's news is no reason to write."""
    return not case.judged_today


def new_goal_first(case: Case) -> bool:
    """The goal was not announced yet: this digest does that, and nothing more about it."""
    return not case.announced


def promised(case: Case) -> bool:
    """Somebody is on it until a later day."""
    return case.answered.promised


def blocked(case: Case) -> bool:
    """Somebody said that it is blocked until a later day."""
    return case.answered.blocked


def said_done(case: Case) -> bool:
    """Somebody said that it is done, and no later measurement is in yet; two weeks at most."""
    return case.answered.said_done


def program_interval(case: Case) -> bool:
    """The program spoke to this person less than its minimum interval ago."""
    return case.program_spoke is not None and weeks_since(case.program_spoke, case.due_day) < case.every_weeks


def back_off(case: Case) -> bool:
    """The person was told of this goal, it did not recover, and the wait of 1, 2, 4, 8 weeks is not over."""
    if case.last_said is None or case.recovered:
        return False
    return weeks_since(case.last_said, case.due_day) < wait_after(case.streak)


def stopped_as_of_little_use(case: Case) -> bool:
    """Nudges of this kind were of little use, or ignored by most: they stopped until an owner starts them again."""
    return case.restraint == State.STOPPED


def slowed(case: Case) -> bool:
    """Nudges of this kind are of little use, or ignored by most: they wait twice as long."""
    return case.restraint == State.SLOWED and free_from(case) > case.due_day


def visibly_at_it(case: Case) -> bool:
    """Somebody is visibly at it: the last step reaches the target in time, or all that closes the gap is taken."""
    return case.at_it and rests(case.resting_since, case.due_day)


def rests(since: date | None, due_day: date) -> bool:
    """Whether a goal at which somebody is visibly may rest on a turn, if it rests since another one."""
    return since is None or weeks_since(since, due_day) < AT_IT_WEEKS


def digest_waiting(case: Case) -> bool:
    """An earlier digest to this person has not gone out yet."""
    return case.listener is not None and case.listener.digest_waiting


def weekly_budget(case: Case) -> bool:
    """The person had as many mails this week as any of their programs allows."""
    return case.listener is not None and case.listener.mails_this_week >= case.listener.weekly_maximum


def comes_together(case: Case) -> bool:
    """Told before, and soon another goal of this person comes up: both are said in one mail then."""
    return case.gathers


def held_out(case: Case) -> bool:
    """Drawn by lot to be left alone for four weeks: how such goals fare shows what nudges are good for."""
    return case.held_out


Rule = Callable[[Case], bool]

# In the order in which they are asked: the first that withholds is the reason on record.
RULES: tuple[Rule, ...] = (
    nobody_to_tell, not_active, address_suspended, away, muted, program_muted, goal_muted, not_mine, held,
    not_judged_today, new_goal_first, promised, blocked, said_done, program_interval, back_off,
    stopped_as_of_little_use, slowed, visibly_at_it, digest_waiting, weekly_budget, comes_together, held_out,
)  # fmt: skip

# What is asked of a turn later in the week: whether there will be room then is the question itself.
AHEAD: tuple[Rule, ...] = tuple(rule for rule in RULES if rule not in (digest_waiting, weekly_budget))

# Rules of what was answered: asked again when the mail goes out.
OF_ANSWERS: tuple[Rule, ...] = (goal_muted, not_mine, promised, blocked, said_done)

# Rules that keep a goal silent for longer than its interval and its back-off: what ends that is news.
SILENT: tuple[Rule, ...] = (
    nobody_to_tell, not_active, address_suspended, away, muted, program_muted, held, *OF_ANSWERS,
    stopped_as_of_little_use, held_out,
)  # fmt: skip

# Rules that leave nothing to say to the person at all today, not even a notice.
OF_THE_PERSON: tuple[Rule, ...] = (not_active, address_suspended, away, muted, digest_waiting, weekly_budget)


def withheld_by(case: Case, rules: tuple[Rule, ...] = RULES) -> str:
    """The name of the first rule that withholds this nudge; empty when it is to be said."""
    return next((name_of(rule) for rule in rules if rule(case)), "")


def name_of(rule: Rule) -> str:
    """A rule's name as it is kept and shown."""
    return rule.__name__.replace("_", " ")


def wait_after(streak: int) -> int:
    """Weeks to wait after the n-th nudge in a row about one goal."""
    return BACK_OFF_WEEKS[min(max(streak, 1), len(BACK_OFF_WEEKS)) - 1]


def patience(streak: int) -> int:
    """Weeks that a goal may wait longer after the n-th nudge in a row, to come in one mail with another one."""
    wait = wait_after(streak)
    return 0 if wait == 1 else max(1, wait // 4)


def patient_until(case: Case) -> date:
    """The last due day for which a goal that was told before may wait, to come in one mail with another one; its
    case's own where it may not."""
    if case.last_said is None or case.recovered:
        return case.due_day
    return case.last_said + timedelta(weeks=wait_after(case.streak) + patience(case.streak))


def next_streak(case: Case) -> int:
    """Which nudge in a row this one would be."""
    return 1 if case.last_said is None or case.recovered else case.streak + 1


def weeks_since(then: date, now: date) -> int:
    """Whole weeks between two due days."""
    return (now - then).days // 7


def next_due(case: Case) -> date:
    """The due day on which this goal may be spoken of again, once it is spoken of now."""
    weeks = max(case.every_weeks, wait_after(next_streak(case)))
    return case.due_day + timedelta(weeks=SLOW_FACTOR * weeks if case.slow_next else weeks)


def free_from(case: Case) -> date:
    """The first due day, from the case's own on, that neither the interval nor the back-off rules out.

    Both are twice as long where its tone is slowed.
    """
    free, times = case.due_day, slow_factor(case)
    if case.program_spoke is not None:
        free = max(free, case.program_spoke + timedelta(weeks=times * case.every_weeks))
    if case.last_said is not None and not case.recovered:
        free = max(free, case.last_said + timedelta(weeks=times * wait_after(case.streak)))
    return free


def slow_factor(case: Case) -> int:
    """How many times as long as usual the case's tone waits."""
    return SLOW_FACTOR if case.restraint == State.SLOWED else 1


def escalates_on(due_day: date, every_weeks: int) -> date:
    """The due day on which a leader above hears of what is said now, if it is still short: one turn later."""
    return due_day + timedelta(weeks=max(1, every_weeks))


def worst_first(status: str, severity: float, *names: str) -> tuple[Any, ...]:
    """The order of goals in a digest: the scorecards' order of statuses; within one, the largest severity first."""
    return WORST_FIRST[status], -round(severity, 6), *names


def severity(gap: float | None, target: float | None, baseline: float | None) -> float:
    """How much of the whole way from baseline to target is missing; 0 where that cannot be said."""
    if not gap or target is None or baseline is None or target == baseline:
        return 0.0
    return gap / abs(target - baseline)


def in_words(reason: str) -> str:
    """What the name kept with a withheld nudge means: the sentence its rule opens with, or the name itself."""
    rule = next((rule for rule in RULES if name_of(rule) == reason), None)
    return (rule.__doc__ or reason).splitlines()[0] if rule else reason

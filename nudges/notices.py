"""The closed list of notices: things told once per event, inside a digest."""

from __future__ import annotations

from datetime import datetime

HANDOVER = "handover"
NEW_GOAL = "new goal"
EXEMPTION_ENDING = "exemption ending"
BACK_ON_THE_PATH = "back on the path"
ESCALATED = "heard from below"
ANSWER_DUE = "the day of your answer"
TAKEN = "an item you took"

# In the order in which a digest tells them. Others (trouble) join here.
KINDS = (HANDOVER, ESCALATED, ANSWER_DUE, TAKEN, NEW_GOAL, EXEMPTION_ENDING, BACK_ON_THE_PATH)
OF_A_GOAL = (ESCALATED, ANSWER_DUE, TAKEN, NEW_GOAL, EXEMPTION_ENDING, BACK_ON_THE_PATH)


def new_goal_key(goal: int) -> str:
    """A goal is announced once, to whoever is told about its team then."""
    return str(goal)


def back_on_the_path_key(nudge: int) -> str:
    """Thanks are given once for the recovery after a certain nudge."""
    return str(nudge)


def exemption_ending_key(exemption: int) -> str:
    """That an exemption ends is told once, two weeks ahead; that it ended is not: the goal is judged as ever then."""
    return str(exemption)


def answer_due_key(answer: int) -> str:
    """How it went is asked once an answer, on the first digest from its day on."""
    return str(answer)


def handover_key(person: int, team: int, since: datetime) -> str:
    """Somebody is told once that they lead a team, and again if they come back to it."""
    return f"{person}:{team}:{since.isoformat()}"

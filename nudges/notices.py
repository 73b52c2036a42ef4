"""The closed list of notices: things told once per event, inside a digest."""

from __future__ import annotations

NEW_GOAL = "new goal"
BACK_ON_THE_PATH = "back on the path"

# In the order in which a digest tells them. Others (exemption ending, your answer's day, handover, trouble) join here.
KINDS = (NEW_GOAL, BACK_ON_THE_PATH)


def new_goal_key(goal: int) -> str:
    """A goal is announced once, to whoever is told about its team then."""
    return str(goal)


def back_on_the_path_key(nudge: int) -> str:
    """Thanks are given once for the recovery after a certain nudge."""
    return str(nudge)

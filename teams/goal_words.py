"""One goal, and all goals of a team, in a sentence: pages, terminals and issues say it the same way."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from django.conf import settings

from program import wording
from program.models import Playbook
from program.rules.status import SHORT
from program.rules.trail import Crumb

from .goal_facts import GoalFacts
from .models import Team


def anchor(metric: str, program: str) -> str:
    """Where a goal stands on its team's scorecard: programs may share a metric, so that it takes both keys."""
    return f"goal-{metric}-{program}"


def scorecard_address(team: Team, goal: GoalFacts | None = None) -> str:
    """The whole address of a team's scorecard, or of one goal on it."""
    place = f"#{anchor(goal.metric_key, goal.program_key)}" if goal else ""
    return f"{settings.SITE_URL}/teams/{quote(team.key)}/{place}"


def needs(goals: Sequence[GoalFacts], *, whom: str, then: bool = False) -> str:
    """How many goals need something of somebody ("you", "the team"). A past day is told as past."""
    if not goals:
        return ""
    short = sum(goal.status in SHORT for goal in goals)
    unknown = sum(goal.status in ("no data", "stale") for goal in goals)
    apart = f" {wording.count(unknown, 'goal')} cannot be judged: see why below." if unknown else ""
    if not short:
        return f"Nothing {'needed' if then else 'needs'} {whom} {'that day' if then else 'today'}.{apart}"
    verb = "needed" if then else "needs" if short == 1 else "need"
    return f"{short} of {wording.count(len(goals), 'goal')} {verb} {whom}.{apart}"


def begin_with(goals: Sequence[GoalFacts]) -> tuple[GoalFacts, Crumb] | None:
    """The goal and its item to begin with: the first of the worst goal that has any."""
    return next(((goal, goal.trail[0]) for goal in goals if goal.status in SHORT and goal.trail), None)


def gains(goal: GoalFacts, crumb: Crumb, before: float = 0.0, *, verb: str = "closes") -> str:
    """What an item gains and takes: "closes 58 % of the gap on Typed functions, about 2 h".

    `before` is what the items before it close; it is not its own.
    """
    closes = "" if crumb.closes is None else f"{verb} {wording.share(crumb.closes - before)} of the gap on "
    takes = effort(goal.playbook)
    return f"{closes or 'for '}{goal.metric_name}" + (f", {takes}" if takes else "")


def effort(playbook: Playbook | None, items: int = 1) -> str:
    """What so many items usually take: "about 6 h"; empty where nobody said."""
    if playbook is None or not playbook.effort_hours:
        return ""
    return f"about {wording.hours(playbook.effort_hours * items)}"


def leads_back(goal: GoalFacts) -> bool:
    """Whether the trail goes all the way: its last item closes the gap."""
    return bool(goal.trail) and goal.trail[-1].closes == 1


def to_do(crumb: Crumb) -> str:
    """What an item has left: "38 to do"; empty where items do not add up."""
    return "" if crumb.contribution is None else f"{wording.value(crumb.contribution)} to do"


def sentence(goal: GoalFacts) -> str:
    """The first line of a goal: where it stands, in words."""
    unit, aggregation = goal.unit, goal.aggregation
    if goal.reason:
        rests = " Nobody is nudged for this." if goal.status == "stale" else ""
        return f"{goal.reason[0].upper()}{goal.reason[1:]}.{rests}"
    if goal.value is None or goal.target is None:
        return ""
    by = f"{wording.value(goal.target, unit, aggregation)} by {wording.day(goal.due)}"
    if goal.status == "met":
        return f"At its target of {wording.value(goal.target, unit, aggregation)}."
    if goal.status == "upcoming":
        return f"Begins on {wording.day(goal.start)}; target {by}."
    if goal.status == "exempt":
        return f"Exempt today; target {by}."
    short = wording.gap(goal.gap, unit, aggregation)
    if goal.status == "on track":
        return f"On its path; {short} to go to {by}."
    level = "target" if goal.status == "overdue" else "path"
    back = wording.count(len(goal.trail), "item")
    verb = "brings" if len(goal.trail) == 1 else "bring"
    trail = f"; {back} {verb} it back" if leads_back(goal) else ""
    if level == "target" and trail:
        trail = f"; {back} {verb} it there"
    slipped = "It was on its path at the last measurement. " if goal.slipped else ""
    return f"{slipped}{short[0].upper()}{short[1:]} from its {level}{trail}."

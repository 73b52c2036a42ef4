"""What a team does next: its trails where engineers work, in a terminal, in a build's summary, or as JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.template.loader import render_to_string

from accounts.clock import today
from program import wording
from program.models import Playbook
from program.rules.status import BEHIND_OR_OVERDUE, SHORT, Status
from program.rules.trail import Crumb
from program.trackers import code

from . import goal_words, issues, taking
from .goal_facts import GoalFacts, goals_on
from .models import GoalQuerySet, Team

FORMATS = ("text", "markdown", "json", "github")
"""`github` prints annotations for the log of a GitHub action; `markdown` is for its job summary."""
ITEMS, MOST_ITEMS = 5, 50
FAILS: Mapping[str, frozenset[str]] = {
    "behind": BEHIND_OR_OVERDUE, "overdue": frozenset({Status.OVERDUE}),
}  # fmt: skip
MARKS = re.compile(r"([\\`*_{}\[\]<>|#~])")
PATH = re.compile(r"[\w@+-][\w@+./-]*[./][\w@+./-]+")


class NoSuchGoal(Exception):
    """The team has no goal of this program or metric; the message says which it has."""


@dataclass(frozen=True, slots=True)
class Step:
    """One item to do: its crumb, its own share of the gap, how to check it, and who is on it."""

    crumb: Crumb
    item: str
    own: float | None
    left: str
    check: str
    issue: str
    who: str
    since: date | None


@dataclass(frozen=True, slots=True)
class NextGoal:
    """One goal with its next items; `more` are on its trail, and not among them."""

    goal: GoalFacts
    said: str
    stands: str
    takes: str
    steps: Sequence[Step]
    more: int
    page: str
    full: bool


@dataclass(frozen=True, slots=True)
class Next:
    """A team's goals, worst first, the ones that need it in full. `said` is the whole story in one line."""

    team: Team
    on: date
    said: str
    goals: Sequence[NextGoal]

    def failing(self, on: str) -> list[NextGoal]:
        """The goals that let a build fail: behind or overdue, and not held, since a held number is in doubt."""
        return [one for one in self.goals if one.goal.status in FAILS[on] and not one.goal.held]


def build(
    team: Team, now: datetime, seen: GoalQuerySet, *, program: str = "", metric: str = "", limit: int = ITEMS
) -> Next:
    """What a team does next, of the goals that the reader may see. Three queries. Raises NoSuchGoal.

    A metric that is asked for is told in full, however it stands.
    """
    day = today(team.time_zone, now)
    every = goals_on(team, day, day, seen)
    goals = [goal for goal in every if program in ("", goal.program_key) and metric in ("", goal.metric_key)]
    if not goals and (program or metric):
        known = ", ".join(sorted({f"{goal.program_key}/{goal.metric_key}" for goal in every})) or "none"
        raise NoSuchGoal(f"a goal of {team.key} was expected; it has {known}")
    open_now = [one for one in taking.of_team(team, now) if one.row.released_at is None and not one.left]
    taken = {(one.row.metric_id, one.row.digest): one for one in open_now}
    found = [_goal(team, goal, taken, limit, full=bool(metric) or goal.status in SHORT) for goal in goals]
    return Next(team, day, _said(team, goals, found), found)


def _said(team: Team, goals: Sequence[GoalFacts], found: Sequence[NextGoal]) -> str:
    """The first line: how many goals need the team, and where to start."""
    if not goals:
        return f"{team.name} has no goals yet."
    story = f"{team.name}: {goal_words.needs(goals, whom='you')}"
    short = [(one, step) for one in found if one.goal.status in SHORT for step in one.steps]
    begin = next((pair for pair in short if not pair[1].who), short[0] if short else None)
    if begin is not None:
        goal, step = begin[0].goal, begin[1]
        before = (step.crumb.closes or 0.0) - (step.own or 0.0)
        who = f", {step.who} is on it" if step.who else ""
        story += f" Start here: {step.item} ({goal_words.gains(goal, step.crumb, before)}{who})."
    return story


def _goal(
    team: Team, goal: GoalFacts, taken: Mapping[tuple[int, str], taking.Taken], limit: int, *, full: bool
) -> NextGoal:
    unit, aggregation = goal.unit, goal.aggregation
    stands = [wording.value(goal.value, unit, aggregation)]
    if goal.expected is not None:
        stands.append(f"path {wording.value(goal.expected, unit, aggregation)}")
    if goal.target is not None:
        stands.append(f"target {wording.value(goal.target, unit, aggregation)} by {wording.day(goal.due)}")
    takes = goal_words.effort(goal.playbook, len(goal.trail)) if goal.trail else ""
    steps, before = [], 0.0
    for crumb in goal.trail[:limit] if full else ():
        held = taken.get((goal.metric, taking.digest_of(crumb.source, crumb.item)))
        steps.append(_step(team, goal, crumb, before, held))
        before = crumb.closes or 0.0
    return NextGoal(
        goal=goal,
        said=goal_words.sentence(goal),
        stands=", ".join(stands),
        takes=f"{takes} in {wording.count(len(goal.trail), 'item')}" if takes and len(goal.trail) > 1 else takes,
        steps=steps,
        more=len(goal.trail) - len(steps),
        page=goal_words.scorecard_address(team, goal),
        full=full,
    )


def _step(team: Team, goal: GoalFacts, crumb: Crumb, before: float, held: taking.Taken | None) -> Step:
    book = goal.playbook
    return Step(
        crumb=crumb,
        item=plain(wording.item(crumb.item)),
        own=None if crumb.closes is None else crumb.closes - before,
        left=goal_words.to_do(crumb),
        check=plain(book.verify_for(crumb.item)) if book and book.verify and crumb.item else "",
        issue=issues.link_for(team, goal, crumb, before),
        who=plain(str(held.row.by)) if held else "",
        since=today(team.time_zone, held.row.at) if held else None,
    )


def plain(text: str) -> str:
    """A name in one line, without characters that would steer a terminal: names come from feeds."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def write(found: Next, form: str) -> str:
    """The text in one of FORMATS."""
    if form == "json":
        return json.dumps(facts(found), indent=2, ensure_ascii=False) + "\n"
    if form == "github":
        return "\n".join([plain(found.said), *_annotations(found)]) + "\n"
    return render_to_string(
        f"next/{form}.txt", {"next": found, "marked": marked, "code": lambda text: code("github", text), "plain": plain}
    )


def marked(text: str) -> str:
    """A text in Markdown that reads as it is."""
    return MARKS.sub(r"\\\1", plain(text))


def _annotations(found: Next) -> list[str]:
    """One line for GitHub's log an item: it shows them beside the file, and on the run's page."""
    lines = []
    for one in found.goals:
        level = "warning" if one.goal.status in FAILS["behind"] else "notice"
        title = _property(f"{found.team.name}: {one.goal.metric_name} ({one.goal.status})")
        if one.goal.status in SHORT and not one.steps:
            lines.append(f"::{level} title={title}::{_data(one.said)}")
        for step in one.steps:
            file = f",file={_property(step.crumb.item)}" if PATH.fullmatch(step.crumb.item) else ""
            told = f"{step.item}: {', '.join(part for part in (step.left, _closes(step), _who(step)) if part)}."
            check = f" Check: {step.check}" if step.check else ""
            lines.append(f"::{level} title={title}{file}::{_data(told + check)}")
    return lines


def _closes(step: Step) -> str:
    return "" if step.own is None else f"closes {wording.share(step.own)} of the gap"


def _who(step: Step) -> str:
    return f"{step.who} is on it" if step.who else ""


def _data(text: str) -> str:
    return plain(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def facts(found: Next) -> dict[str, Any]:
    """The same as plain values; numbers as on the scorecard's contract."""
    counted = Counter(one.goal.status for one in found.goals)
    return {
        "team": found.team.key,
        "on": found.on.isoformat(),
        "said": found.said,
        "scorecard": goal_words.scorecard_address(found.team),
        "short": {status.replace(" ", "_"): counted[status] for status in ("overdue", "behind", "at risk")},
        "goals": [_facts(one) for one in found.goals],
    }


def _facts(one: NextGoal) -> dict[str, Any]:
    goal = one.goal
    return {
        "program": goal.program_key,
        "metric": goal.metric_key,
        "name": goal.metric_name,
        "status": goal.status,
        "held": goal.held,
        "said": one.said,
        "value": goal.value,
        "expected": goal.expected,
        "target": goal.target,
        "due": goal.due.isoformat(),
        "page": one.page,
        "playbook": _playbook(goal.playbook),
        "more": one.more,
        "trail": [_step_facts(step) for step in one.steps],
    }


def _playbook(book: Playbook | None) -> dict[str, Any] | None:
    if book is None:
        return None
    return {
        "steps": [str(step) for step in book.steps],
        "example": book.example,
        "verify": book.verify,
        "expert": str(book.expert) if book.expert else None,
        "office_hours": book.office_hours,
        "effort_hours": book.effort_hours,
    }


def _step_facts(step: Step) -> dict[str, Any]:
    crumb = step.crumb
    return {
        "item": crumb.item,
        "contribution": crumb.contribution,
        "closes": crumb.closes,
        "trend": crumb.trend,
        "verify": step.check,
        "issue": step.issue,
        "taken_by": step.who or None,
        "taken_since": step.since.isoformat() if step.since else None,
    }

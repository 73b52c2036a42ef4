"""An item of a trail as an issue of the team's tracker: a link with everything filled in, opened by the reader."""

from __future__ import annotations

from program import wording
from program.models import Playbook
from program.rules.trail import Crumb
from program.trackers import code, issue_link

from .goal_facts import GoalFacts
from .goal_words import effort, scorecard_address, to_do
from .models import Team


def link_for(team: Team, goal: GoalFacts, crumb: Crumb, before: float = 0.0) -> str:
    """The link that opens an issue for one item; "" where the playbook names no tracker.

    `before` is what the items before it close of the gap.
    """
    book = goal.playbook
    if book is None or not book.tracker:
        return ""
    title = f"{team.name}: {wording.item(crumb.item)}, for {goal.metric_name}"
    return issue_link(book.tracker, book.tracker_link, title, text(team, goal, crumb, before, book))


def text(team: Team, goal: GoalFacts, crumb: Crumb, before: float, book: Playbook) -> str:
    """The issue's text: what the item is, what it gains, how to go about it, and where it comes from."""
    return "\n\n".join(part for part in (*_what(team, goal, crumb, before, book), *_how(crumb, book)) if part)


def _what(team: Team, goal: GoalFacts, crumb: Crumb, before: float, book: Playbook) -> list[str]:
    name = code(book.tracker, crumb.item) if crumb.item else wording.item(crumb.item)
    unit, aggregation = goal.unit, goal.aggregation
    left = to_do(crumb)
    said = f"{name} has {left}." if left else f"{name} is far from the target."
    if crumb.closes is not None:
        together = f" ({wording.share(crumb.closes)} together with the items before it)" if before else ""
        said += (
            f" It closes {wording.share(crumb.closes - before)} of {team.name}'s gap on {goal.metric_name}{together}."
        )
    stands = f"{team.name} is at {wording.value(goal.value, unit, aggregation)}"
    if goal.expected is not None:
        stands += f", its path at {wording.value(goal.expected, unit, aggregation)}"
    if goal.target is not None:
        stands += f"; the target is {wording.value(goal.target, unit, aggregation)} by {wording.day(goal.due)}"
    return [said, f"{stands}. Scorecard: {scorecard_address(team, goal)}"]


def _how(crumb: Crumb, book: Playbook) -> list[str]:
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(book.steps, start=1))
    check = f"Check: {code(book.tracker, book.verify_for(crumb.item))}" if book.verify else ""
    ask = f"Ask: {book.expert}" + (f", {book.office_hours}" if book.office_hours else "") if book.expert else ""
    takes = effort(book)
    return [
        check,
        f"It takes {takes}." if takes else "",
        f"How:\n{steps}" if steps else "",
        f"A golden example: {book.example}" if book.example else "",
        ask,
    ]

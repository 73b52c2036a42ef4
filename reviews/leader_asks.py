"""What to ask of each leader whose teams are behind: the exact ask, and the goals behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from accounts.clock import today
from program import wording as say
from program.models import MetricVersion, Program
from program.rules.status import Status
from teams.handover import shortened

from . import asked_before, sentences, sources
from .content import GoalLine, LeaderAsk
from .evidence import Evidence
from .goals_behind import Line
from .leaders import LINES_A_LEADER, Leader
from .models import Ask, Priority


def leader_ask(leader: Leader, evidence: Evidence, names: Mapping[str, str]) -> LeaderAsk:
    """What to ask of one leader: the exact ask for the worst goal, and the lines behind it."""
    versions = evidence.goals.versions
    worst = leader.first[0]
    of, on = evidence.program, evidence.on
    goals = [goal_line(one, of, versions[one.metric], on) for one in leader.first]
    if leader.person is None:
        named = dict.fromkeys(team.name for team in leader.teams_named)
        ask = f"Name who looks after {say.listed(list(named))}: no group above has a lead."
    else:
        ask = ask_of(worst, versions[worst.metric], evidence.on)
        goals[0] = replace(goals[0], item="", size="")  # the ask says it
    blocked = _blocked(leader, evidence)
    return LeaderAsk(
        leader=_called(leader, evidence),
        groups=say.listed([group.name for group in leader.groups]),
        group_links=[[group.key, group.name] for group in leader.groups],
        behind=f"{leader.teams_behind} of {say.count(len(leader.tallies), 'team')} behind",
        ask=ask,
        goals=goals,
        more=leader.asked - len(leader.first),
        blocked=blocked,
        history=_history(leader, names, evidence),
        proposal="" if _is_asked(leader, evidence) else proposal_of(leader),
        person=leader.person.pk if leader.person else None,
        # What an ask names is what it is to help: more would be held against whoever kept it.
        goal_ids=[worst.goal] if leader.person else [one.goal for one in leader.named],
        collision=_collision(leader, evidence, blocked=bool(blocked)),
        gains=" ".join(filter(None, (_reaches(leader, evidence, names), _hangs(leader, evidence)))),
    )


def _is_asked(leader: Leader, evidence: Evidence) -> bool:
    """Whether an ask of this leader for the same goal is open: nobody is asked twice for one thing."""
    earlier = evidence.asked_before.get(leader.person.pk, ()) if leader.person else ()
    return any(one.state == Ask.State.OPEN and leader.first[0].goal in one.goals for one in earlier)


def _history(leader: Leader, names: Mapping[str, str], evidence: Evidence) -> list[str]:
    """What went before: that it was asked already, and that after all else nobody answered."""
    person = leader.person.pk if leader.person else None
    again = asked_before.told(evidence.asked_before, person, leader.first[0].goal, evidence.on)
    proposed = sentences.escalated(leader.escalated, names, evidence)
    return [*([again] if again else []), *proposed]


def proposal_of(leader: Leader) -> str:
    """The name of what is proposed to ask of a leader: of whom, and for which goal."""
    return f"leader:{leader.person.pk if leader.person else 'none'}:{leader.first[0].goal}"


def _collision(leader: Leader, evidence: Evidence, *, blocked: bool) -> str:
    """Which priority collides with the ask, as far as anybody said; empty where what blocks it is quoted anyway."""
    if blocked or leader.person is None:
        return ""
    teams = {team.pk for team in leader.teams_asked}
    names = [leader.first[0].team.name, *(group.name for group in leader.groups)]
    named = [one for one in evidence.priorities if any(name.casefold() in one.text.casefold() for name in names)]
    if named:
        return _noted(named[0], evidence)
    freed = [
        one for one in evidence.exemptions if one.goal.team_id in teams and one.state_on(evidence.on) == "in force"
    ]
    if freed:
        first = freed[0]
        return f"{first.goal.team.name} is exempt from {first.goal.metric.name} meanwhile: {first.said_reason}."
    if evidence.priorities:
        return _noted(evidence.priorities[0], evidence)
    late = f"{say.count(leader.late, 'goal')} past the day, and nobody said what came first" if leader.late else ""
    nobody = late or "Nobody said which priority collides with it"
    # The leads were promised that the brief gives no name to what they say.
    hindered = len(leader.leads & evidence.leads_said.hindered)
    if not hindered:
        return f"{nobody}: ask for that."
    one = len(leader.teams_asked) == 1
    who = f"{'One' if hindered == 1 else 'Some'} of {'the team’s' if one else 'these teams’'} leads"
    who = "The team’s lead" if one and len(leader.leads) == 1 else who
    return f"{nobody}. {who} said what stands in the way: by name on the page of the review."


def _noted(one: Priority, evidence: Evidence) -> str:
    """A change of priorities that the sponsor noted, which may come before the ask."""
    day = say.near_day(today(evidence.program.review_zone, one.at), evidence.on)
    return f"{one.by} noted on {day}: “{shortened(one.text)}”. Say which of the two comes first."


def _reaches(leader: Leader, evidence: Evidence, names: Mapping[str, str]) -> str:
    """What the program gains by the ask, in the metric's unit; empty where teams are not added up."""
    worst = leader.first[0]
    after = evidence.reaches.get(worst.goal)
    total = next((one for one in evidence.totals if one.metric.key == worst.metric), None)
    if after is None or total is None or leader.person is None:
        return ""
    now, then = say.apart(total.value, after, total.version.unit, total.version.aggregation)
    of = f"{names[worst.metric]} of all teams" if len(evidence.totals) > 1 else "all teams"
    level = "at its target" if _overdue(worst) else "back on its path"
    return f"With {worst.team.name} {level}, {of} together would be at {then} instead of {now}."


def _hangs(leader: Leader, evidence: Evidence) -> str:
    """Of the goals that are behind, how many hang on this leader."""
    every = evidence.goals.behind
    if leader.person is None or every < 2:
        return ""
    on = "you" if leader.person == evidence.program.sponsor else str(leader.person)
    if leader.behind == every:
        return f"{'Both' if every == 2 else f'All {every}'} goals that are behind hang on {on}."
    hang = "hangs" if leader.behind == 1 else "hang"
    return f"{leader.behind} of the {every} goals that are behind {hang} on {on}."


def nothing_asked(evidence: Evidence) -> str:
    """Why nothing is asked of anybody, in a sentence; empty where something is."""
    if evidence.leaders:
        return ""
    every = evidence.goals.behind
    if not every:
        return "Nobody’s teams are behind: there is nothing to ask."
    goals = "The goal that is behind is" if every == 1 else f"All {every} goals that are behind are"
    return f"{goals} left alone for now: the numbers are in question, or a comparison needs them as they are."


def _blocked(leader: Leader, evidence: Evidence) -> list[str]:
    """What blocks this leader's teams where they are short, and what needs this leader's own priority, once a goal."""
    mine = {
        one.goal_id: one
        for one in reversed(evidence.blocked)
        if one.goal_id in leader.blocked or (one.needs is not None and one.needs == leader.person)
    }
    return [sentences.blocked(one, evidence.program, evidence.on) for one in reversed(mine.values())][:LINES_A_LEADER]


def _called(leader: Leader, evidence: Evidence) -> str:
    if leader.person is None:
        return "Nobody yet"
    return "You" if leader.person == evidence.program.sponsor else str(leader.person)


def ask_of(one: Line, version: MetricVersion, on: date) -> str:
    """The exact ask for one goal: which items, how large, and what they bring."""
    team = one.team.name
    late = f"{team} was due on {say.near_day(one.due, on)}: agree on a new day, and make" if _overdue(one) else "Make"
    item, size = _first_item(one.trail, version)
    first = f"{item}, {size}" if size else item
    if not item:
        return f"{late} room in {team} to find out what holds it back: no items are measured."
    closing = len(one.trail) if (one.trail[-1]["closes"] or 0) >= 1 else 0
    level = _level(one)
    if closing == 1:
        return f"{late} room in {team} for 1 item: {first}. It alone brings the team back to its {level}."
    if closing:
        return f"{late} room in {team} for {closing} items, first {first}. Together they bring it back to its {level}."
    many = say.count(max(one.items_short, len(one.trail)), "item")
    return f"{late} room in {team} for what it can of {many}, first {first}."


def _level(one: Line) -> str:
    return "target" if _overdue(one) else "path"


def _overdue(one: Line) -> bool:
    return one.cell.status == Status.OVERDUE


def goal_line(one: Line, program: Program, version: MetricVersion, on: date) -> GoalLine:
    """One goal of a program with its numbers and the item to begin with."""
    cell, overdue = one.cell, _overdue(one)
    level = cell.target if overdue else cell.expected
    item, size = _first_item(one.trail, version)
    value, should = say.apart(cell.value, level, version.unit, version.aggregation)
    return GoalLine(
        team=one.team.name,
        team_key=one.team.key,
        metric=version.metric.name,
        status=cell.status,
        shape=say.status_shape(cell.status),
        value=value,
        expected=should,
        due=say.near_day(one.due, on) if overdue and one.due else "",
        slipped=one.slipped,
        item=item,
        size=size,
        link=sources.goal(program, one.team.key, one.metric).path,
    )


def _first_item(trail: Sequence[Mapping[str, Any]], version: MetricVersion) -> tuple[str, str]:
    """The item to begin with and its size in words: ("hc/lib/emails.py", "13 to do")."""
    if not trail or not trail[0]["item"]:
        return "", ""
    first = trail[0]
    if first["contribution"] is None:
        return first["item"], ""
    # A ratio's item is short by a count of things; every other metric's by an amount in its unit.
    unit = "to do" if version.aggregation == "ratio" else version.unit
    return first["item"], say.value(first["contribution"], unit)

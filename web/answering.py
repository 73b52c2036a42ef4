"""What waits between teams and owners: proposals and requests to answer, answers that came, exemptions that end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from django.db.models import Q
from django.urls import reverse

from accounts.models import User
from program import wording
from program.models import Program
from teams.answering import not_mine
from teams.exempting import open_requests
from teams.exemption_ledger import SOON
from teams.models import Exemption, Goal, GoalQuerySet, Proposal
from teams.proposing import open_proposals
from web.waits import Wait

LATELY = timedelta(days=14)
"""For so long an answer stands at home of who asked."""


def upon(user: User, goals: GoalQuerySet, days: Mapping[int, date], moment: datetime) -> list[Wait]:
    """What waits on a person. `days` is today of each team they lead, `goals` are those they may see. Six queries."""
    return [*_to_answer(user), *_answered(user, goals, moment), *_ending(goals, days)]


def _to_answer(user: User) -> list[Wait]:
    """For owners: proposals, requests and goals that nobody wants, of their programs. Three queries."""
    mine = Program.objects.run_by(user)
    return [
        *(
            Wait(f"{one.made_by or 'Somebody'} proposes other terms: {called(one.goal)}", page_of(one.goal),
                 one.made_at.date())
            for one in open_proposals(mine)
        ),
        *(
            Wait(f"{one.asked_by or 'Somebody'} asks for an exemption: {called(one.goal)}", page_of(one.goal),
                 one.asked_at.date())
            for one in open_requests(mine)
        ),
        *(
            Wait(f"{one.person} said that it is not theirs: {called(one.goal)}", f"{page_of(one.goal)}#answers",
                 one.at.date())
            for one in not_mine(mine)
        ),
    ]  # fmt: skip


def _answered(user: User, goals: GoalQuerySet, moment: datetime) -> list[Wait]:
    """For who asked: what was answered in the last two weeks. Two queries."""
    since = moment - LATELY
    proposals = Proposal.objects.filter(made_by=user, goal__in=goals, answered_at__gte=since)
    proposals = proposals.filter(state__in=(Proposal.State.ACCEPTED, Proposal.State.DECLINED))
    lately = Q(approved_at__gte=since) | Q(declined_at__gte=since)
    requests = Exemption.objects.filter(lately, asked_by=user, goal__in=goals)
    found = []
    for one in proposals.select_related(*with_goal("goal__")):
        if one.answered_at is not None:
            said = f"Your proposal was {one.state}: {called(one.goal)}"
            found.append(Wait(_quoted(said, one.answer), page_of(one.goal), one.answered_at.date(), do="Read it"))
    for asked in requests.select_related(*with_goal("goal__")):
        at = asked.approved_at or asked.declined_at
        if at is not None:
            state = f"approved until {wording.day(asked.until_day)}" if asked.approved_at else "declined"
            said = f"Your exemption was {state}: {called(asked.goal)}"
            found.append(Wait(_quoted(said, asked.answer), page_of(asked.goal), at.date(), do="Read it"))
    return found


def _ending(goals: GoalQuerySet, days: Mapping[int, date]) -> list[Wait]:
    """For leads: exemptions of their teams that end within two weeks. One query."""
    if not days:
        return []
    first, last = min(days.values()), max(days.values()) + SOON
    ending = Exemption.objects.approved().filter(ended_on=None, until_day__range=(first, last))
    rows = ending.filter(goal__in=goals.on_scorecards().filter(team__in=days))
    return [
        Wait(f"The exemption ends on {wording.day(one.until_day)}: {called(one.goal)}", page_of(one.goal),
             max(one.from_day, one.until_day - SOON), do="See the goal")
        for one in rows.select_related(*with_goal("goal__"))
        if one.state_on(days[one.goal.team_id]) == "in force" and one.until_day <= days[one.goal.team_id] + SOON
    ]  # fmt: skip


def with_goal(prefix: str) -> list[str]:
    """What has to be read with a goal to name it."""
    return [f"{prefix}{name}" for name in ("team", "program", "metric")]


def called(goal: Goal) -> str:
    """A goal's name in a line."""
    return f"{goal.team.name}, {goal.metric.name}"


def page_of(goal: Goal) -> str:
    """The address of a goal's own page."""
    return reverse("goal", args=[goal.team.key, goal.program.key, goal.metric.key])


def _quoted(said: str, words: str) -> str:
    short = words if len(words) <= 120 else words[:119].rsplit(" ", 1)[0] + "…"
    return f"{said}: “{short}”" if words else said

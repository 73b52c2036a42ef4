"""Whether something happened since the last brief that cannot wait for the review: plain rules on kept standings."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from accounts.clock import today
from program import wording
from program.models import Program
from program.rules.program_effect import Verdict
from program.rules.status import BEHIND_OR_OVERDUE, FINE, SHORT
from teams.models import Standing

from .models import Brief, Effect, holding

MOST_SLIPS, SHARE = 3, 0.2
"""So many goals, and such a share of all, off their path since the last brief are a red flag."""
WITHOUT_A_BRIEF = timedelta(weeks=4)


def since(program: Program, on: date) -> date:
    """The day of the last brief, with which today is compared; before the first one, four weeks ago."""
    last = Brief.objects.filter(review__program=program).order_by("-frozen_at").first()
    return date.fromisoformat(last.content["on"]) if last else on - WITHOUT_A_BRIEF


def of_program(program: Program, now: datetime) -> list[str]:
    """What is alarming, in sentences, worst first; nothing where nothing is. Four queries."""
    on = today(program.review_zone, now)
    then = since(program, on)
    kept = Standing.objects.filter(goal__program=program, goal__ended_on=None, held=False).order_by()
    rows = kept.filter(day__in=(on, on - timedelta(days=1), then)).values_list("day", "goal", "status")
    by_day: dict[date, dict[int, str]] = {}
    for day, goal, status in rows:
        by_day.setdefault(day, {})[goal] = status
    present, before = by_day.get(on) or by_day.get(on - timedelta(days=1), {}), by_day.get(then, {})
    said = [
        f"{one.metric_version.metric.name} got worse through the program, by what is known on {wording.day(one.day)}."
        for one in holding(Effect, program, on)
        if one.verdict == Verdict.HARMFUL and one.day > then
    ]
    slipped = [goal for goal, status in present.items() if status in SHORT and before.get(goal) in FINE]
    if len(slipped) >= MOST_SLIPS and len(slipped) >= SHARE * len(present):
        said.append(
            f"{len(slipped)} of {wording.count(len(present), 'goal')} fell off their path since {wording.day(then)}."
        )
    behind = [goal for goal, status in present.items() if status in BEHIND_OR_OVERDUE]
    were = [goal for goal, status in before.items() if status in BEHIND_OR_OVERDUE]
    if present and before and 2 * len(behind) > len(present) and 2 * len(were) <= len(before):
        said.append(
            f"{len(behind)} of {wording.count(len(present), 'goal')} are behind or overdue, more than half of all; "
            f"on {wording.day(then)} it was {len(were)} of {len(before)}."
        )
    return said

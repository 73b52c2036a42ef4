"""The asks that a brief proposes, each raised with one press, and once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from accounts.clock import today
from accounts.models import User
from program.rules.cadence import after
from teams.typed import Unfit

from .asks import raise_ask
from .models import Ask, Review

OTHERWISE = timedelta(weeks=4)
"""When an ask is due where no next review is in the calendar."""


@dataclass(frozen=True)
class Proposal:
    """One ask of the brief. `raised` is the ask that it became; `person` is None for nobody who is here."""

    key: str
    leader: str
    text: str
    person: User | None
    raised: Ask | None


def of(review: Review, brief: Mapping[str, Any] | None) -> dict[str, Proposal]:
    """The proposals of a brief by their keys. Two queries."""
    lines = [line for line in (brief or {}).get("leaders", ()) if line.get("proposal")]
    sponsor = review.program.sponsor_id  # whose ask it is where no leader is named
    wanted = [line["person"] or sponsor for line in lines]
    people = User.objects.filter(pk__in=[pk for pk in wanted if pk], is_active=True).in_bulk()
    proposed = Ask.objects.filter(review=review).exclude(proposed="").select_related("of", "review__program")
    raised = {ask.proposed: ask for ask in proposed}
    return {
        line["proposal"]: Proposal(
            line["proposal"],
            line["leader"],
            line["ask"],
            people.get(line["person"] or sponsor or 0),
            raised.get(line["proposal"]),
        )
        for line in lines
    }


def accept(
    review: Review, brief: Mapping[str, Any] | None, key: str, now: datetime, *, due: date | None, by: User
) -> Ask:
    """Raise a proposal. Raises Unfit where the brief has none of this key."""
    found = of(review, brief).get(key)
    if found is None or brief is None:
        raise Unfit("A proposal of this brief was expected.")
    goals = next(line["goal_ids"] for line in brief["leaders"] if line.get("proposal") == key)
    text = found.text if len(found.text) <= 500 else f"{found.text[:499]}…"
    return raise_ask(review, text, now, of=found.person, due=due, actor=by, goals=goals, proposed=key)


def due_day(review: Review, now: datetime) -> date:
    """The day that an ask has unless somebody says another: the day before the review after this one."""
    calendar = review.program.cadence
    later = next(iter(after(calendar, max(review.ends_at, now))), None) if calendar else None
    if later is None:
        return today(review.zone, now) + OTHERWISE
    return max(later.local.date() - timedelta(days=1), today(review.zone, now))

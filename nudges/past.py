"""What was answered and taken on days that are over, for a policy that is tried on them: what people really did.

A day knows what was said before it: who answers does so after the day's mail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from teams.answering import Said
from teams.models import Answer, TakenItem

from . import hours
from .at_it import LATELY, OnIt, Taken


class _Stood(NamedTuple):
    """When an answer stood, in its team's days."""

    since: date
    until: date | None
    said: Said


@dataclass(frozen=True)
class Past:
    """Answers and taken items of some teams, the newest first."""

    answers: Sequence[_Stood]
    items: Sequence[TakenItem]

    def answers_on(self, day: date) -> Mapping[int, Sequence[Said]]:
        """By goal: what had been answered before a day and stood on it."""
        found: dict[int, list[Said]] = defaultdict(list)
        for one in self.answers:
            if one.since < day and (one.until is None or one.until >= day):
                found[one.said.goal].append(one.said)
        return found

    def taken_on(self, day: date) -> Taken:
        """As at_it.taken: what had been taken before a day and was not let go."""
        found: dict[tuple[int, int], dict[str, OnIt]] = defaultdict(dict)
        for row in self.items:
            since, until = (
                _day(row.at, row.team.time_zone),
                row.released_at and _day(row.released_at, row.team.time_zone),
            )
            if since < day and (until is None or until >= day):
                on_it = OnIt(row.by_id, str(row.by), since, lately=day - since <= LATELY)
                found[row.metric_id, row.team_id][row.digest] = on_it
        return found


def read(teams: Collection[int]) -> Past:
    """What these teams' people answered and took, ever. Two queries."""
    return Past(list(_answers(teams)), list(_items(teams)))


def _items(teams: Collection[int]) -> Iterator[TakenItem]:
    rows = TakenItem.objects.filter(team__in=teams, by__is_active=True, by__reads_only=False)
    yield from rows.select_related("by", "team").order_by("-at", "-pk")


def _answers(teams: Collection[int]) -> Iterator[_Stood]:
    rows = Answer.objects.filter(goal__team__in=teams, person__is_active=True).select_related("person", "goal__team")
    for row in rows.order_by("-at", "-pk"):
        zone = row.goal.team.time_zone
        since, until = _day(row.at, zone), row.ended_at and _day(row.ended_at, zone)
        said = Said(row.pk, row.goal_id, row.person_id, str(row.person), row.kind, row.until, row.text, since)
        yield _Stood(since, until, said)


def _day(moment: datetime, zone: str) -> date:
    return moment.astimezone(hours.zone(zone)).date()

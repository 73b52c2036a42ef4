"""One item of a trail as a page shows it: where it is seen, how to check it, who is on it, and its issue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import quote

from accounts.clock import today
from accounts.models import User
from program.models import Playbook
from program.rules.trail import Crumb
from teams import issues
from teams.goal_facts import GoalFacts
from teams.models import Team
from teams.taking import Taken, digest_of

ISSUES = 25
"""Items of a goal that have a link to a new issue: each is long."""


@dataclass(frozen=True)
class TakenView:
    """Who is on an item, since when. `who` is "You" for the reader; `release` says that they may let it go."""

    pk: int
    item: str
    who: str
    since: date
    left: bool
    mine: bool
    release: bool
    done_on: date | None


@dataclass(frozen=True)
class CrumbView:
    """One item of a trail: `own` and `before` are what it and those before it close of the gap."""

    crumb: Crumb
    number: int
    link: str
    before: float
    check: str
    issue: str
    digest: str
    taken: TakenView | None


@dataclass(frozen=True)
class Reader:
    """Who reads the scorecard: whether they act in the team, speak for it and set its limit of
    programs, and what is taken of its items."""

    user: User | None = None
    acts: bool = False
    speaks: bool = False
    taken: Sequence[Taken] = field(default_factory=list)
    sets_limit: bool = False

    def open_on(self, team: Team, metric: int) -> dict[str, TakenView]:
        """Who is on a metric's items now, by the item's digest."""
        now = [one for one in self.taken if one.row.metric_id == metric and one.row.released_at is None]
        return {one.row.digest: self._view(team, one) for one in now}

    def done_on(self, team: Team, metric: int) -> list[TakenView]:
        """What was lately done of a metric's items, newest first."""
        done = [one for one in self.taken if one.row.metric_id == metric and one.row.done_on is not None]
        return [self._view(team, one) for one in done]

    def _view(self, team: Team, taken: Taken) -> TakenView:
        row = taken.row
        mine = self.user is not None and row.by_id == self.user.pk
        return TakenView(
            row.pk, row.item, "You" if mine else str(row.by), today(team.time_zone, row.at), taken.left, mine,
            row.released_at is None and (mine or self.speaks), row.done_on,
        )  # fmt: skip


def crumb_views(
    team: Team, goal: GoalFacts, trail: Sequence[Crumb], taken: Mapping[str, TakenView], *, now: bool
) -> list[CrumbView]:
    """The items of a goal's trail. `now` says that it is today's, so that something can be done about them."""
    found, before = [], 0.0
    book = goal.playbook
    for number, crumb in enumerate(trail, start=1):
        digest = digest_of(crumb.source, crumb.item) if now else ""
        found.append(
            CrumbView(
                crumb=crumb,
                number=number,
                link=item_link(book, crumb.item),
                before=before,
                check=book.verify_for(crumb.item) if book and "{item}" in book.verify and crumb.item else "",
                issue=issues.link_for(team, goal, crumb, before) if now and number <= ISSUES else "",
                digest=digest,
                taken=taken.get(digest),
            )
        )
        before = crumb.closes or 0.0
    return found


def item_link(playbook: Playbook | None, item: str) -> str:
    """Where the item is to be seen. Items come from feeds and addresses from a file: only http(s) becomes a link."""
    address = playbook.item_link if playbook else ""
    if not item or not address.startswith(("https://", "http://")):
        return ""
    return address.replace("{item}", quote(item))

"""Taking: who is on which item of a trail, until they let it go, who speaks for the team does, or it is closed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.audit import record
from accounts.models import Place, User
from program.models import Metric, MetricVersion
from program.rules.status import Judgment
from program.rules.trail import Item, contribution

from . import roles
from .models import Goal, Snapshot, TakenItem, Team
from .series import Histories, Packed, SourceHistory, load_items, unpack
from .statements import among, fetch
from .terms import GoalOnDay

THANKED_FOR = timedelta(days=28)
OPEN = """
SELECT id, metric_id, team_id, source, item FROM teams_takenitem WHERE released_at IS NULL AND {metrics} AND {teams}
ORDER BY id
"""


class TakenByAnother(Exception):
    """Somebody else has the item: `row` says who, and since when."""

    def __init__(self, row: TakenItem) -> None:
        self.row = row
        super().__init__(f"{row.by} is on it")


@dataclass(frozen=True, slots=True)
class Taken:
    """Who took an item. `left`: they act in the team no more, so that anybody of it may take it over."""

    row: TakenItem
    left: bool


def digest_of(source: str, item: str) -> str:
    """What an item is known by: names are too long for an index, and for a form."""
    return hashlib.sha256(f"{source}\0{item}".encode()).hexdigest()


def take(team: Team, metric: Metric, source: str, item: str, *, by: User, now: datetime, via: str = "") -> TakenItem:
    """Say that somebody is on an item; saying it again changes nothing. Raises TakenByAnother.

    Of two at once one wins, by the database's own constraint. Who acts in the team no more holds nobody up.
    """
    mine = TakenItem(metric=metric, team=team, source=source, item=item, digest=digest_of(source, item), by=by, at=now)
    key = f"{team.key}/{metric.key}"
    try:
        with transaction.atomic():
            held = _held(mine)
            if held is not None and held.by_id == by.pk:
                return held
            if held is not None and not roles.acts_in(held.by, team):
                _close(held.pk, now)
                record("taken item", key, at=now, before=_said(held), after={"over to": by.email}, actor=by, via=via)
            elif held is not None:
                raise TakenByAnother(held)
            mine.save(force_insert=True)
            record("taken item", key, at=now, after=_said(mine), actor=by, via=via)
    except IntegrityError:
        other = _held(mine)
        if other is None:
            raise
        if other.by_id != by.pk:
            raise TakenByAnother(other) from None
        return other
    return mine


def _held(like: TakenItem) -> TakenItem | None:
    same = TakenItem.objects.filter(metric=like.metric_id, team=like.team_id, digest=like.digest, released_at=None)
    return same.select_related("by").first()


def _said(row: TakenItem) -> dict[str, str]:
    return {"item": row.item, "source": row.source, "by": row.by.email}


def _close(pk: int, now: datetime, done_on: date | None = None) -> bool:
    """Whether this call ended it: of two at once one does."""
    open_now = TakenItem.objects.filter(pk=pk, released_at=None)
    return open_now.update(released_at=now, done_on=done_on) == 1


def may_release(row: TakenItem, user: User) -> bool:
    """Whether a person may let an item go: who took it, and who speaks for the team."""
    return not user.reads_only and (row.by_id == user.pk or roles.speaks_for(user, row.team))


def release(row: TakenItem, *, by: User, now: datetime, via: str = "") -> bool:
    """Let an item go; False if it was let go before."""
    with transaction.atomic():
        if not _close(row.pk, now):
            return False
        key = f"{row.team.key}/{row.metric.key}"
        record("taken item", key, at=now, before=_said(row), after={"released": True}, actor=by, via=via)
    return True


def of_team(team: Team, now: datetime) -> list[Taken]:
    """What is taken of a team's items, and what was done in the last four weeks, newest first. One query."""
    lately = Q(released_at=None) | Q(done_on__gte=(now - THANKED_FOR).date())
    acts = Exists(Place.objects.filter(user=OuterRef("by"), key=team.key))
    rows = TakenItem.objects.filter(lately, team=team).select_related("by").annotate(acts=acts)
    return [Taken(row, not _acts(row.by, placed=row.acts)) for row in rows]


def open_of(teams: Collection[int]) -> list[Taken]:
    """What is taken of these teams' (ids) items now. One query."""
    return open_among(TakenItem.objects.filter(team__in=teams, released_at=None))


def still_open(keys: Collection[str]) -> set[str]:
    """Which of these taken items (ids as text) nobody let go and no measurement closed. One query, none for none."""
    rows = TakenItem.objects.filter(pk__in=keys, released_at=None) if keys else TakenItem.objects.none()
    return {str(pk) for pk in rows.values_list("pk", flat=True)}


def open_among(rows: QuerySet[TakenItem]) -> list[Taken]:
    """These items, with whether their takers have left, the oldest first. One query."""
    acts = Exists(Place.objects.filter(user=OuterRef("by"), key=OuterRef("team__key")))
    known = rows.select_related("by", "team").annotate(acts=acts).order_by("pk")
    return [Taken(row, not _acts(row.by, placed=row.acts)) for row in known]


def _acts(user: User, *, placed: bool) -> bool:
    """As `roles.acts_in`, of a person who is known to have a place in the team or not."""
    return user.is_active and not user.reads_only and (user.is_superuser or placed)


def of_person(user: User) -> list[TakenItem]:
    """What a person is on now, of goals that still count and that they may see, longest first. One query."""
    asked = Goal.objects.visible_to(user).on_scorecards().filter(metric=OuterRef("metric"), team=OuterRef("team"))
    rows = TakenItem.objects.filter(Exists(asked), by=user, released_at=None)
    return list(rows.select_related("team", "metric").order_by("at", "pk"))


class JudgedGoal(Protocol):
    """A goal on a day with its judgment."""

    @property
    def on_day(self) -> GoalOnDay: ...

    @property
    def judgment(self) -> Judgment: ...


def finish(judged: Sequence[JudgedGoal], histories: Histories, now: datetime) -> int:
    """Release what the judged goals' newest measurements found closed. Returns how much of it is done.

    One query where nothing of these teams is taken; runs in the judgment's transaction.
    """
    metrics, first = among("metric_id", list({j.on_day.metric for j in judged}))
    teams, second = among("team_id", list({j.on_day.team for j in judged}))
    rows = fetch(OPEN.format(metrics=metrics, teams=teams), [*first, *second]) if judged else []
    if not rows:
        return 0
    goals: dict[tuple[int, int], list[tuple[GoalOnDay, Judgment]]] = defaultdict(list)
    for j in judged:
        goals[j.on_day.metric, j.on_day.team].append((j.on_day, j.judgment))
    looks = []
    for pk, metric, team, source, item in rows:
        for on_day, judgment in goals.get((metric, team), ()):
            newest = _newest(histories.get(on_day.pair, ()), source, on_day.day)
            if newest is not None and judgment.target is not None:
                looks.append(_Look(pk, Item(item, 0.0, 0.0, source), on_day, judgment.target, *newest))
    held = load_items({look.snapshot for look in looks}) if looks else {}
    still_open = {look.pk for look in looks if look.is_short(held[look.snapshot])}
    closed = {look.pk: look for look in looks if look.pk not in still_open}
    return sum(_finish(look, gone=look.item.name not in held[look.snapshot], now=now) for look in closed.values())


@dataclass(frozen=True, slots=True)
class _Look:
    """A taken item beside the newest snapshot of its source."""

    pk: int
    item: Item
    on_day: GoalOnDay
    target: float
    snapshot: int
    as_of: date

    def is_short(self, items: Packed) -> bool:
        packed = items.get(self.item.name)
        if packed is None:
            return False
        numerator, denominator = unpack(packed)
        found = self.item._replace(numerator=numerator, denominator=denominator)
        return contribution(self.on_day.terms, self.target, found) > 0


def _newest(histories: Sequence[SourceHistory], source: str, day: date) -> tuple[int, date] | None:
    """The newest snapshot of a live source on a day: its id and its as_of."""
    for history in histories:
        held = history.readings
        if held.name == source and not (held.retired_on is not None and day >= held.retired_on):
            at = sum(1 for reading in held.readings if reading.as_of <= day)
            return (history.ids[at - 1], held.readings[at - 1].as_of) if at else None
    return None


def _finish(look: _Look, *, gone: bool, now: datetime) -> bool:
    """Release a closed item, with thanks if it was closed, and did not just move away or begin to be measured anew."""
    row = TakenItem.objects.select_related("by", "team", "metric").get(pk=look.pk)
    version = MetricVersion.objects.get(pk=look.on_day.metric_version)
    done = version.opened_at <= row.at and not (gone and _moved(row, version))
    done_on = max(look.as_of, row.at.date()) if done else None
    if not _close(row.pk, now, done_on):
        return False
    after = {"done": done_on.isoformat()} if done_on else {"released": True}
    record("taken item", f"{row.team.key}/{row.metric.key}", at=now, before=_said(row), after=after, via="judgment")
    return done


def _moved(row: TakenItem, version: MetricVersion) -> bool:
    """Whether another team has the item now: then nobody closed it."""
    if not row.item:
        return False
    elsewhere = Snapshot.objects.filter(source__metric_version=version, source__name=row.source)
    newest = elsewhere.exclude(source__team=row.team_id).filter(as_of=F("source__newest"))
    return newest.filter(items__has_key=row.item).exists()

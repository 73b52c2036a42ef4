"""One goal as a scorecard says it: its sentences, its anchor, its trail with links, and where its number came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from django.urls import reverse

from program import wording
from program.models import Playbook
from program.rules.status import SHORT
from program.rules.trail import Crumb
from teams.models import Snapshot, Standing, Team
from teams.scorecards import GoalCard

CRUMBS, CRUMBS_AT_MOST = 5, 200
BEFORE_THE_START = timedelta(days=120)
AFTER_THE_DUE_DAY = timedelta(days=14)


class Arrival(NamedTuple):
    """With what a value came: the file or token, when, and the digest of its bytes."""

    came_from: str
    received_at: datetime
    digest: str


@dataclass(frozen=True)
class CrumbView:
    """One item of a trail: `own` and `before` are what it and those before it close of the gap."""

    crumb: Crumb
    number: int
    link: str
    before: float


@dataclass(frozen=True)
class GoalView:
    """One goal as its part of the page says it."""

    card: GoalCard
    anchor: str
    first_of_metric: bool
    sentence: str
    late: str
    crumbs: Sequence[CrumbView]
    rest: Sequence[CrumbView]
    unshown: int
    playbook: Playbook | None
    check: str
    chart: str
    chart_told: str
    came: Arrival | None
    said_then: Standing | None
    open: bool


def anchor(metric: str, program: str) -> str:
    """Where a goal stands on its team's scorecard: programs may share a metric, so that it takes both keys."""
    return f"goal-{metric}-{program}"


def goal_views(
    team: Team,
    on: date,
    cards: Sequence[GoalCard],
    came: Mapping[tuple[int, date], Arrival],
    said: Mapping[int, Standing],
) -> list[GoalView]:
    """The goals of a scorecard, in its order; their charts share one time axis."""
    first_of = {card.goal.metric_id: card.goal.pk for card in reversed(cards)}
    first, last = _span(cards, on)
    # Made once: looking an address up for every goal costs more than judging it.
    charts = reverse("team", args=[team.key]) + "charts/"
    days = f"?on={on.isoformat()}&from={first.isoformat()}&until={last.isoformat()}"
    return [
        _view(card, first_of[card.goal.metric_id] == card.goal.pk, f"{charts}{card.goal.pk}.json{days}", came, said)
        for card in cards
    ]


def arrivals(team: Team, cards: Sequence[GoalCard]) -> dict[tuple[int, date], Arrival]:
    """The arrival that each shown value came with, by metric version and as_of. One query."""
    rows = Snapshot.objects.filter(
        source__team=team,
        source__metric_version__in={card.version.pk for card in cards},
        as_of__in={card.judgment.as_of for card in cards if card.judgment.as_of},
    ).order_by("run__received_at", "run")
    columns = ("source__metric_version", "as_of", "run__came_from", "run__received_at", "run__payload")
    return {(version, as_of): Arrival(*facts) for version, as_of, *facts in rows.values_list(*columns)}


def start_here(views: Sequence[GoalView]) -> tuple[GoalView, CrumbView] | None:
    """The goal and its item to begin with: the first of the worst goal that has any."""
    return next(((v, v.crumbs[0]) for v in views if v.card.status in SHORT and v.crumbs), None)


def _span(cards: Sequence[GoalCard], on: date) -> tuple[date, date]:
    """The days that all charts of the page show, so that they can be compared."""
    first = min((card.terms.start for card in cards), default=on)
    last = max((card.terms.due for card in cards), default=on)
    return first - BEFORE_THE_START, max(last, on) + AFTER_THE_DUE_DAY


def _view(
    card: GoalCard,
    first_of_metric: bool,
    chart: str,
    came: Mapping[tuple[int, date], Arrival],
    said: Mapping[int, Standing],
) -> GoalView:
    j = card.judgment
    playbook = getattr(card.goal.metric, "playbook", None)
    crumbs = _crumbs(card.trail[:CRUMBS_AT_MOST], playbook)
    return GoalView(
        card=card,
        anchor=anchor(card.goal.metric.key, card.goal.program.key),
        first_of_metric=first_of_metric,
        sentence=sentence(card),
        late=_late(card),
        crumbs=crumbs[:CRUMBS],
        rest=crumbs[CRUMBS:],
        unshown=len(card.trail) - len(crumbs),
        playbook=playbook,
        check=playbook.verify_for(crumbs[0].crumb.item if crumbs else "{item}") if playbook and playbook.verify else "",
        chart=chart if j.as_of else "",
        chart_told=_chart_told(card),
        came=came.get((card.version.pk, j.as_of)) if j.as_of else None,
        said_then=_said_then(card, said.get(card.goal.pk)),
        open=j.status in SHORT or card.held or j.slipped,
    )


def _crumbs(trail: Sequence[Crumb], playbook: Playbook | None) -> list[CrumbView]:
    found, before = [], 0.0
    for number, crumb in enumerate(trail, start=1):
        found.append(CrumbView(crumb, number, _link(playbook, crumb.item), before))
        before = crumb.closes or 0.0
    return found


def _link(playbook: Playbook | None, item: str) -> str:
    """Where the item is to be seen. Items come from feeds and addresses from a file: only http(s) becomes a link."""
    address = playbook.item_link if playbook else ""
    if not item or not address.startswith(("https://", "http://")):
        return ""
    return address.replace("{item}", quote(item))


def _said_then(card: GoalCard, kept: Standing | None) -> Standing | None:
    """What was said on a past day, where today's observations say something else."""
    if kept is None:
        return None
    j = card.judgment
    unit, aggregation = card.version.unit, card.version.aggregation
    now = (str(j.status), wording.value(j.value, unit, aggregation))
    return kept if (kept.status, wording.value(kept.value, unit, aggregation)) != now else None


def _late(card: GoalCard) -> str:
    """The forecast beside the due day, in words."""
    reaches, due = card.judgment.forecast, card.terms.due
    if reaches is None:
        return "at the pace of the last 90 days"
    days = (reaches - due).days
    if days <= 0:
        return "in time"
    if days < 14:
        return f"{wording.count(days, 'day')} late"
    if days < 120:
        return f"{wording.count(round(days / 7), 'week')} late"
    if days < 730:
        return f"{wording.count(round(days / 30.44), 'month')} late"
    return f"{wording.count(round(days / 365.25), 'year')} late"


def _chart_told(card: GoalCard) -> str:
    """What the chart shows, for who does not see it: from where to where, by when."""
    j, unit, aggregation = card.judgment, card.version.unit, card.version.aggregation
    if j.value is None:
        return f"{card.goal.metric.name} over time; there is no value on this day."
    said = f"{wording.value(j.value, unit, aggregation)} as of {wording.day(j.as_of)}"
    if j.baseline is not None:
        said = f"{wording.value(j.baseline, unit, aggregation)} at the baseline, {said}"
    if j.target is not None:
        said += f"; the path leads to {wording.value(j.target, unit, aggregation)} on {wording.day(card.terms.due)}"
    return f"{said[0].upper()}{said[1:]}."


def sentence(card: GoalCard) -> str:
    """The first line of a goal: where it stands, in words."""
    j, unit, aggregation = card.judgment, card.version.unit, card.version.aggregation
    if j.reason:
        rests = " Nobody is nudged for this." if j.status == "stale" else ""
        return f"{j.reason[0].upper()}{j.reason[1:]}.{rests}"
    if j.value is None or j.target is None:
        return ""
    by = f"{wording.value(j.target, unit, aggregation)} by {wording.day(card.terms.due)}"
    if j.status == "met":
        return f"At its target of {wording.value(j.target, unit, aggregation)}."
    if j.status == "upcoming":
        return f"Begins on {wording.day(card.terms.start)}; target {by}."
    if j.status == "exempt":
        return f"Exempt today; target {by}."
    short = wording.gap(j.gap, unit, aggregation)
    if j.status == "on track":
        return f"On its path; {short} to go to {by}."
    level = "target" if j.status == "overdue" else "path"
    back = wording.count(len(card.trail), "item")
    verb = "brings" if len(card.trail) == 1 else "bring"
    trail = f"; {back} {verb} it back" if card.trail and card.trail[-1].closes == 1 else ""
    if level == "target" and trail:
        trail = f"; {back} {verb} it there"
    slipped = "It was on its path at the last measurement. " if j.slipped else ""
    return f"{slipped}{short[0].upper()}{short[1:]} from its {level}{trail}."

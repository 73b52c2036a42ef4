"""Hot spots before a program: how much of what a metric is short of lies in a few items, and what fixing them gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.clock import today
from program import drafts, wording
from program.models import Metric, MetricVersion, Playbook
from program.rules.hot_spots import why_not
from teams.hot_spots import HotSpots, Step, find
from web import access
from web.crumbs import item_link
from web.render import page


@dataclass(frozen=True)
class Line:
    """One item or team: what it is, where it leads, what it holds, and what it and those before it hold together."""

    name: str
    link: str
    team: str
    team_link: str
    short: str
    share: float
    together: float


@dataclass
class Context:
    """The hot spots of a metric; `why` says why there are none, where its kind has none."""

    template: ClassVar[str] = "pages/hot-spots.html"
    here: ClassVar[str] = "programs"
    metric: Metric
    version: MetricVersion
    why: str
    sentence: str
    told: Sequence[str]
    spots: HotSpots | None
    items: Sequence[Line]
    teams: Sequence[Line]
    steps: Sequence[Step]
    whole: str
    has: str
    new_program: str
    has_items: bool


@require_safe
def hot_spots(request: HttpRequest, key: str) -> HttpResponse:
    """Where a metric's shortfall lies."""
    metric = access.metric(request, key)
    version = get_object_or_404(MetricVersion.objects.select_related("metric"), metric=metric, current=True)
    why = why_not(version.aggregation, version.direction)
    found = None if why else find(version, today("UTC"))
    sentence = _why_none(metric, why) if found is None else _sentence(found)
    may_start = drafts.may_start(access.person(request))
    named = bool(found and any(spot.name for spot in found.spots))
    return page(
        request,
        Context(
            metric=metric,
            version=version,
            why=why,
            sentence=sentence,
            told=_told(found) if found else [],
            spots=found,
            items=_items(found, Playbook.objects.filter(metric=metric).first()) if found else [],
            teams=_teams(found) if found else [],
            steps=found.steps if found and named else [],
            whole=_whole(version),
            has="Missing" if version.direction == MetricVersion.Direction.UP else "Has",
            new_program=_new_program(metric, sentence) if may_start and found and found.by_item.number else "",
            has_items=named,
        ),
    )


def _why_none(metric: Metric, why: str) -> str:
    return f"{metric.name} has no hot spots: {why}."


def _sentence(found: HotSpots) -> str:
    """A few items, or no few: and what fixing them gives."""
    few, version = found.by_item, found.version
    if not found.items:
        return "Nothing was measured yet."
    items = wording.count(few.few, "item")
    if not few.number:
        return f"Nothing is short: {_all_of(found.items)} as it should be."
    of = f"{items} of {found.items:,}" if few.few < found.items else f"All {items}"
    holds = "holds" if few.few == 1 and few.few < found.items else "hold"
    if not few.enough:
        top = f"the largest {items} of {found.items:,} {holds} {wording.share(few.top)} of {_whole(version)}"
        return f"It is spread out: {top}."
    said = f"{of} {holds} {wording.share(few.few_hold)} of {_whole(version)}"
    before, after = wording.apart(found.value, found.after, version.unit, version.aggregation)
    which = "it" if few.few == 1 else "these"
    return f"{said}: fix {which}, no program needed. That takes the total from {before} to {after}."


def _whole(version: MetricVersion) -> str:
    """What the items hold their shares of, in words."""
    if version.aggregation == MetricVersion.Aggregation.SUM:
        return f"all {version.unit}" if version.unit.strip() else "all of it"
    return "what is missing" if version.direction == MetricVersion.Direction.UP else "all that counts against it"


def _all_of(items: int) -> str:
    return "the one item is" if items == 1 else f"each of {items:,} items is"


def _told(found: HotSpots) -> list[str]:
    """What stands below the sentence: how teams share it, what is nobody's, and what that speaks for."""
    said = []
    if found.half and found.by_team.number:
        teams = wording.count(found.half, "team")
        verb = "holds" if found.half == 1 else "hold"
        of_all = "" if found.teams_measured == found.half else f" of {found.teams_measured}"
        said.append(f"{teams}{of_all} {verb} half of what teams have of it.")
    if found.unowned:
        said.append(f"{wording.share(found.unowned)} of it is nobody's: no rule says whose it is.")
    if found.by_item.number and not found.by_item.enough:
        said.append("No few fixes do it: many teams would have to move, which is what a program is for.")
    return said


def _items(found: HotSpots, playbook: Playbook | None) -> list[Line]:
    lines, together = [], 0.0
    for spot in found.spots:
        together += spot.short
        team = found.names.get(spot.team or 0)
        lines.append(
            Line(
                name=wording.item(spot.name),
                link=item_link(playbook, spot.name) if spot.name else "",
                team=team.name if team else "",
                team_link=reverse("team", args=[team.key]) if team else "",
                short=_short(spot.short, found.version),
                share=spot.short / found.by_item.total,
                together=min(1.0, together / found.by_item.total),
            )
        )
    return lines


def _teams(found: HotSpots) -> list[Line]:
    lines, together = [], 0.0
    for one in found.teams:
        together += one.short
        lines.append(
            Line(
                name=one.team.name if one.team else "nobody's",
                link=reverse("team", args=[one.team.key]) if one.team else f"{reverse('unowned')}?metric={_key(found)}",
                team=wording.count(one.items, "item"),
                team_link="",
                short=_short(one.short, found.version),
                share=one.short / found.by_item.total,
                together=min(1.0, together / found.by_item.total),
            )
        )
    return lines


def _key(found: HotSpots) -> str:
    return found.version.metric.key


def _short(number: float, version: MetricVersion) -> str:
    """What something is short of: in the metric's unit, or as a number of what a ratio counts."""
    unit = "" if version.aggregation == MetricVersion.Aggregation.RATIO else version.unit
    return wording.value(number, unit)


def _new_program(metric: Metric, sentence: str) -> str:
    """Where a program on this metric is started, with what was seen here."""
    return f"{reverse('program-new')}?{urlencode({'name': metric.name, 'purpose': f'{metric.name}. {sentence}'})}"

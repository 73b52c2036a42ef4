"""What a program's page shows to every reader alike: counts, totals, the heat map, and who moved."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.core.cache import caches
from django.db.models import Count
from django.shortcuts import get_object_or_404
from markupsafe import Markup

from nudges.models import Nudge
from program.models import Metric, Program
from teams.boards import board, movers, totals, trend
from teams.limits import queue_of
from teams.open_matters import open_of
from web import charts, freshness, heatmap, overview, program_effect, queue_words
from web.overview import Move, Together, TotalLine

MOST_PACED = 4
"""Totals whose pace the page itself says, which takes a whole trend for each; with more, their charts show it."""
KEPT = 3600
"""Seconds for which the picture is kept; it is worked out anew as soon as anything it rests on has changed."""
DAYS_OF_NUDGES = timedelta(days=28)
DAYS_BEFORE = timedelta(days=92)


@dataclass(frozen=True)
class Column:
    """A metric's heading in the heat map: where it leads, and how it is sorted now (a word of aria-sort, or '')."""

    name: str
    sort: str
    sorted: str


@dataclass(frozen=True)
class Picture:
    """What the page shows to every reader alike."""

    sentence: str
    counts: Sequence[tuple[str, int]]
    teams: int
    goals: int
    columns: Sequence[Column]
    heat: Markup
    sort: str
    totals: Sequence[TotalLine]
    beside: str
    """how the totals' pace goes with the teams'; empty where it speaks for itself"""
    movers: Sequence[Move]
    said: int
    withheld: int
    open: str
    queue: Sequence[str]
    effect: program_effect.OnPage


def kept(found: Program, on: date, present: date, sort: str, rests_on: str) -> Picture:
    """The picture of a day, worked out anew only when what it rests on (see freshness) has changed."""
    held = caches["pages"]
    name = freshness.short([rests_on, present, sort])
    made: Picture | None = held.get(name)
    if made is None:
        made = picture(found, on, present, sort)
        held.set(name, made, KEPT)
    return made


def unlinked(heat: Markup) -> Markup:
    """The table's rows with cells that say themselves as before, and lead nowhere."""
    cells = TO_TEAM.sub('<a tabindex="0"', str(heat))
    return Markup(TO_SCORECARD.sub("", cells))  # noqa: S704 - less of what was escaped before


TO_TEAM = re.compile(r'<a (?=class="[^"]*" aria-label=)')
TO_SCORECARD = re.compile(r' href="/(?:teams|groups)/[^"]*"')


def picture(found: Program, on: date, present: date, sort: str) -> Picture:
    """The picture of a day, its table sorted by a metric, by team, by worst or by group."""
    shown = board(found, on, present)
    together = _together(found, on)
    lately = Nudge.objects.filter(goal__program=found, day__gt=on - DAYS_OF_NUDGES, day__lte=on)
    told = dict(lately.order_by().values_list("state").annotate(Count("pk")))
    grouped = heatmap.is_grouped(shown, sort)
    return Picture(
        sentence=f"{overview.sentence(shown)} {together.pace}".strip(),
        counts=[(status, number) for status, number in shown.counts.items() if number],
        teams=len(shown.rows),
        goals=sum(shown.counts.values()),
        columns=[_column(metric, sort) for metric in shown.metrics],
        heat=heatmap.body(shown, heatmap.sorted_rows(shown, sort), grouped=grouped, today=present),
        sort="" if grouped else sort,
        totals=together.lines,
        beside=overview.teams_beside(shown, together),
        movers=[overview.move(mover) for mover in movers(found, on)],
        said=told.get(Nudge.State.SAID, 0),
        withheld=told.get(Nudge.State.WITHHELD, 0),
        open=open_of(found, on) if on == present else "",
        queue=queue_words.of_program(queue_of(found), present) if on == present else [],
        effect=program_effect.on_page(found, on, MOST_PACED),
    )


def _together(found: Program, on: date) -> Together:
    """All teams taken together; with few metrics also when each total reaches its target."""
    held = totals(found, on)
    paced = len(held) <= MOST_PACED
    return overview.together([(total, trend(found, total.metric, on) if paced else None) for total in held], on)


def _column(metric: Metric, sort: str) -> Column:
    """Chosen again, a heading turns its order round."""
    if sort == metric.key:
        return Column(metric.name, f"-{metric.key}", "ascending")
    return Column(metric.name, metric.key, "descending" if sort == f"-{metric.key}" else "")


def total_figure(found: Program, metric: str, on: date) -> Any:
    """The figure of a program's total on one metric, by its key. 404 where the program has none."""
    metrics = Metric.objects.filter(goals__program=found).distinct()
    total = trend(found, get_object_or_404(metrics, key=metric), on)
    # What lies long before the program began is not its story.
    shown = [point for point in total.points if point.day >= found.start - DAYS_BEFORE] or total.points
    days = [point.day for point in shown]
    values, path = [point.value for point in shown], [point.expected for point in shown]
    return charts.total_figure(total.version, days, values, path, total.target, total.due)

"""A program: how it stands in one sentence, its totals against their paths, and every team on every metric."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from django.core.cache import caches
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe
from markupsafe import Markup

from accounts.clock import now, today
from nudges.models import Nudge
from program import wording
from program.models import Metric, Program, ProgramOwner
from reviews.models import Review
from teams.boards import board, movers, totals, trend
from teams.limits import queue_of
from teams.open_matters import open_of
from web import access, charts, freshness, heatmap, overview, queue_words
from web.figures import figure_answer
from web.overview import Move, Together, TotalLine
from web.render import page

MOST_PACED = 4
"""Totals whose pace the page itself says, which takes a whole trend for each; with more, their charts show it."""
DAYS_OF_NUDGES = timedelta(days=28)
DAYS_BEFORE = timedelta(days=92)
KEPT = 3600
"""Seconds for which what all readers see is kept; it is worked out anew as soon as anything it rests on has changed."""


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
    movers: Sequence[Move]
    said: int
    withheld: int
    open: str
    queue: Sequence[str]


@dataclass
class Context:
    """The program page."""

    template: ClassVar[str] = "pages/program.html"
    here: ClassVar[str] = "programs"
    program: Program
    owners: Sequence[ProgramOwner]
    on: date
    today: date
    standing: str
    picture: Picture
    review: Review | None
    may_see_review: bool
    is_owner: bool
    feeds: str


@require_safe
def program(request: HttpRequest, key: str) -> HttpResponse:
    """The program on a day: today in its review zone, or the one in ?on=."""
    found = access.program(request, key)
    moment = now()
    present = today(found.review_zone, moment)
    on = access.day(request, min(present, found.ended_on or present))  # a program that is over is shown at its end
    user = access.person(request)
    sort = request.GET.get("sort", "")[:81]
    rests_on = freshness.rests_on(found, on, moment)
    tag = f'W/"{freshness.short([rests_on, present, user.pk, str(user), user.is_superuser, sort])}"'
    if request.headers.get("If-None-Match") == tag:
        answer = HttpResponse(status=304)
    else:
        answer = page(request, _context(request, found, on, present, sort, rests_on))
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, no-cache"
    return answer


def _context(request: HttpRequest, found: Program, on: date, present: date, sort: str, rests_on: str) -> Context:
    user = access.person(request)
    kept = caches["pages"]
    name = freshness.short([rests_on, present, sort])
    picture: Picture | None = kept.get(name)
    if picture is None:
        picture = _picture(found, on, present, sort)
        kept.set(name, picture, KEPT)
    return Context(
        program=found,
        owners=list(found.owners.select_related("user")),
        on=on,
        today=present,
        standing=overview.standing(found),
        picture=picture,
        review=Review.objects.to_come(now()).filter(program=found).first(),
        may_see_review=Review.objects.visible_to(user).filter(program=found).exists(),
        is_owner=Program.objects.run_by(user).filter(pk=found.pk).exists(),
        feeds=_feeds(found),
    )


def _feeds(found: Program) -> str:
    """How the program's feeds do, in words; every change of that comes with a run."""
    failing = [bool(failures) for failures in found.feeds.values_list("failures", flat=True)]
    if not failing:
        return "No feed is connected: numbers are sent by hand or by a script."
    if not any(failing):
        return f"{wording.count(len(failing), 'feed')}: nothing is failing."
    return f"{sum(failing)} of {wording.count(len(failing), 'feed')} {'is' if sum(failing) == 1 else 'are'} failing."


def _picture(found: Program, on: date, present: date, sort: str) -> Picture:
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
        movers=[overview.move(mover) for mover in movers(found, on)],
        said=told.get(Nudge.State.SAID, 0),
        withheld=told.get(Nudge.State.WITHHELD, 0),
        open=open_of(found, on) if on == present else "",
        queue=queue_words.of_program(queue_of(found), present) if on == present else [],
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


@require_safe
def chart(request: HttpRequest, key: str, metric: str) -> HttpResponse:
    """The figure of the program's total on one metric."""
    found = access.program(request, key)
    on = access.day(request, today(found.review_zone))
    metrics = Metric.objects.filter(goals__program=found).distinct()
    total = trend(found, get_object_or_404(metrics, key=metric), on)
    # What lies long before the program began is not its story.
    shown = [point for point in total.points if point.day >= found.start - DAYS_BEFORE] or total.points
    days = [point.day for point in shown]
    values, path = [point.value for point in shown], [point.expected for point in shown]
    return figure_answer(request, charts.total_figure(total.version, days, values, path, total.target, total.due))


@require_safe
def table(request: HttpRequest, key: str) -> HttpResponse:
    """Every team on every metric, as CSV."""
    found = access.program(request, key)
    present = today(found.review_zone)
    on = access.day(request, present)
    text = io.StringIO(newline="")
    csv.writer(text).writerows(heatmap.table(board(found, on, present)))
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.key}-{on.isoformat()}.csv"'
    return answer

"""A program: how it stands in one sentence, its total against the path, and every team on every metric."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe
from markupsafe import Markup

from accounts.clock import now, today
from nudges.models import Nudge
from program import wording
from program.models import Metric, Program, ProgramOwner
from program.rules.numbers import reached
from reviews.models import Review
from teams.boards import Board, Mover, Total, Trend, board, movers, totals, trend
from teams.statements import fetch
from web import access, charts, heatmap
from web.figures import figure_answer
from web.render import page

NOT_JUDGED = ("stale", "no data", "exempt")
MOST_PACED = 4
"""Metrics for which the page itself says the pace, which takes the whole trend; with more, the charts do."""


@dataclass(frozen=True)
class TotalLine:
    """The program's total on one metric, in words and for its chart."""

    total: Total
    sentence: str
    chart: str


@dataclass
class Context:
    """The program page."""

    template: ClassVar[str] = "pages/program.html"
    here: ClassVar[str] = "programs"
    program: Program
    owners: Sequence[ProgramOwner]
    on: date
    today: date
    sentence: str
    counts: Sequence[tuple[str, int]]
    board: Board
    heat: Markup
    sort: str
    totals: Sequence[TotalLine]
    movers: Sequence[Mover]
    said: int
    withheld: int
    review: Review | None
    may_see_review: bool
    is_owner: bool


@require_safe
def program(request: HttpRequest, key: str) -> HttpResponse:
    """The program on a day: today in its review zone, or the one in ?on=."""
    found = access.program(request, key)
    present = today(found.review_zone)
    on = access.day(request, present)
    user = access.person(request)
    tag = _tag(found, on, user.pk, request.GET.get("sort", ""))
    if request.headers.get("If-None-Match") == tag:
        answer = HttpResponse(status=304)
    else:
        answer = page(request, _context(request, found, on, present))
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, no-cache"
    return answer


def _context(request: HttpRequest, found: Program, on: date, present: date) -> Context:
    user = access.person(request)
    shown = board(found, on, present)
    sort = request.GET.get("sort", "")
    rows = heatmap.sorted_rows(shown, sort)
    found_totals = totals(found, on)
    lines = [_line(found, total, on, paced=len(found_totals) <= MOST_PACED) for total in found_totals]
    lately = Nudge.objects.filter(goal__program=found, day__gt=on - timedelta(days=28), day__lte=on)
    told = dict(lately.order_by().values_list("state").annotate(Count("pk")))
    reviews = Review.objects.filter(program=found, state=Review.State.SCHEDULED, starts_at__gte=now())
    return Context(
        program=found,
        owners=list(found.owners.select_related("user")),
        on=on,
        today=present,
        sentence=_sentence(shown),
        counts=[(status, number) for status, number in shown.counts.items() if number],
        board=shown,
        heat=heatmap.body(shown, rows, grouped=sort not in shown.versions and sort != "worst"),
        sort=sort,
        totals=lines,
        movers=movers(found, on),
        said=told.get("said", 0),
        withheld=told.get("withheld", 0),
        review=reviews.order_by("starts_at").first(),
        may_see_review=Review.objects.visible_to(user).filter(program=found).exists(),
        is_owner=Program.objects.run_by(user).filter(pk=found.pk).exists(),
    )


@require_safe
def chart(request: HttpRequest, key: str, metric: str) -> HttpResponse:
    """The figure of the program's total on one metric."""
    found = access.program(request, key)
    on = access.day(request, today(found.review_zone))
    metrics = Metric.objects.filter(goals__program=found).distinct()
    total = trend(found, get_object_or_404(metrics, key=metric), on)
    days = [point.day for point in total.points]
    values, path = [point.value for point in total.points], [point.expected for point in total.points]
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


CHANGED = """
SELECT max(s.judged_at), count(s.id), max(g.judge_due_at), count(g.id),
  (SELECT max(t.set_at) FROM teams_goalterms t JOIN teams_goal o ON o.id = t.goal_id WHERE o.program_id = %s),
  (SELECT max(n.decided_at) FROM nudges_nudge n JOIN teams_goal o ON o.id = n.goal_id WHERE o.program_id = %s),
  (SELECT max(r.id) FROM reviews_review r WHERE r.program_id = %s)
FROM teams_goal g LEFT JOIN teams_standing s ON s.goal_id = g.id AND s.day = %s WHERE g.program_id = %s
"""


def _tag(found: Program, on: date, user: int, sort: str) -> str:
    """Changes whenever something that the page says may have changed: newest rows and counts, in one query."""
    key = found.pk
    facts: list[Any] = [found.__dict__ | {"_state": None}, on, today(found.review_zone), user, sort]
    facts += fetch(CHANGED, [key, key, key, on.isoformat(), key])
    return f'W/"{hashlib.sha256(repr(facts).encode()).hexdigest()[:32]}"'


def _line(found: Program, total: Total, on: date, *, paced: bool) -> TotalLine:
    address = f"/programs/{found.key}/charts/{total.metric.key}.json?on={on.isoformat()}"
    pace = _pace(trend(found, total.metric, on)) if paced else ""
    return TotalLine(total, f"{_total_sentence(total)} {pace}".strip(), address)


def _total_sentence(total: Total) -> str:
    """The program's total against its path, in words."""
    if total.value is None:
        return "No team has a value yet."
    unit, aggregation = total.version.unit, total.version.aggregation
    said = f"All teams together stand at {wording.value(total.value, unit, aggregation)}"
    said += f" (as of {wording.day(total.as_of)})"
    if total.expected is not None:
        said += f", their paths at {wording.value(total.expected, unit, aggregation)}"
    if total.target is not None:
        said += f"; target {wording.value(total.target, unit, aggregation)} by {wording.day(total.due)}"
    return f"{said}."


def _pace(total: Trend) -> str:
    """When the total reaches its target at the present pace, beside the day it is due."""
    last = next((point for point in reversed(total.points) if point.value is not None), None)
    up = total.version.direction == "up"
    if last is None or total.target is None or total.due is None or reached(last.value or 0.0, total.target, up):
        return ""
    reaches = total.forecast()
    if reaches is None:
        return "At the pace of the last 90 days it does not get there."
    late = (reaches - total.due).days
    beside = "in time" if late <= 0 else f"{wording.count(round(late / 7) or 1, 'week')} late"
    return f"At the pace of the last 90 days it gets there on {wording.day(reaches)}, {beside}."


def _sentence(shown: Board) -> str:
    """The page's first line."""
    teams = len(shown.rows)
    if not teams:
        return ""
    short = sum(
        1 for row in shown.rows if any(c.status in ("behind", "overdue", "at risk") for c in row.cells.values())
    )
    slipped = f", {wording.count(shown.slipped, 'goal')} slipped since the last measurement" if shown.slipped else ""
    unknown = sum(shown.counts[status] for status in NOT_JUDGED)
    apart = f" {wording.count(unknown, 'goal')} cannot be counted either way." if unknown else ""
    at_target = (
        f"{shown.teams_at_target} of {wording.count(teams, 'team')} {'is' if shown.teams_at_target == 1 else 'are'}"
    )
    return f"{at_target} at target, {short} {'is' if short == 1 else 'are'} off the path{slipped}.{apart}"

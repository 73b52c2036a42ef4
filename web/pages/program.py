"""A program: how it stands in one sentence, its totals against their paths, and every team on every metric."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.clock import now, today
from program import wording
from program.models import Program, ProgramOwner
from reviews import priorities
from reviews.models import Priority, Review
from teams.boards import board
from web import access, dashboard, freshness, heatmap, overview
from web.figures import figure_answer
from web.render import page


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
    picture: dashboard.Picture
    review: Review | None
    may_see_review: bool
    is_owner: bool
    feeds: str
    priorities: Sequence[Priority]


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
    runs = Program.objects.run_by(user).filter(pk=found.pk).exists()
    return Context(
        program=found,
        owners=list(found.owners.select_related("user")),
        on=on,
        today=present,
        standing=overview.standing(found),
        picture=dashboard.kept(found, on, present, sort, rests_on),
        review=Review.objects.to_come(now()).filter(program=found).first(),
        may_see_review=Review.objects.visible_to(user).filter(program=found).exists(),
        is_owner=runs,
        feeds=_feeds(found),
        priorities=priorities.of_program(user, found) if runs or user == found.sponsor else [],
    )


def _feeds(found: Program) -> str:
    """How the program's feeds do, in words; every change of that comes with a run."""
    failing = [bool(failures) for failures in found.feeds.values_list("failures", flat=True)]
    if not failing:
        return "No feed is connected: numbers are sent by hand or by a script."
    if not any(failing):
        return f"{wording.count(len(failing), 'feed')}: nothing is failing."
    return f"{sum(failing)} of {wording.count(len(failing), 'feed')} {'is' if sum(failing) == 1 else 'are'} failing."


@require_safe
def chart(request: HttpRequest, key: str, metric: str) -> HttpResponse:
    """The figure of the program's total on one metric."""
    found = access.program(request, key)
    return figure_answer(request, dashboard.total_figure(found, metric, access.day(request, today(found.review_zone))))


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

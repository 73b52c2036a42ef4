"""Whether a program works: the verdict, each metric's number with its interval, how it was found, and what was said."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from django.db.models import F, Q, Window
from django.db.models.functions import Lag
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.clock import today
from program.models import Metric, Program
from reviews import verdict_words
from reviews.models import Effect, EffectQuerySet, Pace, holding
from teams import effect_series
from teams.models import Team
from web import access, program_effect
from web.figures import figure_answer
from web.program_effect import EffectTold, KeptVerdict, PaceTold
from web.render import page

SHOWN = 40
"""Turns of the verdict that stand on the page; every finding is in the table to download."""
BEFORE = Window(Lag("verdict"), partition_by="metric_version", order_by="day")


@dataclass
class Context:
    """A program's effect."""

    template: ClassVar[str] = "pages/effect.html"
    here: ClassVar[str] = "programs"
    program: Program
    on: date
    sentence: str
    findings: Sequence[EffectTold]
    paces: Sequence[PaceTold]
    history: Sequence[KeptVerdict]
    more: bool
    unknown: Sequence[str]
    is_owner: bool


@require_safe
def effect(request: HttpRequest, key: str) -> HttpResponse:
    """For whoever sees the program. What is kept is read; nothing is computed."""
    found = access.program(request, key)
    on = today(found.review_zone)
    effects, paces = holding(Effect, found, on), holding(Pace, found, on)
    turned = Q(said_before=None) | ~Q(said_before=F("verdict"))
    turns = list(_every(found).annotate(said_before=BEFORE).filter(turned)[: SHOWN + 1])
    context = Context(
        program=found,
        on=on,
        sentence=verdict_words.program_sentence(effects, on),
        findings=[program_effect.effect_told(one, on) for one in verdict_words.in_order(effects)],
        paces=[program_effect.pace_told(one, found, on, named=len(paces) > 1) for one in paces],
        history=[program_effect.kept_verdict(one) for one in turns[:SHOWN]],
        more=len(turns) > SHOWN,
        unknown=_unknown(found),
        is_owner=access.owns(access.person(request), found),
    )
    return page(request, context)


def _every(found: Program) -> EffectQuerySet:
    """Every finding that was kept, the newest first."""
    kept = Effect.objects.filter(program=found).select_related("metric_version__metric").defer("facts")
    return kept.order_by("-day", "metric_version__metric__key", "-metric_version__number")


def _unknown(found: Program) -> list[str]:
    """Guardrails that are named and are no metric."""
    named = [str(key) for key in found.guardrails]
    if not named:
        return []
    known = set(Metric.objects.filter(key__in=named).values_list("key", flat=True))
    return [key for key in named if key not in known]


def _finding(found: Program, metric: str, version: int) -> Effect:
    """The newest finding of one metric version of a program, or 404."""
    rows = Effect.objects.filter(program=found).select_related("metric_version__metric").order_by("-day")
    row = None
    if "\0" not in metric and version < 2**31:
        row = rows.filter(metric_version__metric__key=metric, metric_version__number=version).first()
    if row is None:
        raise Http404(f"nothing was found of {metric[:40]!a} by its version {version}")
    return row


@require_safe
def chart(request: HttpRequest, key: str, metric: str, version: int) -> HttpResponse:
    """The figure of one finding, as it was kept."""
    found = access.program(request, key)
    return figure_answer(request, program_effect.figure(_finding(found, metric, version)))


@require_safe
def table(request: HttpRequest, key: str, metric: str, version: int) -> HttpResponse:
    """The series that one finding rests on, a line for each team and day, as they are held now."""
    found = access.program(request, key)
    row = _finding(found, metric, version)
    text = io.StringIO(newline="")
    out = csv.writer(text)
    out.writerow(["team", "program began", "as_of", "value", "weight", "counts"])
    questions = [one for one in effect_series.asked(found, row.day) if one.version.pk == row.metric_version_id]
    for question in questions:
        out.writerows(_lines(effect_series.read(question, row.day)))
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.key}-{row.metric_version.metric.key}-effect.csv"'
    return answer


@require_safe
def history(request: HttpRequest, key: str) -> HttpResponse:
    """Every finding that was kept, as CSV."""
    found = access.program(request, key)
    text = io.StringIO(newline="")
    out = csv.writer(text)
    columns = ["day", "verdict", "effect", "low", "high", "before", "now", "expected", "treated", "compared"]
    out.writerow(["metric", "version", "guardrail", *columns, "method", "why"])
    for one in _every(found):
        version = one.metric_version
        cells = ["" if (cell := getattr(one, name)) is None else cell for name in columns]
        out.writerow([version.metric.key, version.number, one.guardrail, *cells, one.method, one.why])
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.key}-verdicts.csv"'
    return answer


def _lines(series: effect_series.EffectSeries) -> list[list[object]]:
    """A line for each team and common day; `counts` says on which side the team stands."""
    keys = dict(Team.objects.filter(pk__in=series.teams).values_list("pk", "key"))
    lines: list[list[object]] = []
    for team in sorted(series.teams, key=lambda pk: keys[pk]):
        one, grid = series.teams[team], series.on_grid[team]
        began = series.asked.starts.get(team)
        side = "compared" if grid.start is None else "with the program"
        for day, value in zip(series.days, one.values, strict=True):
            shown = "" if value is None else value
            lines.append([keys[team], began.isoformat() if began else "", day.isoformat(), shown, one.weight, side])
    return lines

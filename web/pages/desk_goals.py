"""The owner's desk, goals in bulk: a line of goals with what it would mean, said while numbers are dragged."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.clock import now, today
from nudges.replay import WEEKS, replay
from program.models import GoalRule, MetricVersion, Program
from program.typed_in import TypedIn
from teams import goal_lines, lifecycle
from teams.goal_lines import Leaving
from teams.metric_totals import totals_now
from teams.preview import Preview, begun_earlier, preview
from teams.typed import Unfit
from web import access, desk_words, goal_form, goal_preview
from web.goal_form import Choices, Read
from web.goal_preview import Shown
from web.grounds import ground_of, org
from web.heatmap import safe
from web.render import page

LONGEST_REASON = 2000
LONGEST_LINK = 6000
"""Characters of an address; browsers and servers take some more."""


@dataclass
class Fragment:
    """What a line would mean, alone: for a script that asks while somebody types."""

    template: ClassVar[str] = "pages/desk-goal-look.html"
    here: ClassVar[str] = "programs"
    program: Program
    faults: Mapping[str, str]
    shown: Shown | None
    bounds: Bounds
    every: bool
    look: str
    csv: str
    shows: Mapping[str, str]
    sorts: Mapping[str, str]


@dataclass
class Context(Fragment):
    """The form of a line, a new one or one that is there (`rule`), with what it would mean as it stands."""

    template: ClassVar[str] = "pages/desk-goal.html"
    needs_reason: bool
    form: TypedIn
    choices: Choices
    options: Sequence[tuple[str, str]]
    rule: GoalRule | None
    was: str
    lines: Sequence[tuple[int, str]]
    """all lines of the program: which one it is, the first being 1, and what it says"""
    leaving: Leaving | None
    live: bool
    reason: str
    find: str
    query: str
    problem: str
    messages: Sequence[str]


@dataclass(frozen=True)
class Bounds:
    """Between what a target is dragged, in which steps, and what stands behind the number."""

    least: float = 0
    most: float = 100
    step: float = 1
    unit: str = " %"


@dataclass(frozen=True)
class Asked:
    """A request for a line: the program, the line that is changed, what is typed and what may be chosen."""

    program: Program
    rule: GoalRule | None
    form: TypedIn
    read: Read
    choices: Choices
    day: date


@require_http_methods(["GET", "HEAD", "POST"])
def line(request: HttpRequest, key: str, position: int = 0) -> HttpResponse:
    """A line of goals: the form with what it would mean; saved only by its own button."""
    asked = _asked(request, key, position)
    context = _context(request, asked)
    if request.method != "POST" or request.POST.get("do") != "save":
        return page(request, context)
    context.reason = request.POST.get("reason", "").strip()[:LONGEST_REASON]
    if asked.read.rule is None or "\0" in context.reason:
        context.problem = "" if asked.read.rule is None else "A reason without null bytes was expected."
        return page(request, context, status=400)
    if context.needs_reason and not context.reason:
        context.problem = "Goals are live: a word of why was expected, which stands on each goal's history."
        return page(request, context, status=400)
    try:
        said = goal_lines.save(
            asked.program, asked.rule.position if asked.rule else None, asked.read.asked(),
            was=request.POST.get("was", ""), by=access.person(request), reason=context.reason, now=now(),
        )  # fmt: skip
    except Unfit as unfit:
        context.problem = str(unfit)
        return page(request, context, status=400)
    messages.info(request, " ".join(["Saved.", *said]) if said else "Saved: no goal changed.")
    return redirect("desk", asked.program.key)


@require_http_methods(["GET", "HEAD", "POST"])
def look(request: HttpRequest, key: str, position: int = 0) -> HttpResponse:
    """What a line would mean, as a part of the page. Changes nothing; a POST holds more teams than an address."""
    asked = _asked(request, key, position)
    _, shown = _shown(request, asked)
    return page(request, Fragment(**_parts(request, asked, shown)))


def _parts(request: HttpRequest, asked: Asked, shown: Shown | None) -> dict[str, Any]:
    """What page and fragment have in common."""
    where = (
        ("desk-goal", asked.program.key, asked.rule.position + 1) if asked.rule else ("desk-goals", asked.program.key)
    )
    return {
        "program": asked.program,
        "faults": asked.read.faults,
        "shown": shown,
        "bounds": _bounds(asked.read.version),
        "every": bool(_query(request).get("every")),
        "look": reverse(f"{where[0]}-look", args=where[1:]),
        "csv": reverse(f"{where[0]}-csv", args=where[1:]),
        "shows": goal_preview.SHOWS,
        "sorts": goal_preview.SORTS,
    }


@require_http_methods(["GET", "HEAD", "POST"])
def table(request: HttpRequest, key: str, position: int = 0) -> HttpResponse:
    """Every team of a line, as CSV. Changes nothing."""
    asked = _asked(request, key, position)
    if asked.read.rule is None:
        raise Http404("a line with faults has no table")
    found = preview(asked.program, asked.read.rule, ground_of(_version(asked)), now(), asked.choices.teams)
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    for row in goal_preview.table(found):
        rows.writerow([safe(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in row])
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{asked.program.key}-goals-{asked.day.isoformat()}.csv"'
    return answer


@require_POST
def move(request: HttpRequest, key: str, position: int) -> HttpResponse:
    """Let a line change places with its neighbour: of two lines for one team the later one wins."""
    return _change(request, key, position, "move")


@require_POST
def remove(request: HttpRequest, key: str, position: int) -> HttpResponse:
    """Take a line out: the goals that no other line asks end."""
    return _change(request, key, position, "remove")


def _change(request: HttpRequest, key: str, position: int, what: str) -> HttpResponse:
    program = _program(request, key)
    rule = _rule(program, position)
    reason = request.POST.get("reason", "").strip()
    by, was, moment = access.person(request), request.POST.get("was", ""), now()
    try:
        if "\0" in reason or len(reason) > LONGEST_REASON:
            raise Unfit(f"A reason of at most {LONGEST_REASON:,} characters was expected.")
        if not reason and program.state in Program.ON_SCORECARDS and rule.goals.filter(ended_on=None).exists():
            raise Unfit("Goals are live: a word of why was expected, which stands on each goal's history.")
        if what == "remove":
            said = ["Taken out.", *goal_lines.remove(
                program, rule.position, was=was, by=by, reason=reason, now=moment
            )]  # fmt: skip
        else:
            later = request.POST.get("to") == "later"
            said = ["Moved.", *goal_lines.move(
                program, rule.position, later=later, was=was, by=by, reason=reason, now=moment
            )]  # fmt: skip
    except Unfit as unfit:
        messages.info(request, f"Nothing was changed. {unfit}")
        return redirect("desk-goal", program.key, position)
    messages.info(request, " ".join(said))
    return redirect("desk", program.key)


def _program(request: HttpRequest, key: str) -> Program:
    """A program this person runs and that goes on, or 404; what is sent to one that is over is told so on its desk."""
    program = access.desk_program(request, key)
    if lifecycle.has_ended(program):
        raise Http404("it has ended: its goals stay as they are")
    return program


def _rule(program: Program, position: int) -> GoalRule:
    """The line at a place, the first one being 1, or 404."""
    rule = program.goal_rules.select_related("metric").filter(position=position - 1).first()
    if rule is None:
        raise Http404("there is no such line")
    return rule


def _query(request: HttpRequest) -> QueryDict:
    return request.POST if request.method == "POST" else request.GET


def _asked(request: HttpRequest, key: str, position: int) -> Asked:
    program = _program(request, key)
    rule = _rule(program, position) if position else None
    day = today(program.review_zone)
    choices = Choices(
        versions=goal_form.all_metrics(access.metrics(request)),
        teams=org().teams,
        waves=dict(program.waves.order_by("start", "key").values_list("key").annotate(Count("wave_teams"))),
    )
    query = _query(request)
    if "whom" in query:
        form = goal_form.sent(query)
    elif rule is not None and rule.metric.key in choices.versions:
        form = goal_form.written(rule, choices.versions[rule.metric.key])
    else:
        form = goal_form.afresh(program, choices.versions, query.get("metric", ""), day)
    return Asked(program, rule, form, goal_form.read(form, program, choices, rule, day), choices, day)


def _version(asked: Asked) -> MetricVersion:
    if asked.read.version is None:
        raise Http404("there is no such metric")
    return asked.read.version


def _shown(request: HttpRequest, asked: Asked) -> tuple[Preview | None, Shown | None]:
    """What the line would mean, and in words; nothing while it has faults."""
    rule, version = asked.read.rule, asked.read.version
    if rule is None or version is None:
        return None, None
    query, moment = _query(request), now()
    found = preview(asked.program, rule, ground_of(version), moment, asked.choices.teams)
    until = moment.date()
    begun = begun_earlier(found, until - timedelta(weeks=WEEKS), until)
    total = totals_now([version], asked.day).get(version.pk)
    return found, goal_preview.shown(
        found, replay(asked.program, begun, moment, org()), total,
        sort=query.get("sort", ""), show=query.get("show", ""), every=bool(query.get("every")),
    )  # fmt: skip


def _needs_reason(asked: Asked, found: Preview | None) -> bool:
    """Whether goals that are live would get other terms, or end."""
    if asked.program.state not in Program.ON_SCORECARDS:
        return False
    if asked.rule is not None:
        return asked.rule.goals.filter(ended_on=None).exists()
    return found is not None and any(line.live for line in found.lines)


def _bounds(version: MetricVersion | None) -> Bounds:
    if version is None or goal_form.is_share(version):
        return Bounds()
    values = list(ground_of(version).values(date.max).values())
    return Bounds(*goal_form.around(values), unit="")


def _context(request: HttpRequest, asked: Asked) -> Context:
    program, rule, query = asked.program, asked.rule, _query(request)
    found, shown = _shown(request, asked)
    totals = totals_now(list(asked.choices.versions.values()), asked.day)
    link = urlencode([(name, value) for name, value in _sent(asked.form) if value])
    return Context(
        **_parts(request, asked, shown),
        needs_reason=_needs_reason(asked, found),
        form=asked.form,
        choices=asked.choices,
        options=[(key, goal_form.named(v, totals.get(v.pk))) for key, v in asked.choices.versions.items()],
        rule=rule,
        was=goal_lines.seen(rule) if rule else "",
        lines=_lines(program, asked.choices),
        leaving=goal_lines.leaving(program, rule) if rule else None,
        live=program.state in Program.ON_SCORECARDS,
        reason="",
        find=query.get("find", "")[:100],
        query=link if len(link) < LONGEST_LINK else "",
        problem="",
        messages=[str(message) for message in messages.get_messages(request)],
    )


def _lines(program: Program, choices: Choices) -> list[tuple[int, str]]:
    live = dict(program.goals.filter(ended_on=None).order_by().values_list("rule").annotate(Count("pk")))
    names = {team.key: team.name for team in choices.teams.values()}
    found = []
    for rule in program.goal_rules.select_related("metric").order_by("position"):
        wave = rule.teams.get("wave") if isinstance(rule.teams, dict) else None
        teams = live.get(rule.pk, 0) if wave is None else choices.waves.get(wave, 0)
        said = desk_words.goal(rule, choices.versions.get(rule.metric.key), teams, names)
        found.append((rule.position + 1, said))
    return found


def _sent(form: TypedIn) -> list[tuple[str, str]]:
    """The fields as an address carries them."""
    teams = form.chosen("team") if form["whom"] == "list" else []
    return [*((name, form[name]) for name in goal_form.ASKED if name != "team"), *(("team", one) for one in teams)]

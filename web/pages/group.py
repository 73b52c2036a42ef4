"""A group, as whoever talks to its leader needs it: the one thing to talk about, its teams, and what is open."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe
from markupsafe import Markup

from accounts.clock import now, today
from accounts.models import User
from program import wording
from program.models import Metric, Program
from reviews.content import GoalLine
from reviews.goals_behind import Line
from reviews.leader_asks import ask_of, goal_line
from teams.boards import Board, trend
from teams.limits import may_set
from teams.models import Membership, Team
from web import access, charts, group_board, group_open, heatmap
from web.ask_lines import AskLine
from web.figures import figure_answer
from web.group_board import GroupBoards
from web.group_open import OpenLine
from web.groups import children_of, teams_below
from web.render import page

GOALS_SHOWN = 6
CHARTS_SHOWN = 6


@dataclass(frozen=True)
class SubLine:
    """A group below this one, taken together."""

    group: Team
    said: str


@dataclass(frozen=True)
class HeatTable:
    """The rows of one program's heat map that are this group's."""

    program: Program
    columns: Sequence[tuple[str, str]]
    """key and name of each metric"""
    heat: Markup


@dataclass(frozen=True)
class Chart:
    """One small chart: value against path of the group's teams together."""

    program: Program
    metric: Metric


@dataclass
class Context:
    """The page."""

    template: ClassVar[str] = "pages/group.html"
    here: ClassVar[str] = "teams"
    group: Team
    on: date
    leaders: Sequence[User]
    first: str
    ask: str
    """what to ask for, in the words of the brief"""
    sentence: str
    subgroups: Sequence[SubLine]
    tables: Sequence[HeatTable]
    charts: Sequence[Chart]
    behind: Sequence[GoalLine]
    more_behind: int
    asks: Sequence[AskLine]
    resting: Sequence[OpenLine]
    blocked: Sequence[OpenLine]
    teams: Sequence[Team]
    sort: str
    sets_limit: bool
    messages: Sequence[str]


@dataclass(frozen=True)
class _Below:
    """The teams below a group, with their days."""

    top: Team
    children: Mapping[int | None, Sequence[Team]]
    teams: Sequence[Team]
    days: Mapping[int, date]
    on: date


@require_safe
def group(request: HttpRequest, key: str) -> HttpResponse:
    """The leader's page of a group."""
    below = _below(request, key)
    user = access.person(request)
    goals = access.goals(request).on_scorecards().filter(team__in=below.teams)
    found = group_board.read(below.teams, access.goals(request), below.days)
    shown = found.short[:GOALS_SHOWN]
    group_board.with_trails(shown, below.days)
    leaders = _leaders(below.top)
    asks, late = group_open.asks(user, [one.pk for one in leaders], [team.pk for team in below.teams], below.on)
    sort = request.GET.get("sort", "")[:81] or "worst"
    blocked = group_open.blocked(user, goals, below.on)
    first, ask = _first(found, late, blocked, below.on)
    context = Context(
        group=below.top,
        on=below.on,
        leaders=leaders,
        first=first,
        ask=ask,
        sentence=_sentence(below.teams, found),
        subgroups=_subgroups(below, found),
        tables=[_table(board, sort) for board in found.boards],
        charts=_charts(found),
        behind=[_line(one, found, below.on) for one in shown],
        more_behind=len(found.short) - len(shown),
        asks=asks,
        resting=group_open.resting(goals, below.on),
        blocked=blocked,
        teams=[team for team in below.teams if not found.statuses[team.pk]],
        sort=sort,
        sets_limit=may_set(user, below.top),
        messages=[str(message) for message in messages.get_messages(request)],
    )
    return page(request, context)


@require_safe
def chart(request: HttpRequest, key: str, program_key: str, metric_key: str) -> HttpResponse:
    """The figure of the group's teams together on one metric of one program."""
    below = _below(request, key)
    goals = access.goals(request).on_scorecards().filter(team__in=below.teams)
    if "\0" in program_key + metric_key:
        raise Http404
    mine = goals.filter(program__key=program_key, metric__key=metric_key).values("metric")
    metric = get_object_or_404(Metric, pk__in=mine)
    program = access.program(request, program_key)
    found = trend(program, metric, below.on, [team.pk for team in below.teams])
    values, path = [point.value for point in found.points], [point.expected for point in found.points]
    days = [point.day for point in found.points]
    figure = charts.total_figure(found.version, days, values, path, found.target, found.due)
    return figure_answer(request, figure)


@require_safe
def table(request: HttpRequest, key: str) -> HttpResponse:
    """Every team of the group on every metric, as CSV."""
    below = _below(request, key)
    found = group_board.read(below.teams, access.goals(request), below.days)
    rows = [["program", *heatmap.HEAD]]
    for board in found.boards:
        rows += [[heatmap.safe(board.program.key), *row] for row in heatmap.table(board)[1:]]
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    answer = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{below.top.key}-{below.on.isoformat()}.csv"'
    return answer


def _below(request: HttpRequest, key: str) -> _Below:
    """The group and the teams below it, however deep. Two queries."""
    top, moment = access.group(request, key), now()
    children = children_of(Team.objects.visible_to(access.person(request)).select_related("parent"))
    teams = teams_below(top, children)
    days = {team.pk: today(team.time_zone, moment) for team in teams}
    return _Below(top, children, teams, days, max(days.values(), default=moment.date()))


def _leaders(top: Team) -> list[User]:
    rows = Membership.objects.filter(team=top, role=Membership.Role.LEAD, user__is_active=True)
    return [row.user for row in rows.select_related("user").order_by("user__email")]


def _first(found: GroupBoards, late: AskLine | None, blocked: Sequence[OpenLine], on: date) -> tuple[str, str]:
    """The one thing to talk about, and what to ask for: an ask of theirs that is late, the worst goal, what blocks."""
    worst, ask = _worst(found, on) if found.short else ("", "")
    if late is not None:
        then = f"Then about {worst} {ask}" if worst else ""
        return f"Talk about what was asked of {late.of}, which {late.due}: {late.text}", then
    if worst:
        return f"Talk about {worst}", ask
    if blocked:
        return f"Talk about what blocks a goal: {blocked[0].said}.", ""
    if not any(found.statuses.values()):
        return "No goal of these teams was judged today: there is nothing to talk about yet.", ""
    return "Nothing has to be talked about: no goal is behind or past its due day.", ""


def _worst(found: GroupBoards, on: date) -> tuple[str, str]:
    """The worst goal in words, and what the brief would ask for it."""
    worst = found.short[0]
    line = _line(worst, found, on)
    path = f"{'target' if line.due else 'path'} {line.expected}" if line.expected else "no path"
    ask = ask_of(worst, found.board_of(worst).versions[worst.metric], on)
    return f"{line.team}: {line.metric} is at {line.value}, {path}.", ask


def _sentence(teams: Sequence[Team], found: GroupBoards) -> str:
    off = sum(group_board.off_the_path(team.pk, found.statuses) for team in teams)
    said = f"{off} of {wording.count(len(teams), 'team')} {'has' if off == 1 else 'have'} a goal off its path."
    unknown = sum(not statuses for statuses in found.statuses.values())
    return f"{said} Of {wording.count(unknown, 'team')} no goal was judged today." if unknown else said


def _subgroups(below: _Below, found: GroupBoards) -> list[SubLine]:
    """The groups right below, each with all its teams taken together."""
    lines = []
    for one in sorted(below.children.get(below.top.pk, ()), key=lambda node: node.name.casefold()):
        if not one.leaf:
            teams = teams_below(one, below.children)
            off = sum(group_board.off_the_path(team.pk, found.statuses) for team in teams)
            has = "has" if off == 1 else "have"
            lines.append(SubLine(one, f"{off} of {wording.count(len(teams), 'team')} {has} a goal off its path"))
    return lines


def _table(board: Board, sort: str) -> HeatTable:
    grouped = heatmap.is_grouped(board, sort)
    rows = heatmap.sorted_rows(board, sort)
    heat = heatmap.body(board, rows, grouped=grouped, today=board.on)
    return HeatTable(board.program, [(metric.key, metric.name) for metric in board.metrics], heat)


def _charts(found: GroupBoards) -> list[Chart]:
    """The metrics with the most teams behind, then by name."""
    many: dict[tuple[int, str], int] = {}
    for one in found.short:
        key = (found.programs[one.goal].pk, one.metric)
        many[key] = many.get(key, 0) + 1
    every = [Chart(board.program, metric) for board in found.boards for metric in board.metrics]
    every.sort(key=lambda one: -many.get((one.program.pk, one.metric.key), 0))
    return every[:CHARTS_SHOWN]


def _line(one: Line, found: GroupBoards, on: date) -> GoalLine:
    return goal_line(one, found.programs[one.goal], found.board_of(one).versions[one.metric], on)

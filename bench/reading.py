"""Reading: the scorecard by API and page, and the program page, against the least work that does the job."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jinja2
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.tokens import issue
from bench import world
from bench.report import Report, pair_ms
from program.models import Program
from teams.models import Goal, Team
from teams.standings import judge_goals

TRAIL_QUERY = """
SELECT g.id, s.status, s.value, s.expected, s.target, s.gap, s.forecast, s.trail, p.key, m.key
FROM teams_goal g JOIN teams_standing s ON s.goal_id = g.id AND s.day = %s
JOIN program_program p ON p.id = g.program_id JOIN program_metric m ON m.id = g.metric_id
WHERE g.team_id = %s
"""
PAGE = jinja2.Environment(autoescape=True).from_string(
    "<table>{% for r in rows %}<tr>{% for cell in r %}<td>{{ cell }}</td>{% endfor %}</tr>"
    "{% for c in r[7] %}<tr><td>{{ c.item }}</td><td>{{ c.contribution }}</td><td>{{ c.closes }}</td></tr>{% endfor %}"
    "{% endfor %}</table>"
)
HEAT = jinja2.Environment(autoescape=True).from_string(
    "<table>{% for team, cells in rows %}<tr><th>{{ team }}</th>{% for c in cells %}"
    '<td><a class="{{ c[0] }}" href="/teams/{{ team }}/#{{ c[2] }}" aria-label="{{ team }} {{ c[2] }} {{ c[0] }}">'
    "{{ c[1] }}</a></td>{% endfor %}</tr>{% endfor %}</table>"
)


def run(report: Report) -> None:
    """scorecard.* and program.*"""
    program = world.make(300, prefix="r")
    judge_goals(Goal.objects.filter(program=program), world.NOW, daily=True)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    reader = User.objects.create_superuser("bench@example.com", "x")
    _, secret = issue("bench", ["scorecards:read"])
    with time_machine.travel(world.NOW, tick=True):
        _scorecard(report, reader, secret)
        _program(report, reader, program)


def _scorecard(report: Report, reader: User, secret: str) -> None:
    """One team, 20 goals with trails."""
    team = Team.objects.get(key="rt300-00150")
    api, page = Client(SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
    page.force_login(reader)
    headers = {"Authorization": f"Bearer {secret}"}

    def ours() -> None:
        assert api.get(f"/api/v1/teams/{team.key}/scorecard", headers=headers).status_code == 200

    def rows() -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(TRAIL_QUERY, [world.TODAY, team.pk])
            return cursor.fetchall()

    def least() -> None:
        HttpResponse(json.dumps({"goals": rows()}, default=str), content_type="application/json")

    report.at_most("scorecard.api", *_in_ms(ours, least), most=2.4)

    def ours_page() -> None:
        assert page.get(f"/teams/{team.key}/").status_code == 200

    def least_page() -> None:
        HttpResponse(PAGE.render(rows=[(*row[:7], json.loads(row[7])) for row in rows()]))

    report.at_most("scorecard.page", *_in_ms(ours_page, least_page), most=3.0)


def _program(report: Report, reader: User, program: Program) -> None:
    """Heat map of 300 teams × 20 metrics, and the same page unchanged."""
    page = Client(SERVER_NAME="localhost")
    page.force_login(reader)
    address = f"/programs/{program.key}/"

    def ours() -> None:
        assert page.get(address).status_code == 200

    def least() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT t.key, s.status, s.value, m.key FROM teams_goal g JOIN teams_team t ON t.id = g.team_id "
                "JOIN program_metric m ON m.id = g.metric_id JOIN teams_standing s ON s.goal_id = g.id AND s.day = %s "
                "WHERE g.program_id = %s ORDER BY t.key, m.key",
                [world.TODAY, program.pk],
            )
            rows: dict[str, list[Any]] = {}
            for team, *cell in cursor.fetchall():
                rows.setdefault(team, []).append(cell)
        HttpResponse(HEAT.render(rows=rows.items()))

    report.at_most("program.page", *_in_ms(ours, least), most=1.5)
    tag = page.get(address)["ETag"]

    def unchanged() -> None:
        assert page.get(address, headers={"If-None-Match": tag}).status_code == 304

    def empty() -> None:
        assert page.get("/healthz").status_code == 200

    ours_ms, empty_ms = pair_ms(unchanged, empty, times=31, warm=5)
    report.at_most("program.unchanged", ours_ms, "ms", empty_ms, 2.0)


def _in_ms(ours: Callable[[], None], least: Callable[[], None]) -> tuple[float, str, float]:
    """Our time and the floor's: an empty view's request, which no answer can do without, and the least work."""

    def floor() -> None:
        assert _client.get("/healthz").status_code == 200
        least()

    ours_ms, least_ms = pair_ms(ours, floor, times=21, warm=3)
    return ours_ms, "ms", least_ms


_client = Client(SERVER_NAME="localhost")

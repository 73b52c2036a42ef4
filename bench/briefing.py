"""The sponsor's brief of 1,000 teams × 20 goals with the verdict: made and shown, against 3 queries and a page."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jinja2
import time_machine
from django.core.cache import caches
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bench import world
from bench.report import Report, median_ms, pair_ms
from program.feeds.registry import KINDS
from program.models import Program
from reviews import brief, effects
from reviews.models import Effect, EffectLook, Pace, Review
from teams.ingest import Origin, ingest
from teams.models import Goal, Run
from teams.standings import judge_goals

TEAMS = 1000
HEADER = "metric,team,item,as_of,numerator,denominator\n"
NUMBERS = itertools.count()
COUNTS = """
SELECT m.key, s.status, count(*), sum(s.value), sum(s.expected) FROM teams_goal g
JOIN teams_standing s ON s.goal_id = g.id AND s.day = %s JOIN program_metric m ON m.id = g.metric_id
WHERE g.program_id = %s GROUP BY m.key, s.status
"""
WORST = """
SELECT t.key, m.key, s.status, s.value, s.expected, s.trail FROM teams_goal g JOIN teams_team t ON t.id = g.team_id
JOIN teams_standing s ON s.goal_id = g.id AND s.day = %s JOIN program_metric m ON m.id = g.metric_id
WHERE g.program_id = %s AND s.status IN ('overdue', 'behind') ORDER BY s.gap / nullif(abs(s.target), 0) DESC LIMIT 20
"""
ASKS = "SELECT a.text, a.state, a.due FROM reviews_ask a WHERE a.program_id = %s"
PAGE = jinja2.Environment(autoescape=True).from_string(
    "<h1>Brief</h1><table>{% for row in counts %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>"
    "{% endfor %}</table><ul>{% for row in worst %}<li>{{ row[0] }} {{ row[1] }}: {{ row[2] }}, {{ row[3] }}</li>"
    "{% endfor %}</ul><ol>{% for ask in asks %}<li>{{ ask[0] }}</li>{% endfor %}</ol>"
)


def measure(report: Report) -> None:
    """brief.*"""
    program = world.make(TEAMS, prefix="b", wandering=True)
    judge_goals(Goal.objects.filter(program=program), world.NOW, daily=True)
    reader = User.objects.create_superuser("brief@example.com", "x")
    Program.objects.filter(pk=program.pk).update(sponsor=reader)
    program.refresh_from_db()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    starts = world.NOW + timedelta(days=3)
    review = Review.objects.create(
        program=program, period=starts.date().isoformat(), starts_at=starts, minutes=30, zone="UTC", uid="bench",
        created_at=world.NOW,
    )  # fmt: skip
    with time_machine.travel(world.NOW, tick=True):
        _verdict(report, program)
        _brief(report, program, review)
        _page(report, reader, review)


def _verdict(report: Report, program: Program) -> None:
    """What is looked at once a day: effect and pace of every metric."""

    def look() -> None:
        for kind in (EffectLook, Effect, Pace):
            kind.objects.filter(program=program).delete()
        assert effects.keep(program, world.NOW)

    report.note("brief.verdict", median_ms(look, times=3), "ms", 1.0)


def _brief(report: Report, program: Program, review: Review) -> None:
    """Made from what was looked at today while nothing arrived since; where one team's number of one metric did, which
    is looked at again first; and where all is looked at again."""

    def least() -> None:
        PAGE.render(counts=_rows(COUNTS, [world.TODAY, program.pk]), worst=_rows(WORST, [world.TODAY, program.pk]),
                    asks=_rows(ASKS, [program.pk]))  # fmt: skip

    def ours() -> None:
        with transaction.atomic():
            effects.keep(program, world.NOW)
            brief.freeze(review, world.NOW)
            transaction.set_rollback(True)

    def kept_and_made() -> None:
        assert effects.keep(program, world.NOW)
        with transaction.atomic():
            brief.freeze(review, world.NOW)
            transaction.set_rollback(True)

    with CaptureQueriesContext(connection) as asked:
        ours()
    ours_ms, least_ms = pair_ms(ours, least, times=9, warm=1)
    report.at_most("brief.made", ours_ms, "ms", least_ms, 3.0)
    report.note("brief.queries", float(len(asked)), "queries", 3.0)
    report.note("brief.made_after_push", median_ms(kept_and_made, times=5, before=_push), "ms", least_ms)
    report.note("brief.made_after_change", median_ms(kept_and_made, times=3, warm=0, before=_change), "ms", least_ms)


def _push() -> None:
    """One team's number of one metric arrives, another one each time."""
    line = f"bm{TEAMS}-03,bt{TEAMS}-00007,src/pkg1/file1.py,{world.TODAY},{next(NUMBERS) % 40},\n"
    ingest((HEADER + line).encode(), Origin(Run.Kind.FILE, "push.csv", KINDS["csv"]), world.NOW)


def _change() -> None:
    """Somebody changes what numbers may rest on."""
    EffectLook.objects.update(changed="")


def _first_after(news: Callable[[], None]) -> Callable[[], None]:
    """Something is news, and nobody has looked at a page since."""

    def come() -> None:
        news()
        caches["pages"].clear()

    return come


def _page(report: Report, reader: User, review: Review) -> None:
    """The frozen brief as a page: as most find it, the first time after something was measured, and after a change."""
    brief.freeze(review, world.NOW)
    page = Client(SERVER_NAME="localhost")
    page.force_login(reader)

    def ours() -> None:
        assert page.get(f"/reviews/{review.pk}/").status_code == 200

    def least() -> None:
        assert page.get("/healthz").status_code == 200
        held = _rows("SELECT content FROM reviews_brief WHERE review_id = %s", [review.pk])
        HttpResponse(PAGE.render(counts=held, worst=[], asks=[]))

    ours_ms, least_ms = pair_ms(ours, least, times=21, warm=3)
    report.at_most("brief.page", ours_ms, "ms", least_ms, 3.0)
    first_ms = median_ms(ours, times=5, before=_first_after(_push))
    report.at_most("brief.page_first", first_ms, "ms", least_ms, 3.0)
    changed_ms = median_ms(ours, times=3, warm=0, before=_first_after(_change))
    report.note("brief.page_after_change", changed_ms, "ms", least_ms)


def _rows(statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()

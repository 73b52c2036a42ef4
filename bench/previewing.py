"""A goal line's preview for 1,000 teams, as a page asks for it while a number is dragged: the whole endpoint, rendered.

A series is one metric whose numbers are dragged 40 times. Its first question finds nothing kept; the measurements
and who leads them are kept in memory from then on, for a minute at most and while nothing new arrives (web/grounds.py).
`nothing_kept` is every question with nothing kept, for orientation.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import time_machine
from django.core.cache import caches
from django.db import connection
from django.test import Client

from accounts.models import User
from bench import world
from bench.report import Report
from teams.models import Membership, Team

TEAMS, WEEKS, TIMES = 1000, 64, 40
MOST_MS = {"postgresql": 300.0, "sqlite": 1000.0}
SERIES = ("ratio", "sum")


def measure(report: Report) -> None:
    """desk.preview_of_1000_teams"""
    program = world.make(TEAMS, metrics=2, weeks=WEEKS, prefix="desk-", wandering=True)
    program.goals.all().delete()
    teams = list(Team.objects.filter(key__startswith="desk-t"))
    people = User.objects.bulk_create([User(email=f"lead{n}@example.com") for n in range(TEAMS)])
    Membership.objects.bulk_create(
        [Membership(team=team, user=person, role="lead") for team, person in zip(teams, people, strict=True)]
    )
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    owner = User.objects.create_superuser("desk-bench@example.com", "x")
    client = Client(SERVER_NAME="localhost")
    client.force_login(owner)
    address = f"/programs/{program.key}/desk/goals/new/preview"
    most = MOST_MS[connection.vendor]
    with time_machine.travel(world.NOW, tick=True):
        taken = []
        for kind in SERIES:
            caches["pages"].clear()  # the first question of each series finds nothing kept
            taken += [_ask(client, address, question) for question in _questions(kind)]
        name = f"desk.preview_of_1000_teams.{connection.vendor}"
        report.at_most(f"{name}.p95", _percentile(taken, 0.95), "ms", most, 1.0)
        report.note(f"{name}.median", _percentile(taken, 0.5), "ms", most)
        cold = [_ask(client, address, question, cold=True) for kind in SERIES for question in _questions(kind)]
        report.note(f"{name}.nothing_kept.p95", _percentile(cold, 0.95), "ms", most)
        report.note(f"{name}.nothing_kept.median", _percentile(cold, 0.5), "ms", most)


def _percentile(taken: list[float], share: float) -> float:
    return sorted(taken)[min(len(taken) - 1, int(len(taken) * share))]


def _questions(kind: str) -> Iterator[dict[str, Any]]:
    """The numbers of a line as they are dragged: others each time; the start is moved now and then."""
    ratio = kind == "ratio"
    for n in range(TIMES):
        start = world.TODAY - timedelta(weeks=n // 10)
        yield {
            "metric": f"desk-m{TEAMS}-0{0 if ratio else 1}", "whom": "all", "tolerance": str(n % 20),
            "start": start.isoformat(), "due": (start + timedelta(days=200 + 5 * n)).isoformat(),
            **({"how": "target", "target": f"{50 + n} %" if ratio else str(40 + n)} if n % 3 else
               {"how": "improve", "improve": str(20 + n)}),
        }  # fmt: skip


def _ask(client: Client, address: str, question: dict[str, Any], *, cold: bool = False) -> float:
    if cold:
        caches["pages"].clear()
    gc.collect()
    began = time.perf_counter()
    answer = client.get(address, question)
    taken = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200
    assert b"1,000 goals" in answer.content, answer.content[:500]
    return taken

"""A goal line's preview for 1,000 teams, as a page asks for it while a number is dragged: the whole endpoint, rendered.

Measured twice: `cold` with nothing kept by the process (what an owner's first question takes), and `dragged` with the
teams' series kept from the question before (a minute at most, while nothing new arrives: web/grounds.py).
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
        for name, cold in (("dragged", False), ("cold", True)):
            taken = sorted(_ask(client, address, question, cold=cold) for question in _questions())
            worst = taken[int(len(taken) * 0.95)]
            report.at_most(f"desk.preview_of_1000_teams.{name}.p95.{connection.vendor}", worst, "ms", most, 1.0)
            middle = taken[len(taken) // 2]
            report.note(f"desk.preview_of_1000_teams.{name}.median.{connection.vendor}", middle, "ms", most)


def _questions() -> Iterator[dict[str, Any]]:
    """The numbers of a line as they are dragged: another one each time, over two metrics and several starts."""
    for n in range(TIMES):
        ratio = n % 2 == 0
        start = world.TODAY - timedelta(days=7 * (n % 5))
        yield {
            "metric": f"desk-m{TEAMS}-0{0 if ratio else 1}", "whom": "all", "tolerance": str(n % 20),
            "start": start.isoformat(), "due": (start + timedelta(days=200 + 5 * n)).isoformat(),
            **({"how": "target", "target": f"{50 + n} %" if ratio else str(40 + n)} if n % 3 else
               {"how": "improve", "improve": str(20 + n)}),
        }  # fmt: skip


def _ask(client: Client, address: str, question: dict[str, Any], *, cold: bool) -> float:
    if cold:
        caches["pages"].clear()
    gc.collect()
    began = time.perf_counter()
    answer = client.get(address, question)
    taken = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200
    assert b"1,000 goals" in answer.content, answer.content[:500]
    return taken

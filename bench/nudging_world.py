"""The made-up organization of the benchmarks of nudging: people who each lead a team of 30 goals, a third short.

It is the week after everything was announced and said once: what planning does every Monday, with everything to read.
Rows are made by the database itself, so that making 10,000 teams takes seconds and no memory of ours.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from accounts.models import User
from nudges.models import Delivery, Digest, Notice, Nudge, Turn
from program.models import Metric, MetricVersion, Playbook, Program
from teams.models import LONG_AGO, Goal, GoalTerms, Membership, Payload, Run, Snapshot, Source, Standing, Team

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
"""A Monday at noon."""
BEFORE = TODAY - timedelta(weeks=1)
METRICS, SHORT = 30, 10
ITEMS = 8
KEY = "nudging"
WRITTEN = (Delivery, Digest, Turn, Nudge, Notice)
"""What planning writes."""


def program() -> Program:
    """The program and its metrics; nobody is in it yet."""
    tess = User.objects.create_user("tess@nudging.example", name="Tess")
    made = Program.objects.create(
        key=KEY, name="Nudging", purpose="speed", start=date(2026, 1, 1), end=date(2027, 12, 31), nudge_weekday=0,
        nudge_hour=9, state=Program.State.ACTIVE,
    )  # fmt: skip
    opened = NOW - timedelta(weeks=40)
    for n in range(METRICS):
        metric = Metric.objects.create(key=f"nudging-{n:02}", name=f"Metric {n}", program=made, fresh_for=45)
        MetricVersion.objects.create(
            metric=metric, number=1, direction="up", aggregation="ratio", unit="%", opened_at=opened
        )
        Playbook.objects.create(
            metric=metric, steps=["Look", "Mend", "Run the check"], verify="check {item}", expert=tess
        )
    Team.objects.create(key="nudging", name="Everybody", leaf=False)
    payload = Payload.objects.create(digest="f" * 64, size=0, data=b"")
    Run.objects.create(kind="file", came_from="nudging", format="csv", payload=payload, received_at=opened)
    return made


def grow(first: int, last: int) -> None:
    """People number `first` to `last` (not included), each with a team, 30 goals, and what was said a week ago."""
    group = Team.objects.get(key="nudging")
    numbers = range(first, last)
    people = User.objects.bulk_create(
        [User(email=f"lead{n:05}@nudging.example", name=f"Lead {n}", password="!") for n in numbers], batch_size=2000
    )
    teams = Team.objects.bulk_create(
        [Team(key=f"nudging-{n:05}", name=f"Team {n}", parent=group) for n in numbers], batch_size=2000
    )
    Membership.objects.bulk_create(
        [
            Membership(team=team, user=person, role=Membership.Role.LEAD)
            for team, person in zip(teams, people, strict=True)
        ],
        batch_size=2000,
    )
    with transaction.atomic():
        _fill(first, last)
    analyze()


def _fill(first: int, last: int) -> None:
    """Goals, terms, measurements of the short ones, standings, and last week's digests with what they said."""
    created = NOW - timedelta(weeks=30)
    sent = NOW - timedelta(weeks=1)
    run = Run.objects.get(came_from="nudging").pk
    few = f"t.key >= 'nudging-{first:05}' AND t.key < 'nudging-{last:05}'"
    teams = f"teams_team t JOIN teams_membership l ON l.team_id = t.id AND {few}"
    goals = f"{teams} JOIN teams_goal g ON g.team_id = t.id JOIN program_metric m ON m.id = g.metric_id"
    versions = f"{goals} JOIN program_metricversion v ON v.metric_id = m.id"
    short = f"m.key < 'nudging-{SHORT:02}'"
    insert(Goal, f"{teams} JOIN program_metric m ON m.key LIKE 'nudging-%%'",
           program_id="m.program_id", metric_id="m.id", team_id="t.id", created_at=created)  # fmt: skip
    insert(GoalTerms, versions,
           goal_id="g.id", effective_from=LONG_AGO, metric_version_id="v.id", start=date(2026, 1, 1),
           due=date(2027, 6, 30), target=0.9, tolerance=0.0, milestones=[], baseline=0.2,
           baseline_as_of=date(2026, 1, 1), set_at=created, reason="''")  # fmt: skip
    insert(Source, f"{versions} WHERE {short}",
           metric_version_id="v.id", team_id="t.id", name="''", newest=TODAY, carry=LONG_AGO)  # fmt: skip
    items = {f"src/package{n}/module{n}.py": [n, 40] for n in range(ITEMS)}
    for weeks in (0, 1):
        insert(Snapshot, f"{teams} JOIN teams_source s ON s.team_id = t.id",
               source_id="s.id", as_of=TODAY - timedelta(weeks=weeks), run_id=str(run), count=ITEMS, numerator=28.0,
               denominator=40.0 * ITEMS, maximum=7.0, items=items, placed=False)  # fmt: skip
        status = f"CASE WHEN {short} THEN 'behind' ELSE 'on track' END"
        insert(Standing, goals,
               goal_id="g.id", day=TODAY - timedelta(days=weeks), status=status, reason="''", held=False, slipped=False,
               value=0.0875, as_of=TODAY - timedelta(days=weeks), baseline=0.2, target=0.9, expected=0.6, gap=160.0,
               start=date(2026, 1, 1), due=date(2027, 6, 30), trail=_trail(), items_short=ITEMS,
               judged_at=NOW)  # fmt: skip
    whom = {"person_id": "l.user_id"}
    insert(Digest, teams, **whom, day=BEFORE, time_zone="'UTC'", planned_at=sent, plan="'before'", next_day=TODAY)
    of_digest = "nudges_digest d ON d.person_id = l.user_id AND d.plan = 'before'"
    insert(Turn, f"{teams} JOIN {of_digest} JOIN program_program p ON p.key = '{KEY}'",
           **whom, program_id="p.id", due_day=BEFORE, digest_id="d.id")  # fmt: skip
    insert(Notice, f"{goals} JOIN {of_digest}",
           kind="'new goal'", key="CAST(g.id AS VARCHAR(20))", **whom, goal_id="g.id", digest_id="d.id", facts={},
           said_at=sent)  # fmt: skip
    insert(Nudge, f"{goals} JOIN {of_digest} WHERE {short}",
           **whom, goal_id="g.id", day=BEFORE, due_day=BEFORE, digest_id="d.id", state="'said'", reason="''", streak=1,
           facts=_facts(), decided_at=sent)  # fmt: skip


def insert(model: type[Model], source: str, **columns: Any) -> None:
    """INSERT … SELECT. A text is an expression of the database; anything else is a value, adapted to its column."""
    picked, values = [], []
    for name, value in columns.items():
        if isinstance(value, str):
            picked.append(value)
        else:
            field = next(field for field in model._meta.concrete_fields if field.column == name)
            picked.append(
                f"CAST(%s AS {field.cast_db_type(connection)})" if connection.vendor == "postgresql" else "%s"
            )
            ready = json.dumps(value) if isinstance(value, (dict, list)) else field.get_db_prep_save(value, connection)
            values.append(ready)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT {', '.join(picked)} FROM {source}",
            values,
        )


def _trail() -> list[dict[str, Any]]:
    return [
        {"item": f"src/package{n}/module{n}.py", "contribution": 40 - n, "closes": min(1, (n + 1) / 5), "trend": "same",
         "source": "", "link": f"https://example.com/src/package{n}/module{n}.py"}
        for n in range(ITEMS)
    ]  # fmt: skip


def _facts() -> dict[str, Any]:
    """What a nudge of last week kept, as far as the next one reads it."""
    return {
        "status": "behind", "value": 0.08, "as_of": BEFORE.isoformat(), "metric_version": 1, "trail": _trail(),
        "trail_length": ITEMS,
    }  # fmt: skip


def analyze() -> None:
    """Tell the database what it holds, as its own upkeep would."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

"""A program looked at again and again while everything that may move a number is done by chance finds what a first look
would: a push, a queue, a retired source, terms, baselines, versions, waves, a charter, ownership, freshness, the org."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from program.feeds.registry import KINDS
from program.models import Metric, Program, Wave
from reviews import effects
from teams import exempting, lifecycle, renegotiating, reorganizing, trust, trust_panel, waves
from teams.admission import admit_due
from teams.apply import feeds
from teams.apply.changes import Changes
from teams.ingest import Origin, ingest
from teams.models import LONG_AGO, Goal, OwnershipPattern, Source, Team
from teams.receiving import receive, take_next
from teams.standings import fill_past_day, judge_due
from tests.reviews.test_effects import HEADER, MONTHS, NOW, PROGRAM, TEAMS, apply, settle
from tests.reviews.test_looks import GOALS_MORE, METRICS, METRICS_MORE, alike, assert_as_read, first_look, held, push

pytestmark = pytest.mark.django_db
ON = NOW.date()
ROUNDS = 10
WAVES = """waves:
  - {key: pilot, teams: [t1, t2, t3, t4], start: 2026-01-01}
  - {key: rest, teams: [t5, t6], start: 2026-03-20}
"""
REST = "  - {metric: findings, teams: {wave: rest}, start: 2026-02-01, due: 2026-12-31, target: 0}\n"
ELSEWHERE = PROGRAM.replace("fewer", "elsewhere").split("metrics:")[0]


def begin() -> None:
    """A program in two waves with a share of the way for a target, a guardrail, another program, and unowned items."""
    settle()
    one, two = PROGRAM.replace("purpose: x", "purpose: x, guardrails: [pinned]").split("goals:\n")
    two = two.replace("teams: [TEAMS]", "teams: {wave: pilot}").replace("target: 0}", "improve_by: 50%}")
    apply(f"{one}{METRICS_MORE}goals:\n{two}{REST}{GOALS_MORE}{WAVES}".replace("TEAMS", "t1, t2, t3, t5"))
    elsewhere(("tests",), ("t7",))
    push(random.Random(0), METRICS, TEAMS, MONTHS[:-1])
    unowned(random.Random(0), MONTHS)


def elsewhere(metrics: Sequence[str], teams: Sequence[str]) -> None:
    goals = "".join(
        f"  - {{metric: {metric}, teams: [{', '.join(teams)}], start: 2026-02-01, due: 2026-12-31, target: 50}}\n"
        for metric in metrics
    )
    apply(f"{ELSEWHERE}goals:\n{goals}")


def unowned(chance: random.Random, days: Sequence[date]) -> None:
    rows = [
        f"{metric},,lib/{item}.py,{day},{chance.randint(0, 9)},{10 if metric == 'typed' else ''}\n"
        for metric in METRICS[:3]
        for day in days
        for item in range(3)
    ]
    ingest((HEADER + "".join(rows)).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)


def exempt(goal: Goal, by: User) -> None:
    asked = exempting.ask(
        goal, reason="priority", text="x", from_day=None, until=ON + timedelta(days=9), by=by, now=NOW
    )
    exempting.approve(asked, until=None, text="", by=by, now=NOW)


def deeds(chance: random.Random) -> dict[str, Callable[[], Any]]:
    """What somebody, or the beat, may do at a moment, by name."""
    program = Program.objects.get(key="fewer")
    by, changes = User.objects.named("tess@example.com"), Changes(NOW, "test")
    assert by is not None
    team, month = Team.objects.get(key=chance.choice(TEAMS)), chance.choice(MONTHS)
    metric = Metric.objects.get(key=chance.choice(METRICS))
    goal = chance.choice(list(Goal.objects.filter(program=program, ended_on=None).order_by("pk")))
    source = chance.choice(list(Source.objects.order_by("pk")))
    wave = chance.choice(list(Wave.objects.filter(program=program).order_by("pk")))
    pattern = OwnershipPattern.objects.filter(ended_on=None).first()
    since = chance.choice([LONG_AGO, date(2026, 1, 1), ON])
    line = f"{chance.choice(METRICS[:2])},{team.key},a.py,{month},{chance.randint(0, 30)},\n"
    return {
        "push": lambda: push(chance, chance.sample(METRICS, 2), chance.sample(TEAMS, chance.randint(1, 8)), [month]),
        "push unowned": lambda: unowned(chance, [month]),
        "queue": lambda: receive((HEADER + line).encode(), Origin("api", "x", KINDS["csv"]), NOW),
        "take": lambda: take_next(NOW + timedelta(seconds=1)),
        "judge": lambda: judge_due(NOW),
        "judge the past": lambda: fill_past_day(Goal.objects.on_scorecards(), ON - timedelta(days=20), NOW),
        "admit": lambda: admit_due(NOW),
        "retire": lambda: reorganizing.retire(source, chance.choice([None, ON, ON - timedelta(days=40)]), now=NOW),
        "agree": lambda: renegotiating.agree(
            goal, target=float(chance.randint(1, 50)), due=date(2026, 11, 8), by=by, reason="x", now=NOW
        ),
        "re-baseline a goal": lambda: renegotiating.agree(
            goal, target=None, due=None, rebaseline=True, by=by, reason="x", now=NOW
        ),
        "open a version": lambda: feeds.open_version(metric, {"definition": str(chance.random())}, changes),
        "re-baseline": lambda: trust_panel.rebaseline(metric, by=by, reason="x", now=NOW),
        "open a wave": lambda: wave.state == Wave.State.PLANNED
        and waves.open_regardless(wave, "why", now=NOW, by=by),
        "move to a wave": lambda: waves.move(program, [team], chance.choice([None, wave]), changes),
        "change the charter": lambda: changes.put(
            "program", program.key, program,
            {"guardrails": chance.sample(METRICS, chance.randint(0, 2)), "start": date(2025, chance.randint(6, 12), 5)},
        ),
        "own by pattern": lambda: reorganizing.add_pattern(
            chance.choice(["lib/0.py", "lib/", "*.py"]), team, source=chance.choice([None, ""]), since=since, now=NOW
        ),
        "end a pattern": lambda: pattern and reorganizing.end_pattern(pattern, since, now=NOW),
        "own by file": lambda: reorganizing.set_file("", f"lib/ @{team.key}\n", since=since, now=NOW),
        "freshness": lambda: changes.put("metric", metric.key, metric, {"fresh_for": chance.choice([20, 45, 400])}),
        "another program": lambda: elsewhere(chance.sample(METRICS[:3], 1), chance.sample(TEAMS, 3)),
        "pause": lambda: (lifecycle.pause if program.state == "active" else lifecycle.resume)(
            program, "x", now=NOW, by=by
        ),
        "exempt": lambda: exempt(goal, by),
        "dispute": lambda: trust.dispute(metric, team, text="x", by=by, now=NOW),
        "live elsewhere": lambda: apply(
            f"---\nkind: Group\nmetadata: {{name: {team.key}, annotations: {{technical-quality/time-zone:"
            f" {chance.choice(['Pacific/Kiritimati', 'Pacific/Pago_Pago', 'UTC'])}}}}}\n"
        ),
        "another lead": lambda: apply(
            f"---\nkind: Group\nmetadata: {{name: {team.key}, annotations: {{technical-quality/lead: u}}}}\n"
            f"---\nkind: User\nmetadata: {{name: u}}\nspec: {{profile: {{email: u{chance.randint(0, 3)}@example.com}}}}\n"
        ),
        "another tree": lambda: apply(
            f"---\nkind: Group\nmetadata: {{name: g1}}\nspec: {{children: [{', '.join(chance.sample(TEAMS, 2))}]}}\n"
        ),
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_what_is_kept_is_what_a_first_look_finds(seed):
    chance, done, refused = random.Random(seed), [], 0
    begin()
    program = Program.objects.get(key="fewer")
    effects.keep(program, NOW)
    for _ in range(ROUNDS):
        for name, do in chance.sample(sorted(deeds(chance).items()), 2):
            done.append(name)
            try:
                with transaction.atomic():
                    do()
            except ValueError:  # it cannot be done now: what it says is tested elsewhere
                refused += 1
        program.refresh_from_db()
        assert_as_read(program, done)
        effects.keep(program, NOW)
        assert held(program) == alike(first_look(program)), done
    assert refused < len(done) / 2

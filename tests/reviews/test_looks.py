"""Looking again at a program: only at the metrics that were measured since, and what is found is what a first look finds."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext

from accounts import audit
from program.feeds.registry import KINDS
from program.models import Metric, MetricVersion, Program
from reviews import course, effects
from reviews.models import Effect, EffectLook, Known, Pace, holding
from reviews.models.looks import MOVE_NOTHING
from teams import reorganizing
from teams.apply.changes import Changes
from teams.ingest import Origin, ingest
from teams.models import Goal, GoalTerms, Run, Snapshot, Source, Team
from teams.receiving import receive, take_next
from teams.standings import judge_due
from tests.reviews.test_effects import HEADER, MONTHS, NOW, PROGRAM, TEAMS, apply, settle
from web.changes import KINDS as KINDS_OF_CHANGES

pytestmark = pytest.mark.django_db
ON = NOW.date()
METRICS = ("findings", "tests", "typed", "pinned")
"""The first two with goals and added up, the third a ratio with goals, the last a guardrail."""
METRICS_MORE = """
  - {key: typed, name: Typed, direction: up, aggregation: ratio, fresh_for: 45d, unit: "%"}
  - {key: pinned, name: Pinned, direction: down, aggregation: sum, fresh_for: 45d, unit: findings}
"""
GOALS_MORE = """
  - {metric: typed, teams: [TEAMS], start: 2026-01-01, due: 2026-12-31, target: 0.9}
  - {metric: tests, teams: [TEAMS], start: 2026-01-01, due: 2026-12-31, target: 100}
"""


def begin() -> Program:
    """Four metrics, each measured each month but the newest."""
    settle()
    one, two = PROGRAM.replace("purpose: x", "purpose: x, guardrails: [pinned]").split("goals:\n")
    apply((f"{one}{METRICS_MORE}goals:\n{two}{GOALS_MORE}").replace("TEAMS", ", ".join(TEAMS)))
    program = Program.objects.get(key="fewer")
    push(random.Random(0), METRICS, TEAMS, MONTHS[:-1])
    judge_due(NOW)
    return program


def push(chance: random.Random, metrics, teams, days) -> Run:
    rows = [
        f"{metric},{team},{item},{day},{chance.randint(0, 9)},{10 if metric == 'typed' else ''}\n"
        for metric in metrics
        for team in teams
        for day in days
        for item in ("a.py", "b.py")
    ]
    return ingest((HEADER + "".join(rows)).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW).run


def version(metric: str) -> int:
    return MetricVersion.objects.get(metric__key=metric, current=True).pk


def held(program: Program) -> dict[str, Any]:
    """What the newest look says, without when it was found."""
    said: dict[str, Any] = {"totals": EffectLook.objects.get(program=program).totals}
    for kind in (Effect, Pace):
        for one in holding(kind, program, ON):
            plain = model_to_dict(one, exclude=["id", "day", "at"])
            said[f"{kind.__name__} of {one.metric_version.metric.key}"] = plain
    return said


def first_look(program: Program) -> dict[str, Any]:
    """What would be said if nobody had looked before."""
    with transaction.atomic():
        for kind in (EffectLook, Effect, Pace):
            kind.objects.all().delete()
        assert effects.keep(program, NOW)
        said = held(program)
        transaction.set_rollback(True)
    return said


def alike(one: Any) -> Any:
    """The same with its numbers to nine digits: the database may add in another order."""
    if isinstance(one, dict):
        return {name: alike(held) for name, held in one.items()}
    if isinstance(one, list | tuple):
        return [alike(held) for held in one]
    return pytest.approx(one, rel=1e-9, abs=1e-9) if isinstance(one, float) else one


def assert_as_read(program: Program, done: object = None) -> None:
    """What a look kept, with what was measured since, is what is held now."""
    said = course.facts(course.on(program, ON))
    assert said == alike(course.facts(course.read(program, ON))), done
    assert [one.value for one in course.totals_on(program, ON)] == alike([one["value"] for one in said["now"]]), done


def mark(program: Program) -> None:
    """Write into every finding what no look finds, so that it is seen which ones are found again."""
    for kind in (Effect, Pace):
        kind.objects.filter(program=program).update(facts={"marked": True})


def marked(program: Program) -> set[str]:
    return {name for name, said in held(program).items() if name != "totals" and said["facts"] == {"marked": True}}


EVERYTHING = {f"{kind} of {metric}" for kind in ("Effect", "Pace") for metric in METRICS} - {"Pace of pinned"}


@pytest.mark.parametrize("seed", range(8))
def test_looking_again_finds_what_a_first_look_finds(seed):
    program, chance = begin(), random.Random(seed)
    effects.keep(program, NOW)
    for _ in range(4):
        metrics = chance.sample(METRICS, chance.randint(1, 3))
        teams, days = chance.sample(TEAMS, chance.randint(1, 8)), chance.sample(MONTHS, chance.randint(1, 2))
        push(chance, metrics, teams, days)
        if chance.random() < 0.5:
            judge_due(NOW)
        assert_as_read(program)
        assert EffectLook.objects.of(program).measured_since(ON) == {version(metric) for metric in metrics}
        effects.keep(program, NOW)
        assert held(program) == alike(first_look(program))
        assert EffectLook.objects.of(program).holds(ON)


@pytest.mark.parametrize("metric", METRICS)
def test_only_what_was_measured_is_looked_at_again(metric):
    program = begin()
    effects.keep(program, NOW)
    mark(program)
    push(random.Random(1), [metric], TEAMS[:1], MONTHS[-1:])
    assert effects.keep(program, NOW) is True
    assert marked(program) == EVERYTHING - {f"Effect of {metric}", f"Pace of {metric}"}


def test_what_was_measured_for_others_is_no_news_here():
    program = begin()
    apply("metrics:\n  - {key: other, name: Other, direction: down, aggregation: sum, fresh_for: 45d}\n"
          + PROGRAM.replace("fewer", "elsewhere").replace("TEAMS", "t1").split("metrics:")[0])  # fmt: skip
    effects.keep(program, NOW)
    mark(program)
    push(random.Random(1), ["other"], TEAMS, MONTHS)
    with CaptureQueriesContext(connection) as queries:
        course.totals_on(program, ON)
    assert len(queries) == 3, "the look, what was measured since, the versions"
    assert effects.keep(program, NOW) is True
    assert marked(program) == EVERYTHING
    assert effects.keep(program, NOW) is False


def test_a_push_that_says_the_same_is_no_news():
    program = begin()
    push(random.Random(2), METRICS, TEAMS, MONTHS[-1:])
    effects.keep(program, NOW)
    mark(program)
    push(random.Random(2), METRICS, TEAMS, MONTHS[-1:])
    assert EffectLook.objects.of(program).measured_since(ON) == set()
    effects.keep(program, NOW)
    assert marked(program) == EVERYTHING


def test_a_change_is_looked_at_whole_unless_it_moves_no_number():
    program = begin()
    effects.keep(program, NOW)
    mark(program)
    for kind in MOVE_NOTHING:
        audit.record(kind, "y", at=NOW, via="test")
    assert effects.keep(program, NOW) is False
    audit.record("goal terms", "y", at=NOW, via="test")
    assert EffectLook.objects.of(program).measured_since(ON) is None
    assert effects.keep(program, NOW) is True
    assert marked(program) == set()


def test_kinds_that_move_no_number_are_kinds_of_changes():
    assert set(MOVE_NOTHING) <= KINDS_OF_CHANGES.keys()
    moving = {"source", "metric", "metric version", "re-baseline", "goal", "goal terms", "goal rule", "wave", "wave teams",
              "program", "ownership file", "ownership pattern", "component", "team"}  # fmt: skip
    assert moving <= KINDS_OF_CHANGES.keys() - set(MOVE_NOTHING)


def test_the_next_day_is_looked_at_whole():
    program = begin()
    effects.keep(program, NOW)
    mark(program)
    assert EffectLook.objects.of(program).measured_since(ON + timedelta(days=1)) is None
    effects.keep(program, NOW + timedelta(days=1))
    assert Effect.objects.filter(day=ON + timedelta(days=1)).count() == len(METRICS)


def test_a_run_with_a_smaller_number_that_lands_later_is_news():
    """Of two that arrive at once the one with the larger number may be there first."""
    program = begin()
    early = push(random.Random(3), ["typed"], ["t1"], MONTHS[-2:-1])
    last = push(random.Random(4), ["findings"], ["t1"], MONTHS[-1:])
    at, brought = early.pk, list(Snapshot.objects.filter(run=early))
    Snapshot.objects.filter(run=early).update(run=last)
    early.delete()
    effects.keep(program, NOW)
    assert at in EffectLook.objects.get().late_runs
    early.pk = at
    early.save(force_insert=True)
    Snapshot.objects.filter(pk__in=[one.pk for one in brought]).update(run=early)
    assert EffectLook.objects.of(program).measured_since(ON) == {version("typed")}


def test_what_waited_in_the_queue_is_news_of_its_metric_once_it_is_taken():
    program = begin()
    rows = HEADER + f"typed,t1,a.py,{MONTHS[-1]},1,10\n"
    waiting = receive(rows.encode(), Origin("api", "x", KINDS["csv"]), NOW)
    effects.keep(program, NOW)
    assert waiting.pk in EffectLook.objects.get().late_runs
    mark(program)
    assert take_next(NOW + timedelta(seconds=1)) == waiting
    effects.keep(program, NOW)
    assert marked(program) == EVERYTHING - {"Effect of typed", "Pace of typed"}


def test_what_arrives_while_it_is_looked_at_is_news_to_the_next_look(monkeypatch):
    """A second beat reads while the first writes: whatever order they write in, nothing stays unseen."""
    program = begin()
    effects.keep(program, NOW)
    push(random.Random(5), ["typed"], ["t1"], MONTHS[-1:])
    read, came = course.since, []

    def late(*args: Any) -> Any:
        if not came:
            came.append(push(random.Random(6), ["typed", "findings"], ["t2"], MONTHS[-1:]))
        return read(*args)

    monkeypatch.setattr(course, "since", late)
    effects.keep(program, NOW)
    monkeypatch.undo()
    assert EffectLook.objects.of(program).measured_since(ON) == {version("typed"), version("findings")}
    effects.keep(program, NOW)
    assert held(program) == alike(first_look(program))


def test_a_change_between_the_queries_of_a_look_is_seen(monkeypatch):
    """What is read first does not know of it, what is written down does."""
    program = begin()
    effects.keep(program, NOW)
    push(random.Random(1), ["typed"], ["t1"], MONTHS[-1:])
    source, ask, asked = Source.objects.get(team__key="t1", metric_version=version("findings")), effects.known, []

    def late() -> Known:
        if not asked:
            asked.append(reorganizing.retire(source, ON - timedelta(days=1), now=NOW))
        return ask()

    monkeypatch.setattr(effects, "known", late)
    effects.keep(program, NOW)
    monkeypatch.undo()
    effects.keep(program, NOW)
    assert_as_read(program)
    assert held(program) == alike(first_look(program))


def test_a_charter_that_changes_while_another_program_is_looked_at_is_seen(monkeypatch):
    """A round reads all programs before it looks at the first."""
    program = begin()
    apply(PROGRAM.replace("fewer", "another").replace("TEAMS", "t1").split("metrics:")[0])
    another, read, changed = Program.objects.get(key="another"), course.since, []
    assert program.pk < another.pk

    def late(*args: Any) -> Any:
        if not changed:
            with transaction.atomic():
                changed.append(Changes(NOW, "page").put("program", "another", another, {"guardrails": ["pinned"]}))
        return read(*args)

    monkeypatch.setattr(course, "since", late)
    assert effects.keep_due(NOW) == 2
    monkeypatch.undo()
    effects.keep(another, NOW)
    assert [one.metric_version.metric.key for one in holding(Effect, another, ON)] == ["pinned"]


def test_what_another_release_kept_is_looked_at_again():
    program = begin()
    effects.keep(program, NOW)
    kept = EffectLook.objects.get().totals
    for earlier in (None, {**kept, "format": 0}):
        EffectLook.objects.update(totals=earlier)
        assert effects.keep(program, NOW) is True
        assert EffectLook.objects.get().totals == kept


def test_what_waits_behind_a_thousand_runs_is_news_once_it_is_taken():
    program = begin()
    rows = HEADER + "".join(f"typed,{team},a.py,{MONTHS[-1]},1,10\n" for team in TEAMS)
    waiting = receive(rows.encode(), Origin("api", "x", KINDS["csv"]), NOW)
    effects.keep(program, NOW)
    Run.objects.bulk_create(Run(kind="api", came_from="x", format="csv", received_at=NOW) for _ in range(1001))
    effects.keep(program, NOW)
    assert EffectLook.objects.get().late_runs == [waiting.pk]
    assert take_next(NOW + timedelta(seconds=1)) == waiting
    assert effects.keep(program, NOW) is True
    assert held(program) == alike(first_look(program))


def test_a_source_that_is_retired_is_looked_at():
    """Nothing is measured then: the change says so."""
    program = begin()
    effects.keep(program, NOW)
    source = Source.objects.filter(team__key="t1", metric_version=version("findings")).get()
    source.retired_on = ON - timedelta(days=1)
    source.save()
    audit.record("source", f"findings v1 of t1 from {source.name}", at=NOW, via="test")
    Goal.objects.update(judge_due_at=NOW)
    assert_as_read(program)
    effects.keep(program, NOW)
    assert held(program) == alike(first_look(program))


def test_a_goal_on_what_was_never_measured_has_no_effect_and_no_trouble():
    program = begin()
    effects.keep(program, NOW)
    new = Metric.objects.create(key="new", name="New", fresh_for=45)
    MetricVersion.objects.create(metric=new, number=1, direction="down", aggregation="sum", unit="x", opened_at=NOW)
    goal = Goal.objects.create(program=program, metric=new, team=Team.objects.get(key="t1"), created_at=NOW)
    terms = GoalTerms.objects.filter(goal__metric__key="findings").first()
    terms.pk, terms.goal, terms.metric_version = None, goal, new.versions.get()
    terms.save()
    audit.record("goal", "fewer/new/t1", at=NOW, via="test")
    assert effects.keep(program, NOW) is True
    assert held(program) == alike(first_look(program))
    push(random.Random(7), ["new"], ["t1"], [date(2026, 3, 10)])
    assert effects.keep(program, NOW) is True
    assert held(program) == alike(first_look(program))


def test_a_program_without_goals_is_looked_at():
    program = begin()
    Goal.objects.all().delete()
    assert effects.keep(program, NOW) is True
    assert held(program).keys() == {"totals", "Effect of pinned"}

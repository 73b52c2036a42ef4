"""What a preview says of every team is what the judgment says once the line is saved: on real data, for any line."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from program.models import GoalRule, MetricVersion, Program, Wave
from program.rules.glidepath import IDEAL
from program.rules.pace import Difficulty, percentile
from teams import exempting, goal_lines
from teams.choosing import as_the_best, by_condition
from teams.goal_lines import FIELDS
from teams.models import Goal, Standing, Team, WaveTeam
from teams.preview import preview
from teams.standings import judge_due
from teams.tracks import ground
from teams.typed import Unfit
from tests.teams.real import HEALTHCHECKS, READ_THE_DOCS, real

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 8, 20, 22, tzinfo=UTC)
"""It is the next day in Tokyo."""
MADE = datetime(2026, 8, 10, 12, tzinfo=UTC)
CASES = 40


def some_line(chance: random.Random, program: Program, version: MetricVersion) -> GoalRule:
    """Any line that may be saved."""
    keys = sorted(Team.objects.leaves().values_list("key", flat=True))
    start = NOW.date() + timedelta(days=chance.choice([-700, -200, -60, -1, 0, 1, 2, 40]))
    due = start + timedelta(days=chance.choice([30, 100, 365, 800]))
    improves = (version.aggregation, version.direction) in IDEAL and chance.random() < 0.5
    values = list(ground(version).values(NOW.date()).values())
    return GoalRule(
        program=program,
        position=100,
        metric=version.metric,
        teams=chance.choice(
            ["all", chance.sample(keys, 5), {"under": "some"}, {"wave": "open"}, {"wave": "later"}]
        ),
        start=start,
        due=due,
        improve_by=chance.choice([0.0, 0.3, 1.0]) if improves else None,
        target=None if improves else chance.choice([*values, 0.5, 3.0]),
        tolerance=chance.choice([0.0, 0.05, 0.5]),
        milestones=[[(start + timedelta(days=20)).isoformat(), chance.choice(values)]] if chance.random() < 0.3 else [],
    )  # fmt: skip


def live_in(program: Program, tess: User, version: MetricVersion) -> None:
    """Goals that are there already, judged, with recorded baselines, one of them exempt."""
    for target, teams in ((0.4, "all"), (0.6, {"under": "others"})):
        rule = GoalRule(
            program=program, metric=version.metric, teams=teams, start=date(2026, 6, 1), due=date(2027, 6, 1),
            target=target,
        )  # fmt: skip
        asked = {name: getattr(rule, name) for name in FIELDS}
        goal_lines.save(program, None, asked, was="", by=tess, reason="to begin", now=MADE)
    judge_due(MADE)
    resting = Goal.objects.filter(metric=version.metric).order_by("team__key")[3]
    asked_for = exempting.ask(
        resting, reason="unfit", text="x", until=date(2026, 9, 1), from_day=None, by=tess, now=MADE
    )
    exempting.approve(asked_for, until=None, text="", by=tess, now=MADE)


@pytest.mark.parametrize("path", [READ_THE_DOCS, HEALTHCHECKS], ids=["readthedocs", "healthchecks"])
def test_what_is_previewed_is_what_is_judged(path):
    program = real(path, MADE, metrics=("typed-functions", "complex-functions", "test-to-code"))
    tess = User.objects.named("tess@example.com")
    leaves = list(Team.objects.leaves().order_by("key"))
    for key, state, teams in (("open", Wave.State.OPEN, leaves[:4]), ("later", Wave.State.PLANNED, leaves[4:7])):
        wave = Wave.objects.create(program=program, key=key, start=date(2026, 6, 1), state=state)
        WaveTeam.objects.bulk_create([WaveTeam(wave=wave, team=team) for team in teams])
    versions = list(MetricVersion.objects.select_related("metric"))
    live_in(program, tess, next(v for v in versions if v.metric.key == "typed-functions"))
    chance = random.Random(2026)
    compared = 0
    for _ in range(CASES):
        version = chance.choice(versions)
        rule = some_line(chance, program, version)
        edited = GoalRule.objects.filter(position=0).get() if chance.random() < 0.3 else None
        if edited is not None:
            rule.position = 0
        said = preview(program, rule, ground(version), NOW)
        with transaction.atomic():
            asked = {name: getattr(rule, name) for name in FIELDS}
            was = goal_lines.seen(edited) if edited else ""
            goal_lines.save(program, None if edited is None else 0, asked, was=was, by=tess, reason="because", now=NOW)
            judge_due(NOW)
            saved = GoalRule.objects.get(position=0) if edited else GoalRule.objects.latest("position")
            live = Goal.objects.filter(rule=saved, ended_on=None).select_related("team")
            assert {line.team.pk for line in said.lines} == {goal.team_id for goal in live}, rule.teams
            days = {line.team.pk: line.day for line in said.lines}
            standings = {
                s.goal.team_id: s
                for s in Standing.objects.filter(goal__in=live).select_related("goal")
                if s.day == days[s.goal.team_id]
            }
            for line in said.lines:
                held, out = standings[line.team.pk], line.outlook
                found = (out.status, out.value, out.as_of, out.baseline, out.target, out.expected, out.reason)
                stored = (held.status, held.value, held.as_of, held.baseline, held.target, held.expected, held.reason)
                assert found == stored, (line.team.key, rule.start, rule.teams)
                if out.forecast is not None:
                    assert out.forecast == held.forecast
                compared += 1
            transaction.set_rollback(True)
    assert compared > 150


def test_who_waits_and_who_is_asked_by_a_later_line():
    program = real(HEALTHCHECKS, MADE, metrics=("typed-functions",))
    tess = User.objects.named("tess@example.com")
    version = MetricVersion.objects.get()
    live_in(program, tess, version)
    wave = Wave.objects.create(program=program, key="later", start=date(2027, 1, 1))
    leaves = list(Team.objects.leaves().order_by("key"))
    WaveTeam.objects.bulk_create([WaveTeam(wave=wave, team=team) for team in leaves[:3]])
    first = GoalRule.objects.get(position=0)
    others = Team.objects.leaves().filter(parent__key="others").count()
    said = preview(program, first, ground(version), NOW)
    assert (len(said.lines), said.taken_by_later, said.waiting) == (len(leaves) - others, others, 0)
    assert all(line.live for line in said.lines)
    first.teams, first.position = {"wave": "later"}, 100
    waits = preview(program, first, ground(version), NOW)
    assert (waits.lines, waits.wave, waits.waiting) == ([], wave, 3)


def test_a_team_over_its_limit_waits():
    program = real(HEALTHCHECKS, MADE, metrics=("typed-functions",))
    version = MetricVersion.objects.get()
    team = Team.objects.leaves().order_by("key")[0]
    Team.objects.filter(pk=team.pk).update(program_limit=0)
    rule = GoalRule(
        program=program,
        position=0,
        metric=version.metric,
        teams="all",
        start=NOW.date(),
        due=date(2027, 8, 1),
        target=0.9,
    )
    said = preview(program, rule, ground(version), NOW)
    assert said.waiting == 1
    assert team.key not in {line.team.key for line in said.lines}


def test_the_queries_do_not_grow_with_the_teams():
    counted = []
    for path in (HEALTHCHECKS, READ_THE_DOCS):
        with transaction.atomic():
            program = real(path, MADE, metrics=("typed-functions",))
            version = MetricVersion.objects.select_related("metric").get()
            rule = GoalRule(
                program=program, position=9, metric=version.metric, teams="all", start=NOW.date(), due=date(2027, 8, 1),
                target=0.9,
            )  # fmt: skip
            with CaptureQueriesContext(connection) as queries:
                preview(program, rule, ground(version), NOW)
            counted.append(len(queries))
            transaction.set_rollback(True)
    assert counted[0] == counted[1] <= 5


def test_how_hard_a_real_goal_is():
    """Typed functions of healthchecks: done within a year and a half, team by team; asked again in a month, unheard of."""
    now = datetime(2023, 3, 15, 12, tzinfo=UTC)
    program = real(HEALTHCHECKS, now, metrics=("typed-functions",))
    version = MetricVersion.objects.select_related("metric").get()
    held = ground(version)

    def hard(due: date) -> list[Difficulty | None]:
        rule = GoalRule(
            program=program, position=0, metric=version.metric, teams="all", start=date(2023, 3, 1), due=due, target=0.9
        )
        return [line.difficulty for line in preview(program, rule, held, now).lines if not line.met]

    soon, late = hard(date(2023, 3, 15)), hard(date(2040, 1, 1))
    assert Difficulty.UNHEARD_OF in soon
    assert soon.count(Difficulty.UNHEARD_OF) > late.count(Difficulty.UNHEARD_OF)
    assert Difficulty.EASY in late


def test_teams_by_a_condition_and_a_target_by_the_best():
    real(HEALTHCHECKS, MADE, metrics=("typed-functions",))
    version = MetricVersion.objects.select_related("metric").get()
    held, teams, day = ground(version), Team.objects.in_bulk(), MADE.date()
    values = {teams[pk].key: value for pk, value in held.values(day).items()}
    worse, said = by_condition(held, teams, day, than=0.95, worse=True)
    assert worse == sorted(key for key, value in values.items() if value < 0.95)
    better, _ = by_condition(held, teams, day, than=0.95, worse=False)
    assert sorted([*worse, *better]) == sorted(values)
    assert said == (
        f"teams worse than 95 % on typed-functions on 10 Aug 2026: {len(worse)} of {len(values)} teams with a value"
    )
    found = as_the_best(held, teams, day, 0.25)
    assert found is not None
    assert found[0] == percentile(list(values.values()), 0.25, True)
    assert found[1].startswith("target ")
    assert "what the best 25 % of teams had on 10 Aug 2026" in found[1]


def test_a_line_that_somebody_changed_is_not_overwritten():
    program = real(HEALTHCHECKS, MADE, metrics=("typed-functions",))
    tess = User.objects.named("tess@example.com")
    live_in(program, tess, MetricVersion.objects.get())
    rule = GoalRule.objects.get(position=0)
    was = goal_lines.seen(rule)
    GoalRule.objects.filter(pk=rule.pk).update(target=0.7)
    asked = {name: getattr(rule, name) for name in FIELDS} | {"target": 0.8}
    with pytest.raises(Unfit, match="Somebody changed these lines"):
        goal_lines.save(program, 0, asked, was=was, by=tess, reason="x", now=NOW)
    assert GoalRule.objects.get(position=0).target == 0.7

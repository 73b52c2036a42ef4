"""The verdict on a program, from the rows in the database to the kept finding: real data, cadences, versions, waves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from program.feeds.registry import KINDS
from program.models import Metric, MetricVersion, Program, Wave
from reviews import brief, effects, pace_words, verdict_words
from reviews.evidence import collect
from reviews.models import Effect, EffectLook, Pace, Review, holding
from teams import effect_series, renegotiating, retention
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import LONG_AGO, Goal, GoalTerms, Source, Team, WaveTeam
from teams.standings import judge_due
from tests.teams.real import HEALTHCHECKS, real

pytestmark = pytest.mark.django_db
JUDGED = datetime(2024, 6, 2, 9, 0, tzinfo=UTC)
HEADER = "metric,team,item,as_of,numerator,denominator\n"
NOW = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)
MONTHS = [date(2025, month, 1) for month in range(5, 13)] + [date(2026, month, 1) for month in (1, 2, 3)]
START = date(2026, 1, 1)
TEAMS = [f"t{n}" for n in range(1, 9)]
PROGRAM = """
program: {key: fewer, name: Fewer, purpose: x, sponsor: {email: sam@example.com},
  owners: [{email: tess@example.com, role: technical}], start: 2026-01-01, end: 2026-12-31}
metrics:
  - {key: findings, name: Findings, direction: down, aggregation: sum, fresh_for: 45d, unit: findings}
  - {key: tests, name: Tests, direction: up, aggregation: sum, fresh_for: 45d, unit: tests}
goals:
  - {metric: findings, teams: [TEAMS], start: 2026-01-01, due: 2026-12-31, target: 0}
"""


def apply(text: str, now: datetime = NOW) -> None:
    apply_text(text, now=now, via="test")


def settle(teams=TEAMS, more: str = "") -> Program:
    apply("".join(f"---\nkind: Group\nmetadata: {{name: {team}}}\n" for team in TEAMS))
    apply(PROGRAM.replace("TEAMS", ", ".join(teams)) + more)
    return Program.objects.get(key="fewer")


def measure(teams, days, after: int, *, before: int = 20, metric: str = "findings") -> None:
    """About `before` until the program begins, `after` from then on; each team with an unrest of its own."""
    rows = [
        f"{metric},{team},a.py,{day},{(before if day < START else after) + (number + place) % 3},\n"
        for number, team in enumerate(teams)
        for place, day in enumerate(days)
    ]
    ingest((HEADER + "".join(rows)).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)


def found(program: Program, metric: str = "findings") -> Effect:
    effects.keep(program, NOW)
    return next(one for one in holding(Effect, program, NOW.date()) if one.metric_version.metric.key == metric)


# -- real data --


def test_the_program_that_worked_works_and_what_nobody_ran_never_does():
    real(HEALTHCHECKS, datetime(2026, 9, 1, 9, tzinfo=UTC), metrics=("typed-functions", "documented-api"))
    apply(
        """program: {key: p, name: P, purpose: x, sponsor: {email: sam@example.com},
  owners: [{email: tess@example.com, role: technical}], start: 2022-09-01, end: 2024-12-31}
goals:
  - {metric: typed-functions, teams: all, start: 2022-09-01, due: 2024-03-01, target: 0.9}
  - {metric: documented-api, teams: all, start: 2022-09-01, due: 2024-03-01, target: 0.9}
""",
        JUDGED,
    )
    program = Program.objects.get()
    assert effects.keep(program, JUDGED) is True
    held = {one.metric_version.metric.key: one for one in Effect.objects.all()}
    one = held["typed-functions"]
    assert (one.verdict, one.method, one.treated, one.compared) == ("working", "the teams' own past", 6, 0)
    assert (one.effect, one.low, one.high) == pytest.approx((0.963, 0.729, 1.172), abs=5e-4)
    assert (one.before, one.now, one.expected) == pytest.approx((0.00999, 0.98527, 0.02232), abs=1e-5)
    assert one.as_of == date(2024, 6, 1)
    assert one.now - one.expected == pytest.approx(one.effect)
    assert verdict_words.evidence_of(one, date(2024, 6, 2)) == (
        "96 points better (between 73 and 117 points): 99 % on 1 Jun, 1 % before it began, and it would have been 2 % "
        "without it. By 6 teams against their own past."
    )
    assert held["documented-api"].verdict == "not shown"
    months = [datetime(2022 + n // 12, n % 12 + 1, 2, 9, tzinfo=UTC) for n in range(9, 54, 3)]
    said = {on: {q.metric.key: effect_series.read(q, on).judge().verdict for q in effect_series.asked(program, on)}
            for on in (month.date() for month in months)}  # fmt: skip
    assert {one["documented-api"] for one in said.values()} == {"not shown"}
    paces = {one.metric_version.metric.key: one for one in Pace.objects.all()}
    assert pace_words.sentence(paces["typed-functions"], program.end, date(2024, 6, 2)) == (
        "2 closed and 1 new in 22 weeks: every team is at its target."
    )
    assert pace_words.sentence(paces["documented-api"], program.end, date(2024, 6, 2)) == (
        "2 closed and 12 new in 22 weeks: at this pace it does not finish in ten years, not even if all goes well; the "
        "program ends on 31 Dec."
    )


# -- what is kept, and when --


def test_a_program_is_looked_at_once_a_day_and_again_when_something_arrives():
    program = settle()
    measure(TEAMS, MONTHS[:-1], 8)
    assert effects.keep_due(NOW) == 1
    first = list(Effect.objects.values())
    assert [one["verdict"] for one in first] == ["working"]
    assert effects.keep_due(NOW + timedelta(hours=3)) == 0
    assert effects.keep(program, NOW + timedelta(hours=3)) is False
    assert effects.keep_due(NOW + timedelta(days=1)) == 1
    assert list(Effect.objects.values()) == first, "nothing new was measured"
    assert EffectLook.objects.get().looked_on == (NOW + timedelta(days=1)).date()
    measure(TEAMS, MONTHS[-1:], 18)
    assert effects.keep(program, NOW + timedelta(days=1)) is True
    kept = list(Effect.objects.order_by("day").values_list("day", "as_of"))
    assert kept == [(NOW.date(), MONTHS[-2]), (NOW.date() + timedelta(days=1), MONTHS[-1])]
    assert Pace.objects.count() == 2


def test_found_twice_on_a_day_it_is_one_row():
    program = settle()
    measure(TEAMS, MONTHS[:-1], 8)
    effects.keep(program, NOW)
    measure(TEAMS, MONTHS[-1:], 18)
    effects.keep(program, NOW + timedelta(hours=1))
    assert list(Effect.objects.values_list("day", "as_of")) == [(NOW.date(), MONTHS[-1])]


def test_drafts_and_programs_that_are_over_are_not_looked_at():
    settle()
    for state, looked in (("draft", 0), ("completed", 0), ("canceled", 0), ("paused", 1)):
        Program.objects.update(state=state)
        assert effects.keep_due(NOW) == looked


# -- who is compared with whom --


def test_teams_outside_are_the_comparison():
    program = settle(TEAMS[:4])
    measure(TEAMS[:4], MONTHS, 8)
    measure(TEAMS[4:], MONTHS, 17)
    one = found(program)
    assert (one.verdict, one.method, one.treated, one.compared) == ("working", "comparison teams", 4, 4)
    assert one.effect == pytest.approx(9.0, abs=0.8)
    assert one.now - one.expected == pytest.approx(-one.effect)
    assert one.facts["others"][-1] == pytest.approx(18.0, abs=0.6)
    assert verdict_words.method(one)[1].endswith(
        "Checked: before it began they did. With so few teams that sees large differences only."
    )


def test_a_goal_that_ended_is_on_neither_side_and_so_is_a_team_of_another_program():
    program = settle(TEAMS[:4])
    measure(TEAMS, MONTHS, 8)
    Goal.objects.filter(team__key="t1").update(ended_on=date(2026, 2, 1))
    other = PROGRAM.replace("key: fewer", "key: other").replace("TEAMS", "t5").replace(
        "  - {key: findings, name: Findings, direction: down, aggregation: sum, fresh_for: 45d, unit: findings}\n", ""
    ).replace("key: tests", "key: others")  # fmt: skip
    apply(other)
    (question,) = effect_series.asked(program, NOW.date())
    series = effect_series.read(question, NOW.date())
    keys = dict(Team.objects.values_list("pk", "key"))
    assert sorted(keys[team] for team in series.treated) == ["t2", "t3", "t4"]
    assert sorted(keys[team] for team in series.others) == ["t6", "t7", "t8"]
    (before,) = effect_series.asked(program, date(2026, 1, 31))
    assert sorted(keys[team] for team in before.starts) == ["t1", "t2", "t3", "t4"], "its goal had not ended then"


def test_waves_begin_when_they_open_and_later_ones_are_compared():
    program = settle()
    measure(TEAMS, MONTHS, 8)
    opened = Wave.objects.create(program=program, key="one", start=START, state="open", opened_on=date(2026, 1, 20))
    WaveTeam.objects.bulk_create(WaveTeam(wave=opened, team=team) for team in Team.objects.filter(key__in=TEAMS[:4]))
    planned = Wave.objects.create(program=program, key="two", start=date(2026, 4, 10))
    later = list(Team.objects.filter(key__in=TEAMS[4:]))
    WaveTeam.objects.bulk_create(WaveTeam(wave=planned, team=team) for team in later)
    Goal.objects.filter(team__in=later).delete()
    (question,) = effect_series.asked(program, NOW.date())
    assert set(question.starts.values()) == {date(2026, 1, 20)}
    series = effect_series.read(question, NOW.date())
    assert {series.on_grid[team].start for team in series.treated} == {MONTHS.index(date(2026, 2, 1))}
    assert sorted(series.others) == sorted(team.pk for team in later)
    one = found(program)
    assert (one.treated, one.compared) == (4, 4)
    assert one.facts["again"] == "2026-05-08", "28 days, as far apart as measurements are, after the next wave"


def test_a_start_after_the_newest_measurement_has_not_begun():
    program = settle()
    GoalTerms.objects.update(start=date(2026, 3, 20))
    measure(TEAMS, MONTHS, 8)
    one = found(program)
    assert (one.verdict, one.why) == ("too early", "the program has not begun with any team")
    assert verdict_words.missing(one, NOW.date()).startswith(
        "It begins on 20 Mar; the first measurement after that is expected about 17 Apr. It takes 4 teams"
    )


# -- what is measured --


def test_weekly_and_monthly_feeds_are_compared_by_the_month():
    program = settle()
    weeks = [date(2025, 5, 5) + timedelta(weeks=n) for n in range(44)]
    measure(TEAMS[:4], weeks, 8)
    measure(TEAMS[4:], MONTHS, 8)
    (question,) = effect_series.asked(program, NOW.date())
    series = effect_series.read(question, NOW.date())
    assert 10 <= len(series.days) <= 12
    assert series.days[-1] == date(2026, 3, 2)
    monthly = series.teams[Team.objects.get(key="t5").pk]
    assert [value for value in monthly.values if value is not None][-1] in (8.0, 9.0, 10.0)
    one = found(program)
    assert (one.verdict, one.treated) == ("working", 8)
    assert one.effect == pytest.approx(12.0, abs=1.0)


def test_what_is_stale_at_the_newest_day_does_not_count():
    program = settle()
    measure(TEAMS[:6], MONTHS, 8)
    measure(TEAMS[6:], MONTHS[:-2], 8)
    one = found(program)
    assert one.treated == 6


def test_only_what_was_measured_up_to_the_day_counts_and_a_retired_source_does_not():
    program = settle()
    measure(TEAMS, MONTHS, 8)
    (question,) = effect_series.asked(program, date(2025, 12, 31))
    assert effect_series.read(question, date(2025, 12, 31)).days == MONTHS[:8]
    Source.objects.filter(team__key__in=TEAMS[:2]).update(retired_on=date(2026, 2, 15))
    assert found(program).treated == 6


def test_an_empty_snapshot_is_a_sum_of_none():
    program = settle()
    measure(TEAMS, MONTHS, 8)
    Source.objects.get(team__key="t1").snapshots.filter(as_of=MONTHS[-1]).update(
        count=0, numerator=0, maximum=None, items={}
    )
    (question,) = effect_series.asked(program, NOW.date())
    assert effect_series.read(question, NOW.date()).teams[Team.objects.get(key="t1").pk].values[-1] == 0.0


def test_two_versions_are_two_questions_and_never_one_series():
    program = settle()
    measure(TEAMS, MONTHS[:-1], 8)
    effects.keep(program, NOW)
    metric = Metric.objects.get(key="findings")
    MetricVersion.objects.filter(metric=metric).update(current=False)
    new = MetricVersion.objects.create(
        metric=metric, number=2, direction="down", aggregation="sum", unit="findings", opened_at=NOW
    )
    measure(TEAMS, MONTHS[-1:], 100)
    later = NOW + timedelta(days=1)
    effects.keep(program, later)
    (old,) = holding(Effect, program, later.date())
    assert (old.metric_version.number, old.as_of, old.verdict) == (1, MONTHS[-2], "working")
    GoalTerms.objects.update(metric_version=new)
    EffectLook.objects.all().delete()
    effects.keep(program, later)
    (now,) = holding(Effect, program, later.date())
    assert (now.metric_version.number, now.verdict, now.treated) == (2, "too early", 0)
    assert now.facts["days"] == [MONTHS[-1].isoformat()]
    (then,) = holding(Effect, program, NOW.date())
    assert then.metric_version.number == 1, "what was found by the old one is kept, and is of its day"


def test_a_guardrail_is_asked_of_every_team_of_the_program_and_harm_is_found():
    program = settle(more="")
    measure(TEAMS, MONTHS, 8)
    measure(TEAMS, MONTHS, 5, before=20, metric="tests")
    Program.objects.update(guardrails=["tests", "nothing"])
    program.refresh_from_db()
    one = found(program, "tests")
    assert (one.guardrail, one.verdict, one.treated) == (True, "harmful", 8)
    assert verdict_words.harm(one, NOW.date()) == (
        "Tests must not get worse, and is 14.9 tests a team worse than it would have been (between −15.6 and −14.2 "
        "tests), as of 1 Mar."
    )
    assert not Pace.objects.filter(metric_version__metric__key="tests").exists()
    assert verdict_words.verdict_of(list(Effect.objects.all())) == "working", "a guardrail is no outcome"


def test_new_against_closed_and_the_finish():
    program = settle()
    measure(TEAMS, MONTHS, 8)
    effects.keep(program, NOW)
    (one,) = Pace.objects.select_related("metric_version__metric")
    assert one.remaining == sum(8 + (number + 10) % 3 for number in range(8))
    periods = one.facts["periods"]
    assert [period["first"] for period in periods] == [day.isoformat() for day in MONTHS[4:-1]]
    assert (one.facts["new"], one.facts["closed"]) == (0, 0), "each team's one item only shrank"
    total = sum(period["units_new"] - period["units_closed"] for period in periods)
    assert total == one.remaining - sum(20 + (number + 4) % 3 for number in range(8))
    assert one.a_day == pytest.approx(total / (MONTHS[-1] - MONTHS[4]).days)
    assert one.finishes == MONTHS[-1] + timedelta(days=round(one.remaining / -one.a_day))
    assert one.last is None, "all of it went in one month: that says little of the next ones"


def test_what_comes_after_items_that_were_let_go_is_not_new(settings):
    program = settle()
    measure(TEAMS, MONTHS, 8)
    settings.ITEM_DAYS = 30
    assert retention.prune(NOW).snapshots == 8 * (len(MONTHS) - 2)
    effects.keep(program, NOW)
    (one,) = Pace.objects.all()
    assert (one.facts["new"], one.facts["closed"]) == (0, 0), "each team's one item only shrank"
    last = one.facts["periods"][-1]
    assert min(last["units_new"], last["units_closed"]) > 0
    assert all(period["units_new"] == 0 == period["units_closed"] for period in one.facts["periods"][:-1])


def test_a_baseline_that_was_recorded_ahead_of_the_programs_day_is_none_yet():
    """A team's day may be the program's next one: what is judged there is no target here before that day comes."""
    program = settle()
    measure(TEAMS, MONTHS, 8)
    GoalTerms.objects.update(target=None, improve_by=0.5, baseline=20.0, baseline_as_of=NOW.date())
    effects.keep(program, NOW)
    assert Pace.objects.get().remaining is not None
    GoalTerms.objects.update(baseline_as_of=NOW.date() + timedelta(days=1))
    EffectLook.objects.all().delete()
    effects.keep(program, NOW)
    assert Pace.objects.get().remaining is None


def test_a_baseline_that_is_set_anew_makes_no_past_of_the_program():
    program = settle()
    ingest((HEADER + "findings,t1,x,2026-03-10,4,\n").encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    judge_due(NOW)
    goal = Goal.objects.get(program=program, team__key="t1")

    def begun() -> date:
        return effect_series.asked(program, NOW.date())[0].starts[goal.team_id]

    assert begun() == START
    tess = User.objects.named("tess@example.com")
    renegotiating.agree(goal, target=None, due=None, rebaseline=True, reason="x", by=tess, now=NOW)
    assert goal.terms.latest("effective_from").start == NOW.date()
    assert begun() == START
    # A start that was put off before it came is no start.
    GoalTerms.objects.filter(goal=goal, effective_from=LONG_AGO).update(start=NOW.date() + timedelta(days=30))
    assert begun() == NOW.date()


def test_queries_do_not_grow_with_teams():
    program = settle(TEAMS[:2])
    measure(TEAMS, MONTHS, 8)

    def asked() -> int:
        EffectLook.objects.all().delete()
        Effect.objects.all().delete()
        Pace.objects.all().delete()
        with CaptureQueriesContext(connection) as queries:
            effects.keep(program, NOW)
        return len(queries)

    few = asked()
    apply(PROGRAM.replace("TEAMS", ", ".join(TEAMS)))
    assert asked() == few <= 42  # totals now and at the start 8, the picture 5


def test_the_brief_says_what_works_and_a_guardrail_that_gets_worse_surprises_nobody_later():
    program = settle()
    measure(TEAMS, MONTHS, 8)
    measure(TEAMS, MONTHS, 5, before=20, metric="tests")
    Program.objects.update(guardrails=["tests"])
    program.refresh_from_db()
    judge_due(NOW)
    effects.keep(program, NOW)
    review = Review.objects.create(
        program=program, period="2026-03-18", starts_at=NOW + timedelta(days=2), minutes=30, zone="UTC", uid="x",
        created_at=NOW,
    )  # fmt: skip
    said = brief.compose(collect(review, NOW))
    assert said.effect == "The program works."
    assert [(one.key, one.guardrail, one.verdict) for one in said.effects] == [
        ("findings", False, "working"), ("tests", True, "harmful"),
    ]  # fmt: skip
    assert said.effects[0].numbers["effect"] == pytest.approx(11.9, abs=0.1)
    assert said.surprises[0].text == (
        "A guardrail: Tests must not get worse, and is 14.9 tests a team worse than it would have been (between −15.6 "
        "and −14.2 tests), as of 1 Mar."
    )
    assert said.recommendation == "change: Tests must not get worse, and gets worse by it, though it works on Findings."
    assert said.question == ""
    assert said.finish == (
        "4.8 findings closed and 1 new a week: at this pace the last team is done in July 2026 (16 Mar at the "
        "earliest; it may never finish); the program ends on 31 Dec."
    )
    with CaptureQueriesContext(connection) as queries:
        assert effects.keep(program, NOW) is False
    assert len(queries) == 1, "what was just looked at is not computed again for a brief"

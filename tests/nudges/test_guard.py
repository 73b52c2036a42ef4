"""A program's whole life, and the standing guard it leaves: silent while goals are met, a nudge when a team falls back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from nudges import ahead
from nudges.models import Mute, Notice, Nudge
from program.drafts import start
from program.models import GoalRule, Metric, Program
from program.typed_in import TypedIn
from teams import charter, lifecycle
from teams.apply.changes import Changes
from teams.goals import make_goals
from teams.models import Goal, Standing
from tests.nudges.conftest import MONDAY

WEEK = timedelta(weeks=1)
TUESDAY = MONDAY + timedelta(days=1)
DONE = {"a.py": (9, 10)}
FALLEN = {"a.py": (5, 10)}


def typed(**values: str) -> TypedIn:
    return TypedIn(values)


def fill(program: Program, play, now: datetime) -> None:
    """What its owner types in before it goes live."""
    changes = Changes(now, "page", play.world.tess)
    people = typed(
        sponsor="sam@example.com", mandate="can move a sprint", technical="tess@example.com", manager="pam@example.com"
    )
    assert charter.keep(program, "people", people, changes)
    GoalRule.objects.create(
        program=program, position=0, metric=play.world.typed, teams="all", start=now.date(), due=date(2026, 9, 1),
        target=0.5, why="half is enough to begin with",
    )  # fmt: skip
    make_goals(program, now, changes.note, by=play.world.tess)


@pytest.fixture
def live(play) -> Program:
    """Made, filled and live on a Monday noon; the other program is out of the way."""
    Program.objects.update(state="canceled")
    Metric.objects.update(sudden=0)  # a fall is asked about first where it is sudden; that is another test's
    made = start(
        typed(name="Half of it typed", purpose="fewer errors"), day=MONDAY.date(), now=MONDAY, by=play.world.tess
    )
    assert made is not None
    with pytest.raises(lifecycle.Refused, match=r"No sponsor yet.*No program manager yet"):
        lifecycle.go_live(made, now=MONDAY, by=play.world.tess)
    fill(made, play, MONDAY - timedelta(days=3))
    lifecycle.go_live(made, now=MONDAY, by=play.world.tess, via="page")
    return made


def test_nobody_is_written_to_on_the_spot_when_a_program_goes_live(play, live):
    """Its goals were made as a draft days ago, but count from the moment it went live."""
    told = ahead.first_mails(live, [play.world.api.pk, play.world.web.pk], MONDAY)
    assert [(str(one.person), one.day, one.hour) for one in told.first] == [
        ("Alice", date(2026, 3, 23), 9), ("Wanda", date(2026, 3, 23), 9),
    ]  # fmt: skip
    assert play.run(TUESDAY).notices == 0
    assert play.run(MONDAY + WEEK).notices == 2


def test_a_paused_program_says_nothing_and_a_resumed_one_goes_on(play, live):
    play.run(MONDAY + WEEK)
    lifecycle.pause(live, "the fire elsewhere", now=MONDAY + WEEK, by=play.world.pam)
    assert play.run(MONDAY + 2 * WEEK).said == 0
    assert Standing.objects.filter(goal__program=live, day=date(2026, 3, 30)).count() == 2
    resumed = MONDAY + 2 * WEEK + timedelta(days=2)
    lifecycle.resume(live, "the fire is out", now=resumed, by=play.world.pam)
    told = ahead.first_mails(live, [play.world.api.pk], resumed, fresh=False)
    assert [(one.day, one.hour) for one in told.first] == [(date(2026, 4, 1), 13)]
    assert play.run(resumed).said == 2


def test_a_guard_is_silent_until_a_team_falls_back(play, live):
    play.run(MONDAY + WEEK)
    play.measure(date(2026, 4, 10), web=DONE)
    now = datetime(2026, 4, 13, 7, 0, tzinfo=UTC)
    play.run(now)
    guard = lifecycle.complete(live, "half was enough", guard=True, now=now, by=play.world.tess, via="page")
    assert guard is not None
    assert (guard.key, guard.name, guard.state, guard.guard_of) == (
        "half-of-it-typed-guard", "Half of it typed: guard", "active", live,
    )  # fmt: skip
    assert (guard.start, guard.end, guard.review_every, guard.sponsor) == (
        date(2026, 4, 13), date(2027, 4, 13), "", play.world.sam,
    )  # fmt: skip
    assert sorted(guard.owners.values_list("user__email", "role")) == [
        ("pam@example.com", "manager"), ("tess@example.com", "technical"),
    ]  # fmt: skip
    rule = guard.goal_rules.get()
    assert (rule.teams, rule.target, rule.chosen) == (["web"], 0.5, "the 1 team at this target on 13 Apr 2026")
    assert Goal.objects.get(program=guard).team == play.world.web
    assert not Goal.objects.on_scorecards().filter(program=live).exists()
    before = Notice.objects.count()
    for n in range(4):
        play.measure(date(2026, 4, 17) + n * WEEK, web=DONE)
        done = play.run(MONDAY + (5 + n) * WEEK)
        assert (done.said, done.notices, done.digests) == (0, 0, 0)
    assert set(Standing.objects.filter(goal__program=guard).values_list("status", flat=True)) == {"met"}
    play.measure(date(2026, 5, 15), web=FALLEN | {"b.py": (0, 10)})
    done = play.run(MONDAY + 9 * WEEK)
    assert (done.said, done.notices) == (1, 0)
    nudge = Nudge.objects.said().get(goal__program=guard)
    assert (nudge.person, nudge.facts["status"], nudge.facts["target"]) == (play.world.wanda, "behind", 0.5)
    play.measure(date(2026, 5, 22), web=DONE)
    assert play.run(MONDAY + 10 * WEEK).notices == 1
    assert set(Notice.objects.filter(goal__program=guard).values_list("kind", flat=True)) == {"back on the path"}
    assert Notice.objects.count() == before + 1


def test_who_muted_the_program_hears_nothing_of_its_guard(play, live):
    play.measure(date(2026, 4, 10), web=DONE)
    now = datetime(2026, 4, 13, 7, 0, tzinfo=UTC)
    Mute.objects.create(person=play.world.wanda, program=live, created_at=now)
    guard = lifecycle.complete(live, "half was enough", guard=True, now=now, by=play.world.tess)
    play.measure(date(2026, 4, 17), web=FALLEN | {"b.py": (0, 10)})
    assert play.run(MONDAY + 5 * WEEK).said == 0
    assert Nudge.objects.get(goal__program=guard).reason == "program muted"

"""Other terms for one team: a line of its own, both terms on record, baselines anew, the past as it was judged."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from accounts.models import AuditRow
from program.feeds.registry import KINDS
from program.models import GoalRule
from teams import proposing, renegotiating
from teams.apply.files import apply_text
from teams.goals import make_goals
from teams.ingest import Origin, ingest
from teams.models import Goal, Proposal, Standing
from teams.scorecards import as_judged, build
from teams.standings import judge_due, judge_goals
from teams.typed import Unfit
from tests.people import HEADER, NOW, TYPING, settle

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 16)
DUE = date(2027, 6, 30)
ROWS = (
    HEADER
    + "typed-functions,api,a.py,2026-01-01,20,100\ntyped-functions,api,a.py,2026-02-01,24,100\n"
    + "typed-functions,api,a.py,2026-03-01,28,100\ntyped-functions,web,b.py,2026-03-01,19,20\n"
    + "findings,api,a,2026-01-01,30,\nfindings,api,a,2026-03-01,28,\n"
)


@pytest.fixture
def world():
    made = settle()
    ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    judge_due(NOW)
    return made


def terms(goal: Goal):
    return [(row.effective_from, row.target, row.due) for row in goal.terms.order_by("effective_from")]


def agree(world, goal, **more):
    asked = {"target": None, "due": None, "by": world.tess, "reason": "a rewrite comes first", "now": NOW} | more
    return renegotiating.agree(goal, **asked)


def test_one_team_gets_a_line_of_its_own(world):
    goal, other = world.goal(world.api, world.typed), world.goal(world.web, world.typed)
    before = list(GoalRule.objects.order_by("position").values_list("position", "teams", "due"))
    row = agree(world, goal, target=0.6, due=DUE, chosen="as Alice proposed")
    assert (row.effective_from, row.target, row.due, row.set_by, row.reason) == (
        TODAY, 0.6, DUE, world.tess, "a rewrite comes first",
    )  # fmt: skip
    assert (row.baseline, row.baseline_as_of) == (0.2, date(2026, 1, 1)), "the recorded baseline stays"
    rules = GoalRule.objects.order_by("position")
    assert list(rules.values_list("position", "teams", "due")) == [*before, (2, ["api"], DUE)]
    own = rules.last()
    assert (own.target, own.improve_by, own.start, own.chosen) == (
        0.6, None, date(2026, 1, 1), "its own terms since 16 Mar 2026, as Alice proposed",
    )  # fmt: skip
    goal.refresh_from_db()
    assert goal.rule == own
    assert terms(goal) == [(date.min, 0.9, date(2026, 12, 31)), (TODAY, 0.6, DUE)]
    assert terms(other) == [(date.min, 0.9, date(2026, 12, 31))]
    # Making the goals anew from the rules changes nothing: rules and goals say the same.
    make_goals(world.program, NOW + timedelta(days=1), lambda *_args: pytest.fail("something was changed"))


def test_the_goal_is_judged_at_once(world):
    goal = world.goal(world.api, world.typed)
    assert goal.standings.get(day=TODAY).status == "behind"
    agree(world, goal, target=0.25)
    kept = goal.standings.get(day=TODAY)
    assert (kept.status, kept.target) == ("met", 0.25)
    goal.refresh_from_db()
    assert (goal.judge_due_at, goal.judged_on) == (None, TODAY)


def test_a_line_for_this_team_alone_is_changed_in_place(world):
    goal = world.goal(world.api, world.findings)
    agree(world, goal, due=DUE)
    agree(world, goal, target=10.0)
    rows = list(GoalRule.objects.filter(metric=world.findings).values_list("teams", "target", "improve_by", "due"))
    assert rows == [(["api"], 10.0, None, DUE)]
    assert terms(goal) == [(date.min, None, date(2026, 12, 31)), (TODAY, 10.0, DUE)]
    assert goal.terms.last().tolerance == 0.05, "what was not renegotiated stays"
    changes = AuditRow.objects.filter(kind="goal terms", key="typing/findings/api").order_by("pk")
    assert [(row.before, row.after, row.actor, row.reason) for row in changes] == [
        ({"due": "2026-12-31"}, {"due": "2027-06-30"}, world.tess, "a rewrite comes first"),
        (
            {"target": None, "improve_by": 0.5},
            {"target": 10.0, "improve_by": None},
            world.tess,
            "a rewrite comes first",
        ),
    ]


def test_a_rebaseline_starts_today_and_the_next_daily_judgment_takes_the_baseline(world):
    goal = world.goal(world.api, world.typed)
    row = agree(world, goal, rebaseline=True)
    assert (row.start, row.baseline, row.baseline_recorded_at) == (TODAY, None, None)
    assert (goal.terms.first().start, goal.terms.first().baseline) == (date(2026, 1, 1), 0.2)
    kept = goal.standings.get(day=TODAY)
    assert (kept.status, kept.baseline, kept.expected) == ("on track", 0.28, 0.28)
    judge_due(NOW + timedelta(minutes=1))
    row.refresh_from_db()
    assert (row.baseline, row.baseline_as_of, row.baseline_recorded_at) == (
        0.28, date(2026, 3, 1), NOW + timedelta(minutes=1),
    )  # fmt: skip
    # Another baseline of the same day is taken anew too.
    ingest(
        (HEADER + "typed-functions,api,a.py,2026-03-15,30,100\n").encode(), Origin("file", "y.csv", KINDS["csv"]), NOW
    )
    agree(world, goal, rebaseline=True)
    judge_due(NOW + timedelta(minutes=2))
    row.refresh_from_db()
    assert (row.baseline, row.baseline_as_of) == (0.3, date(2026, 3, 15))


def test_a_rebaseline_puts_the_goal_on_the_present_version(world):
    old = world.typed.versions.get()
    world.typed.versions.update(current=False)
    new = world.typed.versions.create(
        number=2, direction="up", aggregation="ratio", unit="%", definition="stricter", opened_at=NOW
    )
    goal = world.goal(world.api, world.typed)
    assert agree(world, goal, due=DUE).metric_version == old
    assert agree(world, goal, rebaseline=True).metric_version == new


def test_the_past_stays_as_it_was_judged(world):
    goal = world.goal(world.api, world.typed)
    then = date(2026, 3, 2)
    judge_goals(Goal.objects.all(), NOW - timedelta(days=14), daily=True)
    said, anew = as_judged(world.api, then), build(world.api, then).facts()
    assert [entry["status"] for entry in said["goals"]] == ["behind", "on track"]
    agree(world, goal, target=0.25, due=DUE)
    agree(world, goal, rebaseline=True, due=DUE)
    judge_due(NOW + timedelta(days=1))
    assert as_judged(world.api, then) == said
    assert build(world.api, then).facts() == anew, "a past day is judged by the terms of that day"
    assert Standing.objects.filter(goal=goal, day=then).count() == 1
    later = next(e for e in build(world.api, TODAY).facts()["goals"] if e["metric"] == "typed-functions")
    assert (later["target"], later["due"], later["start"]) == (0.25, "2027-06-30", "2026-03-16")


def test_a_draft_has_one_set_of_terms(world):
    world.program.state = "draft"
    world.program.save()
    goal = world.goal(world.api, world.typed)
    agree(world, goal, target=0.5)
    assert terms(goal) == [(date.min, 0.5, date(2026, 12, 31))]


def test_milestones_that_no_longer_fit_are_left_out(world):
    apply_text(
        TYPING.replace("due: 2026-12-31, target: 0.9}", "due: 2026-12-31, target: 0.9, milestones: "
                       "{2026-02-01: 0.3, 2026-06-01: 0.5, 2026-09-01: 0.8}}"), now=NOW, via="test"
    )  # fmt: skip
    goal = world.goal(world.api, world.typed)
    assert agree(world, goal, target=0.7).milestones == [["2026-02-01", 0.3], ["2026-06-01", 0.5]]
    assert agree(world, goal, rebaseline=True).milestones == [["2026-06-01", 0.5]]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "Another target or another due day than now was expected."),
        ({"target": 0.9}, "Another target or another due day than now was expected."),
        ({"due": date(2026, 12, 31)}, "Another target or another due day than now was expected."),
        ({"due": TODAY}, "The due day is after today (2026-03-16), not 2026-03-16."),
        ({"due": date(2025, 1, 1)}, "The due day is after the start (2026-01-01), not 2025-01-01."),
        ({"target": float("nan")}, "The target is a number of at most 1,000,000,000,000,000."),
        ({"target": 1e300}, "The target is a number of at most 1,000,000,000,000,000."),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(world, asked, said):
    goal = world.goal(world.api, world.typed)
    before = (GoalRule.objects.count(), AuditRow.objects.count())
    with pytest.raises(Unfit) as refused:
        agree(world, goal, **asked)
    assert str(refused.value) == said
    with pytest.raises(Unfit):
        proposing.propose(goal, target=asked.get("target"), due=asked.get("due"), reason="why", by=world.alice, now=NOW)
    assert (GoalRule.objects.count(), AuditRow.objects.count(), Proposal.objects.count()) == (*before, 0)


def test_an_ended_goal_keeps_its_terms(world):
    goal = world.goal(world.api, world.typed)
    Goal.objects.filter(pk=goal.pk).update(ended_on=TODAY)
    with pytest.raises(Unfit, match="This goal has ended"):
        agree(world, goal, target=0.5)
    Goal.objects.filter(pk=goal.pk).update(ended_on=None)
    world.program.state = "completed"
    world.program.save()
    with pytest.raises(Unfit, match="This goal has ended"):
        agree(world, goal, target=0.5)


def test_what_other_terms_would_mean(world):
    goal = world.goal(world.api, world.typed)
    found = renegotiating.meaning(goal, NOW, target=0.5, due=DUE)
    assert (found.judgment.status, found.judgment.value, found.judgment.target) == ("on track", 0.28, 0.5)
    assert found.judgment.expected == pytest.approx(0.2 + 0.3 * 74 / 545)
    assert found.pace == pytest.approx(0.3 / 545)
    # 20, 24, 28 of 100 on 1 Jan, 1 Feb, 1 Mar: slopes 4/31, 4/28 and 8/59 a day; the median is 8/59.
    assert found.pace_now == pytest.approx(0.08 / 59)
    anew = renegotiating.meaning(goal, NOW, target=None, due=None, rebaseline=True)
    assert (anew.judgment.baseline, anew.judgment.expected, anew.terms.start) == (0.28, 0.28, TODAY)
    assert not Proposal.objects.exists()
    assert goal.terms.count() == 1


class TestProposals:
    def propose(self, world, **more):
        asked = {"target": 0.6, "due": DUE, "reason": "a rewrite comes first", "by": world.alice, "now": NOW} | more
        return proposing.propose(world.goal(world.api, world.typed), **asked)

    def test_accepting_gives_the_terms(self, world):
        made = self.propose(world)
        proposing.accept(made, text="agreed, it is worth it", by=world.tess, now=NOW)
        made.refresh_from_db()
        assert (made.state, made.answer, made.answered_by, made.answered_at) == (
            "accepted", "agreed, it is worth it", world.tess, NOW,
        )  # fmt: skip
        row = made.goal.terms.last()
        assert (row.target, row.due, row.set_by, row.reason) == (0.6, DUE, world.tess, "a rewrite comes first")
        assert GoalRule.objects.last().chosen == "its own terms since 16 Mar 2026, as Alice proposed"
        rows = AuditRow.objects.filter(kind="proposal").order_by("pk")
        assert [(row.actor, row.after, row.reason) for row in rows] == [
            (world.alice, {"target": 0.6, "due": "2027-06-30"}, "a rewrite comes first"),
            (world.tess, {"state": "accepted", "target": 0.6, "due": "2027-06-30"}, "agreed, it is worth it"),
        ]

    def test_declining_and_withdrawing_change_nothing_else(self, world):
        made = self.propose(world)
        proposing.decline(made, text="the audit is in December", by=world.pam, now=NOW)
        again = self.propose(world, target=None)
        proposing.withdraw(again, by=world.alice, now=NOW)
        assert list(Proposal.objects.order_by("pk").values_list("state", "answer")) == [
            ("declined", "the audit is in December"),
            ("withdrawn", ""),
        ]
        assert made.goal.terms.count() == 1
        assert GoalRule.objects.count() == 2

    def test_one_is_open_at_a_time_and_answered_once(self, world):
        made = self.propose(world)
        with pytest.raises(Unfit, match="waits for its answer already"):
            self.propose(world, target=0.7)
        proposing.accept(made, text="", by=world.tess, now=NOW)
        for late in (
            lambda: proposing.accept(made, text="", by=world.pam, now=NOW),
            lambda: proposing.decline(made, text="no", by=world.pam, now=NOW),
            lambda: proposing.withdraw(made, by=world.alice, now=NOW),
        ):
            with pytest.raises(Unfit, match="not open any more"):
                late()
        made.refresh_from_db()
        assert (made.state, made.answered_by) == ("accepted", world.tess)

    def test_what_cannot_be_had_any_more_stays_open(self, world):
        made = self.propose(world, due=date(2026, 4, 1), target=None)
        with pytest.raises(Unfit, match="The due day is after today"):
            proposing.accept(made, text="", by=world.tess, now=NOW + timedelta(days=20))
        made.refresh_from_db()
        assert (made.state, made.goal.terms.count()) == ("open", 1)

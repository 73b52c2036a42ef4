"""What followed: an ask's effect on the teams it concerned, what was decided, and a review in one line."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from program.feeds.registry import KINDS
from program.models import MetricVersion
from program.rules.status import Status
from reviews import asks, followed, room, schedule
from reviews.brief import compose
from reviews.evidence import collect
from reviews.models import Review
from teams.ingest import Origin, ingest
from teams.models import Goal, GoalTerms
from teams.standings import judge_due
from tests.people import HEADER, NOW, settle

pytestmark = pytest.mark.django_db
RAISED = NOW
LATER = NOW + timedelta(days=28)


def measure(day: date, *rows: str, at: datetime | None = None) -> None:
    text = HEADER + "".join(f"{metric},{team},{item},{day},{rest}\n" for metric, team, item, rest in
                            (row.split(" ") for row in rows))  # fmt: skip
    ingest(text.encode(), Origin("file", "x.csv", KINDS["csv"]), at or NOW)


@pytest.fixture
def world():
    made = settle()
    schedule.schedule(NOW)
    measure(
        date(2026, 1, 1), "typed-functions api a.py 10,100", "typed-functions web b.py 50,100", "findings api x 40,"
    )
    measure(
        date(2026, 3, 1), "typed-functions api a.py 12,100", "typed-functions web b.py 60,100", "findings api x 40,"
    )
    judge_due(NOW)
    return made


def effect(world, *goals: Goal, at: datetime = LATER) -> str:
    ask = asks.raise_ask(Review.objects.get(), "Make room", RAISED, goals=[goal.pk for goal in goals])
    return followed.effects([ask], at).get(ask.pk, "")


def test_before_anything_is_measured(world):
    assert effect(world, world.goal(world.api, world.typed)) == "Api was not measured since."
    measure(date(2026, 3, 16), "typed-functions api a.py 90,100")  # on the day itself: not since
    assert effect(world, world.goal(world.api, world.typed)) == "Api was not measured since."


def test_from_then_to_now_and_back_on_the_path(world):
    """On 13 Apr the path asks for 10 % + 80 points × 102/364 = 32 %."""
    measure(date(2026, 4, 1), "typed-functions api a.py 51,100", at=LATER)
    assert effect(world, world.goal(world.api, world.typed)) == (
        "Api went from 12 % to 51 % since, and is back on its path."
    )


def test_better_and_behind_still(world):
    measure(date(2026, 4, 1), "typed-functions api a.py 20,100", at=LATER)
    assert effect(world, world.goal(world.api, world.typed)) == "Api went from 12 % to 20 % since, and is behind still."


def test_worse_is_said(world):
    measure(date(2026, 4, 1), "typed-functions web b.py 40,100", at=LATER)
    assert effect(world, world.goal(world.web, world.typed)) == (
        "web went from 60 % to 40 % since, which is worse, and is off its path now."
    )


def test_by_the_metrics_direction_and_unit(world):
    """Of findings fewer is better: 40 to 21 reaches for the target of 20."""
    measure(date(2026, 4, 1), "findings api x 21,", at=LATER)
    assert effect(world, world.goal(world.api, world.findings)) == (
        "Api went from 40 findings to 21 findings since, and is back on its path."
    )
    measure(date(2026, 4, 2), "findings api x 20,", at=LATER)
    assert effect(world, world.goal(world.api, world.findings)).endswith("since, and has reached its target.")


def test_unchanged(world):
    measure(date(2026, 4, 1), "typed-functions api a.py 12,100", at=LATER)
    assert effect(world, world.goal(world.api, world.typed)) == "Api is at 12 %, as it was, and is behind still."


def test_several_goals_those_measured_first_and_by_metric(world):
    measure(date(2026, 4, 1), "typed-functions web b.py 80,100", at=LATER)
    both = [world.goal(world.api, world.typed), world.goal(world.web, world.typed)]
    assert effect(world, *both) == "web went from 60 % to 80 % since; Api was not measured since."
    assert effect(world, world.goal(world.api, world.findings), *both) == (
        "web (Functions with full annotations) went from 60 % to 80 % since; "
        "Api (Functions with full annotations) was not measured since; Api (Security findings) was not measured since."
    )


def test_two_versions_are_never_compared(world):
    goal = world.goal(world.api, world.typed)
    old = world.typed.versions.get()
    MetricVersion.objects.filter(pk=old.pk).update(current=False)
    fields = ("unit", "direction", "aggregation")
    new = MetricVersion.objects.create(
        metric=world.typed, number=2, current=True, opened_at=NOW, **{name: getattr(old, name) for name in fields}
    )
    measure(date(2026, 4, 1), "typed-functions api a.py 90,100", at=LATER)
    assert effect(world, goal) == "Api was not measured since."  # by the ruler that it is judged by
    GoalTerms.objects.filter(goal=goal).update(metric_version=new)
    assert effect(world, goal) == "Api has no number of the same kind to compare with."


def test_an_ask_without_goals_has_no_effect(world):
    assert effect(world) == ""


def test_constant_queries(world, django_assert_num_queries):
    goals = [world.goal(world.api, world.typed).pk, world.goal(world.web, world.typed).pk]
    review = Review.objects.get()
    made = [asks.raise_ask(review, "One", RAISED, goals=goals[:1])]
    measure(date(2026, 4, 1), "typed-functions api a.py 51,100", at=LATER)
    with django_assert_num_queries(6):
        followed.effects(made, LATER)
    made += [asks.raise_ask(review, f"{n}", RAISED + timedelta(days=n), goals=goals) for n in range(6)]
    with django_assert_num_queries(6):
        followed.effects(made, LATER)


def test_the_next_brief_tells_it(world):
    review = Review.objects.get()
    made = asks.raise_ask(review, "Make room", RAISED, of=world.gina, due=date(2026, 3, 20),
                          goals=[world.goal(world.api, world.typed).pk])  # fmt: skip
    asks.move(made, date(2026, 3, 30), NOW, on=NOW.date(), reason="ill", actor=world.tess)
    asks.move(made, date(2026, 4, 9), NOW, on=NOW.date(), reason="ill", actor=world.tess)
    asks.say(made, "cannot", "the freeze", LATER, actor=world.gina)
    room.decide(review, "Coverage waits", RAISED, by=world.sam)
    room.strike(room.decide(review, "No", RAISED, by=world.sam), RAISED, by=world.sam)
    Review.objects.filter(pk=review.pk).update(state="held", starts_at=RAISED)
    measure(date(2026, 4, 1), "typed-functions api a.py 51,100", at=LATER)
    schedule.schedule(LATER)
    judge_due(LATER)
    coming = Review.objects.select_related("program__sponsor").get(state="scheduled")
    content = compose(collect(coming, LATER))
    assert content.decided == ["Coverage waits"]
    (told,) = content.past_asks
    assert told.due == "9 Apr, moved from 20 Mar (twice)"
    assert told.state == "past its day"
    assert told.outcome == "Gina says it cannot be done: the freeze."
    assert told.effect == "Api went from 12 % to 51 % since, and is back on its path."


def test_many_goals_are_counted(world):
    """Six goals of which one is nobody's: what moved how, and how many are back on their path."""
    api, web, findings = (world.goal(world.api, world.typed), world.goal(world.web, world.typed),
                          world.goal(world.api, world.findings))  # fmt: skip
    version = world.typed.versions.get()

    def since(goal, then, now, measured=True, was="behind", status="behind"):
        return followed.Since(goal, version, then, now, measured, Status(was), Status(status))

    found = [
        since(api, 0.1, 0.5, status="on track"), since(web, 0.1, 0.2), since(findings, 0.2, 0.1), since(api, 0.3, 0.3),
        since(web, 0.3, 0.3, measured=False), since(api, None, 0.3),
    ]  # fmt: skip
    assert followed.sentence(found) == (
        "Of 6 goals 4 were measured since: 2 better, 1 unchanged, 1 worse. 1 is back on its path."
    )
    assert followed.sentence([found[4]] * 5) == "Of 5 goals none was measured since."


def test_an_old_ask_is_compared_with_its_own_day(world):
    """Further back than what is read of a series otherwise."""
    for day in (date(2026, 6, 1), date(2026, 8, 1), date(2026, 10, 1)):
        measure(day, "typed-functions api a.py 60,100", at=NOW + timedelta(days=250))
    said = effect(world, world.goal(world.api, world.typed), at=NOW + timedelta(days=250))
    assert said.startswith("Api went from 12 % to 60 % since")


def test_a_review_in_one_line(world, django_assert_num_queries):
    review = Review.objects.get()
    assert followed.in_one_line([review.pk]) == {}
    room.decide(review, "One", NOW, by=world.sam)
    assert followed.in_one_line([review.pk]) == {review.pk: "1 decision"}
    room.decide(review, "Two", NOW, by=world.sam)
    for state in ("kept", "kept", "missed"):
        asks.close(asks.raise_ask(review, "x", NOW), state, NOW)
    assert followed.in_one_line([review.pk]) == {review.pk: "2 decisions, 3 asks: 2 kept, 1 missed"}
    asks.raise_ask(review, "x", NOW)
    with django_assert_num_queries(2):
        assert followed.in_one_line([review.pk]) == {review.pk: "2 decisions, 4 asks: 1 open, 2 kept, 1 missed"}

"""Which program speaks when a person's week has no room for all of them, and what is kept of what lost."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nudges import budget, withholding
from nudges.models import Delivery, Digest, Mute, Notice, Nudge
from nudges.situation import GoalRow
from program.models import Program
from teams.apply.files import apply_text
from tests.nudges.conftest import MADE, MONDAY, said_to

WEEK, TO_WEDNESDAY = timedelta(weeks=1), timedelta(days=2)


def claim(rank, day, pk):
    return budget.Claim(rank, date(2026, 3, 23) + timedelta(days=day), GoalRow(pk, 1, 1, 1, "m", "t", MADE), "behind")


RANKS = st.tuples(st.integers(0, 2), st.floats(-1, 0))


@given(
    today=st.lists(RANKS, min_size=1, max_size=4),
    later=st.lists(st.tuples(RANKS, st.integers(1, 4)), max_size=8),
    room=st.integers(1, 4),
)
def test_the_days_with_the_worst_goals_speak_and_of_equals_the_earlier(today, later, room):
    mine = [claim(rank, 0, n) for n, rank in enumerate(today)]
    others = [claim(rank, day, 100 + n) for n, (rank, day) in enumerate(later)]
    winners = budget.better(mine, others, room)
    worst_of_day = {0: min(today)}
    for rank, day in later:
        worst_of_day[day] = min(rank, worst_of_day.get(day, rank))
    speaking = sorted(worst_of_day, key=lambda day: (worst_of_day[day], day))[:room]
    assert bool(winners) == (0 not in speaking)
    if winners:
        assert [(one.day - date(2026, 3, 23)).days for one in winners] == speaking
        assert [one.rank for one in winners] == [worst_of_day[day] for day in speaking]


def documented(play, due):
    """A second program, which speaks to api on Wednesdays, both programs announced; from then on one mail a week."""
    text = f"""
program:
  key: docs
  name: Documented
  purpose: Fewer questions
  sponsor: {{email: sam@example.com}}
  owners: [{{email: tess@example.com, role: technical}}]
  start: 2026-01-01
  end: 2026-12-31
metrics:
  - {{key: undocumented, name: Undocumented modules, unit: modules, direction: down, aggregation: sum, fresh_for: 90d}}
goals:
  - {{metric: undocumented, teams: [api], start: 2026-01-01, due: {due}, target: 0}}
nudges: {{every: 1 week, weekday: wednesday, hour: 9, max_per_person_per_week: 2}}
"""
    apply_text(text, now=MADE, via="test")
    for day in (date(2026, 1, 1), date(2026, 3, 13)):
        play.measure(day, now=MADE, metric="undocumented", api={"m.py": 8, "n.py": 1})
    play.run(MONDAY)
    play.run(MONDAY + TO_WEDNESDAY)
    Program.objects.update(nudge_weekly_maximum=1)


def lost(day):
    return Nudge.objects.get(goal__team__key="api", day=day, reason="weekly budget")


def test_monday_keeps_still_if_wednesday_has_worse_to_say(play):
    documented(play, due="2026-03-20")
    alice = play.world.alice
    for week in (1, 2, 3):
        play.run(MONDAY + week * WEEK)
        play.run(MONDAY + week * WEEK + TO_WEDNESDAY)
    assert said_to(alice) == [
        (date(2026, 3, 25), "api", "undocumented"),
        (date(2026, 4, 1), "api", "undocumented"),
        # The overdue goal backs off for two weeks: now there is room.
        (date(2026, 4, 6), "api", "typed-functions"),
    ]
    row = lost(date(2026, 3, 23))
    assert (row.goal.metric.key, row.streak, row.facts["budget"]) == (
        "typed-functions",
        0,
        {
            "mails": 0,
            "most": 1,
            "won": [
                {
                    "program": "docs", "program_name": "Documented", "team": "api", "metric": "undocumented",
                    "status": "overdue", "day": "2026-03-25",
                }
            ],
        },
    )  # fmt: skip
    assert Digest.objects.get(person=alice, day=date(2026, 3, 23)).delivery is None
    assert withholding.why(row, {"docs"}) == (
        "A week has room for 1 mail to this person. Said in this week instead, as worse: "
        "Documented: undocumented of api, overdue, on Wed 25 Mar."
    )
    assert "another program’s goal, overdue, on Wed 25 Mar" in withholding.why(row, set())


def test_what_speaks_on_monday_takes_the_weeks_mail_and_wednesday_says_so(play):
    documented(play, due="2026-12-31")
    for day in (MONDAY + WEEK, MONDAY + WEEK + TO_WEDNESDAY):
        play.run(day)
    assert said_to(play.world.alice) == [(date(2026, 3, 23), "api", "typed-functions")]
    row = lost(date(2026, 3, 25))
    assert (row.goal.metric.key, row.facts["budget"]["mails"]) == ("undocumented", 1)
    assert [(one["program"], one["day"]) for one in row.facts["budget"]["won"]] == [("typing", "2026-03-23")]


def test_with_room_for_both_both_speak(play):
    documented(play, due="2026-03-20")
    Program.objects.update(nudge_weekly_maximum=2)
    for day in (MONDAY + WEEK, MONDAY + WEEK + TO_WEDNESDAY):
        play.run(day)
    assert len(said_to(play.world.alice)) == 2


def test_what_is_new_is_told_on_its_day_whatever_comes_later(play):
    documented(play, due="2026-03-20")
    Notice.objects.filter(goal__metric__key="findings").delete()
    play.run(MONDAY + WEEK)
    assert said_to(play.world.alice) == [(date(2026, 3, 23), "api", "typed-functions")]
    assert Delivery.objects.filter(person=play.world.alice, key__endswith="2026-03-23").count() == 1


@pytest.mark.parametrize("reason", ["", "back off", "not short any more"])
def test_other_reasons_are_the_rules_own_sentences(reason):
    said = withholding.why(Nudge(reason=reason, facts={}), set())
    assert said == {
        "": "", "not short any more": "not short any more",
        "back off": "The person was told of this goal, it did not recover, and the wait of 1, 2, 4, 8 weeks is not over.",
    }[reason]  # fmt: skip


METRICS = ("alpha", "beta", "gamma", "delta")


def talkative(play, weekday="monday", maximum=1):
    """A program of four metrics, so that it has something to say each week, which speaks before the others."""
    metrics = "".join(
        f"  - {{key: {key}, name: {key}, direction: down, aggregation: sum, fresh_for: 300d}}\n" for key in METRICS
    )
    goals = "".join(
        f"  - {{metric: {key}, teams: [api], start: 2026-01-01, due: 2026-12-31, target: 0}}\n" for key in METRICS
    )
    apply_text(program("talk", metrics, goals, weekday, maximum), now=MADE, via="test")
    for n, key in enumerate(METRICS):
        play.measure(date(2026, 1, 1), now=MADE, metric=key, api={"m.py": 8 + n})


def program(key, metrics, goals, weekday, maximum):
    return f"""
program:
  key: {key}
  name: {key.title()}
  purpose: Fewer questions
  sponsor: {{email: sam@example.com}}
  owners: [{{email: tess@example.com, role: technical}}]
  start: 2026-01-01
  end: 2026-12-31
metrics:
{metrics}goals:
{goals}nudges: {{every: 1 week, weekday: {weekday}, hour: 9, max_per_person_per_week: {maximum}}}
"""


def later_program(play, at, weekday="wednesday", maximum=1):
    """A second program, made at a moment, whose goal api hears of for the first time."""
    metrics = "  - {key: late, name: late, direction: down, aggregation: sum, fresh_for: 300d}\n"
    goals = "  - {metric: late, teams: [api], start: 2026-01-01, due: 2026-12-31, target: 0}\n"
    apply_text(program("late", metrics, goals, weekday, maximum), now=at, via="test")
    play.measure(date(2026, 1, 1), now=at, metric="late", api={"m.py": 3})


def weeks(play, start, count):
    """Run every working day of so many weeks at ten; returns the days on which alice got a mail."""
    for n in range(7 * count):
        day = start + timedelta(days=n)
        if day.weekday() < 5:
            play.run(day)
    found = Digest.objects.filter(person=play.world.alice, delivery__state="sent", day__gte=start.date())
    return list(found.order_by("day").values_list("day", flat=True))


def told_of_late():
    return list(Notice.objects.filter(kind="new goal", goal__metric__key="late").values_list("digest__day", flat=True))


@pytest.mark.parametrize("weekday", ["tuesday", "wednesday", "friday"])
def test_a_new_goal_is_told_with_the_next_mail_though_another_program_has_all_weeks(play, weekday):
    """The first program has something to say for weeks; the second one's goal was made on a Tuesday."""
    Program.objects.update(state="paused")  # only the two of this test speak
    talkative(play)
    weeks(play, MONDAY, 1)
    later_program(play, MONDAY + timedelta(days=1, hours=2), weekday)
    mails = weeks(play, MONDAY + timedelta(days=2), 4)
    assert told_of_late() == [date(2026, 3, 23)]
    assert len(mails) == len({day.isocalendar()[:2] for day in mails}), "never two in a week"


def test_with_room_left_a_new_goal_waits_for_its_own_programs_day(play):
    Program.objects.update(state="paused")
    talkative(play, maximum=2)
    weeks(play, MONDAY, 1)
    later_program(play, MONDAY + timedelta(days=3), maximum=2)
    weeks(play, MONDAY + WEEK, 1)
    assert told_of_late() == [date(2026, 3, 25)]
    digest = Digest.objects.get(person=play.world.alice, day=date(2026, 3, 23))
    assert not digest.notices.filter(goal__metric__key="late").exists()


def test_a_mail_that_carries_a_new_goal_says_when_that_program_may_speak(play):
    Program.objects.update(state="paused")
    talkative(play)
    weeks(play, MONDAY, 1)
    later_program(play, MONDAY + timedelta(days=3))
    play.run(MONDAY + WEEK)
    digest = Digest.objects.get(person=play.world.alice, day=date(2026, 3, 23))
    assert [n.goal.metric.key for n in digest.notices.all()] == ["late"]
    assert digest.next_day == date(2026, 3, 25)
    assert "late" in digest.delivery.text


def test_nothing_is_carried_to_who_wants_nothing_of_that_program(play):
    Program.objects.update(state="paused")
    talkative(play)
    weeks(play, MONDAY, 1)
    later_program(play, MONDAY + timedelta(days=1, hours=2))
    Mute.objects.create(
        person=play.world.alice, program=Program.objects.get(key="late"), created_at=MONDAY, via="profile"
    )
    weeks(play, MONDAY + WEEK, 2)
    assert told_of_late() == []

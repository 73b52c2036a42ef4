"""Planning from real standings: who is told what on which day, what is withheld and why, and that it may run twice."""

import threading
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from nudges import delivery, planning
from nudges.models import Delivery, Digest, Mute, Notice, Nudge, Turn
from program.models import Metric, Program
from teams.apply.files import apply_text
from teams.models import Goal, Membership, Standing
from teams.standings import judge_due
from tests.nudges.conftest import BEHIND, MADE, MONDAY, everything, said_to, withheld
from tests.people import TYPING

WEEK = timedelta(weeks=1)


def test_the_first_digest_announces_the_goals_and_says_nothing_else_about_them(play):
    done = play.run(MONDAY)
    alice, wanda = play.world.alice, play.world.wanda
    assert (done.digests, done.said, done.notices) == (2, 0, 3)
    told = Notice.objects.filter(kind="new goal").order_by("goal").values_list("person", "goal__metric__key")
    assert sorted(told) == sorted(
        [(alice.pk, "findings"), (alice.pk, "typed-functions"), (wanda.pk, "typed-functions")]
    )
    assert withheld(alice) == [("api", "typed-functions", "new goal first")]
    assert withheld(wanda) == [("web", "typed-functions", "new goal first")]
    assert Delivery.objects.filter(state="sent").count() == 2


def test_a_week_later_the_goal_that_is_behind_is_told_with_its_facts(play):
    play.announced()
    done = play.run(MONDAY + WEEK)
    assert (done.digests, done.said, done.notices) == (2, 2, 0)
    alice = play.world.alice
    nudge = Nudge.objects.said().get(person=alice)
    assert (nudge.day, nudge.due_day, nudge.streak, nudge.reason) == (date(2026, 3, 23), date(2026, 3, 23), 1, "")
    facts = nudge.facts
    assert (facts["status"], facts["value"], facts["baseline"], facts["target"]) == (
        "behind", pytest.approx(10 / 65), pytest.approx(10 / 65), 0.9,
    )  # fmt: skip
    # 81 of the 364 days to the due day have passed.
    expected = 10 / 65 + (0.9 - 10 / 65) * 81 / 364
    assert facts["expected"] == pytest.approx(expected)
    assert facts["gap"] == pytest.approx(expected - 10 / 65)
    assert [crumb["item"] for crumb in facts["trail"]] == ["lib/webhooks.py"]
    assert (facts["goals"], facts["short"], facts["because"]["own"], facts["since"]) == (2, 1, True, None)
    digest = Digest.objects.get(person=alice, day=date(2026, 3, 23))
    assert digest.next_day == date(2026, 3, 30)
    assert digest.delivery.state == "sent"
    assert digest.delivery.subject == (
        "Api: Functions with full annotations is 17 points behind; webhooks.py is the one to fix"
    )
    assert digest.delivery.headers["Reply-To"] == "tess@example.com"


def test_planning_twice_or_later_the_same_day_changes_nothing(play):
    play.announced()
    play.plan(MONDAY + WEEK)
    before = everything()
    assert before[0]
    for hours in (0, 1, 3):
        assert play.plan(MONDAY + WEEK + timedelta(hours=hours)).digests == 0
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_three_beats_at_once_make_one_plan(transactional_db, request):
    play = request.getfixturevalue("play")
    play.announced()
    now = MONDAY + WEEK
    judge_due(now)
    start, faults = threading.Barrier(3), []

    def beat():
        try:
            start.wait(10)
            planning.plan(now)
        except Exception as fault:
            faults.append(fault)
        finally:
            connections.close_all()

    beats = [threading.Thread(target=beat) for _ in range(3)]
    for one in beats:
        one.start()
    for one in beats:
        one.join(60)
    assert faults == []
    assert said_to(play.world.alice) == [(date(2026, 3, 23), "api", "typed-functions")]
    assert Delivery.objects.filter(kind="digest", key__endswith="2026-03-23").count() == 2
    assert Turn.objects.filter(due_day=date(2026, 3, 23)).count() == 2


def test_the_back_off_over_half_a_year(play):
    Metric.objects.update(fresh_for=400)
    play.announced()
    said = play.weeks(30, MONDAY + WEEK)
    weeks = [(now - MONDAY).days // 7 for now in said]
    assert weeks == [1, 2, 4, 8, 16, 24]
    streaks = Nudge.objects.said().filter(person=play.world.alice).order_by("day").values_list("streak", flat=True)
    assert list(streaks) == [1, 2, 3, 4, 5, 6]
    reasons = {reason for *_, reason in withheld(play.world.alice, date(2026, 3, 16) + 3 * WEEK)}
    assert reasons == {"back off"}


def test_thanks_are_given_once_and_then_the_count_begins_again(play):
    play.announced()
    assert len(play.weeks(2, MONDAY + WEEK)) == 2
    fixed = {"lib/webhooks.py": (40, 40), "api/views.py": (3, 20), "ok.py": (5, 5)}
    play.measure(date(2026, 4, 1), api=fixed)
    assert Standing.objects.get(
        goal=play.world.goal(play.world.api, play.world.typed), day=date(2026, 4, 1)
    ).status == ("on track")
    play.run(MONDAY + 3 * WEEK)
    thanks = Notice.objects.get(kind="back on the path")
    assert (thanks.person, thanks.facts["status"]) == (play.world.alice, "on track")
    assert thanks.digest.delivery.subject == "Api: Functions with full annotations is back on its path"
    for n in (4, 5):
        play.run(MONDAY + n * WEEK)
    assert Notice.objects.filter(kind="back on the path").count() == 1
    # It falls back: that is news at once, however far the back-off had come.
    play.measure(date(2026, 4, 26), **BEHIND)
    play.run(MONDAY + 6 * WEEK)
    newest = Nudge.objects.said().filter(person=play.world.alice).latest("day")
    assert (newest.day, newest.streak, newest.facts["slipped"]) == (date(2026, 4, 27), 1, True)


def test_an_interval_of_two_weeks_is_kept(play):
    Metric.objects.update(fresh_for=400)
    Program.objects.update(nudge_every_weeks=2)
    play.announced()
    weeks = [(now - MONDAY).days // 7 for now in play.weeks(13, MONDAY + WEEK)]
    assert weeks == [1, 3, 5, 9]
    assert ("api", "typed-functions", "program interval") in withheld(play.world.alice, date(2026, 3, 30))


# When: weekday, hour, zone


def test_not_before_the_hour_nor_on_another_day_in_the_persons_zone(play):
    User.objects.filter(pk=play.world.alice.pk).update(time_zone="America/New_York")
    play.announced()
    first = Digest.objects.filter(person=play.world.alice)
    assert not first.exists()
    # Nine o'clock of 16 March in New York is 13:00 UTC: the clocks there changed on the 8th.
    assert play.plan(datetime(2026, 3, 16, 12, 59, tzinfo=UTC)).digests == 0
    assert play.plan(datetime(2026, 3, 16, 13, 0, tzinfo=UTC)).digests == 1
    assert first.get().day == date(2026, 3, 16)


def test_nine_oclock_stays_nine_oclock_when_the_clocks_change(play):
    """Riga changes on 29 March: nine o'clock is 07:00 UTC before and 06:00 UTC after."""
    Membership.objects.exclude(user=play.world.alice).delete()
    play.announced()
    for now, digests in [
        (datetime(2026, 3, 23, 6, 59, tzinfo=UTC), 0),
        (datetime(2026, 3, 23, 7, 0, tzinfo=UTC), 1),
        (datetime(2026, 3, 30, 5, 59, tzinfo=UTC), 0),
        (datetime(2026, 3, 30, 6, 0, tzinfo=UTC), 1),
    ]:
        assert play.plan(now).digests == digests, now
        delivery.deliver_batch(now)


def test_a_missed_turn_is_taken_later_in_the_week_in_working_hours_and_only_the_newest(play):
    play.announced()
    for now in (
        datetime(2026, 3, 23, 17, 0, tzinfo=UTC),
        datetime(2026, 3, 24, 5, 0, tzinfo=UTC),
        datetime(2026, 3, 28, 10, 0, tzinfo=UTC),
        datetime(2026, 4, 4, 10, 0, tzinfo=UTC),
    ):
        assert play.plan(now).digests == 0, now
    # Two turns were missed; on Wednesday of the third week one digest comes, for the newest.
    assert play.run(datetime(2026, 4, 8, 10, 0, tzinfo=UTC)).digests == 2
    nudge = Nudge.objects.said().get(person=play.world.alice)
    assert (nudge.day, nudge.due_day) == (date(2026, 4, 8), date(2026, 4, 6))
    assert Turn.objects.filter(person=play.world.alice).order_by("due_day").last().period == "2026-W15"
    assert play.plan(datetime(2026, 4, 9, 10, 0, tzinfo=UTC)).digests == 0
    # The next Monday is only five days off, and is a week by the calendar.
    assert play.run(datetime(2026, 4, 13, 10, 0, tzinfo=UTC)).said == 2


def test_a_weekday_on_the_weekend_waits_for_monday(play):
    Program.objects.update(nudge_weekday=5, nudge_hour=14)
    assert play.plan(datetime(2026, 3, 14, 14, 0, tzinfo=UTC)).digests == 0
    assert play.plan(datetime(2026, 3, 16, 6, 0, tzinfo=UTC)).digests == 0
    assert play.plan(datetime(2026, 3, 16, 9, 0, tzinfo=UTC)).digests == 2
    assert {turn.due_day for turn in Turn.objects.all()} == {date(2026, 3, 14)}


def test_a_public_holiday_of_the_persons_country_puts_the_turn_off_as_announced_and_drops_nothing(play):
    User.objects.filter(pk=play.world.alice.pk).update(country="LV")
    play.run(datetime(2026, 3, 23, 10, 0, tzinfo=UTC))
    assert play.run(datetime(2026, 3, 30, 10, 0, tzinfo=UTC)).said == 2
    digest = Digest.objects.get(person=play.world.alice, day=date(2026, 3, 30))
    assert digest.next_day == date(2026, 4, 7)
    assert "The next one comes on Tue 7 Apr at the earliest" in " ".join(digest.delivery.text.split())
    # Easter Monday in Latvia; wanda, who gave no country, is told on it (though late: her back-off is not over).
    assert play.run(datetime(2026, 4, 6, 10, 0, tzinfo=UTC)).said == 1
    assert said_to(play.world.wanda)[-1] == (date(2026, 4, 6), "web", "typed-functions")
    assert play.run(datetime(2026, 4, 7, 6, 0, tzinfo=UTC)).said == 1
    nudge = Nudge.objects.said().filter(person=play.world.alice).latest("day")
    assert (nudge.day, nudge.due_day, nudge.streak) == (date(2026, 4, 7), date(2026, 4, 6), 2)


def test_a_digest_planned_before_a_holiday_waits_for_its_end(play):
    User.objects.filter(pk=play.world.alice.pk).update(country="LV")
    Program.objects.update(nudge_weekday=3)
    for week in (0, 1):
        play.run(datetime(2026, 3, 19, 10, 0, tzinfo=UTC) + week * WEEK)
    # Maundy Thursday, late; then Good Friday to Easter Monday.
    play.plan(datetime(2026, 4, 2, 13, 59, tzinfo=UTC))
    waiting = Delivery.objects.get(person=play.world.alice, state="pending")
    delivery.deliver_batch(datetime(2026, 4, 3, 10, 0, tzinfo=UTC))
    waiting.refresh_from_db()
    assert (waiting.state, waiting.next_at, waiting.reason) == (
        "pending", datetime(2026, 4, 7, 6, 0, tzinfo=UTC), "outside working hours",
    )  # fmt: skip
    delivery.deliver_batch(datetime(2026, 4, 7, 6, 0, tzinfo=UTC))
    waiting.refresh_from_db()
    assert waiting.state == "sent"


def test_a_goal_made_after_this_weeks_hour_waits_for_the_next(play):
    Goal.objects.update(created_at=datetime(2026, 3, 16, 9, 30, tzinfo=UTC))
    assert play.plan(MONDAY).digests == 0
    assert play.plan(MONDAY + timedelta(days=2)).digests == 0
    assert play.plan(MONDAY + WEEK).digests == 2


def test_nobody_is_told_before_the_day_is_judged(play):
    play.announced()
    assert planning.plan(MONDAY + WEEK).digests == 0
    assert not Digest.objects.filter(day=date(2026, 3, 23)).exists()
    judge_due(MONDAY + WEEK + timedelta(hours=2))
    assert planning.plan(MONDAY + WEEK + timedelta(hours=2)).digests == 2


def test_one_goal_that_is_not_judged_today_does_not_hold_the_others_up(play):
    play.announced()
    judge_due(MONDAY + WEEK - timedelta(days=1))
    judge_due(MONDAY + WEEK)
    play.measure(date(2026, 3, 22), metric="findings", api={"a": 9})
    goal = play.world.goal(play.world.api, play.world.typed)
    Standing.objects.filter(goal=goal, day=date(2026, 3, 23)).delete()
    planning.plan(MONDAY + WEEK)
    assert ("api", "typed-functions", "not judged today") in withheld(play.world.alice)


# Who


def test_while_the_lead_is_away_the_groups_lead_is_told_and_both_are_on_record(play):
    play.announced()
    alice, gina = play.world.alice, play.world.gina
    User.objects.filter(pk=alice.pk).update(absent_from=date(2026, 3, 20), absent_until=date(2026, 3, 23))
    play.run(MONDAY + WEEK)
    assert said_to(alice) == []
    assert said_to(gina) == [(date(2026, 3, 23), "api", "typed-functions")]
    assert ("api", "typed-functions", "away") in withheld(alice)
    text = Delivery.objects.get(person=gina, state="sent").text
    assert "You get this because you lead Engineering, and Alice, who leads Api, is away." in " ".join(text.split())
    # Back the day after, alice is told at the next turn; gina, who was told in between, has her own count.
    play.run(MONDAY + 2 * WEEK)
    assert said_to(alice) == [(date(2026, 3, 30), "api", "typed-functions")]


def away(person, until=date(2026, 3, 27), **more):
    User.objects.filter(pk=person.pk).update(absent_from=date(2026, 3, 20), absent_until=until, **more)


def test_while_the_lead_is_away_their_deputy_is_told_and_knows_why(play):
    play.announced()
    alice, bob = play.world.alice, play.world.bob
    away(alice, deputy=bob)
    play.run(MONDAY + WEEK)
    assert said_to(bob) == [(date(2026, 3, 23), "api", "typed-functions")]
    assert (said_to(play.world.gina), said_to(alice)) == ([], [])
    assert ("api", "typed-functions", "away") in withheld(alice)
    text = " ".join(Delivery.objects.get(person=bob, state="sent").text.split())
    assert "You get this because you stand in for Alice, who leads Api and is away until 27 Mar 2026." in text
    # Back on the day: alice herself.
    play.run(MONDAY + 2 * WEEK)
    assert said_to(alice) == [(date(2026, 3, 30), "api", "typed-functions")]
    assert len(said_to(bob)) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"is_active": False},
        {"reads_only": True},
        {"address_suspended_reason": "550 no such user"},
        {"absent_from": date(2026, 3, 1)},
    ],
)
def test_a_deputy_who_cannot_act_is_passed_over(play, change):
    play.announced()
    away(play.world.alice, deputy=play.world.bob)
    User.objects.filter(pk=play.world.bob.pk).update(**change)
    play.run(MONDAY + WEEK)
    assert said_to(play.world.bob) == []
    assert said_to(play.world.gina) == [(date(2026, 3, 23), "api", "typed-functions")]


def test_a_deputy_hears_nothing_of_a_program_that_they_may_not_see(play):
    play.announced()
    away(play.world.alice, deputy=play.world.wanda)
    Program.objects.update(audience="api")
    play.run(MONDAY + WEEK)
    assert said_to(play.world.gina) == [(date(2026, 3, 23), "api", "typed-functions")]
    Program.objects.update(audience="engineering")
    away(play.world.alice, until=date(2026, 3, 31))
    play.run(MONDAY + 2 * WEEK)
    assert (date(2026, 3, 30), "api", "typed-functions") in said_to(play.world.wanda)


def test_the_deputy_of_a_leader_above_stands_in_where_lead_and_leader_are_away(play):
    play.announced()
    away(play.world.alice)
    away(play.world.gina, until=None, deputy=play.world.bob)
    play.run(MONDAY + WEEK)
    assert said_to(play.world.bob) == [(date(2026, 3, 23), "api", "typed-functions")]
    text = " ".join(Delivery.objects.get(person=play.world.bob, state="sent").text.split())
    assert "You get this because you stand in for Gina, who leads Engineering and is away." in text


def test_a_deputy_hears_nothing_while_the_lead_is_there(play):
    play.announced()
    User.objects.filter(pk=play.world.alice.pk).update(deputy=play.world.bob)
    play.run(MONDAY + WEEK)
    assert (len(said_to(play.world.alice)), said_to(play.world.bob)) == (1, [])


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"is_active": False}, "not active"), ({"address_suspended_reason": "550 no such user"}, "address suspended")],
)
def test_who_cannot_be_reached_is_passed_over(play, change, reason):
    play.announced()
    User.objects.filter(pk=play.world.alice.pk).update(**change)
    play.run(MONDAY + WEEK)
    assert said_to(play.world.alice) == []
    assert said_to(play.world.gina) == [(date(2026, 3, 23), "api", "typed-functions")]
    assert ("api", "typed-functions", reason) in withheld(play.world.alice)


def test_where_nobody_above_can_be_reached_it_is_withheld_under_the_leads_name(play):
    play.announced()
    User.objects.filter(pk__in=[play.world.alice.pk, play.world.gina.pk]).update(absent_from=date(2026, 3, 20))
    done = play.run(MONDAY + WEEK)
    assert withheld(play.world.alice, date(2026, 3, 23)) == [("api", "typed-functions", "away")]
    assert Digest.objects.get(person=play.world.alice, day=date(2026, 3, 23)).delivery is None
    assert done.withheld["away"] == 1


def test_a_team_without_any_lead_is_on_record_once_a_week(play):
    play.announced()
    Membership.objects.filter(user__in=[play.world.alice, play.world.gina]).delete()
    for hours in (0, 1):
        play.run(MONDAY + WEEK + timedelta(hours=hours))
    row = Nudge.objects.get(person=None)
    assert (row.goal.team, row.reason, row.due_day) == (play.world.api, "nobody to tell", date(2026, 3, 23))
    play.run(MONDAY + 2 * WEEK)
    assert Nudge.objects.filter(person=None).count() == 2


def test_who_muted_all_hears_nothing_and_it_is_not_passed_on(play):
    play.announced()
    Mute.objects.create(person=play.world.alice, created_at=MONDAY, via="test")
    play.run(MONDAY + WEEK)
    assert withheld(play.world.alice, date(2026, 3, 23)) == [("api", "typed-functions", "muted")]
    assert said_to(play.world.gina) == []
    assert Delivery.objects.filter(person=play.world.alice).count() == 1


def test_who_muted_the_program_hears_nothing_of_it_not_even_news(play):
    Mute.objects.create(person=play.world.alice, program=play.world.program, created_at=MONDAY, via="test")
    play.run(MONDAY)
    assert withheld(play.world.alice) == [("api", "typed-functions", "program muted")]
    assert not Delivery.objects.filter(person=play.world.alice).exists()
    assert not Notice.objects.filter(person=play.world.alice).exists()


# What


def test_held_standings_rest(play):
    play.announced()
    judge_due(MONDAY + WEEK)
    Standing.objects.filter(day=date(2026, 3, 23)).update(held=True)
    planning.plan(MONDAY + WEEK)
    assert withheld(play.world.alice, date(2026, 3, 23)) == [("api", "typed-functions", "held")]


@pytest.mark.parametrize("state", ["paused", "completed", "canceled", "draft"])
def test_only_active_programs_speak(play, state):
    play.announced()
    Program.objects.update(state=state)
    done = play.run(MONDAY + WEEK)
    assert (done.digests, done.said, dict(done.withheld)) == (0, 0, {})


def test_a_goal_that_is_fine_is_not_spoken_of(play):
    play.announced()
    play.measure(date(2026, 3, 20), api={"all.py": (60, 65)})
    play.run(MONDAY + WEEK)
    assert said_to(play.world.alice) == []
    assert withheld(play.world.alice, date(2026, 3, 23)) == []


def other_program(play, **policy):
    """A second program on the same metric's findings, for api and web."""
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
  - {{key: undocumented, name: Undocumented modules, unit: modules, direction: down, aggregation: sum, fresh_for: 60d}}
goals:
  - {{metric: undocumented, teams: [api], start: 2026-01-01, due: 2026-12-31, target: 0}}
nudges: {{every: 1 week, weekday: {policy.get("weekday", "monday")}, hour: {policy.get("hour", 9)},
          max_per_person_per_week: {policy.get("maximum", 2)}}}
"""
    apply_text(text, now=MADE, via="test")
    for day in (date(2026, 1, 1), date(2026, 3, 13)):
        play.measure(day, now=MADE, metric="undocumented", api={"m.py": 8, "n.py": 1})


def test_two_programs_share_one_digest_though_one_speaks_later_in_the_day(play):
    other_program(play, hour=14)
    play.announced()
    done = play.run(MONDAY + WEEK)
    assert done.said == 3
    assert said_to(play.world.alice) == [
        (date(2026, 3, 23), "api", "typed-functions"),
        (date(2026, 3, 23), "api", "undocumented"),
    ]
    assert play.run(MONDAY + WEEK + timedelta(hours=5)).digests == 0
    mail = Delivery.objects.get(person=play.world.alice, key__endswith="2026-03-23")
    assert mail.program is None
    assert mail in Delivery.objects.of_program(Program.objects.get(key="docs"))
    assert mail.subject == "Api: 2 of 3 goals off the path; m.py is the one to fix"


def test_the_next_mail_is_the_next_of_any_program(play):
    other_program(play, weekday="wednesday")
    play.announced()
    play.run(MONDAY + timedelta(days=2))
    play.run(MONDAY + WEEK)
    assert said_to(play.world.alice) == [(date(2026, 3, 23), "api", "typed-functions")]
    play.run(MONDAY + WEEK + timedelta(days=2))
    days = dict(Digest.objects.filter(person=play.world.alice).values_list("day", "next_day"))
    # The other one's day is Wednesday; from there the first one's is the Monday after.
    assert (days[date(2026, 3, 23)], days[date(2026, 3, 25)]) == (date(2026, 3, 25), date(2026, 3, 30))


def test_a_goal_that_rests_counts_for_the_next_mail_by_its_own_wait(play):
    other_program(play)
    play.announced()
    Mute.objects.create(
        person=play.world.alice, program=play.world.program,
        goal=Goal.objects.get(team__key="api", metric__key="typed-functions"), created_at=MADE, via="test",
    )  # fmt: skip
    days = {}
    for week in (1, 2, 4):
        play.run(MONDAY + week * WEEK)
        newest = Digest.objects.filter(person=play.world.alice).latest("day")
        days[newest.day] = newest.next_day
    # Muted for good, the other goal brings no mail any sooner than 1, 2 and 4 weeks after the one before.
    assert days == {
        date(2026, 3, 23): date(2026, 3, 30), date(2026, 3, 30): date(2026, 4, 13), date(2026, 4, 13): date(2026, 5, 11),
    }  # fmt: skip


def test_what_was_told_before_waits_for_another_goal_and_both_come_in_one_mail(play):
    """By their own waits, typed functions would be said in weeks 1, 2, 4, 8, 16 and the modules, of a program that
    speaks every other week, in 1, 3, 5, 9, 17: nine mails. Told together they are five."""
    other_program(play)
    Program.objects.filter(key="docs").update(nudge_every_weeks=2)
    play.announced()
    for week in range(1, 18):
        moment = MONDAY + week * WEEK
        if week % 6 == 0:
            play.measure(moment.date(), now=moment - timedelta(hours=8), **BEHIND)
            play.measure(
                moment.date(), now=moment - timedelta(hours=8), metric="undocumented", api={"m.py": 8, "n.py": 1}
            )
        play.run(moment)
    weeks = defaultdict(list)
    for day, _team, metric in said_to(play.world.alice):
        weeks[(day - MONDAY.date()).days // 7].append(metric)
    both = ["typed-functions", "undocumented"]
    assert weeks == {1: both, 2: both[:1], 3: both[1:], 5: both, 9: both, 17: both}
    waited = Nudge.objects.filter(person=play.world.alice, reason="comes together").values_list(
        "day", "goal__metric__key"
    )
    assert [((day - MONDAY.date()).days // 7, metric) for day, metric in waited.order_by("day")] == [
        (4, "typed-functions")
    ]


def test_what_is_overdue_waits_for_nothing(play):
    other_program(play)
    Program.objects.filter(key="docs").update(nudge_every_weeks=2)
    play.announced()
    for week in range(1, 6):
        judge_due(MONDAY + week * WEEK)
        Standing.objects.filter(goal__metric__key="typed-functions", day__gt=MONDAY.date()).update(status="overdue")
        play.run(MONDAY + week * WEEK)
    told = [day for day, _team, metric in said_to(play.world.alice) if metric == "typed-functions"]
    assert told == [(MONDAY + week * WEEK).date() for week in (1, 2, 4)]


def test_a_program_that_wakes_up_after_the_days_digest_waits_for_the_next_day(play):
    other_program(play)
    play.announced()
    Program.objects.filter(key="docs").update(state="paused")
    assert play.run(MONDAY + WEEK).said == 2
    Program.objects.filter(key="docs").update(state="active")
    assert play.run(MONDAY + WEEK + timedelta(hours=1)).digests == 0
    assert play.run(MONDAY + WEEK + timedelta(days=1)).said == 1
    assert said_to(play.world.alice)[-1] == (date(2026, 3, 24), "api", "undocumented")


def test_the_smallest_budget_of_a_persons_programs_counts(play):
    other_program(play, weekday="wednesday", maximum=2)
    play.run(MONDAY)
    play.run(MONDAY + timedelta(days=2))
    Program.objects.filter(key="docs").update(nudge_weekly_maximum=1)
    play.run(MONDAY + WEEK)
    play.run(MONDAY + WEEK + timedelta(days=2))
    assert said_to(play.world.alice) == [(date(2026, 3, 23), "api", "typed-functions")]
    assert withheld(play.world.alice, date(2026, 3, 25)) == [("api", "undocumented", "weekly budget")]
    assert Delivery.objects.filter(person=play.world.alice).count() == 3


def test_a_budget_of_two_leaves_room_for_both(play):
    other_program(play, weekday="wednesday", maximum=2)
    for n in range(2):
        play.run(MONDAY + n * WEEK)
        play.run(MONDAY + n * WEEK + timedelta(days=2))
    assert (date(2026, 3, 25), "api", "undocumented") in said_to(play.world.alice)
    assert Delivery.objects.filter(person=play.world.alice).count() == 4


def test_while_a_digest_waits_no_other_is_planned(play):
    play.announced()
    play.plan(MONDAY + WEEK)
    Delivery.objects.filter(state="pending").update(state="held")
    play.plan(MONDAY + 2 * WEEK)
    assert withheld(play.world.alice, date(2026, 3, 30)) == [("api", "typed-functions", "digest waiting")]


def test_planning_costs_the_same_queries_for_many_people(play):
    def grow(first, last):
        groups = "".join(
            f"---\nkind: Group\nmetadata: {{name: t{n}, annotations: {{technical-quality/lead: p{n}}}}}\n"
            f"spec: {{parent: engineering}}\n---\nkind: User\nmetadata: {{name: p{n}}}\n"
            f"spec: {{profile: {{email: p{n}@example.com}}}}\n"
            for n in range(first, last)
        )
        apply_text(groups.removeprefix("---\n"), now=MADE, via="test")
        apply_text(TYPING.replace("name: Every", f"name: {last} Every"), now=MADE, via="test")
        teams = {f"t{n}": {"a.py": (1, 10)} for n in range(first, last)}
        for day in (date(2026, 1, 1), date(2026, 3, 13)):
            play.measure(day, now=MADE, **teams)

    def cost(now):
        judge_due(now)
        with CaptureQueriesContext(connection) as counted:
            done = planning.plan(now)
        Delivery.objects.filter(state="pending").update(state="sent", handed_at=now, sent_at=now)
        return len(counted), done.digests

    play.announced()
    cost(MONDAY + WEEK)
    few = cost(MONDAY + 2 * WEEK)
    grow(0, 30)
    announced = cost(MONDAY + 3 * WEEK)
    many = cost(MONDAY + 4 * WEEK)
    assert (few[1], announced[1], many[1]) == (2, 30, 32)
    assert many[0] <= few[0] <= 44

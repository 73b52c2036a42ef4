"""The rules that withhold a nudge, each by its name, and the back-off's exact weeks."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from nudges import policy
from nudges.policy import Answered, Case, Listener

MONDAY = date(2026, 11, 23)
FREE = Case(listener=Listener(), due_day=MONDAY)


def weeks_ago(n):
    return MONDAY - timedelta(weeks=n)


def test_nothing_withholds_an_ordinary_case():
    assert policy.withheld_by(FREE) == ""


@pytest.mark.parametrize(
    ("rule", "case"),
    [
        ("nobody to tell", replace(FREE, listener=None)),
        ("not active", replace(FREE, listener=Listener(active=False))),
        ("address suspended", replace(FREE, listener=Listener(address_suspended=True))),
        ("away", replace(FREE, listener=Listener(away=True))),
        ("muted", replace(FREE, listener=Listener(muted_all=True))),
        ("program muted", replace(FREE, program_muted=True)),
        ("held", replace(FREE, held=True)),
        ("not judged today", replace(FREE, judged_today=False)),
        ("new goal first", replace(FREE, announced=False)),
        ("program interval", replace(FREE, every_weeks=2, program_spoke=weeks_ago(1))),
        ("goal muted", replace(FREE, answered=Answered(goal_muted=True))),
        ("not mine", replace(FREE, answered=Answered(not_mine=True))),
        ("promised", replace(FREE, answered=Answered(promised=True))),
        ("blocked", replace(FREE, answered=Answered(blocked=True))),
        ("said done", replace(FREE, answered=Answered(said_done=True))),
        ("back off", replace(FREE, last_said=weeks_ago(1), streak=2)),
        ("stopped as of little use", replace(FREE, restraint="stopped")),
        ("slowed", replace(FREE, restraint="slowed", program_spoke=weeks_ago(1))),
        ("slowed", replace(FREE, restraint="slowed", last_said=weeks_ago(3), streak=2)),
        ("visibly at it", replace(FREE, at_it=True)),
        ("visibly at it", replace(FREE, at_it=True, resting_since=weeks_ago(3))),
        ("digest waiting", replace(FREE, listener=Listener(digest_waiting=True))),
        ("weekly budget", replace(FREE, listener=Listener(mails_this_week=2, weekly_maximum=2))),
        ("weekly budget", replace(FREE, listener=Listener(mails_this_week=0, weekly_maximum=0))),
        ("comes together", replace(FREE, gathers=True)),
        ("held out", replace(FREE, held_out=True)),
    ],
)
def test_each_rule_withholds_alone_and_gives_its_name(rule, case):
    assert policy.withheld_by(case) == rule
    assert [policy.name_of(r) for r in policy.RULES if r(case)] == [rule]


def test_every_rule_is_tried_above():
    tried = test_each_rule_withholds_alone_and_gives_its_name.pytestmark[0].args[1]
    assert {name for name, _case in tried} == {policy.name_of(rule) for rule in policy.RULES}


@pytest.mark.parametrize(("streak", "weeks"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 8), (20, 8)])
def test_back_off_is_1_2_4_8_weeks(streak, weeks):
    told = replace(FREE, streak=streak)
    assert policy.wait_after(streak) == weeks
    assert policy.withheld_by(replace(told, last_said=weeks_ago(weeks))) == ""
    if weeks > 1:
        assert policy.withheld_by(replace(told, last_said=weeks_ago(weeks - 1))) == "back off"
    assert policy.withheld_by(replace(told, last_said=MONDAY)) == "back off"


def test_a_goal_rests_for_four_weeks_in_a_row_at_most():
    assert policy.withheld_by(replace(FREE, at_it=True, resting_since=weeks_ago(4))) == ""
    assert policy.withheld_by(replace(FREE, at_it=False, resting_since=weeks_ago(1))) == ""


def test_a_goal_that_recovered_starts_again():
    case = replace(FREE, last_said=weeks_ago(1), streak=4, recovered=True)
    assert policy.withheld_by(case) == ""
    assert policy.next_streak(case) == 1
    assert policy.next_streak(replace(case, recovered=False)) == 5
    assert policy.next_streak(FREE) == 1


def test_the_wait_is_counted_in_turns_not_in_days():
    """A digest that came on Wednesday because of an outage does not put the next Monday off."""
    assert policy.weeks_since(weeks_ago(1), MONDAY) == 1


@pytest.mark.parametrize(("streak", "weeks"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_what_was_told_before_may_wait_a_quarter_longer_to_come_with_another(streak, weeks):
    assert policy.patience(streak) == weeks
    told = replace(FREE, last_said=weeks_ago(8), streak=streak)
    assert policy.patient_until(told) == weeks_ago(8) + timedelta(weeks=policy.wait_after(streak) + weeks)
    assert policy.patient_until(FREE) == policy.patient_until(replace(told, recovered=True)) == FREE.due_day


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (replace(FREE, restraint="slowed"), ""),
        (replace(FREE, restraint="slowed", program_spoke=weeks_ago(2)), ""),
        (replace(FREE, restraint="slowed", every_weeks=2, program_spoke=weeks_ago(3)), "slowed"),
        (replace(FREE, restraint="slowed", last_said=weeks_ago(4), streak=2), ""),
        (replace(FREE, restraint="slowed", last_said=weeks_ago(3), streak=2, recovered=True), ""),
        (replace(FREE, restraint="slowed", last_said=weeks_ago(1), streak=2), "back off"),
        (replace(FREE, restraint="stopped", last_said=weeks_ago(1), streak=2), "back off"),
    ],
)
def test_a_slowed_tone_waits_twice_as_long(case, why):
    assert policy.withheld_by(case) == why


@pytest.mark.parametrize(
    ("status", "slipped", "told", "tone"),
    [
        ("overdue", True, True, "overdue"),
        ("behind", True, True, "slipped"),
        ("behind", False, True, "still"),
        ("at risk", False, True, "still"),
        ("behind", False, False, "behind"),
        ("at risk", False, False, "at risk"),
    ],
)
def test_the_tone(status, slipped, told, tone):
    assert policy.tone(status, slipped, told=told) == tone
    assert tone in policy.TONES


def test_next_due_is_the_longer_of_interval_and_back_off():
    assert policy.next_due(FREE) == MONDAY + timedelta(weeks=1)
    assert policy.next_due(replace(FREE, every_weeks=3)) == MONDAY + timedelta(weeks=3)
    assert policy.next_due(replace(FREE, last_said=weeks_ago(2), streak=2)) == MONDAY + timedelta(weeks=4)
    slow = replace(FREE, last_said=weeks_ago(2), streak=2, slow_next=True)
    assert policy.next_due(slow) == MONDAY + timedelta(weeks=8)


@pytest.mark.parametrize(
    ("status", "slipped", "worth"),
    [
        ("at risk", False, True),
        ("behind", False, True),
        ("overdue", False, True),
        ("behind", True, True),
        ("on track", False, False),
        ("met", False, False),
        ("stale", False, False),
        ("no data", False, False),
        ("upcoming", False, False),
        ("exempt", False, False),
    ],
)
def test_what_is_worth_saying(status, slipped, worth):
    assert policy.worth_saying(status, slipped) is worth


def test_worst_first_is_the_scorecards_order_and_within_it_the_largest_gap():
    statuses = ["met", "on track", "at risk", "behind", "overdue"]
    assert sorted(statuses, key=lambda s: policy.worst_first(s, 0)) == statuses[::-1]
    assert policy.worst_first("behind", 0.3, "z") < policy.worst_first("behind", 0.1, "a")
    assert policy.worst_first("behind", 0.1, "a") < policy.worst_first("behind", 0.1, "b")


def test_severity_is_the_share_of_the_whole_way_that_is_missing():
    assert policy.severity(0.06, 0.9, 0.3) == pytest.approx(0.1)
    assert policy.severity(3, 2, 8) == pytest.approx(0.5)
    assert [policy.severity(*case) for case in [(None, 1, 0), (1, None, 0), (1, 1, None), (1, 1, 1)]] == [0] * 4

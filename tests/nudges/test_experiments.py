"""The holdout: who is left alone by lot, for how long, in the mails that arrive; and the effect read after it."""

import email
from datetime import date, timedelta
from email import policy as mail_policy

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditRow
from nudges import effect, experiments
from nudges.effect import Verdict
from nudges.models import Delivery, Experiment, Lot, Nudge
from nudges.planning import Plan
from program.models import Program
from program.rules.lots import is_held_out
from teams.apply.files import apply_text
from tests.nudges.conftest import MADE, MONDAY, everything, said_to, withheld
from tests.people import TYPING

WEEK = timedelta(weeks=1)
KEPT = "held out"


@pytest.fixture
def program(play) -> Program:
    """Every second goal is left alone; its two goals on functions form one block."""
    Program.objects.filter(key="typing").update(holdout=0.5)
    return Program.objects.get(key="typing")


def arrived(server) -> list[tuple[str, str]]:
    """Address and words of every mail that reached the mail server."""
    found = []
    for one in server.accepted:
        message = email.message_from_bytes(one.data, policy=mail_policy.default)
        found.append((message["To"], message.get_body(("plain",)).get_content()))
    return found


def the_two() -> tuple[Lot, Lot]:
    """The lot that was left alone, and the one that was nudged."""
    alone, nudged = Lot.objects.order_by("-held_out").select_related("goal__team")
    return alone, nudged


def test_one_of_two_goals_is_left_alone_as_the_mails_show(play, program, mail_server):
    play.announced()
    before = len(arrived(mail_server))
    play.run(MONDAY + WEEK)
    alone, nudged = the_two()
    assert (alone.held_out, nudged.held_out) == (True, False)
    made = Experiment.objects.get()
    assert (made.program, made.share, made.first_day, made.last_day) == (
        program, 0.5, date(2026, 3, 16), date(2026, 5, 10),
    )  # fmt: skip
    for lot in (alone, nudged):
        assert (lot.stratum, lot.drawn_on) == ("typed-functions behind", date(2026, 3, 23))
        assert lot.held_out == is_held_out(made.seed, lot.stratum, lot.place, 0.5)
        assert lot.gap == pytest.approx(lot.goal.standings.get(day=date(2026, 3, 23)).gap)
    assert {alone.place, nudged.place} == {0, 1}
    page = "/teams/{}/"
    told = arrived(mail_server)[before:]
    assert len(told) == 1
    assert page.format(nudged.goal.team.key) in told[0][1]
    assert page.format(alone.goal.team.key) not in told[0][1]
    assert [row for row in withheld(day=date(2026, 3, 23)) if row[2] == KEPT] == [
        (alone.goal.team.key, "typed-functions", KEPT)
    ]


def test_planning_again_draws_nothing_again(play, program):
    play.announced()
    play.run(MONDAY + WEEK)
    before = [*everything(), *Lot.objects.values()]
    play.run(MONDAY + WEEK)
    assert [*everything(), *Lot.objects.values()] == before


def test_after_four_weeks_it_is_told_like_every_other(play, program):
    for n in range(5):
        play.run(MONDAY + n * WEEK)
        if n == 1:
            alone, _ = the_two()
            lead = alone.goal.team.memberships.get(role="lead").user
    assert said_to(lead) == []
    assert [row[2] for row in withheld(lead)] == ["new goal first", KEPT, KEPT, KEPT, KEPT]
    play.run(MONDAY + 5 * WEEK)
    assert said_to(lead) == [(date(2026, 4, 20), alone.goal.team.key, "typed-functions")]
    assert Lot.objects.count() == 2
    assert effect.spoke_of_held_out([program.pk]) == 0


def test_a_share_of_none_ends_it_at_once(play, program):
    play.announced()
    play.run(MONDAY + WEEK)
    alone, _ = the_two()
    Program.objects.update(holdout=0.0)
    play.run(MONDAY + 2 * WEEK)
    lead = alone.goal.team.memberships.get(role="lead").user
    assert said_to(lead) == [(date(2026, 3, 30), alone.goal.team.key, "typed-functions")]
    assert Experiment.objects.get().ended_at == MONDAY + 2 * WEEK
    reasons = AuditRow.objects.filter(kind="program", via="planning").order_by("pk").values_list("reason", flat=True)
    assert list(reasons) == ["a holdout begins", "a holdout ends: nothing is held out"]


def test_what_is_said_after_an_early_end_breaks_nothing_and_is_not_compared(play, program):
    play.announced()
    play.run(MONDAY + WEEK)
    Program.objects.update(holdout=0.0)
    for n in range(2, 7):
        play.run(MONDAY + n * WEEK)
    assert effect.spoke_of_held_out([program.pk]) == 0
    _, (fortnight, month) = effect.of_program(program, MONDAY + 6 * WEEK)
    assert [(one.lost, one.waiting, one.effect.nudged, one.effect.held) for one in (fortnight, month)] == [
        (2, 0, 0, 0), (2, 0, 0, 0),
    ]  # fmt: skip
    # Said while it ran, it would be seen.
    Experiment.objects.update(ended_at=None)
    assert effect.spoke_of_held_out([program.pk]) > 0


def test_another_share_begins_another_with_another_seed(play, program):
    play.announced()
    Program.objects.update(holdout=0.25)
    play.run(MONDAY + WEEK)
    second, first = Experiment.objects.order_by("-pk")
    assert (first.share, first.ended_at, second.share, second.ended_at) == (0.5, MONDAY + WEEK, 0.25, None)
    assert first.seed != second.seed
    assert set(Lot.objects.values_list("experiment", flat=True)) == {second.pk}


def test_it_ends_four_weeks_after_its_last_day_of_drawing(play, program):
    def moment(day):
        return MONDAY + (day - MONDAY.date())

    experiments.keep_in_step({program.pk: program}, MONDAY)
    first = Experiment.objects.get()
    experiments.keep_in_step({program.pk: program}, moment(date(2026, 6, 7)))
    assert Experiment.objects.get().ended_at is None
    experiments.keep_in_step({program.pk: program}, moment(date(2026, 6, 8)))
    first.refresh_from_db()
    assert first.ended_at == moment(date(2026, 6, 8))
    assert Experiment.objects.get(ended_at=None).first_day == date(2026, 6, 8)


def test_nothing_is_drawn_after_the_last_day(play, program):
    play.announced()
    Experiment.objects.update(last_day=date(2026, 3, 22))
    play.run(MONDAY + WEEK)
    assert (Lot.objects.count(), Nudge.objects.said().count()) == (0, 2)


def test_without_a_share_one_query_and_no_row(play):
    program = Program.objects.get(key="typing")
    with CaptureQueriesContext(connection) as counted:
        experiments.keep_in_step({program.pk: program}, MONDAY)
    assert (len(counted), Experiment.objects.count()) == (1, 0)


def many(play, count: int) -> None:
    """So many more teams, each behind, each with its own lead."""
    groups = "".join(
        f"---\nkind: Group\nmetadata: {{name: t{n}, annotations: {{technical-quality/lead: p{n}}}}}\n"
        f"spec: {{parent: engineering}}\n---\nkind: User\nmetadata: {{name: p{n}}}\n"
        f"spec: {{profile: {{email: p{n}@example.com}}}}\n"
        for n in range(count)
    )
    apply_text(groups.removeprefix("---\n"), now=MADE, via="test")
    apply_text(TYPING.replace("hour: 9,", "hour: 9, holdout: 25%,"), now=MADE, via="test")
    for day in (date(2026, 1, 1), date(2026, 3, 13)):
        play.measure(day, now=MADE, **{f"t{n}": {"a.py": (1, 10)} for n in range(count)})


def plan_and_send(play, now) -> Plan:
    """As if every digest went out: so many at once would be a storm."""
    done = play.plan(now)
    Delivery.objects.filter(state="pending").update(state="sent", handed_at=now, sent_at=now)
    return done


def test_the_effect_is_read_from_what_became_of_the_gaps(play):
    """Nudged teams do a part of their work within ten days, the others nothing: by hand, on every goal."""
    many(play, 46)
    plan_and_send(play, MONDAY)
    drawn = plan_and_send(play, MONDAY + WEEK)
    assert (drawn.said, drawn.withheld[KEPT]) == (36, 12)
    program = Program.objects.get(key="typing")
    _, (early, _later) = effect.of_program(program, MONDAY + WEEK)
    assert (early.verdict, early.waiting, early.effect.nudged) == (Verdict.TOO_EARLY, 48, 0)
    nudged = {lot.goal.team.key for lot in Lot.objects.filter(held_out=False).select_related("goal__team")}
    day = date(2026, 4, 2)
    worked = {f"t{n}": {"a.py": (2 + n % 2 if f"t{n}" in nudged else 1, 10)} for n in range(46)}
    play.measure(day, **worked)
    for days in range(8, 40):
        plan_and_send(play, MONDAY + timedelta(days=days))
    found, (fortnight, month) = effect.of_program(program, MONDAY + timedelta(days=39))
    assert (fortnight.waiting, fortnight.lost, fortnight.effect.nudged, fortnight.effect.held) == (0, 0, 36, 12)

    def expected(key: str, after: int) -> float:
        lot = next(one.lot for one in found if one.lot.goal.team.key == key)
        share = int((date(2026, 3, 23) - date(2026, 1, 1)).days + after) / 364
        value = worked.get(key, {"a.py": (1, 10)})["a.py"][0] / 10
        return max(-1.0, 1 - max(0.0, 0.1 + 0.8 * share - value) / lot.gap)

    keys = [f"t{n}" for n in range(46)]
    by_hand = [expected(key, 14) for key in keys if key in nudged]
    read = {one.lot.goal.team.key: 1 - one.gaps[14] / one.lot.gap for one in found}
    assert [read[key] for key in keys if key in nudged] == pytest.approx(by_hand)
    assert month.effect.interval is not None
    assert fortnight.verdict == month.verdict == Verdict.HELPS
    assert fortnight.effect.interval.estimate == pytest.approx(0.76, abs=0.1)


def test_a_goal_on_its_path_has_no_gap_left(play, program):
    """Its gap on the scorecard is measured to the target then, and far from nothing."""
    play.announced()
    play.run(MONDAY + WEEK)
    _, nudged = the_two()
    day = MONDAY + timedelta(days=21)
    play.measure(day.date(), **{nudged.goal.team.key: {"a.py": (5, 10)}})
    play.plan(day)
    assert nudged.goal.standings.get(day=day.date()).gap == pytest.approx(0.4)
    found = {one.lot.pk: one.gaps[14] for one in effect.outcomes([program.pk], day)}
    assert found[nudged.pk] == 0.0

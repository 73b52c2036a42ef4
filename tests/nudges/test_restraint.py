"""A kind of nudge slows itself down, stops, and is started again; planning keeps to it, owners are told."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditRow
from nudges import delivery, restraint
from nudges.models import Delivery, Experiment, Look, Lot, Notice, Nudge, Restraint
from nudges.simulator import Policy, simulate
from program.models import Program
from tests.nudges.conftest import BEHIND, MONDAY, said_to, withheld
from tests.nudges.history import History
from tests.people import settle

pytestmark = pytest.mark.django_db
WEEK = timedelta(weeks=1)
LOOK = datetime(2026, 6, 15, 6, tzinfo=UTC)
"""A Monday, nine in Riga. Said at least 14 days before is until 1 June, and in the last twelve weeks from 23 March on."""
OLD = date(2026, 5, 4)


@pytest.fixture
def world():
    return settle()


@pytest.fixture
def history(world) -> History:
    return History.of(world.goal(world.api, world.typed), 5)


def voted(history, useful: int, votes: int, first: date = OLD, tone: str = "still") -> None:
    """So many votes, of different weeks; the goals were not measured, so that nothing else is known."""
    for n in range(votes):
        day = first + timedelta(days=n // 5)
        history.vote(history.say(n % 5, day, tone, measured=None), useful=n < useful)


def ignored(history, followed: int, said: int, first: date = OLD, people: int = 5) -> None:
    for n in range(said):
        nudge = history.say(n % people, first + timedelta(days=n // people))
        if n < followed:
            history.visit(nudge, timedelta(hours=3))


def state() -> list[tuple[str, str, date, bool]]:
    rows = Restraint.objects.order_by("decided_at", "pk")
    return [(row.tone, row.state, row.since, row.ended_at is None) for row in rows]


def test_of_little_use_it_is_slowed_and_owners_are_told(world, history):
    voted(history, 3, 10)
    assert restraint.look(LOOK) == 1
    assert state() == [("still", "slowed", date(2026, 6, 15), True)]
    seen = {"found": "of little use", "votes": 10, "useful": 3, "said": 0, "people": 0, "followed": 0}
    assert Restraint.objects.get().evidence == seen
    assert Look.objects.get().found == {"still": seen}
    assert set(Delivery.objects.filter(kind="restraint").values_list("address", "state")) == {
        ("tess@example.com", "pending"), ("pam@example.com", "pending"),
    }  # fmt: skip
    row = AuditRow.objects.filter(via="planning").latest("pk")
    assert (row.key, row.reason) == ("typing", "nudges “Still behind”: of little use")
    assert (row.before, row.after) == (
        {"tone": "still", "state": "normal"},
        {"tone": "still", "state": "slowed", **seen},
    )
    assert restraint.in_force([world.program.pk]) == {(world.program.pk, "still"): "slowed"}


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda history: voted(history, 4, 10), "fine"),
        (lambda history: voted(history, 2, 9), "too little to say"),
        (lambda history: ignored(history, 3, 19), "too little to say"),
        (lambda history: ignored(history, 3, 20, people=4), "too little to say"),
        (lambda history: ignored(history, 4, 20), "fine"),
        # Before the twelve weeks, and too late for fourteen days to be over.
        (lambda history: voted(history, 0, 10, first=date(2026, 3, 21)), ""),
        (lambda history: voted(history, 0, 10, first=date(2026, 6, 1)), "too little to say"),
    ],
)
def test_what_slows_nothing(history, make, found):
    make(history)
    restraint.look(LOOK)
    assert state() == []
    assert [one["found"] for one in Look.objects.get().found.values()] == ([found] if found else [])
    assert not Delivery.objects.filter(kind="restraint").exists()


def test_ignored_by_most_it_is_slowed_and_only_it(world, history):
    ignored(history, 3, 20)
    voted(history, 10, 10, tone="overdue", first=OLD + timedelta(days=10))
    restraint.look(LOOK)
    assert state() == [("still", "slowed", date(2026, 6, 15), True)]
    assert Restraint.objects.get().evidence == {
        "found": "ignored by most", "votes": 0, "useful": 0, "said": 20, "people": 5, "followed": 3,
    }  # fmt: skip


def test_the_arm_of_an_experiment_is_not_looked_at(world, history):
    ignored(history, 3, 20)
    made = Experiment.objects.create(
        program=world.program, seed=1, share=0.5, first_day=OLD, last_day=date(2026, 12, 1), started_at=LOOK
    )
    for n, goal in enumerate(history.goals):
        Lot.objects.create(
            experiment=made, goal=goal, stratum="x", place=n, held_out=n % 2 == 0, drawn_on=OLD, gap=0.2
        )  # fmt: skip
    restraint.look(LOOK)
    assert Restraint.objects.get().evidence["said"] == 20


def test_once_a_week_and_only_live_programs(world, history):
    voted(history, 3, 10)
    assert [restraint.look(LOOK + timedelta(days=n)) for n in (-1, 0, 0.5, 3, 6, 7)] == [1, 1, 0, 0, 0, 1]
    assert list(Look.objects.order_by("at").values_list("period", flat=True)) == ["2026-W24", "2026-W25", "2026-W26"]
    Program.objects.update(state="paused")
    assert restraint.look(LOOK + 3 * WEEK) == 0


def slowed(history) -> None:
    voted(history, 3, 10)
    restraint.look(LOOK)


def test_slowed_it_stops_after_four_weeks_by_new_evidence_only(world, history):
    slowed(history)
    # The old votes are still in the twelve weeks: they are not held against it again.
    restraint.look(LOOK + 4 * WEEK)
    assert [row[1] for row in state()] == ["slowed"]
    voted(history, 1, 5, first=date(2026, 6, 22))
    restraint.look(LOOK + 5 * WEEK)
    assert state() == [("still", "slowed", date(2026, 6, 15), False), ("still", "stopped", date(2026, 7, 20), True)]
    assert Restraint.objects.get(state="stopped").evidence["votes"] == 5
    assert Delivery.objects.filter(kind="restraint").count() == 4
    assert [row[1] for row in state()] == ["slowed", "stopped"]
    restraint.look(LOOK + 20 * WEEK)
    assert restraint.in_force([world.program.pk]) == {(world.program.pk, "still"): "stopped"}


def test_not_before_four_weeks(history):
    slowed(history)
    voted(history, 0, 10, first=date(2026, 6, 15))
    restraint.look(LOOK + 3 * WEEK)
    assert [row[1] for row in state()] == ["slowed"]


def test_slowed_it_goes_on_as_usual_by_itself(world, history):
    slowed(history)
    voted(history, 2, 5, first=date(2026, 6, 22))
    restraint.look(LOOK + 5 * WEEK)
    assert state() == [("still", "slowed", date(2026, 6, 15), False)]
    assert Delivery.objects.filter(kind="restraint").count() == 2
    # What slowed it once does not do so again.
    restraint.look(LOOK + 6 * WEEK)
    assert restraint.in_force([world.program.pk]) == {}
    assert AuditRow.objects.filter(via="planning").latest("pk").after["state"] == "normal"


def test_an_owner_starts_it_again_and_its_evidence_counts_anew(world, history):
    slowed(history)
    row, rows = Restraint.objects.get(), AuditRow.objects.count()
    at = LOOK + timedelta(days=1)
    assert restraint.resume(row, by=world.tess, now=at) is True
    assert restraint.resume(row, by=world.pam, now=at) is False
    assert AuditRow.objects.count() == rows + 1
    told = AuditRow.objects.latest("pk")
    assert (told.actor, told.before, told.after) == (
        world.tess, {"tone": "still", "state": "slowed"}, {"tone": "still", "state": "normal"},
    )  # fmt: skip
    row.refresh_from_db()
    assert (row.resumed_by, row.resumed_on, row.ended_at) == (world.tess, date(2026, 6, 16), at)
    restraint.look(LOOK + WEEK)
    assert restraint.in_force([world.program.pk]) == {}
    voted(history, 0, 10, first=date(2026, 6, 16))
    restraint.look(LOOK + 5 * WEEK)
    assert restraint.in_force([world.program.pk]) == {(world.program.pk, "still"): "slowed"}


def test_a_look_costs_the_same_queries_for_many_nudges(world, history):
    def cost(now: datetime) -> int:
        with CaptureQueriesContext(connection) as counted:
            restraint.look(now)
        return len(counted)

    few = cost(LOOK)
    ignored(history, 10, 40)
    assert (few, cost(LOOK + WEEK), cost(LOOK + WEEK)) == (9, 9, 2)


# What planning makes of it.


def restrain(play, tone: str, how: str, since=MONDAY - timedelta(days=1)) -> Restraint:
    return Restraint.objects.create(
        program=play.world.program, tone=tone, state=how, since=since.date(), decided_at=since,
        evidence={"found": "of little use", "votes": 14, "useful": 4, "said": 0, "people": 0, "followed": 0},
    )  # fmt: skip


def spoken_on(play, weeks: int) -> list[int]:
    """In which weeks after MONDAY alice was told of her goal that is behind."""
    for n in range(weeks):
        play.measure((MONDAY + n * WEEK).date(), **BEHIND)
        play.run(MONDAY + n * WEEK)
    return [(day - MONDAY.date()).days // 7 for day, _team, _metric in said_to(play.world.alice)]


def test_usually_it_waits_1_2_4_weeks(play):
    assert spoken_on(play, 9) == [1, 2, 4, 8]


def test_slowed_it_waits_twice_as_long(play):
    restrain(play, "still", "slowed")
    assert spoken_on(play, 12) == [1, 3, 7]
    reasons = {reason for _team, _metric, reason in withheld(play.world.alice)}
    assert "slowed" in reasons
    assert Nudge.objects.filter(person=play.world.alice, reason="slowed").count() == 4


def test_another_tone_is_as_usual(play):
    restrain(play, "overdue", "stopped")
    assert spoken_on(play, 5) == [1, 2, 4]


def test_stopped_it_is_not_said_and_nobody_above_hears_of_it(play):
    restrain(play, "still", "stopped")
    assert spoken_on(play, 14) == [1]
    reasons = Nudge.objects.filter(person=play.world.alice, reason="stopped as of little use")
    assert reasons.count() == 12
    assert not Notice.objects.filter(kind="heard from below").exists()
    assert not Notice.objects.filter(person=play.world.gina).exists()


def test_started_again_it_is_said_again(play):
    row = restrain(play, "still", "stopped")
    assert spoken_on(play, 4) == [1]
    restraint.resume(row, by=play.world.tess, now=MONDAY + 4 * WEEK - timedelta(hours=5))
    play.run(MONDAY + 4 * WEEK)
    assert [day for day, *_ in said_to(play.world.alice)][1:] == [(MONDAY + 4 * WEEK).date()]


@pytest.mark.parametrize("how", ["slowed", "stopped"])
def test_the_simulator_says_what_planning_said(play, how):
    row = restrain(play, "still", how, since=MONDAY + WEEK - timedelta(days=1))
    spoken_on(play, 8)
    restraint.resume(row, by=play.world.tess, now=MONDAY + 8 * WEEK - timedelta(days=1))
    for n in range(8, 11):
        play.measure((MONDAY + n * WEEK).date(), **BEHIND)
        play.run(MONDAY + n * WEEK)
    program = Program.objects.get(key="typing")
    end = MONDAY + 11 * WEEK
    found = simulate(program, Policy.of(program), end, days=77)
    said = Nudge.objects.said().filter(goal__program=program)
    assert {one.person.pk: one.nudges for one in found.people if one.nudges} == {
        person: said.filter(person=person).count() for person in said.values_list("person", flat=True)
    }
    assert {day for one in found.people for day in one.mails if day > MONDAY.date()} == set(
        said.values_list("day", flat=True)
    )
    name = "slowed" if how == "slowed" else "stopped as of little use"
    assert found.withheld[name] == Nudge.objects.filter(goal__program=program, reason=name).count() > 0


# The mail.


def test_the_mail_says_what_was_found_what_was_changed_and_what_to_do(play, mail_server):
    row = restrain(play, "still", "slowed", since=MONDAY)
    from nudges import restraint_mail

    assert restraint_mail.tell_owners(row, MONDAY) == 2
    delivery.deliver_batch(MONDAY)
    sent = Delivery.objects.get(kind="restraint", address="tess@example.com")
    assert (sent.state, sent.subject) == ("sent", "Every function typed: nudges “Still behind” slowed down")
    assert " ".join(sent.text.split()).startswith(
        "The nudges “Still behind” of Every function typed have slowed down, by themselves. Of 14 votes in the last 12 "
        "weeks on mails that opened with it, 4 said “useful”: 29 %, where at least 40 % is asked. It waits twice as long "
        "now. In 4 weeks it is looked at again, by what was said since: if it does better it is as before, if not it "
        "stops. What you may do:"
    )
    assert "https://quality.example.com/programs/typing/nudges/#restraints" in sent.text
    assert "Start it again" in sent.html


def test_what_was_settled_meanwhile_is_not_mailed(play, mail_server):
    from nudges import restraint_mail

    row = restrain(play, "overdue", "stopped", since=MONDAY)
    restraint_mail.tell_owners(row, MONDAY)
    restraint.resume(row, by=play.world.pam, now=MONDAY)
    delivery.deliver_batch(MONDAY)
    assert set(Delivery.objects.filter(kind="restraint").values_list("state", "reason")) == {
        ("suppressed", "it was settled before it was told")
    }


def test_the_mail_waits_for_working_hours_and_for_who_is_away(play, mail_server):
    from nudges import restraint_mail

    night = MONDAY.replace(hour=2)
    type(play.world.pam).objects.filter(pk=play.world.pam.pk).update(
        absent_from=MONDAY.date(), absent_until=MONDAY.date() + timedelta(days=3)
    )
    restraint_mail.tell_owners(restrain(play, "still", "slowed", since=night), night)
    for n in range(5):
        delivery.deliver_batch(MONDAY + timedelta(days=n) - timedelta(hours=8))
        delivery.deliver_batch(MONDAY + timedelta(days=n))
    at = dict(Delivery.objects.filter(kind="restraint").values_list("address", "sent_at"))
    assert (at["tess@example.com"].date(), at["pam@example.com"].date()) == (date(2026, 3, 16), date(2026, 3, 20))

"""The page that says whether nudges work: too early, with its evidence, and who may read it."""

import re
from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from nudges.effect import Measured
from nudges.models import Experiment, Lot, Restraint
from program.models import Program
from program.rules.nudge_effect import Effect
from program.rules.statistics import Interval
from teams.models import Answer, Goal, Standing
from tests.nudges.history import History
from tests.people import NOW, World, settle
from web import effect_words

pytestmark = pytest.mark.django_db
ADDRESS = "/programs/typing/nudges/effect"


@pytest.fixture
def world() -> World:
    with time_machine.travel(NOW, tick=False):
        yield settle()


@pytest.fixture
def drawn(world) -> Experiment:
    """Two lots of 40 days ago: api was nudged and closed half of its gap, web was left alone and closed none."""
    program = Program.objects.get(key="typing")
    Program.objects.filter(pk=program.pk).update(holdout=0.5)
    day = NOW.date() - timedelta(days=40)
    made = Experiment.objects.create(
        program=program, seed=7, share=0.5, first_day=day, last_day=day + timedelta(days=55), started_at=NOW
    )
    for place, (team, held, later) in enumerate((("api", False, 0.1), ("web", True, 0.2))):
        goal = Goal.objects.get(team__key=team, metric__key="typed-functions")
        Lot.objects.create(
            experiment=made, goal=goal, stratum="typed-functions behind", place=place, held_out=held, drawn_on=day,
            gap=0.2,
        )  # fmt: skip
        for days in (14, 28):
            Standing.objects.create(
                goal=goal, day=day + timedelta(days=days), status="behind", gap=later, start=date(2026, 1, 1),
                due=date(2026, 12, 31), judged_at=NOW,
            )  # fmt: skip
    return made


def shown_to(client, person) -> str:
    client.force_login(person)
    answer = client.get(ADDRESS)
    assert answer.status_code == 200
    return answer.content.decode()


def test_two_goals_are_not_enough_and_it_says_how_many_are(drawn, client, world):
    shown = shown_to(client, world.tess)
    assert (
        "Not enough data yet. 1 goal that was nudged and 1 left alone can be compared after 28 days. "
        "To see a difference of 20 points it takes about 197 goals: " in shown
    )
    assert "Running since 4 Feb" in shown
    assert "from the seed 7. 1 of 2 goals drawn so far was left alone." in shown
    assert "50 % of the goals are left alone for 4 weeks" in shown
    assert "typed-functions behind, place 1" in shown
    assert '<td data-is="gap then">20 points</td>' in shown
    assert ">50 % <" in shown.replace("\n", "")


def test_nothing_is_measured_without_a_share(client, world):
    shown = shown_to(client, world.tess)
    assert "Whether the nudges work is not measured: no goal is left alone to compare with." in shown
    assert 'href="/programs/typing/desk/#nudges"' in shown


@pytest.mark.parametrize("name", ["alice", "charlie", "gina"])
def test_it_is_read_by_who_sits_in_reviews(drawn, client, world, name):
    client.force_login(getattr(world, name))
    assert client.get(ADDRESS).status_code == 404


def test_the_sponsor_reads_it_without_ways_to_what_is_the_owners(drawn, client, world):
    owners = [f'href="/programs/typing/{there}' for there in ("nudges/", "desk/")]
    shown = shown_to(client, world.sam)
    assert [link for link in owners if link in shown] == []
    assert 'href="/programs/typing/reviews/"' in shown
    assert owners[0] in shown_to(client, world.tess)


def test_lots_cost_no_queries(drawn, client, world):
    client.force_login(world.tess)
    client.get(ADDRESS)

    def cost() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert client.get(ADDRESS).status_code == 200
        return len(counted)

    two = cost()
    Lot.objects.filter(place=1).delete()
    history = History.of(Goal.objects.get(team__key="api", metric__key="typed-functions"), 5)
    for who in range(5):
        history.vote(history.say(who, date(2026, 2, 23)), useful=True)
    assert (cost(), two) == (12, 12)


# What became of them.


@pytest.fixture
def history(world) -> History:
    return History.of(world.goal(world.api, world.typed), 5)


def rows_of(shown: str) -> list[list[str]]:
    """The table's cells, as they are read."""
    table = shown.partition('id="became"')[2].partition("</table>")[0].partition("<tbody>")[2]
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.S)
    return [
        [" ".join(re.sub(r"<[^>]+>", "", cell).split()) for cell in re.findall(r"<td.*?</td>", row)] for row in rows
    ]


def test_what_became_of_them_by_tone(history, client, world):
    day = date(2026, 2, 23)
    told = [history.say(who, day, measured=7, status="met" if who == 0 else "behind", then=0.0) for who in range(5)]
    history.say(0, date(2026, 3, 11), "overdue")
    for nudge in told[:2]:
        history.visit(nudge, timedelta(hours=4))
    Answer.objects.create(
        goal=told[0].goal, person=told[0].person, kind="done", at=told[0].digest.delivery.sent_at + timedelta(days=3),
        via="mail",
    )  # fmt: skip
    history.vote(told[0], useful=True)
    history.vote(told[1], useful=False)
    Restraint.objects.create(
        program=world.program, tone="still", state="slowed", since=date(2026, 3, 9), decided_at=NOW,
        evidence={"found": "of little use", "votes": 10, "useful": 3},
    )  # fmt: skip
    shown = shown_to(client, world.tess)
    assert (
        "6 nudges arrived in the last 90 days. 5 of them are two weeks old, and on 1 of these the team acted within two "
        "weeks." in shown
    )
    assert rows_of(shown) == [
        ["Overdue", "1 to 1 person", "too few people", "–", "–", "–", "0", "–", "as usual"],
        ["Still behind", "5 to 5 people", "2, in 4 h", "1 of 5", "1 of 5", "3 days", "1, in 7 days",
         "1 of 2 votes", "slowed since 9 Mar 2026"],
    ]  # fmt: skip
    # Who followed a link stands nowhere.
    assert "person0@example.com" not in shown


def test_nothing_arrived(client, world):
    shown = shown_to(client, world.tess)
    assert "No nudge arrived in the last 90 days." in shown
    assert rows_of(shown) == []


def measured(estimate=None, low=None, high=None, *, needed=60, weeks=0, waiting=0) -> Measured:
    interval = None if estimate is None else Interval(estimate, low, high, 20.0)
    return Measured(28, Effect(40, 10, 0.46, 0.21, interval), waiting, 0, needed, weeks)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (
            measured(0.25, 0.09, 0.41),
            "Nudges help. Within 28 days the gap of the 40 nudged goals shrank by 46 %, that of the 10 left alone shrank by 21 %: "
            "25 points more (9 to 41), 95 % interval in parentheses.",
        ),
        (
            measured(-0.2, -0.35, -0.05),
            "Nudges do harm. Within 28 days the gap of the 40 nudged goals shrank by 46 %, that of the 10 left alone shrank by 21 %: "
            "20 points less (−35 to −5), 95 % interval in parentheses.",
        ),
        (
            measured(0.05, -0.1, 0.2, weeks=9),
            "No effect of the nudges is shown. Within 28 days the gap of the 40 nudged goals shrank by 46 %, that of "
            "the 10 left alone shrank by 21 %: 5 points more (−10 to 20), 95 % interval in parentheses. To see a difference of 20 points it "
            "takes about 60 goals: 9 weeks more at the present pace.",
        ),
        (
            measured(weeks=600, waiting=3),
            "Not enough data yet. 40 goals that were nudged and 10 left alone can be compared after 28 days; 3 goals "
            "more are on the way. To see a difference of 20 points it takes about 60 goals: more than ten years at the "
            "present pace. Hold out a larger share, or measure over more teams.",
        ),
    ],
)
def test_the_sentence(one, said):
    assert effect_words.sentence(one, held_out=True) == said

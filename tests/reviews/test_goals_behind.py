"""Goals counted by the database and the few lines read of them are what all goals, read and sorted one by one, say."""

from __future__ import annotations

import random
from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import User
from nudges.people import Org
from program.models import Metric
from program.rules.status import BEHIND_OR_OVERDUE, Status
from reviews import brief, goals_read, leaders
from reviews.evidence import collect
from reviews.goals_behind import Escalated, GoalsOnDay, Line
from reviews.goals_read import Moved
from reviews.leaders import LEADERS_SHOWN, LINES_A_LEADER, TEAMS_NAMED, Leader
from reviews.models import Review
from teams.models import Goal, Membership, Standing, Team
from tests.people import NOW, World, settle
from tests.reviews.conftest import SPRING

pytestmark = pytest.mark.django_db
TODAY, THEN = NOW.date(), date(2026, 2, 2)
LEADS, LED = 7, 12
"""Groups that somebody leads, some more than one; the last two of LED + 2 only the department above one of them."""


@pytest.fixture
def world() -> World:
    """Teams in 14 groups, two metrics."""
    found = settle()
    people = [User.objects.named(f"lead{n}@example.com") for n in range(LEADS)]
    for n in range(LED + 2):
        # The last group but one is in the department, which gina leads.
        above = found.engineering if n == LED else None
        group = Team.objects.create(key=f"g{n}", name=f"Group {n}", leaf=False, parent=above)
        if n < LED:
            Membership.objects.create(team=group, user=people[n % LEADS], role="lead")
        for m in range(1 + n % 4):
            team = Team.objects.create(key=f"t{n}-{m}", name=f"Team {(7 * n + m) % 10}", parent=group)
            for metric in Metric.objects.order_by("key"):
                Goal.objects.create(program=found.program, metric=metric, team=team, created_at=NOW)
    return found


def judged(chance: random.Random, day: date) -> None:
    """Every goal stands somewhere on a day."""
    Standing.objects.filter(day=day).delete()
    rows = []
    for goal in Goal.objects.all():
        status = chance.choice([*Status, Status.BEHIND, Status.BEHIND, Status.OVERDUE])
        short = status in (*BEHIND_OR_OVERDUE, Status.AT_RISK)
        # Few values, so that there are ties, some only to six digits.
        gap = chance.choice([0.0, 0.1, 0.2, 0.2000001, 0.3, None]) if short else 0.0
        rows.append(
            Standing(
                goal=goal, day=day, status=status, gap=gap, value=chance.choice([0.5, None]), expected=0.7, target=0.9,
                baseline=chance.choice([0.1, 0.9, None]), held=chance.random() < 0.1,
                slipped=short and chance.random() < 0.2, start=THEN, due=date(2026, 12, 31), judged_at=NOW,
            )
        )  # fmt: skip
    Standing.objects.bulk_create(rows)
    Goal.objects.update(judged_on=TODAY, judge_due_at=None)


def both(world: World, before: str, alone: Collection[int]) -> tuple[GoalsOnDay, GoalsOnDay, Org]:
    org = Org.read()
    read = world.program, TODAY, org.teams, before, alone
    return goals_read.kept(*read), goals_read.anew(*read), org


def told(line: Line) -> tuple[object, ...]:
    return line.goal, line.slipped, line.cell, line.metric, line.team.pk, line.escalated


def all_of(found: GoalsOnDay) -> dict[str, object]:
    """What a brief says of it."""
    return {
        "teams": sorted(
            (one.team.key, sorted(one.statuses.items()), one.behind, one.measured, one.held, one.slipped,
             one.recovered, one.asked, one.late, one.worst) for one in found.teams
        ),
        "counts": found.counts,
        "slipped": [told(line) for line in found.slipped[:3]],
        "held": [told(line) for line in found.held[:4]],
        "unmeasured": found.unmeasured,
        "versions": found.versions,
    }  # fmt: skip


def of_leader(leader: Leader, *, shown: bool) -> tuple[Any, ...]:
    counted = leader.person, leader.asked, leader.late, leader.behind, leader.teams_behind, len(leader.tallies)
    if not shown:
        return counted
    named = sorted(line.goal for line in leader.named)
    return *counted, leader.groups, [told(line) for line in leader.first], len(leader.escalated), leader.blocked, named


def one_by_one(
    found: GoalsOnDay, org: Org, escalated: Collection[int], blocked: Collection[int]
) -> list[tuple[Any, ...]]:
    """The leaders by every line that is worth an ask, sorted."""
    lines = sorted(found.source.asked([one.team.pk for one in found.teams]), key=Line.order)
    by_leader: dict[User | None, list[Line]] = {}
    for line in sorted(lines, key=lambda line: line.goal not in escalated):
        by_leader.setdefault(org.leader_above(line.team.pk)[0], []).append(line)
    result: list[tuple[Any, ...]] = []
    for place, (person, mine) in enumerate(by_leader.items()):
        teams = [one for one in found.teams if org.leader_above(one.team.pk)[0] == person]
        behind = sum(one.behind for one in teams)
        late = sum(line.cell.status == Status.OVERDUE for line in mine)
        counted = person, len(mine), late, behind, sum(one.behind > 0 for one in teams), len(teams)
        if place >= LEADERS_SHOWN:
            result.append(counted)
            continue
        groups = list(dict.fromkeys(above for line in mine if (above := org.leader_above(line.team.pk)[1])))
        by_name = sorted({line.team for line in mine}, key=lambda team: (team.name, team.key))
        others = [team for team in by_name if team != mine[0].team][: TEAMS_NAMED - 1]
        named = {mine[0].team.pk, *(team.pk for team in others)} if person is None else set()
        result.append(
            (
                *counted, groups, [told(line) for line in mine[:LINES_A_LEADER]],
                sum(line.goal in escalated for line in mine), {line.goal for line in mine} & set(blocked),
                sorted(line.goal for line in mine if line.team.pk in named),
            )
        )  # fmt: skip
    return result


@pytest.mark.parametrize("seed", range(12))
def test_counted_and_read_in_part_as_one_by_one(world, monkeypatch, seed):
    monkeypatch.setattr(goals_read, "FEW", seed % 2 * 1000)
    chance = random.Random(seed)
    judged(chance, TODAY)
    judged(chance, THEN)
    goals = list(Goal.objects.values_list("pk", flat=True))
    alone, blocked = (set(chance.sample(goals, k)) for k in (seed % 3 * 4, seed % 4))
    heard = {goal: Escalated(world.gina, TODAY, "Ann", True, 3) for goal in chance.sample(goals, seed % 5)}
    for before in ("", THEN.isoformat()):
        kept, anew, org = both(world, before, alone)
        assert all_of(kept) == all_of(anew)
        assert kept.slipped
        assert bool(kept.recovered) == bool(before)
        expected = one_by_one(anew, org, heard, blocked)
        for found in (anew, kept):
            ordered = leaders.of(found, org, heard, blocked, TODAY)
            assert len(ordered) > LEADERS_SHOWN
            for line in found.source.asked([one.team.pk for one in found.teams]):
                assert line.goal not in alone
            shown = [of_leader(one, shown=place < LEADERS_SHOWN) for place, one in enumerate(ordered)]
            assert [mark(one) for one in shown] == [mark(one) for one in expected]


def mark(one: tuple[Any, ...]) -> list[Any]:
    """A leader's facts without who heard of a line: the oracle does not mark its lines."""
    counted = list(one)
    if len(counted) > 7:
        counted[7] = [line[:5] for line in counted[7]]
    return counted


def test_what_moves_while_it_is_read_is_read_anew(world):
    judged(random.Random(1), TODAY)
    kept, anew, org = both(world, "", ())
    Goal.objects.update(judge_due_at=NOW)
    with pytest.raises(Moved):
        leaders.of(kept, org, {}, (), TODAY)
    with pytest.raises(Moved):
        goals_read.kept(world.program, TODAY, org.teams)
    assert leaders.of(anew, org, {}, (), TODAY)
    Goal.objects.update(judge_due_at=None)
    groups = {pk: team for pk, team in org.teams.items() if not team.leaf}
    with pytest.raises(Moved):
        goals_read.kept(world.program, TODAY, groups)


def test_a_brief_while_goals_wait_to_be_judged_says_the_same(play):
    play.until(SPRING)
    review = Review.objects.get(period="2023-03-21", program__key="typing")
    kept = brief.compose(collect(review, SPRING)).facts()
    Goal.objects.update(judge_due_at=SPRING - timedelta(minutes=1))
    assert brief.compose(collect(review, SPRING)).facts() == kept
    assert kept["leaders"]

"""The brief where programs are small or odd: numbers that do not add up, goals left alone, nobody who takes part."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from nudges.models import Experiment, Lot
from program.feeds.registry import KINDS
from program.models import MetricVersion
from reviews import asks, brief, course, proposals, schedule, standing
from reviews.content import Content
from reviews.evidence import collect
from reviews.models import Known, Pulse, Review, known
from teams.apply.files import apply_text
from teams.boards import totals
from teams.ingest import Origin, ingest
from teams.models import Goal, Membership, Team
from teams.standings import judge_due
from tests.people import HEADER, NOW, TYPING, World, settle

pytestmark = pytest.mark.django_db
LATEST = (
    TYPING.replace("unit: findings, direction: down, aggregation: sum", "unit: s, direction: down, aggregation: latest")
    .replace(
        "teams: [api], start: 2026-01-01, due: 2026-12-31, improve_by: 50%, tolerance: 0.05",
        "teams: all, start: 2026-01-01, due: 2026-12-31, target: 10",
    )
    .replace("  - {metric: typed-functions, teams: all, start: 2026-01-01, due: 2026-12-31, target: 0.9}\n", "")
)
BOTH_BEHIND = (
    "typed-functions,web,a.py,2025-12-10,30,100\ntyped-functions,web,a.py,2026-03-10,1,100\n"
    "typed-functions,api,b.py,2025-12-10,3,10\ntyped-functions,api,b.py,2026-03-10,3,10\n"
)


def measured(rows: str, now: datetime = NOW) -> None:
    ingest((HEADER + rows).encode(), Origin("file", "x.csv", KINDS["csv"]), now)
    judge_due(now)
    schedule.schedule(now)


def coming() -> Review:
    return Review.objects.select_related("program__sponsor").get(state="scheduled")


def composed(now: datetime = NOW) -> Content:
    return brief.compose(collect(coming(), now))


def leave_alone(world: World, goal: Goal) -> None:
    """Its lot holds it out."""
    day = NOW.date()
    spoken = Experiment.objects.create(
        program=world.program, seed=1, share=0.1, first_day=day, last_day=day + timedelta(days=50), started_at=NOW
    )
    Lot.objects.create(experiment=spoken, goal=goal, drawn_on=day, held_out=True, stratum="x", place=0, gap=0.1)


def test_numbers_that_do_not_add_up_are_measured_all_the_same():
    world = settle(LATEST)
    measured("findings,api,,2026-01-01,40,\nfindings,api,,2026-03-10,38,\nfindings,web,,2026-03-10,60,\n")
    said = composed()
    assert said.headline == "2 of 2 teams are behind; what they measure does not add up to one number."
    assert said.subject == "Every function typed: 2 of 2 teams are behind (review on Tue 14 Apr)"
    assert said.verdict == "Each team has its own number: together they have none to judge by."
    assert standing.sentence(totals(world.program, NOW.date())) == (
        "Each team has its own number: what they measure does not add up to one."
    )


def test_before_any_number_and_before_any_team():
    world = settle()
    schedule.schedule(NOW)
    assert composed().headline == "Nothing is measured yet: 2 teams wait for their first numbers."
    assert standing.sentence(totals(world.program, NOW.date())) == "Nothing is measured yet."
    Goal.objects.all().delete()
    assert composed().headline == "No team takes part yet."


def test_a_goal_that_is_left_alone_counts_among_those_behind():
    world = settle()
    measured(BOTH_BEHIND)
    leave_alone(world, world.goal(world.web, world.typed))
    (leader,) = composed().leaders
    assert [goal.team for goal in leader.goals] == ["Api"]
    assert leader.behind == "2 of 2 teams behind"
    assert leader.gains.endswith("Both goals that are behind hang on Gina.")


def test_where_all_that_is_behind_is_left_alone_it_says_so():
    world = settle()
    measured("typed-functions,web,a.py,2025-12-10,1,10\ntyped-functions,web,a.py,2026-03-10,1,10\n")
    assert composed().nothing_asked == ""
    leave_alone(world, world.goal(world.web, world.typed))
    said = composed()
    assert said.headline.endswith("; 1 of 2 teams is behind.")
    assert said.nothing_asked == (
        "The goal that is behind is left alone for now: the numbers are in question, or a comparison needs them as "
        "they are."
    )
    measured("typed-functions,web,a.py,2026-03-11,9,10\n")
    assert composed().nothing_asked == "Nobody’s teams are behind: there is nothing to ask."


def test_an_ask_is_to_help_what_it_names_and_nothing_else_is_held_against_who_kept_it():
    world = settle()
    measured(BOTH_BEHIND)
    review = coming()
    frozen = brief.freeze(review, NOW)
    (leader,) = frozen.content["leaders"]
    assert leader["ask"].startswith("Make room in web")
    ask = proposals.accept(review, frozen.content, leader["proposal"], NOW, due=None, by=world.sam)
    assert [goal.team.key for goal in ask.goals.all()] == ["web"]
    Review.objects.filter(pk=review.pk).update(state="held")
    later = NOW + timedelta(days=34)
    asks.close(ask, "kept", later)
    measured("typed-functions,web,a.py,2026-04-15,95,100\n", later)
    (again,) = composed(later).leaders
    assert again.ask.startswith("Make room in Api")
    assert again.history == []


def test_without_a_leader_only_a_name_is_asked_for():
    world = settle()
    measured(BOTH_BEHIND)
    world.gina.memberships.all().delete()
    (leader,) = composed().leaders
    assert leader.ask.startswith("Name who looks after Api and web")
    assert (leader.gains, len(leader.goal_ids)) == ("", 2)


def test_the_pictures_are_of_what_is_furthest_behind():
    more = TYPING.replace(
        "goals:\n",
        "  - {key: a-lint, name: Lint, unit: hits, direction: down, aggregation: sum, fresh_for: 30d}\ngoals:\n",
    )
    world = settle(
        more.replace(
            "nudges:", "  - {metric: a-lint, teams: [api], start: 2026-01-01, due: 2026-12-31, target: 0}\nnudges:"
        )
    )
    rows = "a-lint,api,a.py,2025-12-30,10,\na-lint,api,a.py,2026-03-10,{lint},\n"
    rows += "findings,api,a.py,2025-12-30,10,\nfindings,api,a.py,2026-03-10,30,\n"
    rows += "typed-functions,api,a.py,2025-12-30,30,100\ntyped-functions,api,a.py,2026-03-10,1,100\n"
    ingest((HEADER + rows.format(lint=1)).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    found = course.read(world.program, NOW.date())
    assert list(found.charts) == ["findings", "typed-functions"]
    assert [total.metric.key for total in found.now] == ["a-lint", "findings", "typed-functions"]
    ingest((HEADER + rows.format(lint=90)).encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    found = course.read(world.program, NOW.date())
    assert list(found.charts) == ["a-lint", "findings"]
    assert found.charts["a-lint"][-1][:2] == ["2026-03-10", 90.0]


def test_without_anything_there_is_a_word_too():
    assert known() == Known("0/0/0", "0/0", 0, [])


def test_who_said_what_stands_in_the_way_is_told_by_how_many_lead():
    world = settle()
    measured("typed-functions,api,b.py,2025-12-10,3,10\ntyped-functions,api,b.py,2026-03-10,3,10\n")

    def collision() -> str:
        (leader,) = (one for one in composed().leaders if one.person == world.gina.pk)
        return leader.collision

    def lead(team: Team, person: User, words: str) -> None:
        Membership.objects.update_or_create(team=team, user=person, defaults={"role": "lead"})
        Pulse.objects.create(
            review=coming(), person=person, helps="no", in_the_way=words, asked_at=NOW, answered_at=NOW
        )

    said = "Nobody said which priority collides with it"
    assert collision() == f"{said}: ask for that."
    lead(world.api, world.alice, "A freeze")
    where = "said what stands in the way: by name on the page of the review."
    assert collision() == f"{said}. The team’s lead {where}"
    lead(world.api, world.bob, "")
    assert collision() == f"{said}. One of the team’s leads {where}"
    Pulse.objects.update(in_the_way="Another freeze")
    assert collision() == f"{said}. Some of the team’s leads {where}"


def test_what_does_not_add_up_has_no_picture():
    world = settle(LATEST)
    measured("findings,api,,2026-01-01,40,\nfindings,api,,2026-03-10,38,\n")
    assert course.read(world.program, NOW.date()).charts == {}


def test_a_line_about_a_metric_that_it_only_had_leads_to_the_program():
    """Whoever reads the brief may not see a metric that another program defines."""
    world = settle()
    measured(BOTH_BEHIND)
    MetricVersion.objects.filter(metric=world.findings).update(current=False)
    MetricVersion.objects.create(
        metric=world.findings, number=2, direction="down", aggregation="sum", unit="x", opened_at=NOW, current=True
    )

    def leads_to() -> str:
        (found,) = (one for one in composed().surprises if one.kind == "definition")
        return found.link

    assert leads_to() == "/metrics/findings/"
    Goal.objects.filter(metric=world.findings).update(ended_on=NOW.date())
    assert leads_to() == "/programs/typing/?on=2026-03-16"


def test_what_a_sponsor_names_somebody_for_has_the_goal_that_is_shown():
    world = settle()
    more = (f"kind: Group\nmetadata: {{name: {name}}}\nspec: {{parent: engineering}}\n" for name in ("a1", "a2", "a3"))
    apply_text("---\n".join(more), now=NOW, via="test")
    lines = [
        f"typed-functions,{team},x.py,2026-03-10,{share},100\n" for team, share in (("a1", 9), ("a2", 8), ("a3", 7))
    ]
    measured(BOTH_BEHIND + "".join(lines))
    world.gina.memberships.all().delete()
    (leader,) = composed().leaders
    worst = Goal.objects.get(team__name=leader.goals[0].team, metric=world.typed)
    assert leader.goals[0].team == "web"
    assert leader.ask.startswith("Name who looks after Api, a1 and web")
    assert leader.proposal == f"leader:none:{worst.pk}"
    assert worst.pk in leader.goal_ids
    assert set(leader.goal_ids) <= set(
        Goal.objects.filter(team__key__in=["a1", "api", "web"]).values_list("pk", flat=True)
    )

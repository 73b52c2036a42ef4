"""The leader's page of a group: the one thing to talk about, its teams on their metrics, what is open, for whom."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest
import time_machine

from program.feeds.registry import KINDS
from program.models import Program
from reviews.models import Ask
from teams import answering, exempting
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Standing, Team
from teams.standings import judge_due
from tests.people import HEADER, NOW, ORG, TYPING, settle
from tests.web.test_home import review
from tests.web.test_pages import ROWS, sign_in, words

pytestmark = pytest.mark.django_db
PAGE = "/groups/engineering/"


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield made


def test_the_first_line_is_the_one_thing_to_talk_about(client, world):
    said = words(sign_in(client, "charlie").get(PAGE))
    assert "Engineering as of 16 Mar 2026 · led by Gina" in said
    assert "1 of 2 teams has a goal off its path." in said
    assert "Talk about Api : Functions" not in said
    assert said.index("Talk about Api: Functions with full annotations is at") < said.index("Make room in Api for")
    assert said.index("Make room in Api for") < said.index("1 of 2 teams has")
    assert "Every function typed Worst status first" in said
    html = client.get(PAGE).content.decode()
    assert "/groups/engineering/charts/typing/typed-functions.json" in html
    assert "/groups/engineering/charts/typing/findings.json" in html
    assert 'href="/teams/api/goals/typing/typed-functions/"' in html


def test_a_late_ask_of_its_leader_comes_before_all_else(client, world):
    held = review(world, NOW - timedelta(days=7), frozen=False)
    Ask.objects.create(
        program=world.program, review=held, text="Free bob", of=world.gina, due=date(2026, 3, 10), raised_at=NOW
    )
    about = Ask.objects.create(program=world.program, review=held, text="Help web", of=world.tess, raised_at=NOW)
    about.goals.add(world.goal(world.web, world.typed), world.goal(world.api, world.typed))
    Ask.objects.create(program=world.program, review=held, text="Elsewhere", of=world.pam, raised_at=NOW)
    for name in ("sam", "tess", "gina"):
        said = words(sign_in(client, name).get(PAGE))
        assert "Talk about what was asked of Gina, which was due 10 Mar: Free bob Then about Api: Functions" in said
        assert "Late: Free bob Gina · was due 10 Mar · Every function typed" in said.replace("Late :", "Late:")
        assert (said.count("Help web"), "Elsewhere" in said) == (0 if name == "gina" else 1, False)
    for name in ("alice", "bob", "charlie"):
        said = words(sign_in(client, name).get(PAGE))
        assert ("Free bob" in said, "Open asks" in said) == (False, False)
        assert "Talk about Api:" in said


def test_what_blocks_is_read_by_the_team_and_owners_only(client, world):
    goal = world.goal(world.api, world.typed)
    answering.answer(
        goal, "blocked", by=world.alice, now=NOW, via="page", until=date(2026, 3, 30), words="the freeze",
        needs=world.gina,
    )  # fmt: skip
    line = "Api is blocked on Functions with full annotations until 30 Mar: “the freeze”; it needs Gina’s priority"
    for name in ("alice", "bob", "gina", "tess"):
        assert line in words(sign_in(client, name).get(PAGE))
    for name in ("charlie", "sam", "wanda"):
        assert "the freeze" not in words(sign_in(client, name).get(PAGE))


def test_exemptions_stand_there_until_they_end(client, world):
    goal = world.goal(world.api, world.typed)
    asked = exempting.ask(goal, reason="unfit", text="x", until=date(2026, 3, 29), from_day=None, by=world.bob, now=NOW)
    said = words(sign_in(client, "charlie").get(PAGE))
    assert "Exemptions" not in said
    exempting.approve(asked, until=None, text="", by=world.pam, now=NOW)
    judge_due(NOW)
    said = words(client.get(PAGE))
    assert "Api: Functions with full annotations is exempt until 29 Mar, the metric does not fit here" in said
    assert "Nothing has to be talked about: no goal is behind or past its due day." in said


def test_without_standings_it_says_so(client, world):
    Standing.objects.all().delete()
    said = words(sign_in(client, "charlie").get(PAGE))
    assert "No goal of these teams was judged today: there is nothing to talk about yet." in said
    assert "Of 2 teams no goal was judged today." in said


def test_held_goals_are_not_talked_about(client, world):
    Standing.objects.update(held=True)
    assert "Nothing has to be talked about" in words(sign_in(client, "charlie").get(PAGE))


def test_of_programs_that_the_reader_may_not_see_it_says_nothing(client, world):
    Program.objects.update(audience="web")
    assert "Functions with full annotations" not in words(sign_in(client, "charlie").get(PAGE))
    assert client.get("/groups/engineering/charts/typing/typed-functions.json").status_code == 404
    assert client.get("/groups/engineering/table.csv").content.decode().count("\n") == 1


def test_its_csv_has_each_team_and_metric_of_each_program(client, world):
    rows = list(
        csv.reader(io.StringIO(sign_in(client, "charlie").get("/groups/engineering/table.csv").content.decode()))
    )
    assert rows[0][:5] == ["program", "team", "group", "metric", "status"]
    assert [row[:5] for row in rows[1:]] == [
        ["typing", "api", "engineering", "findings", "met"],
        ["typing", "api", "engineering", "typed-functions", "behind"],
        ["typing", "web", "engineering", "typed-functions", "met"],
    ]


def test_the_chart_is_of_its_teams_alone(client, world):
    apply_text(ORG + "---\nkind: Group\nmetadata: {name: solo}\n", now=NOW, via="test")
    ingest((HEADER + "typed-functions,solo,c.py,2026-03-01,0,1000\n").encode(), Origin("file", "z", KINDS["csv"]), NOW)
    judge_due(NOW)
    figure = sign_in(client, "charlie").get("/groups/engineering/charts/typing/typed-functions.json").json()
    assert figure["data"][0]["x"][-1] == "2026-03-01"
    assert figure["data"][0]["y"][-1] == pytest.approx((19 + 10 + 19) / 90)
    assert client.get("/groups/engineering/charts/typing/no.json").status_code == 404
    assert client.get("/groups/engineering/charts/no/typed-functions.json").status_code == 404
    assert client.get("/groups/api/charts/typing/typed-functions.json").status_code == 404
    assert client.get("/groups/engineering/charts/typing/%00.json").status_code == 404


def test_groups_below_roll_up(client, world):
    Team.objects.create(key="all", name="All", leaf=False)
    Team.objects.filter(key="engineering").update(parent=Team.objects.get(key="all"))
    said = words(sign_in(client, "charlie").get("/groups/all/"))
    assert "nobody leads it" in said
    assert "Groups Engineering 1 of 2 teams has a goal off its path" in said
    assert "Talk about Api:" in said


def test_it_sorts_and_keeps_groups_together(client, world):
    sign_in(client, "charlie")
    html = client.get(f"{PAGE}?sort=-typed-functions").content.decode()
    assert html.index('<th scope="row"><a href="/teams/web/">') < html.index('<th scope="row"><a href="/teams/api/">')
    assert (
        '<th colspan="3" scope="rowgroup"><a href="/groups/engineering/">'
        in client.get(f"{PAGE}?sort=group").content.decode()
    )
    assert client.get(f"{PAGE}?sort=%00").status_code == 200


def test_queries_do_not_grow(client, world, django_assert_max_num_queries):
    sign_in(client, "gina").get(PAGE)
    with django_assert_max_num_queries(24) as few:
        client.get(PAGE)
    more = "".join(f"---\nkind: Group\nmetadata: {{name: t{n}}}\nspec: {{parent: engineering}}\n" for n in range(9))
    apply_text(ORG + more, now=NOW, via="test")
    for n in range(3):
        body = TYPING[: TYPING.index("metrics:")] + TYPING[TYPING.index("goals:") :]
        apply_text(
            body.replace("key: typing", f"key: more-{n}").replace("Every", f"More {n} every"), now=NOW, via="test"
        )
    judge_due(NOW)
    with django_assert_max_num_queries(len(few)):
        said = words(client.get(PAGE))
    assert "More 2 every function typed" in said

"""A team's scorecard beyond its first lines: anchors, links to items, past days, shared axes, what a stranger reads."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from program.feeds.registry import KINDS
from program.models import GoalRule, Playbook
from teams import answering, exempting, proposing
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Exemption, Goal, GoalTerms, Standing
from teams.standings import judge_due
from tests.people import HEADER, NOW, TYPING, settle
from tests.web.test_pages import sign_in, words

pytestmark = pytest.mark.django_db
ITEMS = "".join(f"typed-functions,api,src/part {n:02}.py,2026-03-01,0,{30 - n}\n" for n in range(12))
ROWS = (
    HEADER
    + "typed-functions,api,src/part 00.py,2026-01-01,0,30\n"
    + ITEMS
    + "typed-functions,web,web/forms.py,2026-03-01,19,20\n"
)
SECOND = TYPING.replace("key: typing", "key: again").replace("Every function typed", "Typed again")
SECOND = SECOND[: SECOND.index("metrics:")] + SECOND[SECOND.index("goals:") :].replace(
    "  - {metric: findings, teams: [api], start: 2026-01-01, due: 2026-12-31, improve_by: 50%, tolerance: 0.05}\n", ""
)


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "march.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield made


def html(client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_every_id_is_there_once_when_programs_share_a_metric(client, world):
    apply_text(SECOND, now=NOW, via="test")
    shown = html(sign_in(client, "alice"), "/teams/api/")
    ids = re.findall(r'\sid="([^"]+)"', shown)
    assert len(ids) == len(set(ids))
    goals = {one for one in ids if one.startswith("goal-") and not one.endswith("-name")}
    assert goals == {
        "goal-typed-functions", "goal-typed-functions-typing", "goal-typed-functions-again",
        "goal-findings", "goal-findings-typing",
    }  # fmt: skip
    for program in ("typing", "again"):
        links = re.findall(r'href="/teams/api/[^"#]*#([^"]+)"', html(client, f"/programs/{program}/"))
        assert links
        assert all(link in goals and link.endswith(f"-{program}") for link in links)


def test_the_trail_links_to_its_items_and_holds_them_all(client, world):
    Playbook.objects.filter(metric=world.typed).update(item_link="https://code.example/{item}#L1")
    GoalTerms.objects.filter(goal=world.goal(world.api, world.typed)).update(due=date(2026, 3, 20))
    Goal.objects.update(judge_due_at=NOW)
    shown = html(sign_in(client, "alice"), "/teams/api/")
    assert '<a href="https://code.example/src/part%2000.py#L1" rel="noreferrer">' in shown
    numbers = [int(n) for n in re.findall(r'<li data-n="(\d+)">', shown)]
    assert numbers == list(range(1, len(numbers) + 1))
    # The path on 16 Mar is 0.9 × 74/78 = 85.4 % of 294: 251.03 items; 30 + 29 + … + 21 = 255 reach it, nine do not
    said = words(client.get("/teams/api/"))
    assert "Back on the path with 10 items, of 12" in said
    assert ("5 more items" in said, len(numbers)) == (True, 10)


def test_only_web_addresses_become_links(client, world):
    Playbook.objects.filter(metric=world.typed).update(item_link="javascript:alert(1)//{item}")
    assert "javascript:" not in html(sign_in(client, "alice"), "/teams/api/")


def test_a_number_says_where_it_came_from_and_what_it_measures(client, world):
    said = words(sign_in(client, "alice").get("/teams/api/"))
    assert "What is measured: share of functions whose arguments and return are annotated." in said
    assert "The number came from march.csv, received 16 Mar 2026, bytes" in said


def test_mates_read_you_and_strangers_read_the_team(client, world):
    assert "1 of 2 goals needs you." in words(sign_in(client, "bob").get("/teams/api/"))
    assert "1 of 2 goals needs the team." in words(sign_in(client, "charlie").get("/teams/api/"))


def test_a_past_day_says_what_was_said_then_where_it_differs(client, world):
    goal = world.goal(world.api, world.typed)
    Standing.objects.create(
        goal=goal, day=date(2026, 3, 10), status="on track", value=0.5, start=date(2026, 1, 1), due=date(2026, 12, 31),
        judged_at=NOW,
    )  # fmt: skip
    said = words(sign_in(client, "alice").get("/teams/api/?on=2026-03-10"))
    assert "1 goal was told otherwise on that day" in said
    assert "Said that day: on track, 50 %." in said
    assert "1 of 2 goals needed you." in said
    assert "The item to begin with was src/part 00.py" in said
    assert "Expected 10 Mar" in said


def test_a_past_day_shows_the_answers_that_stood_at_its_end(client, world):
    goal = world.goal(world.api, world.typed)
    first = NOW - timedelta(days=6)
    answering.answer(goal, "on it", by=world.alice, now=first, via="page", until=date(2026, 3, 30), words="first")
    # Another answer at 22:30 in UTC, which is the day after in Riga, where the team is.
    late = datetime(2026, 3, 12, 22, 30, tzinfo=UTC)
    answering.answer(goal, "blocked", by=world.alice, now=late, via="page", until=date(2026, 3, 20), words="second")
    answering.take_back(goal.answers.standing().get(), by=world.alice, now=NOW - timedelta(hours=1), via="page")
    sign_in(client, "bob")

    def on(day: str) -> str:
        return words(client.get(f"/teams/api/?on=2026-{day}"))

    assert "Alice" not in on("03-09").partition("Functions with full annotations")[2]
    assert "Alice is on it until 30 Mar: “first”." in on("03-10")
    assert "Alice is on it until 30 Mar: “first”." in on("03-12")
    assert "Alice said that it is blocked until 20 Mar: “second”." in on("03-13")
    assert "“first”" not in on("03-13")
    assert "Alice said that it is blocked until 20 Mar: “second”." in on("03-15")
    assert "“second”" not in words(client.get("/teams/api/")), "it was taken back today"
    assert "“first”" not in words(sign_in(client, "charlie").get("/teams/api/?on=2026-03-12"))


def test_no_data_says_how_to_send_it_and_draws_no_chart(client, world):
    said = words(sign_in(client, "alice").get("/teams/api/?on=2025-12-01"))
    assert "Nothing has been measured yet." in said
    assert "manage.py ingest FILE.csv" in said
    assert "Nobody is nudged for missing data." in said
    assert "data-figure" not in html(client, "/teams/api/?on=2025-12-01")


def test_charts_of_a_page_share_one_time_axis(client, world):
    ingest((HEADER + "findings,api,a,2026-02-01,9,\n").encode(), Origin("file", "f.csv", KINDS["csv"]), NOW)
    GoalTerms.objects.filter(goal=world.goal(world.api, world.findings)).update(due=date(2026, 9, 30))
    shown = html(sign_in(client, "alice"), "/teams/api/")
    addresses = [found.replace("&amp;", "&") for found in re.findall(r'data-figure="([^"]+)"', shown)]
    ranges = {tuple(client.get(address).json()["layout"]["xaxis"]["range"]) for address in addresses}
    assert len(addresses) == 2
    assert ranges == {("2025-09-03", "2027-01-14")}
    assert client.get(addresses[0].split("&")[0] + "&from=never").status_code == 404


def test_a_forecast_is_drawn_forwards_after_the_due_day_too(client, world):
    rows = "".join(f"typed-functions,api,a.py,2026-0{month}-14,{n},100\n" for month, n in ((1, 10), (2, 12), (3, 14)))
    ingest((HEADER + rows).encode(), Origin("file", "o.csv", KINDS["csv"]), NOW)
    goal = world.goal(world.api, world.typed)
    GoalTerms.objects.filter(goal=goal).update(due=date(2026, 3, 1))
    figure = sign_in(client, "alice").get(f"/teams/api/charts/{goal.pk}.json?from=2026-01-01&until=2026-06-01").json()
    (drawn,) = [trace for trace in figure["data"] if trace["name"] == "forecast"]
    assert drawn["x"] == ["2026-03-14", "2026-06-01"]
    assert drawn["y"][0] < drawn["y"][1] < 0.9


def test_exempt_days_are_shaded_and_a_new_ruler_is_marked(client, world):
    goal = world.goal(world.api, world.typed)
    Exemption.objects.create(
        goal=goal, from_day=date(2026, 2, 1), until_day=date(2026, 2, 7), reason="freeze", asked_at=NOW,
        approved_by=world.tess, approved_at=NOW,
    )  # fmt: skip
    old = world.typed.versions.get()
    world.typed.versions.update(current=False)
    world.typed.versions.create(
        number=2, direction=old.direction, aggregation=old.aggregation, unit=old.unit, opened_at=NOW.replace(day=2)
    )
    figure = sign_in(client, "alice").get(f"/teams/api/charts/{goal.pk}.json").json()
    shades = [(shape["x0"], shape["x1"]) for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
    assert shades == [("2026-02-01", "2026-02-08")]
    assert [note["x"] for note in figure["layout"]["annotations"] if note["text"] == "new ruler"] == ["2026-03-02"]
    assert "token:behind" not in str(figure), "red is for overdue and behind only"
    before = client.get(f"/teams/api/charts/{goal.pk}.json?on=2026-02-20").json()
    assert [note for note in before["layout"]["annotations"] if note["text"] == "new ruler"] == []


def test_a_missing_page_keeps_the_way_on(client, world):
    said = words(sign_in(client, "bob").get("/teams/nobody/"))
    assert "Nothing is here." in said
    assert "Home · Programs · Teams" in said
    assert "Sign out" in said
    client.logout()
    assert "Sign out" not in words(client.get("/no/such/page"))


def test_each_goal_says_why_it_is_theirs_and_what_is_open(client, world):
    GoalRule.objects.filter(metric=world.typed).update(why="two outages began in untyped code", chosen="of 2 Mar")
    line = (
        "Why: Two outages began in untyped code. The program is for: Fewer production type errors, safer refactoring. Asked "
        "of every team (of 2 Mar), run by tess@example.com and pam@example.com. All about this goal"
    )
    answer = sign_in(client, "charlie").get("/teams/api/")
    said = words(answer)
    assert line in said
    assert "Asked of Api alone, run by tess@example.com and pam@example.com. All about this goal" in said
    assert '<a href="/teams/api/goals/typing/typed-functions/">' in answer.content.decode()
    assert ("Propose other terms…" in said, "Ask for an exemption…" in said) == (False, False)
    assert line in words(client.get("/teams/api/?on=2026-03-10")), "judged anew, it says the same"
    said = words(sign_in(client, "bob").get("/teams/api/"))
    assert ("Propose other terms…" in said, "Ask for an exemption…" in said) == (False, True)
    goal = world.goal(world.api, world.typed)
    proposing.propose(goal, target=0.6, due=None, reason="less", by=world.alice, now=NOW)
    asked = exempting.ask(goal, reason="unfit", text="x", until=date(2026, 5, 1), from_day=None, by=world.bob, now=NOW)
    said = words(sign_in(client, "alice").get("/teams/api/"))
    assert "Propose other terms…" in said
    assert "Other terms are proposed and wait for an answer. An exemption is asked for and waits for an answer." in said
    exempting.approve(asked, until=None, text="", by=world.tess, now=NOW)
    said = words(client.get("/teams/api/"))
    assert "Exempt until 1 May 2026: the metric does not fit here." in said
    assert "– Exempt" in said
    exempting.end(asked, text="", by=world.tess, now=NOW)
    assert "Exempt until" not in words(client.get("/teams/api/"))


def with_more_metrics(number: int) -> None:
    metrics = "".join(
        f"  - {{key: m{n}, name: M{n}, unit: x, direction: down, aggregation: sum, fresh_for: 90d}}\n"
        for n in range(number)
    )
    goals = "".join(
        f"  - {{metric: m{n}, teams: [api], start: 2026-01-01, due: 2026-12-31, target: 1}}\n" for n in range(number)
    )
    apply_text(TYPING.replace("goals:\n", metrics + "goals:\n" + goals), now=NOW, via="test")
    rows = "".join(f"m{n},api,a.py,2026-03-01,9,\n" for n in range(number))
    ingest((HEADER + rows).encode(), Origin("file", "m.csv", KINDS["csv"]), NOW)


@pytest.mark.parametrize(
    ("address", "judged", "most"),
    [("/teams/api/", True, 16), ("/teams/api/", False, 24), ("/teams/api/?on=2026-03-10", True, 18)],
)
def test_queries_do_not_grow_with_goals(client, world, address, judged, most, django_assert_max_num_queries):
    with_more_metrics(1)
    if judged:
        judge_due(NOW)
    sign_in(client, "charlie").get(address)
    with django_assert_max_num_queries(most) as few:
        assert client.get(address).content.decode().count('class="goal"') == 4
    assert few.captured_queries
    with_more_metrics(9)
    if judged:
        judge_due(NOW)
    with django_assert_max_num_queries(len(few)):
        assert client.get(address).content.decode().count('class="goal"') == 12


@pytest.mark.parametrize(
    ("name", "shares"),
    [("alice", True), ("gina", True), ("tess", True), ("bob", False), ("charlie", False), ("sam", False)],
)
def test_the_way_to_a_link_is_shown_to_whoever_may_make_one(client, world, name, shares):
    judge_due(NOW)
    page = sign_in(client, name).get("/teams/api/").content.decode()
    assert ("Show it by a link, or make a badge" in page) is shares
    assert (client.get("/teams/api/links/").status_code == 200) is shares

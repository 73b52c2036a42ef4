"""The program page: its sentence, totals, heat map, order, past days, what it costs, and when it is not sent again."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest
import time_machine
from django.core.cache import caches
from django.test import Client

from nudges.planning import plan
from program.feeds.registry import KINDS
from program.models import Program
from teams import exempting, proposing
from teams.apply.files import apply_text
from teams.boards import board
from teams.ingest import Origin, ingest
from teams.models import Standing, Team
from teams.standings import judge_due
from tests.people import HEADER, NOW, ORG, TYPING, World, settle
from web import freshness, heatmap, overview

pytestmark = pytest.mark.django_db
TODAY = NOW.date()
ROWS = (
    HEADER
    + "typed-functions,api,a.py,2026-01-01,20,100\ntyped-functions,web,b.py,2026-01-01,10,100\n"
    + "typed-functions,api,a.py,2026-02-01,30,100\ntyped-functions,web,b.py,2026-02-01,14,100\n"
    + "typed-functions,api,a.py,2026-03-01,38,100\ntyped-functions,web,b.py,2026-03-01,18,100\n"
    + "findings,api,a.py,2026-01-01,30,\nfindings,api,a.py,2026-03-01,10,\n"
)


@pytest.fixture
def world() -> World:
    with time_machine.travel(NOW, tick=False):
        made = settle()
        ingest(ROWS.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
        judge_due(NOW)
        yield made


@pytest.fixture
def reader(client: Client, world: World) -> Client:
    client.force_login(world.charlie)
    return client


def words(page: object) -> str:
    text = re.sub(r"<[^>]+>", " ", page.content.decode().partition("<main")[2])
    return re.sub(r"\s+([.,:])", r"\1", re.sub(r"\s+", " ", text))


class Cells(HTMLParser):
    """The links of the heat map's cells, in the order in which the Tab key visits them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.in_cell = False
        self.feed(html[html.index('<table class="heat"') : html.index("</table>", html.index('<table class="heat"'))])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_cell = tag == "td" or (self.in_cell and tag != "th")
        if tag == "a" and self.in_cell:
            self.found.append(dict(attrs))


def test_the_first_line_says_who_is_where_and_where_the_pace_leads(reader):
    said = words(reader.get("/programs/typing/"))
    assert "1 of 2 teams" not in said
    assert "0 of 2 teams are at target, 1 is off the path." in said
    # 15, 22, 28 of 100 at 1 Jan, 1 Feb, 1 Mar: slopes 7/31, 6/28, 13/59 a day, so 13/59; (90 - 28) / (13/59) = 281.4
    assert date(2026, 3, 1) + timedelta(days=282) == date(2026, 12, 8)
    assert "At this pace Functions with full annotations reaches 90 % on 8 Dec 2026, in time." in said


def test_the_totals_stand_beside_their_paths(reader):
    said = words(reader.get("/programs/typing/"))
    # on 16 Mar: 15 % + 75 points × 74 / 364
    assert "Functions with full annotations 28 % as of 1 Mar 30 % 2 points behind 90 % by 31 Dec 2026" in said
    assert "8 Dec 2026, in time" in said
    assert "Security findings 10 findings as of 1 Mar" in said
    beside = "A total in time does not say that every team is: those that are ahead make up for those that are not."
    assert beside in said
    on = reader.get("/programs/typing/?on=2026-01-01")
    assert beside not in words(on), "no pace yet"


def test_each_status_is_counted_by_itself(reader, world):
    Standing.objects.filter(goal=world.goal(world.web, world.typed)).update(status="exempt")
    said = words(reader.get("/programs/typing/"))
    assert "Counted apart: 1 exempt." in said
    assert "– Exempt 1" in said
    assert "0 of 2 teams are at target, 0 are off the path." in said


def test_every_cell_is_reached_by_keyboard_and_says_its_sentence(reader):
    cells = Cells(reader.get("/programs/typing/").content.decode()).found
    assert [cell["href"] for cell in cells] == [
        "/teams/api/#goal-findings-typing", "/teams/api/#goal-typed-functions-typing", "/teams/web/#goal-typed-functions-typing",
    ]  # fmt: skip
    assert cells[2]["aria-label"] == (
        "web, Functions with full annotations: Behind, 18 %, path 26 %, target 90 %, 8 points short, as of 1 Mar."
    )
    assert [cell["class"] for cell in cells] == ["s-met", "s-on-track", "s-behind"]
    assert all("tabindex" not in cell for cell in cells)


def test_a_value_beside_its_path_shows_the_difference(world):
    shown = board(world.program, TODAY, TODAY)
    (row,) = [row for row in shown.rows if row.team.key == "web"]
    cell = row.cells["typed-functions"]._replace(value=0.2601, expected=0.2604, status="at risk")
    html = heatmap.body(
        shown.__class__(**{**{name: getattr(shown, name) for name in shown.__slots__}, "rows": [row]}),
        [row.__class__(row.team, row.group, {"typed-functions": cell})], grouped=False, today=TODAY,
    )  # fmt: skip
    assert "At risk, 26.01 %, path 26.04 %" in html


@pytest.mark.parametrize(
    ("sort", "first"),
    [("", "api"), ("worst", "web"), ("typed-functions", "web"), ("-typed-functions", "api"), ("findings", "api"),
     ("-findings", "api"), ("team", "api"), ("-team", "web"), ("nonsense", "api")],
)  # fmt: skip
def test_the_order_is_in_the_address(reader, sort, first):
    page = reader.get("/programs/typing/", {"sort": sort})
    assert Cells(page.content.decode()).found[0]["href"].startswith(f"/teams/{first}/")


def test_a_sorted_heading_says_so_and_turns_round(reader):
    html = reader.get("/programs/typing/?sort=typed-functions").content.decode()
    assert '<th scope="col" aria-sort="ascending"><a href="?sort=-typed-functions">' in html
    assert '<th scope="col"><a href="?sort=findings">' in html
    back = reader.get("/programs/typing/?sort=-typed-functions&on=2026-02-10").content.decode()
    assert 'aria-sort="descending"><a href="?on=2026-02-10&amp;sort=typed-functions">' in back
    assert '<input type="hidden" name="sort" value="-typed-functions">' in back


def test_a_past_day_is_judged_anew_and_keeps_its_day(reader):
    page = reader.get("/programs/typing/?on=2026-02-10")
    said = words(page)
    assert "as of 10 Feb 2026 ·" in said
    assert "22 % as of 1 Feb" in said
    cells = Cells(page.content.decode()).found
    assert cells[1]["href"] == "/teams/api/?on=2026-02-10#goal-typed-functions-typing"
    assert 'table.csv?on=2026-02-10"' in page.content.decode()
    assert reader.get("/programs/typing/?on=2026-13-01").status_code == 404


def test_the_charter_is_told(reader):
    said = words(reader.get("/programs/typing/"))
    assert "Sponsor sam@example.com, who can move two sprints per team per quarter" in said
    assert "Technical owner tess@example.com" in said
    assert "Program manager pam@example.com" in said
    assert "Runs 1 Jan 2026 to 31 Dec 2026" in said
    Program.objects.update(
        sponsor=None, state="paused", stop_if="nobody moves", lighter_steps_tried=["a talk", "a bot"]
    )
    said = words(reader.get("/programs/typing/?sort=team"))
    assert "Sponsor none yet: without one nobody can change what stands in the way" in said
    assert "Stops if nobody moves" in said
    assert "Tried before a talk and a bot" in said
    assert "Paused: the numbers go on, nobody is nudged." in said


def test_who_moved_most(reader, world):
    day = TODAY - timedelta(days=28)
    kept = Standing.objects.filter(day=TODAY)
    Standing.objects.bulk_create(
        Standing(**{**row, "day": day, "value": row["value"] - 0.05}) for row in kept.values() if row.pop("id")
    )
    said = words(reader.get("/programs/typing/"))
    assert "In the 28 days to 16 Mar" in said
    assert "web: 13 % → 18 %, +5 points Functions with full annotations, better" in said


@pytest.mark.parametrize(("name", "links"), [("charlie", ""), ("sam", "r"), ("tess", "nr"), ("pam", "nr")])
def test_links_lead_only_where_one_may_go(client, world, name, links):
    client.force_login(getattr(world, name))
    html = client.get("/programs/typing/").content.decode()
    assert ("/programs/typing/nudges/" in html) is ("n" in links)
    assert client.get("/programs/typing/nudges/").status_code == (200 if "n" in links else 404)
    assert client.get("/programs/typing/reviews/").status_code == (200 if "r" in links else 404)


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@cmd", "\tx", "\rx", '<script>alert("x")</script>']
)  # fmt: skip
def test_names_cannot_do_anything(reader, world, name):
    Team.objects.filter(pk=world.web.pk).update(name=name)
    html = reader.get("/programs/typing/").content.decode()
    assert "<script>alert" not in html
    Team.objects.filter(pk=world.web.pk).update(key=name[:20])
    lines = reader.get("/programs/typing/table.csv").content.decode().splitlines()
    assert not any(line.startswith(("=", "+", "-", "@", "\t", "\r", '"=', '"+')) for line in lines)


def test_the_table_has_every_number_as_it_is(reader):
    answer = reader.get("/programs/typing/table.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="typing-2026-03-16.csv"'
    lines = answer.content.decode().splitlines()
    assert lines[1].startswith("api,engineering,findings,met,10.0,")
    assert re.match(r"web,engineering,typed-functions,behind,0\.18,0\.26\d+,0\.9,0\.08\d+,2026-03-01,", lines[3])


class TestUnchanged:
    """An unchanged page is answered with 304 for little; whatever it says changes its tag."""

    def again(self, reader: Client, tag: str, address: str = "/programs/typing/") -> int:
        return reader.get(address, headers={"If-None-Match": tag}).status_code

    def test_it_is_not_sent_again_and_costs_four_queries(self, reader, django_assert_num_queries):
        tag = reader.get("/programs/typing/")["ETag"]
        with django_assert_num_queries(4):
            assert self.again(reader, tag) == 304

    def test_each_reader_and_order_and_day_has_its_own(self, reader, world):
        tags = {reader.get(f"/programs/typing/{more}")["ETag"] for more in ("", "?sort=team", "?on=2026-03-01")}
        reader.force_login(world.tess)
        assert len(tags | {reader.get("/programs/typing/")["ETag"]}) == 4

    def test_observations_of_a_past_day_change_that_day(self, reader):
        tag = reader.get("/programs/typing/?on=2026-02-10")["ETag"]
        corrected = HEADER + "typed-functions,api,a.py,2026-02-01,90,100\n"
        ingest(corrected.encode(), Origin("file", "y.csv", KINDS["csv"]), NOW)
        assert self.again(reader, tag, "/programs/typing/?on=2026-02-10") == 200
        assert "52 % as of 1 Feb" in words(reader.get("/programs/typing/?on=2026-02-10"))

    def test_another_charter_changes_it(self, reader):
        tag = reader.get("/programs/typing/")["ETag"]
        apply_text(TYPING.replace("Every function typed", "All typed"), now=NOW, via="test")
        assert self.again(reader, tag) == 200

    def test_nudges_and_the_next_day_change_it(self, reader):
        week = NOW + timedelta(weeks=1)
        with time_machine.travel(week, tick=False):
            judge_due(week)
            tag = reader.get("/programs/typing/")["ETag"]
            plan(week)
            later = reader.get("/programs/typing/", headers={"If-None-Match": tag})
            assert later.status_code == 200
            assert "0 nudges went out and 1 was withheld" in words(later)
        with time_machine.travel(week + timedelta(days=1), tick=False):
            assert self.again(reader, later["ETag"]) == 200

    def test_another_drawing_changes_it(self, reader, monkeypatch):
        tag = reader.get("/programs/typing/")["ETag"]
        monkeypatch.setattr(freshness, "drawn_by", lambda: "other code")
        assert self.again(reader, tag) == 200


def test_queries_are_constant(reader, world, django_assert_num_queries, django_assert_max_num_queries):
    reader.get("/programs/typing/?sort=team")
    caches["pages"].clear()
    with django_assert_max_num_queries(39) as few:
        reader.get("/programs/typing/")
    more = "".join(f"---\nkind: Group\nmetadata: {{name: t{n}}}\nspec: {{parent: engineering}}\n" for n in range(15))
    apply_text(ORG + more, now=NOW, via="test")
    rows = "".join(f"typed-functions,t{n},a.py,2026-03-01,{n},20\n" for n in range(15))
    ingest((HEADER + rows).encode(), Origin("file", "z.csv", KINDS["csv"]), NOW)
    judge_due(NOW)
    with django_assert_max_num_queries(len(few)):
        assert "17 teams" in words(reader.get("/programs/typing/"))


@pytest.mark.parametrize(
    ("days", "said"),
    [(0, "in time"), (-9, "in time"), (1, "1 day late"), (13, "13 days late"), (28, "4 weeks late"),
     (62, "9 weeks late"), (63, "2 months late"), (400, "13 months late"), (3877, "11 years late")],
)  # fmt: skip
def test_how_late(days, said):
    due = date(2026, 12, 31)
    assert overview.beside(due + timedelta(days=days), due) == said


def test_what_readers_share_is_kept_until_something_changes(reader, world, django_assert_max_num_queries):
    reader.get("/programs/typing/")
    reader.force_login(world.tess)
    with django_assert_max_num_queries(10):
        assert "what was sent" in words(reader.get("/programs/typing/"))
    changed = HEADER + "typed-functions,api,a.py,2026-03-01,99,100\n"
    ingest(changed.encode(), Origin("file", "y.csv", KINDS["csv"]), NOW)
    assert "58.5 % as of 1 Mar" in words(reader.get("/programs/typing/"))


def test_nothing_of_one_reader_is_kept_for_another(client, world):
    client.force_login(world.tess)
    assert "/programs/typing/nudges/" in client.get("/programs/typing/").content.decode()
    client.force_login(world.charlie)
    html = client.get("/programs/typing/").content.decode()
    assert "/programs/typing/nudges/" not in html
    assert "tess@example.com</span>" not in html


def test_what_is_open_with_teams_stands_in_a_line(reader, world):
    assert "The ledger" not in words(reader.get("/programs/typing/"))
    goal, other = world.goal(world.api, world.typed), world.goal(world.web, world.typed)
    proposing.propose(goal, target=0.6, due=None, reason="less", by=world.alice, now=NOW)
    asked = exempting.ask(goal, reason="unfit", text="x", until=date(2026, 5, 1), from_day=None, by=world.bob, now=NOW)
    said = words(reader.get("/programs/typing/"))
    assert "1 proposal waits for an answer and 1 request for an exemption waits for an answer. The ledger" in said
    exempting.approve(asked, until=None, text="", by=world.tess, now=NOW)
    exempting.ask(other, reason="unfit", text="x", until=date(2026, 5, 1), from_day=None, by=world.wanda, now=NOW)
    said = words(reader.get("/programs/typing/"))
    assert (
        "1 proposal waits for an answer, 1 request for an exemption waits for an answer and 1 goal is exempt. The ledger"
    ) in said
    exempting.end(asked, text="", by=world.tess, now=NOW)
    assert "goal is exempt" not in words(reader.get("/programs/typing/"))


def test_the_table_scrolls_by_itself_only_where_it_is_long(reader, world):
    at = '<div class="scroll{}"><table class="heat"'
    assert at.format("") in reader.get("/programs/typing/").content.decode()
    org = "---\n".join(f"kind: Group\nmetadata: {{name: t{n}}}\nspec: {{parent: engineering}}\n" for n in range(39))
    apply_text(org, now=NOW, via="test")
    assert at.format(" tall") in reader.get("/programs/typing/").content.decode()

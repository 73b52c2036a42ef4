"""Ownership: patterns outrank CODEOWNERS, which outranks the catalog; by effective day; reorganized with a preview."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from program.feeds.registry import KINDS
from teams import ownership
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import LONG_AGO, OwnedComponent, OwnershipFile, OwnershipPattern, Snapshot, Source, Team
from teams.reorganizing import Unfit, add_pattern, end_pattern, preview, set_file
from teams.reproducing import reproduce
from teams.scorecards import build
from teams.standings import judge_due
from teams.unowned import unowned
from tests.people import HEADER, NOW, settle

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 1)

CATALOG = """
kind: Component
metadata: {name: billing, annotations: {github.com/project-slug: acme/billing}}
spec: {owner: "group:default/web", type: service}
---
kind: Component
metadata: {name: search}
spec: {owner: api}
"""


def rows(*lines: str) -> None:
    header = HEADER.strip() + ",source\n"
    text = header + "".join(line + "\n" for line in lines)
    ingest(text.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)


def owner(item: str, source: str = "", day: date = DAY) -> str:
    place = ownership.load([source]).place(source, item, day)
    return Team.objects.get(pk=place.team).key if place.team else ""


def held(day: str = "2026-03-01") -> dict[str, list[str]]:
    found = Snapshot.objects.filter(as_of=day).order_by("source__team__key")
    return {key or "": sorted(items) for key, items in found.values_list("source__team__key", "items")}


def test_a_pattern_outranks_the_file_and_the_file_the_catalog():
    world = settle()
    apply_text(CATALOG, now=NOW, via="test")
    assert owner("src/a.py", "acme/billing") == "web"
    assert owner("search") == "api"
    assert owner("src/a.py", "acme/other") == ""
    set_file("acme/billing", "/src/ @acme/api\n/docs/\n", since=LONG_AGO, now=NOW)
    assert owner("src/a.py", "acme/billing") == "api"
    assert owner("docs/a.md", "acme/billing") == ""
    assert owner("setup.py", "acme/billing") == "web"
    add_pattern("/src/a.py", world.web, source="acme/billing", since=LONG_AGO, now=NOW)
    assert owner("src/a.py", "acme/billing") == "web"
    assert owner("src/b.py", "acme/billing") == "api"
    add_pattern("*.py", world.api, source=None, since=LONG_AGO, now=NOW)
    assert owner("src/a.py", "acme/billing") == "api"
    assert owner("anything.py", "somewhere/else") == "api"


def test_owners_are_teams_by_key_by_handle_or_people_of_one_team():
    world = settle()
    world.web.handle = "acme/pages-team"
    world.web.save()
    text = "/a/ @acme/API\n/b/ @acme/pages-team\n/c/ bob@example.com\n/d/ @acme/engineering\n/e/ @nobody @acme/api\n/f/ alice@example.com\n"
    effect = set_file("", text, since=LONG_AGO, now=NOW)
    found = {item: owner(f"{item}/x.py") for item in "abcdef"}
    assert found == {"a": "api", "b": "web", "c": "api", "d": "", "e": "api", "f": "api"}
    assert effect.unknown == ["@acme/engineering", "@nobody"]


def test_the_rules_of_a_day_place_the_measurements_of_that_day():
    settle()
    set_file("", "/src/ @acme/api\n", since=LONG_AGO, now=NOW)
    set_file("", "/src/ @acme/web\n", since=date(2026, 3, 10), now=NOW)
    rows("findings,,src/a.py,2026-03-01,4,,", "findings,,src/a.py,2026-03-12,3,,")
    assert held("2026-03-01") == {"api": ["src/a.py"]}
    assert held("2026-03-12") == {"web": ["src/a.py"]}
    assert (owner("src/a.py", day=date(2026, 3, 9)), owner("src/a.py", day=date(2026, 3, 10))) == ("api", "web")


def test_what_no_rule_places_is_kept_as_nobodys_and_shown_worst_first():
    settle()
    rows(
        "findings,,src/a.py,2026-03-01,4,,", "findings,,lib/b.py,2026-03-01,9,,",
        "typed-functions,,src/a.py,2026-03-01,1,7,", "findings,api,c.py,2026-03-01,1,,",
    )  # fmt: skip
    assert [(one.item, one.weight, one.folder) for one in unowned(10)] == [
        ("lib/b.py", 9, "/lib/"), ("src/a.py", 6, "/src/"), ("src/a.py", 4, "/src/"),
    ]  # fmt: skip
    world_api = Team.objects.get(key="api")
    assert [
        card.judgment.value for card in build(world_api, date(2026, 3, 16)).goals if card.goal.metric.key == "findings"
    ] == [1]


def test_a_reorganization_moves_the_items_and_leaves_what_was_sent_by_name():
    world = settle()
    rows(
        "findings,,src/a.py,2026-03-01,4,,",
        "findings,,src/b.py,2026-03-01,2,,",
        "findings,web,w.py,2026-03-01,1,,other",
    )
    effect = add_pattern("/src/", world.api, source="", since=LONG_AGO, now=NOW)
    assert effect.items == [("", "api", 2)]
    assert {(m.team, m.metric, m.before, m.after) for m in effect.standings} == {("api", "findings", None, 6.0)}
    assert held() == {"api": ["src/a.py", "src/b.py"], "web": ["w.py"]}
    assert not Source.objects.filter(team=None).exists()
    moved = add_pattern("/src/b.py", world.web, source="", since=LONG_AGO, now=NOW)
    assert moved.items == [("api", "web", 1)]
    row = OwnershipPattern.objects.get(pattern="/src/b.py")
    back = end_pattern(row, LONG_AGO, now=NOW)
    assert back.items == [("web", "api", 1)]
    assert sorted(n for s in Snapshot.objects.filter(source__team=world.api) for n in s.items) == [
        "src/a.py",
        "src/b.py",
    ]
    assert sum(s.numerator for s in Snapshot.objects.all()) == 7.0


def test_a_preview_tells_and_changes_nothing():
    world = settle()
    rows("findings,,src/a.py,2026-03-01,4,,")
    judge_due(NOW)
    before = list(Snapshot.objects.values()), list(Source.objects.values())
    effect = preview(lambda: add_pattern("/src/", world.api, source="", since=LONG_AGO, now=NOW))
    assert effect.items == [("", "api", 1)]
    assert [(m.status_before, m.status_after) for m in effect.standings] == [("no data", "behind")]
    assert (list(Snapshot.objects.values()), list(Source.objects.values())) == before
    assert (OwnershipPattern.objects.count(), OwnershipFile.objects.count()) == (0, 0)


def test_a_team_that_owns_nothing_any_more_has_its_part_retired_from_that_day():
    world = settle()
    set_file("", "/src/ @acme/api\n", since=LONG_AGO, now=NOW)
    rows("findings,,src/a.py,2026-02-01,4,,", "findings,,src/a.py,2026-03-12,3,,")
    set_file("", "/src/ @acme/web\n", since=date(2026, 3, 10), now=NOW)
    source = Source.objects.get(team=world.api)
    assert source.retired_on == date(2026, 3, 10)
    card = next(c for c in build(world.api, date(2026, 3, 16)).goals if c.goal.metric.key == "findings")
    assert (str(card.status), card.judgment.value) == ("no data", None)
    past = next(c for c in build(world.api, date(2026, 3, 1)).goals if c.goal.metric.key == "findings")
    assert past.judgment.value == 4.0


@pytest.mark.parametrize("pattern", ["", "!src/", "a b @x", "/src/ @web", "#x", "/src/\n/lib/"])
def test_a_pattern_that_is_none_is_refused(pattern: str):
    world = settle()
    with pytest.raises(Unfit, match="one pattern as in CODEOWNERS"):
        add_pattern(pattern, world.api, source="", since=LONG_AGO, now=NOW)
    with pytest.raises(Unfit, match="is a group"):
        add_pattern("/src/", world.engineering, source="", since=LONG_AGO, now=NOW)
    assert OwnershipPattern.objects.count() == 0


def test_a_component_that_changes_hands_counts_from_that_day():
    settle()
    apply_text(CATALOG, now=NOW - timedelta(days=30), via="test")
    apply_text(CATALOG.replace("spec: {owner: api}", "spec: {owner: web}"), now=NOW, via="test")
    assert owner("search", day=date(2026, 3, 15)) == "api"
    assert owner("search", day=NOW.date()) == "web"
    assert OwnedComponent.objects.filter(key="search").count() == 2
    assert apply_text(CATALOG.replace("spec: {owner: api}", "spec: {owner: web}"), now=NOW, via="test") == []


def test_old_briefs_and_what_was_judged_keep_their_numbers():
    from datetime import datetime

    from reviews import ahead, schedule
    from reviews.models import Brief

    world = settle()
    rows("findings,,src/a.py,2026-02-01,4,,", "findings,api,b.py,2026-02-01,2,,other")
    judge_due(NOW)
    schedule.schedule(NOW)
    at = datetime.fromisoformat("2026-04-09T09:00:00+00:00")
    ahead.freeze_due(at)
    frozen = list(Brief.objects.order_by("pk").values("content", "frozen_at"))
    assert frozen
    judged = list(world.goal(world.api, world.findings).standings.filter(day=NOW.date()).values("value", "status"))
    add_pattern("/src/", world.api, source="", since=LONG_AGO, now=at)
    judge_due(at)
    assert list(Brief.objects.order_by("pk").values("content", "frozen_at")) == frozen
    goal = world.goal(world.api, world.findings)
    assert (
        list(goal.standings.filter(day=NOW.date()).values("value", "status"))
        == judged
        == [{"value": 2.0, "status": judged[0]["status"]}]
    )
    assert goal.standings.latest("day").value == 6.0


def test_items_given_to_a_team_join_those_it_was_sent_by_name_and_can_leave_again():
    world = settle()
    rows("findings,api,orders,2026-03-01,7,,", "findings,api,carts,2026-03-01,3,,", "findings,,src/a.py,2026-03-01,5,,")
    effect = add_pattern("/src/", world.api, source="", since=LONG_AGO, now=NOW)
    assert {(m.team, m.before, m.after) for m in effect.standings} == {("api", 10.0, 15.0)}
    assert held() == {"api": ["carts", "orders", "src/a.py"]}
    snapshot = Snapshot.objects.get()
    assert (snapshot.placed, snapshot.placed_items, snapshot.numerator) == (False, ["src/a.py"], 15.0)
    *_, report = reproduce(world.findings, DAY, DAY, NOW)
    assert (report.same, report.different) == (3, 0)
    moved = add_pattern("/src/", world.web, source="", since=LONG_AGO, now=NOW)
    assert moved.items == [("api", "web", 1)]
    assert held() == {"api": ["carts", "orders"], "web": ["src/a.py"]}
    *_, report = reproduce(world.findings, DAY, DAY, NOW)
    assert (report.same, report.different) == (3, 0)


def test_a_namesake_of_what_was_sent_by_name_stays_where_it_is():
    world = settle()
    rows("findings,api,src/a.py,2026-03-01,7,,")
    ingest(
        (HEADER.strip() + "\nfindings,,src/a.py,2026-03-01,5,\n").encode(), Origin("file", "y.csv", KINDS["csv"]), NOW
    )
    effect = add_pattern("/src/", world.api, source="", since=LONG_AGO, now=NOW)
    assert effect.items == []
    assert held() == {"": ["src/a.py"], "api": ["src/a.py"]}


def test_a_mixed_batch_again_changes_nothing():
    world = settle()
    add_pattern("/src/", world.api, source="", since=LONG_AGO, now=NOW)
    rows("findings,api,orders,2026-03-01,7,,", "findings,,src/a.py,2026-03-01,5,,")
    before = list(Snapshot.objects.values())
    rows("findings,,src/a.py,2026-03-01,5,,", "findings,api,orders,2026-03-01,7,,")
    assert list(Snapshot.objects.values()) == before
    assert before[0]["placed_items"] == ["src/a.py"]

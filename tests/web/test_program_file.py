"""A program's file on its pages: whose it is, the plan before the change, conflicts, and what nobody may do by a file."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.audit import record
from accounts.models import AuditRow, User
from program.models import Feed, GoalRule, Program, ScoreVersion
from teams import renegotiating
from teams.apply.export import export
from teams.apply.files import apply_text
from tests.people import NOW, PASSWORD, TYPING, settle

pytestmark = pytest.mark.django_db

MINE = """
program:
  key: mine
  name: A program of my own
  state: draft
  owners: [{email: charlie@example.com, role: technical}]
  start: 2026-01-01
  end: 2026-12-31
"""
LIVE = """
program:
  key: mine
  name: A program of my own
  purpose: Less to argue about
  sponsor: {email: sam@example.com}
  owners: [{email: charlie@example.com, role: technical}, {email: pam@example.com, role: manager}]
  start: 2026-01-01
  end: 2026-12-31
"""


@pytest.fixture
def world():
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        yield settle()


def sign_in(client: Client, name: str) -> Client:
    assert client.login(username=f"{name}@example.com", password=PASSWORD)
    return client


def words(response) -> str:
    """A page's text, without its markup."""
    main = response.content.decode().partition('<main id="main" tabindex="-1">')[2].partition("</main>")[0]
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", main).split()))


def post(client: Client, text: str, do: str = "plan", **more: str):
    return client.post("/programs/apply/", {"text": text, "do": do, **more})


def expected_of(response) -> str:
    return re.search(r'name="expected" value="([0-9a-f]{32})"', response.content.decode())[1]


def test_the_file_is_its_owners(world, client):
    answer = sign_in(client, "tess").get("/programs/typing/program.yaml")
    assert answer.content.decode() == export(world.program)
    assert answer["Content-Type"] == "application/yaml; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="typing.yaml"'
    assert "no-store" in answer["Cache-Control"]
    for name in ("alice", "sam", "charlie"):
        other = sign_in(Client(), name)
        assert other.get("/programs/typing/program.yaml").status_code == 404
        assert other.get("/programs/typing/file/").status_code == 404


def test_the_file_s_page_in_few_queries(world, client, django_assert_max_num_queries):
    sign_in(client, "tess")
    with django_assert_max_num_queries(18):
        answer = client.get("/programs/typing/file/")
    assert answer.status_code == 200
    assert "A file was applied last on 16 Mar 2026 09:30 UTC." in words(answer)
    assert html.unescape(answer.content.decode()).count(export(world.program)) == 1


def test_the_plan_comes_first_and_then_the_change(world, client):
    sign_in(client, "tess")
    text = export(world.program).replace("target: 0.9", "target: 0.95")
    plan = post(client, text)
    said = words(plan)
    assert "3 changes, none of them made yet." in said
    assert "~ changed Functions with full annotations, all teams: target 90 % → 95 %" in said
    assert "Goals: 2 with other terms." in said
    assert GoalRule.objects.get(position=0).target == 0.9
    assert AuditRow.objects.filter(via="apply page").count() == 0
    done = client.post("/programs/apply/", {"text": text, "do": "apply", "expected": expected_of(plan)})
    assert (done.status_code, done["Location"]) == (302, "/programs/typing/file/")
    assert GoalRule.objects.get(position=0).target == 0.95
    assert {row.actor.email for row in AuditRow.objects.filter(via="apply page")} == {"tess@example.com"}
    assert "3 changes applied." in words(client.get("/programs/typing/file/"))
    assert "Nothing to change: it is all as the file says." in words(post(client, text))


def test_a_file_may_be_uploaded(world, client):
    sign_in(client, "tess")
    text = TYPING.replace("hour: 9", "hour: 15")
    plan = client.post("/programs/apply/", {"do": "plan", "file": SimpleUploadedFile("x.yaml", text.encode())})
    assert "~ changed hour of the day 9 → 15" in words(plan)
    assert "hour: 15" in plan.content.decode()


def test_what_changed_in_the_meantime_shows_the_plan_again(world, client):
    sign_in(client, "tess")
    text = TYPING.replace("hour: 9", "hour: 15")
    expected = expected_of(post(client, text))
    Program.objects.update(stop_if="nothing moves")
    answer = post(client, text, "apply", expected=expected)
    assert answer.status_code == 409
    assert "Something was changed in the meantime, so nothing was applied." in words(answer)
    assert Program.objects.get().nudge_hour == 9


def test_conflicts_are_shown_and_overwritten_only_on_purpose(world, client):
    sign_in(client, "tess")
    Program.objects.update(stop_if="nothing moves")
    record("program", "typing", at=NOW + timedelta(minutes=30), actor=world.pam, via="page",
           before={"stop_if": ""}, after={"stop_if": "nothing moves"})  # fmt: skip
    plan = post(client, TYPING)
    said = words(plan)
    assert "1 change, none of them made yet. 1 conflict: a page changed since what the file would change again." in said
    assert (
        "Charter: stop if was nothing, changed by pam@example.com on 16 Mar 2026 10:00 to “nothing moves” "
        "the file says nothing" in said
    )
    expected = expected_of(plan)
    refused = post(client, TYPING, "apply", expected=expected)
    assert (refused.status_code, Program.objects.get().stop_if) == (409, "nothing moves")
    done = post(client, TYPING, "apply", expected=expected, overwrite="on")
    assert (done.status_code, Program.objects.get().stop_if) == (302, "")
    assert AuditRow.objects.get(kind="program file").actor == world.tess


def test_faults_are_named_by_line_and_what_was_typed_is_kept(world, client):
    sign_in(client, "tess")
    answer = post(client, TYPING.replace("target: 0.9", "target: high").replace("hour: 9", "hour: 99"))
    assert answer.status_code == 400
    said = words(answer)
    assert "Nothing was changed. 2 faults:" in said
    assert "line 26: target is a number or a percentage, not 'high'" in said
    assert "line 28: hour is a whole number from 0 to 23, not 99" in said
    assert "target: high" in answer.content.decode()


def test_what_was_typed_is_kept_where_it_is_no_yaml(world, client):
    answer = post(sign_in(client, "tess"), "program: {key: typing\n  name: x\n")
    assert answer.status_code == 400
    assert "program: {key: typing\n  name: x" in answer.content.decode().replace("\r", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "a program (program: …) or Backstage entities"),
        ("program: [", "line 1: YAML was expected"),
        ("- a", "a document is a mapping of names"),
        ("kind: Group\nmetadata: {name: x}", "a program was expected: teams and people are read on the page of people"),
        ("a\0b", "YAML was expected"),
        ('program: {key: "a\\0b"}', "text without NUL characters"),
        ("[" * 2000, "values nested a few levels deep were expected"),
        ("a: " + "x" * 300_000, "a file of at most 300,000 characters was expected"),
        (MINE.replace("key: mine", "key: apply"), "another key was expected: apply is an address of the pages"),
    ],
)
def test_what_is_no_program_is_refused(world, client, text, expected):
    answer = post(sign_in(client, "charlie"), text, "apply")
    assert answer.status_code == 400
    assert expected in words(answer)
    assert Program.objects.count() == 1


def test_a_file_that_is_no_text_is_refused(world, client):
    sign_in(client, "tess")
    for content, expected in (
        (b"\xff\xfe\x00", "a text file in UTF-8 was expected"),
        (b"x" * 1_300_000, "a file of at most 300,000 characters was expected"),
    ):
        answer = client.post("/programs/apply/", {"do": "plan", "file": SimpleUploadedFile("x.yaml", content)})
        assert answer.status_code == 400
        assert expected in words(answer)


def test_anybody_makes_a_draft_of_their_own_and_of_nobody_else_s(world, client):
    done = post(sign_in(client, "charlie"), MINE, "apply")
    assert done["Location"] == "/programs/mine/file/"
    assert Program.objects.get(key="mine").state == "draft"
    answer = post(sign_in(Client(), "bob"), MINE.replace("key: mine", "key: his"), "apply")
    assert "a new program is made by one of its owners: bob@example.com" in words(answer)


def test_what_somebody_else_runs_is_not_theirs_by_a_file(world, client):
    answer = post(sign_in(client, "charlie"), TYPING, "apply")
    assert answer.status_code == 400
    assert "a program that you run, or another key, was expected: typing is taken" in words(answer)


def test_what_has_ended_stays_as_it_is(world, client):
    Program.objects.update(state="canceled")
    sign_in(client, "tess")
    assert post(client, TYPING, "apply").status_code == 302
    answer = post(client, TYPING.replace("hour: 9", "hour: 15"), "apply")
    assert answer.status_code == 400
    assert "typing is canceled and stands as it was: this file would change its program" in words(answer)


def test_going_live_by_a_file_needs_what_its_desk_asks_for(world, client):
    sign_in(client, "charlie")
    refused = post(client, LIVE.replace(", {email: pam@example.com, role: manager}", ""), "apply")
    assert refused.status_code == 400
    assert "it cannot go live yet: No program manager yet" in words(refused)
    assert not Program.objects.filter(key="mine").exists()
    assert post(client, LIVE, "apply").status_code == 302
    assert Program.objects.get(key="mine").state == "active"


def test_a_query_on_a_warehouse_is_an_administrator_s(world, client):
    feed = (
        "feeds: [{key: w, name: W, kind: sql, every: 1d, metrics: [findings],"
        ' settings: {url: "postgresql://db/x", query: "select 1"}}]\n'
    )
    text = TYPING + feed
    answer = post(sign_in(client, "tess"), text)
    assert answer.status_code == 400
    assert "a query on a warehouse is connected by an administrator" in words(answer)
    User.objects.filter(pk=world.pam.pk).update(is_superuser=True)
    assert "a query on a warehouse" not in words(post(sign_in(Client(), "pam"), text))


def test_a_feed_brings_no_numbers_of_another_program_s_metric(world, client):
    """Whoever feeds a metric decides how teams stand: a draft of one's own is no way to it."""
    sign_in(client, "charlie")
    own = "metrics: [{key: ours, name: Ours, unit: x, direction: up, aggregation: sum, fresh_for: 30d}]\n"
    feed = "feeds: [{key: w, name: W, kind: csv, metrics: [ours]}]\n"
    for change in (
        ("[ours]", "[ours, findings]"),
        ("csv, metrics: [ours]", "junit, measures: {failed-tests: findings}"),
    ):
        answer = post(client, MINE + own + feed.replace(*change), "apply")
        assert answer.status_code == 400
        assert "findings is another program's: who runs that program, or an administrator, connects" in words(answer)
    assert not Feed.objects.exists()
    assert post(client, MINE + own + feed, "apply").status_code == 302
    # What an administrator connected stays, and the owner's file with it.
    more = MINE + own + feed.replace("[ours]", "[ours, findings]")
    User.objects.create_superuser("root@example.com", PASSWORD)
    assert post(sign_in(Client(), "root"), more, "apply").status_code == 302
    assert post(client, more.replace("name: W", "name: Weekly"), "apply").status_code == 302
    assert sorted(Feed.objects.get(name="Weekly").metrics.values_list("key", flat=True)) == ["findings", "ours"]


def test_another_program_s_score_is_not_changed(world, client):
    score = "scores: [{key: s, name: S, parts: [{metric: findings, zero: 9, full: 0}]}]\n"
    apply_text(TYPING + score, now=NOW, via="test")
    sign_in(client, "charlie")
    answer = post(client, MINE + score.replace("name: S", "name: Mine"), "apply")
    assert "score s is another program's: another key was expected" in words(answer)
    assert post(client, MINE + score, "apply").status_code == 302
    assert ScoreVersion.objects.get().name == "S"


def test_a_viewer_applies_nothing(world, client):
    User.objects.filter(pk__in=[world.tess.pk, world.charlie.pk]).update(reads_only=True)
    for name in ("tess", "charlie"):
        viewer = sign_in(Client(), name)
        assert viewer.get("/programs/apply/").status_code == 404
        assert post(viewer, MINE, "apply").status_code == 404
    assert Program.objects.count() == 1


def test_the_form_alone(world, client):
    assert "A YAML file says a whole program" in words(sign_in(client, "charlie").get("/programs/apply/"))


def test_what_the_desk_and_a_goal_s_page_changed_is_named_with_who_did_it(world, client):
    owner = sign_in(client, "pam")
    bounds = {"start": "2026-01-01", "end": "2026-12-31", "probation_reviews": "2", "weekly_hours": "6"}
    assert owner.post("/programs/typing/desk/charter/bounds", bounds).status_code == 302
    renegotiating.agree(
        world.goal(world.api, world.typed), target=0.6, due=None, by=world.tess, reason="a rewrite comes first",
        now=NOW + timedelta(minutes=40),
    )  # fmt: skip
    said = words(post(sign_in(Client(), "tess"), TYPING))
    assert "2 conflicts: a page changed since what the file would change again." in said
    assert (
        "hours a week was nothing, changed by pam@example.com on 16 Mar 2026 10:30 to 6 the file says nothing" in said
    )
    assert (
        "Goals: Functions with full annotations, api added by tess@example.com on 16 Mar 2026 10:10 "
        "the file takes it away" in said
    )

"""Pages of feeds, runs, metrics, ownership and scores: who may do what, exact words, nothing changed by looking."""

from __future__ import annotations

import re
import secrets as secrets_of
from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts import secrets
from accounts.models import AccessToken, AuditRow, User
from program.feeds.registry import KINDS
from program.models import Feed, GoalRule, MetricVersion, Program, ProgramOwner
from teams import trust
from teams.apply.files import apply_text
from teams.ingest import Origin, ingest
from teams.models import Dispute, Hold, OwnershipFile, OwnershipPattern, Payload, Run, Snapshot, Source
from teams.standings import judge_due
from tests.people import HEADER, NOW, PASSWORD, TYPING, settle

pytestmark = pytest.mark.django_db

PROGRAM = (
    TYPING
    + """
feeds:
  - {key: ci, name: Reports of the build, source: acme/app, metrics: [findings], measures: {line-coverage: typed-functions}}
  - key: prom
    name: Errors
    kind: prometheus
    every: 1h
    measures: {errors: findings}
    settings: {url: "https://prometheus.example.com", queries: {errors: "sum(errors)"}}
scores:
  - key: quality
    name: Quality score
    parts:
      - {metric: typed-functions, weight: 3, zero: 0, full: 1}
      - {metric: findings, weight: 1, zero: 20, full: 0}
"""
)
LCOV = b"SF:api/a.py\nDA:1,1\nDA:2,0\nend_of_record\nSF:lib/b.py\nDA:1,1\nend_of_record\n"


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        made = settle(PROGRAM)
        judge_due(NOW)
        yield made


def sign_in(client: Client, name: str) -> Client:
    assert client.login(username=f"{name}@example.com", password=PASSWORD)
    return client


def words(answer) -> str:
    text = re.sub(r"<(script|style|title).*?</\1>", " ", answer.content.decode(), flags=re.S)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace("&#34;", '"').replace("&#39;", "'")
    return text.replace(" .", ".").replace(" ,", ",")


def send(client: Client, do: str, body: bytes = LCOV, **fields: str):
    file = SimpleUploadedFile("coverage.info", body)
    return client.post("/feeds/ci/take", {"do": do, "file": file, "as_of": "2026-03-15"} | fields)


def stored() -> tuple[int, int, int]:
    return Snapshot.objects.count(), Run.objects.count(), Payload.objects.count()


PAGES = (
    "/programs/typing/feeds/", "/feeds/ci/", "/feeds/prom/", "/metrics/findings/", "/ownership/", "/unowned/",
    "/scores/quality/",
)  # fmt: skip
OWNERS_PAGES = ("/programs/typing/feeds/new", "/programs/typing/feeds/ci/edit")
OWNERS_POSTS = (
    "/feeds/ci/take", "/feeds/ci/credential", "/feeds/ci/token", "/feeds/ci/pause", "/programs/typing/feeds/new",
    "/metrics/findings/rebaseline", "/metrics/findings/holds/1", "/metrics/findings/disputes/1",
    "/metrics/findings/sources/1", "/metrics/findings/reproduce", "/ownership/change",
)  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_every_member_reads(client, world, address):
    assert client.get(address).status_code == 302
    assert sign_in(client, "charlie").get(address).status_code == 200


@pytest.mark.parametrize(
    ("name", "status"), [("alice", 200), ("bob", 200), ("gina", 200), ("wanda", 404), ("tess", 404)]
)
def test_who_acts_in_a_team_disputes_its_numbers(client, world, name, status):
    assert sign_in(client, name).get("/teams/api/dispute/typed-functions").status_code == status


@pytest.mark.parametrize("address", OWNERS_PAGES)
@pytest.mark.parametrize(("name", "status"), [("tess", 200), ("charlie", 404), ("sam", 404), ("alice", 404)])
def test_owners_alone_change_feeds(client, world, address, name, status):
    assert sign_in(client, name).get(address).status_code == status


@pytest.mark.parametrize("address", OWNERS_POSTS)
def test_nobody_else_may_do_it(client, world, address):
    before = AuditRow.objects.count(), AccessToken.objects.count(), stored()
    for name in ("charlie", "alice", "sam"):
        assert sign_in(client, name).post(address, {"do": "make", "kind": "file"}).status_code == 404
        client.logout()
    assert client.post(address).status_code == 302
    assert (AuditRow.objects.count(), AccessToken.objects.count(), stored()) == before


@pytest.mark.parametrize("address", OWNERS_POSTS[:4] + OWNERS_POSTS[5:])
def test_nothing_happens_on_a_get(client, world, address):
    assert sign_in(client, "tess").get(address).status_code == 405


def test_a_report_is_tried_and_then_stored(client, world):
    sign_in(client, "tess")
    tried = send(client, "try")
    assert tried.status_code == 200
    assert "2 observations in 1 snapshot: 2 new, 0 changed, 0 unchanged, 0 gone. Nothing was kept." in words(tried)
    assert "What no rule places" in words(tried)
    assert stored() == (0, 0, 0)
    kept = send(client, "store")
    run = Run.objects.get()
    assert (kept.status_code, kept["Location"]) == (302, f"/runs/{run.pk}/")
    assert (run.by, run.kind, run.came_from, run.new, run.unplaced) == (world.tess, "file", "coverage.info", 2, 2)
    page = client.get(f"/runs/{run.pk}/")
    assert "It brought 2 new and 0 changed observations, and 0 are gone." in words(page)
    payload = client.get(f"/runs/{run.pk}/payload")
    assert (payload.content, payload["Content-Disposition"]) == (LCOV, f'attachment; filename="{run.digest[:16]}"')
    assert sign_in(Client(), "charlie").get(f"/runs/{run.pk}/payload").status_code == 404


def test_what_was_tried_is_stored_from_there(client, world):
    sign_in(client, "tess")
    text = send(client, "try", source="org/app").content.decode()
    held = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text))
    asked = ("2026-03-15", "org/app", "coverage.info")
    assert (held["as_of"], held["source"], held["called"]) == asked
    form = {name: held[name] for name in ("kept", "called", "as_of", "source", "format")}
    assert client.post("/feeds/ci/take", form | {"do": "store", "kept": "%%%"}).status_code == 400
    assert client.post("/feeds/ci/take", form | {"do": "store", "kept": ""}).status_code == 400
    assert stored() == (0, 0, 0)
    assert client.post("/feeds/ci/take", form | {"do": "store"}).status_code == 302
    run = Run.objects.get()
    assert (run.by, run.came_from, run.new, run.asked["as_of"], run.asked["source"]) == (
        world.tess, "coverage.info", 2, "2026-03-15", "org/app",
    )  # fmt: skip
    assert client.get(f"/runs/{run.pk}/payload").content == LCOV


def test_what_is_too_large_for_the_page_is_chosen_again(client, world):
    body = b"".join(b"SF:%s\nDA:1,1\nend_of_record\n" % secrets_of.token_hex(100).encode() for _ in range(9000))
    page = send(sign_in(client, "tess"), "try", body)
    assert "To store it, choose the file once more below: it is too large to be held by this page." in words(page)
    assert "Store this" not in words(page)


def test_a_trial_is_a_sentence_a_metric_and_its_lines_are_closed(client, world):
    sign_in(client, "tess")
    rows = HEADER + "".join(
        f"findings,{team},a.py,2026-0{month}-01,{month},\n" for team in ("api", "web") for month in (1, 2, 3)
    )
    answer = send(client, "try", rows.encode(), as_of="")
    said = words(answer)
    assert "Security findings: 2 teams, 1 Jan 2026 to 1 Mar 2026" in said
    assert "6 lines, by team and day" in said
    assert '<details class="more"><summary>6 lines' in answer.content.decode()


@pytest.mark.parametrize(
    ("body", "fields", "said"),
    [
        (b"what is this", {}, "A report of a known format was expected: choose its format."),
        (b"SF:a\nDA:x,1\n", {}, "line 2: a count is a whole number"),
        (b"PK\x03\x04zip", {}, "not a zip archive"),
        (LCOV, {"as_of": "2026-13-01"}, "as_of is a date of the calendar"),
        (LCOV, {"as_of": "2027-01-01"}, "as_of 2027-01-01 is in the future"),
        (b"SF:a\nLF:1\n", {"format": "junit"}, "an XML document was expected"),
    ],
)
def test_a_bad_report_is_told_what_was_expected(client, world, body, fields, said):
    sign_in(client, "tess")
    for do in ("try", "store"):
        answer = send(client, do, body, **fields)
        assert said in words(answer)
    assert (Snapshot.objects.count(), Payload.objects.count()) == (0, 0)


def test_a_feed_is_connected_on_a_page_and_refused_as_a_file_is(client, world):
    sign_in(client, "tess")
    form = {
        "key": "junit",
        "name": "Tests",
        "kind": "junit",
        "measures": "failed-tests: findings",
        "source": "acme/app",
    }
    bad = client.post("/programs/typing/feeds/new", form | {"measures": "failed-test: findings"})
    assert bad.status_code == 400
    assert "'failed-test' is nothing that JUnit XML measures" in words(bad)
    assert "failed-test: findings" in bad.content.decode()
    made = client.post("/programs/typing/feeds/new", form)
    assert made["Location"] == "/feeds/junit/"
    feed = Feed.objects.get(key="junit")
    assert (feed.kind, feed.measures, feed.program) == ("junit", {"failed-tests": "findings"}, world.program)
    assert AuditRow.objects.filter(kind="feed", key="junit", actor=world.tess).exists()
    changed = client.post("/programs/typing/feeds/junit/edit", form | {"measures": "broken-tests: findings"})
    assert changed["Location"] == "/feeds/junit/"
    assert MetricVersion.objects.get(metric=world.findings).query["junit"] == {"measures": ["broken-tests"]}
    rows = f"{HEADER}findings,api,a.py,2026-03-01,3,\n".encode()
    ingest(rows, Origin("file", "x.csv", KINDS["csv"]), NOW)
    client.post("/programs/typing/feeds/junit/edit", form | {"measures": "errored-tests: findings"})
    assert MetricVersion.objects.filter(metric=world.findings).count() == 2
    sql = {"key": "w", "name": "W", "kind": "sql", "metrics": "findings", "every": "1d",
           "settings": "url: postgresql://u@h/d\nquery: select 1"}  # fmt: skip
    assert "is connected by an administrator" in words(client.post("/programs/typing/feeds/new", sql))
    boss = User.objects.create_superuser("boss@example.com", PASSWORD)
    client.force_login(boss)
    assert client.post("/programs/typing/feeds/new", sql)["Location"] == "/feeds/w/"


def test_a_feed_brings_numbers_of_ones_own_metrics_only(client, world):
    held = {"purpose": "x", "start": world.program.start, "end": world.program.end}
    mine = Program.objects.create(key="mine", name="Mine", state="draft", **held)
    ProgramOwner.objects.create(program=mine, user=world.charlie, role="technical")
    version = GoalRule.objects.filter(metric=world.findings).first()
    GoalRule.objects.create(program=mine, metric=world.findings, position=0, teams=version.teams, start=held["start"],
                            due=held["end"], target=0)  # fmt: skip
    sign_in(client, "charlie")
    assert "metrics=&amp;" in client.get("/programs/mine/feeds/").content.decode()  # the form filled in offers none
    form = {"key": "w", "name": "W", "kind": "csv", "metrics": "findings"}
    for more in ({}, {"kind": "junit", "metrics": "", "measures": "failed-tests: findings"}):
        answer = client.post("/programs/mine/feeds/new", form | more)
        assert answer.status_code == 400
        assert "findings is another program's" in words(answer)
    assert not Feed.objects.filter(key="w").exists()


def test_a_credential_is_kept_encrypted_bound_to_its_host_and_never_shown(client, world):
    from teams.pulling import credential

    sign_in(client, "tess")
    client.post("/feeds/prom/credential", {"header": "Authorization", "value": "Bearer s3cret"})
    feed = Feed.objects.get(key="prom")
    assert "s3cret" not in feed.secret
    assert (secrets.unseal(feed.secret), feed.secret_host) == (
        '{"header": "Authorization", "value": "Bearer s3cret"}', "prometheus.example.com",
    )  # fmt: skip
    assert credential(feed) == {"header": "Authorization", "value": "Bearer s3cret"}
    for address in ("/feeds/prom/", "/programs/typing/feeds/prom/edit"):
        assert "s3cret" not in client.get(address).content.decode()
    assert "s3cret" not in str(list(AuditRow.objects.values()))
    feed.settings |= {"url": "https://elsewhere.example.com"}
    assert credential(feed) == {}


def test_a_token_is_shown_once_and_feeds_this_feed_only(client, world):
    sign_in(client, "tess")
    page = client.post("/feeds/ci/token")
    (secret,) = re.findall(r"tqp_[\w-]{43}", page.content.decode())
    assert AccessToken.objects.get().scopes == ["observations:feed:ci"]
    assert secret not in client.get("/feeds/ci/").content.decode()
    headers = {"Authorization": f"Bearer {secret}"}
    address = "/api/v1/feeds/{}/runs?as_of=2026-03-15&format=lcov"
    send_to = lambda key: Client().post(  # noqa: E731
        address.format(key), LCOV, content_type="text/plain", headers=headers
    )
    assert (send_to("ci").status_code, send_to("prom").status_code, send_to("none").status_code) == (201, 404, 404)


def test_what_nobody_owns_is_assigned_with_a_preview(client, world):
    sign_in(client, "tess")
    send(client, "store")
    page = words(client.get("/unowned/"))
    assert "2 items of the newest measurements belong to no team, worst first." in page
    assert page.index("api/a.py") < page.index("lib/b.py")
    form = {"kind": "pattern", "pattern": "/api/", "team": "api", "source": "acme/app", "since": "2026-03-15",
            "back": "unowned"}  # fmt: skip
    preview = client.post("/ownership/change", form)
    assert "/api/ in acme/app is Api's, from the measurements of 15 Mar 2026 on: 1 item changes hands" in words(preview)
    assert "1 standing of today moves" in words(preview)
    assert OwnershipPattern.objects.count() == 0
    made = client.post("/ownership/change", form | {"do": "make"})
    assert made["Location"] == "/unowned/"
    assert Source.objects.filter(team=world.api, name="acme/app").exists()
    assert "1 item of the newest measurements belong to no team" in words(client.get("/unowned/"))
    assert "/api/" in words(client.get("/ownership/"))


def test_a_codeowners_is_put_in_force_on_a_page(client, world):
    sign_in(client, "tess")
    send(client, "store")
    form = {"kind": "file", "source": "acme/app", "text": "/api/ @acme/api\r\n/lib/ @acme/ghosts\r\n", "since": ""}
    preview = words(client.post("/ownership/change", form))
    assert "from the beginning of the records on: 1 item changes hands" in preview
    assert "No team here, so what they own is nobody's: @acme/ghosts." in preview
    assert OwnershipFile.objects.count() == 0
    client.post("/ownership/change", form | {"do": "make"})
    assert OwnershipFile.objects.get().text == "/api/ @acme/api\n/lib/ @acme/ghosts\n"
    wrong = client.post("/ownership/change", form | {"text": "# only a comment"})
    assert (wrong.status_code, "with at least one line such as" in words(wrong)) == (400, True)


def test_a_number_is_disputed_on_the_scorecard_and_answered_on_the_metric(client, world):
    sign_in(client, "tess")
    send(client, "store")
    client.post("/ownership/change", {"kind": "pattern", "pattern": "/api/", "team": "api", "source": "acme/app",
                                      "since": "", "do": "make"})  # fmt: skip
    client.logout()
    sign_in(client, "alice")
    assert "This number is wrong…" in words(client.get("/teams/api/"))
    empty = client.post("/teams/api/dispute/typed-functions", {"text": " "})
    assert (empty.status_code, "a word was expected" in words(empty)) == (400, True)
    done = client.post("/teams/api/dispute/typed-functions", {"text": "line 2 is generated", "item": "api/a.py"})
    assert done["Location"] == "/teams/api/"
    row = Dispute.objects.get()
    assert (row.value, row.as_of.isoformat(), row.item) == (0.5, "2026-03-15", "api/a.py")
    judge_due(NOW)
    page = words(client.get("/teams/api/"))
    assert "Told the owner of Functions with full annotations." in page
    assert "Held" in page
    client.logout()
    sign_in(client, "tess")
    assert "1 value is disputed: its owner is asked." in words(client.get("/metrics/typed-functions/"))
    with time_machine.travel(NOW + timedelta(hours=3), tick=False):
        client.post(f"/metrics/typed-functions/disputes/{row.pk}", {"answer": "mended", "text": "left out now"})
        assert "3 h" in words(client.get("/metrics/typed-functions/"))
    row.refresh_from_db()
    assert (row.answer, row.answered_by, Hold.objects.get().until) == ("mended", world.tess, NOW + timedelta(hours=3))


def test_a_metrics_page_reads_the_kept_bytes_again_and_retires_a_source(client, world):
    sign_in(client, "tess")
    send(client, "store")
    again = client.post("/metrics/typed-functions/reproduce", {"from": "2026-01-01", "to": "2026-03-16"})
    assert "Yes: 2 observations of 1 run read again from the kept bytes, all the same." in words(again)
    Snapshot.objects.update(items={"api/a.py": [2, 2], "lib/b.py": [1, 1]})
    wrong = client.post("/metrics/typed-functions/reproduce", {"from": "", "to": ""})
    assert "Not all of it: 1 observations are the same, 1 differ" in words(wrong)
    source = Source.objects.get()
    client.post(f"/metrics/typed-functions/sources/{source.pk}", {"on": "2026-03-16"})
    source.refresh_from_db()
    assert source.retired_on.isoformat() == "2026-03-16"
    assert "counts no more from 16 Mar 2026 on" in words(client.get("/metrics/typed-functions/"))
    client.post(f"/metrics/typed-functions/sources/{source.pk}", {"on": ""})
    source.refresh_from_db()
    assert source.retired_on is None


def test_a_failing_feed_is_seen_at_once(client, world):
    feed = Feed.objects.get(key="ci")
    trust.feed_failed(feed, "line 2: a count is a whole number", NOW)
    sign_in(client, "charlie")
    assert "1 of 2 feeds is failing." in words(client.get("/programs/typing/feeds/"))
    assert "This feed is failing: its last run brought nothing." in words(client.get("/feeds/ci/"))
    assert "Its feed Reports of the build is failing" in words(client.get("/metrics/findings/"))


def test_a_score_stands_beside_its_parts(client, world):
    rows = f"{HEADER}typed-functions,api,a.py,2026-03-01,3,4\nfindings,api,a.py,2026-03-01,5,\ntyped-functions,web,w.py,2026-03-01,1,2\n"
    ingest(rows.encode(), Origin("file", "x.csv", KINDS["csv"]), NOW)
    page = words(sign_in(client, "charlie").get("/scores/quality/"))
    assert "Api 75 75 % 75 5 findings 75" in page
    assert "web 50 without 1 50 % 50 no data" in page
    assert "Functions with full annotations: none at 0 %, all at 100 %; Security findings: none at 20" in page
    later = PROGRAM.replace("weight: 3", "weight: 1").replace("full: 0", "full: -20")
    apply_text(later, now=NOW + timedelta(days=10), via="test")
    assert "definition 1 of 2" in words(client.get("/scores/quality/?on=2026-03-10"))
    assert client.get("/scores/nothing/").status_code == 404


@pytest.mark.parametrize(
    "address",
    ["/feeds/none/", "/runs/99999999/", "/metrics/none/", "/scores/none/", "/unowned/?metric=none%00", "/feeds/%00/",
     "/runs/999999999999999999999999/", "/programs/typing/?on=0001-01-01", "/teams/api/?on=9999-12-31", "/teams/%00/", "/programs/%00/", "/groups/%00/", "/metrics/%00/", "/scores/%00/", "/teams/api/dispute/none", "/scores/quality/?on=never"],
)  # fmt: skip
def test_what_is_not_there_is_said_kindly(client, world, address):
    assert sign_in(client, "tess").get(address).status_code in (404, 200)


def test_queries_of_the_pages_do_not_grow(client, world, django_assert_max_num_queries):
    sign_in(client, "tess")
    send(client, "store")
    for address, most in (
        ("/feeds/ci/", 12),
        ("/metrics/typed-functions/", 26),
        ("/unowned/", 14),
        ("/ownership/", 16),
    ):
        client.get(address)
        with django_assert_max_num_queries(most):
            assert client.get(address).status_code == 200


def test_the_program_says_how_its_feeds_do(client, world):
    sign_in(client, "charlie")
    assert "2 feeds: nothing is failing." in words(client.get("/programs/typing/"))
    trust.feed_failed(Feed.objects.get(key="ci"), "no", NOW)
    Run.objects.create(kind="api", state="refused", came_from="ci", format="csv", received_at=NOW)
    assert "1 of 2 feeds is failing." in words(client.get("/programs/typing/"))
    Feed.objects.all().delete()
    assert "No feed is connected" in words(client.get("/programs/typing/"))


def test_what_no_yaml_has_is_told(client, world):
    sign_in(client, "tess")
    for text in ("\0", "a: \x80", "[", "- - -"):
        answer = client.post(
            "/programs/typing/feeds/new", {"key": "k", "name": "K", "metrics": "findings", "settings": text}
        )
        assert answer.status_code == 400
        assert "Not kept yet" in words(answer)
    for pk in ("x", "", "9" * 30, "٣"):
        assert client.post("/ownership/change", {"kind": "end", "pk": pk}).status_code == 404


def test_the_owners_home_names_disputes_and_failing_feeds(client, world):
    trust.feed_failed(Feed.objects.get(key="ci"), "no", NOW)
    for _ in range(3):
        trust.dispute(world.findings, world.api, text="no", by=world.alice, now=NOW)
    assert Dispute.objects.count() == 1
    sign_in(client, "tess")
    home = words(client.get("/"))
    assert "The feed Reports of the build is failing" in home
    assert "“This number is wrong”: Security findings of Api" in home
    row = Dispute.objects.get()
    client.post(f"/metrics/findings/disputes/{row.pk}", {"answer": "right", "text": ""})
    row.refresh_from_db()
    assert row.answered_at is None
    client.post(f"/metrics/findings/disputes/{row.pk}", {"answer": "wrong", "text": "we know"})
    assert Hold.objects.get(dispute=row).until is None
    assert "it is wrong and stays so for now: we know" in words(client.get("/teams/api/"))
    client.post(f"/metrics/findings/holds/{Hold.objects.get(dispute=row).pk}")
    assert Hold.objects.get(dispute=row).until == NOW

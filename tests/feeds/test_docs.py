"""docs/feeds holds true: every page's example is applied, its sample goes through the door, and stores what is said."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
import time_machine
import yaml
from django.core.management import call_command
from django.test import Client

from accounts.tokens import issue
from program.feeds.registry import KINDS
from program.models import Feed
from teams.apply.files import apply_text
from teams.models import Hold, Run, Snapshot
from teams.pulling import pull
from tests.people import NOW, TYPING, settle
from tests.services import postgresql

from .loopback import answering, forwarding
from .pages import BLOCK, FOLDER, NAMES, Page, Stored, table

PROGRAM = TYPING.partition("metrics:")[0]
README = (FOLDER / "README.md").read_text(encoding="utf-8")
MEASURE = ("aggregation", "direction", "item", "numerator", "denominator")
PULLED = [name for name in NAMES if KINDS[name].pulled and name != "sql"]
PUSHED = [name for name in NAMES if Page(name).curl is not None]


# -- the pages and the registry say the same --


def test_every_kind_has_a_page_and_every_page_a_kind():
    assert sorted(KINDS) == NAMES
    assert {row["kind"] for row in table(README)} == {f"[{name}]({name}.md)" for name in KINDS}


@pytest.mark.parametrize("name", NAMES)
def test_a_page_names_its_kind(name):
    page = Page(name)
    assert page.title == KINDS[name].title
    assert page.text.splitlines()[2].startswith(f"`kind: {name}`. ")
    assert page.feed["kind"] == name


@pytest.mark.parametrize("name", NAMES)
def test_the_table_of_measures_is_the_registry_s(name):
    rows = table(Page(name).sections["Measures"])
    assert rows == [
        {"measure": measure.key} | {part: getattr(measure, part).replace("`", "") for part in MEASURE}
        for measure in KINDS[name].measures
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_settings_are_the_registry_s(name):
    rows = table(Page(name).sections["Settings"])
    assert {row["setting"]: row["what it is"] for row in rows} == dict(KINDS[name].settings or {})
    if not KINDS[name].settings:
        assert Page(name).sections["Settings"].strip().startswith("None.")


@pytest.mark.parametrize("name", ["README", *NAMES])
def test_links_lead_somewhere(name):
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, heading = link.partition("#")
        target = (FOLDER / path).resolve()
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.M)
            assert heading in [one.lower().replace(" ", "-") for one in headings], link


# -- what the examples store --


@pytest.fixture
def world(tmp_path, monkeypatch):
    """The teams of the tests, and the ownership that the front page supposes, put in force by its own command."""
    with time_machine.travel(NOW, tick=False):
        made = settle()
        (codeowners,) = [text for language, text in BLOCK.findall(README) if language == "text"]
        (tmp_path / "CODEOWNERS").write_text(codeowners)
        monkeypatch.chdir(tmp_path)
        manage(*sh("Whose it is"))
        yield made


def manage(*lines: str) -> None:
    """Run lines of `python manage.py …` as they stand in the docs."""
    for line in lines:
        words = shlex.split(line)
        assert words[:2] == ["python", "manage.py"], line
        call_command(*words[2:])


def sh(section: str) -> list[str]:
    """The commands of a section of the front page."""
    text = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", README, re.M | re.S))[section]
    return [line for language, block in BLOCK.findall(text) if language == "sh" for line in block.splitlines()]


def settle_page(page: Page, address: str = "") -> Feed:
    """Apply all YAML of a page, its address replaced where a server of the test stands in for it."""
    for text in page.blocks("yaml"):
        if text.startswith("kind:"):
            apply_text(text, now=NOW, via="test")
        else:
            if address:
                url = str(page.feed["settings"]["url"])  # type: ignore[index]
                parts = urlsplit(url)
                text = text.replace(f"{parts.scheme}://{parts.netloc}", address)
            apply_text(PROGRAM + text, now=NOW, via="test")
    return Feed.objects.get(key=page.feed["key"])


def held(run: Run) -> list[Stored]:
    """What a run wrote, empty snapshots included."""
    found = []
    rows = Snapshot.objects.filter(run=run).select_related("source__metric_version__metric", "source__team")
    for snapshot in rows:
        version, team = snapshot.source.metric_version, snapshot.source.team
        ratio = version.aggregation == "ratio"
        for item, number in snapshot.items.items() or [(None, [0, 0] if ratio else 0)]:
            above, below = number if ratio else (number, None)
            found.append(Stored(version.metric.key, team.key if team else "", item, above, below))
    return found


def by_name(rows: list[Stored]) -> list[Stored]:
    return sorted(rows, key=lambda row: (row.metric, row.team, row.item or ""))


def check_stored(page: Page, run: Run) -> None:
    """What a run wrote is what the page says."""
    day, source, rows = page.stored
    assert (run.state, run.faults) == (Run.State.STORED, [])
    assert by_name(held(run)) == by_name(rows)
    assert {snapshot.as_of for snapshot in run.written.all()} == {day}
    assert {snapshot.source.name for snapshot in run.written.all()} == {source}
    assert run.unplaced == 0


def push(client: Client, path: str, body: str, *scopes: str) -> object:
    _, secret = issue("ci", scopes)
    return client.post(
        path, body.encode(), content_type="application/x-www-form-urlencoded",
        headers={"Authorization": f"Bearer {secret}"},
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("name", PUSHED)
def test_a_sample_sent_stores_what_its_page_says(name, client, world):
    page = Page(name)
    feed = settle_page(page)
    _, path = page.curl
    assert urlsplit(path).path == f"/api/v1/feeds/{feed.key}/runs"
    answer = push(client, path, page.sample, f"observations:feed:{feed.key}")
    assert answer.status_code == 201, answer.content
    check_stored(page, Run.objects.get(pk=answer.json()["run"]))


@pytest.mark.django_db
@pytest.mark.parametrize("name", PUSHED)
def test_an_example_applied_and_sent_again_changes_nothing(name, client, world):
    page = Page(name)
    feed = settle_page(page)
    texts = [text if text.startswith("kind:") else PROGRAM + text for text in page.blocks("yaml")]
    assert [apply_text(text, now=NOW, via="test") for text in texts] == [[] for _ in texts]
    _, path = page.curl
    first, again = (push(client, path, page.sample, f"observations:feed:{feed.key}").json() for _ in range(2))
    assert first["new"] == first["observations"] == again["unchanged"]
    assert (again["new"], again["changed"], again["gone"]) == (0, 0, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("name", PULLED)
def test_a_sample_fetched_stores_what_its_page_says(name, world, settings):
    settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
    page = Page(name)
    bodies = page.blocks("csv") or page.blocks("json")
    asked: list[str] = []

    def answer(path: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
        asked.append(path)
        return 200, headers["accept"], bodies[len(asked) - 1].encode()

    with answering(answer) as address:
        feed = settle_page(page, address)
        assert feed.every_minutes
        assert feed.next_due_at == NOW
        received = pull(feed, NOW)
    feed.refresh_from_db()
    assert (feed.last_error, received is None) == ("", False)
    assert len(asked) == len(bodies)
    assert all(path.startswith(urlsplit(str(page.feed["settings"]["url"])).path) for path in asked)
    check_stored(page, received.run)
    assert feed.next_due_at > NOW


@pytest.mark.once
@pytest.mark.django_db
def test_a_query_on_a_warehouse_stores_what_its_page_says(world, settings):
    settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
    page = Page("sql")
    user = urlsplit(str(page.feed["settings"]["url"])).username
    database = urlsplit(str(page.feed["settings"]["url"])).path.lstrip("/")
    with postgresql() as url:
        folder = Path(unquote(urlsplit(url).query.partition("host=")[2]))
        with psycopg.connect(host=str(folder), user="postgres", dbname="postgres", autocommit=True) as server:
            server.execute(f"CREATE ROLE {user} LOGIN")
            server.execute(f"CREATE DATABASE {database}")
        with psycopg.connect(host=str(folder), user="postgres", dbname=database) as warehouse:
            (rows,) = page.blocks("sql")
            warehouse.execute(rows)
            warehouse.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {user}")
        with forwarding(folder / ".s.PGSQL.5432") as port:
            feed = settle_page(page, f"postgresql://{user}@127.0.0.1:{port}")
            assert pull(feed, NOW) is None
            assert "server does not support SSL, but SSL was required" in feed.last_error
            feed.settings |= {"sslmode": "disable"}  # the test's server speaks no TLS
            feed.save()
            received = pull(feed, NOW)
    feed.refresh_from_db()
    assert (feed.last_error, received is None) == ("", False)
    check_stored(page, received.run)


# -- what the front page promises --


@pytest.mark.django_db
def test_a_feed_is_connected_as_the_front_page_says(client, world, tmp_path, monkeypatch, capsys):
    fragment = next(text for language, text in BLOCK.findall(README) if language == "yaml")
    (tmp_path / "program.yaml").write_text(PROGRAM + fragment)
    plan, apply, token, trial, send = sh("Connect one")
    manage(plan)
    assert not Feed.objects.exists()
    manage(apply)
    capsys.readouterr()
    manage(token)
    secret = capsys.readouterr().out.strip()
    headers = {"Authorization": f"Bearer {secret}"}
    sample = Page("sarif").sample.replace("file:///builds/shop/", "")

    def run(line: str, body: str = sample) -> object:
        path = re.search(r"http://127\.0\.0\.1:8000(/[^\"\s]+)", line)[1]
        return client.post(path, body, content_type="application/x-www-form-urlencoded", headers=headers)

    tried = run(trial)
    assert (tried.status_code, Run.objects.count(), Snapshot.objects.count()) == (200, 0, 0)
    teams = {line["team"]: (line["before"], line["after"]) for line in tried.json()["teams"]}
    assert teams == {"api": (None, 2.0), "web": (None, 1.0)}
    stored = run(send)
    assert (stored.status_code, stored.json()["observations"]) == (201, 2)
    assert client.get(stored["Location"], headers=headers).json()["state"] == "stored"
    again = run(trial, sample.replace("cart.py", "pay.py"))
    counts = {name: again.json()[name] for name in ("new", "changed", "unchanged", "gone")}
    assert counts == {"new": 1, "changed": 0, "unchanged": 1, "gone": 1}
    feed = Feed.objects.get(key="lint")
    assert run(trial, "{").status_code == 400
    assert not Hold.objects.exists()
    refused = run(send, "{")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["line"] == 0
    feed.refresh_from_db()
    assert (feed.failures, feed.failing_since) == (1, NOW)
    assert Hold.objects.get(until=None).feed == feed
    assert Snapshot.objects.count() == 2
    with monkeypatch.context() as patch:
        patch.setattr("web.api.runs.AT_ONCE", 10)
        assert run(send).status_code == 202
    assert run(send).status_code == 201
    assert not Hold.objects.filter(until=None).exists()
    (tmp_path / "ruff.sarif").write_text(sample)
    spoken = re.findall(r"`(python manage\.py (?:ingest|reproduce) [^`]+)`", README)
    assert len(spoken) == 2
    manage(*spoken)
    assert "0 different, 0 runs not to be read again" in capsys.readouterr().out
    assert push(client, "/api/v1/feeds/lint/runs", sample, "observations:feed:other").status_code == 404
    assert client.post("/api/v1/feeds/lint/runs", sample, content_type="text/plain").status_code == 401


def test_the_limits_that_the_front_page_names_are_the_code_s():
    from program import fetch, warehouse
    from teams.apply.feeds import SOONEST
    from teams.pulling import AGAIN_AFTER
    from web.api.runs import AT_ONCE, LARGEST, LARGEST_INFLATED

    text = " ".join(README.split())
    assert f"over {AT_ONCE // 10**6} MB is kept" in text
    assert f"over {LARGEST // 10**6} MB;" in text
    assert f"up to {LARGEST_INFLATED // 10**6} MB inflated" in text
    assert f"({SOONEST} minutes at least)" in text
    *most, last = AGAIN_AFTER
    assert f"after {', '.join(map(str, most))} and {last} minutes" in text
    assert f"answers over 5 MB or {fetch.TOTAL_SECONDS:g} s" in text
    assert fetch.fetch.__kwdefaults__["most"] == 5_000_000
    sql = " ".join(Page("sql").text.split())
    assert f"At most {warehouse.MOST_ROWS:,} rows" in sql
    assert f"ends after {warehouse.STATEMENT_SECONDS} s" in sql


@pytest.mark.django_db
@pytest.mark.parametrize("name", [name for name in NAMES if Page(name).feed.get("every")])
def test_without_the_setting_nothing_of_ones_own_network_is_fetched(name, world):
    def never(path: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
        raise AssertionError("nothing was to be fetched")

    page = Page(name)
    with answering(never) as address:
        if name == "sql":
            address = address.replace("http://", "postgresql://quality@")
        feed = settle_page(page, address)
        assert pull(feed, NOW) is None
    feed.refresh_from_db()
    assert "127.0.0.1, which is not public" in feed.last_error
    assert Run.objects.get(feed=feed).state == Run.State.FAILED
    assert Snapshot.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("name", PULLED)
def test_a_credential_of_the_feed_s_page_goes_to_its_host_only_and_shows_nowhere(name, client, world, settings):
    settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
    page = Page(name)
    given: list[str | None] = []

    def answer(path: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
        given.append(headers.get("authorization"))
        return 503, "text/plain", b""

    with answering(answer) as address, answering(answer) as elsewhere:
        feed = settle_page(page, address)
        client.force_login(world.tess)
        secret = {"header": "Authorization", "value": "Bearer hush-hush"}
        assert client.post(f"/feeds/{feed.key}/credential", secret).status_code == 302
        assert b"hush-hush" not in client.get(f"/feeds/{feed.key}/").content
        for url in (address, elsewhere):
            feed = settle_page(page, url)
            assert "hush-hush" not in f"{feed.secret}{feed.settings}"
            assert pull(feed, NOW) is None
    assert given == ["Bearer hush-hush", None]
    assert not any("hush-hush" in str(run.faults) for run in Run.objects.all())


def test_every_yaml_of_the_front_page_is_one_of_a_program():
    for language, text in BLOCK.findall(README):
        if language == "yaml":
            assert set(yaml.safe_load(text)) <= {"metrics", "goals", "feeds"}

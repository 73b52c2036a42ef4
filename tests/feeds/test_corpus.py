"""Hostile bodies through every door that takes them: refused in words, nothing stored, and no list broken after it."""

from __future__ import annotations

import gzip
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.tokens import issue
from program.models import Feed, Metric
from teams.models import Payload, Run, Snapshot, Source, Standing
from teams.pulling import pull
from tests.feeds.corpus import DAY, Hostile, Odd, csv, hostile, line, observation, observations, odd, packed
from tests.people import HEADER, NOW, TYPING, World, settle

pytestmark = pytest.mark.django_db

PROGRAM = TYPING.replace(
    "goals:\n",
    """
  - {key: release, name: Days since the release, direction: down, aggregation: latest, fresh_for: 30d}
  - {key: practices, name: Practices, direction: up, aggregation: mean, fresh_for: 90d}
goals:
  - {metric: release, teams: [api], start: 2026-01-01, due: 2026-12-31, target: 10}
  - {metric: practices, teams: [api], start: 2026-01-01, due: 2026-12-31, target: 9}
""".lstrip("\n"),
)
PATHS = {"rows": "data", "item": "name", "team": "team", "numerator": "open", "denominator": "of", "as_of": "day"}
MEASURES = {
    "cobertura": {"line-coverage": "typed-functions"},
    "lcov": {"line-coverage": "typed-functions"},
    "junit": {"broken-tests": "findings"},
    "sarif": {"findings": "findings"},
    "ossf": {"score": "release", "checks": "practices"},
    "openmetrics": {"errors_total": "findings"},
    "json-paths": {"value": "findings"},
    "prometheus": {"errors": "findings"},
}
SETTINGS = {"json-paths": PATHS, "prometheus": {"queries": {"errors": "errors"}}}
PULLED = {"csv": "csv-url", "json-paths": "json-paths", "prometheus": "prometheus"}
OTHERWISE = {"JSON as CSV"}
"""Bodies that are in order when nobody says how they are to be read."""
AT_A_TIME = 24


def groups(bodies: tuple[Hostile, ...]) -> Iterator[Any]:
    """The bodies of a kind, some at a time: a world is made and its lists are looked at once for all of them."""
    for kind in dict.fromkeys(body.kind for body in bodies):
        rest = iter([body for body in bodies if body.kind == kind])
        for number, part in enumerate(iter(lambda rest=rest: list(islice(rest, AT_A_TIME)), []), 1):
            yield pytest.param(part, id=f"{kind}-{number}")


class Upstream:
    """A server on this machine that gives one body to whoever asks."""

    def __init__(self) -> None:
        self.body = b""
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(upstream.body)))
                self.end_headers()
                self.wfile.write(upstream.body)

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/figures"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    found = Upstream()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def world(time_machine, settings) -> World:
    time_machine.move_to(NOW, tick=False)
    settings.OUTBOUND_ALLOW_NETWORKS = ["127.0.0.0/8"]
    found = settle(PROGRAM)
    for kind in ("", "csv", "json", *MEASURES, "csv-url"):
        feed = Feed.objects.create(
            key=f"of-{kind or 'any'}",
            name=f"Feed of {kind or 'any kind'}",
            program=found.program,
            kind=kind,
            measures=MEASURES.get(kind, {"findings": "findings", "line-coverage": "typed-functions"}),
            settings=SETTINGS.get(kind, {}),
            scope="all",
        )
        feed.metrics.set(Metric.objects.all())
    return found


@pytest.fixture
def headers(world) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue('ci', ['observations:program:typing', 'scorecards:read'])[1]}"}


def post(client: Client, address: str, data: bytes, headers: dict[str, str], media_type: str = "") -> Any:
    client.raise_request_exception = False
    media_type = media_type or "application/octet-stream"
    # The client names the media type of an empty body only if told so.
    return client.post(address, data, content_type=media_type, headers=headers, CONTENT_TYPE=media_type)


def held() -> tuple[int, ...]:
    """How many rows there are of what a refusal must not leave behind."""
    return tuple(model.objects.count() for model in (Snapshot, Source, Payload, Standing))


def lists_work(world: World, headers: dict[str, str]) -> None:
    """What people and programs read still answers, and its JSON is JSON."""
    client = Client(raise_request_exception=False)
    client.force_login(world.tess)
    for team in ("api", "web"):
        answer = Client().get(f"/api/v1/teams/{team}/scorecard", headers=headers)
        assert answer.status_code == 200, answer.content
        json.loads(answer.content, parse_constant=pytest.fail)
        out = io.StringIO()
        call_command("scorecard", team, stdout=out)
        call_command("scorecard", team, "--json", stdout=out)
    for page in (
        "/",
        "/programs/",
        "/programs/typing/",
        "/programs/typing/table.csv",
        "/teams/",
        "/teams/api/",
        "/teams/web/",
    ):
        assert client.get(page).status_code == 200, page


def words_of(answer: Any) -> tuple[list[str], list[int]]:
    """What a problem says, and the lines that it names."""
    problem = answer.json()
    errors = problem.get("errors", [])
    assert problem["status"] == answer.status_code
    return [problem["detail"], *(error["expected"] for error in errors)], [error["line"] for error in errors]


Door = Callable[[], tuple[list[str], list[int], int]]
"""Sends a body; gives what was said, the lines named, and how many runs are to be on record for it."""


class Doors:
    """The ways in, for one body."""

    def __init__(self, body: Hostile, headers: dict[str, str], upstream: Upstream, folder: Path) -> None:
        self.body, self.headers, self.upstream, self.folder = body, headers, upstream, folder
        self.client = Client(raise_request_exception=False)

    def all(self) -> Iterator[tuple[str, Door]]:
        """Every door that takes this kind, by its name."""
        kind, data = self.body.kind, self.body.body
        runs = f"/api/v1/feeds/of-{kind}/runs"
        if kind in ("csv", "json"):
            media_type = "text/csv" if kind == "csv" else "application/json"
            if data:  # without a body no media type is sent either
                yield "observations", lambda: self._post("/api/v1/observations", data, media_type, 0)
        if kind != "prometheus":
            yield "feed", lambda: self._post(runs, data, "", 1)
            yield (
                "feed, format",
                lambda: self._post(
                    f"/api/v1/feeds/of-any/runs?format={kind}", data, "", 1, exact=kind in ("csv", "json")
                ),
            )
            yield "feed, dry run", lambda: self._post(f"{runs}?dry_run=1", data, "", 0)
            yield "feed, gzip", lambda: self._post(runs, gzip.compress(data, 1), "", 1)
            if self.body.name not in OTHERWISE:
                yield "feed, recognized", lambda: self._post("/api/v1/feeds/of-any/runs", data, "", None, exact=False)
            yield "command", self._command
        if kind in PULLED:
            yield "pull", self._pull

    def _post(
        self, address: str, data: bytes, media_type: str, runs: int | None, *, exact: bool = True
    ) -> tuple[list[str], list[int], int | None, bool]:
        answer = post(self.client, address, data, self.headers, media_type)
        assert answer.status_code in (400, 413, 415, 422), f"{answer.status_code} {answer.content[:300]!r}"
        assert answer["Content-Type"] == "application/problem+json"
        assert len(answer.content) < 100_000
        return *words_of(answer), runs, exact

    def _command(self) -> tuple[list[str], list[int], int | None, bool]:
        file = self.folder / "body"
        file.write_bytes(self.body.body)
        out, err = io.StringIO(), io.StringIO()
        with pytest.raises(CommandError) as refused:
            call_command(
                "ingest", str(file), feed=f"of-{self.body.kind}", format=self.body.kind, stdout=out, stderr=err
            )
        said = err.getvalue().splitlines()
        lines = [int(line.removeprefix(f"{file}:").partition(":")[0]) for line in said]
        return [*said, str(refused.value)], lines, 1, True

    def _pull(self) -> tuple[list[str], list[int], int | None, bool]:
        self.upstream.body = self.body.body
        feed = Feed.objects.select_related("program").get(key=f"of-{PULLED[self.body.kind]}")
        feed.settings = SETTINGS.get(PULLED[self.body.kind], {}) | {"url": self.upstream.url}
        assert pull(feed, NOW) is None
        run = Run.objects.filter(feed=feed).latest("pk")
        return [what for _, what in run.faults], [line for line, _ in run.faults], 1, True


def check(body: Hostile, door: Door, before: tuple[int, ...]) -> None:
    """Send a body through a door; it is refused as it should be, and nothing of it stays."""
    runs = Run.objects.count()
    said, lines, on_record, exact = door()
    assert said, "nothing was said"
    assert all(said), said
    if exact:
        assert any(body.says in words for words in said), said[:5]
        assert not body.line or body.line in lines, (lines[:5], said[:5])
    assert held() == before
    if on_record is not None:
        assert Run.objects.count() == runs + on_record
    if on_record:
        run = Run.objects.latest("pk")
        assert run.state in (Run.State.REFUSED, Run.State.FAILED)
        assert run.faults
        assert run.feed.failing_since is not None
        assert run.feed.last_error


def wrongs(bodies: list[Hostile], headers: dict[str, str], upstream: Upstream, folder: Path) -> list[str]:
    """What went otherwise than it should: body, door and how."""
    found = []
    before = held()
    for body in bodies:
        for name, door in Doors(body, headers, upstream, folder).all():
            try:
                check(body, door, before)
            except (AssertionError, pytest.fail.Exception, Exception) as wrong:
                found.append(f"{body.kind} {body.name} by {name}: {type(wrong).__name__}: {str(wrong)[:400]}")
                before = held()
    return found


def some_good(client: Client, headers: dict[str, str]) -> None:
    """What is there before, so that there is something to break."""
    rows = csv(line(item="good.py", as_of="2026-03-02"), line("typed-functions", "web", "b.py", below="2"))
    assert post(client, "/api/v1/observations", rows, headers, "text/csv").status_code == 201


@pytest.mark.parametrize("bodies", list(groups(hostile())))
def test_a_hostile_body_is_refused_by_every_door_and_leaves_nothing(bodies, client, world, headers, upstream, tmp_path):
    some_good(client, headers)
    found = wrongs(bodies, headers, upstream, tmp_path)
    assert not found, "\n".join(found)
    lists_work(world, headers)


def test_there_are_enough_of_them():
    assert len(hostile()) + len(packed()) >= 150
    assert {body.kind for body in hostile()} == {"csv", "json", *MEASURES}
    names = [(body.kind, body.name) for body in hostile()]
    assert len(names) == len(set(names))


def test_what_is_packed_is_inflated_within_bounds_or_refused(client, world, headers, upstream, tmp_path, monkeypatch):
    monkeypatch.setattr("web.api.runs.LARGEST_INFLATED", 1_000_000)
    monkeypatch.setattr("teams.management.commands.ingest.LARGEST", 1_000_000)
    some_good(client, headers)
    before, found = held(), []
    for body in packed():
        for address in ("of-csv/runs", "of-csv/runs?dry_run=1", "of-any/runs", "of-any/runs?format=csv"):
            answer = post(client, f"/api/v1/feeds/{address}", body.body, headers)
            said = words_of(answer)[0] if answer.status_code == 400 else []
            if not (any(body.says in one for one in said) or (said and address == "of-any/runs")):
                found.append(f"{body.name} by {address}: {answer.status_code} {said}")
        file = tmp_path / "figures.csv.gz"
        file.write_bytes(body.body)
        err = io.StringIO()
        try:
            call_command("ingest", str(file), format="csv", stderr=err)
            found.append(f"{body.name} by command: stored")
        except CommandError as refused:
            if body.says not in err.getvalue() + str(refused):
                found.append(f"{body.name} by command: {refused} {err.getvalue()[:300]}")
        upstream.body = body.body
        feed = Feed.objects.select_related("program").get(key="of-csv-url")
        feed.settings = {"url": upstream.url}
        if pull(feed, NOW) is not None:
            found.append(f"{body.name} by pull: stored")
        assert post(client, "/api/v1/observations", body.body, headers, "text/csv").status_code == 400
    assert not found, "\n".join(found)
    assert held() == before
    lists_work(world, headers)


@pytest.mark.parametrize(
    ("paths", "document"),
    [
        ({"rows": "sort_by(data, &open)"}, {"data": [{"open": 1}, {"open": "a"}]}),
        ({"rows": "data", "item": "join(',', name)"}, {"data": [{"name": "a\0\ud800", "open": 1}]}),
        ({"rows": "data[?contains(name, open)]"}, {"data": [{"name": "a", "open": 1}]}),
        ({"rows": "data", "numerator": "ceil(open)"}, "1e999"),
    ],
)
def test_functions_of_a_path_meet_what_they_were_not_made_for(paths, document, client, world, headers):
    Feed.objects.filter(key="of-json-paths").update(settings=PATHS | paths)
    body = json.dumps(document) if isinstance(document, dict) else f'{{"data":[{{"name":"a","open":{document}}}]}}'
    answer = post(client, "/api/v1/feeds/of-json-paths/runs", body.encode(), headers)
    assert (answer.status_code, len(words_of(answer)[0])) == (400, 2), answer.content
    assert "cannot be picked by its JMESPath" in words_of(answer)[0][1]
    assert held() == (0, 0, 0, 0)


def test_oversize_is_413(client, world, headers, monkeypatch):
    monkeypatch.setattr("web.api.observations.LARGEST", 1000)
    monkeypatch.setattr("web.api.runs.LARGEST", 1000)
    for address, media_type in (
        ("observations", "text/csv"),
        ("observations", "application/json"),
        ("feeds/of-csv/runs", ""),
    ):
        answer = post(client, f"/api/v1/{address}", b"x" * 1001, headers, media_type)
        assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")
        assert "at most 1,000 bytes was expected" in answer.json()["detail"]
    assert held() == (0, 0, 0, 0)


HEADERS = {
    "a media type that is none": ({"Content-Type": "csv"}, 415),
    "two media types": ({"Content-Type": "text/csv, application/json"}, 415),
    "no media type": ({"Content-Type": ""}, 415),
    "a form": ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
    "a form in the address": ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    "JSON by CSV": ({"Content-Type": "application/json"}, 400),
    "another character set": ({"Content-Type": "text/csv; charset=utf-16"}, 201),
    "in capitals": ({"Content-Type": "TEXT/CSV"}, 201),
    "a parameter": ({"Content-Type": "text/csv; header=present"}, 201),
    "a gzip that is none": ({"Content-Encoding": "gzip"}, 415),
    "an unknown encoding": ({"Content-Encoding": "br"}, 415),
    "no encoding": ({"Content-Encoding": "identity"}, 201),
    "a key too long": ({"Idempotency-Key": "k" * 201}, 400),
    "a key with a control": ({"Idempotency-Key": "a\x01"}, 400),
    "a key not in ASCII": ({"Idempotency-Key": "é"}, 400),
    "an empty key": ({"Idempotency-Key": ""}, 201),
    "only HTML back": ({"Accept": "text/html"}, 201),
    "an odd accept": ({"Accept": ";;;,"}, 201),
    "a token with NUL": ({"Authorization": "Bearer a\x00"}, 401),
    "a token not in ASCII": ({"Authorization": "Bearer ÿé"}, 401),
    "a token of two words": ({"Authorization": "Bearer a b"}, 401),
    "a token of 100,000 characters": ({"Authorization": "Bearer " + "a" * 100_000}, 401),
    "no token": ({"Authorization": "Bearer"}, 401),
    "a length that is none": ({"Content-Length": "many"}, 400),
    "a length in Arabic": ({"Content-Length": "٣"}, 400),
    "a negative length": ({"Content-Length": "-1"}, 400),
    "a length beyond all": ({"Content-Length": "9" * 30}, 413),
    "another method": ({"X-HTTP-Method-Override": "DELETE"}, 201),
    "another host within": ({"X-Forwarded-Host": "evil.example"}, 201),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_are_odd(name, client, world, headers):
    given, status = HEADERS[name]
    given = dict(given)
    media_type = given.pop("Content-Type", "text/csv")
    length = {"CONTENT_LENGTH": given.pop("Content-Length")} if "Content-Length" in given else {}
    client.raise_request_exception = False
    answer = client.generic(
        "POST", "/api/v1/observations", csv(line()), content_type=media_type, headers=headers | given, **length
    )
    assert answer.status_code == status, answer.content
    if status != 201:
        assert answer["Content-Type"] == "application/problem+json"
        assert held() == (0, 0, 0, 0)
        assert words_of(answer)[0][0]


@pytest.mark.parametrize(
    "query",
    [
        "format=nonsense", "format=%00", "format=" + "f" * 5000, "format=prometheus", "format=sql", "format=csv-url",
        "as_of=", "as_of=2026-02-30", "as_of=%00", "as_of=2026-03-01T00:00", "as_of=%EF%BC%92026-03-01", "as_of=2030-01-01",
        "as_of=1969-12-31", "as_of=2026-03-01&as_of=x", "source=%00", "source=%ED%A0%80%00", "source=" + "s" * 301,
        "source=%0a", "dry_run=maybe", "dry_run=", "as-of=2026-03-01", "formatt=lcov", "%00=%00",
    ],
)  # fmt: skip
def test_questions_that_are_odd_are_refused_in_words(query, client, world, headers):
    body = b"SF:a.py\nDA:1,1\nend_of_record\n"
    answer = post(client, f"/api/v1/feeds/of-lcov/runs?{query}", body, headers)
    assert answer.status_code == 400, answer.content
    assert words_of(answer)[0][0]
    assert held() == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "key", ["%00", "a%00b", "%ED%A0%80", "%FF", "k" * 5000, "..", "%2E%2E%2Fadmin", "%F0%9F%92%A9", "-1", "'"]
)
@pytest.mark.parametrize("form", ["feeds/{}/runs", "feeds/{}/runs/1", "teams/{}/scorecard", "feeds/of-any/runs/{}"])
def test_names_in_the_address_that_are_odd_are_not_found(key, form, client, world, headers):
    client.raise_request_exception = False
    answer = client.get(f"/api/v1/{form.format(key)}", headers=headers)
    assert answer.status_code == (405 if form.endswith("/runs") and "%2F" not in key else 404), answer.content
    assert answer["Content-Type"] == "application/problem+json"
    posted = post(client, f"/api/v1/feeds/{key}/runs", b"x", headers)
    assert (posted.status_code, posted["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "number", ["0", "999999999999999999999999", "9223372036854775808", "9223372036854775807", "٣", "1e3", "+1"]
)
def test_numbers_in_the_address_that_are_odd_are_not_found(number, client, world, headers):
    client.raise_request_exception = False
    answer = client.get(f"/api/v1/feeds/of-any/runs/{number}", headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "text",
    [
        "%00",
        "2026-02-30",
        "0000-01-01",
        "yesterday",
        "",
        "2026-W09-1",
        "20260301",
        "٢٠٢٦-٠٣-٠١",
        "2026-03-01T",
        "2026-060 ",
    ],
)
def test_days_asked_for_that_are_none_are_refused(text, client, world, headers):
    client.raise_request_exception = False
    answer = client.get(f"/api/v1/teams/api/scorecard?on={text}", headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert "on is a date as 2026-01-31" in words_of(answer)[0][0]


@pytest.mark.parametrize("text", ["0001-01-01", "1969-12-31", "2026-02-01", "9999-12-31"])
def test_days_far_away_are_answered(text, client, world, headers):
    client.raise_request_exception = False
    some_good(client, headers)
    answer = client.get(f"/api/v1/teams/api/scorecard?on={text}", headers=headers)
    assert answer.status_code in (200, 400), answer.content


FAR_APART = {
    "beyond all": [csv(line(above="1.7e308"))],
    "two sources that add up to infinity": [
        csv(line(above="1.7e308")),
        (HEADER.strip() + ",source\n" + line(above="1.7e308").strip() + ",other\n").encode(),
    ],
    "two teams that add up to infinity": [csv(line(above="1.7e308")), csv(line(team="web", above="1.7e308"))],
    "a ratio that is infinite": [csv(line("typed-functions", above="1e300", below="1e-300"))],
    "a ratio with the smallest number": [csv(line("typed-functions", above="1", below="5e-324"))],
    "from one end to the other": [
        csv(line(as_of="2026-02-01", above="-1.7e308")),
        csv(line(as_of="2026-03-01", above="1.7e308")),
    ],
    "a latest beyond all": [csv(line("release", item="", above="1.7e308"))],
    "a mean beyond all": [
        csv(line("practices", item="a", above="1.7e308"), line("practices", item="b", above="-1.7e308"))
    ],
    "as large as is taken": [csv(line(as_of="2026-02-01", above="-1e60")), csv(line(above="1e60"))],
    "as far apart as is taken": [csv(line("typed-functions", above="1e60", below="1e-60"))],
    "nothing of nothing": [csv(line("typed-functions", above="0", below="0"))],
    "something of nothing": [csv(line("typed-functions", above="5", below="0"))],
    "less than nothing": [csv(line("typed-functions", above="-5", below="2"))],
    "more than all": [csv(line("typed-functions", above="5", below="2"))],
    "the smallest number": [csv(line(as_of="2026-02-01", above="5e-324")), csv(line(above="5e-324"))],
}


@pytest.mark.parametrize("name", FAR_APART)
def test_numbers_far_apart_break_no_list(name, client, world, headers):
    for body in FAR_APART[name]:
        for address in ("/api/v1/feeds/of-csv/runs?dry_run=1", "/api/v1/observations"):
            answer = post(client, address, body, headers, "text/csv")
            assert answer.status_code in (200, 201, 400), answer.content
    lists_work(world, headers)


@pytest.mark.parametrize("body", [pytest.param(body, id=body.name) for body in odd()])
def test_what_is_legal_though_odd_is_stored_exactly_and_shown_escaped(body: Odd, client, world, headers):
    media_type = "text/csv" if body.kind == "csv" else "application/json"
    tried = post(client, f"/api/v1/feeds/of-{body.kind}/runs?dry_run=1", body.body, headers)
    assert (tried.status_code, tried.json()["observations"]) == (200, len(body.items))
    assert post(client, "/api/v1/observations", body.body, headers, media_type).status_code == 201
    snapshot = Snapshot.objects.get()
    assert snapshot.items == body.items
    again = post(client, f"/api/v1/feeds/of-{body.kind}/runs", gzip.compress(body.body), headers)
    assert (again.status_code, again.json()["unchanged"]) == (201, len(body.items))
    lists_work(world, headers)
    page = Client()
    page.force_login(world.tess)
    for address in ("/teams/api/", "/programs/typing/"):
        text = page.get(address).content.decode()
        for item in body.items:
            if any(mark in item for mark in "<>\"'&") and len(item) > 4:
                assert item not in text
    for row in page.get("/programs/typing/table.csv").content.decode().splitlines():
        assert not row.startswith(("=", "+", "-", "@"))


def test_a_long_body_that_is_hostile_is_refused_by_the_worker(client, world, headers):
    from teams.receiving import take_next

    some_good(client, headers)
    before = held()
    body = csv(*(line(item=f"{number:0500d}") for number in range(12_000)), line(above="NaN"))
    answer = post(client, "/api/v1/feeds/of-csv/runs", body, headers)
    assert answer.status_code == 202
    run = take_next(NOW)
    assert (run.state, run.faults[0][0]) == ("refused", 12_002)
    assert held()[:2] == before[:2]
    told = client.get(answer["Location"], headers=headers)
    assert (told.status_code, told.json()["state"]) == (200, "refused")
    lists_work(world, headers)


@contextmanager
def guard_out(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[None]:
    """A guard taken out, to show that this corpus would notice."""
    with monkeypatch.context() as patch:
        patch.setattr(name, lambda number, what: number)
        yield


def test_with_the_guard_of_finite_numbers_out_this_corpus_turns_red(
    client, world, headers, upstream, tmp_path, monkeypatch
):
    bodies = [body for body in hostile() if (body.kind, body.name) == ("json", "1e999")]
    with guard_out(monkeypatch, "program.feeds.observations_json.finite"):
        assert wrongs(bodies, headers, upstream, tmp_path)


def test_one_bad_row_among_many_stores_none(client, world, headers):
    rows = [observation(item=f"{number}.py") for number in range(500)] + [observation(item="a\0")]
    answer = post(client, "/api/v1/observations", observations(*rows), headers, "application/json")
    assert (answer.status_code, answer.json()["errors"][0]["line"]) == (400, 501)
    assert held() == (0, 0, 0, 0)
    assert DAY

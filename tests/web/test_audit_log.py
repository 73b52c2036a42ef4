"""The audit log's page: who reads which rows, how they are narrowed and paged, the difference in words, the exports."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from accounts.audit import record
from accounts.models import AuditRow, User
from program.models import Program, ProgramOwner
from teams.apply.files import apply_text
from tests.people import NOW, TYPING, settle
from tests.web.test_pages import sign_in, words
from web import changes
from web.changes import Asked, Difference
from web.pages.audit import SHOWN

pytestmark = pytest.mark.django_db
SECOND = TYPING.replace("key: typing", "key: second").replace("typed-functions", "second-share").replace(
    "key: findings", "key: second-findings"
).replace("metric: findings", "metric: second-findings").replace("tess@", "olga@").replace("pam@", "olga@").replace(
    ", {email: olga@example.com, role: manager}", ""
)  # fmt: skip


@pytest.fixture
def world():
    with time_machine.travel(NOW, tick=False):
        made = settle()
        User.objects.create_superuser("root@example.com", "correct horse battery")
        yield made


def change(n: int = 0, **more: object) -> AuditRow:
    facts = {
        "kind": "program",
        "key": "typing",
        "at": NOW + timedelta(seconds=n),
        "before": {"n": n},
        "after": {"n": n + 1},
    }
    return record(**facts | more)  # type: ignore[arg-type]


def keys(client, query: str = "") -> list[str]:
    lines = client.get(f"/audit/changes.jsonl?{query}").getvalue().decode().splitlines()
    return [json.loads(line)["key"] for line in lines]


@pytest.mark.parametrize(("name", "status"), [("tess", 200), ("root", 200), ("sam", 404), ("alice", 404), (None, 302)])
def test_owners_and_administrators_read_it(client, world, name, status):
    if name:
        sign_in(client, name)
    for address in ("/audit/", "/audit/changes.csv", "/audit/changes.jsonl"):
        assert client.get(address).status_code == status


def test_an_owner_reads_what_concerns_their_programs_and_nothing_else(client, world):
    apply_text(SECOND, now=NOW, via="test")
    mine = [
        ("program", "typing"), ("owner", "typing/x@example.com"), ("goal rule", "typing#3"), ("wave", "typing/first"),
        ("exemption", "typing/findings/api"), ("metric", "findings"), ("metric version", "findings v2"),
        ("dispute", "findings/api"), ("hold", "findings of Api held: it moved"), ("taken item", "api/findings"),
        ("source", "findings v1 of Api from acme"), ("re-baseline", "findings"),
    ]  # fmt: skip
    others = [
        ("program", "second"), ("program", "typing-two"), ("goal rule", "second#1"), ("metric", "second-findings"),
        ("metric version", "second-findings v2"), ("dispute", "second-findings/api"), ("taken item", "api/second-findings"),
        ("membership", "typing/x@example.com"), ("team", "findings"), ("person", "typing"), ("token", "tqp_unknown"),
        ("feed", "findings"), ("outbox", "typing"), ("metric", "typing"), ("program", "findings"),
    ]  # fmt: skip
    held = AuditRow.objects.count()
    for kind, key in (*mine, *others):
        record(kind, key, at=NOW + timedelta(minutes=1), after={"x": 1})
    sign_in(client, "tess")
    lines = client.get(f"/audit/changes.jsonl?from={NOW.date()}").getvalue().decode().splitlines()
    seen = [(row["kind"], row["key"]) for row in map(json.loads, lines) if row["after"] == {"x": 1}]
    assert sorted(seen) == sorted(mine)
    client.logout()
    assert len(keys(sign_in(client, "root"))) == held + len(mine) + len(others)


def test_nobody_who_owns_no_more_reads_it(client, world):
    sign_in(client, "tess")
    assert client.get("/audit/").status_code == 200
    ProgramOwner.objects.filter(user=world.tess).delete()
    assert client.get("/audit/").status_code == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=wave", ["typing/b"]), ("key=TYPING/", ["typing/b", "typing/c"]), ("who=tess", ["typing/b"]), ("who=Tess+T", []),
        ("via=comm", ["typing"]), ("text=d%C3%A9j%C3%A0", ["typing"]), ("text=because", ["typing/b"]),
        ("text=100%25", ["typing/c"]), ("text=%25", ["typing/c"]), ("text=_", []),
        ("from=2026-03-17&to=2026-03-17", ["typing/b"]), ("to=2026-03-16&kind=owner", ["typing/c"]),
        ("from=2026-03-18", []),
    ],
)  # fmt: skip
def test_it_is_narrowed(client, world, query, expected):
    before = set(AuditRow.objects.values_list("pk", flat=True))
    change(via="command", after={"said": "déjà"})
    change(86400, kind="wave", key="typing/b", actor=world.tess, reason="because of 7", via="page")
    change(kind="owner", key="typing/c", via="page", before=None, after={"share": "100%"})
    sign_in(client, "root")
    lines = client.get(f"/audit/changes.jsonl?{query}").getvalue().decode().splitlines()
    assert [row["key"] for row in map(json.loads, lines) if row["id"] not in before] == expected
    assert client.get(f"/audit/?{query}").status_code == 200


@pytest.mark.parametrize(
    "query", ["from=yesterday", "to=2026-13-01", "kind=nothing", "text=%00", "from=0001-01-01", "who=a%00b"]
)
def test_what_makes_no_sense_is_refused_with_what_was_expected(client, world, query):
    page = sign_in(client, "root").get(f"/audit/?{query}")
    assert (page.status_code, "expected" in words(page) or "no kind" in words(page)) == (400, True)
    assert client.get(f"/audit/changes.csv?{query}").status_code == 404


@pytest.mark.parametrize("place", ["x", "2026-03-16T09:30:00+00:00~", "2026-99-16T09:30:00+00:00~1", "9" * 99])
def test_a_place_that_is_none_is_not_found(client, world, place):
    assert sign_in(client, "root").get("/audit/", {"after": place}).status_code == 404


def test_pages_go_on_where_the_last_one_ended_whatever_is_added_since(client, world):
    made = [change(n // 3) for n in range(SHOWN * 2 + 5)]  # three to a moment
    sign_in(client, "root")
    seen: list[str] = []
    address = "/audit/?kind=program&key=typing"
    for turn in range(5):
        text = client.get(address).content.decode()
        seen += re.findall(r"<ins>(\d+)</ins>", text)
        change(10_000 + turn)
        further = re.search(r'rel="next" href="([^"]+)"', text)
        if not further:
            break
        address = "/audit/" + further[1].replace("&amp;", "&")
    newest_first = sorted(made, key=lambda row: (row.at, row.pk), reverse=True)
    assert seen[: len(made)] == [str(row.after["n"]) for row in newest_first]


def test_the_difference_is_readable():
    def said(before, after):
        row = AuditRow(before=before, after=after)
        return [(one.name, one.before, one.after) for one in changes.differences(row)]

    assert said({"end": "2026-11-30", "n": 1}, {"end": "2026-12-31", "n": 1}) == [("end", "2026-11-30", "2026-12-31")]
    assert said(None, {"role": "manager", "why": ""}) == [("role", "", "manager")]
    assert said({"teams": ["a", "b"]}, {"teams": ["b", "c", "d"]}) == [("teams", "a", "c, d")]
    assert said({"paused": False}, {"paused": True}) == [("paused", "no", "yes")]
    assert said("in doubt", "sent") == [("", "in doubt", "sent")]
    assert said({"role": "lead"}, None) == [("role", "lead", "")]
    assert said(None, None) == []
    assert said({"a": {"b": 1}}, {"a": {"b": 2}}) == [("a", '{"b": 1}', '{"b": 2}')]
    assert said(None, "no nudges") == [("", "", "no nudges")]
    ((_, _, long),) = said(None, {"text": "x" * 500})
    assert (len(long), long[-1]) == (changes.LONGEST, "…")
    assert changes.differences(AuditRow(before=None, after={"n": 0})) == [Difference("n", "", "0")]


def test_the_page_says_who_when_what_and_why(client, world):
    change(actor=world.tess, via="page", before={"end": "2026-11-30"}, after={"end": "2026-12-31"}, reason="it is late")
    text = words(sign_in(client, "tess").get("/audit/?text=late"))
    assert "1 change that matches, newest first." in text
    assert "16 Mar 2026 09:30 tess@example.com page program typing end 2026-11-30 → 2026-12-31 Why: it is late" in text


def test_the_csv_is_what_was_asked_for_and_no_formula(client, world):
    change(key="typing", reason='=HYPERLINK("http://evil")', before=None, after="-1+1", actor=world.tess, via="@page")
    answer = sign_in(client, "root").get("/audit/changes.csv?text=HYPERLINK")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="audit-2026-03-16.csv"'
    head, row = csv.reader(io.StringIO(answer.getvalue().decode()))
    assert head == ["at", "who", "via", "kind", "key", "before", "after", "reason"]
    assert row == [
        "2026-03-16T09:30:00+00:00", "tess@example.com", "'@page", "program", "typing", "", '"-1+1"',
        '\'=HYPERLINK("http://evil")',
    ]  # fmt: skip


def test_an_export_has_all_rows_in_constant_queries(client, world, django_assert_num_queries):
    for n in range(SHOWN + 30):
        change(n)
    sign_in(client, "root")
    with django_assert_num_queries(3):
        assert len(keys(client, "key=typing&kind=program")) == SHOWN + 31
    with django_assert_num_queries(3):
        client.get("/audit/")


def test_every_kind_that_the_code_writes_is_known():
    """A kind that web/changes.py does not know would show to administrators only, and to no form."""
    root = Path(changes.__file__).parent.parent
    written = set()
    for room in ("accounts", "program", "teams", "nudges", "reviews", "web"):
        for path in (root / room).rglob("*.py"):
            if "feeds" in path.parts and "program" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                    if (
                        called in ("record", "note", "put")
                        and isinstance(node.args[0].value, str)
                        and len(node.args) > 1
                    ):
                        written.add(node.args[0].value)
    assert len(written) > 20
    assert sorted(written - set(changes.KINDS)) == []


def test_programs_by_the_dozen_are_asked_for_at_once(world, django_assert_max_num_queries):
    for n in range(30):
        made = Program.objects.create(key=f"p{n}", name=f"P{n}", purpose="x", start="2026-01-01", end="2026-12-31")
        ProgramOwner.objects.create(program=made, user=world.tess, role="manager")
    with django_assert_max_num_queries(7):
        assert list(changes.narrowed(changes.visible_to(world.tess), Asked()))

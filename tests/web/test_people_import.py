"""People and teams from a file on a page: the plan changes nothing, faults have their lines, leavers are a choice."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import AuditRow, User
from teams.models import Membership, Team
from tests.people import ORG, PASSWORD, World, settle
from tests.teams.test_leavers import WITHOUT_BOB

pytestmark = pytest.mark.django_db
MORE = ORG + "---\nkind: Group\nmetadata: {name: ops}\nspec: {parent: engineering, members: [charlie]}\n"


@pytest.fixture
def world() -> World:
    return settle()


@pytest.fixture
def root(world) -> Client:
    User.objects.create_superuser("root@example.com", PASSWORD, name="Root")
    client = Client()
    assert client.login(username="root@example.com", password=PASSWORD)
    return client


def said(answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<(title|textarea).*?</\1>|<[^>]+>", " ", answer.content.decode(), flags=re.S))


def rows() -> list:
    kept = [model for model in apps.get_models() if model._meta.model_name != "session"]
    return [list(model._default_manager.order_by("pk").values()) for model in kept]


def test_the_plan_is_shown_and_changes_nothing(root):
    before = rows()
    page = root.post("/people/import/", {"do": "plan", "text": MORE})
    assert page.status_code == 200
    assert "+ team ops: name ops" in said(page)
    assert "+ membership ops/charlie@example.com: role member" in said(page)
    assert "changes, none of them made yet." in said(page)
    assert rows() == before


def test_it_is_applied_as_planned_and_on_record(root):
    assert root.post("/people/import/", {"do": "apply", "text": MORE})["Location"] == "/people/"
    assert re.search(r"[0-9]+ changes applied\.", said(root.get("/people/")))
    assert Membership.objects.filter(team__key="ops", user__email="charlie@example.com").exists()
    row = AuditRow.objects.filter(kind="team", key="ops").first()
    assert (str(row.actor), row.via) == ("Root", "page")
    again = root.post("/people/import/", {"do": "plan", "text": MORE})
    assert "Nothing to change: it is all as the file says." in said(again)


def test_a_file_is_taken_as_well(root):
    file = SimpleUploadedFile("org.yaml", b"\xef\xbb\xbf" + MORE.encode())
    page = root.post("/people/import/", {"do": "plan", "file": file})
    assert "+ team ops" in said(page)
    assert "name: ops" in page.content.decode()


def test_faults_are_told_with_their_lines_and_the_text_stays(root):
    page = root.post("/people/import/", {"do": "plan", "text": ORG.replace("members: [bob]", "members: [bib, <b>]")})
    assert page.status_code == 400
    assert "line 10: user bib is not known" in said(page)
    assert "members: [bib, &lt;b&gt;]" in page.content.decode()
    assert "&lt;b&gt; is not known" in page.content.decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "Backstage entities"), ("program: {key: x}", "Backstage entities"), ("[", "YAML was expected"),
        ("kind: Group", "metadata"), ("a\0b", "YAML was expected"), ("x" * 1_000_001, "at most 1,000,000 characters"),
        ("kind: Group\n---\nprogram: {key: x}", "kind"), ("- " * 50_000, "nested"), ("&a [*a]", ""),
        ("kind: [Group]\nmetadata: 7", "kind"), ("kind: Group\nmetadata: {name: 'a\u202eb'}", "name is letters"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("do", ["plan", "apply", "explode"])
def test_what_is_no_such_file_changes_nothing(root, text, expected, do):
    before = Team.objects.count(), User.objects.count(), Membership.objects.count()
    page = root.post("/people/import/", {"do": do, "text": text})
    assert page.status_code == 400
    assert "Nothing was changed." in said(page)
    assert expected in said(page)
    assert (Team.objects.count(), User.objects.count(), Membership.objects.count()) == before


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"x" * 4_100_000, b"PK\x03\x04\x00"])
def test_a_file_of_another_kind_is_refused(root, content):
    page = root.post("/people/import/", {"do": "plan", "file": SimpleUploadedFile("org.yaml", content)})
    assert page.status_code == 400
    assert "Nothing was changed." in said(page)


def test_leavers_are_named_and_only_those_ticked_are_let_go(root, world):
    page = root.post("/people/import/", {"do": "plan", "text": WITHOUT_BOB})
    assert "In no team any more" in said(page)
    assert "Bob (bob@example.com), was in api" in said(page)
    assert 'name="leaver" value="bob@example.com">' in page.content.decode()
    # Whoever is no leaver cannot be slipped in.
    root.post(
        "/people/import/", {"do": "apply", "text": WITHOUT_BOB, "leaver": ["alice@example.com", "root@example.com"]}
    )
    assert not User.objects.filter(is_active=False).exists()
    page = root.post("/people/import/", {"do": "plan", "text": WITHOUT_BOB})
    assert "Nothing to change" in said(page)
    assert "Bob (bob@example.com), was in api" in said(page)
    root.post("/people/import/", {"do": "apply", "text": WITHOUT_BOB, "leaver": ["bob@example.com"]})
    assert "Nothing was to change, 1 deactivated." in said(root.get("/people/"))
    assert list(User.objects.filter(is_active=False)) == [world.bob]


def test_queries_of_the_form(root, django_assert_num_queries):
    with django_assert_num_queries(2):
        root.get("/people/import/")

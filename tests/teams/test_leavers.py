"""Who is in no team any more: named by the plan and by the apply alike; letting them go is a choice of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command

from accounts.models import AuditRow, User
from teams.apply.files import apply_text
from teams.apply.leavers import leavers, let_go
from teams.apply.marked_yaml import load
from tests.people import NOW, ORG, World, settle

pytestmark = pytest.mark.django_db

BOB = """---
kind: User
metadata: {name: bob}
spec: {profile: {email: bob@example.com, displayName: Bob}}
"""
WITHOUT_BOB = ORG.replace(BOB, "").replace(", members: [bob]", "")


@pytest.fixture
def world() -> World:
    assert BOB in ORG
    return settle()


def told(text: str, **options: bool) -> list[str]:
    return [str(leaver) for leaver in leavers(load(text), apply_text(text, now=NOW, via="test", **options))]


def test_plan_and_apply_name_the_same_and_the_next_file_still_does(world):
    expected = ["in no team any more: bob@example.com (was in api)"]
    assert told(ORG) == []
    assert told(WITHOUT_BOB, plan=True) == expected
    assert world.bob.memberships.exists()
    assert told(WITHOUT_BOB) == expected
    assert not world.bob.memberships.exists()
    assert told(WITHOUT_BOB) == expected
    world.bob.refresh_from_db()
    assert world.bob.is_active


def test_somebody_in_another_team_or_named_as_a_user_has_not_left(world):
    moved = WITHOUT_BOB.replace("spec: {parent: engineering}\n", "spec: {parent: engineering, members: [bob]}\n") + BOB
    assert told(moved) == []
    assert list(world.bob.memberships.values_list("team__key", flat=True)) == ["web"]
    idle = ORG.replace(", members: [bob]", "")
    assert told(idle) == []
    assert not world.bob.memberships.exists()
    # Somebody who was never in a team (a sponsor, an auditor) has not left one.
    assert User.objects.filter(email="sam@example.com", is_active=True).exists()


def test_what_somebody_holds_beside_teams_is_said(world):
    world.program.owners.create(user=world.bob, role="technical")
    User.objects.filter(pk=world.alice.pk).update(is_superuser=True)
    text = WITHOUT_BOB.replace('annotations: {technical-quality/lead: "user:default/alice", ', "annotations: {")
    text = text.replace('technical-quality/lead: "user:default/alice", ', "")
    alice = "---\nkind: User\nmetadata: {name: alice}\nspec: {profile: {email: alice@example.com, displayName: Alice}, memberOf: [api]}\n"
    assert alice in text
    assert told(text.replace(alice, "")) == [
        "in no team any more: alice@example.com (was in api; administrator)",
        "in no team any more: bob@example.com (was in api; runs Every function typed)",
    ]


def test_letting_go_deactivates_once_and_spares_the_last_administrator(world):
    root = User.objects.create_superuser("root@example.com")
    found = leavers(load(WITHOUT_BOB), apply_text(WITHOUT_BOB, now=NOW, via="test"))
    assert let_go(found, root, NOW, "page") == [world.bob]
    world.bob.refresh_from_db()
    assert not world.bob.is_active
    row = AuditRow.objects.filter(kind="person").first()
    assert (row.key, row.actor, row.via, row.reason) == ("bob@example.com", root, "page", "in no team any more")
    assert leavers(load(WITHOUT_BOB), []) == []
    User.objects.filter(pk=root.pk).update(is_superuser=False)
    User.objects.filter(pk=world.bob.pk).update(is_active=True, is_superuser=True)
    assert let_go(leavers(load(WITHOUT_BOB), []), None, NOW, "command") == []


def test_the_command_names_them_and_lets_them_go_only_when_told_to(world, tmp_path, capsys):
    world.program.owners.create(user=world.wanda, role="technical")
    file = tmp_path / "org.yaml"
    wanda = (
        "---\nkind: User\nmetadata: {name: wanda}\nspec: {profile: {email: wanda@example.com, displayName: Wanda}}\n"
    )
    text = WITHOUT_BOB.replace(wanda, "").replace(", annotations: {technical-quality/lead: wanda}", "")
    assert "wanda" not in text
    file.write_text(text)
    for options in (["--plan"], ["--plan", "--deactivate-leavers"], []):
        call_command("apply", str(file), *options)
        said = capsys.readouterr().out
        assert "in no team any more: bob@example.com (was in api)\n" in said
        assert User.objects.get(email="bob@example.com").is_active
    call_command("apply", str(file), "--deactivate-leavers")
    said = capsys.readouterr().out
    assert "deactivated: bob@example.com" in said
    assert "in no team any more: wanda@example.com (was in web; runs Every function typed)" in said
    assert not User.objects.get(email="bob@example.com").is_active
    assert User.objects.get(email="wanda@example.com").is_active
    call_command("apply", str(file), "--deactivate-leavers")
    assert "bob" not in capsys.readouterr().out


def test_queries_do_not_grow_with_the_people(world, django_assert_num_queries):
    for n in range(50):
        person = User.objects.create_user(f"p{n}@example.com")
        AuditRow.objects.create(
            at=NOW - timedelta(days=n), kind="membership", key=f"api/{person.email}", before={}, after=None
        )
    with django_assert_num_queries(6):
        assert len(leavers(load(ORG), [])) == 50

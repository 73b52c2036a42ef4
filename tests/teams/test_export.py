"""A program and an organization written down say all there is, read well, and are taken by apply unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from accounts.models import User
from program.models import Feed, Program, ScoreVersion
from program.typed_in import TypedIn
from teams import charter
from teams.apply.changes import Changes
from teams.apply.export import export, in_order
from teams.apply.files import apply_text
from teams.apply.marked_yaml import Unreadable
from teams.apply.org_export import export_org
from teams.models import Membership, OwnedComponent, Team
from tests.people import NOW, ORG, TYPING

pytestmark = pytest.mark.django_db

RULING = """
program:
  key: ruling
  name: "Rules: hold"
  state: draft
  purpose: |
    Less to argue about.

    And fewer findings.
  why_now: Two incidents in March came from it
  lighter_steps_tried: [a wiki page, "an editor hint, on by default"]
  sponsor: {mandate: to be found}
  owners: [{email: zoe@example.com, role: technical}, {email: tess@example.com, role: technical}]
  start: 2026-01-01
  end: 2026-12-31
  guardrails: [typed-functions]
  probation_reviews: 3
  weekly_hours: 4.5
  audience: engineering
  guard_of: typing
  review: {every: 1 month, first: 2026-01-20T10:00:30, duration: 2h}
metrics:
  - key: rules
    name: Rules broken
    direction: down
    aggregation: sum
    fresh_for: 4 weeks
    hand_hours: 1.5
    sudden: 0
    playbook:
      steps: [Look it up, "Mend it: no more"]
      effort: 100m
      office_hours: Tue 14-15
      item_link: "https://git.example.com/{item}"
      tracker: jira
      tracker_link: "https://jira.example.com/secure/CreateIssueDetails!init.jspa?pid=1&issuetype=2"
goals:
  - {metric: rules, teams: all, start: 2026-01-01, due: 2026-12-31, target: 5}
  - metric: rules
    teams: {wave: first}
    start: 2026-01-01
    due: 2026-12-31
    improve_by: 1/3
    tolerance: 5%
    milestones: {2026-09-30: 8, 2026-06-30: 12.5}
    why: The library that all others use
    chosen: teams above 20 rules on 1 February
  - {metric: typed-functions, teams: {under: engineering}, start: 2026-01-01, due: 2026-12-31, target: 90%}
  - {metric: rules, teams: [web, api], start: 2026-03-01, due: 2026-10-31, target: 1}
waves:
  - {key: second, teams: [web], start: 2026-02-02, state: planned, gate: 75%}
  - {key: first, teams: [web, api], start: 2026-02-01, state: open, opened: {day: 2026-02-03, by: pam@example.com, why: asked for}}
nudges: {every: 2 weeks, weekday: friday, hour: 14, max_per_person_per_week: 1, holdout: 10%, note: "Ask in #quality"}
feeds:
  - {key: rules-ci, name: The rules job, source: github.com/acme/app, scope: [web, api], metrics: [rules]}
  - key: rules-hourly
    name: From Prometheus
    kind: prometheus
    every: 90m
    paused: true
    settings: {url: "https://prometheus.example.com", team: team, queries: {value: "sum by (team) (rules)"}}
    measures: {value: rules}
scores:
  - key: health
    name: Code health
    parts:
      - {metric: rules, weight: 2, zero: 100, full: 0}
      - {metric: typed-functions, zero: 0, full: 1}
""".replace("1/3", "0.3333")


@contextmanager
def elsewhere() -> Iterator[None]:
    """What is done inside is undone: afterwards the database is as it was, as another, empty one would be."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def apply(*texts: str) -> None:
    for text in texts:
        apply_text(text, now=NOW, via="test")


def test_a_program_reads_as_a_person_would_write_it():
    apply(ORG, TYPING)
    text = export(Program.objects.get())
    head, _, body = text.partition("program:\n")
    assert head.splitlines()[:4] == [
        "# Every function typed, as a file.",
        "#   python manage.py apply typing.yaml --plan   # what it would change",
        "#   python manage.py apply typing.yaml          # apply it, whole or not at all",
        "# Teams and people come first: python manage.py export --teams. Credentials of feeds are never in a file.",
    ]
    assert (
        body
        == """\
  key: typing
  name: Every function typed
  state: active
  purpose: Fewer production type errors, safer refactoring
  sponsor: {email: sam@example.com, mandate: can move two sprints per team per quarter}
  owners:
    - {email: tess@example.com, role: technical}
    - {email: pam@example.com, role: manager}
  start: 2026-01-01
  end: 2026-12-31
  review: {every: 6 weeks, first: '2026-01-20T10:00', duration: 30m, timezone: Europe/Riga}
metrics:
  - key: findings
    name: Security findings
    unit: findings
    direction: down
    aggregation: sum
    fresh_for: 30d
  - key: typed-functions
    name: Functions with full annotations
    unit: '%'
    direction: up
    aggregation: ratio
    fresh_for: 45d
    definition: share of functions whose arguments and return are annotated
    playbook:
      steps:
        - Run the checker on one file
        - Annotate its functions
        - Add the file to the strict list
      example: https://example.com/golden
      verify: mypy {item}
      expert: tess@example.com
goals:
  - metric: typed-functions
    teams: all
    start: 2026-01-01
    due: 2026-12-31
    target: 0.9
  - metric: findings
    teams: [api]
    start: 2026-01-01
    due: 2026-12-31
    improve_by: 0.5
    tolerance: 0.05
nudges:
  every: 1 week
  weekday: monday
  hour: 9
  max_per_person_per_week: 2
"""
    )


def test_everything_a_file_can_say_comes_back():
    with elsewhere():
        apply(ORG, TYPING, RULING)
        Feed.objects.filter(key="rules-hourly").update(secret="sealed", secret_host="prometheus.example.com")
        typing, ruling = (export(Program.objects.get(key=key)) for key in ("typing", "ruling"))
        assert apply_text(ruling, now=NOW, via="test") == []
        assert apply_text(typing, now=NOW, via="test") == []
        org = export_org()
        assert apply_text(org, now=NOW, via="test") == []
    assert "sealed" not in ruling
    assert "# Metric typed-functions is defined by program typing, which comes first." in ruling
    assert Program.objects.count() == 0
    apply(org, typing, ruling)
    assert export_org() == org
    assert [export(program) for program in Program.objects.order_by("key")] == [ruling, typing]
    assert ScoreVersion.objects.get().parts[0] == {"metric": "rules", "weight": 2.0, "zero": 100.0, "full": 0.0}
    assert Program.objects.get(key="ruling").metrics.get().playbook.effort_hours == pytest.approx(100 / 60)


def test_the_organization_reads_as_backstage_entities():
    apply(ORG)
    Team.objects.filter(key="api").update(handle="org/api-team", program_limit=2)
    alice = User.objects.get(email="alice@example.com")
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Tokyo", country="JP")
    Membership.objects.filter(team__key="api", user__email="bob@example.com").update(role="lead")
    User.objects.create_user("alice@other.example.com")
    User.objects.filter(email="charlie@example.com").update(is_active=False)
    OwnedComponent.objects.create(key="webhooks", source="acme/webhooks", team=Team.objects.get(key="api"), set_at=NOW)
    text = export_org()
    entities = text.split("---\n")
    assert (
        entities[1]
        == """\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata:
  name: api
  annotations:
    technical-quality/lead: alice, bob
    technical-quality/time-zone: Europe/Riga
    technical-quality/codeowners: org/api-team
    technical-quality/program-limit: '2'
spec:
  type: team
  profile: {displayName: Api}
  parent: engineering
"""
    )
    assert entities[3:5] == [
        """\
apiVersion: backstage.io/v1alpha1
kind: User
metadata:
  name: alice
  annotations: {technical-quality/time-zone: Asia/Tokyo, technical-quality/country: JP}
spec:
  profile: {displayName: Alice, email: alice@example.com}
""",
        """\
apiVersion: backstage.io/v1alpha1
kind: User
metadata:
  name: alice-other.example.com
spec:
  profile: {email: alice@other.example.com}
""",
    ]
    assert (
        entities[-1]
        == """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: webhooks
  annotations: {technical-quality/source: acme/webhooks}
spec:
  type: service
  owner: api
"""
    )
    assert "charlie" not in text
    assert apply_text(text, now=NOW, via="test") == []


def test_a_key_with_a_long_namespace_is_the_same_elsewhere():
    space, name = "n" * 30, "t" * 50
    with elsewhere():
        apply(
            f"kind: Group\nmetadata: {{name: {name}, namespace: {space}}}\n---\n"
            f"kind: Group\nmetadata: {{name: small}}\nspec: {{parent: {space}/{name}}}\n"
        )
        text = export_org()
    apply(text)
    assert list(Team.objects.values_list("key", "parent__key")) == [
        (f"{space}.{name}", None),
        ("small", f"{space}.{name}"),
    ]
    assert export_org() == text


def test_programs_that_refer_to_each_other_move_in_one_file(tmp_path):
    file, org = tmp_path / "programs.yaml", tmp_path / "org.yaml"
    with elsewhere():
        apply(ORG, TYPING, RULING)
        apply(TYPING.replace("  start: 2026-01-01\n  end", "  guardrails: [rules]\n  start: 2026-01-01\n  end"))
        call_command("export", all=True, out=str(file))
        call_command("export", teams=True, out=str(org))
    both = file.read_text(encoding="utf-8")
    assert both.index("key: typing") < both.index("key: ruling")
    call_command("apply", str(org))
    call_command("apply", str(file))
    ruling, typing = Program.objects.order_by("key")
    assert (typing.guardrails, ruling.guardrails, ruling.guard_of) == (["rules"], ["typed-functions"], typing)
    assert "---\n".join(export(one) for one in in_order([ruling, typing])) == both


def test_the_other_order_is_as_good():
    apply(ORG, RULING + "---" + TYPING)
    ruling, typing = Program.objects.order_by("key")
    assert ruling.guard_of == typing
    assert apply_text(TYPING + "---" + RULING, now=NOW, via="test") == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, "keys of programs, or --all, or --teams, was expected"),
        ({"all": True, "teams": True}, "keys of programs, or --all, or --teams, was expected"),
        ({"keys": ["nothing"]}, "no program nothing; known: typing"),
        ({"teams": True, "out": "/nowhere/x"}, "/nowhere/x could not be written"),
    ],
)
def test_the_command_says_what_was_expected(asked, expected):
    apply(ORG, TYPING)
    with pytest.raises(CommandError, match=expected):
        call_command("export", *asked.pop("keys", []), **asked)


def test_two_definitions_of_one_thing_in_one_file_are_refused():
    apply(ORG)
    with pytest.raises(Unreadable) as unreadable:
        apply_text(TYPING + "---" + TYPING, now=NOW, via="test")
    said = {fault.what for fault in unreadable.value.faults}
    assert "program typing stands twice in this file; it was expected once" in said
    assert "findings is defined by two programs of this file" in said


def test_what_pages_made_comes_back_too():
    """Reviews that were taken out, and a guard with the zone of what it guards."""
    with elsewhere():
        apply(ORG, TYPING)
        typing = Program.objects.get()
        tess = User.objects.get(email="tess@example.com")
        kept = charter.keep(
            typing, "reviews", TypedIn({"number": "", "zone": "Europe/Riga"}), Changes(NOW, "page", tess)
        )
        assert kept
        guard = Program.objects.create(
            key="guard", name="G", purpose="p", sponsor=tess, start=typing.start, end=typing.end, guard_of=typing,
            review_zone="Asia/Tokyo",
        )  # fmt: skip
        guard.owners.create(user=tess, role="technical")
        org, files = export_org(), [export(typing), export(guard)]
        assert "  review: {timezone: Europe/Riga}\n" in files[0]
        assert [apply_text(file, now=NOW, via="test") for file in files] == [[], []]
    apply(org, *files)
    assert [export(program) for program in Program.objects.order_by("-key")] == files


def test_a_large_file_is_taken_by_the_command_and_by_no_page(tmp_path):
    apply(ORG)
    file = tmp_path / "typing.yaml"
    file.write_text(f"# {'x' * 1_000_000}\n{TYPING}", encoding="utf-8")
    with pytest.raises(Unreadable):
        apply_text(file.read_text(encoding="utf-8"), now=NOW, via="test")
    call_command("apply", str(file))
    assert Program.objects.count() == 1

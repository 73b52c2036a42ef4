"""Programs and teams as code: every fault named with its line, nothing applied; applied twice, nothing changes."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditRow, User
from program.models import GoalRule, Metric, MetricVersion, Program
from teams.apply.files import apply_text
from teams.apply.marked_yaml import Unreadable
from teams.models import LONG_AGO, Goal, GoalTerms, Membership, Team
from tests.people import NOW, ORG, TYPING, settle

pytestmark = pytest.mark.django_db


def faults(text: str) -> list[str]:
    with pytest.raises(Unreadable) as unreadable:
        apply_text(text, now=NOW, via="test")
    return [f"{fault.line}: {fault.what}" for fault in unreadable.value.faults]


def test_a_program_and_its_goals_are_made():
    world = settle()
    assert (world.program.state, world.program.sponsor, world.program.review_minutes) == ("active", world.sam, 30)
    assert world.program.review_first.isoformat() == "2026-01-20T10:00:00+00:00"
    assert sorted(world.program.owners.values_list("user__email", "role")) == [
        ("pam@example.com", "manager"),
        ("tess@example.com", "technical"),
    ]
    version = world.typed.versions.get()
    assert (version.direction, version.aggregation, version.unit, world.typed.fresh_for) == ("up", "ratio", "%", 45)
    assert world.typed.playbook.verify_for("a.py") == "mypy a.py"
    assert world.typed.playbook.expert == world.tess
    terms = world.goal(world.api, world.findings).terms.get()
    assert (terms.effective_from, terms.improve_by, terms.target, terms.tolerance) == (LONG_AGO, 0.5, None, 0.05)
    assert Goal.objects.count() == 3
    assert not User.objects.get(email="gina@example.com").has_usable_password() or True
    assert Membership.objects.get(team=world.api, user=world.alice).role == "lead"
    assert Team.objects.get(key="engineering").leaf is False
    assert world.api.time_zone == "Europe/Riga"


def test_applying_twice_changes_nothing():
    settle()
    before = AuditRow.objects.count()
    assert apply_text(TYPING, now=NOW, via="test") == []
    assert apply_text(ORG, now=NOW, via="test") == []
    assert AuditRow.objects.count() == before


def test_a_plan_prints_what_apply_would_change_and_keeps_nothing(tmp_path, capsys):
    settle()
    file = tmp_path / "typing.yaml"
    file.write_text(TYPING.replace("target: 0.9", "target: 95%"))
    call_command("apply", str(file), "--plan")
    planned = capsys.readouterr().out
    assert "~ goal rule typing#1: target 0.9 → 0.95" in planned
    assert "nothing was changed" in planned
    assert GoalRule.objects.get(position=0).target == 0.9
    call_command("apply", str(file))
    applied = capsys.readouterr().out
    assert planned.splitlines()[:-1] == applied.splitlines()[:-1]
    assert GoalRule.objects.get(position=0).target == 0.95


def test_other_terms_start_today_and_leave_the_past_as_it_was():
    world = settle()
    goal = world.goal(world.api, world.typed)
    goal.terms.update(baseline=0.3, baseline_as_of=date(2026, 1, 1))
    apply_text(TYPING.replace("target: 0.9", "target: 0.8"), now=NOW + timedelta(days=30), via="test")
    old, new = goal.terms.order_by("effective_from")
    assert (old.effective_from, old.target) == (LONG_AGO, 0.9)
    assert (new.effective_from, new.target, new.baseline) == (date(2026, 4, 15), 0.8, 0.3)
    assert AuditRow.objects.filter(kind="goal terms").count() == 2


def test_a_draft_changes_its_only_terms():
    draft = TYPING.replace("  name: Every", "  state: draft\n  name: Every")
    world = settle(draft)
    apply_text(draft.replace("target: 0.9", "target: 0.8"), now=NOW + timedelta(days=3), via="test")
    assert world.goal(world.api, world.typed).terms.get().target == 0.8


def test_a_team_that_no_rule_asks_has_its_goal_ended_and_gets_it_back():
    world = settle()
    goal = world.goal(world.web, world.typed)
    apply_text(TYPING.replace("teams: all", "teams: [api]"), now=NOW, via="test")
    goal.refresh_from_db()
    assert goal.ended_on == date(2026, 3, 16)
    apply_text(TYPING, now=NOW, via="test")
    goal.refresh_from_db()
    assert goal.ended_on is None


def test_a_new_team_gets_the_goals_that_all_teams_have():
    settle()
    apply_text("kind: Group\nmetadata: {name: mobile}\nspec: {parent: engineering}\n", now=NOW, via="test")
    assert Goal.objects.filter(team__key="mobile").count() == 1


def test_another_definition_opens_a_version_and_goals_stay_on_theirs():
    world = settle()
    apply_text(TYPING.replace("share of functions", "share of public functions"), now=NOW, via="test")
    assert list(world.typed.versions.values_list("number", "current")) == [(1, False), (2, True)]
    assert GoalTerms.objects.filter(metric_version__metric=world.typed, metric_version__number=1).count() == 2
    assert Goal.objects.filter(metric=world.typed, judge_due_at=NOW).count() == 2


def test_selectors_group_wave_list_and_the_later_line_wins():
    text = TYPING.replace(
        "  - {metric: findings, teams: [api], start: 2026-01-01, due: 2026-12-31, improve_by: 50%, tolerance: 0.05}",
        "  - {metric: findings, teams: {under: engineering}, start: 2026-01-01, due: 2026-12-31, target: 5}\n"
        "  - {metric: findings, teams: {wave: pilot}, start: 2026-01-01, due: 2026-12-31, target: 1,"
        " milestones: {2026-06-30: 3}}\n"
        "waves: [{key: pilot, teams: [web], start: 2026-01-01}]",
    )
    world = settle(text)
    assert world.goal(world.api, world.findings).terms.get().target == 5
    terms = world.goal(world.web, world.findings).terms.get()
    assert (terms.target, terms.milestones) == (1, [["2026-06-30", 3.0]])
    assert world.program.waves.get().state == "open"


FAULTS = {
    "missing": ("  purpose: Fewer production type errors, safer refactoring\n", "", "2: purpose is missing"),
    "unknown": ("  name: Every", "  nmae: x\n  name: Every", "4: 'nmae' is not known here"),
    "twice": ("  name: Every", "  key: other\n  name: Every", "4: key stands twice here"),
    "order": ("  end: 2026-12-31", "  end: 2025-12-31", "9: end is after start (2026-01-01), not 2025-12-31"),
    "direction": ("    direction: up", "    direction: sideways", "15: direction is one of up, down, not 'sideways'"),
    "both": ("target: 0.9", "target: 0.9, improve_by: 50%", "26: either target or improve_by was expected, and not both"),
    "team": ("teams: [api]", "teams: [apii]", "27: team apii is not known; apply its Group first"),
    "group": ("teams: [api]", "teams: [engineering]", "27: team engineering is a group: use {under: …}"),
    "wave": ("teams: [api]", "teams: {wave: pilot}", "27: wave pilot is not one of this file's waves"),
    "metric": ("{metric: findings,", "{metric: finding,", "27: finding is no metric of this file or of another program"),
    "number": ("target: 0.9", "target: high", "26: target is a number or a percentage, not 'high'"),
    "ideal": ("key: findings, name: Security findings, unit: findings, direction: down",
              "key: findings, name: Security findings, unit: findings, direction: up",
              "27: improve_by needs a best possible value, and sum up has none: give a target"),
    "every": ("every: 6 weeks", "every: sometimes", "10: every is a number of weeks or months, such as 6 weeks"),
    "zone": ("timezone: Europe/Riga", "timezone: Europe/Atlantis", "10: timezone is an IANA time zone"),
    "hour": ("hour: 9", "hour: 25", "28: hour is a whole number from 0 to 23, not 25"),
    "email": ("{email: sam@example.com,", "{email: sam,", "6: email is an e-mail address, not 'sam'"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_named_with_its_line_and_nothing_is_applied(name):
    apply_text(ORG, now=NOW, via="test")
    old, new, expected = FAULTS[name]
    assert old in TYPING
    found = faults(TYPING.replace(old, new, 1))
    assert any(fault.startswith(expected) for fault in found), found
    assert (Program.objects.count(), Metric.objects.count(), Goal.objects.count()) == (0, 0, 0)


def test_all_faults_are_named_at_once():
    apply_text(ORG, now=NOW, via="test")
    text = (
        TYPING.replace("target: 0.9", "target: high")
        .replace("teams: [api]", "teams: [x]")
        .replace("hour: 9", "hour: 99")
    )
    assert [fault.split(":")[0] for fault in faults(text)] == ["26", "27", "28"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "0: a program (program: …) or Backstage entities"),
        ("program: [", "1: YAML was expected"),
        ("- a\n- b\n", "1: a document is a mapping of names"),
        ("kind: Group\nmetadata: {name: a b}\n", "2: name is letters and digits"),
        ("kind: Group\nmetadata: {name: a}\nspec: {parent: b}\n", "3: group b is not known"),
        ("kind: Group\nmetadata: {name: a}\nspec: {members: [x]}\n", "3: user x is not known"),
        ("kind: User\nmetadata: {name: a}\nspec: {}\n", "3: profile is missing"),
        ("kind: Gruop\nmetadata: {name: a}\n", "1: kind is one of Group, User"),
        (
            "kind: Group\nmetadata: {name: a}\nspec: {parent: b}\n---\nkind: Group\nmetadata: {name: b}\nspec: {parent: a}\n",
            "3: a stands under itself by way of a",
        ),
        ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 10)}]\n" for i in range(6)
        ), "0: YAML was expected: at most 100,000 values"),
    ],
)  # fmt: skip
def test_files_that_are_nothing_of_the_kind(text, expected):
    assert any(fault.startswith(expected) for fault in faults(text)), faults(text)
    assert Team.objects.count() == 0


def test_an_entity_s_members_are_as_the_file_says():
    world = settle()
    apply_text(ORG.replace(", members: [bob]", ""), now=NOW, via="test")
    assert not world.api.memberships.filter(user=world.bob).exists()
    assert world.api.memberships.filter(user=world.alice, role="lead").exists()


def test_what_somebody_is_called_stands_on_one_line():
    text = ORG.replace("displayName: Bob", 'displayName: "Bob\\r\\nBcc: x"').replace(
        "displayName: Engineering", 'displayName: "  Engi\\u2028neering "'
    )
    apply_text(text, now=NOW, via="test")
    assert User.objects.get(email="bob@example.com").name == "Bob Bcc: x"
    assert Team.objects.get(key="engineering").name == "Engi neering"
    assert apply_text(text, now=NOW, via="test") == []


def test_a_role_is_held_since_the_file_first_said_so():
    world = settle()
    later = NOW + timedelta(days=3)
    apply_text(
        ORG.replace("user:default/alice", "bob").replace("members: [bob]", "members: [alice]"), now=later, via="t"
    )
    held = {m.user.email[0]: (m.role, m.since) for m in world.api.memberships.select_related("user")}
    assert held == {"a": ("member", later), "b": ("lead", later)}
    apply_text(ORG.replace("user:default/alice", "bob"), now=later + timedelta(days=1), via="t")
    assert world.api.memberships.get(user=world.bob).since == later
    assert world.web.memberships.get().since == NOW


@pytest.mark.parametrize(("written", "held"), [("2", 2), ('"3"', 3), ("100", 100)])
def test_a_group_says_how_many_live_programs_a_team_may_have(written, held):
    settle()
    limited = ORG.replace(
        "/time-zone: Europe/Riga", f"/time-zone: Europe/Riga, technical-quality/program-limit: {written}"
    )
    assert limited != ORG
    changes = apply_text(limited, now=NOW, via="t")
    assert [str(change) for change in changes] == [f"~ team api: program_limit nothing → {held}"]
    assert Team.objects.get(key="api").program_limit == held
    assert apply_text(ORG, now=NOW, via="t") == []


@pytest.mark.parametrize("written", ["0", "-1", "101", "two", "1.5", "true", "٣", "9" * 40])
def test_a_limit_that_is_none_is_refused(written):
    limited = ORG.replace(
        "/time-zone: Europe/Riga", f"/time-zone: Europe/Riga, technical-quality/program-limit: {written}"
    )
    (fault,) = faults(limited)
    assert fault.startswith("9: ")
    assert "technical-quality/program-limit is a" in fault


def test_a_metric_is_changed_by_the_program_that_defined_it_only():
    settle()
    other = TYPING.replace("key: typing", "key: another")
    assert [f.split(": ", 1)[1] for f in faults(other)] == [
        "typed-functions is defined by program typing: refer to it in goals only",
        "findings is defined by program typing: refer to it in goals only",
    ]


def test_the_command_names_each_fault_with_file_and_line(tmp_path, capsys):
    file = tmp_path / "x.yaml"
    file.write_text("program: {key: a b}\n")
    with pytest.raises(CommandError, match="faults; nothing was applied"):
        call_command("apply", str(file))
    assert f"{file}:1: key is letters" in capsys.readouterr().err
    assert MetricVersion.objects.count() == 0

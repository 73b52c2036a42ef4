"""A plan tells what a file would change so that one can say yes or no; what a page changed since is not overwritten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from accounts.audit import record
from accounts.models import AuditRow, User
from program.models import GoalRule, Metric, MetricVersion, Program, Wave
from teams.apply import as_file
from teams.apply.export import export
from teams.apply.files import Conflicting, apply_file, apply_text
from tests.people import NOW, ORG, TYPING

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=2, hours=3)


@pytest.fixture
def typing() -> Program:
    """The program as its file was applied."""
    apply_text(ORG, now=NOW, via="test")
    apply_text(TYPING, now=NOW, via="test")
    return Program.objects.get()


def on_a_page(kind: str, key: str, row, **values) -> None:
    """Change a row as a page does, with its trace."""
    tess = User.objects.get(email="tess@example.com")
    before = {name: getattr(row, name) for name in values}
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    record(kind, key, at=LATER, actor=tess, via="page", before=before, after=values)


def plan_of(text: str) -> list[str]:
    (told,) = apply_file(text, now=LATER, via="apply", plan=True).told
    said = [f"{section.heading} {line.mark} {line.text}" for section in told.sections for line in section.lines]
    return [*said, *told.consequences, *told.remarks]


def conflicts_of(text: str) -> list[str]:
    return [str(one) for one in apply_file(text, now=LATER + timedelta(days=1), via="apply").conflicts]


def test_a_plan_says_old_and_new_in_the_metric_s_unit_and_what_follows(typing):
    text = (
        TYPING.replace("  end: 2026-12-31\n  review", "  end: 2027-03-31\n  stop_if: nothing moves\n  review", 1)
        .replace("{email: pam@example.com, role: manager}", "{email: pat@example.com, role: manager}")
        .replace("share of functions", "share of public functions")
        .replace("fresh_for: 30d", "fresh_for: 14d")
        .replace("expert: tess@example.com", "expert: pat@example.com")
        .replace("target: 0.9}", "target: 95%, milestones: {2026-06-30: 0.5}}")
        .replace("teams: [api]", "teams: [api, web]")
        .replace("hour: 9", "hour: 15")
    )
    assert plan_of(text) == [
        "Charter + owner pat@example.com (manager)",
        "Charter ~ end 31 Dec 2026 → 31 Mar 2027",
        "Charter + stop if: “nothing moves”",
        "Charter - owner pam@example.com (manager)",
        "Metrics ~ metric findings: fresh for 30d → 14d",
        "Metrics ~ metric typed-functions: definition “share of functions whose arguments and return are annotated” → "
        "“share of public functions whose arguments and return are annotated”; "
        "playbook expert tess@example.com → pat@example.com",
        "Goals ~ Functions with full annotations, all teams: target 90 % → 95 %; milestones nothing → 50 % on 30 Jun 2026",
        "Goals ~ Security findings, api: teams + web",
        "Nudges ~ hour of the day 9 → 15",
        "Goals: 1 new, 2 with other terms.",
        "typed-functions v2 measures in another way: goals on it are stale until their baseline is set anew.",
    ]
    assert Program.objects.get().end.isoformat() == "2026-12-31"


def test_a_change_in_a_long_text_is_shown_where_it_is(typing):
    long = "word " * 40
    apply_text(TYPING.replace("  end: 2026", f"  stop_if: {long}or nothing moves\n  end: 2026"), now=NOW, via="test")
    assert plan_of(TYPING.replace("  end: 2026", f"  stop_if: {long}or all is done\n  end: 2026")) == [
        "Charter ~ stop if “…word word word word or nothing moves” → “…word word word word or all is done”",
    ]


def test_what_comes_and_goes_whole(typing):
    text = TYPING.replace(
        "  - {metric: findings, teams: [api], start: 2026-01-01, due: 2026-12-31, improve_by: 50%, tolerance: 0.05}\n",
        "waves: [{key: pilot, teams: [api, web], start: 2026-04-01}]\n",
    )
    assert plan_of(text) == [
        "Goals - Security findings, api: start 1 Jan 2026; due 31 Dec 2026; improve by 50 %; tolerance 5 %",
        "Waves + wave pilot: teams api and web; start 1 Apr 2026; state planned",
        "Goals: 1 ended.",
    ]


def test_a_new_program_is_told_whole():
    apply_text(ORG, now=NOW, via="test")
    said = plan_of(TYPING)
    assert said[0] == "Charter + key: typing"
    assert "Goals + Functions with full annotations, all teams: start 1 Jan 2026; due 31 Dec 2026; target 90 %" in said
    assert said[-1] == "Goals: 3 new."


def test_the_order_of_lines_counts(typing):
    lines = TYPING[TYPING.index("goals:\n") + 7 : TYPING.index("nudges:")].splitlines(keepends=True)
    assert plan_of(TYPING.replace("".join(lines), "".join(reversed(lines)))) == [
        "Goals ~ the order of the lines: of two that ask a team for the same metric the later wins",
    ]


def test_a_file_that_cannot_end_a_program_says_so(typing):
    assert plan_of(TYPING.replace("  name: Every", "  state: paused\n  name: Every")) == [
        "The file says paused, the program stays active: pausing, resuming and ending are decided on its pages."
    ]


def test_the_command_prints_the_plan_before_its_rows(typing, tmp_path, capsys):
    file = tmp_path / "typing.yaml"
    file.write_text(TYPING.replace("target: 0.9", "target: 95%"))
    call_command("apply", str(file), "--plan")
    assert capsys.readouterr().out.splitlines() == [
        "Every function typed (typing)",
        "  Goals",
        "    ~ Functions with full annotations, all teams: target 90 % → 95 %",
        "  Goals: 2 with other terms.",
        "",
        "~ goal rule typing#1: target 0.9 → 0.95",
        "~ goal terms typing/typed-functions/api: target 0.9 → 0.95",
        "~ goal terms typing/typed-functions/web: target 0.9 → 0.95",
        "3 changes planned; nothing was changed. Leave out --plan to apply.",
    ]
    call_command("apply", str(file))
    call_command("apply", str(file))
    assert capsys.readouterr().out.splitlines()[-2:] == ["3 changes applied.", "Nothing to change."]


def test_colour_only_where_somebody_looks(typing, tmp_path, capsys):
    file = tmp_path / "typing.yaml"
    file.write_text(TYPING.replace("target: 0.9", "target: 95%"))
    call_command("apply", str(file), "--plan")
    assert "\x1b" not in capsys.readouterr().out
    call_command("apply", str(file), "--plan", force_color=True)
    assert "\x1b[33;1m~ goal rule typing#1: target 0.9 → 0.95\x1b[0m" in capsys.readouterr().out


def test_what_a_page_changed_since_is_named_and_not_overwritten(typing, tmp_path, capsys):
    on_a_page("program", "typing", typing, stop_if="nothing moves", nudge_hour=11)
    on_a_page("goal rule", "typing#1", GoalRule.objects.get(position=0), target=0.8)
    file = tmp_path / "typing.yaml"
    file.write_text(TYPING.replace("target: 0.9", "target: 95%"))
    with pytest.raises(CommandError, match="3 conflicts: changed on a page since the last apply; nothing was applied"):
        call_command("apply", str(file))
    assert [line for line in capsys.readouterr().err.splitlines() if line.startswith("conflict:")] == [
        "conflict: stop if: was nothing, changed by tess@example.com on 18 Mar 2026 12:30 to “nothing moves”; "
        "the file says nothing",
        "conflict: Functions with full annotations, all teams: target: was 90 %, changed by tess@example.com on "
        "18 Mar 2026 12:30 to 80 %; the file says 95 %",
        "conflict: hour of the day: was 9, changed by tess@example.com on 18 Mar 2026 12:30 to 11; the file says 9",
    ]
    assert GoalRule.objects.get(position=0).target == 0.8
    assert not AuditRow.objects.filter(via="apply typing.yaml").exists()


def test_overwriting_is_on_record_and_settles_it(typing):
    on_a_page("program", "typing", typing, stop_if="nothing moves")
    later = LATER + timedelta(days=1)
    outcome = apply_file(TYPING, now=later, via="apply", overwrite=True)
    assert (outcome.conflicts, [str(change) for change in outcome.changes]) == (
        [],
        ["~ program typing: stop_if nothing moves → nothing"],
    )
    assert AuditRow.objects.get(kind="program file").after == {
        "overwrote": [
            "stop if: was nothing, changed by tess@example.com on 18 Mar 2026 12:30 to “nothing moves”; "
            "the file says nothing"
        ]
    }
    assert conflicts_of(TYPING) == []


def test_what_page_and_file_say_alike_is_no_conflict(typing):
    on_a_page("program", "typing", typing, stop_if="nothing moves")
    text = TYPING.replace("  review:", "  stop_if: nothing moves\n  review:")
    assert apply_text(text, now=LATER, via="apply") == []
    assert [one.split(",")[0] for one in conflicts_of(TYPING)] == []


def test_what_only_the_file_changes_is_no_conflict(typing):
    on_a_page("program", "typing", typing, stop_if="nothing moves")
    text = TYPING.replace("  review:", "  stop_if: nothing moves\n  review:").replace("target: 0.9", "target: 0.7")
    assert conflicts_of(text) == []
    assert GoalRule.objects.get(position=0).target == 0.7


def test_a_line_that_a_page_added_or_took_away(typing):
    findings = GoalRule.objects.get(position=1)
    GoalRule.objects.create(
        program=typing, position=2, metric=findings.metric, teams=["web"], start=findings.start, due=findings.due,
        target=3,
    )  # fmt: skip
    assert conflicts_of(TYPING) == [
        "Security findings, web: added; the file takes it away",
    ]
    same = TYPING.replace(
        "nudges:", "  - {metric: findings, teams: [web], start: 2026-01-01, due: 2026-12-31, target: 3}\nnudges:"
    )
    more = same.replace(
        "nudges:", "  - {metric: findings, teams: all, start: 2026-01-01, due: 2026-12-31, target: 3}\nnudges:"
    )
    assert conflicts_of(more) == []
    GoalRule.objects.filter(position=3).delete()
    assert conflicts_of(more) == [
        "Security findings, all teams: taken away; the file brings it back",
    ]


def test_lines_that_a_page_put_in_another_order(typing):
    apply_text(TYPING.replace("teams: [api]", "teams: all"), now=NOW, via="test")
    one, two = GoalRule.objects.order_by("position")
    for rule, position in ((one, 9), (two, 0), (one, 1)):
        rule.position = position
        rule.save()
    assert conflicts_of(TYPING.replace("teams: [api]", "teams: all")) == [
        "the order of the lines: was as in the file, changed to another one; the file says what it was"
    ]


def test_an_export_of_what_is_there_may_be_changed_and_applied(typing):
    on_a_page("goal rule", "typing#1", GoalRule.objects.get(position=0), target=0.8)
    exported = export(typing)
    assert conflicts_of(exported.replace("target: 0.8", "target: 0.85")) == []
    assert GoalRule.objects.get(position=0).target == 0.85


def test_an_export_that_is_older_than_the_page_s_change_is_not(typing):
    exported = export(typing)
    on_a_page("goal rule", "typing#1", GoalRule.objects.get(position=0), target=0.8)
    assert len(conflicts_of(exported.replace("target: 0.9", "target: 0.85"))) == 1


def test_a_file_applied_again_after_a_page_took_its_change_back_is_a_conflict(typing):
    changed = export(typing).replace("target: 0.9", "target: 0.85")
    assert conflicts_of(changed) == []
    on_a_page("goal rule", "typing#1", GoalRule.objects.get(position=0), target=0.9)
    assert len(conflicts_of(changed)) == 1


def test_the_first_apply_after_an_upgrade_has_no_conflicts(typing):
    Program.objects.update(applied=None, applied_at=None)
    on_a_page("program", "typing", typing, stop_if="nothing moves", applied=None)
    assert conflicts_of(TYPING) == []
    assert Program.objects.get().applied["program"]["key"] == "typing"


def test_apply_text_raises_conflicts(typing):
    on_a_page("program", "typing", typing, stop_if="nothing moves")
    with pytest.raises(Conflicting, match="stop if: was nothing"):
        apply_text(TYPING, now=LATER, via="apply")


def test_a_plan_shows_conflicts_too(typing):
    on_a_page("program", "typing", typing, stop_if="nothing moves")
    assert len(apply_file(TYPING, now=LATER, via="apply", plan=True).conflicts) == 1


def test_looking_at_a_program_costs_the_same_for_any_number_of_lines(typing, django_assert_num_queries):
    with django_assert_num_queries(9):
        as_file.of_program(typing)
    first = GoalRule.objects.get(position=0)
    for position in range(2, 30):
        key = f"m{position}"
        metric = Metric.objects.create(key=key, name=key, program=typing, fresh_for=30)
        MetricVersion.objects.create(metric=metric, number=1, direction="up", aggregation="max", opened_at=NOW)
        Wave.objects.create(program=typing, key=key, start=first.start)
        GoalRule.objects.create(
            program=typing, position=position, metric=metric, teams="all", start=first.start, due=first.due, target=1
        )
    fresh = Program.objects.get()
    with django_assert_num_queries(10):  # and the sponsor
        assert len(as_file.of_program(fresh)["goals"]) == 30

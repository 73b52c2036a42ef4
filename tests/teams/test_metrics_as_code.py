"""Metrics and playbooks as code: every field read, faults named, what another definition means."""

from __future__ import annotations

import pytest

from accounts.models import AuditRow
from teams.apply.files import apply_text
from teams.apply.marked_yaml import Unreadable
from teams.apply.metrics import effort_of, effort_text
from tests.people import NOW, TYPING, settle

PLAYBOOK = """      expert: tess@example.com
      office_hours: Tue 14-15
      effort: 2h
      item_link: "https://code.example/{item}"
      tracker: github
      tracker_link: https://github.com/acme/app
"""
WHOLE = TYPING.replace("      expert: tess@example.com\n", PLAYBOOK)


@pytest.mark.django_db
def test_a_whole_playbook_is_kept_and_applied_twice_changes_nothing():
    book = settle(WHOLE).typed.playbook
    assert (book.office_hours, book.effort_hours) == ("Tue 14-15", 2.0)
    assert (book.tracker, book.tracker_link) == ("github", "https://github.com/acme/app")
    assert book.item_link == "https://code.example/{item}"
    before = AuditRow.objects.count()
    assert apply_text(WHOLE, now=NOW, via="test") == []
    assert AuditRow.objects.count() == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("effort: 2h", "effort: a while", "25: effort is what one item takes, such as 2h or 30m, not 'a while'"),
        ("effort: 2h", "effort: 0h", "25: effort is what one item takes"),
        ("effort: 2h", "effort: .nan", "25: effort is what one item takes"),
        ("tracker: github", "tracker: trac", "27: tracker is one of github, gitlab, jira, not 'trac'"),
        ("      tracker: github\n", "", "27: tracker (github, gitlab or jira) and tracker_link, its address, are"),
        ("https://github.com", "javascript://github.com", "28: tracker_link is a link that begins with https://"),
        ("tracker: github", "tracker: jira", "28: tracker_link: an address such as https://SITE/secure/CreateIssue"),
        ("office_hours: Tue 14-15", 'office_hours: "Tue \\0 14"', "24: YAML was expected: text without NUL"),
        ("office_hours: Tue 14-15", 'office_hours: "\\ud800"', "24: YAML was expected: text without NUL"),
        ("office_hours: Tue 14-15", '"\\0": x', "24: YAML was expected: text without NUL"),
        ("steps: [Run", f"steps: [{'x' * 501}, Run", "20: a step is at most 500 characters, not 501"),
    ],
)
def test_faults_of_a_playbook_are_named(old, new, expected):
    assert old in WHOLE
    with pytest.raises(Unreadable) as unreadable:
        apply_text(WHOLE.replace(old, new), now=NOW, via="test")
    found = [f"{fault.line}: {fault.what}" for fault in unreadable.value.faults]
    assert any(fault.startswith(expected) for fault in found), found


@pytest.mark.parametrize(
    ("said", "hours", "again"),
    [
        ("2h", 2.0, "2h"), ("30m", 0.5, "30m"), ("1.5 hours", 1.5, "1.5h"), ("90 minutes", 1.5, "1.5h"), (3, 3.0, "3h"),
        (0.25, 0.25, "15m"), ("20m", 1 / 3, "20m"), ("1000h", 1000.0, "1000h"), ("1001h", None, ""), ("0m", None, ""),
        ("2 days", None, ""), ("-2h", None, ""), (True, None, ""), (float("nan"), None, ""), (None, None, ""),
        ("50%", None, ""), ("２h", None, ""), ([], None, ""),
    ],
)  # fmt: skip
def test_effort_is_read_and_written_alike(said, hours, again):
    assert effort_of(said) == hours
    assert effort_text(hours) == again
    if hours is not None:
        assert effort_of(again) == hours

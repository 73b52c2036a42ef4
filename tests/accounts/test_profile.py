"""What people say about themselves: kept as typed, or refused with what was expected, whatever is typed."""

from __future__ import annotations

from datetime import date

import pytest

from accounts import profile
from accounts.models import AuditRow, User
from accounts.profile import NotKept
from tests.people import NOW

pytestmark = pytest.mark.django_db
TYPED = {
    "name": " Ann  Lee ", "time_zone": "Europe/Riga", "country": "lv", "absent_from": "2026-04-01",
    "absent_until": "2026-04-10",
}  # fmt: skip


@pytest.fixture
def ann() -> User:
    return User.objects.create_user("ann@example.com", name="Ann")


def test_it_is_kept_once_and_on_record(ann):
    assert profile.change(ann, TYPED, NOW) is True
    ann.refresh_from_db()
    kept = (ann.name, ann.time_zone, ann.country, ann.absent_from, ann.absent_until)
    assert kept == ("Ann Lee", "Europe/Riga", "LV", date(2026, 4, 1), date(2026, 4, 10))
    row = AuditRow.objects.get()
    assert (row.actor, row.before["name"], row.after["absent_until"]) == (ann, "Ann", "2026-04-10")
    assert profile.change(ann, TYPED, NOW) is False
    assert profile.change(ann, {"name": "Ann Lee"}, NOW) is True
    ann.refresh_from_db()
    assert (ann.time_zone, ann.country, ann.absent_from) == ("", "", None)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("name", "x" * 100_000, "A name of at most 200 characters"), ("name", "a\0", "A name of at most"),
        ("time_zone", "Mars/Base", "A time zone such as Europe/Riga"), ("time_zone", "../../etc/passwd", "A time zone"),
        ("time_zone", "Europe/Riga\0", "A time zone"), ("time_zone", "x" * 100_000, "A time zone"),
        ("country", "LVA", "A country as two letters"), ("country", "1V", "A country"), ("country", "ßß", "A country"),
        ("absent_from", "tomorrow", "A day from 2000-01-01 to 2199-12-31"), ("absent_from", "0001-01-01", "A day"),
        ("absent_from", "9999-12-31", "A day"), ("absent_until", "2026-02-30", "A day"), ("absent_until", "NaN", "A day"),
        ("absent_until", "2026-03-31", "The last day away (2026-03-31) is before the first (2026-04-01)."),
    ],
)  # fmt: skip
def test_what_is_not_as_expected_is_refused_and_nothing_is_kept(ann, field, typed, said):
    with pytest.raises(NotKept) as fault:
        profile.change(ann, TYPED | {field: typed}, NOW)
    (only,) = fault.value.faults
    assert only.startswith(said)
    assert len(only) < 200
    ann.refresh_from_db()
    assert (ann.name, ann.time_zone) == ("Ann", "")
    assert not AuditRow.objects.exists()


def test_an_address_that_was_refused_once_may_be_used_again(ann):
    assert profile.resume_mail(ann, NOW) is False
    User.objects.update(address_suspended_reason="550 no such user")
    assert profile.resume_mail(ann, NOW) is True
    ann.refresh_from_db()
    assert ann.address_suspended_reason == ""


def test_a_deputy_is_named_by_e_mail_shown_again_and_on_record(ann):
    bo = User.objects.create_user("bo@example.com", name="Bo")
    assert profile.change(ann, TYPED | {"deputy": " Bo@Example.com "}, NOW) is True
    ann.refresh_from_db()
    assert (ann.deputy, profile.as_typed(ann)["deputy"]) == (bo, "bo@example.com")
    row = AuditRow.objects.get()
    assert (row.before["deputy"], row.after["deputy"]) == (None, "bo@example.com")
    assert profile.change(ann, TYPED | {"deputy": "bo@example.com"}, NOW) is False
    assert profile.change(ann, TYPED, NOW) is True
    ann.refresh_from_db()
    assert ann.deputy is None


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nobody@example.com", "The e-mail of somebody known here was expected as your deputy, not"),
        ("gone@example.com", "The e-mail of somebody known here was expected as your deputy, not"),
        ("bo\0@example.com", "The e-mail of somebody known here was expected as your deputy, not"),
        ("x" * 100_000, "The e-mail of somebody known here was expected as your deputy, not"),
        ("ANN@example.com", "Somebody else was expected as your deputy"),
        ("vic@example.com", "vic@example.com only reads: somebody who may answer was expected as your deputy."),
    ],
)
def test_a_deputy_is_another_person_who_may_act(ann, typed, said):
    User.objects.create_user("gone@example.com", is_active=False)
    User.objects.create_user("vic@example.com", reads_only=True)
    with pytest.raises(NotKept) as fault:
        profile.change(ann, TYPED | {"deputy": typed}, NOW)
    (only,) = fault.value.faults
    assert only.startswith(said)
    assert len(only) < 200
    ann.refresh_from_db()
    assert (ann.name, ann.deputy) == ("Ann", None)

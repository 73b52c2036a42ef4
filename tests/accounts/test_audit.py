"""The audit log is append-only by construction: Python refuses, and so does each database, by whatever way it is asked."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.db.models import ProtectedError

from accounts.audit import record
from accounts.models import AuditRow, User
from tests.people import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def row() -> AuditRow:
    return record("program", "typing", at=NOW, before={"end": "2026-11-30"}, after={"end": "2026-12-31"}, reason="late")


def refused(statement: str) -> bool:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as fault:
        return "an audit row cannot be" in str(fault)
    return False


def as_in_production() -> None:
    """SQLite's database of tests lets its rows be deleted; without its mark it is as any other."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA user_version = 0")


def test_python_refuses(row):
    row.reason = "another"
    with pytest.raises(ValueError, match="cannot be edited"):
        row.save()
    with pytest.raises(ValueError, match="cannot be deleted"):
        row.delete()
    with pytest.raises(ValueError, match="cannot be edited"):
        AuditRow.objects.filter(kind="program").update(reason="another")
    with pytest.raises(ValueError, match="cannot be edited"):
        AuditRow.objects.bulk_update([row], ["reason"])
    with pytest.raises(ValueError, match="cannot be deleted"):
        AuditRow.objects.all().delete()


def test_the_database_refuses(row):
    as_in_production()
    assert refused("UPDATE accounts_auditrow SET reason = 'another'")
    assert refused("UPDATE accounts_auditrow SET at = at")
    assert refused("DELETE FROM accounts_auditrow")
    assert refused(f"DELETE FROM accounts_auditrow WHERE id = {row.pk}")
    assert AuditRow.objects.get().reason == "late"


def test_it_refuses_where_python_is_gone_round(row):
    as_in_production()
    with pytest.raises(DatabaseError, match="cannot be edited"), transaction.atomic():
        models.QuerySet(AuditRow).update(reason="another")
    with pytest.raises(DatabaseError, match=r"cannot be deleted|edited or deleted"), transaction.atomic():
        models.QuerySet(AuditRow)._raw_delete("default")
    with pytest.raises(DatabaseError, match="cannot be edited"), transaction.atomic():
        AuditRow.objects.bulk_create(
            [AuditRow(pk=row.pk, at=NOW, kind="x", key="x")],
            update_conflicts=True, update_fields=["kind"], unique_fields=["id"],
        )  # fmt: skip
    assert AuditRow.objects.get().kind == "program"


def test_who_did_something_stays(row):
    person = User.objects.named("dana@example.com")
    record("program", "typing", at=NOW, actor=person)
    with pytest.raises(ProtectedError):
        person.delete()

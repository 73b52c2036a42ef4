"""The database itself refuses to change an audit row, whoever asks it to and by whatever way."""

from django.db import migrations

TABLE = "accounts_auditrow"
POSTGRESQL = [
    """CREATE OR REPLACE FUNCTION accounts_audit_rows_stay() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'an audit row cannot be edited or deleted' USING ERRCODE = 'restrict_violation';
    END $$""",
    f"DROP TRIGGER IF EXISTS audit_rows_stay ON {TABLE}",
    f"""CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON {TABLE}
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_rows_stay()""",
]
# SQLite has no TRUNCATE, so tests empty their tables by DELETE: a database that is marked as one of tests (by its
# user_version, tests/conftest.py) lets them. No other is.
SQLITE = [
    "DROP TRIGGER IF EXISTS audit_rows_stay",
    f"""CREATE TRIGGER audit_rows_stay BEFORE UPDATE ON {TABLE}
    BEGIN SELECT RAISE(ABORT, 'an audit row cannot be edited'); END""",
    "DROP TRIGGER IF EXISTS audit_rows_stay_all",
    f"""CREATE TRIGGER audit_rows_stay_all BEFORE DELETE ON {TABLE}
    WHEN (SELECT user_version FROM pragma_user_version) <> 4711
    BEGIN SELECT RAISE(ABORT, 'an audit row cannot be deleted'); END""",
]
UNDO = {
    "postgresql": [
        f"DROP TRIGGER IF EXISTS audit_rows_stay ON {TABLE}",
        "DROP FUNCTION IF EXISTS accounts_audit_rows_stay()",
    ],
    "sqlite": ["DROP TRIGGER IF EXISTS audit_rows_stay", "DROP TRIGGER IF EXISTS audit_rows_stay_all"],
}


def guard(apps, schema_editor):
    run(schema_editor, {"postgresql": POSTGRESQL, "sqlite": SQLITE})


def let_go(apps, schema_editor):
    run(schema_editor, UNDO)


def run(schema_editor, statements):
    with schema_editor.connection.cursor() as cursor:
        for statement in statements[schema_editor.connection.vendor]:
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_ways_in")]

    operations = [migrations.RunPython(guard, let_go)]

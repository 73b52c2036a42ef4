"""One statement that inserts or replaces many rows by their natural key, on PostgreSQL and on SQLite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection, models


def upsert(
    model: type[models.Model],
    fields: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    unique: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> None:
    """Insert rows (one value a field, in order; JSON fields as text) and replace those whose unique fields are there.

    `keep` names fields that stay as they are on a row that exists. Without `unique` rows are only inserted, and one
    that is there already is an IntegrityError. On PostgreSQL this is one INSERT from a set of
    JSON records: several times as fast as `bulk_create`, whose cost is in the model instances. Runs in the caller's
    transaction. The caller gives no two rows with the same key.
    """
    if not rows:
        return
    columns = [model._meta.get_field(name) for name in fields]
    names = [connection.ops.quote_name(_column(field)) for field in columns]
    key = ", ".join(connection.ops.quote_name(_column(model._meta.get_field(name))) for name in unique)
    replaced = [n for n, name in zip(names, fields, strict=True) if name not in unique and name not in keep]
    replace = ", ".join(f"{name} = EXCLUDED.{name}" for name in replaced)
    conflict = f"ON CONFLICT ({key}) DO UPDATE SET {replace}" if replace else f"ON CONFLICT ({key}) DO NOTHING"
    conflict = conflict if unique else ""
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        # Every name in these statements comes from the model's own definition; values are parameters.
        if connection.vendor == "postgresql":
            types = ", ".join(f"{name} {_column_type(f)}" for name, f in zip(names, columns, strict=True))
            picked = ", ".join(f"x.{name}{_cast(field)}" for name, field in zip(names, columns, strict=True))
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(names)}) SELECT {picked} FROM json_to_recordset(%s) AS x({types}) {conflict}",  # noqa: S608, E501
                [_as_records([_column(field) for field in columns], rows)],
            )
        else:
            marks = ", ".join(["%s"] * len(columns))
            adapted = zip(
                *(_adapt(field, column) for field, column in zip(columns, zip(*rows, strict=True), strict=True)),
                strict=True,
            )
            cursor.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}) {conflict}",  # noqa: S608
                list(adapted),
            )


def _column(field: Any) -> str:
    return str(field.column)


def _column_type(field: Any) -> str:
    if isinstance(field, models.JSONField):
        return "text"
    return str(field.rel_db_type(connection) if field.primary_key else field.db_type(connection))


def _cast(field: Any) -> str:
    return "::jsonb" if isinstance(field, models.JSONField) else ""


def _as_records(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """All rows as one JSON text: one parameter to escape instead of an array a column."""
    return json.dumps([dict(zip(names, row, strict=True)) for row in rows], default=str, allow_nan=False)


def _adapt(field: Any, column: Sequence[Any]) -> Sequence[Any]:
    """SQLite keeps days and moments as text; the rest goes in as it is. Of many rows most share a day or a moment."""
    if not isinstance(field, models.DateField):  # which a DateTimeField is as well
        return column
    moments = isinstance(field, models.DateTimeField)
    adapt = connection.ops.adapt_datetimefield_value if moments else connection.ops.adapt_datefield_value
    known = {value: None if value is None else adapt(value) for value in set(column)}
    return [known[value] for value in column]

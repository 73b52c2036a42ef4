"""Plain SQL on the hot paths, right on PostgreSQL and SQLite: composing a query costs the ORM more than running it.

Only fixed words are put into these statements; values are always parameters.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection


def among(column: str, values: Sequence[int | str]) -> tuple[str, list[Any]]:
    """A condition that a column is one of these values, and its parameters."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)", [list(values)]
    return f"{column} IN ({', '.join(['%s'] * len(values))})", list(values)


def fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


def change(statement: str, parameters: Sequence[Any]) -> int:
    """Run a statement that changes rows; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def as_day(held: str | date | None) -> date | None:
    """A day as the database gave it: SQLite keeps text."""
    return date.fromisoformat(held[:10]) if isinstance(held, str) else held


def as_json(held: Any) -> Any:
    """JSON as the database gave it: as text, unless the driver read it already."""
    return json.loads(held) if isinstance(held, str) else held

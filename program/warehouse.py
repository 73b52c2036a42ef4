"""A query on a warehouse: one read-only SELECT with limits, its rows as the CSV of the observations' contract."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg

from .feeds.observations_csv import OPTIONAL, REQUIRED
from .fetch import FetchFailed, checked_addresses

MOST_ROWS = 200_000
MODES = ("require", "disable", "prefer", "verify-ca", "verify-full")
"""How the connection is secured; the first unless set."""
CONNECT_SECONDS, STATEMENT_SECONDS = 5, 30


def check(settings: Mapping[str, Any]) -> str:
    """What is wrong with a feed's settings, in words; empty if nothing."""
    url, statement = str(settings.get("url", "")), _statement(settings)
    try:
        parts = urlsplit(url)
        fits = (
            parts.scheme in ("postgresql", "postgres")
            and bool(parts.hostname)
            and not parts.password
            and parts.port != 0
        )
    except ValueError:
        fits = False
    if not fits:
        return "url is postgresql://user@host:5432/database, without the password"
    if not statement.lower().startswith(("select", "with")) or ";" in statement:
        return "query is one SELECT (or WITH … SELECT), without a semicolon"
    if settings.get("sslmode", MODES[0]) not in MODES:
        return f"sslmode is one of {', '.join(MODES)}"
    return ""


def _statement(settings: Mapping[str, Any]) -> str:
    return str(settings.get("query", "")).strip().rstrip(";")


def query(settings: Mapping[str, Any], password: str) -> bytes:
    """Run the feed's SELECT and give its rows as CSV. Raises FetchFailed; `permanent` when the feed has to be changed.

    The session is read-only and its statements end after 30 s, whatever the query says; the server's own rights of
    the user are the fence that counts, and the docs say so.
    """
    wrong = check(settings)
    if wrong:
        raise FetchFailed(wrong, permanent=True)
    parts, statement = urlsplit(str(settings["url"])), _statement(settings)
    assert parts.hostname is not None
    address = checked_addresses(parts.hostname, parts.port or 5432)[0]
    try:
        with psycopg.connect(
            host=parts.hostname,
            hostaddr=address,
            port=parts.port or 5432,
            user=unquote(parts.username or ""),
            password=password or None,
            dbname=unquote(parts.path.lstrip("/")),
            connect_timeout=CONNECT_SECONDS,
            sslmode=str(settings.get("sslmode", MODES[0])),
            autocommit=False,
            options=f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_SECONDS * 1000}",
            passfile="/dev/null",
        ) as connection:
            connection.read_only = True
            with connection.cursor(name="feed") as rows:  # a cursor on the server: no more rows come than are read
                rows.execute(statement)
                return _as_csv([column.name for column in rows.description or ()], rows.fetchmany(MOST_ROWS + 1))
    except psycopg.OperationalError as fault:
        raise FetchFailed(f"the warehouse did not answer: {str(fault).splitlines()[0][:200]}") from None
    except psycopg.Error as fault:
        raise FetchFailed(f"the query failed: {str(fault).splitlines()[0][:200]}", permanent=True) from None


def _as_csv(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    known = (*REQUIRED, *OPTIONAL)
    missing = [name for name in ("metric", "as_of", "numerator") if name not in names]
    unknown = [name for name in names if name not in known]
    if missing or unknown:
        said = ", ".join(
            [f"{name} is missing" for name in missing] + [f"{name[:40]!a} is not known" for name in unknown]
        )
        raise FetchFailed(f"the query's columns are those of the CSV, {', '.join(known)}: {said}", permanent=True)
    if len(rows) > MOST_ROWS:
        raise FetchFailed(f"at most {MOST_ROWS:,} rows were expected", permanent=True)
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(known)
    places = [names.index(name) if name in names else -1 for name in known]
    for row in rows:
        lines.writerow(["" if place < 0 or row[place] is None else _plain(row[place]) for place in places])
    return text.getvalue().encode()


def _plain(value: Any) -> str:
    """A value as the CSV's reader wants it: days in ISO, numbers without a thousands mark."""
    return value.isoformat()[:10] if hasattr(value, "isoformat") else str(value)

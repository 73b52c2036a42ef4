"""The ground a drill stands on: a database, a folder and a broker of its own, gone when it is over."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def ground() -> Iterator[dict[str, str]]:
    """Set Django up on a fresh database (SQLite, or PostgreSQL beside the one DATABASE_URL names).

    Gives the environment for child processes. Call it once a process, before anything imports a model.
    """
    given = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory(prefix="drill-") as folder:
        own = {
            "DJANGO_SETTINGS_MODULE": "drills.settings",
            "VAR_DIR": folder,
            "BROKER_DIR": f"{folder}/broker",
            "SECRET_KEY": "drill-" * 10,
            "INSTANCE_ID": "",
            "LOG_LEVEL": "CRITICAL",
            "PYTHONPATH": str(ROOT),
        }
        with _database(given, folder) as url:
            os.environ |= own | {"DATABASE_URL": url}
            _set_up()
            yield dict(os.environ)


@contextmanager
def _database(given: str, folder: str) -> Iterator[str]:
    if not given.startswith("postgres"):
        yield f"sqlite:///{folder}/drill.sqlite3"
        return
    import psycopg

    name = f"drill_{secrets.token_hex(4)}"
    with psycopg.connect(given, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    try:
        yield urlunsplit(urlsplit(given)._replace(path=f"/{name}"))
    finally:
        from django.db import connections

        connections.close_all()
        with psycopg.connect(given, autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _set_up() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)

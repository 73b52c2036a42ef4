"""The web server with one of its guards taken out, in its own process only: the ingest drill must see the harm."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponseBase

from config.wsgi import application

LAG = 0.05


def late() -> WSGIHandler:
    """The answer goes out first; only then is the transaction committed."""
    guarded = application.get_response

    def get_response(request: HttpRequest) -> HttpResponseBase:
        if request.method != "POST":
            return guarded(request)
        open_still = transaction.atomic()
        open_still.__enter__()
        response = guarded(request)
        closed = response.close

        def close() -> None:
            time.sleep(LAG)
            open_still.__exit__(None, None, None)
            closed()

        response.close = close  # type: ignore[method-assign]
        return response

    application.get_response = get_response  # type: ignore[method-assign]
    return application


def piecemeal() -> WSGIHandler:
    """Each statement is committed as it is done: there is no transaction around a batch. PostgreSQL only."""

    def commit_each(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        done = execute(sql, params, many, context)
        connection = context["connection"]
        # Rows that a statement returns are still to be fetched; the next statement's commit covers it.
        if connection.in_atomic_block and sql.startswith(("INSERT", "UPDATE")) and "RETURNING" not in sql:
            connection.connection.commit()
            time.sleep(LAG / 2)
        return done

    def wrap(connection: BaseDatabaseWrapper, **_: Any) -> None:
        connection.features.uses_savepoints = False
        if commit_each not in connection.execute_wrappers:
            connection.execute_wrappers.append(commit_each)

    connection_created.connect(wrap, weak=False)
    return application

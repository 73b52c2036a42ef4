"""Errors of the API as RFC 9457 problems: what was wrong, and what was expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

MEDIA_TYPE = "application/problem+json"


class Problem(exceptions.APIException):
    """A refusal with a title, a detail and, where there are several, the errors one by one."""

    def __init__(self, code: int, title: str, detail: str = "", errors: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(detail or title)
        self.status_code = code
        self.title = title
        self.errors = list(errors)


def handler(fault: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what a view raised into a problem; anything unforeseen goes on as a 500."""
    if isinstance(fault, Http404):
        fault = exceptions.NotFound()
    elif isinstance(fault, PermissionDenied):
        fault = exceptions.PermissionDenied()
    response = exception_handler(fault, context)
    if response is None or not isinstance(fault, exceptions.APIException):
        return response
    body = {
        "type": "about:blank",
        "title": getattr(fault, "title", "")
        or ("Method not allowed" if fault.status_code == 405 else str(fault.default_detail)),
        "status": fault.status_code,
        "detail": str(fault.detail),
    }
    if getattr(fault, "errors", None):
        body["errors"] = fault.errors  # type: ignore[attr-defined]
    response.data = body
    response.content_type = MEDIA_TYPE
    return response


def bad_request(detail: str) -> Problem:
    """A request that says something else than was expected."""
    return Problem(status.HTTP_400_BAD_REQUEST, "The request is not as expected", detail)


def known_name(key: str) -> str:
    """A name out of an address, unless no database could hold it. Raises Http404."""
    if "\0" in key or any("\ud800" <= character <= "\udfff" for character in key):
        raise Http404
    return key

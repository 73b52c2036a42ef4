"""Pages for what went wrong: what happened, and what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

WORDS = {
    400: ("That request is not as expected.", "Go back and try again; if you followed a link, it may be cut off."),
    403: ("That was not accepted.", "The page had been open for long, or cookies are off: reload it and try again."),
    404: (
        "Nothing is here.",
        "It does not exist, or it is not yours to see. If it should be, ask an owner of the program.",
    ),
    500: (
        "Something broke here, not with you.",
        "It is on record. Try again in a minute; what you sent was not stored.",
    ),
}
HOME = (("/", "Home"),)
LISTS = (*HOME, ("/programs/", "Programs"), ("/teams/", "Teams"))


@dataclass
class Context:
    """An error's page."""

    template: ClassVar[str] = "pages/error.html"
    here: ClassVar[str] = ""
    title: str
    next_step: str
    ways: Sequence[tuple[str, str]]


def _page(request: HttpRequest, status: int) -> HttpResponse:
    title, next_step = WORDS[status]
    ways = LISTS if status == 404 else HOME
    names: dict[str, Any] = {**asdict(Context(title, next_step, ways)), "here": ""}
    # When something broke, it may be the database: that page does without it, and so without the person.
    if status != 500 and _is_known(request):
        names["user"] = request.user
    return render(request, Context.template, names, status=status)


def _is_known(request: HttpRequest) -> bool:
    try:
        return hasattr(request, "user") and request.user.is_authenticated
    except DatabaseError:
        return False


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - the signature is Django's
    """400."""
    return _page(request, 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - the signature is Django's
    """403."""
    return _page(request, 403)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - the signature is Django's
    """403 for a form that did not come from our own page."""
    return _page(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - the signature is Django's
    """404."""
    return _page(request, 404)


def broken(request: HttpRequest) -> HttpResponse:
    """500."""
    return _page(request, 500)

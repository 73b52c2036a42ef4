"""Pages for what went wrong: what happened, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

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


@dataclass
class Context:
    """An error's page."""

    template: ClassVar[str] = "pages/error.html"
    here: ClassVar[str] = ""
    title: str
    next_step: str


def _page(request: HttpRequest, status: int) -> HttpResponse:
    title, next_step = WORDS[status]
    # The user is left out: an error page must not need the database.
    return render(request, Context.template, {"title": title, "next_step": next_step}, status=status)


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

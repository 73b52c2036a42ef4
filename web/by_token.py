"""What the pages behind signed links of mails have in common: how they are answered, and a link that does nothing.

Such a page is kept by no cache or index, and says its address to nobody: the token in it is an authority.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from nudges.answer_links import Over


def page(request: HttpRequest, template: str, names: Mapping[str, object], status: int = 200) -> HttpResponse:
    """A page whose address holds a token."""
    response = render(request, template, dict(names), status=status, using="jinja2")
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def cut_short(request: HttpRequest, instead: str) -> HttpResponse:
    """404: the link is not whole, or what it was about is gone. `instead` says where to look now, in a sentence."""
    why = "It may have been cut short on its way. Take it from the mail once more."
    return _dead(request, "This link does not work", why, instead, 404)


def over(request: HttpRequest, why: Over, instead: str, title: str = "This link is over") -> HttpResponse:
    """410: the link was good, and is not any more."""
    return _dead(request, title, f"{why} Nothing was changed.", instead, 410)


def _dead(request: HttpRequest, title: str, why: str, instead: str, status: int) -> HttpResponse:
    return page(request, "pages/dead-link.html", {"title": title, "why": why, "instead": instead}, status)

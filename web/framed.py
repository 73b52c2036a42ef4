"""A mail shown in a page: a document of its own that can do nothing, in a frame of the page that hosts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from csp.decorators import csp, csp_update
from django.http import HttpResponseBase
from django.views.decorators.clickjacking import xframe_options_sameorigin

View = Callable[..., HttpResponseBase]
ALLOWED: dict[str, Any] = {
    "sandbox": True, "default-src": ["'none'"], "style-src": ["'unsafe-inline'"], "img-src": ["data:"],
    "frame-ancestors": ["'self'"],
}  # fmt: skip
"""A mail's styles stand in its elements and its pictures in itself; scripts, forms and addresses elsewhere are out."""

FOLLOWED: dict[str, Any] = ALLOWED | {"sandbox": ["allow-top-navigation-by-user-activation"]}
LINKS_LEAD_ON = '<base target="_top">'


def document(view: View) -> View:
    """The mail's own document."""
    return xframe_options_sameorigin(csp(ALLOWED)(view))


def own_document(view: View) -> View:
    """The same for its receiver, who may follow its links: the page around it gives way to where they lead."""
    return xframe_options_sameorigin(csp(FOLLOWED)(view))


def followed(html: str) -> str:
    """A mail whose links lead on from the frame."""
    return html.replace("<head>", f"<head>{LINKS_LEAD_ON}", 1)


def host(view: View) -> View:
    """The page around it."""
    return csp_update({"frame-src": "'self'"})(view)

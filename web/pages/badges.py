"""Badges at their addresses: an SVG and the JSON of Shields, for whoever holds the link, without a sign-in."""

from __future__ import annotations

import hashlib
import json

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts import share_links
from accounts.clock import now
from web import badges

SECONDS = 300


@login_not_required
@require_safe
def picture(request: HttpRequest, secret: str) -> HttpResponse:
    """The badge as a picture; an old one says that it is over."""
    badge = _badge(secret)
    return _answer(request, badges.svg(badge), "image/svg+xml", over=badge is badges.UNKNOWN)


@login_not_required
@require_safe
def endpoint(request: HttpRequest, secret: str) -> HttpResponse:
    """The badge as Shields reads it."""
    badge = _badge(secret)
    return _answer(request, json.dumps(badges.shields(badge)), "application/json", over=badge is badges.UNKNOWN)


def _badge(secret: str) -> badges.Badge:
    link = share_links.recognize(secret, now()) if secret.isascii() and len(secret) < 100 else None
    if link is None or not link.scope.startswith("badge:"):
        return badges.UNKNOWN
    return badges.of_scope(link.scope) or badges.UNKNOWN


def _answer(request: HttpRequest, body: str, media_type: str, *, over: bool) -> HttpResponse:
    tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    if not over and request.headers.get("If-None-Match") == tag:
        answer = HttpResponse(status=304)
    else:
        answer = HttpResponse(body, content_type=media_type, status=404 if over else 200)
    answer["ETag"] = tag
    answer["Cache-Control"] = f"public, max-age={SECONDS}"
    answer["X-Robots-Tag"] = "noindex"
    answer["Referrer-Policy"] = "no-referrer"
    return answer

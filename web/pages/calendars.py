"""A person's private calendar at its address, for the calendar program that holds it, without a sign-in."""

from __future__ import annotations

import hashlib

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts import throttle
from accounts.clock import now
from reviews import calendar_feeds
from web import client, waits_told

SECONDS = 900


@login_not_required
@require_safe
def calendar(request: HttpRequest, secret: str) -> HttpResponse:
    """The calendar as it is now; 304 while nothing in it changed."""
    feed = calendar_feeds.recognize(secret, now()) if secret.isascii() and len(secret) < 100 else None
    if feed is None:
        # Who guesses is slowed down; a company's calendars that all ask from one address are not.
        taken = throttle.take((throttle.CALENDAR, client.address(request)), now=now())
        if taken.wait is not None:
            return waits_told.told(
                HttpResponse(waits_told.words(taken.wait), status=429, content_type="text/plain"), taken.wait
            )
        raise Http404("no calendar has this address")
    body = calendar_feeds.render(feed.person, now()).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    held = {one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")}
    if tag in held:
        answer = HttpResponse(status=304)
    else:
        answer = HttpResponse(body, content_type="text/calendar; charset=utf-8")
        answer["Content-Disposition"] = 'inline; filename="reviews.ics"'
    answer["ETag"] = tag
    answer["Cache-Control"] = f"private, max-age={SECONDS}"
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Robots-Tag"] = "noindex"
    return answer

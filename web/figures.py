"""A figure as an answer: JSON with its ETag, or 304 when the visitor holds it already."""

from __future__ import annotations

import hashlib
import json

from django.http import HttpRequest, HttpResponse


def figure_answer(request: HttpRequest, figure: object) -> HttpResponse:
    """The figure, unless If-None-Match names what it would say."""
    body = json.dumps(figure, separators=(",", ":"))
    tag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == tag:
        answer = HttpResponse(status=304)
    else:
        answer = HttpResponse(body, content_type="application/json")
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, no-cache"
    return answer

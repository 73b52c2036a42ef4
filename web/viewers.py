"""The one place that keeps viewers from changing anything: whatever is not safe is not there for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

NOTHING = "a viewer changes nothing"
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
OWN_AFFAIRS = frozenset({
    "sign-in", "sign-in-code", "sign-in-sso", "sign-out", "forgot-password", "set-password", "unsubscribe",
    "me", "me-password", "me-second-factor", "me-sign-out", "me-mail", "demo-sign-in",
})  # fmt: skip
"""Names of the addresses by which viewers look after themselves: how they sign in, and what mail they get."""


class ViewersChangeNothing:
    """Answers 404 to a viewer's request that could change something, whatever its page or method."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> HttpResponse | None:
        """Before any page is asked."""
        name = request.resolver_match.url_name if request.resolver_match else None
        if request.method in SAFE or name in OWN_AFFAIRS:
            return None
        if not (request.user.is_authenticated and request.user.reads_only):
            return None
        if request.path.startswith("/api/"):
            problem = {
                "type": "about:blank",
                "title": "Not found.",
                "status": 404,
                "detail": NOTHING,
            }
            return JsonResponse(problem, status=404, content_type="application/problem+json")
        raise Http404(NOTHING)

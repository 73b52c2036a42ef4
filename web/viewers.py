"""The one rule that keeps viewers from changing anything: whatever is not safe is not there for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
OWN_AFFAIRS = frozenset({
    "sign-in", "sign-in-code", "sign-in-sso", "sign-out", "forgot-password", "set-password", "unsubscribe",
    "answer", "answer-choice", "vote", "vote-choice", "asked", "pulse", "pulse-choice",
    "invite-reply", "invite-reply-choice",
    "me", "me-password", "me-second-factor", "me-sign-out", "me-mail", "me-place", "me-calendar",
    "inbox-read", "message-read",
    "demo-sign-in",
})  # fmt: skip
"""Names of the addresses by which viewers look after themselves: how they sign in, what mail they get and have
read; and of those where the signed link of a mail is the authority, whoever is signed in."""


def kept_from(user: AbstractBaseUser | AnonymousUser, method: str | None) -> bool:
    """Whether somebody is a viewer whose request could change something."""
    return method not in SAFE and user.is_authenticated and bool(getattr(user, "reads_only", False))


class ViewersChangeNothing:
    """Answers 404 to such a request, whatever its page. Of the API, whoever is signed in is asked there by the same
    rule (web/api/tokens.py): a token is nobody, and its door says first what it takes."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> None:
        """Before any page is asked."""
        name = request.resolver_match.url_name if request.resolver_match else None
        if name in OWN_AFFAIRS or request.path.startswith("/api/"):
            return
        if kept_from(request.user, request.method):
            raise Http404("a viewer changes nothing")

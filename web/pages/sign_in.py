"""Sign-in and sign-out, by e-mail and password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from web.render import page


@dataclass
class Context:
    """The sign-in page."""

    template: ClassVar[str] = "pages/sign-in.html"
    here: ClassVar[str] = ""
    failed: bool
    email: str
    next: str


@login_not_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form; its POST signs in and goes on to where the visitor wanted to go."""
    if request.method != "POST":
        return page(request, Context(failed=False, email="", next=request.GET.get("next", "")))
    email, wanted = request.POST.get("username", "").strip().lower(), request.POST.get("next", "")
    user = authenticate(request, username=email, password=request.POST.get("password", ""))
    if user is None:
        return page(request, Context(failed=True, email=email, next=wanted), status=400)
    login(request, user)
    return redirect(_safe(request, wanted))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect(resolve_url(settings.LOGOUT_REDIRECT_URL))


def _safe(request: HttpRequest, wanted: str) -> str:
    """Where to go: only to an address of our own."""
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if wanted and ours else resolve_url(settings.LOGIN_REDIRECT_URL)

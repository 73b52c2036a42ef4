"""Sign-in by e-mail and password, by single sign-on, the code of a second factor; sign-out."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import entry, second_factor, throttle
from accounts.clock import now
from accounts.roles import Refused
from web import client, entering, single_sign_on, waits_told
from web.render import page

log = logging.getLogger(__name__)

WRONG = "That e-mail and password do not match. Letters’ case matters in the password."
WRONG_CODE = "That code is not right, or was used before. Codes change every half minute; a recovery code works once."
NOT_FINISHED = "Signing in with {} did not finish. Try once more; if it stays so, tell an administrator."


@dataclass
class Context:
    """The sign-in page."""

    template: ClassVar[str] = "pages/sign-in.html"
    here: ClassVar[str] = ""
    problem: str
    email: str
    next: str
    single_sign_on: str
    messages: list[str]


@dataclass
class CodeContext:
    """The page that asks for the code of a second factor."""

    template: ClassVar[str] = "pages/sign-in-code.html"
    here: ClassVar[str] = ""
    problem: str


@dataclass
class LeavingContext:
    """The page between here and the provider of single sign-on."""

    template: ClassVar[str] = "pages/sign-in-leaving.html"
    here: ClassVar[str] = ""
    name: str
    address: str


@login_not_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form; its POST signs in and goes on to where the visitor wanted to go."""
    if request.method != "POST":
        return _page(request, email=entering.expected(request), wanted=request.GET.get("next", ""))
    email, wanted = request.POST.get("username", "").strip().lower(), request.POST.get("next", "")
    taken = throttle.take(
        (throttle.SIGN_IN, email), (throttle.SIGN_IN_CLIENT, client.address(request)), now=now()
    )  # fmt: skip
    if taken.wait is not None:
        return waits_told.told(_page(request, waits_told.words(taken.wait), email, wanted, 429), taken.wait)
    fits = "\0" not in email and len(email) <= entry.LONGEST_EMAIL
    password = request.POST.get("password", "")[: entry.LONGEST_PASSWORD + 1]
    person = authenticate(request, username=email, password=password) if fits else None
    if person is None:
        return _page(request, WRONG, email, wanted, 400)
    taken.give_back()
    throttle.forget(throttle.SIGN_IN, email)
    return redirect(entering.go_on(request, person, wanted, now()))


@login_not_required
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    """Ask for the code of whoever has proved the rest."""
    waiting = entering.waiting(request, now())
    if waiting is None:
        return redirect("sign-in")
    if request.method != "POST":
        return page(request, CodeContext(""))
    whom = str(waiting.person.pk)
    taken = throttle.take((throttle.CODE, whom), (throttle.CODES_A_DAY, whom), now=now())
    if taken.wait is not None:
        return waits_told.told(page(request, CodeContext(waits_told.words(taken.wait)), 429), taken.wait)
    if not second_factor.check(waiting.person, request.POST.get("code", ""), now()):
        return page(request, CodeContext(WRONG_CODE), 400)
    throttle.forget(throttle.CODE, whom)
    throttle.forget(throttle.CODES_A_DAY, whom)
    return redirect(entering.enter(request, waiting.person, waiting.wanted))


@login_not_required
@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Go to the provider of single sign-on.

    By way of a page: a form may lead to our own addresses only, also where they redirect.
    """
    if not single_sign_on.is_set():
        return redirect("sign-in")
    try:
        address = single_sign_on.begin(request, entering.safe(request, request.POST.get("next", "")), now())
    except single_sign_on.SignOnFailed as fault:
        return _not_finished(request, fault)
    return page(request, LeavingContext(settings.OIDC_NAME, address))


@login_not_required
@require_safe
def come_back(request: HttpRequest) -> HttpResponse:
    """Sign in whom the provider vouches for; what it sent along works once, in the session that asked for it."""
    if not single_sign_on.is_set():
        return redirect("sign-in")
    try:
        returned = single_sign_on.finish(request, now())
    except single_sign_on.SignOnFailed as fault:
        return _not_finished(request, fault)
    try:
        person = entry.admit(
            returned.identity, now(), domains=settings.OIDC_EMAIL_DOMAINS, create=settings.OIDC_CREATE_MEMBERS,
            provider=settings.OIDC_NAME,
        )  # fmt: skip
    except Refused as refused:
        return _page(request, str(refused), status=400)
    return redirect(entering.go_on(request, person, returned.wanted, now()))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    logout(request)
    return redirect(resolve_url(settings.LOGOUT_REDIRECT_URL))


def _not_finished(request: HttpRequest, fault: single_sign_on.SignOnFailed) -> HttpResponse:
    log.warning("single sign-on failed: %s", fault.reason)
    return _page(request, NOT_FINISHED.format(settings.OIDC_NAME), status=400)


def _page(
    request: HttpRequest, problem: str = "", email: str = "", wanted: str = "", status: int = 200
) -> HttpResponse:
    said = [str(message) for message in messages.get_messages(request)]
    name = settings.OIDC_NAME if single_sign_on.is_set() else ""
    return page(request, Context(problem, email, wanted, name, said), status)

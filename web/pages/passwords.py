"""A password forgotten, or not set yet: asked for by e-mail, and set by a link that works once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts import entry, throttle
from accounts.clock import now
from accounts.roles import Refused
from nudges import sign_in_mail
from web import client, entering, single_sign_on, waits_told
from web.render import page

COOKIE = "entry"
COOKIE_SECONDS = 3600
TOKEN = re.compile(r"[A-Za-z0-9_-]{20,100}", re.ASCII)
ON_ITS_WAY = "If somebody with that e-mail has a password here, a link is on its way. It works once, for an hour."


@dataclass
class AskContext:
    """The page that asks whose password is forgotten."""

    template: ClassVar[str] = "pages/forgot-password.html"
    here: ClassVar[str] = ""
    email: str
    problem: str
    messages: Sequence[str]


@dataclass
class SetContext:
    """The page behind a link; without `purpose` the link is none any more."""

    template: ClassVar[str] = "pages/set-password.html"
    here: ClassVar[str] = ""
    purpose: str
    email: str
    name: str
    by: str
    faults: Sequence[str]
    single_sign_on: str


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Ask for a link; the answer is the same, and takes the same work, whoever is known."""
    if request.method != "POST":
        said = [str(message) for message in messages.get_messages(request)]
        return page(request, AskContext("", "", said))
    email = request.POST.get("email", "")
    try:
        address = entry.as_email(email)
    except Refused as refused:
        return page(request, AskContext(email[:300], str(refused), ()), 400)
    taken = throttle.take((throttle.ASK, address), (throttle.ASK_CLIENT, client.address(request)), now=now())
    if taken.wait is not None:
        answer = page(request, AskContext(email, waits_told.words(taken.wait), ()), 429)
        return waits_told.told(answer, taken.wait)
    entry.ask(address, now())
    messages.info(request, ON_ITS_WAY)
    return redirect("forgot-password")


@login_not_required
@require_safe
def follow(_request: HttpRequest, token: str) -> HttpResponse:
    """Put a link's token in a short cookie, so that it leaves the address bar; nothing is looked up or changed."""
    answer = redirect("set-password")
    if TOKEN.fullmatch(token):
        answer.set_cookie(
            COOKIE, token, max_age=COOKIE_SECONDS, path=reverse("set-password"), secure=settings.SESSION_COOKIE_SECURE,
            httponly=True, samesite="Lax",
        )  # fmt: skip
    else:
        _forget(answer)
    answer["Referrer-Policy"] = "no-referrer"
    return _unseen(answer)


@login_not_required
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def set_password(request: HttpRequest) -> HttpResponse:
    """Show the form of a live link; its POST sets the password, once. It signs nobody in."""
    token = request.COOKIES.get(COOKIE, "")
    link = entry.find(token, now()) if TOKEN.fullmatch(token) else None
    if link is None:
        return _unseen(_forget(page(request, SetContext("", "", "", "", (), ""), 404)))
    context = SetContext(
        purpose=link.purpose,
        email=link.user.email,
        name=link.user.name,
        by=str(link.created_by or ""),
        faults=(),
        single_sign_on=settings.OIDC_NAME if single_sign_on.is_set() else "",
    )
    if request.method != "POST":
        return _unseen(page(request, context))
    password, faults = request.POST.get("password", ""), []
    if link.purpose == entry.Purpose.INVITATION:
        context.name = request.POST.get("name", "")[:1000]
        try:
            context.name = entry.as_name(context.name)
        except Refused as refused:
            faults.append(str(refused))
    context.faults = [*faults, *entry.password_faults(password, link.user)]
    if context.faults:
        return _unseen(page(request, context, 400))
    with transaction.atomic():
        person = entry.use(token, password, now(), name=context.name)
        if person is not None and link.purpose == entry.Purpose.PASSWORD:
            sign_in_mail.tell_of_change(person, sign_in_mail.PASSWORD, now())
    if person is None:
        return redirect("set-password")
    messages.info(request, "Your password is set. Sign in with it.")
    entering.expect(request, person)
    return _unseen(_forget(redirect("sign-in")))


def _forget(answer: HttpResponse) -> HttpResponse:
    answer.delete_cookie(COOKIE, path=reverse("set-password"), samesite="Lax")
    return answer


def _unseen(answer: HttpResponse) -> HttpResponse:
    """Kept by no index. No other site is told by the service's own policy; under `no-referrer` a form has no origin."""
    answer["X-Robots-Tag"] = "noindex"
    return answer

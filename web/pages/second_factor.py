"""Setting a second factor, new recovery codes, and doing without it again: each proved by a code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import second_factor, throttle
from accounts.clock import now
from accounts.secrets import Unreadable
from nudges import sign_in_mail
from web import access, waits_told
from web.render import page

SECRET = "second factor to be confirmed"  # noqa: S105 - the name of it in the session
WRONG = "That code is not right, or was used before. Wait for the next one and type it in."


@dataclass
class Context:
    """The page: nothing set, a secret to be confirmed (`picture`), set, or fresh recovery codes (`codes`)."""

    template: ClassVar[str] = "pages/second-factor.html"
    here: ClassVar[str] = "me"
    since: datetime | None
    picture: str
    secret: str
    codes: Sequence[str]
    codes_left: int
    problem: str


@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def factor(request: HttpRequest) -> HttpResponse:
    """Show where it stands; the POST's `do` is start, confirm, leave, codes or remove."""
    if request.method != "POST":
        return _page(request)
    action = request.POST.get("do", "")
    if action == "start" and not second_factor.is_set(access.person(request)):
        request.session[SECRET] = second_factor.new_secret()
    elif action == "leave":
        request.session.pop(SECRET, None)
        return redirect("me")
    elif action in ("confirm", "codes", "remove"):
        return _proved(request, action)
    return redirect("me-second-factor")


def _proved(request: HttpRequest, action: str) -> HttpResponse:
    """What only a right code does."""
    person = access.person(request)
    taken = throttle.take((throttle.CODE, str(person.pk)), (throttle.CODES_A_DAY, str(person.pk)), now=now())
    if taken.wait is not None:
        return waits_told.told(_page(request, waits_told.words(taken.wait), status=429), taken.wait)
    code = request.POST.get("code", "")
    if action == "confirm":
        codes = _confirmed(request, code)
        if codes is None:
            return _page(request, WRONG, status=400)
        taken.give_back()
        return _page(request, codes=codes)
    if not second_factor.check(person, code, now()):
        return _page(request, WRONG, status=400)
    taken.give_back()
    if action == "codes":
        return _page(request, codes=second_factor.new_recovery_codes(person, now()))
    with transaction.atomic():
        if second_factor.remove(person, person, now()):
            sign_in_mail.tell_of_change(person, sign_in_mail.FACTOR_REMOVED, now())
    messages.info(request, "Signing in asks for no code any more.")
    return redirect("me")


def _confirmed(request: HttpRequest, code: str) -> list[str] | None:
    """The recovery codes of a factor that is set now; None if the code is not that of the secret shown."""
    person, sealed = access.person(request), request.session.get(SECRET, "")
    if not sealed or second_factor.is_set(person):
        return None
    try:
        with transaction.atomic():
            codes = second_factor.confirm(person, sealed, code, now())
            if codes is not None:
                sign_in_mail.tell_of_change(person, sign_in_mail.SECOND_FACTOR, now())
    except Unreadable:
        codes = None
    if codes is not None:
        del request.session[SECRET]
    return codes


def _page(request: HttpRequest, problem: str = "", codes: Sequence[str] = (), status: int = 200) -> HttpResponse:
    person = access.person(request)
    since, sealed = second_factor.since(person), request.session.get(SECRET, "")
    picture = secret = ""
    if sealed and since is None:
        try:
            picture, secret = second_factor.picture(person, sealed), second_factor.readable(sealed)
        except Unreadable:
            problem = problem or "The secret shown before cannot be used any more: begin anew."
    left = second_factor.recovery_codes_left(person) if since else 0
    return page(request, Context(since, picture, secret, codes, left, problem), status)

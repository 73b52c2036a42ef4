"""From a proof of who somebody is to their session: by way of the second factor, where they have set one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import second_factor
from accounts.models import User

BACKEND = "django.contrib.auth.backends.ModelBackend"
WAITING = "sign-in waits for a code"
EXPECTED = "set a password a moment ago"
WAITS_FOR = timedelta(minutes=10)
LONGEST = 2000


@dataclass(frozen=True)
class Waiting:
    """Somebody who has proved who they are, and owes a code."""

    person: User
    wanted: str


def go_on(request: HttpRequest, person: User, wanted: str, now: datetime) -> str:
    """Sign somebody in who has proved who they are, or ask for the code first; returns where to go."""
    if not second_factor.is_set(person):
        return enter(request, person, wanted)
    request.session.cycle_key()
    request.session[WAITING] = {
        "person": person.pk,
        "hash": person.get_session_auth_hash(),
        "until": (now + WAITS_FOR).isoformat(),
        "wanted": safe(request, wanted),
    }
    return reverse("sign-in-code")


def enter(request: HttpRequest, person: User, wanted: str) -> str:
    """Open a session, under a new key; returns where to go."""
    request.session.pop(WAITING, None)
    login(request, person, backend=BACKEND)
    return safe(request, wanted)


def expect(request: HttpRequest, person: User) -> None:
    """Who has just set a password signs in next: the form is filled in once, in this browser only."""
    request.session[EXPECTED] = person.email


def expected(request: HttpRequest) -> str:
    """Whose e-mail the sign-in form begins with, asked once; mostly nobody's."""
    return str(request.session.pop(EXPECTED)) if EXPECTED in request.session else ""


def waiting(request: HttpRequest, now: datetime) -> Waiting | None:
    """Who owes a code in this session; None if nobody does, or not any more."""
    held = request.session.get(WAITING)
    if not isinstance(held, dict) or datetime.fromisoformat(held["until"]) <= now:
        return None
    person = User.objects.filter(pk=held["person"], is_active=True).first()
    # Another password, or signed out everywhere, since: the first proof is one no more.
    if person is None or person.get_session_auth_hash() != held["hash"]:
        return None
    return Waiting(person, held["wanted"])


def safe(request: HttpRequest, wanted: str) -> str:
    """Where to go: only to an address of our own."""
    if len(wanted) > LONGEST:
        wanted = ""
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if wanted and ours else resolve_url(settings.LOGIN_REDIRECT_URL)

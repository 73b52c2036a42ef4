"""The demo's first page: what to look at, and as whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from accounts import clock
from accounts.models import User
from demo import play, story
from demo.mailbox import newest_first
from demo.shift import PRESENT
from web.render import page


@dataclass(frozen=True)
class SignIn:
    """Somebody to look at the demo as."""

    person: User
    role: str
    what: str


@dataclass
class Context:
    """The first page."""

    template: ClassVar[str] = "demo/start.html"
    here: ClassVar[str] = "demo"
    sign_ins: Sequence[SignIn]
    password: str
    mails: int
    weeks: int
    present: date
    today: date
    days_ahead: int


@login_not_required
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """What to look at."""
    shift = play.story_shift()
    people = {
        person.email: person for person in User.objects.filter(email__in=[email for email, _, _ in story.SIGN_INS])
    }
    context = Context(
        sign_ins=[SignIn(people[email], role, what) for email, role, what in story.SIGN_INS if email in people],
        password=play.PASSWORD,
        mails=sum(1 for _ in newest_first()),
        weeks=shift // timedelta(weeks=1),
        present=PRESENT + shift,
        today=clock.now().date(),
        days_ahead=clock.days_ahead(),
    )
    return page(request, context)


@login_not_required
@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in as one of the demo's people, without a password."""
    email = request.POST.get("email", "")
    if email not in {known for known, _, _ in story.SIGN_INS}:
        raise Http404
    login(request, User.objects.get(email=email), backend="django.contrib.auth.backends.ModelBackend")
    return redirect("home")

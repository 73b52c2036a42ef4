"""The page behind the link of a mail about an ask: kept, not yet, cannot.

The signed token is the authority, not a session: it lets its holder say, in its receiver's name, how that one ask goes;
it signs nobody in, and looking at the page changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import throttle
from accounts.clock import now, today
from nudges.answer_links import Over
from nudges.links import BadLink
from reviews import ask_links, asks
from reviews.models import Ask
from teams.typed import Unfit
from web import access, ask_page, by_token, waits_told

INSTEAD = "What is asked of you now stands on your home page, after signing in."
MAIL = "mail"
"""By which way an answer came, in the audit log."""


@dataclass(frozen=True)
class Context:
    """The page of choices."""

    ask: Ask
    sentence: str
    here: str
    who: str
    may: bool
    problem: str
    text: str
    last_day: date


@csrf_exempt  # The signed token is the authority; a form in a mail program's window sends no cookie.
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def asked(request: HttpRequest, token: str) -> HttpResponse:
    """The choices for one ask; its POST answers."""
    moment = now()
    try:
        found = ask_links.read(token, moment)
    except BadLink:
        return by_token.cut_short(request, INSTEAD)
    except Over as why:
        return by_token.over(request, why, INSTEAD)
    if request.method != "POST":
        return _choices(request, found)
    taken = throttle.take((throttle.ANSWER, str(found.person.pk)), now=moment)
    if taken.wait is not None:
        page = _choices(request, found, problem=waits_told.words(taken.wait), status=429)
        return waits_told.told(page, taken.wait)
    if not asks.may_say(found.person, found.ask):
        return _choices(request, found, problem="Nothing was changed: this person may only read.", status=400)
    typed = access.typed(request)
    try:
        asks.answer(found.ask, typed["said"], typed["text"], moment, actor=found.person, via=MAIL)
    except Unfit as unfit:
        return _choices(request, found, problem=str(unfit), status=400)
    return redirect("asked", token)


def _choices(request: HttpRequest, found: ask_links.Asked, *, problem: str = "", status: int = 200) -> HttpResponse:
    on = today(found.ask.program.review_zone, now())
    context = Context(
        ask=found.ask,
        sentence=ask_page.sentence(found.ask, on),
        here=request.path,
        who=found.person.email,
        may=asks.may_say(found.person, found.ask),
        problem=problem,
        text=request.POST.get("text", "")[:4000].replace("\0", "") if problem else "",
        last_day=found.last_day,
    )
    return by_token.page(request, "pages/asked.html", vars(context), status)

"""The page behind a mail's unsubscribe links: looking at it changes nothing, its POST acts, no sign-in needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import clock
from nudges import links
from program.models import Program
from web import by_token

ONE_CLICK = "One-Click"


@dataclass(frozen=True)
class Context:
    """What the page shows. `state`: ask, done, or broken."""

    state: str
    stopping: bool = True
    email: str = ""
    program: Program | None = None
    others: Sequence[Program] = ()
    undo: str = ""


@csrf_exempt  # The signed token is the authority, not a session; mail providers post without cookies (RFC 8058).
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or do."""
    try:
        intent = links.read(token)
        if request.method == "POST":
            return _page(request, _act(request, intent))
    except links.BadLink:
        return _page(request, Context("broken"), status=404)
    others = links.programs_heard(intent.person) if intent.program is None and intent.action == links.STOP else ()
    return _page(
        request,
        Context("ask", intent.action == links.STOP, intent.person.email, intent.program, others),
    )


def _act(request: HttpRequest, intent: links.Intent) -> Context:
    one_click = request.POST.get("List-Unsubscribe") == ONE_CLICK
    if key := request.POST.get("program", ""):
        intent = intent.narrowed(_heard(intent, key))
    links.act(intent, clock.now(), via="one click" if one_click else "mail page")
    undo = links.write(intent.reversed())
    return Context("done", intent.action == links.STOP, intent.person.email, intent.program, undo=undo)


def _heard(intent: links.Intent, key: str) -> Program:
    """A program that spoke to this person: of another one the link's holder does not learn that it is there."""
    heard = links.programs_heard(intent.person)
    if intent.program is not None:
        heard.append(intent.program)
    found = next((program for program in heard if program.key == key), None)
    if found is None:
        raise links.BadLink("no such program spoke to this person")
    return found


def _page(request: HttpRequest, context: Context, status: int = 200) -> HttpResponse:
    return by_token.page(request, "pages/unsubscribe.html", vars(context), status)

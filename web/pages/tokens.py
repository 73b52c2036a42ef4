"""Access tokens: which there are, making one that is shown once, and revoking one at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from accounts.clock import now
from accounts.models import AccessToken
from accounts.tokens import LIVE, end, issue, state_of
from program import wording
from web import access, grants
from web.grants import Grant
from web.render import page

SPANS = {"30": "30 days", "90": "90 days", "365": "a year", "730": "two years"}
USUAL = "365"
LONGEST = 200
MOST_SCOPES = 100


@dataclass(frozen=True)
class Line:
    """One token: how it stands, and whose it is."""

    token: AccessToken
    state: str
    live: bool
    mine: bool


@dataclass
class Context:
    """The list and the form. `secret` is a token that is shown this once."""

    template: ClassVar[str] = "pages/tokens.html"
    here: ClassVar[str] = "me"
    sentence: str
    lines: Sequence[Line]
    grants: Sequence[Grant]
    spans: Mapping[str, str]
    may_make: bool
    messages: Sequence[str]
    secret: str = ""
    problem: str = ""
    typed: Mapping[str, str] = field(default_factory=lambda: {"label": "", "days": USUAL})
    chosen: Sequence[str] = ()


@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """The tokens this person may see; a POST makes one."""
    if request.method != "POST":
        return page(request, _context(request, now()))
    person, moment = access.person(request), now()
    typed = {"label": request.POST.get("label", "").strip(), "days": request.POST.get("days", "")}
    chosen = request.POST.getlist("scope")[:MOST_SCOPES]
    problem = _fault(typed, chosen, {grant.scope for grant in grants.grantable(person)})
    if problem:
        context = _context(request, moment)
        context.problem, context.chosen = problem, chosen
        context.typed = {"label": typed["label"].replace("\0", "")[:LONGEST], "days": typed["days"]}
        return page(request, context, status=400)
    until = moment + timedelta(days=int(typed["days"]))
    _, secret = issue(typed["label"], chosen, created_by=person, expires_at=until, via="page")
    context = _context(request, moment)
    context.secret = secret
    return page(request, context)


def _fault(typed: Mapping[str, str], chosen: Sequence[str], may: set[str]) -> str:
    """What is wrong with a form, or nothing."""
    label = typed["label"]
    if not label or len(label) > LONGEST or "\0" in label:
        return f"A label of 1 to {LONGEST} characters was expected: say what the token is for."
    if not chosen:
        return "Something that it may do was expected: choose at least one."
    if not may.issuperset(chosen):
        return "Something that you may grant was expected: your own programs and feeds, and reading."
    if typed["days"] not in SPANS:
        return f"An end was expected: after {', '.join(SPANS.values())}."
    return ""


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a token: one's own, or one that may feed a program one runs."""
    found = next((token for token in grants.visible_to(access.person(request)) if token.pk == pk), None)
    if found is None:
        raise Http404
    done = end(found, by=access.person(request), now=now())
    messages.info(
        request, f"{found.label} is revoked: it works no more." if done else f"{found.label} was revoked before."
    )
    return redirect("tokens")


def _context(request: HttpRequest, moment: datetime) -> Context:
    person = access.person(request)
    lines = []
    for token in grants.visible_to(person):
        state = state_of(token, moment)
        lines.append(Line(token, state, state == LIVE, token.created_by_id == person.pk))
    lines.sort(key=lambda line: not line.live)
    return Context(
        sentence=_sentence(lines),
        lines=lines,
        grants=grants.grantable(person),
        spans=SPANS,
        may_make=not person.reads_only,
        messages=[str(message) for message in messages.get_messages(request)],
    )


def _sentence(lines: Sequence[Line]) -> str:
    live = sum(line.live for line in lines)
    if not lines:
        return "There is no token yet."
    others = len(lines) - live
    said = f"{wording.count(live, 'token')} {'works' if live == 1 else 'work'}" if live else "No token works"
    return said + (f", {others} {'does' if others == 1 else 'do'} no more." if others else ".")

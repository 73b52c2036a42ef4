"""A new program, and the owner's desk: the program as a document that is edited in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.clock import now, today
from program import drafts
from program.models import Program
from program.typed_in import TypedIn
from teams import charter
from teams.apply.changes import Changes
from web import access, desk, desk_parts
from web.desk_parts import Attempt
from web.render import page

VIA = "page"
NEW = ("name", "key", "purpose")
SUGGESTED = 500
"""Characters of a field that a link suggests."""


@dataclass
class NewContext:
    """The form of a new program. `faults` say by field what was expected."""

    template: ClassVar[str] = "pages/program-new.html"
    here: ClassVar[str] = "programs"
    values: Mapping[str, str]
    faults: Mapping[str, str] = field(default_factory=dict)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Start a program: a name and a purpose make a draft, which lands on its maker's desk."""
    user = access.person(request)
    if not drafts.may_start(user):
        raise Http404("a viewer starts no program")
    if request.method != "POST":
        return page(
            request, NewContext({name: request.GET.get(name, "")[:SUGGESTED].replace("\0", "") for name in NEW})
        )
    typed = access.typed(request)
    moment = now()
    made = drafts.start(typed, day=today("UTC", moment), now=moment, by=user, via=VIA)
    if made is None:
        return page(request, NewContext({name: typed[name] for name in NEW}, typed.faults), status=400)
    messages.info(request, f"{made.name} is a draft: its owners see it. Fill in what is missing, in any order.")
    return redirect("desk", made.key)


@require_safe
def show(request: HttpRequest, key: str) -> HttpResponse:
    """The desk."""
    found = access.owned_program(request, key)
    return page(
        request,
        desk.context(found, now(), access.metrics(request), access.suggested(request), messages=_messages(request)),
    )


@require_POST
def keep(request: HttpRequest, key: str, part: str) -> HttpResponse:
    """Keep one part of the charter, or (`do=look`) say what would follow and keep nothing."""
    found = access.desk_program(request, key)
    if part not in charter.PARTS:
        raise Http404(f"{part[:40]!a} is no part of a charter")
    typed, user, moment = access.typed(request), access.person(request), now()
    if typed["do"] == "look":
        return _look(request, found, part, typed)
    changed = charter.keep(found, part, typed, Changes(moment, VIA, user))
    if typed.faults:
        return _again(request, found, Attempt(part, typed), status=400)
    messages.info(request, "Kept." if changed else "Nothing changed.")
    if not access.owns(user, found):
        return redirect("home")
    return redirect(f"{desk.address('desk', found.key)}#{part}")


def _look(request: HttpRequest, found: Program, part: str, typed: TypedIn) -> HttpResponse:
    """What would follow: as JSON for a script that asks while somebody types, else on the desk itself."""
    if request.headers.get("Accept") == "application/json":
        said = desk_parts.consequences(desk_parts.read(found, now()), part, typed, access.person(request))
        return JsonResponse({"said": said, "faults": typed.faults})
    return _again(request, found, Attempt(part, typed), status=200)


def _again(request: HttpRequest, found: Program, attempt: Attempt, status: int) -> HttpResponse:
    shown = desk.context(found, now(), access.metrics(request), access.suggested(request), attempt)
    return page(request, shown, status=400 if attempt.typed.faults else status)


def _messages(request: HttpRequest) -> Sequence[str]:
    return [str(message) for message in messages.get_messages(request)]

"""People and teams from a Backstage file: first the plan, then, if it is as meant, the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from accounts.clock import now
from program import wording
from program.feeds.batch import Fault
from teams.apply.changes import Change
from teams.apply.files import apply_text
from teams.apply.leavers import Leaver, leavers, let_go
from teams.apply.marked_yaml import LARGEST, Unreadable, load
from web import access
from web.render import page

SHOWN = 500
"""Changes shown of a plan; a first file of a large organization has thousands."""


@dataclass
class Context:
    """The page: a form, and once a file was given its plan or its faults."""

    template: ClassVar[str] = "pages/people-import.html"
    here: ClassVar[str] = "people"
    text: str
    planned: bool
    changes: Sequence[Change]
    more: int
    leavers: Sequence[Leaver]
    faults: Sequence[Fault]


@require_http_methods(["GET", "HEAD", "POST"])
def from_file(request: HttpRequest) -> HttpResponse:
    """Show the form; the POST's `do` is plan or apply."""
    by = access.person(request)
    if not by.is_superuser or by.reads_only:
        raise Http404
    if request.method != "POST":
        return page(request, Context("", False, (), 0, (), ()))
    text = ""
    try:
        text = _text(request)
        if request.POST.get("do") == "apply":
            return _applied(request, text)
        planned = apply_text(text, now=now(), via="page", actor=by, plan=True)
    except Unreadable as unreadable:
        return page(request, Context(text, False, (), 0, (), unreadable.faults[:100]), 400)
    gone = leavers(load(text), planned)
    return page(request, Context(text, True, planned[:SHOWN], max(0, len(planned) - SHOWN), gone, ()))


def _applied(request: HttpRequest, text: str) -> HttpResponse:
    """Make it so, and let go of those leavers who were ticked, all or nothing."""
    by, ticked = access.person(request), set(request.POST.getlist("leaver"))
    with transaction.atomic():
        made = apply_text(text, now=now(), via="page", actor=by)
        chosen = [leaver for leaver in leavers(load(text), made) if leaver.person.email in ticked]
        gone = let_go(chosen, by, now(), "page")
    said = f"{wording.count(len(made), 'change')} applied" if made else "Nothing was to change"
    messages.info(request, f"{said}{f', {len(gone)} deactivated' if gone else ''}.")
    return redirect("people")


def _text(request: HttpRequest) -> str:
    """The file or the text that was given; entities only. Raises Unreadable."""
    upload = request.FILES.get("file")
    if upload is not None and (upload.size or 0) > 4 * LARGEST:
        raise Unreadable([Fault(0, f"a file of at most {LARGEST:,} characters was expected")])
    try:
        text = upload.read().decode("utf-8-sig") if upload is not None else request.POST.get("text", "")
    except UnicodeDecodeError:
        raise Unreadable([Fault(0, "a text file in UTF-8 was expected")]) from None
    documents = load(text)
    if not any(isinstance(document.value, dict) and "kind" in document.value for document in documents):
        raise Unreadable([Fault(0, "Backstage entities (kind: Group, kind: User) were expected")])
    return text

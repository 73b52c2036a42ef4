"""A program as a file: read and fetched as YAML, changed in place or pasted; first the plan, then the change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods, require_safe

from accounts.clock import now
from program import wording
from program.drafts import may_start
from program.feeds.batch import Fault
from program.models import Program
from teams.apply.changes import Change
from teams.apply.export import export
from teams.apply.files import Outcome, apply_file
from teams.apply.marked_yaml import Unreadable, load
from web import access
from web.render import page

LARGEST = 300_000
"""Characters; a larger file is applied on the server."""
SHOWN = 100
"""Rows shown of a plan."""
VIA = "apply page"


@dataclass
class Context:
    """A form, and once a file was given its plan or its faults. `program` is the one whose file it is, if known."""

    template: ClassVar[str] = "pages/program-apply.html"
    here: ClassVar[str] = "programs"
    program: Program | None
    text: str
    outcome: Outcome | None = None
    faults: Sequence[Fault] = ()
    moved: bool = False
    rows: Sequence[Change] = ()
    more: int = 0


@dataclass
class FileContext:
    """A program's file, to read, take away and change."""

    template: ClassVar[str] = "pages/program-file.html"
    here: ClassVar[str] = "programs"
    program: Program
    text: str
    applied: str
    messages: Sequence[str] = field(default_factory=list)


@require_safe
def yaml(request: HttpRequest, key: str) -> HttpResponse:
    """The file itself, for those who run the program: addresses of people and sources stand in it."""
    found = access.owned_program(request, key)
    answer = HttpResponse(export(found), content_type="application/yaml; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found.key}.yaml"'
    add_never_cache_headers(answer)
    return answer


@require_safe
def as_file(request: HttpRequest, key: str) -> HttpResponse:
    """The file in a field where it can be changed; what it would change is shown before anything does."""
    found = access.owned_program(request, key)
    applied = f"A file was applied last on {wording.moment(found.applied_at)} UTC." if found.applied_at else ""
    told = [str(message) for message in messages.get_messages(request)]
    return page(request, FileContext(found, export(found), applied, told))


@require_http_methods(["GET", "HEAD", "POST"])
def apply(request: HttpRequest) -> HttpResponse:
    """Show a form for a file; the POST's `do` is plan or apply."""
    by = access.person(request)
    if not may_start(by):
        raise Http404
    if request.method != "POST":
        return page(request, Context(None, ""))
    apply_it = request.POST.get("do") == "apply"
    text = ""
    try:
        text = _text(request)
        _check(text)
        outcome = apply_file(
            text,
            now=now(),
            via=VIA,
            actor=by,
            plan=not apply_it,
            overwrite=apply_it and request.POST.get("overwrite") == "on",
            limited=True,
            expected=request.POST.get("expected", "")[:64] if apply_it else "",
        )
    except Unreadable as unreadable:
        return page(request, Context(None, text, faults=unreadable.faults[:100]), 400)
    program = _owned(request, outcome)
    if apply_it and not outcome.conflicts and not outcome.moved:
        made = wording.count(len(outcome.changes), "change")
        messages.info(request, f"{made} applied." if outcome.changes else "Nothing was to change.")
        return redirect("program-file", program.key) if program else redirect("programs")
    context = Context(
        program, text, outcome, moved=outcome.moved, rows=outcome.changes[:SHOWN],
        more=max(0, len(outcome.changes) - SHOWN),
    )  # fmt: skip
    return page(request, context, 409 if apply_it else 200)


def _owned(request: HttpRequest, outcome: Outcome) -> Program | None:
    """The program that the file is of, where this person runs it."""
    keys = [told.program for told in outcome.told]
    return Program.objects.run_by(access.person(request)).filter(key__in=keys).order_by("key").first()


def _text(request: HttpRequest) -> str:
    """The file or the text that was given. Raises Unreadable."""
    upload = request.FILES.get("file")
    if upload is not None and (upload.size or 0) > 4 * LARGEST:
        raise Unreadable([Fault(0, _too_large())])
    try:
        return upload.read().decode("utf-8-sig") if upload is not None else request.POST.get("text", "")
    except UnicodeDecodeError:
        raise Unreadable([Fault(0, "a text file in UTF-8 was expected")]) from None


def _check(text: str) -> None:
    """Refuse what is too long for a page, and files of teams. Raises Unreadable."""
    if len(text) > LARGEST:
        raise Unreadable([Fault(0, _too_large())])
    if any(isinstance(document.value, dict) and "kind" in document.value for document in load(text)):
        raise Unreadable([Fault(0, "a program was expected: teams and people are read on the page of people")])


def _too_large() -> str:
    return f"a file of at most {LARGEST:,} characters was expected: apply a larger one on the server"

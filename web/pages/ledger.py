"""What a program costs, and whether it shows a known cause of failure, for its owners and its sponsor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from accounts.clock import now, today
from program.models import Program
from program.typed_in import TypedIn
from reviews import health, ledger
from reviews.health import Cause
from reviews.ledger import Ledger
from reviews.models import Cost
from teams.lifecycle import has_ended
from web import access
from web.render import page

SHOWN = 200


@dataclass
class Context:
    """The ledger, its entries, and a form for hours."""

    template: ClassVar[str] = "pages/ledger.html"
    here: ClassVar[str] = "programs"
    program: Program
    sentence: str
    ledger: Ledger
    causes: Sequence[Cause]
    entries: Sequence[Cost]
    kinds: Sequence[str]
    on: date
    may_note: bool
    values: Mapping[str, str]
    faults: Mapping[str, str]
    messages: Sequence[str] = field(default_factory=list)


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Look at the ledger, or note hours."""
    user, moment = access.person(request), now()
    found = access.reviewed_program(request, key)
    if request.method != "POST":
        return page(request, _context(request, found))
    if user.reads_only:
        raise Http404("a viewer notes nothing")
    if has_ended(found):
        raise access.Ended(found)
    typed = access.typed(request)
    if ledger.note(found, typed, by=user, now=moment, today=today(found.review_zone, moment)) is None:
        return page(request, _context(request, found, typed), status=400)
    messages.info(request, "Noted.")
    return redirect("ledger", found.key)


@require_POST
def strike(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Take an entry back."""
    user = access.person(request)
    rows = Cost.objects.visible_to(user).filter(program=access.reviewed_program(request, key))
    row = get_object_or_404(rows.select_related("program"), pk=pk)
    if user.reads_only:
        raise Http404("a viewer strikes nothing")
    if has_ended(row.program):
        raise access.Ended(row.program)
    struck = ledger.strike(row, by=user, now=now())
    messages.info(request, "Struck: it does not count any more." if struck else "It was struck before.")
    return redirect("ledger", key)


def _context(request: HttpRequest, found: Program, typed: TypedIn | None = None) -> Context:
    user, moment = access.person(request), now()
    on = today(found.review_zone, moment)
    made = ledger.of_program(found, on)
    return Context(
        program=found,
        sentence=" ".join(ledger.sentences(made)),
        ledger=made,
        causes=health.of_program(found, moment),
        entries=list(Cost.objects.filter(program=found).select_related("by")[:SHOWN]),
        kinds=Cost.Kind.values,
        on=on,
        may_note=not (user.reads_only or has_ended(found)),
        values=typed.values if typed else {"kind": Cost.Kind.OWNERS, "day": on.isoformat()},
        faults=typed.faults if typed else {},
        messages=[str(message) for message in messages.get_messages(request)],
    )

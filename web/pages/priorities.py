"""Changes of priorities of one program: noted by its sponsor, seen by its owners, until they are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from accounts.clock import now, today
from program import wording
from program.models import Program
from reviews import priorities as changes
from reviews.models import Priority
from teams.typed import Unfit
from web import access
from web.render import page

SHOWN_AT_MOST = 2000


@dataclass(frozen=True)
class Line:
    """One change: its day and who noted it, and since when it is over."""

    pk: int
    text: str
    said: str
    stands: bool


@dataclass
class Context:
    """All changes of a program, and the form for those who may note one."""

    template: ClassVar[str] = "pages/priorities.html"
    here: ClassVar[str] = "programs"
    program: Program
    sentence: str
    lines: Sequence[Line]
    may_note: bool
    messages: Sequence[str]
    problem: str = ""
    typed: str = ""
    longest: int = changes.LONGEST


@require_http_methods(["GET", "HEAD", "POST"])
def priorities(request: HttpRequest, key: str) -> HttpResponse:
    """What was noted; its POST notes another change, for the sponsor."""
    program, user = access.reviewed_program(request, key), access.person(request)
    if request.method != "POST":
        return page(request, _context(request, program))
    if not changes.may_note(user, program):
        raise Http404
    text = request.POST.get("text", "")
    try:
        changes.note(program, text, now(), by=user)
    except Unfit as unfit:
        context = _context(request, program)
        context.problem, context.typed = str(unfit), text.replace("\0", "")[:SHOWN_AT_MOST]
        return page(request, context, status=400)
    messages.info(request, "Noted. The owners get it by mail now, and see it until you say that it is over.")
    return redirect("program-priorities", program.key)


@require_POST
def over(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Say that a change is over, for the sponsor."""
    program, user = access.reviewed_program(request, key), access.person(request)
    found = get_object_or_404(Priority.objects.visible_to(user).select_related("program"), program=program, pk=pk)
    if not changes.may_note(user, program):
        raise Http404
    done = changes.end(found, now(), by=user)
    messages.info(request, "Over: it stays on record here." if done else "It was over before.")
    return redirect("program-priorities", program.key)


def _context(request: HttpRequest, program: Program) -> Context:
    user, on = access.person(request), today(program.review_zone, now())
    rows = Priority.objects.visible_to(user).filter(program=program).select_related("by")
    found = sorted(rows, key=lambda row: row.over_at is not None)
    standing = sum(row.over_at is None for row in found)
    return Context(
        program=program,
        sentence=_sentence(program, standing),
        lines=[_line(row, on, program.review_zone) for row in found],
        may_note=changes.may_note(user, program),
        messages=[str(message) for message in messages.get_messages(request)],
    )


def _sentence(program: Program, standing: int) -> str:
    if not standing:
        return f"The priorities of {program.name} are as its charter says."
    stand = "change of priorities stands" if standing == 1 else "changes of priorities stand"
    return f"{standing} {stand} beside the charter."


def _line(row: Priority, on: date, zone: str) -> Line:
    said = f"{row.by}, {wording.near_day(today(zone, row.at), on)}"
    if row.over_at is not None:
        said += f", over since {wording.near_day(today(zone, row.over_at), on)}"
    return Line(row.pk, row.text, said, row.over_at is None)

"""Exemptions: the ledger of one program or of all, an owner's answer, and an early end."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.clock import now
from program import wording
from program.models import Program
from teams import exempting, typed
from teams.models import Exemption
from teams.typed import Unfit
from web import access, goal_page, ledger

EVERYTHING = "*"
"""Names the ledger of all programs in the form that leads back to it; another value is a program's key."""


@require_safe
def every(request: HttpRequest) -> HttpResponse:
    """The ledger of all programs that this person may see."""
    return ledger.answer(request, None, now())


@require_safe
def every_table(request: HttpRequest) -> HttpResponse:
    """The same as CSV."""
    return ledger.table(request, None, now())


@require_safe
def of_program(request: HttpRequest, key: str) -> HttpResponse:
    """The ledger of one program."""
    return ledger.answer(request, access.program(request, key), now())


@require_safe
def program_table(request: HttpRequest, key: str) -> HttpResponse:
    """The same as CSV."""
    return ledger.table(request, access.program(request, key), now())


@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve a request, perhaps for less time, or decline it with words: for the program's owners."""
    made = _found(request, pk)
    user = access.person(request)
    if not goal_page.may(user, made.goal).answer:
        raise Http404
    read = request.POST.get
    try:
        if read("answer") == "approve":
            words = typed.text(read("text", ""), "a word to the team", required=False)
            until = typed.day(read("until", ""), "last day")
            exempting.approve(made, until=until, text=words, by=user, now=now())
            made.refresh_from_db()
            said = f"Approved: {made.goal.team.name} is exempt until {wording.day(made.until_day)}."
        elif read("answer") == "decline":
            exempting.decline(made, text=typed.text(read("text", ""), "why not, for the team"), by=user, now=now())
            said = f"Declined: the goal of {made.goal.team.name} counts as before."
        else:
            raise Unfit("Approve or decline was expected.")
    except Unfit as unfit:
        return _refused(request, made, "asked", unfit)
    messages.info(request, said)
    return _back(request, made)


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw a request, or end an exemption early."""
    made = _found(request, pk)
    user = access.person(request)
    if not goal_page.may(user, made.goal, made).end:
        raise Http404
    try:
        words = typed.text(request.POST.get("text", ""), "why now", required=False)
        was = exempting.end(made, text=words, by=user, now=now())
    except Unfit as unfit:
        return _refused(request, made, "end", unfit)
    messages.info(request, "Taken back." if was == "waiting" else f"Ended: {made.goal.team.name}'s goal counts again.")
    return _back(request, made)


def _found(request: HttpRequest, pk: int) -> Exemption:
    rows = Exemption.objects.visible_to(access.person(request))
    return get_object_or_404(rows.select_related("goal__team", "goal__program", "goal__metric", "goal__rule"), pk=pk)


def _ledger(request: HttpRequest) -> tuple[bool, Program | None]:
    """Whether the form stood on a ledger, and on which program's."""
    key = request.POST.get("ledger", "")
    return bool(key), access.program(request, key) if key and key != EVERYTHING else None


def _refused(request: HttpRequest, made: Exemption, form: str, unfit: Unfit) -> HttpResponse:
    typed_in = {name: request.POST.get(name, "")[:4000].replace("\0", "") for name in ("text", "until")}
    on_ledger, program = _ledger(request)
    if on_ledger:
        return ledger.answer(
            request, program, now(), status=400, refused=made.pk, problem=str(unfit), typed=typed_in
        )  # fmt: skip
    return goal_page.answer(request, made.goal, now(), status=400, form=form, problem=str(unfit), typed=typed_in)


def _back(request: HttpRequest, made: Exemption) -> HttpResponse:
    on_ledger, program = _ledger(request)
    if on_ledger:
        return redirect("program-exemptions", program.key) if program else redirect("exemptions")
    return redirect("goal", made.goal.team.key, made.goal.program.key, made.goal.metric.key)

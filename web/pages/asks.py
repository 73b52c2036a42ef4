"""One ask: its page, how it goes as whoever was asked says, and what became of it, another day or other words."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.clock import now, today
from accounts.models import User
from program import wording
from program.typed_in import TypedIn
from reviews import asks
from reviews.models import Ask
from reviews.room import sentence_of
from teams import typed as typed_words
from teams.typed import Unfit
from web import access, ask_page

LONGEST = 500
GONE_ON = "Somebody changed it meanwhile: look at it again."


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The page."""
    return ask_page.answer(request, _seen(request, pk), now())


@require_POST
def say(request: HttpRequest, pk: int) -> HttpResponse:
    """Whoever was asked says how it goes: kept, not yet, cannot."""
    ask, user = _seen(request, pk), access.person(request)
    if not asks.may_say(user, ask):
        raise Http404("this is not asked of you")
    typed = access.typed(request)
    try:
        said = asks.answer(ask, typed["said"], typed["text"], now(), actor=user, via="page")
    except Unfit as unfit:
        return _refused(request, ask, "say", typed, unfit)
    messages.info(request, said)
    return redirect("ask", ask.pk)


@require_POST
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """What became of it: kept, missed, withdrawn; or it is open again."""
    ask, user, typed = _settled(request, pk), access.person(request), access.typed(request)
    try:
        words = _words(typed, "why", required=typed["state"] == "open")
        if typed["state"] == "open":
            done = asks.reopen(ask, now(), reason=words, actor=user)
        elif typed["state"] in asks.ENDS:
            done = asks.close(ask, typed["state"], now(), outcome=words, actor=user, via="page")
        else:
            raise Unfit("Kept, missed, withdrawn or open again was expected.")
    except Unfit as unfit:
        return _refused(request, ask, "settle", typed, unfit)
    messages.info(request, f"On record: {ask.state}." if done else GONE_ON)
    return redirect("ask", ask.pk)


@require_POST
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Another day for it."""
    ask, user, typed = _settled(request, pk), access.person(request), access.typed(request)
    due = typed.day("due")
    moment = now()
    try:
        if due is None:
            raise Unfit(typed.faults["due"])
        reason = _words(typed, "why another day", required=ask.due is not None)
        on = today(ask.program.review_zone, moment)
        done = asks.move(ask, due, moment, on=on, reason=reason, actor=user)
    except Unfit as unfit:
        return _refused(request, ask, "move", typed, unfit)
    messages.info(request, f"Due on {wording.day(due)} now." if done else GONE_ON)
    return redirect("ask", ask.pk)


@require_POST
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Other words for it, or it is asked of somebody else."""
    ask, user, typed = _settled(request, pk), access.person(request), access.typed(request)
    try:
        text = sentence_of(typed["text"], "what is asked")
        done = asks.edit(ask, now(), text=text, of=_person(user, typed["of"]), actor=user)
    except Unfit as unfit:
        return _refused(request, ask, "edit", typed, unfit)
    messages.info(request, "Kept." if done else "Nothing was changed.")
    return redirect("ask", ask.pk)


def _person(user: User, email: str) -> User | None:
    said = email.strip().lower()
    if not said:
        return None
    found = None if "\0" in said else User.objects.visible_to(user).filter(is_active=True, email=said[:254]).first()
    if found is None:
        raise Unfit("The e-mail of somebody who is known here was expected.")
    return found


def _words(typed: TypedIn, what: str, *, required: bool) -> str:
    found = " ".join(typed_words.text(typed["reason"], what, required=required).split())
    if len(found) > LONGEST:
        raise Unfit(f"At most {LONGEST} characters were expected: {what}.")
    return found


def _seen(request: HttpRequest, pk: int) -> Ask:
    """An ask that this person may see, or 404."""
    rows = Ask.objects.visible_to(access.person(request))
    return get_object_or_404(rows.select_related("program__sponsor", "review__program", "of").distinct(), pk=pk)


def _settled(request: HttpRequest, pk: int) -> Ask:
    """An ask that this person may do everything with, or 404."""
    ask = _seen(request, pk)
    if not asks.may_settle(access.person(request), ask):
        raise Http404("nothing is settled here")
    return ask


def _refused(request: HttpRequest, ask: Ask, form: str, typed: TypedIn, unfit: Unfit) -> HttpResponse:
    typed.faults = {form: str(unfit)}
    typed.values = {name: text.replace("\0", "\N{REPLACEMENT CHARACTER}") for name, text in typed.values.items()}
    return ask_page.answer(request, ask, now(), form=form, typed=typed)

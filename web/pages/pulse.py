"""The page behind the links of a pulse: two questions to one lead before one review, changeable until the brief.

The signed token is the authority, not a session: it lets its holder answer in its receiver's name, signs nobody in,
and looking at the page changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import throttle
from accounts.clock import now
from nudges.answer_links import Over
from nudges.links import BadLink
from program import wording
from reviews import pulse as pulses
from reviews.days import freeze_at
from reviews.models import Pulse
from teams.typed import Unfit
from web import by_token, waits_told

CHOICES = [(Pulse.Helps.YES, "yes, it helps"), (Pulse.Helps.PARTLY, "partly"), (Pulse.Helps.NO, "no, it does not")]
SHOWN_AT_MOST = 2000
INSTEAD = "You are asked before each review."
MAIL = "mail"


@dataclass(frozen=True)
class Context:
    """The two questions, with what was answered or typed."""

    pulse: Pulse
    day: str
    until: str
    stands: str
    """what is noted, in words; empty: nothing"""
    readers: str
    choices: Sequence[tuple[str, str]]
    chosen: str
    words: str
    problem: str
    here: str
    who: str
    longest: int = pulses.LONGEST


@csrf_exempt  # The signed token is the authority; a form in a mail program's window sends no cookie.
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pulse(request: HttpRequest, token: str, choice: str = "") -> HttpResponse:
    """The two questions, perhaps opened on an answer; its POST answers."""
    if choice and choice not in Pulse.Helps.values:
        raise Http404
    try:
        found = pulses.read(token)
        if request.method != "POST":
            return _page(request, _context(found, token, choice))
        taken = throttle.take((throttle.ANSWER, str(found.person_id)), now=now())
        if taken.wait is not None:
            page = _page(request, _context(found, token, choice, request, waits_told.words(taken.wait)), 429)
            return waits_told.told(page, taken.wait)
        _act(request, found)
    except BadLink:
        return by_token.cut_short(request, INSTEAD)
    except Over as why:
        return by_token.over(request, why, INSTEAD, "These questions are over")
    except Unfit as unfit:
        return _page(request, _context(found, token, choice, request, str(unfit)), 400)
    return redirect(reverse("pulse", args=[token]))


def _act(request: HttpRequest, found: Pulse) -> None:
    if request.POST.get("do") == "back":
        pulses.take_back(found, now(), via=MAIL)
    else:
        pulses.answer(found, request.POST.get("helps", ""), request.POST.get("in_the_way", ""), now(), via=MAIL)


def _context(found: Pulse, token: str, choice: str, sent: HttpRequest | None = None, problem: str = "") -> Context:
    review = found.review
    until = freeze_at(review)
    typed = sent.POST if sent is not None else {}
    return Context(
        pulse=found,
        day=wording.weekday(review.local_start.date()),
        until=f"{wording.weekday(until.date())}, {until:%H:%M} ({review.zone})",
        stands=_stands(found),
        readers=pulses.readers_of(review.program).said,
        choices=CHOICES,
        chosen=str(typed.get("helps", choice or found.helps)),
        words=str(typed.get("in_the_way", found.in_the_way)).replace("\0", "")[:SHOWN_AT_MOST],
        problem=problem,
        here=reverse("pulse", args=[token]),
        who=found.person.email,
    )


def _stands(found: Pulse) -> str:
    if found.answered_at is None:
        return ""
    return f"{found.review.program.name}: {pulses.HELPS[Pulse.Helps(found.helps)]}"


def _page(request: HttpRequest, context: Context, status: int = 200) -> HttpResponse:
    return by_token.page(request, "pages/pulse.html", vars(context), status)

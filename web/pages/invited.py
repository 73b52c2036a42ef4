"""The page behind the link of an invite: its receiver accepts, declines or says perhaps.

The signed token is the authority, not a session: it lets its holder reply to that one invite in its receiver's name,
signs nobody in, and looking at the page changes nothing.
"""

from __future__ import annotations

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
from reviews import invites, replies, reply_links
from web import by_token, waits_told

VIA = "mail page"
INSTEAD = "Reviews to come stand on your home page, after signing in."


@dataclass(frozen=True)
class Context:
    """The page of the three replies; `said` is the one that counts, `chosen` what its link said."""

    program: str
    day: str
    hours: str
    said: str
    chosen: str
    here: str
    who: str
    fault: str = ""


@csrf_exempt  # The signed token is the authority; a form in a mail program's window sends no cookie.
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reply(request: HttpRequest, token: str, choice: str = "") -> HttpResponse:
    """The three replies; its POST takes one."""
    if choice and choice not in reply_links.CHOICES:
        raise Http404
    try:
        asked = reply_links.read(token, now())
    except BadLink:
        return by_token.cut_short(request, INSTEAD)
    except Over as why:
        return by_token.over(request, why, INSTEAD)
    if request.method != "POST":
        return _choices(request, asked, token, choice)
    taken = throttle.take((throttle.ANSWER, str(asked.person.pk)), now=now())
    if taken.wait is not None:
        page = _choices(request, asked, token, choice, fault=waits_told.words(taken.wait), status=429)
        return waits_told.told(page, taken.wait)
    said = reply_links.CHOICES.get(request.POST.get("reply", ""))
    if said is None:
        fault = f"One of {', '.join(reply_links.CHOICES)} was expected."
        return _choices(request, asked, token, choice, fault=fault, status=400)
    try:
        replies.say(asked.review, asked.person, said, asked.sequence, now(), via=VIA)
    except replies.NotTaken as why:  # replaced between the look and the press
        return _choices(request, asked, token, choice, fault=str(why), status=400)
    return redirect(reverse("invite-reply", args=[token]))


def _choices(
    request: HttpRequest, asked: reply_links.Invited, token: str, choice: str, *, fault: str = "", status: int = 200
) -> HttpResponse:
    review = asked.review
    start = review.local_start
    context = Context(
        program=review.program.name,
        day=f"{wording.weekday(start.date())} {start.year}",
        hours=f"{start:%H:%M} to {review.ends_at.astimezone(start.tzinfo):%H:%M} ({review.zone})",
        said=invites.replies(review).get(asked.person.pk, ""),
        chosen=choice,
        here=reverse("invite-reply", args=[token]),
        who=asked.person.email,
        fault=fault,
    )
    return by_token.page(request, "pages/invited.html", vars(context), status)

"""The pages behind the links of a digest: what its receiver answers for one goal, and whether the mail was useful.

The signed token is the authority, not a session: it lets its holder answer in its receiver's name for that one goal (or
say a word on that one digest), signs nobody in, and looking at the page changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import throttle
from accounts.clock import now
from nudges import answer_links, wishes
from nudges.answer_links import Over
from nudges.links import BadLink
from nudges.models import Digest
from teams.goal_facts import GoalFacts
from teams.goal_words import sentence
from teams.models import Goal
from teams.typed import Unfit
from web import by_token, replying, waits_told
from web.replying import Replies

INSTEAD = "What can be answered now stands on the scorecard of the team, after signing in."
VOTES = {"yes": True, "no": False}
MAIL = "mail"
"""By which way an answer came, in the audit log."""


@dataclass(frozen=True)
class Context:
    """The page of choices."""

    goal: Goal
    facts: GoalFacts | None
    sentence: str
    who: str
    replies: Replies
    here: str
    taken_back: bool
    last_day: date


@dataclass(frozen=True)
class VoteContext:
    """The page of a digest. `useful` is what was said of it, `chosen` what its link said."""

    digest: Digest
    useful: bool | None
    chosen: str
    here: str
    who: str


@csrf_exempt  # The signed token is the authority; a form in a mail program's window sends no cookie.
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def answer(request: HttpRequest, token: str, choice: str = "") -> HttpResponse:
    """The choices for one goal, perhaps opened on one; its POST answers."""
    if choice and choice not in answer_links.CHOICES:
        raise Http404
    try:
        asked = answer_links.read(token, now())
    except BadLink:
        return by_token.cut_short(request, INSTEAD)
    except Over as why:
        return by_token.over(request, why, INSTEAD)
    if request.method != "POST":
        return _choices(request, asked, token, choice)
    taken = throttle.take((throttle.ANSWER, str(asked.person.pk)), now=now())
    if taken.wait is not None:
        page = _choices(request, asked, token, choice, problem=waits_told.words(taken.wait), status=429)
        return waits_told.told(page, taken.wait)
    do = request.POST.get("do", "")
    try:
        replying.act(asked.goal, asked.person, request.POST, now(), via=MAIL)
    except Unfit as unfit:
        return _choices(request, asked, token, do or choice, problem=str(unfit), status=400)
    back = "?taken=back" if do in replying.BACK.values() else ""
    return redirect(f"{reverse('answer', args=[token])}{back}")


def _choices(
    request: HttpRequest, asked: answer_links.Asked, token: str, choice: str, *, problem: str = "", status: int = 200
) -> HttpResponse:
    goal = asked.goal
    facts = replying.facts_of(goal, now())
    sent = replying.sent(request.POST) if problem else None
    context = Context(
        goal=goal,
        facts=facts,
        sentence=sentence(facts) if facts else "",
        who=asked.person.email,
        replies=replying.replies(goal, asked.person, facts, now(), chosen=choice, problem=problem, sent=sent),
        here=reverse("answer", args=[token]),
        taken_back=request.GET.get("taken") == "back",
        last_day=asked.last_day,
    )
    return by_token.page(request, "pages/answer.html", vars(context), status)


@csrf_exempt
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def vote(request: HttpRequest, token: str, choice: str = "") -> HttpResponse:
    """Whether one digest was useful; its POST says so, or takes the word back."""
    if choice and choice not in VOTES:
        raise Http404
    try:
        digest = answer_links.read_vote(token, now())
    except BadLink:
        return by_token.cut_short(request, INSTEAD)
    except Over as why:
        return by_token.over(request, why, INSTEAD)
    here = reverse("vote", args=[token])
    if request.method != "POST":
        held = getattr(digest, "vote", None)
        useful = held.useful if held else None
        shown = VoteContext(digest, useful, choice, here, digest.person.email)
        return by_token.page(request, "pages/vote.html", vars(shown))
    useful_said = request.POST.get("useful", "")
    if useful_said in VOTES:
        wishes.vote(digest, useful=VOTES[useful_said], now=now(), via=MAIL)
    elif useful_said == "back":
        wishes.unvote(digest, now(), via=MAIL)
    else:
        shown = VoteContext(digest, None, choice, here, digest.person.email)
        return by_token.page(request, "pages/vote.html", vars(shown), 400)
    return redirect(here)

"""A goal: why it is the team's, its history, and what a team and an owner say to each other about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.clock import now
from accounts.models import User
from program import wording
from teams import answering, exempting, proposing, renegotiating, typed
from teams.models import Answer, Goal, Proposal
from teams.typed import Unfit
from web import access, goal_page, replying

FIELDS = ("target", "due", "reason", "rebaseline", "why", "text", "from", "until")
LONGEST_SHOWN = 4000


@require_safe
def goal(request: HttpRequest, key: str, program_key: str, metric_key: str) -> HttpResponse:
    """The page of one goal."""
    return goal_page.answer(request, _goal(request, key, program_key, metric_key), now())


@require_safe
def meaning(request: HttpRequest, key: str, program_key: str, metric_key: str) -> HttpResponse:
    """What other terms would mean, in words, while they are typed: for who may propose or set them."""
    found = _goal(request, key, program_key, metric_key)
    may = goal_page.may(access.person(request), found)
    if not (may.propose or may.answer):
        raise Http404
    try:
        said = _meaning(request.GET.get, found, may_rebaseline=may.answer)
    except Unfit as unfit:
        return JsonResponse({"said": str(unfit), "fits": False})
    return JsonResponse({"said": said, "fits": True})


def _meaning(read: Callable[[str, str], str], found: Goal, *, may_rebaseline: bool) -> str:
    target, due = _target_and_due(read, found)
    rebaseline = may_rebaseline and bool(read("rebaseline", ""))
    asked = renegotiating.meaning(found, now(), target=target, due=due, rebaseline=rebaseline)
    return goal_page.meaning_said(found, asked)


def _target_and_due(read: Callable[[str, str], str], found: Goal) -> tuple[float | None, date | None]:
    version = renegotiating.newest_terms(found).metric_version
    return typed.number(read("target", ""), version), typed.day(read("due", ""), "due day")


@require_POST
def propose(request: HttpRequest, key: str, program_key: str, metric_key: str) -> HttpResponse:
    """Propose another target or due day; or first see what it would mean."""
    found = _goal(request, key, program_key, metric_key)
    user = access.person(request)
    if not goal_page.may(user, found).propose:
        raise Http404

    def act() -> str:
        target, due = _target_and_due(request.POST.get, found)
        reason = typed.text(request.POST.get("reason", ""), "why other terms")
        proposing.propose(found, target=target, due=due, reason=reason, by=user, now=now())
        return _with_end(f"Proposed. {_owners(found)} answers, here and at home.", found, due)

    return _act(request, found, "propose", act)


@require_POST
def say(request: HttpRequest, key: str, program_key: str, metric_key: str) -> HttpResponse:
    """Answer for the goal as from its mail: on it, blocked, done, not ours, the number is wrong, no more mail of it."""
    found = _goal(request, key, program_key, metric_key)
    user = access.person(request)
    if not goal_page.may(user, found).say:
        raise Http404
    try:
        messages.info(request, replying.act(found, user, request.POST, now(), via="page"))
    except Unfit as unfit:
        sent = replying.sent(request.POST)
        return goal_page.answer(request, found, now(), status=400, form="say", problem=str(unfit), typed=sent)
    return redirect("goal", found.team.key, found.program.key, found.metric.key)


@require_POST
def end_answer(request: HttpRequest, key: str, program_key: str, metric_key: str, pk: int) -> HttpResponse:
    """An owner asks again who said that a goal is not theirs; or somebody takes their answer back."""
    found = _goal(request, key, program_key, metric_key)
    user = access.person(request)
    made = get_object_or_404(Answer.objects.visible_to(user).filter(goal=found).select_related("person"), pk=pk)
    if not answering.may_take_back(made, user):
        raise Http404
    gone = answering.take_back(made, by=user, now=now(), via="page")
    messages.info(request, f"{made.person} is told of this goal again." if gone else "That answer stood no more.")
    return redirect("goal", found.team.key, found.program.key, found.metric.key)


@require_POST
def set_terms(request: HttpRequest, key: str, program_key: str, metric_key: str) -> HttpResponse:
    """An owner gives this team other terms, or takes its baseline anew."""
    found = _goal(request, key, program_key, metric_key)
    user = _owner(request, found)

    def act() -> str:
        target, due = _target_and_due(request.POST.get, found)
        reason = typed.text(request.POST.get("reason", ""), "why these terms, for the goal's history")
        rebaseline = bool(request.POST.get("rebaseline"))
        renegotiating.agree(found, target=target, due=due, rebaseline=rebaseline, by=user, reason=reason, now=now())
        anew = " Its baseline comes with the next daily judgment." if rebaseline else ""
        return _with_end(f"{found.team.name} has its own terms from today on.{anew}", found, due)

    return _act(request, found, "terms", act, may_rebaseline=True)


@require_POST
def withdraw(request: HttpRequest, key: str, program_key: str, metric_key: str, pk: int) -> HttpResponse:
    """Take a proposal back."""
    found = _goal(request, key, program_key, metric_key)
    user = access.person(request)
    made = _proposal(found, pk)
    if not goal_page.may(user, found).propose:
        raise Http404

    def act() -> str:
        proposing.withdraw(made, by=user, now=now())
        return "Taken back."

    return _act(request, found, "answer", act)


@require_POST
def answer(request: HttpRequest, key: str, program_key: str, metric_key: str, pk: int) -> HttpResponse:
    """Accept a proposal or decline it, with words."""
    found = _goal(request, key, program_key, metric_key)
    user = _owner(request, found)
    made = _proposal(found, pk)
    what = request.POST.get("answer", "")

    def act() -> str:
        if what == "accept":
            words = typed.text(request.POST.get("text", ""), "a word to the team", required=False)
            proposing.accept(made, text=words, by=user, now=now())
            return _with_end(f"Accepted: these are {found.team.name}'s terms from today on.", found, made.due)
        if what == "decline":
            words = typed.text(request.POST.get("text", ""), "why not, for the team")
            proposing.decline(made, text=words, by=user, now=now())
            return f"Declined: {found.team.name}'s terms stay as they were."
        raise Unfit("Accept or decline was expected.")

    return _act(request, found, "answer", act)


@require_POST
def exempt(request: HttpRequest, key: str, program_key: str, metric_key: str) -> HttpResponse:
    """Ask that the goal rests for a while."""
    found = _goal(request, key, program_key, metric_key)
    user = access.person(request)
    if not goal_page.may(user, found).ask:
        raise Http404

    def act() -> str:
        read = request.POST.get
        made = exempting.ask(
            found,
            reason=read("why", ""),
            text=typed.text(read("text", ""), "what its owner should know"),
            from_day=typed.day(read("from", ""), "first day"),
            until=typed.day(read("until", ""), "last day"),
            by=user,
            now=now(),
        )
        first, last = wording.day(made.from_day), wording.day(made.until_day)
        return f"Asked for {first} to {last}. {_owners(found)} answers, here and at home; until then nothing changes."

    return _act(request, found, "exempt", act)


def _act(
    request: HttpRequest, found: Goal, form: str, act: Callable[[], str], *, may_rebaseline: bool = False
) -> HttpResponse:
    """Do it and go to the page, which says so; or show the form again with what was expected and all that was typed."""
    typed_in = {name: request.POST.get(name, "")[:LONGEST_SHOWN].replace("\0", "") for name in FIELDS}
    try:
        if request.POST.get("act") == "preview":
            said = _meaning(request.POST.get, found, may_rebaseline=may_rebaseline)
            return goal_page.answer(request, found, now(), form=form, means=said, typed=typed_in)
        messages.info(request, act())
    except Unfit as unfit:
        return goal_page.answer(request, found, now(), status=400, form=form, problem=str(unfit), typed=typed_in)
    return redirect("goal", found.team.key, found.program.key, found.metric.key)


def _goal(request: HttpRequest, key: str, program_key: str, metric_key: str) -> Goal:
    return access.goal(request, access.team(request, key), program_key, metric_key)


def _proposal(found: Goal, pk: int) -> Proposal:
    rows = Proposal.objects.select_related("goal__team", "goal__program", "goal__metric", "made_by")
    return get_object_or_404(rows, goal=found, pk=pk)


def _owner(request: HttpRequest, found: Goal) -> User:
    user = access.person(request)
    if not goal_page.may(user, found).answer:
        raise Http404
    return user


def _with_end(said: str, found: Goal, due: date | None) -> str:
    """What was done, with a word where the due day that was asked for lies after the program's end."""
    return f"{said} {renegotiating.after_the_end(found.program, due) if due else ''}".strip()


def _owners(found: Goal) -> str:
    return f"An owner of {found.program.name}"

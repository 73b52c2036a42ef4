"""The limit of live programs of a team or a group: what it is, what another one would mean, and setting it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from accounts.clock import now
from program import wording
from program.typed_in import TypedIn
from teams import limits
from teams.models import Team
from web import access, queue_words
from web.render import page

VIA = "page"


@dataclass
class Context:
    """The limit of a team or a group. `said` is what the number in the form means; `looked` says that it was typed."""

    template: ClassVar[str] = "pages/limit.html"
    here: ClassVar[str] = "teams"
    node: Team
    holds: str
    value: str
    reason: str
    said: Sequence[str]
    looked: bool
    fault: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
def team(request: HttpRequest, key: str) -> HttpResponse:
    """The limit of a team."""
    return _limit(request, access.team(request, key))


@require_http_methods(["GET", "HEAD", "POST"])
def group(request: HttpRequest, key: str) -> HttpResponse:
    """The limit of each team below a group."""
    return _limit(request, access.group(request, key))


def _limit(request: HttpRequest, node: Team) -> HttpResponse:
    """See it; what another number would mean (`do=look`); or set it."""
    user = access.person(request)
    if not limits.may_set(user, node):
        raise Http404("the limit is set by an administrator or the group's leader")
    typed = access.typed(request)
    if request.method != "POST":
        return _show(request, node, TypedIn({"limit": _text(node.program_limit)}), looked=False)
    limit, reason = _number(typed), typed.text("reason", most=500)
    if typed.faults or typed["do"] == "look":
        return _show(request, node, typed, looked=True)
    limits.set_limit(node, limit, now=now(), by=user, reason=reason, via=VIA)
    messages.info(request, "Kept.")
    return redirect("team" if node.leaf else "group", node.key)


def _show(request: HttpRequest, node: Team, typed: TypedIn, *, looked: bool) -> HttpResponse:
    limit = _number(typed)
    said = [] if typed.faults else queue_words.of_outlook(limits.outlook(node, limit), node, limit)
    fault = next(iter(typed.faults.values()), "")
    context = Context(node, _holds(node), typed["limit"], typed["reason"], said, looked, fault)
    return page(request, context, status=400 if fault else 200)


def _holds(node: Team) -> str:
    """Whose limit holds now."""
    setter = limits.set_by(node, Team.objects.in_bulk())
    if setter is None:
        return f"{node.name} has no limit, nor has a group above it."
    most = wording.count(setter.program_limit or 0, "live program")
    where = "" if setter.pk == node.pk else f", as {setter.name} says"
    return f"At most {most} at once {'for' if node.leaf else 'for each team of'} {node.name}{where}."


def _number(typed: TypedIn) -> int | None:
    return typed.whole("limit", least=0, most=limits.MOST) if typed["limit"].strip() else None


def _text(limit: int | None) -> str:
    return "" if limit is None else str(limit)

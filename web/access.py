"""Who may see and do what on pages, composed from each room's `visible_to`; out of scope is not found."""

from __future__ import annotations

from datetime import date
from typing import cast

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from accounts.clock import day_of
from accounts.models import User
from program.models import Feed, Metric, MetricQuerySet, Program
from teams.models import Goal, GoalQuerySet, Team


def person(request: HttpRequest) -> User:
    """Who is signed in; LoginRequiredMiddleware saw to it that somebody is."""
    return cast(User, request.user)


def team(request: HttpRequest, key: str) -> Team:
    """A team this person may see, or 404."""
    return get_object_or_404(Team.objects.visible_to(person(request)).leaves().select_related("parent"), key=key)


def group(request: HttpRequest, key: str) -> Team:
    """A group this person may see, or 404."""
    return get_object_or_404(Team.objects.visible_to(person(request)).filter(leaf=False), key=key)


def goals(request: HttpRequest) -> GoalQuerySet:
    """The goals this person may see."""
    return Goal.objects.visible_to(person(request))


def program(request: HttpRequest, key: str) -> Program:
    """A program this person may see, or 404."""
    return get_object_or_404(Program.objects.visible_to(person(request)).select_related("sponsor"), key=key)


def owned_program(request: HttpRequest, key: str) -> Program:
    """A program this person owns, or 404."""
    return get_object_or_404(Program.objects.run_by(person(request)), key=key)


def feed(request: HttpRequest, key: str) -> Feed:
    """A feed of a program this person may see, or 404."""
    return get_object_or_404(Feed.objects.visible_to(person(request)).select_related("program"), key=key)


def owned_feed(request: HttpRequest, key: str) -> Feed:
    """A feed of a program this person owns, or 404."""
    return get_object_or_404(
        Feed.objects.filter(program__in=Program.objects.run_by(person(request))).select_related("program"), key=key
    )


def metric(request: HttpRequest, key: str) -> Metric:
    """A metric that this person may see, or 404."""
    return get_object_or_404(Metric.objects.visible_to(person(request)).select_related("program"), key=key)


def metrics(request: HttpRequest) -> MetricQuerySet:
    """The metrics that this person may see."""
    return Metric.objects.visible_to(person(request))


def owned_metric(request: HttpRequest, key: str) -> Metric:
    """A metric of a program this person owns, or 404."""
    return get_object_or_404(Metric.objects.run_by(person(request)).select_related("program"), key=key)


def owns(user: User, program: Program | None) -> bool:
    """Whether a person runs a program (an administrator runs all, and what belongs to none)."""
    if program is None or user.is_superuser:
        return user.is_superuser
    return Program.objects.run_by(user).filter(pk=program.pk).exists()


def settles_ownership(request: HttpRequest) -> bool:
    """Whether this person may say who owns what: an administrator, or whoever runs a live program."""
    user = person(request)
    return user.is_superuser or Program.objects.run_by(user).live().exists()


def day(request: HttpRequest, present: date, name: str = "on") -> date:
    """The day that the address asks for with ?on= (or another name), or the present one. 404 when it is no day."""
    text = request.GET.get(name, "")
    if not text:
        return present
    try:
        return day_of(text)
    except ValueError:
        return _not_a_day(text)


def _not_a_day(text: str) -> date:
    raise Http404(f"{text[:20]!a} is no day; 2026-01-31 was expected")

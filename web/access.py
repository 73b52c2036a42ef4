"""Who may see and do what on pages, composed from each room's `visible_to`; out of scope is not found."""

from __future__ import annotations

from datetime import date
from typing import TypeVar, cast

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest

from accounts.clock import day_of
from accounts.models import User
from program.models import Feed, FeedQuerySet, Metric, MetricQuerySet, Program, ScoreVersion
from program.typed_in import TypedIn
from reviews.models import programs_reviewed_by
from teams.lifecycle import has_ended
from teams.models import Goal, GoalQuerySet, Team

EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)
"""The days that pages know: a century more or less would only meet the end of the calendar."""


MOST_SUGGESTED = 200


def person(request: HttpRequest) -> User:
    """Who is signed in; LoginRequiredMiddleware saw to it that somebody is."""
    return cast(User, request.user)


Row = TypeVar("Row", bound=Model)


def _found(rows: QuerySet[Row], key: str) -> Row:
    """The row of this key among those, or 404; also for a key that no database could hold."""
    row = None if "\0" in key else rows.filter(key=key).first()
    if row is None:
        raise Http404(f"{key[:40]!a} is not here")
    return row


def team(request: HttpRequest, key: str) -> Team:
    """A team this person may see, or 404."""
    return _found(Team.objects.visible_to(person(request)).leaves().select_related("parent"), key)


def group(request: HttpRequest, key: str) -> Team:
    """A group this person may see, or 404."""
    return _found(Team.objects.visible_to(person(request)).filter(leaf=False), key)


def goals(request: HttpRequest) -> GoalQuerySet:
    """The goals this person may see."""
    return Goal.objects.visible_to(person(request))


def goal(request: HttpRequest, found: Team, program_key: str, metric_key: str) -> Goal:
    """A goal of a team that this person may see, by its program and metric; or 404."""
    rows = goals(request).filter(team=found).select_related("program", "metric", "team", "rule")
    row = None
    if "\0" not in program_key + metric_key:
        row = rows.filter(program__key=program_key, metric__key=metric_key).first()
    if row is None:
        raise Http404(f"{found.key} has no such goal")
    return row


def program(request: HttpRequest, key: str) -> Program:
    """A program this person may see, or 404."""
    return _found(Program.objects.visible_to(person(request)).select_related("sponsor"), key)


def reviewed_program(request: HttpRequest, key: str) -> Program:
    """A program in whose reviews this person sits, or 404."""
    return _found(programs_reviewed_by(person(request)).select_related("sponsor").distinct(), key)


def owned_program(request: HttpRequest, key: str) -> Program:
    """A program this person owns, or 404."""
    return _found(Program.objects.run_by(person(request)), key)


class Ended(Exception):
    """Something was sent to change a program that is over. `web/ended.py` says so on its desk."""

    def __init__(self, program: Program) -> None:
        super().__init__(f"{program.key} is over")
        self.program = program


def desk_program(request: HttpRequest, key: str) -> Program:
    """A program this person owns, to look at, or to change while it is not over; or 404. Raises Ended."""
    found = owned_program(request, key)
    if request.method == "POST" and has_ended(found):
        raise Ended(found)
    return found


def typed(request: HttpRequest) -> TypedIn:
    """What was typed into the form that was sent."""
    return TypedIn(request.POST.dict(), {name: request.POST.getlist(name) for name in request.POST})


def feed(request: HttpRequest, key: str) -> Feed:
    """A feed of a program this person may see, or 404."""
    return _found(Feed.objects.visible_to(person(request)).select_related("program"), key)


def owned_feed(request: HttpRequest, key: str) -> Feed:
    """A feed of a program this person owns, or 404."""
    return _found(
        Feed.objects.filter(program__in=Program.objects.run_by(person(request))).select_related("program"), key
    )


def metric(request: HttpRequest, key: str) -> Metric:
    """A metric that this person may see, or 404."""
    return _found(Metric.objects.visible_to(person(request)).select_related("program"), key)


def feeds(request: HttpRequest) -> FeedQuerySet:
    """The feeds that this person may see."""
    return Feed.objects.visible_to(person(request))


def scores(request: HttpRequest) -> list[ScoreVersion]:
    """Versions of composite scores whose every part this person may see, in the order of their numbers."""
    seen = set(metrics(request).order_by().values_list("key", flat=True))
    held = ScoreVersion.objects.order_by("key", "number")
    return [one for one in held if all(part["metric"] in seen for part in one.parts)]


def metrics(request: HttpRequest) -> MetricQuerySet:
    """The metrics that this person may see."""
    return Metric.objects.visible_to(person(request))


def owned_metric(request: HttpRequest, key: str) -> Metric:
    """A metric of a program this person owns, or 404."""
    return _found(Metric.objects.run_by(person(request)).select_related("program"), key)


def owns(user: User, program: Program | None) -> bool:
    """Whether a person runs a program (an administrator runs all, and what belongs to none)."""
    if program is None:
        return user.is_superuser and not user.reads_only
    return Program.objects.run_by(user).filter(pk=program.pk).exists()


def settles_ownership(request: HttpRequest) -> bool:
    """Whether this person may say who owns what: an administrator, or whoever runs a live program."""
    user = person(request)
    return owns(user, None) or Program.objects.run_by(user).live().exists()


def suggested(request: HttpRequest) -> list[User]:
    """People to suggest where an e-mail is typed: of those this person sees, who may enter. One query."""
    found = User.objects.visible_to(person(request)).filter(is_active=True)
    return list(found.only("email", "name").order_by("name", "email")[:MOST_SUGGESTED])


def may_invite(request: HttpRequest) -> bool:
    """Whether this person may invite others: an administrator, or whoever runs a program."""
    user = person(request)
    return not user.reads_only and (user.is_superuser or Program.objects.run_by(user).exists())


def day(request: HttpRequest, present: date, name: str = "on") -> date:
    """The day that the address asks for with ?on= (or another name), or the present one. 404 when it is no day."""
    text = request.GET.get(name, "")
    if not text:
        return present
    try:
        found = day_of(text)
        return found if EARLIEST <= found <= LATEST else _not_a_day(text)
    except ValueError:
        return _not_a_day(text)


def _not_a_day(text: str) -> date:
    raise Http404(f"{text[:20]!a} is no day; 2026-01-31 was expected")
